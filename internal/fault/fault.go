// Package fault is the one error type of Gatehouse: a kind, which decides the
// status on the wire; a message, which may be shown to a person; and a cause,
// which may not.
//
// Every layer below the API returns faults (or plain errors, which count as
// Internal). Each API package renders them in its own protocol's shape, in one
// function, and nothing else knows a status code.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure it is, as seen by the caller.
type Kind uint8

// The kinds. The zero value is Internal, so that an error without a kind is
// never shown to anyone.
const (
	Internal        Kind = iota // our failure: logged, never shown
	Invalid                     // the input is wrong; the message says how to mend it
	Unauthenticated             // nobody is signed in
	Forbidden                   // signed in, but not allowed
	NotFound                    // no such thing
	Conflict                    // it changed in the meantime
	TooMany                     // slow down; see Error.RetryAfter
	Unavailable                 // passing: try again
	Unsupported                 // this server or repository cannot do that
	TooLarge                    // over a limit that the message names
)

var names = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not found", "conflict", "too many", "unavailable", "unsupported", "too large"}

func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is a failure with a kind.
type Error struct {
	Kind       Kind
	Message    string        // for people; may be shown
	Paths      []string      // the repository paths it is about, if any
	RetryAfter time.Duration // with TooMany and Unavailable: when to try again; 0 is unknown
	Err        error         // the cause; for the log alone
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// New makes a fault whose message may be shown.
func New(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes a fault with a cause. The message may be shown, the cause is only
// logged. A nil cause gives nil.
func Wrap(k Kind, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...), Err: err}
}

// KindOf is the kind of the outermost fault in the chain of err; Internal when
// there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is a fault of kind k. It is false for nil.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// Message is what may be shown of err: the message of the outermost fault, or a
// sentence that says nothing for internal errors.
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e.Message
	}
	return "Something went wrong on the server. It has been logged; try again, and tell the operator if it stays."
}
