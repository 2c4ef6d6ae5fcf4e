package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Alias is who a user was at a site's former identity server.
type Alias struct {
	Site  string
	OldID string
	// UserID is decided by the store; empty: the entry was never imported.
	UserID string
	// Founding: the account came to be by an import.
	Founding bool
	// Password is the hash there. While the account has no password, it may
	// become that. Empty: there is none, or it may not any more.
	Password string
	Asked    time.Time // when the mail to choose a password was written; zero: not
	Created  time.Time
}

// Import is one entry of an export and the account that it is about.
type Import struct {
	Account Account // without a user id: there is none yet
	Alias   Alias   // of the entry
	Others  []Alias // of the same account
}

// ImportKey says which entry, and by which folded address its account is found
// when the entry is not known.
type ImportKey struct{ Site, OldID, Email string }

// ImportAccounts lets a function change the accounts of a batch of entries, one
// after the other, all in one transaction: see ChangeAccount. When dry, nothing
// is kept. The function must not use the store.
func (s *Store) ImportAccounts(ctx context.Context, keys []ImportKey, dry bool, change func(n int, i *Import) error) error {
	errDry := errors.New("a dry run")
	err := s.tx(ctx, func(tx *sql.Tx) error {
		for n, key := range keys {
			i, err := s.importOf(ctx, tx, key)
			if err != nil {
				return err
			}
			was := i
			was.Account.Memberships, was.Account.Tokens = slices.Clone(i.Account.Memberships), slices.Clone(i.Account.Tokens)
			if err := change(n, &i); err != nil {
				return err
			}
			if dry {
				continue
			}
			if err := s.saveImport(ctx, tx, was, i); err != nil {
				return err
			}
		}
		if dry {
			return errDry
		}
		return nil
	})
	if dry && errors.Is(err, errDry) {
		return nil
	}
	return err
}

func (s *Store) importOf(ctx context.Context, tx *sql.Tx, key ImportKey) (i Import, err error) {
	which := Which{Email: key.Email}
	known, err := readAliases(ctx, tx, `site = $1 AND old_id = $2`, key.Site, key.OldID)
	if err != nil {
		return Import{}, err
	}
	if i.Alias = (Alias{Site: key.Site, OldID: key.OldID}); len(known) > 0 {
		i.Alias = known[0]
		which = Which{ID: i.Alias.UserID}
	}
	if i.Account, err = s.account(ctx, tx, which); err != nil || i.Account.User.ID == "" {
		return i, err
	}
	i.Others, err = readAliases(ctx, tx, `user_id = $1 AND NOT (site = $2 AND old_id = $3)`, i.Account.User.ID, key.Site, key.OldID)
	return i, err
}

func (s *Store) saveImport(ctx context.Context, tx *sql.Tx, was, now Import) error {
	if now.Account.User.ID == "" {
		return nil
	}
	if err := s.save(ctx, tx, was.Account, now.Account); err != nil {
		return err
	}
	a := now.Alias
	_, err := tx.ExecContext(ctx, `
		INSERT INTO aliases (site, old_id, user_id, founding, password, asked, created) VALUES ($1, $2, $3, $4, $5, 0, $6)
		ON CONFLICT (site, old_id) DO UPDATE SET password = excluded.password`,
		a.Site, a.OldID, now.Account.User.ID, a.Founding, a.Password, ms(a.Created))
	return err
}

func readAliases(ctx context.Context, q querier, where string, args ...any) ([]Alias, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT site, old_id, user_id, founding, password, asked, created FROM aliases
		WHERE `+where+` ORDER BY created, site, old_id`, args...)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var list []Alias
	for rows.Next() {
		var a Alias
		var asked, created int64
		if err := rows.Scan(&a.Site, &a.OldID, &a.UserID, &a.Founding, &a.Password, &asked, &created); err != nil {
			return nil, failed(err)
		}
		a.Asked, a.Created = at(asked), at(created)
		list = append(list, a)
	}
	return list, failed(rows.Err())
}

// Aliases are a user's, the oldest first.
func (s *Store) Aliases(ctx context.Context, userID string) ([]Alias, error) {
	return readAliases(ctx, s.read, `user_id = $1`, userID)
}

// SettledHashes says, by old id, which hashes of a site's entries need not be
// looked at again: the one that is kept, or any ("") where the account has been
// used or has a password.
func (s *Store) SettledHashes(ctx context.Context, site string, oldIDs ...string) (map[string]string, error) {
	if len(oldIDs) == 0 {
		return map[string]string{}, nil
	}
	marks, args := numbered(oldIDs)
	args = append(args, site)
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(`
		SELECT a.old_id, a.password FROM aliases a JOIN users u ON u.id = a.user_id
		WHERE a.old_id IN (%s) AND a.site = $%d AND (a.password <> '' OR u.password <> '' OR u.last_sign_in > 0)`, marks, len(args)), args...)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	settled := map[string]string{}
	for rows.Next() {
		var id, hash string
		if err := rows.Scan(&id, &hash); err != nil {
			return nil, failed(err)
		}
		settled[id] = hash
	}
	return settled, failed(rows.Err())
}

// UserByAlias is who had an id at a site's former identity server. NotFound when
// nobody had.
func (s *Store) UserByAlias(ctx context.Context, site, oldID string) (User, error) {
	return scanUser(s.read.QueryRowContext(ctx, `
		SELECT `+userColumns+` FROM users u JOIN aliases a ON a.user_id = u.id WHERE a.site = $1 AND a.old_id = $2`, site, oldID))
}

// dropOldPasswords ends the wait for an old password to be used.
func dropOldPasswords(ctx context.Context, tx *sql.Tx, userID string) error {
	_, err := tx.ExecContext(ctx, `UPDATE aliases SET password = '' WHERE user_id = $1 AND password <> ''`, userID)
	return err
}
