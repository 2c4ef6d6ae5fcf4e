package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
)

// Person is a user as a site sees one.
type Person struct {
	User       User
	Membership Membership // at the site asked for; zero when all people were
}

// PeopleFilter says which people are meant, and which part of their list.
type PeopleFilter struct {
	Site   string // empty: everybody
	Text   string // in the address or the name, folded; empty: any
	Sort   string // a column: created, email, folded_name
	Down   bool   // the last first
	Offset int
	Limit  int
}

// People are a part of those whom a filter means, with how many there are in all.
func (s *Store) People(ctx context.Context, f PeopleFilter) (list []Person, total int, err error) {
	from, args := f.from()
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) `+from, args...).Scan(&total); err != nil {
		return nil, 0, failed(err)
	}
	membership := `NULL, '', 0, 0`
	if f.Site != "" {
		membership = `m.roles, m.pending, m.created, m.updated`
	}
	args = append(args, f.Limit, f.Offset)
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(`SELECT %s, %s %s ORDER BY %s LIMIT $%d OFFSET $%d`,
		userColumns, membership, from, f.order(), len(args)-1, len(args)), args...)
	if err != nil {
		return nil, 0, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		p, err := scanPerson(rows)
		if err != nil {
			return nil, 0, failed(err)
		}
		if f.Site != "" {
			p.Membership.UserID, p.Membership.Site = p.User.ID, f.Site
		}
		list = append(list, p)
	}
	return list, total, failed(rows.Err())
}

func scanPerson(rows *sql.Rows) (p Person, err error) {
	var roles sql.NullString
	var created, updated int64
	dest, done := userFields(&p.User)
	if err := rows.Scan(append(dest, &roles, &p.Membership.Pending, &created, &updated)...); err != nil {
		return Person{}, err
	}
	if err := done(); err != nil {
		return Person{}, err
	}
	p.Membership.Created, p.Membership.Updated = at(created), at(updated)
	if roles.Valid {
		err = json.Unmarshal([]byte(roles.String), &p.Membership.Roles)
	}
	return p, err
}

// from is the clause that the list and its count share.
func (f PeopleFilter) from() (string, []any) {
	clause, where, args := `FROM users u`, []string{}, []any{}
	if f.Site != "" {
		args = append(args, f.Site)
		clause += ` JOIN memberships m ON m.user_id = u.id`
		where = append(where, `m.site = $1`)
	}
	if f.Text != "" {
		args = append(args, "%"+likeEscape(f.Text)+"%")
		where = append(where, fmt.Sprintf(`(u.email LIKE $%d ESCAPE '!' OR u.folded_name LIKE $%d ESCAPE '!')`, len(args), len(args)))
	}
	if len(where) > 0 {
		clause += ` WHERE ` + strings.Join(where, ` AND `)
	}
	return clause, args
}

// order is total, so that pages neither overlap nor leave anybody out.
func (f PeopleFilter) order() string {
	column := `u.created`
	switch f.Sort {
	case "email":
		column = `u.email`
	case "folded_name":
		column = `u.folded_name`
	}
	if f.Down {
		return column + ` DESC, u.id DESC`
	}
	return column + `, u.id`
}

// likeEscape makes a pattern of LIKE that matches just the text.
func likeEscape(text string) string {
	return strings.NewReplacer(`!`, `!!`, `%`, `!%`, `_`, `!_`).Replace(text)
}
