package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Rotation is the wish to replace a refresh token by its successor.
type Rotation struct {
	Hash      string        // of the token presented
	Successor string        // hash of the one token that may follow it
	Site      string        // where it was presented
	Now       time.Time     //
	Grace     time.Duration // how long the token just replaced still gives its successor
	Idle      time.Duration // life of a token
	Absolute  time.Duration // life of a family
}

// Outcome is what became of a Rotation.
type Outcome uint8

// The outcomes. A family is live in the first two.
const (
	Rotated  Outcome = iota // the successor is new
	Repeated                // the token had just been replaced; its successor is still the newest
	Unknown                 // no such token at that site
	Expired                 // the token or its family is too old
	Reused                  // replaced long ago: stolen by someone, so the family has ended
)

// StartFamily begins a session with its first refresh token. NotFound when
// there is no such user.
func (s *Store) StartFamily(ctx context.Context, x Session, tokenHash string) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		if err := addSession(ctx, tx, x); err != nil {
			return err
		}
		return addRefreshToken(ctx, tx, tokenHash, x.ID, 1, x.Created, x.Expires)
	})
}

func addRefreshToken(ctx context.Context, tx *sql.Tx, hash, session string, generation int64, created, expires time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO refresh_tokens (hash, session_id, generation, created, expires, replaced)
		VALUES ($1, $2, $3, $4, $5, 0)`, hash, session, generation, ms(created), ms(expires))
	return err
}

// Rotate replaces a refresh token. Of many at once, one conditional UPDATE wins
// and makes the successor; the others find it. The session is that of the
// family, zero when the outcome is Unknown. A failure changes nothing, so that
// the same token may be presented again.
func (s *Store) Rotate(ctx context.Context, r Rotation) (x Session, out Outcome, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		var generation int64
		x, err = scanSession(tx.QueryRowContext(ctx, `
			SELECT `+sessionColumns+` FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
			JOIN users u ON u.id = s.user_id
			WHERE t.hash = $1 AND s.site = $2 AND u.disabled = 0`, r.Hash, r.Site))
		if errors.Is(err, sql.ErrNoRows) {
			out = Unknown
			return nil
		}
		if err != nil {
			return err
		}
		if !x.Expires.After(r.Now) {
			out = Expired
			return nil
		}
		err = tx.QueryRowContext(ctx, `
			UPDATE refresh_tokens SET replaced = $2 WHERE hash = $1 AND replaced = 0 AND expires > $2
			RETURNING generation`, r.Hash, ms(r.Now)).Scan(&generation)
		if errors.Is(err, sql.ErrNoRows) {
			out, err = replacedBefore(ctx, tx, r, x.ID)
			return err
		}
		if err != nil {
			return err
		}
		out = Rotated
		x.Seen, x.Expires = r.Now, earlier(r.Now.Add(r.Idle), x.Created.Add(r.Absolute))
		if err := addRefreshToken(ctx, tx, r.Successor, x.ID, generation+1, r.Now, x.Expires); err != nil {
			return err
		}
		return touchSession(ctx, tx, x.ID, x.Seen, x.Expires)
	})
	return x, out, err
}

// replacedBefore decides about a token that is not the newest of its family.
func replacedBefore(ctx context.Context, tx *sql.Tx, r Rotation, session string) (Outcome, error) {
	var replaced, next int64
	err := tx.QueryRowContext(ctx, `
		SELECT t.replaced, (SELECT count(*) FROM refresh_tokens n WHERE n.hash = $2 AND n.session_id = $3 AND n.replaced = 0)
		FROM refresh_tokens t WHERE t.hash = $1`, r.Hash, r.Successor, session).Scan(&replaced, &next)
	switch {
	case err != nil:
		return Unknown, err
	case replaced == 0:
		return Expired, nil
	case next == 1 && !r.Now.After(at(replaced).Add(r.Grace)):
		return Repeated, nil
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE id = $1`, session)
	return Reused, err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
