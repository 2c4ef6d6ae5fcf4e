package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// Session is one sign-in: of a browser, which holds a cookie, or of a client of
// the identity service, which holds refresh tokens for one site.
type Session struct {
	ID        string // public: names the session in lists and access tokens
	UserID    string
	Site      string // of a family of refresh tokens; empty for a browser
	TokenHash string // SHA-256 of the browser's cookie; empty for a family
	Created   time.Time
	Seen      time.Time
	Expires   time.Time
	Agent     string // what the client calls itself
	Address   string // where it signed in from, or its token was renewed last
}

// Browser reports whether a cookie, and not a refresh token, carries it.
func (s Session) Browser() bool { return s.TokenHash != "" }

const sessionColumns = `s.id, s.user_id, s.site, s.token_hash, s.created, s.seen, s.expires, s.agent, s.address`

func sessionFields(s *Session) (dest []any, done func()) {
	var hash sql.NullString
	var created, seen, expires int64
	dest = []any{&s.ID, &s.UserID, &s.Site, &hash, &created, &seen, &expires, &s.Agent, &s.Address}
	return dest, func() {
		s.TokenHash = hash.String
		s.Created, s.Seen, s.Expires = at(created), at(seen), at(expires)
	}
}

func scanSession(row scanner) (Session, error) {
	var x Session
	dest, done := sessionFields(&x)
	if err := row.Scan(dest...); err != nil {
		return Session{}, failed(err)
	}
	done()
	return x, nil
}

// AddSession begins a session. NotFound when there is no such user.
func (s *Store) AddSession(ctx context.Context, x Session) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return addSession(ctx, tx, x) })
}

func addSession(ctx context.Context, tx *sql.Tx, x Session) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO sessions (id, user_id, site, token_hash, created, seen, expires, agent, address)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		x.ID, x.UserID, x.Site, sql.NullString{String: x.TokenHash, Valid: x.Browser()},
		ms(x.Created), ms(x.Seen), ms(x.Expires), x.Agent, x.Address)
	return err
}

// Caller is a live session with what its user may do at one site, as of now.
type Caller struct {
	Session Session
	User    User
	Roles   []string // nil: not a member of the site
}

// CallerByCookie is who holds the browser session with a token hash, and
// CallerBySession who holds the one with an id. NotFound when it has ended.
func (s *Store) CallerByCookie(ctx context.Context, tokenHash, site string, now time.Time) (Caller, error) {
	return s.caller(ctx, `s.token_hash = $1`, tokenHash, site, now)
}

// CallerBySession is who holds the session with an id; see CallerByCookie.
func (s *Store) CallerBySession(ctx context.Context, id, site string, now time.Time) (Caller, error) {
	return s.caller(ctx, `s.id = $1`, id, site, now)
}

func (s *Store) caller(ctx context.Context, which, value, site string, now time.Time) (Caller, error) {
	var c Caller
	var roles sql.NullString
	sessionDest, sessionDone := sessionFields(&c.Session)
	userDest, userDone := userFields(&c.User)
	err := s.read.QueryRowContext(ctx, `
		SELECT `+sessionColumns+`, `+userColumns+`, m.roles
		FROM sessions s
		JOIN users u ON u.id = s.user_id
		LEFT JOIN memberships m ON m.user_id = u.id AND m.site = $2 AND m.pending = ''
		WHERE `+which+` AND s.expires > $3 AND u.disabled = 0`, value, site, ms(now)).
		Scan(append(append(sessionDest, userDest...), &roles)...)
	if err != nil {
		return Caller{}, failed(err)
	}
	sessionDone()
	if err := userDone(); err != nil {
		return Caller{}, failed(err)
	}
	if roles.Valid {
		err = json.Unmarshal([]byte(roles.String), &c.Roles)
	}
	return c, failed(err)
}

// Sessions are a user's live sessions, the one last seen first.
func (s *Store) Sessions(ctx context.Context, userID string, now time.Time) ([]Session, error) {
	rows, err := s.read.QueryContext(ctx, `
		SELECT `+sessionColumns+` FROM sessions s
		WHERE s.user_id = $1 AND s.expires > $2 ORDER BY s.seen DESC, s.id`, userID, ms(now))
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var list []Session
	for rows.Next() {
		x, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, failed(rows.Err())
}

// SessionAddresses are where the holder of a folded e-mail address has live
// sessions. An unknown address has none.
func (s *Store) SessionAddresses(ctx context.Context, email string, now time.Time) ([]string, error) {
	rows, err := s.read.QueryContext(ctx, `
		SELECT DISTINCT s.address FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE u.email = $1 AND s.expires > $2`, email, ms(now))
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var list []string
	for rows.Next() {
		var a string
		if err := rows.Scan(&a); err != nil {
			return nil, failed(err)
		}
		list = append(list, a)
	}
	return list, failed(rows.Err())
}

// TouchSession notes that a session was used and until when it now lasts. An
// ended session stays ended.
func (s *Store) TouchSession(ctx context.Context, id string, seen, expires time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return touchSession(ctx, tx, id, seen, expires) })
}

func touchSession(ctx context.Context, tx *sql.Tx, id string, seen, expires time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE sessions SET seen = $2, expires = $3 WHERE id = $1`, id, ms(seen), ms(expires))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE users SET last_seen = $2
		WHERE last_seen < $2 AND id = (SELECT user_id FROM sessions WHERE sessions.id = $1)`, id, ms(seen))
	return err
}

// EndSession ends one session of a user, with its refresh tokens. NotFound when
// the user has no such session.
func (s *Store) EndSession(ctx context.Context, userID, id string) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx,
			`DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id`, id, userID).Scan(&id)
	})
}

// EndCookie ends the browser session with a token hash, if there is one.
func (s *Store) EndCookie(ctx context.Context, tokenHash string) error {
	_, err := s.exec(ctx, `DELETE FROM sessions WHERE token_hash = $1`, tokenHash)
	return err
}

// EndSessions ends all sessions of a user, browsers and families alike, and
// says how many there were.
func (s *Store) EndSessions(ctx context.Context, userID string) (int, error) {
	n, err := s.exec(ctx, `DELETE FROM sessions WHERE user_id = $1`, userID)
	return int(n), err
}

// EndFamilies ends all families of refresh tokens that a user has at a site.
func (s *Store) EndFamilies(ctx context.Context, userID, site string) error {
	_, err := s.exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND site = $2 AND token_hash IS NULL`, userID, site)
	return err
}
