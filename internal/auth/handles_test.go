package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store/storetest"
)

// upstream is a host that replaces its refresh token at each use and knows the
// newest alone.
type upstream struct {
	mu      sync.Mutex
	n       int
	newest  string
	keeps   bool // the refresh token stays
	err     error
	lasts   time.Duration // the access token
	clock   *clock
	during  func() // while it is asked
	holders []Holder
}

// refusal is an error of a host that may say that a refresh token is dead.
type refusal struct{ dead bool }

func (r refusal) Error() string { return "the host says no" }
func (r refusal) Dead() bool    { return r.dead }

func (u *upstream) renew(ctx context.Context, h Holder, refresh string) (string, string, time.Time, error) {
	if u.during != nil {
		u.during()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n++
	u.holders = append(u.holders, h)
	switch {
	case u.err != nil:
		return "", "", time.Time{}, u.err
	case ctx.Err() != nil:
		return "", "", time.Time{}, ctx.Err()
	case refresh != u.newest:
		return "", "", time.Time{}, refusal{dead: true}
	}
	next := ""
	if !u.keeps {
		u.newest = fmt.Sprint("host-refresh-", u.n)
		next = u.newest
	}
	return fmt.Sprint("host-access-", u.n), next, u.clock.Now().Add(u.lasts), nil
}

type handleRig struct {
	*Handles
	clock *clock
	place storetest.Place
	up    *upstream
}

func newHandleRig(t testing.TB) *handleRig {
	t.Helper()
	c := &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	x := &handleRig{clock: c, place: storetest.New(t), up: &upstream{newest: "host-refresh-0", lasts: time.Hour, clock: c}}
	x.open(t)
	t.Cleanup(func() { check(t, x.Store.Close()) })
	return x
}

func (x *handleRig) open(t testing.TB) {
	t.Helper()
	st := x.place.Open(t)
	st.Now = x.clock.Now
	x.Handles = &Handles{Store: st, Now: x.clock.Now}
}

func (x *handleRig) restart(t testing.TB) {
	t.Helper()
	check(t, x.Store.Close())
	x.open(t)
}

func (x *handleRig) issue(t testing.TB) string {
	t.Helper()
	handle, _, err := x.Issue(t.Context(), Holder{
		Site: "blog", Connector: "lab", Provider: "gitlab", Origin: "https://www.example.com", Person: "ann",
	}, x.up.newest)
	check(t, err)
	return handle
}

func anyone(Holder) error { return nil }

func (x *handleRig) use(handle string) (Pair, error) {
	_, pair, err := x.Use(context.Background(), handle, anyone, x.up.renew)
	return pair, err
}

func (x *handleRig) used(t testing.TB, handle string) Pair {
	t.Helper()
	pair, err := x.use(handle)
	check(t, err)
	return pair
}

func TestHandlesFollowEachOther(t *testing.T) {
	x := newHandleRig(t)
	handle, issued, err := x.Issue(t.Context(), Holder{
		Family: "ignored", Site: "blog", Connector: "lab", Provider: "gitlab", Origin: "https://www.example.com", Person: "ann",
	}, "host-refresh-0")
	check(t, err)
	if issued.Family == "ignored" || issued.Family == "" || !issued.Created.Equal(x.clock.Now()) || issued.Person != "ann" {
		t.Errorf("holder is %+v", issued)
	}
	seen := map[string]bool{}
	for i := range 5 {
		if len(handle) != 43 || seen[handle] {
			t.Fatalf("handle %q is malformed or not new", handle)
		}
		seen[handle] = true
		x.clock.Advance(time.Hour)
		if h, err := x.Peek(t.Context(), handle); err != nil || h.Family != issued.Family || h.Origin != issued.Origin {
			t.Errorf("holder is %+v (%v)", h, err)
		}
		h, pair, err := x.Use(t.Context(), handle, func(h Holder) error {
			if h.Family != issued.Family || h.Site != "blog" || h.Provider != "gitlab" {
				t.Errorf("checked is %+v", h)
			}
			return nil
		}, x.up.renew)
		check(t, err)
		if pair.AccessToken != fmt.Sprint("host-access-", i+1) || !pair.Expires.Equal(x.clock.Now().Add(time.Hour)) || h.Family != issued.Family {
			t.Errorf("pair is %+v of %+v", pair, h)
		}
		handle = pair.Handle
	}
	if list, err := x.Families(t.Context(), 10); err != nil || len(list) != 1 || !list[0].Used.Equal(x.clock.Now()) {
		t.Errorf("families are %+v (%v)", list, err)
	}
}

// Some hosts keep their refresh token, and some access tokens do not expire.
func TestHostThatKeepsItsRefreshToken(t *testing.T) {
	x := newHandleRig(t)
	x.up.keeps = true
	handle := x.issue(t)
	for range 3 {
		_, pair, err := x.Use(t.Context(), handle, anyone, func(ctx context.Context, h Holder, refresh string) (string, string, time.Time, error) {
			access, next, _, err := x.up.renew(ctx, h, refresh)
			return access, next, time.Time{}, err
		})
		check(t, err)
		if again := x.used(t, handle); again != pair || !pair.Expires.IsZero() {
			t.Errorf("pair is %+v, then %+v", pair, again)
		}
		handle = pair.Handle
	}
}

func TestFormerHandleGivesTheSamePair(t *testing.T) {
	x := newHandleRig(t)
	first := x.issue(t)
	pair := x.used(t, first)
	x.clock.Advance(time.Minute)
	x.restart(t)
	if again := x.used(t, first); again != pair {
		t.Errorf("pair is %+v, then %+v", pair, again)
	}
	if x.up.n != 1 {
		t.Errorf("the host was asked %d times", x.up.n)
	}
	x.used(t, pair.Handle)
}

func TestHandleUsedTwiceEndsItsFamily(t *testing.T) {
	for name, late := range map[string]func(x *handleRig, first string, t *testing.T) (newest string){
		"after the grace": func(x *handleRig, first string, t *testing.T) string {
			newest := x.used(t, first).Handle
			x.clock.Advance(time.Minute + time.Millisecond)
			return newest
		},
		"two generations back": func(x *handleRig, first string, t *testing.T) string {
			return x.used(t, x.used(t, first).Handle).Handle
		},
		"after a sweep": func(x *handleRig, first string, t *testing.T) string {
			newest := x.used(t, first).Handle
			x.clock.Advance(time.Hour)
			check(t, x.Store.Sweep(t.Context(), x.clock.Now()))
			return newest
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newHandleRig(t)
			first := x.issue(t)
			newest := late(x, first, t)
			asked := x.up.n
			h, _, err := x.Use(t.Context(), first, anyone, x.up.renew)
			wantCause(t, err, ErrReused, fault.Unauthenticated)
			if h.Site != "blog" {
				t.Errorf("holder is %+v: whom to warn?", h)
			}
			x.restart(t)
			for _, handle := range []string{newest, first} {
				_, err := x.use(handle)
				wantCause(t, err, ErrDead, fault.Unauthenticated)
			}
			if x.up.n != asked {
				t.Error("the host was asked for a family that had ended")
			}
		})
	}
}

// What is refused by check leaves no trace: a page of another site cannot end a
// sign-in.
func TestCheckComesFirst(t *testing.T) {
	x := newHandleRig(t)
	first := x.issue(t)
	newest := x.used(t, first).Handle
	x.clock.Advance(time.Hour)
	no := errors.New("no")
	for _, handle := range []string{first, newest} {
		_, pair, err := x.Use(t.Context(), handle, func(Holder) error { return no }, x.up.renew)
		if err != no || pair != (Pair{}) { //nolint:errorlint // as it is
			t.Errorf("error is %v, pair %+v", err, pair)
		}
	}
	x.used(t, newest)
}

func TestHandlesThatAreNone(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	for name, bad := range map[string]string{
		"empty": "", "made up": NewToken(), "other case": strings.ToUpper(handle), "its hash": hashOf(handle), "with a space": handle + " ",
		"long": strings.Repeat("a", 100_000),
	} {
		_, _, err := x.Use(t.Context(), bad, func(Holder) error { t.Error("checked"); return nil }, x.up.renew)
		if !errors.Is(err, ErrUnknownHandle) || !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := x.Peek(t.Context(), bad); !errors.Is(err, ErrUnknownHandle) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeadRefreshTokenIsNotTriedAgain(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	x.up.err = fmt.Errorf("refreshing: %w", refusal{dead: true})
	_, err := x.use(handle)
	wantCause(t, err, ErrDead, fault.Unauthenticated)
	if !errors.As(err, &refusal{}) {
		t.Errorf("%v does not say what the host said", err)
	}
	x.up.err = nil
	x.restart(t)
	for range 3 {
		_, err := x.use(handle)
		wantCause(t, err, ErrDead, fault.Unauthenticated)
	}
	if x.up.n != 1 {
		t.Errorf("the host was asked %d times", x.up.n)
	}
	if h, err := x.Peek(t.Context(), handle); err != nil || h.Origin == "" {
		t.Errorf("the holder of a dead handle is %+v (%v): who may read the answer?", h, err)
	}
	if list, err := x.Families(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("families are %+v (%v)", list, err)
	}
}

func TestHandleStaysGoodWhenTheHostIsAway(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	for _, passing := range []error{io.ErrUnexpectedEOF, refusal{}, fault.New(fault.Conflict, "No."), context.DeadlineExceeded} {
		x.up.err = passing
		if _, err := x.use(handle); err != passing { //nolint:errorlint // as it is
			t.Errorf("error is %v, want %v", err, passing)
		}
	}
	if x.up.n != 4 {
		t.Errorf("the host was asked %d times", x.up.n)
	}
	x.up.err = nil
	x.used(t, handle)
}

// The host has replaced its refresh token, but the access token was no use.
func TestNewRefreshTokenWithAnErrorIsKept(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	_, _, err := x.Use(t.Context(), handle, anyone, func(ctx context.Context, h Holder, refresh string) (string, string, time.Time, error) {
		_, next, _, err := x.up.renew(ctx, h, refresh)
		check(t, err)
		return "", next, time.Time{}, io.ErrUnexpectedEOF
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	x.restart(t)
	x.used(t, handle)
}

func TestRevoking(t *testing.T) {
	x := newHandleRig(t)
	ctx := t.Context()
	handles := map[string]string{}
	for _, h := range []Holder{{Site: "blog", Connector: "lab"}, {Site: "blog", Connector: "hub"}, {Site: "shop", Connector: "lab"}, {Site: "shop", Connector: "hub"}} {
		handle, _, err := x.Issue(ctx, h, x.up.newest)
		check(t, err)
		handles[h.Site+" "+h.Connector] = handle
	}
	live := func(want int) {
		t.Helper()
		list, err := x.Families(ctx, 10)
		check(t, err)
		if len(list) != want {
			t.Fatalf("%d families, want %d", len(list), want)
		}
	}
	live(4)
	for connector, want := range map[string]int{"": 0, "hub": 2} {
		if n, err := x.EndConnector(ctx, connector); n != want || err != nil {
			t.Errorf("%d of %q ended (%v)", n, connector, err)
		}
	}
	live(2)
	for _, of := range []string{"shop lab", "blog lab", "shop lab"} {
		h, err := x.Peek(ctx, handles[of])
		check(t, err)
		check(t, x.Revoke(ctx, h.Family))
	}
	live(0)
	wantKind(t, x.Revoke(ctx, "no such family"), fault.NotFound)
	for name, handle := range handles {
		if _, err := x.use(handle); !errors.Is(err, ErrDead) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoTokenLiesOpen(t *testing.T) {
	x := newHandleRig(t)
	first := x.issue(t)
	pair := x.used(t, first)
	files := x.place.Contents(t)
	if !strings.Contains(files, hashOf(pair.Handle)) {
		t.Fatal("the test looks at the wrong files")
	}
	for name, secret := range map[string]string{
		"the first handle": first, "the second": pair.Handle, "the access token": pair.AccessToken,
		"the first refresh token": "host-refresh-0", "the second refresh token": "host-refresh-1",
	} {
		if strings.Contains(files, secret) {
			t.Errorf("%s lies open in the database", name)
		}
	}
}

func TestPrintedPairsHoldNoSecret(t *testing.T) {
	p := Pair{AccessToken: "hush-access", Handle: "hush-handle"}
	var out strings.Builder
	for _, x := range []any{p, &p, []Pair{p}} {
		_, _ = fmt.Fprintf(&out, "%v %+v %#v %s %q\n", x, x, x, x, x)
		slog.New(slog.NewTextHandler(&out, nil)).Info("renewed", "pair", x)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("renewed", "pair", p)
	if strings.Contains(out.String(), "hush") {
		t.Error(out.String())
	}
}

// databaseFiles is everything that lies in the files of a database.
