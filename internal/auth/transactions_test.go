package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store/storetest"
)

// signIns are transactions over a database that can be closed and opened again.
type signIns struct {
	*Transactions
	clock *clock
	place storetest.Place
}

func newSignIns(t testing.TB) *signIns {
	t.Helper()
	x := &signIns{clock: &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}, place: storetest.New(t)}
	x.Transactions = &Transactions{Secure: true, Now: x.clock.Now}
	x.open(t)
	t.Cleanup(func() { check(t, x.Store.Close()) })
	return x
}

func (x *signIns) open(t testing.TB) {
	t.Helper()
	st := x.place.Open(t)
	st.Now = x.clock.Now
	x.Store = st
}

func (x *signIns) restart(t testing.TB) {
	t.Helper()
	check(t, x.Store.Close())
	x.open(t)
}

// browser keeps cookies as one does.
type browser struct{ cookies []*http.Cookie }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// keep takes what an answer says about cookies.
func (b *browser) keep(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		b.cookies = without(b.cookies, c.Name)
		if c.MaxAge > 0 {
			b.cookies = append(b.cookies, c)
		}
	}
}

func without(list []*http.Cookie, name string) []*http.Cookie {
	var left []*http.Cookie
	for _, c := range list {
		if c.Name != name {
			left = append(left, c)
		}
	}
	return left
}

func (x *signIns) start(t testing.TB, b *browser) Transaction {
	t.Helper()
	w := httptest.NewRecorder()
	got, err := x.Start(w, b.request(), Transaction{Site: "blog", Provider: "github", Connector: "github", Scope: "repo"})
	check(t, err)
	b.keep(w)
	return got
}

func (x *signIns) begin(t testing.TB, b *browser, id string) (state, verifier string) {
	t.Helper()
	_, state, verifier, err := x.Begin(b.request(), id, Transaction{
		Origin: "https://www.example.com", Connector: "github", Scope: "repo", Redirect: "https://auth.test/callback/github",
	})
	check(t, err)
	return state, verifier
}

// returned is a transaction that is back from the host.
func (x *signIns) returned(t testing.TB, b *browser) Transaction {
	t.Helper()
	state, _ := x.begin(t, b, x.start(t, b).ID)
	got, _, err := x.Return(b.request(), "github", state)
	check(t, err)
	return got
}

func (x *signIns) claim(b *browser, id string) (Transaction, string, error) {
	w := httptest.NewRecorder()
	got, outcome, err := x.Claim(w, b.request(), id)
	b.keep(w)
	return got, string(outcome), err
}

func (x *signIns) withdraw(b *browser, id string) (Transaction, string, error) {
	w := httptest.NewRecorder()
	got, outcome, err := x.Withdraw(w, b.request(), id)
	b.keep(w)
	return got, string(outcome), err
}

func wantCause(t testing.TB, err, cause error, k fault.Kind) {
	t.Helper()
	if !errors.Is(err, cause) || !fault.Is(err, k) {
		t.Fatalf("error is %v (%v), want %v (%v)", err, fault.KindOf(err), cause, k)
	}
}

func TestSignInThatGoesWell(t *testing.T) {
	x := newSignIns(t)
	b := &browser{}
	started := x.start(t, b)
	if started.Status != TransactionNew || !started.Expires.Equal(x.clock.Now().Add(TransactionLife)) || started.Provider != "github" {
		t.Errorf("started as %+v", started)
	}
	begun, state, verifier, err := x.Begin(b.request(), started.ID, Transaction{
		Origin: "https://www.example.com", Connector: "hub", Host: "https://hub.example", Scope: "public_repo",
		Redirect: "https://auth.test/callback/hub", Launcher: true,
	})
	check(t, err)
	want := started
	want.Status, want.Origin, want.Connector, want.Host = TransactionBegun, "https://www.example.com", "hub", "https://hub.example"
	want.Scope, want.Redirect, want.Launcher = "public_repo", "https://auth.test/callback/hub", true
	if begun != want {
		t.Errorf("begun as %+v, want %+v", begun, want)
	}
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	if !form.MatchString(state) || !form.MatchString(verifier) || state == verifier {
		t.Errorf("state %q, verifier %q", state, verifier)
	}
	got, v, err := x.Return(b.request(), "hub", state)
	check(t, err)
	want.Status = TransactionReturned
	if got != want || v != verifier {
		t.Errorf("returned %+v, verifier %q; want %+v, %q", got, v, want, verifier)
	}
	_, _, err = x.claim(b, started.ID)
	wantCause(t, err, ErrPending, fault.Conflict)
	check(t, x.Finish(t.Context(), started.ID, true, []byte("the outcome")))
	for range 2 {
		if got, outcome, err := x.Outcome(b.request(), started.ID); err != nil || string(outcome) != "the outcome" || got.Status != TransactionDone || !got.OK {
			t.Errorf("a look shows %q of %+v (%v)", outcome, got, err)
		}
	}
	x.clock.Advance(OutcomeLife - time.Millisecond)
	got, outcome, err := x.claim(b, started.ID)
	if err != nil || outcome != "the outcome" || got.Status != TransactionClaimed || !got.OK || got.Origin != want.Origin {
		t.Errorf("claimed %q of %+v (%v)", outcome, got, err)
	}
	_, _, err = x.claim(b, started.ID)
	wantCause(t, err, ErrUsed, fault.Conflict)
	_, _, err = x.Outcome(b.request(), started.ID)
	wantCause(t, err, ErrUsed, fault.Conflict)
}

// It fails before the host is asked, while it is asked, or after.
func TestSignInThatFails(t *testing.T) {
	for name, until := range map[string]func(*signIns, *browser) string{
		"new": func(x *signIns, b *browser) string { return x.start(t, b).ID },
		"begun": func(x *signIns, b *browser) string {
			id := x.start(t, b).ID
			x.begin(t, b, id)
			return id
		},
		"returned": func(x *signIns, b *browser) string { return x.returned(t, b).ID },
	} {
		t.Run(name, func(t *testing.T) {
			x, b := newSignIns(t), &browser{}
			id := until(x, b)
			check(t, x.Finish(t.Context(), id, false, []byte("why")))
			wantCause(t, x.Finish(t.Context(), id, true, []byte("no")), ErrUsed, fault.Conflict)
			x.clock.Advance(TransactionLife - time.Millisecond)
			got, outcome, err := x.claim(b, id)
			if err != nil || outcome != "why" || got.OK {
				t.Errorf("claimed %q of %+v (%v)", outcome, got, err)
			}
		})
	}
}

func TestStateIsForOneBrowserAndOneConnector(t *testing.T) {
	x := newSignIns(t)
	b, other := &browser{}, &browser{}
	state, _ := x.begin(t, b, x.start(t, b).ID)
	x.start(t, b)
	x.start(t, other)
	onlyOther := &browser{cookies: b.cookies[1:]} // this browser's, of another transaction

	_, _, unknown := x.Return(b.request(), "github", NewToken())
	wantCause(t, unknown, ErrUnknownState, fault.Invalid)
	for name, r := range map[string]*http.Request{
		"a browser without cookies": (&browser{}).request(),
		"another browser":           other.request(),
		"another transaction":       onlyOther.request(),
	} {
		_, _, err := x.Return(r, "github", state)
		wantCause(t, err, ErrOtherBrowser, fault.Invalid)
		if fault.Message(err) != fault.Message(unknown) {
			t.Errorf("%s learns that the state is known: %q", name, fault.Message(err))
		}
	}
	forged := b.request()
	forged.Header.Set("Cookie", b.cookies[0].Name+"="+onlyOther.cookies[0].Value)
	_, _, err := x.Return(forged, "github", state)
	wantCause(t, err, ErrOtherBrowser, fault.Invalid)
	for _, empty := range []string{"", " ", strings.Repeat("a", 10_000)} {
		_, _, err = x.Return(b.request(), "github", empty)
		wantCause(t, err, ErrUnknownState, fault.Invalid)
	}
	_, _, err = x.Return(b.request(), "gitlab", state)
	wantCause(t, err, ErrOtherConnector, fault.Invalid)

	// None of that has harmed it.
	if _, _, err := x.Return(b.request(), "github", state); err != nil {
		t.Fatal(err)
	}
	_, _, err = x.Return(b.request(), "github", state)
	wantCause(t, err, ErrUsed, fault.Conflict)
}

func TestSignInsGrowOld(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	fresh := x.start(t, b).ID
	begun := x.start(t, b).ID
	state, _ := x.begin(t, b, begun)
	failed := x.start(t, b).ID
	check(t, x.Finish(t.Context(), failed, false, nil))
	x.clock.Advance(TransactionLife)

	_, _, _, err := x.Begin(b.request(), fresh, Transaction{Origin: "https://www.example.com", Connector: "github"})
	wantCause(t, err, ErrTooLate, fault.Invalid)
	_, _, err = x.Return(b.request(), "github", state)
	wantCause(t, err, ErrTooLate, fault.Invalid)
	for _, id := range []string{fresh, begun, failed} {
		_, err = x.Find(b.request(), id)
		wantCause(t, err, ErrTooLate, fault.Invalid)
		_, _, err = x.claim(b, id)
		wantCause(t, err, ErrTooLate, fault.Invalid)
	}
	// Swept away it is still known for what it was, for a while.
	check(t, x.Store.Sweep(t.Context(), x.clock.Now()))
	_, _, err = x.Return(b.request(), "github", state)
	wantCause(t, err, ErrTooLate, fault.Invalid)
	x.clock.Advance(time.Hour)
	check(t, x.Store.Sweep(t.Context(), x.clock.Now()))
	_, _, err = x.Return(b.request(), "github", state)
	wantCause(t, err, ErrUnknownState, fault.Invalid)
}

// The host took so long that the time is over when the token comes.
func TestTokenThatComesLateIsKept(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	id := x.returned(t, b).ID
	x.clock.Advance(TransactionLife)
	check(t, x.Store.Sweep(t.Context(), x.clock.Now()))
	left, cancel := context.WithCancel(t.Context())
	cancel()
	check(t, x.Finish(left, id, true, []byte("token"))) // the browser has gone
	if _, outcome, err := x.claim(b, id); err != nil || outcome != "token" {
		t.Errorf("claimed %q (%v)", outcome, err)
	}
}

func TestTransactionsOfOtherBrowsersAreNotSeen(t *testing.T) {
	x, b, other := newSignIns(t), &browser{}, &browser{}
	id := x.start(t, b).ID
	x.start(t, other)
	for name, try := range map[string]func(r *http.Request, id string) error{
		"Find":   func(r *http.Request, id string) error { _, err := x.Find(r, id); return err },
		"Settle": func(r *http.Request, id string) error { _, err := x.Settle(r, id, "shop"); return err },
		"Begin": func(r *http.Request, id string) error {
			_, _, _, err := x.Begin(r, id, Transaction{Origin: "https://evil.example", Connector: "github"})
			return err
		},
		"Outcome": func(r *http.Request, id string) error { _, _, err := x.Outcome(r, id); return err },
		"Claim": func(r *http.Request, id string) error {
			_, _, err := x.Claim(httptest.NewRecorder(), r, id)
			return err
		},
		"Withdraw": func(r *http.Request, id string) error {
			_, _, err := x.Withdraw(httptest.NewRecorder(), r, id)
			return err
		},
	} {
		for _, id := range []string{id, "", "0", id[:8], newID()} {
			err := try(other.request(), id)
			if !errors.Is(err, ErrUnknownTransaction) || !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s of %q: %v", name, id, err)
			}
		}
	}
	x.begin(t, b, id) // none of that has harmed it
}

func TestSettle(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	w := httptest.NewRecorder()
	got, err := x.Start(w, b.request(), Transaction{Provider: "github"})
	check(t, err)
	b.keep(w)
	if got, err = x.Settle(b.request(), got.ID, "blog"); err != nil || got.Site != "blog" || got.Status != TransactionNew {
		t.Fatalf("settled as %+v (%v)", got, err)
	}
	_, err = x.Settle(b.request(), got.ID, "shop")
	wantCause(t, err, ErrUsed, fault.Conflict)
	x.begin(t, b, got.ID)
	if got, err = x.Find(b.request(), got.ID); err != nil || got.Site != "blog" {
		t.Errorf("found %+v (%v)", got, err)
	}
}

func TestOneOfManyGoesOn(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	id := x.start(t, b).ID
	var state string
	many := func(name string, step func(r *http.Request) error) {
		t.Helper()
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			r := b.request().WithContext(context.Background())
			wg.Go(func() {
				switch err := step(r); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ErrUsed):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%s: %d went on", name, won.Load())
		}
	}
	var mu sync.Mutex
	many("Begin", func(r *http.Request) error {
		_, s, _, err := x.Begin(r, id, Transaction{Origin: "https://www.example.com", Connector: "github", Scope: "repo"})
		if err == nil {
			mu.Lock()
			state = s
			mu.Unlock()
		}
		return err
	})
	many("Return", func(r *http.Request) error { _, _, err := x.Return(r, "github", state); return err })
	many("Finish", func(*http.Request) error { return x.Finish(context.Background(), id, true, []byte("token")) })
	many("Claim", func(r *http.Request) error { _, _, err := x.Claim(httptest.NewRecorder(), r, id); return err })
	many("Withdraw", func(r *http.Request) error { _, _, err := x.Withdraw(httptest.NewRecorder(), r, id); return err })
}

func TestSignInOutlivesRestarts(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	id := x.start(t, b).ID
	x.restart(t)
	state, verifier := x.begin(t, b, id)
	x.restart(t)
	if _, v, err := x.Return(b.request(), "github", state); err != nil || v != verifier {
		t.Fatalf("verifier is %q (%v), want %q", v, err, verifier)
	}
	x.restart(t)
	check(t, x.Finish(t.Context(), id, true, []byte("token")))
	x.restart(t)
	if _, outcome, err := x.claim(b, id); err != nil || outcome != "token" {
		t.Fatalf("claimed %q (%v)", outcome, err)
	}
	x.restart(t)
	if _, outcome, err := x.withdraw(b, id); err != nil || outcome != "token" {
		t.Fatalf("withdrawn %q (%v)", outcome, err)
	}
}

func TestStatesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		token := NewToken()
		if len(token) != 43 || seen[token] {
			t.Fatalf("token %q is short or not new", token)
		}
		seen[token] = true
	}
}

func TestNoSecretOfASignInLiesOpen(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	waiting := x.start(t, b).ID
	unused, unusedVerifier := x.begin(t, b, waiting)
	id := x.start(t, b).ID
	state, verifier := x.begin(t, b, id)
	_, _, err := x.Return(b.request(), "github", state)
	check(t, err)
	check(t, x.Finish(t.Context(), id, true, []byte("host-access-token")))
	files := x.place.Contents(t)
	if !strings.Contains(files, id) || !strings.Contains(files, hashOf(unused)) {
		t.Fatal("the test looks at the wrong files")
	}
	for name, secret := range map[string]string{
		"the state": unused, "a state that was used": state, "the verifier": unusedVerifier, "a verifier that was used": verifier,
		"the cookie": b.cookies[0].Value, "the outcome": "host-access-token",
	} {
		if strings.Contains(files, secret) {
			t.Errorf("%s lies open in the database", name)
		}
	}
}
