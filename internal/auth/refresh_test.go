package auth

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

// refreshed replaces a token and fails the test if that fails.
func (r *rig) refreshed(t testing.TB, token string) string {
	t.Helper()
	_, next, err := r.Issuer.Refresh(t.Context(), token, "blog")
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
		x, next, err := r.Issuer.Refresh(t.Context(), token, "blog")
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
			_, got, err := r.Issuer.Refresh(context.Background(), token, "blog")
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

func TestLateReuseEndsTheFamily(t *testing.T) {
	r := newRig(t)
	_, first, _ := r.start(t, "blog")
	_, other, _ := r.start(t, "blog")
	second := r.refreshed(t, first)
	r.clock.Advance(RefreshGrace + time.Millisecond)
	_, _, err := r.Issuer.Refresh(t.Context(), first, "blog")
	wantKind(t, err, fault.Unauthenticated)
	if !errors.Is(err, ErrReused) {
		t.Errorf("error is %v, want ErrReused", err)
	}
	_, _, err = r.Issuer.Refresh(t.Context(), second, "blog")
	wantKind(t, err, fault.Unauthenticated)
	r.refreshed(t, other) // another family of the same person
}

func TestReuseTwoGenerationsBackEndsTheFamily(t *testing.T) {
	r := newRig(t)
	_, first, access := r.start(t, "blog")
	third := r.refreshed(t, r.refreshed(t, first))
	_, _, err := r.Issuer.Refresh(t.Context(), first, "blog")
	wantKind(t, err, fault.Unauthenticated)
	_, _, err = r.Issuer.Refresh(t.Context(), third, "blog")
	wantKind(t, err, fault.Unauthenticated)
	_, err = r.withBearer("blog", access)
	wantKind(t, err, fault.Unauthenticated)
}

func TestRefreshTokensThatAreNone(t *testing.T) {
	r := newRig(t)
	_, token, _ := r.start(t, "blog")
	for name, bad := range map[string]string{
		"empty": "", "made up": newToken(), "other case": strings.ToUpper(token), "its hash": hashOf(token), "with a space": token + " ",
	} {
		if _, _, err := r.Issuer.Refresh(t.Context(), bad, "blog"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := r.Issuer.Refresh(t.Context(), token, "shop")
	wantKind(t, err, fault.Unauthenticated)
	r.refreshed(t, token) // none of that harmed it
}

func TestRefreshTokensGrowOld(t *testing.T) {
	r := newRig(t)
	_, token, _ := r.start(t, "blog")
	r.clock.Advance(RefreshIdle)
	_, _, err := r.Issuer.Refresh(t.Context(), token, "blog")
	if !errors.Is(err, ErrExpired) {
		t.Errorf("after %v unused: %v", RefreshIdle, err)
	}

	_, token, _ = r.start(t, "blog")
	begun := r.clock.Now()
	for {
		r.clock.Advance(20 * 24 * time.Hour)
		_, next, err := r.Issuer.Refresh(t.Context(), token, "blog")
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
	if _, _, err := r.Issuer.Refresh(ctx, token, "blog"); err == nil || fault.Is(err, fault.Unauthenticated) {
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
