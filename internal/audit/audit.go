// Package audit writes down who signed in, what failed and what looked like an
// attack, for operators to read. An event holds no token, code, secret or
// cookie.
package audit

import (
	"log/slog"
	"time"

	"gatehouse/internal/store"
)

// The kinds of events.
const (
	SignIn   = "sign-in"  // a person got a token through the broker
	Failure  = "failure"  // a sign-in ended on an error page
	Refresh  = "refresh"  // a refresh that failed
	Security = "security" // a refresh handle was used twice, an opener was not registered, …
)

// Event is one line of the log.
type Event struct {
	ID        int64
	At        time.Time // zero when recorded: now
	Kind      string
	Site      string // may be empty
	Connector string // may be empty
	Page      string // the error page, E-origin; empty: none
	Reference string // the error id that a person was shown; empty: none
	Person    string // the account at the host; empty: not known
	Origin    string // of the page that asked; empty: not known
	Address   string // of the client
	Detail    string // one line for the operator, at most 200 characters
	// Expires is how long the token of a sign-in lives; 0: it does not end.
	Expires time.Duration
}

// Log is the audit log. Fields are set before use.
type Log struct {
	Store *store.Store
	Slog  *slog.Logger // every event is logged, too; nil: not
	Now   func() time.Time
}
