package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// Why a membership gives nothing yet.
const (
	PendingInvite = "invited"  // the person was asked and has not come
	PendingSignUp = "signedup" // the person wants to come and has not confirmed the address
)

// Account is a user with what hangs on it, as ChangeAccount reads and writes it.
type Account struct {
	User        User // without an id: there is none yet
	Memberships []Membership
	Tokens      []Token

	Delete      bool   // the user and everything
	NewPassword bool   // the password was set, or taken away: old ones from elsewhere end
	EndSessions bool   // all sessions and refresh tokens
	KeepSession string // but this one
	EndSite     string // the families of one site
}

// Membership is the account's at a site; nil when there is none.
func (a *Account) Membership(site string) *Membership {
	for i := range a.Memberships {
		if a.Memberships[i].Site == site {
			return &a.Memberships[i]
		}
	}
	return nil
}

// SetMembership puts a membership in the place of the one at its site.
func (a *Account) SetMembership(m Membership) {
	m.UserID = a.User.ID
	if old := a.Membership(m.Site); old != nil {
		m.Created = old.Created
		*old = m
		return
	}
	a.Memberships = append(a.Memberships, m)
}

// SetToken puts a token in the place of the one of its kind and site.
func (a *Account) SetToken(t Token) {
	t.UserID = a.User.ID
	a.DropTokens(func(old Token) bool { return old.Kind == t.Kind && old.Site == t.Site })
	a.Tokens = append(a.Tokens, t)
}

// DropTokens takes the tokens away for which drop says so.
func (a *Account) DropTokens(drop func(Token) bool) { a.Tokens = slices.DeleteFunc(a.Tokens, drop) }

// Which says whose account is meant, by one of its fields.
type Which struct {
	ID    string
	Email string // folded; there need be no such account yet
	Token string // hash of one of its tokens
}

// ChangeAccount reads an account, lets a function change it, and writes what is
// different, in one transaction that no other comes between: what the function
// has seen holds until all is written. An error of the function is returned, and
// nothing is written. The function must not use the store.
//
// An account that is looked for by address need not be there: the function may
// give the user an id, which makes one. For other looks it is NotFound when there
// is none. Conflict when the address is another's.
func (s *Store) ChangeAccount(ctx context.Context, which Which, change func(*Account) error) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		was, err := s.account(ctx, tx, which)
		if err != nil {
			return err
		}
		now := Account{User: was.User, Memberships: slices.Clone(was.Memberships), Tokens: slices.Clone(was.Tokens)}
		if err := change(&now); err != nil {
			return err
		}
		return s.save(ctx, tx, was, now)
	})
}

func (s *Store) account(ctx context.Context, tx *sql.Tx, which Which) (a Account, err error) {
	query, value := `u.id = $1`, which.ID
	switch {
	case which.Email != "":
		query, value = `u.email = $1`, which.Email
	case which.Token != "":
		query, value = `u.id = (SELECT t.user_id FROM one_time_tokens t WHERE t.hash = $1)`, which.Token
	}
	a.User, err = scanUser(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE `+query, value))
	if errors.Is(err, sql.ErrNoRows) && which.Email != "" {
		return Account{}, nil
	}
	if err != nil {
		return Account{}, err
	}
	if a.Memberships, err = readMemberships(ctx, tx, `user_id = $1`, a.User.ID); err != nil {
		return Account{}, err
	}
	a.Tokens, err = s.readTokens(ctx, tx, true, `user_id = $1`, a.User.ID)
	return a, err
}

// save writes the difference between two states of an account.
func (s *Store) save(ctx context.Context, tx *sql.Tx, was, now Account) error {
	switch {
	case now.Delete:
		_, err := tx.ExecContext(ctx, `DELETE FROM users WHERE id = $1`, was.User.ID)
		return err
	case now.User.ID == "":
		return nil
	case was.User.ID == "":
		if err := insertUser(ctx, tx, now.User); err != nil {
			return err
		}
	default:
		if err := updateUser(ctx, tx, now.User); err != nil {
			return err
		}
	}
	if now.NewPassword || now.User.Password != was.User.Password {
		if err := dropOldPasswords(ctx, tx, now.User.ID); err != nil {
			return err
		}
	}
	if err := saveMemberships(ctx, tx, was, now); err != nil {
		return err
	}
	if err := s.saveTokens(ctx, tx, was, now); err != nil {
		return err
	}
	return endSessions(ctx, tx, now)
}

func saveMemberships(ctx context.Context, tx *sql.Tx, was, now Account) error {
	for _, m := range was.Memberships {
		if now.Membership(m.Site) != nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM memberships WHERE user_id = $1 AND site = $2`, m.UserID, m.Site); err != nil {
			return err
		}
	}
	for _, m := range now.Memberships {
		if err := setMembership(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) saveTokens(ctx context.Context, tx *sql.Tx, was, now Account) error {
	has := func(list []Token, hash string) bool {
		return slices.ContainsFunc(list, func(t Token) bool { return t.Hash == hash })
	}
	for _, t := range was.Tokens {
		if has(now.Tokens, t.Hash) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM one_time_tokens WHERE hash = $1`, t.Hash); err != nil {
			return err
		}
	}
	for _, t := range now.Tokens {
		if has(was.Tokens, t.Hash) {
			continue
		}
		if err := s.addToken(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

func endSessions(ctx context.Context, tx *sql.Tx, now Account) error {
	if now.EndSessions {
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = $1 AND id <> $2`, now.User.ID, now.KeepSession)
		return err
	}
	if now.EndSite != "" {
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = $1 AND site = $2 AND token_hash IS NULL`, now.User.ID, now.EndSite)
		return err
	}
	return nil
}
