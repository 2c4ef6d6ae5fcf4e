package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestKinds(t *testing.T) {
	for kind, name := range map[fault.Kind]string{
		fault.Internal:        "internal",
		fault.Invalid:         "invalid",
		fault.Unauthenticated: "unauthenticated",
		fault.Forbidden:       "forbidden",
		fault.NotFound:        "not found",
		fault.Conflict:        "conflict",
		fault.TooMany:         "too many",
		fault.Unavailable:     "unavailable",
		fault.Unsupported:     "unsupported",
		fault.TooLarge:        "too large",
		fault.TooLarge + 1:    "kind(10)", // a kind that is added gets a name, too
	} {
		if got := kind.String(); got != name {
			t.Errorf("kind %d is called %q, want %q", kind, got, name)
		}
		err := fault.New(kind, "No.")
		if fault.KindOf(err) != kind || !fault.Is(err, kind) || fault.Is(err, kind+1) {
			t.Errorf("%s: kind %s", name, fault.KindOf(err))
		}
	}
}

// What has no kind counts as our own failure, and no error is no failure.
func TestErrorsWithoutAKind(t *testing.T) {
	for _, err := range []error{io.EOF, context.Canceled, fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)} {
		if fault.KindOf(err) != fault.Internal || !fault.Is(err, fault.Internal) {
			t.Errorf("%v: kind %s", err, fault.KindOf(err))
		}
	}
	if fault.Is(nil, fault.Internal) {
		t.Error("nil is a fault")
	}
}

func TestWrap(t *testing.T) {
	if err := fault.Wrap(fault.Invalid, nil, "No."); err != nil {
		t.Errorf("no cause, and yet %v", err)
	}
	err := fault.Wrap(fault.Unavailable, io.EOF, "The host %s does not answer.", "git.example")
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
	if want := "The host git.example does not answer.: EOF"; err.Error() != want {
		t.Errorf("the log says %q, want %q", err, want)
	}
	var f *fault.Error
	if !errors.As(fmt.Errorf("saving: %w", err), &f) || f.Kind != fault.Unavailable {
		t.Error("a fault is not found in the chain of another error")
	}
}

// The outermost fault decides: a layer above knows better what its caller may
// hear.
func TestOutermostFaultDecides(t *testing.T) {
	inner := fault.New(fault.NotFound, "There is no refs/heads/x.")
	outer := fmt.Errorf("publishing: %w", fault.Wrap(fault.Conflict, fmt.Errorf("reading: %w", inner), "The draft is gone."))
	if fault.KindOf(outer) != fault.Conflict || fault.Message(outer) != "The draft is gone." {
		t.Errorf("%s %q", fault.KindOf(outer), fault.Message(outer))
	}
	joined := errors.Join(outer, inner)
	if fault.KindOf(joined) != fault.Conflict {
		t.Errorf("of joined errors the first decides, not %s", fault.KindOf(joined))
	}
}

func TestMessageShowsNoCauses(t *testing.T) {
	secret := errors.New("dial tcp 10.1.2.3: token hunter2")
	for name, err := range map[string]error{
		"a plain error":           secret,
		"a wrapped plain error":   fmt.Errorf("reading: %w", secret),
		"an internal fault":       fault.New(fault.Internal, "hunter2"),
		"an internal fault above": fault.Wrap(fault.Internal, fault.New(fault.Invalid, "hunter2"), "hunter2"),
		"a cause":                 fault.Wrap(fault.Invalid, secret, "This cannot be."),
		"a cause that is a fault": fault.Wrap(fault.Invalid, fault.New(fault.NotFound, "hunter2"), "This cannot be."),
	} {
		message := fault.Message(err)
		if strings.Contains(message, "hunter2") || message == "" {
			t.Errorf("%s: %q", name, message)
		}
	}
}

func TestFieldsOfAnError(t *testing.T) {
	err := error(&fault.Error{Kind: fault.TooMany, Message: "Slow down.", Paths: []string{"a.md"}, RetryAfter: time.Minute})
	if fault.Message(err) != "Slow down." || err.Error() != "Slow down." || errors.Unwrap(err) != nil {
		t.Errorf("%q %v", fault.Message(err), err)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.RetryAfter != time.Minute || len(f.Paths) != 1 {
		t.Errorf("%+v", f)
	}
}
