package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// User is a person with an account.
type User struct {
	ID         string
	Email      string // folded, unique
	Name       string
	Language   string         // of mails and pages; empty: not known
	Operator   bool           // everything, at every site
	Password   string         // a PHC string; empty: no sign-in with a password
	Metadata   map[string]any // what the person's clients keep there; never nil when read
	Created    time.Time
	Updated    time.Time
	Confirmed  time.Time // zero: the address is not confirmed
	LastSignIn time.Time // zero: never
	Invited    time.Time // for the last time; zero: never
	// Proven is when the holder of the address last settled how the account is
	// entered; zero: somebody else may know the password.
	Proven   time.Time
	Disabled time.Time // zero: it is not
	Seen     time.Time // last use, to some minutes; zero: never
}

const userColumns = `u.id, u.email, u.name, u.operator, u.password, u.user_metadata, u.created, u.updated, u.confirmed, u.last_sign_in,
	u.language, u.invited, u.proven, u.disabled, u.last_seen`

// scanner is a row, or one of many.
type scanner interface{ Scan(dest ...any) error }

// userFields are the destinations of userColumns; done finishes the user once
// they are filled.
func userFields(u *User) (dest []any, done func() error) {
	var metadata string
	var created, updated, confirmed, last, invited, proven, disabled, seen int64
	dest = []any{
		&u.ID, &u.Email, &u.Name, &u.Operator, &u.Password, &metadata, &created, &updated, &confirmed, &last,
		&u.Language, &invited, &proven, &disabled, &seen,
	}
	return dest, func() error {
		u.Created, u.Updated, u.Confirmed, u.LastSignIn = at(created), at(updated), at(confirmed), at(last)
		u.Invited, u.Proven, u.Disabled, u.Seen = at(invited), at(proven), at(disabled), at(seen)
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
	return s.tx(ctx, func(tx *sql.Tx) error {
		if err := insertUser(ctx, tx, u); err != nil {
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

func insertUser(ctx context.Context, tx *sql.Tx, u User) error {
	metadata, err := object(u.Metadata)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO users (id, email, name, folded_name, operator, password, user_metadata, created, updated, confirmed, last_sign_in,
			language, invited, proven, disabled, last_seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		u.ID, u.Email, u.Name, foldName(u.Name), u.Operator, u.Password, metadata, ms(u.Created), ms(u.Updated), ms(u.Confirmed), ms(u.LastSignIn),
		u.Language, ms(u.Invited), ms(u.Proven), ms(u.Disabled), ms(u.Seen))
	return err
}

// updateUser writes all of a user but the id and when it was created.
func updateUser(ctx context.Context, tx *sql.Tx, u User) error {
	metadata, err := object(u.Metadata)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE users SET email = $2, name = $3, folded_name = $4, operator = $5, password = $6, user_metadata = $7,
			updated = $8, confirmed = $9, last_sign_in = $10, language = $11, invited = $12, proven = $13, disabled = $14, last_seen = $15
		WHERE id = $1`,
		u.ID, u.Email, u.Name, foldName(u.Name), u.Operator, u.Password, metadata,
		ms(u.Updated), ms(u.Confirmed), ms(u.LastSignIn), u.Language, ms(u.Invited), ms(u.Proven), ms(u.Disabled), ms(u.Seen))
	return err
}

// foldName is a name as it is searched and sorted. The engines differ in what
// they take for the same letter, so that it is settled here.
func foldName(name string) string { return strings.ToLower(norm.NFC.String(name)) }

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

// UpdateUser changes a user by a function, in one transaction. The password has
// SetPassword, and id and e-mail address stay; what hangs together with them has
// ChangeAccount. NotFound when there is no such user.
func (s *Store) UpdateUser(ctx context.Context, id string, change func(*User)) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		u, err := scanUser(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id))
		if err != nil {
			return err
		}
		was := u
		change(&u)
		u.ID, u.Email, u.Password = was.ID, was.Email, was.Password
		return updateUser(ctx, tx, u)
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
		if _, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = $1`, id); err != nil {
			return err
		}
		return dropOldPasswords(ctx, tx, id)
	})
}

// SignedIn notes a sign-in. A rehash, if given, takes the place of the hash that
// was verified, unless the password changed in the meantime, and of all old
// passwords. NotFound when there is no such user; also when none was verified, so
// that it was an old one, and there is a password meanwhile.
func (s *Store) SignedIn(ctx context.Context, id, verified, rehash string, now time.Time) error {
	if rehash == "" {
		rehash = verified
	}
	return s.tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `
			UPDATE users SET last_sign_in = $4, last_seen = $4, password = CASE WHEN password = $2 THEN $3 ELSE password END
			WHERE id = $1 AND ($2 <> '' OR password = '') RETURNING id`, id, verified, rehash, ms(now)).Scan(&id)
		if err != nil || rehash == "" {
			return err
		}
		return dropOldPasswords(ctx, tx, id)
	})
}

// DeleteUser removes a user with all memberships, sessions and tokens. NotFound
// when there is no such user.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `DELETE FROM users WHERE id = $1 RETURNING id`, id).Scan(&id)
	})
}
