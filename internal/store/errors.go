package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"gatehouse/internal/fault"
)

// failed turns an error of the engine into a fault. Faults and the end of a
// context pass as they are; nil stays nil.
func failed(err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if errors.As(err, &known) || ended(err) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Wrap(fault.NotFound, err, "There is no such record.")
	}
	var engine *sqlite.Error
	if errors.As(err, &engine) {
		switch engine.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return fault.Wrap(fault.Conflict, err, "There is already such a record.")
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return fault.Wrap(fault.NotFound, err, "What this record belongs to is gone.")
		}
		switch engine.Code() & 0xff { // the kind without its detail
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return fault.Wrap(fault.Unavailable, err, "The database is busy. Try again.")
		case sqlite3.SQLITE_FULL:
			return fault.Wrap(fault.Unavailable, err, "The disk of the database is full. Tell the operator.")
		}
	}
	if f := postgresFault(err); f != nil {
		return f
	}
	return fault.Wrap(fault.Internal, err, "database")
}

// ended reports whether err is that of the caller's context. A connection has a
// time limit of its own.
func ended(err error) bool {
	var connect *pgconn.ConnectError
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &connect)
}
