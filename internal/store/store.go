// Package store keeps what must outlive a restart: people and their
// memberships, sessions, refresh tokens, failed attempts, which versions an
// editor was served, connectors, sign-ins at Git hosts and the handles that came
// of them, events, and sealed settings. There is one file per table and one
// method per question; the SQL is plain.
//
// There are two engines, SQLite (Open) and Postgres (OpenPostgres), one set of
// migrations and one text of each statement, which both take:
//
//   - numbered parameters, TEXT, BIGINT (milliseconds), BOOLEAN, JSON as TEXT;
//     no function, type or clause that only one of them knows.
//   - Writing is tx or exec. A transaction has the database to itself, in SQLite
//     by its nature, in Postgres by a lock that each takes first. So what it has
//     read holds until it commits, and nothing is ever retried. What was read
//     outside has to be a condition of the statement that writes.
//   - A failed statement ends its transaction: ON CONFLICT instead of trying.
//   - Rows are read to their end before the next statement of a transaction.
//   - ORDER BY a text follows the language of a Postgres database: it is good for
//     lists that people read. Where the order matters, Go sorts.
//
// A file secret.key seals the settings and the columns that are secret; the
// database alone is worth nothing to a thief. A process that finds a database
// without its key refuses to start (see seal.go).
//
// Times are given by the caller and kept in milliseconds, in UTC. Failures are
// faults: NotFound, Conflict (a unique value is taken), Unavailable (the
// database is busy or gone, or its disk is full), else Internal.
package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync/atomic"
	"time"

	"gatehouse/internal/fault"
)

// Memory is the path of a database that lives and dies with the process.
const Memory = ":memory:"

// Store is an open database. It is safe for use by many goroutines, and what
// lies behind it by several processes at once.
type Store struct {
	// Now is the clock of the columns that no caller decides. Open sets it to
	// time.Now; tests set it before use.
	Now func() time.Time

	// There is one writer at a time. One connection makes writers of this
	// process queue in order, where many would poll and starve.
	write    *sql.DB
	read     *sql.DB
	key      sealKey
	postgres bool // else SQLite

	attempts  atomic.Int64 // charged since the start; see sweepEvery
	oauthRoom atomic.Int64 // rows that fit before they are counted again; see takeOAuthRoom
}

// Open opens the SQLite database at path, or makes it (mode 0600, its directory 0700,
// and secret.key beside it), and brings its tables up to date. The path Memory
// gives an empty one without files.
//
// It fails with Invalid when the key file is missing, another one, or readable
// by others, and when a newer gatehouse wrote the database; the message names
// the file and what to do.
func Open(ctx context.Context, path string) (*Store, error) {
	if path == Memory {
		return openMemory(ctx)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The database path cannot be made absolute.")
	}
	dir := filepath.Dir(path)
	// Two processes that start at once must not both make the key, or both
	// run the migrations.
	unlock, err := takeDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := private(path); err != nil {
		return nil, err
	}
	s := &Store{Now: time.Now}
	if s.write, err = sql.Open("sqlite", dsn(path)); err != nil {
		return nil, failed(err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", dsn(path)); err != nil {
		return nil, errors.Join(failed(err), s.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := s.prepare(ctx, filepath.Join(dir, KeyFile), filepath.Base(path)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// readers is how many connections may read at the same time.
const readers = 4

func openMemory(ctx context.Context) (*Store, error) {
	db, err := sql.Open("sqlite", dsn(Memory))
	if err != nil {
		return nil, failed(err)
	}
	// The database is its one connection: it must neither be joined by a
	// second nor be closed for idleness.
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	s := &Store{Now: time.Now, write: db, read: db, key: newKey()}
	if err := s.migrate(ctx, Memory); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, keyFile, database string) error {
	if err := s.migrate(ctx, database); err != nil {
		return err
	}
	return s.unlockKey(ctx, keyFile, database)
}

// Close ends the connections. Everything acknowledged is already on disk.
func (s *Store) Close() error {
	var err error
	if s.read != nil && s.read != s.write {
		err = s.read.Close()
	}
	if s.write != nil {
		err = errors.Join(err, s.write.Close())
	}
	return err
}

// tx runs f in one writing transaction: all of it or nothing.
func (s *Store) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return failed(err)
	}
	if err := f(tx); err != nil {
		// The first failure is the one to tell; the engine forgets an open
		// transaction with its connection in any case.
		_ = tx.Rollback()
		return failed(err)
	}
	return failed(tx.Commit())
}

// begin waits for the writers before.
func (s *Store) begin(ctx context.Context) (*sql.Tx, error) {
	if s.postgres {
		return s.beginPostgres(ctx)
	}
	return s.write.BeginTx(ctx, nil) // takes the lock; see dsn
}

// exec runs one writing statement and says how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// ms is a time as it is stored; the zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at is the time that ms stored.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
