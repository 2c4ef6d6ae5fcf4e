package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Unasked is somebody who was imported and has no way to sign in yet.
type Unasked struct {
	User   User
	Site   string
	OldID  string
	Roles  []string // at the site
	Invite bool     // the membership of the site waits to be taken up
}

// unasked is the condition for an alias a with its user u and membership m: the
// import made the account, there is neither a password nor an old one that could
// become it, nobody has been in it, and no mail was written. Who has confirmed
// the address there, or was invited, is asked; who only signed up is not.
const unasked = ` FROM aliases a JOIN users u ON u.id = a.user_id JOIN memberships m ON m.user_id = a.user_id AND m.site = a.site
	WHERE a.founding AND a.asked = 0 AND u.password = '' AND u.disabled = 0 AND u.last_sign_in = 0
	AND NOT EXISTS (SELECT 1 FROM aliases p WHERE p.user_id = a.user_id AND p.password <> '')
	AND (m.pending = '` + PendingInvite + `' OR (m.pending = '' AND u.confirmed > 0)) AND a.site = $1`

// CountUnasked is how many people of a site are to be asked for a password.
func (s *Store) CountUnasked(ctx context.Context, site string) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(DISTINCT a.user_id)`+unasked, site).Scan(&n)
	return n, failed(err)
}

// Unasked are people of a site who are to be asked for a password, from behind an
// old id on ("": from the first).
func (s *Store) Unasked(ctx context.Context, site, after string, limit int) ([]Unasked, error) {
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(`SELECT %s, a.old_id, m.pending, m.roles %s AND a.old_id > $2 ORDER BY a.old_id LIMIT $3`,
		userColumns, unasked), site, after, limit)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var list []Unasked
	for rows.Next() {
		one := Unasked{Site: site}
		var pending, roles string
		dest, done := userFields(&one.User)
		if err := rows.Scan(append(dest, &one.OldID, &pending, &roles)...); err != nil {
			return nil, failed(err)
		}
		if err := done(); err != nil {
			return nil, failed(err)
		}
		if err := json.Unmarshal([]byte(roles), &one.Roles); err != nil {
			return nil, failed(err)
		}
		one.Invite = pending == PendingInvite
		list = append(list, one)
	}
	return list, failed(rows.Err())
}

// Asking is one person to ask, by a token and the mail that brings it.
type Asking struct {
	Unasked
	Token Token
	Mail  *Mail // nil: the link is passed on by hand, so that nothing is noted
}

// Ask writes tokens and mails and notes that these people were asked, all of it
// or nothing: whoever was asked is not asked twice, whatever happens to the
// process. Who was asked, or got a password, in the meantime is left out. It
// returns which of the batch it was done for.
func (s *Store) Ask(ctx context.Context, batch []Asking, now time.Time) (asked []int, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		for n, a := range batch {
			ok, err := s.ask(ctx, tx, a, now)
			if err != nil {
				return err
			}
			if ok {
				asked = append(asked, n)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return asked, nil
}

func (s *Store) ask(ctx context.Context, tx *sql.Tx, a Asking, now time.Time) (bool, error) {
	var still int
	err := tx.QueryRowContext(ctx, `SELECT count(*)`+unasked+` AND a.old_id = $2`, a.Site, a.OldID).Scan(&still)
	if err != nil || still == 0 {
		return false, err
	}
	if a.Mail != nil {
		// Somebody who can come in by one mail needs no second, of another site.
		_, err := tx.ExecContext(ctx, `UPDATE aliases SET asked = $4 WHERE user_id = $1 AND asked = 0 AND (site = $2 OR NOT $3)`,
			a.User.ID, a.Site, a.Invite, ms(now))
		if err != nil {
			return false, err
		}
		if err := s.insertMail(ctx, tx, *a.Mail); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM one_time_tokens WHERE user_id = $1 AND kind = $2 AND site = $3`, a.User.ID, a.Token.Kind, a.Token.Site); err != nil {
		return false, err
	}
	return true, s.addToken(ctx, tx, a.Token)
}
