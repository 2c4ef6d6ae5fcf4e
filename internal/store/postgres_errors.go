package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gatehouse/internal/fault"
)

// postgresFault is err as a fault when it comes from a Postgres server or from
// the way there, else nil. The codes are those of the manual's appendix A.
func postgresFault(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if lost(err) {
			return fault.Wrap(fault.Unavailable, err, "The database cannot be reached. Try again in a moment.")
		}
		return nil
	}
	switch pg.Code {
	case "23505": // unique_violation
		return fault.Wrap(fault.Conflict, err, "There is already such a record.")
	case "23503": // foreign_key_violation
		return fault.Wrap(fault.NotFound, err, "What this record belongs to is gone.")
	case "40001", "40P01", "55P03", "57014": // a conflict of transactions, a deadlock, a lock that was not given, a query cut short
		return fault.Wrap(fault.Unavailable, err, "The database is busy. Try again.")
	case "53100": // disk_full
		return fault.Wrap(fault.Unavailable, err, "The disk of the database is full. Tell the operator.")
	case "25006", "25P03": // read_only_sql_transaction, idle_in_transaction_session_timeout
		return fault.Wrap(fault.Unavailable, err, "The database takes no changes at the moment. Try again.")
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "53", "57": // connection_exception, insufficient_resources, operator_intervention
		return fault.Wrap(fault.Unavailable, err, "The database cannot be reached. Try again in a moment.")
	}
	return nil
}

// notAllowed reports whether the user of a Postgres database lacks a right.
func notAllowed(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501" // insufficient_privilege
}

// lost reports whether err is about a connection that could not be made, or is
// gone.
func lost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// reach makes the first connection, and tells operators what is wrong when there
// is none.
func (s *Store) reach(ctx context.Context, c *pgx.ConnConfig) error {
	var encoding string
	err := s.write.QueryRowContext(ctx, `SELECT current_setting('server_encoding')`).Scan(&encoding)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return unreached(err, c)
	}
	if encoding != "UTF8" {
		return fault.New(fault.Invalid, "The database %s at %s has the encoding %s. Make one for Gatehouse with UTF8: CREATE DATABASE gatehouse ENCODING 'UTF8' TEMPLATE template0.", c.Database, c.Host, encoding)
	}
	return nil
}

func unreached(err error, c *pgx.ConnConfig) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "28P01", "28000": // invalid_password, invalid_authorization_specification
			return fault.Wrap(fault.Invalid, err, "The database server %s does not let %s in. Check the user, the password and sslmode of database, and the server's pg_hba.conf.", c.Host, c.User)
		case "3D000": // invalid_catalog_name
			return fault.Wrap(fault.Invalid, err, "There is no database %s at %s. Make it, for its user: CREATE DATABASE %[1]s OWNER %[3]s.", c.Database, c.Host, c.User)
		}
		return fault.Wrap(fault.Unavailable, err, "The database server %s refuses: %s. Try again, or look at its log.", c.Host, pg.Message)
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return fault.Wrap(fault.Invalid, err, "The certificate of the database server %s cannot be trusted: %v. Name its authority's file with sslrootcert in database.", c.Host, certificate.Err)
	}
	reason := "it gives no answer that makes sense; sslmode may be wrong"
	var network net.Error
	var operation *net.OpError
	switch {
	case errors.As(err, &operation):
		reason = operation.Err.Error()
	case errors.As(err, &network) && network.Timeout():
		reason = "no answer in time"
	}
	return fault.Wrap(fault.Unavailable, err, "The database server %s cannot be reached (%s). Check that it runs, and the host and port of database.", c.Host, reason)
}
