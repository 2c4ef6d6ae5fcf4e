package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// User is a person with an account.
type User struct {
	ID         string
	Email      string // folded, unique
	Name       string
	Operator   bool           // everything, at every site
	Password   string         // a PHC string; empty: no sign-in with a password
	Metadata   map[string]any // what the person's clients keep there; never nil when read
	Created    time.Time
	Updated    time.Time
	Confirmed  time.Time // zero: the address is not confirmed
	LastSignIn time.Time // zero: never
}

const userColumns = `u.id, u.email, u.name, u.operator, u.password, u.user_metadata, u.created, u.updated, u.confirmed, u.last_sign_in`

// scanner is a row, or one of many.
type scanner interface{ Scan(dest ...any) error }

// userFields are the destinations of userColumns; done finishes the user once
// they are filled.
func userFields(u *User) (dest []any, done func() error) {
	var metadata string
	var created, updated, confirmed, last int64
	dest = []any{&u.ID, &u.Email, &u.Name, &u.Operator, &u.Password, &metadata, &created, &updated, &confirmed, &last}
	return dest, func() error {
		u.Created, u.Updated, u.Confirmed, u.LastSignIn = at(created), at(updated), at(confirmed), at(last)
		u.Metadata = map[string]any{}
		return json.Unmarshal([]byte(metadata), &u.Metadata)
	}
}

func scanUser(row scanner) (User, error) {
	var u User
	dest, done := userFields(&u)
	if err := row.Scan(dest...); err != nil {
		return User{}, failed(err)
	}
	return u, failed(done())
}

// AddUser adds a user and its memberships, or nothing. Conflict when the e-mail
// address or the id is taken.
func (s *Store) AddUser(ctx context.Context, u User, memberships ...Membership) error {
	metadata, err := object(u.Metadata)
	if err != nil {
		return failed(err)
	}
	return s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO users (id, email, name, operator, password, user_metadata, created, updated, confirmed, last_sign_in)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			u.ID, u.Email, u.Name, u.Operator, u.Password, metadata, ms(u.Created), ms(u.Updated), ms(u.Confirmed), ms(u.LastSignIn))
		if err != nil {
			return err
		}
		for _, m := range memberships {
			if err := setMembership(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// object is a JSON object, also of a nil map.
func object(m map[string]any) (string, error) {
	if m == nil {
		return "{}", nil
	}
	data, err := json.Marshal(m)
	return string(data), err
}

// User is the user with an id. NotFound when there is none.
func (s *Store) User(ctx context.Context, id string) (User, error) {
	return scanUser(s.read.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id))
}

// UserByEmail is the user with a folded e-mail address. NotFound when there is
// none.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	return scanUser(s.read.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE u.email = $1`, email))
}

// Users are all users, by e-mail address.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+userColumns+` FROM users u ORDER BY u.email`)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var list []User
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, failed(rows.Err())
}

// CountUsers is how many users there are.
func (s *Store) CountUsers(ctx context.Context) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM users`).Scan(&n)
	return n, failed(err)
}

// UpdateUser changes a user by a function, in one transaction: name, operator,
// metadata and the times. The password has SetPassword, and id and e-mail
// address stay. NotFound when there is no such user.
func (s *Store) UpdateUser(ctx context.Context, id string, change func(*User)) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		u, err := scanUser(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id))
		if err != nil {
			return err
		}
		change(&u)
		metadata, err := object(u.Metadata)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE users SET name = $2, operator = $3, user_metadata = $4, updated = $5, confirmed = $6, last_sign_in = $7
			WHERE id = $1`,
			id, u.Name, u.Operator, metadata, ms(u.Updated), ms(u.Confirmed), ms(u.LastSignIn))
		return err
	})
}

// SetPassword gives a user a new password hash and ends all sessions and
// refresh tokens, at once or not at all. NotFound when there is no such user.
func (s *Store) SetPassword(ctx context.Context, id, hash string, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		var found string
		err := tx.QueryRowContext(ctx,
			`UPDATE users SET password = $2, updated = $3 WHERE id = $1 RETURNING id`, id, hash, ms(now)).Scan(&found)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = $1`, id)
		return err
	})
}

// SignedIn notes a sign-in. A rehash, if given, takes the place of the hash that
// was verified, unless the password changed in the meantime.
func (s *Store) SignedIn(ctx context.Context, id, verified, rehash string, now time.Time) error {
	if rehash == "" {
		rehash = verified
	}
	_, err := s.exec(ctx, `
		UPDATE users SET last_sign_in = $4, password = CASE WHEN password = $2 THEN $3 ELSE password END
		WHERE id = $1`, id, verified, rehash, ms(now))
	return err
}

// DeleteUser removes a user with all memberships, sessions and tokens. NotFound
// when there is no such user.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `DELETE FROM users WHERE id = $1 RETURNING id`, id).Scan(&id)
	})
}
