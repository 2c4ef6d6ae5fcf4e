package auth

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

// Who presents tokens. The family of rig.start was begun by none of them.
var (
	tab       = Client{Agent: "Browser/1", From: home}
	elsewhere = Client{Agent: "Browser/1", From: netip.MustParseAddr("198.51.100.7")}
	another   = Client{Agent: "curl/8", From: home}
)

// refreshed replaces a token and fails the test if that fails.
func (r *rig) refreshed(t testing.TB, token string) string {
	t.Helper()
	_, next, err := r.Issuer.Refresh(t.Context(), token, "blog", tab)
	check(t, err)
	return next
}

func TestRefreshTokensFollowEachOther(t *testing.T) {
	r := newRig(t)
	family, token, _ := r.start(t, "blog")
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	seen := map[string]bool{}
	for range 10 {
		if !form.MatchString(token) || seen[token] {
			t.Fatalf("token %q is malformed or not new", token)
		}
		seen[token] = true
		r.clock.Advance(time.Hour)
		x, next, err := r.Issuer.Refresh(t.Context(), token, "blog", tab)
		check(t, err)
		if x.ID != family.ID || x.UserID != "ann" || !x.Seen.Equal(r.clock.Now()) {
			t.Errorf("session is %+v", x)
		}
		token = next
	}
}

func TestSixteenRefreshAtOnce(t *testing.T) {
	r := newRig(t)
	_, token, _ := r.start(t, "blog")
	next := make([]string, 16)
	var wg sync.WaitGroup
	for i := range next {
		wg.Go(func() {
			_, got, err := r.Issuer.Refresh(context.Background(), token, "blog", tab)
			if err != nil {
				t.Error(err)
			}
			next[i] = got
		})
	}
	wg.Wait()
	for _, n := range next {
		if n != next[0] || n == "" {
			t.Fatalf("there is more than one next generation: %q", next)
		}
	}
	r.refreshed(t, next[0])
}

func TestTokenJustReplacedGivesItsSuccessor(t *testing.T) {
	r := newRig(t)
	_, first, _ := r.start(t, "blog")
	second := r.refreshed(t, first)
	r.clock.Advance(RefreshGrace)
	if again := r.refreshed(t, first); again != second {
		t.Error("the same token has two successors")
	}
	r.refreshed(t, second)
}

// A tab that slept for more than the grace while another renewed presents the
// parent of the newest token.
func TestSecondTabThatSleptKeepsTheSession(t *testing.T) {
	r := newRig(t)
	_, first, _ := r.start(t, "blog")
	second := r.refreshed(t, first)
	for _, c := range []Client{tab, elsewhere} { // laptops move
		r.clock.Advance(20 * time.Hour)
		_, again, err := r.Issuer.Refresh(t.Context(), first, "blog", c)
		check(t, err)
		if again != second {
			t.Error("the same token has two successors")
		}
	}
	r.refreshed(t, second)
}

// One that slept for hours, while another renewed every hour, presents an
// ancestor.
func TestSecondTabThatSleptForLongKeepsTheSession(t *testing.T) {
	r := newRig(t)
	_, first, _ := r.start(t, "blog")
	newest := first
	for range 12 {
		newest = r.refreshed(t, newest)
		r.clock.Advance(time.Hour)
	}
	if again := r.refreshed(t, first); again != newest {
		t.Error("the tab got a token that is not the newest")
	}
	r.refreshed(t, newest)
}

func TestLateReuseEndsTheFamily(t *testing.T) {
	for name, c := range map[string]struct {
		generations int
		client      Client
	}{
		"the parent, by another program":          {1, another},
		"an older one, by another program":        {2, another},
		"an older one, elsewhere":                 {2, elsewhere},
		"an older one, from nobody knows where":   {2, Client{Agent: tab.Agent}},
		"a much older one, in a network near by":  {9, Client{Agent: tab.Agent, From: netip.MustParseAddr("192.0.2.11")}},
		"the parent, by a program without a name": {1, Client{From: home}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, first, _ := r.start(t, "blog")
			_, other, _ := r.start(t, "blog")
			newest := first
			for range c.generations {
				newest = r.refreshed(t, newest)
			}
			r.clock.Advance(RefreshGrace + time.Millisecond)
			_, _, err := r.Issuer.Refresh(t.Context(), first, "blog", c.client)
			wantKind(t, err, fault.Unauthenticated)
			if !errors.Is(err, ErrReused) {
				t.Errorf("error is %v, want ErrReused", err)
			}
			_, _, err = r.Issuer.Refresh(t.Context(), newest, "blog", tab)
			wantKind(t, err, fault.Unauthenticated)
			r.refreshed(t, other) // another family of the same person
		})
	}
}

// The grace is for the parent alone: a thief with an older token gets no minute.
func TestReuseTwoGenerationsBackEndsTheFamily(t *testing.T) {
	r := newRig(t)
	_, first, access := r.start(t, "blog")
	third := r.refreshed(t, r.refreshed(t, first))
	_, _, err := r.Issuer.Refresh(t.Context(), first, "blog", elsewhere)
	wantKind(t, err, fault.Unauthenticated)
	_, _, err = r.Issuer.Refresh(t.Context(), third, "blog", tab)
	wantKind(t, err, fault.Unauthenticated)
	_, err = r.withBearer("blog", access)
	wantKind(t, err, fault.Unauthenticated)
}

func TestSamePlace(t *testing.T) {
	for _, c := range []struct {
		from, stored string
		want         bool
	}{
		{"192.0.2.10", "192.0.2.10", true},
		{"::ffff:192.0.2.10", "192.0.2.10", true},
		{"192.0.2.11", "192.0.2.10", false},
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8:0:1::1", "2001:db8::1", false},
		{"2001:db8::1", "192.0.2.10", false},
		{"192.0.2.10", "", false},
	} {
		if got := samePlace(netip.MustParseAddr(c.from), c.stored); got != c.want {
			t.Errorf("%s and %s: %v", c.from, c.stored, got)
		}
	}
	if samePlace(netip.Addr{}, "") {
		t.Error("two unknown places are one")
	}
}

func TestRefreshTokensThatAreNone(t *testing.T) {
	r := newRig(t)
	_, token, _ := r.start(t, "blog")
	for name, bad := range map[string]string{
		"empty": "", "made up": NewToken(), "other case": strings.ToUpper(token), "its hash": hashOf(token), "with a space": token + " ",
	} {
		if _, _, err := r.Issuer.Refresh(t.Context(), bad, "blog", tab); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := r.Issuer.Refresh(t.Context(), token, "shop", tab)
	wantKind(t, err, fault.Unauthenticated)
	r.refreshed(t, token) // none of that harmed it
}

func TestRefreshTokensGrowOld(t *testing.T) {
	r := newRig(t)
	_, token, _ := r.start(t, "blog")
	r.clock.Advance(RefreshIdle)
	_, _, err := r.Issuer.Refresh(t.Context(), token, "blog", tab)
	if !errors.Is(err, ErrExpired) {
		t.Errorf("after %v unused: %v", RefreshIdle, err)
	}

	_, token, _ = r.start(t, "blog")
	begun := r.clock.Now()
	for {
		r.clock.Advance(20 * 24 * time.Hour)
		_, next, err := r.Issuer.Refresh(t.Context(), token, "blog", tab)
		if err != nil {
			wantKind(t, err, fault.Unauthenticated)
			break
		}
		token = next
	}
	if age := r.clock.Now().Sub(begun); age != 100*24*time.Hour {
		t.Errorf("the family lived until between %v and 20 days before, want %v", age, Absolute)
	}
}

// A failure that may pass must not cost the session: clients forget theirs over
// any verdict.
func TestPassingFailureKeepsTheToken(t *testing.T) {
	r := newRig(t)
	_, token, _ := r.start(t, "blog")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Issuer.Refresh(ctx, token, "blog", tab); err == nil || fault.Is(err, fault.Unauthenticated) {
		t.Fatalf("error is %v", err)
	}
	r.refreshed(t, token)
}

func BenchmarkRefresh(b *testing.B) {
	r := newRig(b)
	_, token, _ := r.start(b, "blog")
	for b.Loop() {
		token = r.refreshed(b, token)
	}
}
