package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// The states of an OAuthTransaction. What leads from one to the next is told in
// package auth.
const (
	OAuthNew       = "new"
	OAuthBegun     = "begun"
	OAuthReturned  = "returned"
	OAuthDone      = "done"
	OAuthFailed    = "failed"
	OAuthClaimed   = "claimed"
	OAuthWithdrawn = "withdrawn"
)

// OAuthTransaction is a sign-in at a Git host that is under way. The verifier
// and the outcome lie sealed in the database, and are there to see in
// UpdateOAuthTransaction alone.
type OAuthTransaction struct {
	ID        string
	Cookie    string // SHA-256 of its value, hexadecimal; unique
	State     string // the same of the state; unique; empty until the host is asked
	Status    string // one of the states above
	OK        bool   // it ended well
	Site      string
	Provider  string
	Connector string
	Host      string // URL of the connector's host when it was asked; empty until then
	Scope     string
	Redirect  string
	Origin    string
	Launcher  bool
	Created   time.Time
	Expires   time.Time

	Verifier string // of PKCE
	Outcome  []byte
}

const oauthColumns = `id, cookie, state, status, ok, site, provider, connector, host, scope, redirect, origin, launcher, created, expires`

func scanOAuthTransaction(row scanner, more ...any) (OAuthTransaction, error) {
	var x OAuthTransaction
	var state sql.NullString
	var created, expires int64
	err := row.Scan(append([]any{
		&x.ID, &x.Cookie, &state, &x.Status, &x.OK, &x.Site, &x.Provider, &x.Connector,
		&x.Host, &x.Scope, &x.Redirect, &x.Origin, &x.Launcher, &created, &expires,
	}, more...)...)
	if err != nil {
		return OAuthTransaction{}, failed(err)
	}
	x.State, x.Created, x.Expires = state.String, at(created), at(expires)
	return x, nil
}

// AddOAuthTransaction begins a transaction, and lets those with the ids of drop
// go: one that has an outcome which was not collected expires, the others are
// removed. TooMany when too many are under way.
func (s *Store) AddOAuthTransaction(ctx context.Context, x OAuthTransaction, drop ...string) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		now := ms(x.Created)
		for _, id := range drop {
			if err := dropOAuthTransaction(ctx, tx, id, now); err != nil {
				return err
			}
		}
		if err := s.takeOAuthRoom(ctx, tx, now, maxOAuthTransactions); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO oauth_transactions (`+oauthColumns+`, verifier, outcome)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			x.ID, x.Cookie, nullable(x.State), x.Status, x.OK, x.Site, x.Provider, x.Connector, x.Host, x.Scope, x.Redirect,
			x.Origin, x.Launcher, now, ms(x.Expires), s.sealText(verifierSeal(x.ID), x.Verifier), s.sealText(outcomeSeal(x.ID), string(x.Outcome)))
		return err
	})
	if err != nil {
		s.oauthRoom.Store(0) // what made room has not happened
	}
	return err
}

// OAuthTransaction is the transaction with an id, without its secrets. NotFound
// when there is none.
func (s *Store) OAuthTransaction(ctx context.Context, id string) (OAuthTransaction, error) {
	return scanOAuthTransaction(s.read.QueryRowContext(ctx, `SELECT `+oauthColumns+` FROM oauth_transactions WHERE id = $1`, id))
}

// OAuthTransactionByState is the transaction whose state has a hash, without
// its secrets. NotFound when there is none.
func (s *Store) OAuthTransactionByState(ctx context.Context, hash string) (OAuthTransaction, error) {
	return scanOAuthTransaction(s.read.QueryRowContext(ctx, `SELECT `+oauthColumns+` FROM oauth_transactions WHERE state = $1`, hash))
}

// OAuthOutcome is the outcome of the transaction with an id; nil when there is
// none (any more). NotFound when there is no such transaction.
func (s *Store) OAuthOutcome(ctx context.Context, id string) ([]byte, error) {
	x, err := s.openOAuthTransaction(s.read.QueryRowContext(ctx, `SELECT `+oauthColumns+`, verifier, outcome FROM oauth_transactions WHERE id = $1`, id))
	return x.Outcome, err
}

// OAuthTransactionsByCookie are those with one of the hashes, without their
// secrets, the oldest first.
func (s *Store) OAuthTransactionsByCookie(ctx context.Context, hashes []string) ([]OAuthTransaction, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	places, args := make([]string, len(hashes)), make([]any, len(hashes))
	for i, hash := range hashes {
		places[i], args[i] = fmt.Sprintf("$%d", i+1), hash
	}
	query := `SELECT ` + oauthColumns + ` FROM oauth_transactions WHERE cookie IN (` + strings.Join(places, ", ") + `) ORDER BY created, id` //nolint:gosec // numbered places alone
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []OAuthTransaction
	for rows.Next() {
		x, err := scanOAuthTransaction(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, failed(rows.Err())
}

// UpdateOAuthTransaction gives a transaction, with its secrets, to change, and
// keeps what becomes of all but its id, cookie, provider and birth. An error of
// change leaves it as it is. Of two at once,
// the second sees what the first has made. NotFound when there is none.
func (s *Store) UpdateOAuthTransaction(ctx context.Context, id string, change func(*OAuthTransaction) error) (x OAuthTransaction, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		x, err = s.openOAuthTransaction(tx.QueryRowContext(ctx, `SELECT `+oauthColumns+`, verifier, outcome FROM oauth_transactions WHERE id = $1`, id))
		if err != nil {
			return err
		}
		was := x.Status
		if err := change(&x); err != nil {
			return err
		}
		return s.saveOAuthTransaction(ctx, tx, x, was)
	})
	return x, err
}

// openOAuthTransaction scans oauthColumns, verifier and outcome.
func (s *Store) openOAuthTransaction(row scanner) (OAuthTransaction, error) {
	var verifier, outcome string
	x, err := scanOAuthTransaction(row, &verifier, &outcome)
	if err != nil {
		return x, err
	}
	if x.Verifier, err = s.openText(verifierSeal(x.ID), verifier); err != nil {
		return x, err
	}
	outcome, err = s.openText(outcomeSeal(x.ID), outcome)
	if outcome != "" {
		x.Outcome = []byte(outcome)
	}
	return x, err
}

func (s *Store) saveOAuthTransaction(ctx context.Context, tx *sql.Tx, x OAuthTransaction, was string) error {
	res, err := tx.ExecContext(ctx, `
		UPDATE oauth_transactions SET state = $3, status = $4, ok = $5, site = $6, connector = $7, scope = $8, redirect = $9,
			origin = $10, launcher = $11, verifier = $12, outcome = $13, expires = $14, host = $15
		WHERE id = $1 AND status = $2`,
		x.ID, was, nullable(x.State), x.Status, x.OK, x.Site, x.Connector, x.Scope, x.Redirect, x.Origin, x.Launcher,
		s.sealText(verifierSeal(x.ID), x.Verifier), s.sealText(outcomeSeal(x.ID), string(x.Outcome)), ms(x.Expires), x.Host)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	// An engine that lets writers in side by side gets here, SQLite does not.
	return fault.New(fault.Conflict, "This sign-in has gone on in the meantime.")
}

func verifierSeal(id string) string { return "oauth transaction " + id + " verifier" }
func outcomeSeal(id string) string  { return "oauth transaction " + id + " outcome" }

// nullable is a text that is null when it is empty.
func nullable(text string) sql.NullString {
	return sql.NullString{String: text, Valid: text != ""}
}
