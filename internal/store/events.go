package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Event is one line of the audit log.
type Event struct {
	ID        int64 // counts; decided by the store
	At        time.Time
	Kind      string
	Site      string
	Connector string
	Page      string
	Reference string
	Person    string
	Actor     string
	Origin    string
	Address   string
	Detail    string
	Expires   time.Duration // kept in milliseconds
}

// EventFilter says which events are meant. Zero fields stand for any.
type EventFilter struct {
	Site, Kind, Reference string
	Before                int64 // events with smaller ids
	Limit                 int   // how many at most
}

// The log is bounded by age and by number. Sign-ins are counted for themselves:
// strangers can bring about the other kinds, and must not be able to push the
// sign-ins out.
const (
	eventLife  = 90 * 24 * time.Hour
	maxEvents  = 100_000 // of sign-ins, and of all other kinds together
	eventSign  = "sign-in"
	eventSweep = 1000 // after how many the number is looked at
)

const eventColumns = `id, time, kind, site, connector, page, reference, person, actor, origin, address, detail, expires`

// AddEvent writes an event down; its id comes after all others.
func (s *Store) AddEvent(ctx context.Context, e Event) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `
			INSERT INTO events (`+eventColumns+`)
			VALUES ((SELECT coalesce(max(id), 0) + 1 FROM events), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			RETURNING id`,
			ms(e.At), e.Kind, e.Site, e.Connector, e.Page, e.Reference, e.Person, e.Actor, e.Origin, e.Address, e.Detail,
			e.Expires.Milliseconds()).Scan(&e.ID)
		if err != nil || e.ID%eventSweep != 0 {
			return err
		}
		return boundEvents(ctx, tx, maxEvents)
	})
}

// Events are those that f asks for, the newest first.
func (s *Store) Events(ctx context.Context, f EventFilter) ([]Event, error) {
	where, args := f.where()
	rows, err := s.read.QueryContext(ctx, `SELECT `+eventColumns+` FROM events WHERE `+where+` ORDER BY id DESC LIMIT $1`, args...) //nolint:gosec // columns and numbers alone
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []Event
	for rows.Next() {
		var e Event
		var when, expires int64
		err := rows.Scan(&e.ID, &when, &e.Kind, &e.Site, &e.Connector, &e.Page, &e.Reference, &e.Person, &e.Actor, &e.Origin, &e.Address, &e.Detail, &expires)
		if err != nil {
			return nil, failed(err)
		}
		e.At, e.Expires = at(when), time.Duration(expires)*time.Millisecond
		all = append(all, e)
	}
	return all, failed(rows.Err())
}

// where names only what is asked for, so that an index can be used. The first
// argument is the limit.
func (f EventFilter) where() (string, []any) {
	where, args := "id > 0", []any{f.Limit}
	add := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND "+condition+" $%d", len(args))
	}
	if f.Site != "" {
		add("site =", f.Site)
	}
	if f.Kind != "" {
		add("kind =", f.Kind)
	}
	if f.Reference != "" {
		// The index leaves out events without a reference.
		add("reference <> '' AND reference =", f.Reference)
	}
	if f.Before != 0 {
		add("id <", f.Before)
	}
	return where, args
}

func sweepEvents(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if err := execEach(ctx, tx, ms(now.Add(-eventLife)), `DELETE FROM events WHERE time <= $1`); err != nil {
		return err
	}
	return boundEvents(ctx, tx, maxEvents)
}

// boundEvents keeps the newest. Of kinds that make up nearly all, ids do for a
// count.
func boundEvents(ctx context.Context, tx *sql.Tx, bound int) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM events WHERE kind <> $2 AND id <= (SELECT max(id) FROM events) - $1`, bound, eventSign)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		DELETE FROM events WHERE kind = $2 AND id <= (SELECT id FROM events WHERE kind = $2 ORDER BY id DESC LIMIT 1 OFFSET $1)`, bound, eventSign)
	return err
}
