package audit_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/audit"
	"gatehouse/internal/store/storetest"
)

func newLog(t testing.TB) (*audit.Log, *bytes.Buffer) {
	t.Helper()
	st := storetest.Open(t)
	out := &bytes.Buffer{}
	return &audit.Log{
		Store: st, Slog: slog.New(slog.NewTextHandler(out, nil)),
		Now: func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) },
	}, out
}

func recent(t testing.TB, l *audit.Log, f audit.Filter) []audit.Event {
	t.Helper()
	list, err := l.Recent(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEventsAreRead(t *testing.T) {
	l, out := newLog(t)
	first := audit.Event{
		Kind: audit.SignIn, Site: "blog", Connector: "hub", Reference: "r1", Person: "ann", Origin: "https://www.example.com",
		Address: "192.0.2.1", Detail: "with a refresh handle", Expires: 8 * time.Hour,
	}
	second := audit.Event{At: l.Now().Add(time.Hour), Kind: audit.Failure, Site: "blog", Page: "E-origin", Reference: "r2"}
	third := audit.Event{Kind: audit.Security, Site: "shop"}
	for _, e := range []audit.Event{first, second, third} {
		l.Record(t.Context(), e)
	}
	first.ID, second.ID, third.ID = 1, 2, 3
	first.At, third.At = l.Now(), l.Now()
	for name, test := range map[string]struct{ want, got []audit.Event }{
		"all":       {[]audit.Event{third, second, first}, recent(t, l, audit.Filter{})},
		"next page": {[]audit.Event{second}, recent(t, l, audit.Filter{Before: 3, Limit: 1})},
		"site":      {[]audit.Event{second, first}, recent(t, l, audit.Filter{Site: "blog"})},
		"kind":      {[]audit.Event{third}, recent(t, l, audit.Filter{Kind: audit.Security})},
	} {
		if d := cmp.Diff(test.want, test.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for reference, want := range map[string]int{"r1": 1, "r": 0, "": 0} {
		if list, err := l.Find(t.Context(), reference); err != nil || len(list) != want {
			t.Errorf("%q: %v (%v)", reference, list, err)
		}
	}
	for _, want := range []string{
		"level=INFO msg=audit kind=sign-in site=blog connector=hub reference=r1 person=ann origin=https://www.example.com",
		"level=WARN msg=audit kind=security site=shop\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log is without %q:\n%s", want, out)
		}
	}
}

func TestFilterIsBounded(t *testing.T) {
	l, _ := newLog(t)
	for range 1002 {
		l.Record(t.Context(), audit.Event{Kind: audit.Failure, Reference: "same"})
	}
	for limit, want := range map[int]int{0: 100, -1: 100, 7: 7, 5000: 1000} {
		if n := len(recent(t, l, audit.Filter{Limit: limit})); n != want {
			t.Errorf("limit %d gives %d events, want %d", limit, n, want)
		}
	}
	if list, err := l.Find(t.Context(), "same"); err != nil || len(list) != 50 {
		t.Errorf("%d found (%v)", len(list), err)
	}
}

// What is written down is about the request, and must not end with it.
func TestEventOfARequestThatHasEnded(t *testing.T) {
	l, _ := newLog(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.Record(ctx, audit.Event{Kind: audit.Failure})
	if n := len(recent(t, l, audit.Filter{})); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestEventThatCannotBeWrittenIsLogged(t *testing.T) {
	l, out := newLog(t)
	if err := l.Store.Close(); err != nil {
		t.Fatal(err)
	}
	l.Record(t.Context(), audit.Event{Kind: audit.Security, Detail: "a handle was used twice"})
	if !strings.Contains(out.String(), "a handle was used twice") || !strings.Contains(out.String(), "level=ERROR") {
		t.Errorf("the log is:\n%s", out)
	}
	l.Slog = nil
	l.Record(t.Context(), audit.Event{Kind: audit.Security})
}

// Strangers choose part of what is written down.
func TestEventsAreLinesOfBoundedLength(t *testing.T) {
	l, _ := newLog(t)
	for text, want := range map[string]string{
		"two\r\nlines\u2028and \t more":        "two lines and more",
		"\x1b[31mred\x00":                      "[31mred",
		"a\u202eb\ufeff":                       "ab",
		"\xff\xfeno text":                      "no text",
		"  ":                                   "",
		strings.Repeat("é", 201):               strings.Repeat("é", 199) + "…",
		strings.Repeat("é", 200):               strings.Repeat("é", 200),
		strings.Repeat("a", 1<<20):             strings.Repeat("a", 199) + "…",
		strings.Repeat(" ", 1<<20) + "the end": "",
	} {
		l.Record(t.Context(), audit.Event{Kind: audit.Failure, Detail: text})
		if got := recent(t, l, audit.Filter{Limit: 1})[0].Detail; got != want {
			t.Errorf("%.30q is kept as %.30q, want %.30q", text, got, want)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("a\nb", "\xff", "\u202e")
	f.Add(strings.Repeat("é", 300), strings.Repeat("\xf0\x9f\x98\x80", 300), "")
	l, _ := newLog(f)
	f.Fuzz(func(t *testing.T, site, origin, detail string) {
		l.Record(t.Context(), audit.Event{Kind: audit.Failure, Site: site, Origin: origin, Detail: detail})
		e := recent(t, l, audit.Filter{Limit: 1})[0]
		for text, most := range map[string]int{e.Site: 100, e.Origin: 255, e.Detail: 200} {
			if utf8.RuneCountInString(text) > most || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\u2028\u202e\x00") {
				t.Errorf("%q is kept", text)
			}
		}
	})
}
