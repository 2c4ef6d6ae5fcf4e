package store

import (
	"context"
	"database/sql"
	"time"

	"gatehouse/internal/fault"
)

// HandleFamily is one refresh token of a Git host, and the handles that stand
// for it one after the other.
type HandleFamily struct {
	ID         string
	Site       string
	Connector  string
	Host       string // URL of the host that gave the refresh token
	Provider   string
	Origin     string
	Person     string // at the host
	Generation int64  // of the newest handle; counts from 1
	Created    time.Time
	Used       time.Time
	Ended      time.Time // zero: it is alive
}

// HandleState is where a family stands, seen from one of its handles.
type HandleState struct {
	HandleFamily
	Presented int64     // generation of that handle
	Refresh   string    // the host's; empty when the family has ended
	Answer    []byte    // what the last renewal gave; nil: forgotten
	Repeat    time.Time // until when the former handle gets it again
}

// HandleRenewal is the wish to replace the newest handle of a family.
type HandleRenewal struct {
	Family     string
	Generation int64  // of the handle that is replaced
	Hash       string // of its successor
	Refresh    string // the host's, from now on
	Answer     []byte
	Repeat     time.Time
	Now        time.Time
}

// maxHandleFamilies is how many live families a person has by one connector at
// one site: browsers in use, and sign-ins that were given up. Beyond it the one
// that was used the longest ago goes.
const maxHandleFamilies = 50

// handleMemory is how many replaced handles of a family are known for what they
// are.
const handleMemory = 100

const handleFamilyColumns = `f.id, f.site, f.connector, f.host, f.provider, f.origin, f.person, f.generation, f.created, f.used, f.ended`

func scanHandleFamily(row scanner, more ...any) (HandleFamily, error) {
	var f HandleFamily
	var created, used, ended int64
	err := row.Scan(append([]any{&f.ID, &f.Site, &f.Connector, &f.Host, &f.Provider, &f.Origin, &f.Person, &f.Generation, &created, &used, &ended}, more...)...)
	if err != nil {
		return HandleFamily{}, failed(err)
	}
	f.Created, f.Used, f.Ended = at(created), at(used), at(ended)
	return f, nil
}

// AddHandleFamily begins a family with the hash of its first handle.
func (s *Store) AddHandleFamily(ctx context.Context, f HandleFamily, hash, refresh string) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO handle_families (id, site, connector, provider, origin, person, generation, refresh, answer, repeat, created, used, ended, host)
			VALUES ($1, $2, $3, $4, $5, $6, 1, $7, '', 0, $8, $9, 0, $10)`,
			f.ID, f.Site, f.Connector, f.Provider, f.Origin, f.Person, s.sealText(refreshSeal(f.ID), refresh), ms(f.Created), ms(f.Used), f.Host)
		if err != nil {
			return err
		}
		if err := addHandle(ctx, tx, hash, f.ID, 1, f.Created); err != nil || f.Person == "" {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			DELETE FROM handle_families WHERE id IN (
				SELECT id FROM handle_families WHERE site = $1 AND connector = $2 AND person = $3 AND ended = 0 AND id <> $4
				ORDER BY used DESC, id LIMIT 1000 OFFSET $5)`, f.Site, f.Connector, f.Person, f.ID, maxHandleFamilies-1)
		return err
	})
}

func addHandle(ctx context.Context, tx *sql.Tx, hash, family string, generation int64, created time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO handles (hash, family, generation, created) VALUES ($1, $2, $3, $4)`,
		hash, family, generation, ms(created))
	return err
}

// HandleFamilyOf is the family of the handle with a hash, whether it is alive
// or not. NotFound when there is none.
func (s *Store) HandleFamilyOf(ctx context.Context, hash string) (HandleFamily, error) {
	return scanHandleFamily(s.read.QueryRowContext(ctx,
		`SELECT `+handleFamilyColumns+` FROM handle_families f JOIN handles h ON h.family = f.id WHERE h.hash = $1`, hash))
}

// HandleState is the same with everything that it takes to use the handle.
func (s *Store) HandleState(ctx context.Context, hash string) (HandleState, error) {
	var x HandleState
	var refresh, answer string
	var repeat int64
	row := s.read.QueryRowContext(ctx, `
		SELECT `+handleFamilyColumns+`, h.generation, f.refresh, f.answer, f.repeat
		FROM handle_families f JOIN handles h ON h.family = f.id WHERE h.hash = $1`, hash)
	f, err := scanHandleFamily(row, &x.Presented, &refresh, &answer, &repeat)
	if err != nil {
		return HandleState{}, err
	}
	x.HandleFamily, x.Repeat = f, at(repeat)
	if x.Refresh, err = s.openText(refreshSeal(f.ID), refresh); err != nil {
		return HandleState{}, err
	}
	answer, err = s.openText(answerSeal(f.ID), answer)
	if answer != "" {
		x.Answer = []byte(answer)
	}
	return x, err
}

// RenewHandle replaces the newest handle, the host's refresh token and the
// answer of a family, all or nothing. Conflict when another handle is the newest
// by now, or the family has ended.
func (s *Store) RenewHandle(ctx context.Context, r HandleRenewal) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE handle_families SET generation = generation + 1, refresh = $3, answer = $4, repeat = $5, used = $6, leased = 0
			WHERE id = $1 AND generation = $2 AND ended = 0`,
			r.Family, r.Generation, s.sealText(refreshSeal(r.Family), r.Refresh), s.sealText(answerSeal(r.Family), string(r.Answer)),
			ms(r.Repeat), ms(r.Now))
		if err != nil {
			return err
		}
		switch n, err := res.RowsAffected(); {
		case err != nil:
			return err
		case n == 0:
			return overtaken()
		}
		if err := addHandle(ctx, tx, r.Hash, r.Family, r.Generation+1, r.Now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM handles WHERE family = $1 AND generation < $2`, r.Family, r.Generation+1-handleMemory)
		return err
	})
}

// LeaseHandleFamily lets one process alone renew a generation, until a time or
// until it has renewed it or given the lease back. Conflict when another has it,
// and like RenewHandle.
func (s *Store) LeaseHandleFamily(ctx context.Context, id string, generation int64, now, until time.Time) error {
	// A lease that is far ahead was taken before the clock was put back.
	ahead := until.Add(until.Sub(now))
	n, err := s.exec(ctx, `
		UPDATE handle_families SET leased = $4
		WHERE id = $1 AND generation = $2 AND ended = 0 AND (leased <= $3 OR leased > $5)`, id, generation, ms(now), ms(until), ms(ahead))
	if err == nil && n == 0 {
		err = overtaken()
	}
	return err
}

// ReturnHandleLease gives the lease back that ends at a time, if it is still
// there.
func (s *Store) ReturnHandleLease(ctx context.Context, id string, until time.Time) error {
	_, err := s.exec(ctx, `UPDATE handle_families SET leased = 0 WHERE id = $1 AND leased = $2`, id, ms(until))
	return err
}

// KeepRefresh replaces the host's refresh token of a family, and nothing else.
// Conflict like RenewHandle.
func (s *Store) KeepRefresh(ctx context.Context, family string, generation int64, refresh string) error {
	n, err := s.exec(ctx, `UPDATE handle_families SET refresh = $3 WHERE id = $1 AND generation = $2 AND ended = 0`,
		family, generation, s.sealText(refreshSeal(family), refresh))
	if err == nil && n == 0 {
		err = overtaken()
	}
	return err
}

func overtaken() error {
	return fault.New(fault.Conflict, "This sign-in was refreshed or ended in the meantime.")
}

const endHandleFamily = `UPDATE handle_families SET ended = $1, refresh = '', answer = '', repeat = 0 WHERE ended = 0 AND `

// EndHandleFamily ends a family and forgets its secrets. It is no error when it
// had ended before. NotFound when there is none.
func (s *Store) EndHandleFamily(ctx context.Context, id string, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, endHandleFamily+`id = $2`, ms(now), id); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT id FROM handle_families WHERE id = $1`, id).Scan(&id)
	})
}

// EndHandleGeneration ends a family, unless it has gone on from a generation.
// Conflict like RenewHandle.
func (s *Store) EndHandleGeneration(ctx context.Context, id string, generation int64, now time.Time) error {
	n, err := s.exec(ctx, endHandleFamily+`id = $2 AND generation = $3`, ms(now), id, generation)
	if err == nil && n == 0 {
		err = overtaken()
	}
	return err
}

// EndHandleFamilies ends those of a connector, and says how many there were.
func (s *Store) EndHandleFamilies(ctx context.Context, connector string, now time.Time) (int, error) {
	n, err := s.exec(ctx, endHandleFamily+`connector = $2`, ms(now), connector)
	return int(n), err
}

// HandleFamilies are those alive, at most limit, the one last used first.
func (s *Store) HandleFamilies(ctx context.Context, limit int) ([]HandleFamily, error) {
	rows, err := s.read.QueryContext(ctx, `
		SELECT `+handleFamilyColumns+` FROM handle_families f WHERE f.ended = 0 ORDER BY f.used DESC, f.id LIMIT $1`, limit)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []HandleFamily
	for rows.Next() {
		f, err := scanHandleFamily(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, failed(rows.Err())
}

// How long families are remembered: one that nobody uses, and one that has
// ended, so that its handles are known for what they are.
const (
	handleIdle      = 90 * 24 * time.Hour
	handleAfterlife = 7 * 24 * time.Hour
)

func sweepHandles(ctx context.Context, tx *sql.Tx, now time.Time) error {
	err := execEach(ctx, tx, ms(now), `UPDATE handle_families SET answer = '' WHERE repeat < $1 AND answer <> ''`)
	if err != nil {
		return err
	}
	err = execEach(ctx, tx, ms(now.Add(-handleAfterlife)), `DELETE FROM handle_families WHERE ended > 0 AND ended <= $1`)
	if err != nil {
		return err
	}
	return execEach(ctx, tx, ms(now.Add(-handleIdle)),
		`DELETE FROM handle_families WHERE used <= $1`,
		`DELETE FROM handles WHERE created <= $1 AND generation < (SELECT generation FROM handle_families f WHERE f.id = handles.family)`)
}

func refreshSeal(family string) string { return "handle family " + family + " refresh" }
func answerSeal(family string) string  { return "handle family " + family + " answer" }
