package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Membership says which roles a user has at one site. It may have none: such a
// member may sign in and do nothing.
type Membership struct {
	UserID, Site     string
	Roles            []string // sorted by whoever writes them
	Pending          string   // why it gives nothing yet; empty: it does
	Created, Updated time.Time
}

// SetMembership makes a membership or changes its roles. NotFound when there is
// no such user.
func (s *Store) SetMembership(ctx context.Context, m Membership) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return setMembership(ctx, tx, m) })
}

func setMembership(ctx context.Context, tx *sql.Tx, m Membership) error {
	roles, err := json.Marshal(append([]string{}, m.Roles...))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO memberships (user_id, site, roles, pending, created, updated) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, site) DO UPDATE SET roles = excluded.roles, pending = excluded.pending, updated = excluded.updated`,
		m.UserID, m.Site, string(roles), m.Pending, ms(m.Created), ms(m.Updated))
	return err
}

// DeleteMembership takes a user's membership of a site away. NotFound when
// there was none.
func (s *Store) DeleteMembership(ctx context.Context, userID, site string) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx,
			`DELETE FROM memberships WHERE user_id = $1 AND site = $2 RETURNING site`, userID, site).Scan(&site)
	})
}

// Memberships are those of one user, of one site, or of both; an empty string
// stands for any. They come by site, then user.
func (s *Store) Memberships(ctx context.Context, userID, site string) ([]Membership, error) {
	return readMemberships(ctx, s.read, `($1 = '' OR user_id = $1) AND ($2 = '' OR site = $2)`, userID, site)
}

// MembershipsOf are all those of some users; see Memberships.
func (s *Store) MembershipsOf(ctx context.Context, userIDs ...string) ([]Membership, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	marks, args := numbered(userIDs)
	return readMemberships(ctx, s.read, `user_id IN (`+marks+`)`, args...)
}

// numbered are parameters for a list of values.
func numbered(values []string) (marks string, args []any) {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprintf("$%d", i+1)
		args = append(args, v)
	}
	return strings.Join(list, ", "), args
}

// querier is a transaction, or the connections that read.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func readMemberships(ctx context.Context, q querier, where string, args ...any) ([]Membership, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT user_id, site, roles, pending, created, updated FROM memberships
		WHERE `+where+` ORDER BY site, user_id`, args...)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var list []Membership
	for rows.Next() {
		var m Membership
		var roles string
		var created, updated int64
		if err := rows.Scan(&m.UserID, &m.Site, &roles, &m.Pending, &created, &updated); err != nil {
			return nil, failed(err)
		}
		if err := json.Unmarshal([]byte(roles), &m.Roles); err != nil {
			return nil, failed(err)
		}
		m.Created, m.Updated = at(created), at(updated)
		list = append(list, m)
	}
	return list, failed(rows.Err())
}
