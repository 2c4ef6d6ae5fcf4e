// Package audit writes down who signed in, what failed and what looked like an
// attack, for operators to read. An event holds no token, code, secret or
// cookie.
//
// The log keeps the events of 90 days, and not more than 100 000 sign-ins and
// 100 000 others, so that noise pushes no sign-in out. What it is
// given comes in part from strangers, so every text is cut to one line of
// bounded length.
package audit

import (
	"context"
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

// The kinds of events about accounts, most by the names that GoTrue has for
// them.
const (
	Login           = "login"
	SignUp          = "user_signedup"
	Invited         = "user_invited"
	InviteAccepted  = "invite_accepted"
	Confirmed       = "user_confirmed" // the address of a new account
	Joined          = "user_joined"    // a person of another site has come to this one, too
	Added           = "user_added"     // made by an administrator
	Modified        = "user_modified"
	RecoveryAsked   = "user_recovery_requested"
	MagicLinkAsked  = "magic_link_requested"
	Recovered       = "user_recovered" // came in by a link of a mail
	PasswordChanged = "password_changed"
	EmailAsked      = "email_change_requested"
	EmailChanged    = "email_changed"
	RolesChanged    = "roles_changed"
	Disabled        = "user_disabled"
	Enabled         = "user_enabled"
	Removed         = "user_removed" // from a site
	Deleted         = "user_deleted" // from everywhere
	SignedOut       = "user_signed_out"
	PolicyChanged   = "policy_changed"
	MailResent      = "mail_resent"
	LinkShown       = "link_shown" // of a mail, to be passed on by hand
)

// Event is one line of the log.
type Event struct {
	ID        int64     // decided by the log; larger than those before
	At        time.Time // zero when recorded: now
	Kind      string
	Site      string // may be empty
	Connector string // may be empty
	Page      string // the error page, E-origin; empty: none
	Reference string // the error id that a person was shown; empty: none
	Person    string // whom it is about: the account at the host, or an e-mail address; empty: not known
	Actor     string // who did it, where that is not the person: an e-mail address
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

// recordTime bounds a write that the end of its request does not.
const recordTime = 5 * time.Second

// Record writes an event down, also when the request that it is about has
// ended. It never fails its caller: what cannot be written is logged.
func (l *Log) Record(ctx context.Context, e Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	e = fit(e)
	if e.At.IsZero() {
		e.At = l.now()
	}
	err := l.Store.AddEvent(ctx, store.Event(e))
	if l.Slog == nil {
		return
	}
	level := slog.LevelInfo
	if e.Kind == Security {
		level = slog.LevelWarn
	}
	l.Slog.LogAttrs(ctx, level, "audit", attributes(e)...)
	if err != nil {
		l.Slog.ErrorContext(ctx, "an event could not be written to the audit log", "kind", e.Kind, "reference", e.Reference, "error", err)
	}
}

// attributes are what an event says, without what it does not.
func attributes(e Event) []slog.Attr {
	list := []slog.Attr{slog.String("kind", e.Kind)}
	for _, a := range []slog.Attr{
		slog.String("site", e.Site), slog.String("connector", e.Connector), slog.String("page", e.Page),
		slog.String("reference", e.Reference), slog.String("person", e.Person), slog.String("actor", e.Actor), slog.String("origin", e.Origin),
		slog.String("address", e.Address), slog.String("detail", e.Detail),
	} {
		if a.Value.String() != "" {
			list = append(list, a)
		}
	}
	if e.Expires != 0 {
		list = append(list, slog.Duration("expires", e.Expires))
	}
	return list
}

// Filter says which events are meant. Zero fields stand for any.
type Filter struct {
	Site   string
	Kind   string
	Before int64 // only events older than the one with this id: the next page
	Limit  int   // at most; 0: 100, and never more than 1000
}

// Recent are the events that f asks for, the newest first.
func (l *Log) Recent(ctx context.Context, f Filter) ([]Event, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	return l.events(ctx, store.EventFilter{Site: f.Site, Kind: f.Kind, Before: f.Before, Limit: min(limit, 1000)})
}

// findLimit is how many events one reference may have that are worth showing.
const findLimit = 50

// Find are the events with a reference, the newest first: what a person tells
// who saw an error page. None is no error.
func (l *Log) Find(ctx context.Context, reference string) ([]Event, error) {
	if reference == "" {
		return nil, nil
	}
	return l.events(ctx, store.EventFilter{Reference: reference, Limit: findLimit})
}

func (l *Log) events(ctx context.Context, f store.EventFilter) ([]Event, error) {
	rows, err := l.Store.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	list := make([]Event, len(rows))
	for i, e := range rows {
		list[i] = Event(e)
	}
	return list, nil
}

func (l *Log) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}
