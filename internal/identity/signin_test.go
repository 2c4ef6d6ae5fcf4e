package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
	"gatehouse/internal/store/storetest"
)

// quick makes hashing cost nothing, where a test is about counting. The hash of
// a user made before stays slow; use addQuick.
func addQuick(t testing.TB, s *Service, email string) User {
	t.Helper()
	p := phc{memory: 64, time: 1, threads: 1, salt: []byte("saltsalt"), hash: make([]byte, 32)}
	p.hash = p.derive(good)
	now := s.Now()
	check(t, s.Store.AddUser(t.Context(), store.User{ID: newUUID(), Email: email, Password: p.String(), Created: now, Updated: now, Confirmed: now}))
	u, err := s.ByEmail(t.Context(), email)
	check(t, err)
	return u
}

func TestSignIn(t *testing.T) {
	s, c := service(t)
	u := add(t, s, "ann@example.org")
	c.Advance(time.Hour)
	got, err := s.SignIn(t.Context(), " ANN@Example.org", good, home)
	check(t, err)
	if got.ID != u.ID || !got.LastSignIn.Equal(c.Now()) || len(got.Roles["blog"]) != 1 {
		t.Errorf("signed in as %+v", got)
	}
}

func TestSignInMakesAnOldHashAnew(t *testing.T) {
	s, _ := service(t)
	u := addQuick(t, s, "ann@example.org")
	_, err := s.SignIn(t.Context(), u.Email, good, home)
	check(t, err)
	row, err := s.Store.User(t.Context(), u.ID)
	check(t, err)
	if !strings.Contains(row.Password, "$m=19456,t=2,p=1$") {
		t.Errorf("hash is still %q", row.Password)
	}
	_, err = s.SignIn(t.Context(), u.Email, good, home)
	check(t, err)
}

// answers are what n wrong attempts are told, in order.
func answers(t *testing.T, s *Service, email string, from netip.Addr, n int) []string {
	t.Helper()
	list := make([]string, n)
	for i := range list {
		_, err := s.SignIn(t.Context(), email, "wrong password, and long", from)
		var f *fault.Error
		if !errors.As(err, &f) {
			t.Fatalf("attempt %d: %v", i, err)
		}
		list[i] = fmt.Sprint(f.Kind, f.RetryAfter, err)
	}
	return list
}

func TestUnknownAndKnownAccountsAnswerAlike(t *testing.T) {
	s, _ := service(t)
	addQuick(t, s, "ann@example.org")
	known := answers(t, s, "ann@example.org", home, 8)
	unknown := answers(t, s, "nobody@example.org", netip.MustParseAddr("192.0.2.11"), 8)
	for i := range known {
		if known[i] != unknown[i] {
			t.Errorf("attempt %d: known account %q, unknown %q", i, known[i], unknown[i])
		}
	}
	if !strings.Contains(known[7], "too many") {
		t.Errorf("the last answer is %q, want a throttle", known[7])
	}
}

func TestThrottleSurvivesARestartAndDoubles(t *testing.T) {
	place := storetest.New(t)
	s, c := reopen(t, place)
	addQuick(t, s, "ann@example.org")
	answers(t, s, "ann@example.org", home, 5)
	start := c.Now()

	s, c = reopen(t, place)
	c.t = start
	elsewhere := netip.MustParseAddr("198.51.100.1")
	_, err := s.SignIn(t.Context(), "ann@example.org", good, elsewhere)
	wantKind(t, err, fault.TooMany)
	var last time.Duration
	for range 20 {
		_, err := s.SignIn(t.Context(), "ann@example.org", "wrong, and long enough", elsewhere)
		var f *fault.Error
		if errors.As(err, &f) && f.Kind == fault.TooMany {
			if f.RetryAfter < last || f.RetryAfter > maxDelay {
				t.Errorf("waits are %v, then %v", last, f.RetryAfter)
			}
			last = f.RetryAfter
			c.Advance(f.RetryAfter)
			elsewhere = elsewhere.Next() // the address has its own counter
		}
	}
	if last < 4*time.Minute {
		t.Errorf("after many failures the wait is still %v", last)
	}
	c.Advance(maxDelay)
	_, err = s.SignIn(t.Context(), "ann@example.org", good, elsewhere)
	check(t, err)
}

func TestSuccessResetsTheAccount(t *testing.T) {
	s, _ := service(t)
	addQuick(t, s, "ann@example.org")
	for range 3 {
		answers(t, s, "ann@example.org", home, 4)
		_, err := s.SignIn(t.Context(), "ann@example.org", good, home)
		check(t, err)
	}
}

func TestResetPasswordLiftsTheThrottle(t *testing.T) {
	s, _ := service(t)
	u := addQuick(t, s, "ann@example.org")
	answers(t, s, u.Email, home, 6)
	check(t, s.ResetPassword(t.Context(), u.ID, "another fine long one"))
	_, err := s.SignIn(t.Context(), u.Email, "another fine long one", home)
	check(t, err)
}

func TestOneAddressAgainstManyAccounts(t *testing.T) {
	s, _ := service(t)
	addQuick(t, s, "ann@example.org")
	for i := range freePerAddress {
		answers(t, s, fmt.Sprintf("u%d@example.org", i), home, 1)
	}
	_, err := s.SignIn(t.Context(), "ann@example.org", good, home)
	wantKind(t, err, fault.TooMany)
	_, err = s.SignIn(t.Context(), "ann@example.org", good, home.Next())
	check(t, err)
}

func TestIPv6CountsByNetwork(t *testing.T) {
	s, _ := service(t)
	a := netip.MustParseAddr("2001:db8:1:2::1")
	for i := range freePerAddress {
		answers(t, s, fmt.Sprintf("u%d@example.org", i), a, 1)
		a = a.Next()
	}
	_, err := s.SignIn(t.Context(), "x@example.org", good, a)
	wantKind(t, err, fault.TooMany)
	_, err = s.SignIn(t.Context(), "x@example.org", good, netip.MustParseAddr("2001:db8:1:3::1"))
	wantKind(t, err, fault.Unauthenticated)
	if placeOf(netip.MustParseAddr("::ffff:192.0.2.10")) != placeOf(home) {
		t.Error("an IPv4 address in IPv6 dress has a counter of its own")
	}
}

// A stranger who keeps an account at its limit must not keep the owner out of
// the office where they are signed in.
func TestStrangerCannotLockTheOwnerOut(t *testing.T) {
	s, c := service(t)
	u := addQuick(t, s, "ann@example.org")
	check(t, s.Store.AddSession(t.Context(), store.Session{ID: "b", UserID: u.ID, TokenHash: "h", Created: c.Now(), Seen: c.Now(), Expires: c.Now().Add(time.Hour), Address: home.String()}))
	answers(t, s, u.Email, netip.MustParseAddr("198.51.100.1"), 6)
	_, err := s.SignIn(t.Context(), u.Email, good, netip.MustParseAddr("198.51.100.1"))
	wantKind(t, err, fault.TooMany)
	_, err = s.SignIn(t.Context(), u.Email, good, home)
	check(t, err)
	answers(t, s, u.Email, home, 5)
	_, err = s.SignIn(t.Context(), u.Email, good, home)
	wantKind(t, err, fault.TooMany) // guessing from there is slowed down as well
}

func TestManyGuessesAtOnceCountEach(t *testing.T) {
	s, _ := reopen(t, storetest.New(t))
	s.Hasher = NewHasher(1, 100)
	addQuick(t, s, "ann@example.org")
	var wg sync.WaitGroup
	var mu sync.Mutex
	verdicts := map[fault.Kind]int{}
	for range 30 {
		wg.Go(func() {
			_, err := s.SignIn(context.Background(), "ann@example.org", "wrong, and long enough", netip.Addr{})
			mu.Lock()
			defer mu.Unlock()
			verdicts[fault.KindOf(err)]++
		})
	}
	wg.Wait()
	if verdicts[fault.Unauthenticated] != freePerAccount || verdicts[fault.TooMany] != 30-freePerAccount {
		t.Errorf("verdicts are %v, want %d guesses and the rest refused", verdicts, freePerAccount)
	}
}

func TestFullQueueCountsForNothing(t *testing.T) {
	s, _ := service(t)
	addQuick(t, s, "ann@example.org")
	full := NewHasher(1, 1)
	full.waiting.Store(2)
	working := s.Hasher
	s.Hasher = full
	for range 3 * freePerAddress {
		_, err := s.SignIn(t.Context(), "ann@example.org", good, home)
		wantKind(t, err, fault.TooMany)
		if !strings.Contains(fault.Message(err), "at this moment") {
			t.Fatalf("refused for failures that were none: %v", err)
		}
	}
	s.Hasher = working
	_, err := s.SignIn(t.Context(), "ann@example.org", good, home)
	check(t, err)
}

func TestClockSetBackLocksNobodyOut(t *testing.T) {
	s, c := service(t)
	addQuick(t, s, "ann@example.org")
	answers(t, s, "ann@example.org", home, 6)
	c.Advance(-365 * 24 * time.Hour)
	_, err := s.SignIn(t.Context(), "ann@example.org", good, home)
	check(t, err)
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	s, _ := service(t)
	addQuick(t, s, "ann@example.org")
	for _, err := range []error{
		CheckPassword("ann@example.org", "geheim!"),
		func() error { _, err := s.SignIn(t.Context(), "ann@example.org", "geheim!", home); return err }(),
		func() error {
			_, err := s.Add(t.Context(), NewUser{Email: "x@example.org", Password: "geheim!"})
			return err
		}(),
	} {
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("error is %v", err)
		}
	}
}
