package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"gatehouse/internal/fault"
)

// OpenPostgres opens the database of a Postgres server that address names
// (postgres://user:password@host:port/name?sslmode=…), and brings its tables up
// to date. keyFile seals its secrets; it is made, with its directory, for a
// database that has never had one.
//
// It fails with Unavailable when the server cannot be reached, and with Invalid
// when the address, the name, the password or the rights are wrong, and as Open
// does. The messages are for operators: they name the host and the database, and
// never the password.
func OpenPostgres(ctx context.Context, address, keyFile string) (*Store, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	if keyFile, err = filepath.Abs(keyFile); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The path of the key file cannot be made absolute.")
	}
	unlock, err := takeDir(ctx, filepath.Dir(keyFile))
	if err != nil {
		return nil, err
	}
	defer unlock()
	s := &Store{Now: time.Now, postgres: true, write: pool(config, 1), read: pool(config, readers)}
	if err := s.reach(ctx, config); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	err = s.alone(ctx, starting, func() error {
		return s.prepare(ctx, keyFile, fmt.Sprintf("%s at %s", config.Database, config.Host))
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Bounds of the connections to a Postgres server. A host that has gone without a
// word is noticed by probes.
const (
	connectTimeout = 10 * time.Second
	connectionLife = 30 * time.Minute // so that a server that moved is found again
	connectionIdle = 5 * time.Minute
)

// postgresConfig reads an address. What is wrong with it is told without quoting
// it, because a password that is not encoded may lie anywhere in it.
func postgresConfig(address string) (*pgx.ConnConfig, error) {
	wrong := fault.New(fault.Invalid, "database is not the address of a Postgres database. Write postgres://user:password@host:5432/name?sslmode=verify-full, with whatever is special in the password percent-encoded.")
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, wrong
	}
	config, err := pgx.ParseConfig(address)
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return nil, fault.Wrap(fault.Invalid, file, "The file %s, which database names, cannot be read.", file.Path)
	case err != nil:
		return nil, wrong
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "gatehouse"
	}
	return config, nil
}

// pool is at most n connections.
func pool(config *pgx.ConnConfig, n int) *sql.DB {
	db := sql.OpenDB(textConnector{stdlib.GetConnector(*config)})
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxLifetime(connectionLife)
	db.SetConnMaxIdleTime(connectionIdle)
	return db
}

// textConnector makes connections that take any text. Clients send what they
// like, say as their name; Postgres keeps UTF-8 without NUL alone, and would
// fail instead.
type textConnector struct{ driver.Connector }

func (c textConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	known, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a connection is a %T", conn), conn.Close())
	}
	return textConn{known}, nil
}

type textConn struct{ *stdlib.Conn }

// CheckNamedValue puts U+FFFD in the place of what Postgres does not take.
func (textConn) CheckNamedValue(v *driver.NamedValue) error {
	switch x := v.Value.(type) {
	case string:
		v.Value = clean(x)
	case sql.NullString:
		x.String = clean(x.String)
		v.Value = x
	}
	return nil
}

func clean(text string) string {
	const replacement = "\uFFFD"
	return strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
}

// advisory is a lock of the whole database, by its number. Another program in the
// same database would have to use our class to get in the way.
type advisory int

const advisoryClass = 0x67617465 // "gate"

const (
	starting advisory = 1 // by who migrates and looks at the key
	writing  advisory = 2 // by every writing transaction
)

// alone runs f while no other process holds the same lock. It takes a
// connection of the readers.
func (s *Store) alone(ctx context.Context, lock advisory, f func() error) error {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = tx.Rollback() }() // gives the lock back
	_, err = tx.ExecContext(ctx, `
		SELECT set_config('lock_timeout', '0', TRUE), set_config('idle_in_transaction_session_timeout', '0', TRUE),
			pg_advisory_xact_lock($1, $2)`, advisoryClass, int(lock))
	if err != nil {
		return failed(err)
	}
	return f()
}

// beginPostgres begins a transaction that has the database's writers behind it.
// Statements see what was committed before them (READ COMMITTED), so all of
// them see what the writer before has left. A process that stops in the middle
// does not hold up the others for good.
func (s *Store) beginPostgres(ctx context.Context) (*sql.Tx, error) {
	tx, err := s.write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `
		SELECT set_config('lock_timeout', '10s', TRUE), set_config('idle_in_transaction_session_timeout', '30s', TRUE),
			pg_advisory_xact_lock($1, $2)`, advisoryClass, int(writing))
	if err != nil {
		_ = tx.Rollback() // the first failure is the one to tell
		return nil, err
	}
	return tx, nil
}
