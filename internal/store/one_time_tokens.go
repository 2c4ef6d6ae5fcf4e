package store

import (
	"context"
	"database/sql"
	"time"
)

// Token is what was mailed to a person, to be used once: the link in an
// invitation, or the one that sets a password anew. A user has one of a kind at a
// site; Account.SetToken and ChangeAccount see to both.
type Token struct {
	Hash    string // SHA-256, hexadecimal
	UserID  string
	Kind    string
	Site    string
	Email   string // that it was mailed to
	Content []byte // what its use brings about; lies sealed, and is nil in lists
	Created time.Time
	Expires time.Time
}

// tokenGrace is how long a token is known after its end, so that its holder is
// told so, and not that there never was one.
const tokenGrace = 30 * 24 * time.Hour

// Token is the one with a hash, expired or not. NotFound when there is none.
func (s *Store) Token(ctx context.Context, hash string) (Token, error) {
	list, err := s.readTokens(ctx, s.read, true, `hash = $1`, hash)
	if err != nil {
		return Token{}, err
	}
	if len(list) == 0 {
		return Token{}, failed(sql.ErrNoRows)
	}
	return list[0], nil
}

// Tokens are those of some users, expired or not, without their content.
func (s *Store) Tokens(ctx context.Context, userIDs ...string) ([]Token, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	marks, args := numbered(userIDs)
	return s.readTokens(ctx, s.read, false, `user_id IN (`+marks+`)`, args...)
}

func (s *Store) readTokens(ctx context.Context, q querier, content bool, where string, args ...any) ([]Token, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT hash, user_id, kind, site, email, content, created, expires FROM one_time_tokens
		WHERE `+where+` ORDER BY created, hash`, args...)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var list []Token
	for rows.Next() {
		var t Token
		var sealed string
		var created, expires int64
		if err := rows.Scan(&t.Hash, &t.UserID, &t.Kind, &t.Site, &t.Email, &sealed, &created, &expires); err != nil {
			return nil, failed(err)
		}
		t.Created, t.Expires = at(created), at(expires)
		if content && sealed != "" {
			text, err := s.openText(tokenContent(t.Hash), sealed)
			if err != nil {
				return nil, err
			}
			t.Content = []byte(text)
		}
		list = append(list, t)
	}
	return list, failed(rows.Err())
}

// tokenContent names the sealed column of a row.
func tokenContent(hash string) string { return "one_time_tokens.content " + hash }

func (s *Store) addToken(ctx context.Context, tx *sql.Tx, t Token) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO one_time_tokens (hash, user_id, kind, site, email, content, created, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.Hash, t.UserID, t.Kind, t.Site, t.Email, s.sealText(tokenContent(t.Hash), string(t.Content)), ms(t.Created), ms(t.Expires))
	return err
}

// sweepAccounts removes tokens that ended long ago, and what was begun and never
// confirmed: memberships that somebody wished for without a token to go on with,
// and accounts with nothing but that.
func sweepAccounts(ctx context.Context, tx *sql.Tx, now time.Time) error {
	return execEach(ctx, tx, ms(now.Add(-tokenGrace)),
		`DELETE FROM one_time_tokens WHERE expires <= $1`,
		`DELETE FROM memberships WHERE pending = '`+PendingSignUp+`' AND updated <= $1 AND NOT EXISTS (
			SELECT 1 FROM one_time_tokens t WHERE t.user_id = memberships.user_id AND t.site = memberships.site)`,
		`DELETE FROM users WHERE confirmed = 0 AND password = '' AND invited = 0 AND operator = FALSE AND updated <= $1
			AND NOT EXISTS (SELECT 1 FROM one_time_tokens t WHERE t.user_id = users.id)
			AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id)`)
}
