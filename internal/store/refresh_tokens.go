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
	Agent     string        // of the client that presented it
	Address   string        // where that was
	Now       time.Time     //
	Idle      time.Duration // life of a token
	Absolute  time.Duration // life of a family
	// Again says whether a token that was replaced before is good for the newest
	// of its family; else the family ends. It must not use the store.
	Again func(Replaced) bool
}

// Replaced is a refresh token that is not the newest of its family.
type Replaced struct {
	Family  Session   // with the agent and the address of its last rotation
	At      time.Time // when it was replaced
	Younger int       // how many came after it; the last of them is the newest
}

// Verdict is what became of a Rotation.
type Verdict struct {
	Outcome Outcome
	Session Session // the family; zero when the outcome is Unknown
	Younger int     // with Repeated: how many tokens came after the one presented
}

// Outcome is what a Rotation came to.
type Outcome uint8

// The outcomes. A family is live in the first two.
const (
	Rotated  Outcome = iota // the successor is new
	Repeated                // the token was replaced before, and Again said that it is good for the newest
	Unknown                 // no such token at that site
	Expired                 // the token or its family is too old
	Reused                  // replaced before, and not good any more: stolen by someone, so the family has ended
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
// and makes the successor; the others find it. A failure changes nothing, so
// that the same token may be presented again.
func (s *Store) Rotate(ctx context.Context, r Rotation) (out Verdict, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		out = Verdict{}
		x, err := scanSession(tx.QueryRowContext(ctx, `
			SELECT `+sessionColumns+` FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
			JOIN users u ON u.id = s.user_id
			WHERE t.hash = $1 AND s.site = $2 AND u.disabled = 0`, r.Hash, r.Site))
		if errors.Is(err, sql.ErrNoRows) {
			out.Outcome = Unknown
			return nil
		}
		if err != nil {
			return err
		}
		out.Session = x
		if !x.Expires.After(r.Now) {
			out.Outcome = Expired
			return nil
		}
		var generation int64
		err = tx.QueryRowContext(ctx, `
			UPDATE refresh_tokens SET replaced = $2 WHERE hash = $1 AND replaced = 0 AND expires > $2
			RETURNING generation`, r.Hash, ms(r.Now)).Scan(&generation)
		if errors.Is(err, sql.ErrNoRows) {
			return replacedBefore(ctx, tx, r, &out)
		}
		if err != nil {
			return err
		}
		return replace(ctx, tx, r, generation+1, &out)
	})
	return out, err
}

// replace adds the successor of a token, and notes where it went.
func replace(ctx context.Context, tx *sql.Tx, r Rotation, generation int64, out *Verdict) error {
	x := &out.Session
	x.Seen, x.Expires = r.Now, earlier(r.Now.Add(r.Idle), x.Created.Add(r.Absolute))
	x.Agent, x.Address = r.Agent, r.Address
	if err := addRefreshToken(ctx, tx, r.Successor, x.ID, generation, r.Now, x.Expires); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sessions SET agent = $2, address = $3 WHERE id = $1`, x.ID, x.Agent, x.Address); err != nil {
		return err
	}
	return touchSession(ctx, tx, x.ID, x.Seen, x.Expires)
}

// replacedBefore decides about a token that is not the newest of its family, or
// has grown old.
func replacedBefore(ctx context.Context, tx *sql.Tx, r Rotation, out *Verdict) error {
	var replaced, expires, generation, newest int64
	err := tx.QueryRowContext(ctx, `
		SELECT t.replaced, t.expires, t.generation,
			COALESCE((SELECT max(n.generation) FROM refresh_tokens n WHERE n.session_id = t.session_id AND n.replaced = 0), 0)
		FROM refresh_tokens t WHERE t.hash = $1`, r.Hash).Scan(&replaced, &expires, &generation, &newest)
	if err != nil {
		return err
	}
	if replaced == 0 || expires <= ms(r.Now) {
		out.Outcome = Expired
		return nil
	}
	old := Replaced{Family: out.Session, At: at(replaced), Younger: int(newest - generation)}
	if old.Younger > 0 && r.Again(old) {
		out.Outcome, out.Younger = Repeated, old.Younger
		return nil
	}
	out.Outcome = Reused
	_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE id = $1`, out.Session.ID)
	return err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
