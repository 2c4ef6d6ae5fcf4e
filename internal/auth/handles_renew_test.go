package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestOneRenewalForMany(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	pairs := make([]Pair, 16)
	var wg sync.WaitGroup
	for i := range pairs {
		wg.Go(func() {
			var err error
			if pairs[i], err = x.use(handle); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range pairs {
		if p != pairs[0] || p.AccessToken == "" {
			t.Fatalf("pairs differ: %+v", pairs)
		}
	}
	if x.up.n != 1 {
		t.Errorf("the host was asked %d times", x.up.n)
	}
	if len(x.families.held) != 0 {
		t.Errorf("locks are left: %v", x.families.held)
	}
}

// The families of other people do not wait for a slow host.
func TestFamiliesDoNotWaitForEachOther(t *testing.T) {
	x := newHandleRig(t)
	slow, quick := x.issue(t), x.issue(t)
	x.up.keeps = true
	_, _, err := x.Use(t.Context(), slow, anyone, func(ctx context.Context, h Holder, refresh string) (string, string, time.Time, error) {
		x.used(t, quick)
		return x.up.renew(ctx, h, refresh)
	})
	check(t, err)
}

// A browser that leaves must not lose what its host has already replaced.
func TestBrowserThatLeavesLosesNothing(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	ctx, leave := context.WithCancel(t.Context())
	x.up.during = leave
	_, pair, err := x.Use(ctx, handle, anyone, x.up.renew)
	check(t, err)
	x.up.during = nil
	if again := x.used(t, handle); again != pair {
		t.Errorf("pair is %+v, then %+v", pair, again)
	}
}

func TestWaitingEndsWithItsRequest(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	x.up.during = func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, _, err := x.Use(ctx, handle, anyone, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	}
	x.used(t, handle)
}

// Nothing is lost when the server dies between the host's answer and ours, once
// it is written; and the disk may be full when it should be.
func TestRenewalThatCouldNotBeWritten(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	x.up.during = func() { check(t, x.Store.Close()) }
	if _, err := x.use(handle); err == nil {
		t.Fatal("a pair was given that is not on disk")
	}
	x.up.during = nil
	x.Store = x.place.Open(t)
	pair := x.used(t, handle)
	if x.up.n != 1 || pair.AccessToken != "host-access-1" {
		t.Errorf("the host was asked %d times, pair is %+v", x.up.n, pair)
	}
	x.used(t, pair.Handle)
}

// another is a second process on the same database.
func (x *handleRig) another(t *testing.T) *Handles {
	t.Helper()
	st := x.place.Open(t)
	t.Cleanup(func() { check(t, st.Close()) })
	return &Handles{Store: st, Now: x.clock.Now}
}

// A host that replaces its refresh tokens takes the second asking for a theft.
func TestTwoProcessesAskTheHostOnce(t *testing.T) {
	x := newHandleRig(t)
	handle, other := x.issue(t), x.another(t)
	x.up.during = func() {
		x.up.during = nil
		ctx, cancel := context.WithTimeout(context.Background(), 4*lookAgain)
		defer cancel()
		_, _, err := other.Use(ctx, handle, anyone, func(context.Context, Holder, string) (string, string, time.Time, error) {
			t.Error("the host is asked by two")
			return "", "", time.Time{}, refusal{}
		})
		if !fault.Is(err, fault.Unavailable) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
	}
	ours := x.used(t, handle)
	_, theirs, err := other.Use(t.Context(), handle, anyone, x.up.renew)
	if err != nil || theirs != ours {
		t.Errorf("they have %v, we have %v (%v)", theirs, ours, err)
	}
}

// A host that is away keeps nobody waiting but who asked it.
func TestLeaseOfAFailedRenewalIsGivenBack(t *testing.T) {
	x := newHandleRig(t)
	handle := x.issue(t)
	x.up.err = refusal{}
	if _, err := x.use(handle); !errors.Is(err, refusal{}) {
		t.Fatal(err)
	}
	x.up.err = nil
	_, _, err := x.another(t).Use(t.Context(), handle, anyone, x.up.renew)
	check(t, err)
}

// A process that takes too long is overtaken, whatever its host tells it then.
func TestAnotherProcessRenews(t *testing.T) {
	for name, keeps := range map[string]bool{"host keeps its refresh token": true, "host replaces it": false} {
		t.Run(name, func(t *testing.T) {
			x := newHandleRig(t)
			x.up.keeps = keeps
			handle, other := x.issue(t), x.another(t)
			var theirs Pair
			x.up.during = func() {
				x.up.during = nil
				x.clock.Advance(leaseTime)
				var err error
				_, theirs, err = other.Use(context.Background(), handle, anyone, x.up.renew)
				check(t, err)
			}
			if ours := x.used(t, handle); ours != theirs {
				t.Errorf("we have %v, they have %v", ours, theirs)
			}
			x.up.during = func() {
				_, err := other.EndConnector(context.Background(), "lab")
				check(t, err)
			}
			_, err := x.use(theirs.Handle)
			wantCause(t, err, ErrDead, fault.Unauthenticated)
		})
	}
}

func TestUnsavedRenewalsAreBounded(t *testing.T) {
	var u unsaved
	for i := range 2 * maxUnsaved {
		u.keep(fmt.Sprint(i), renewal{generation: 1})
	}
	if len(u.families) != maxUnsaved {
		t.Errorf("%d are held", len(u.families))
	}
	if _, ok := u.take("1", 2); ok {
		t.Error("a renewal of another generation was given")
	}
	if _, ok := u.take("1", 1); ok {
		t.Error("it stayed all the same")
	}
	if _, ok := u.take("2", 1); !ok {
		t.Error("one is gone")
	}
}
