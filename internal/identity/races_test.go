package identity

import (
	"net/netip"
	"sync"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store/storetest"
)

func TestDuplicateUsersByParallelSignUps(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	policy, err := r.Policy(t.Context(), "blog")
	check(t, err)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			// Past the throttle, which would let one through.
			_, err := r.signUp(t.Context(), "blog", policy, NewAccount{Email: "ann@example.org"}, "hash", home)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, err := r.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d accounts, %v", len(list), err)
	}
}

// Two processes on one database.
func TestDuplicateUsersByTwoProcesses(t *testing.T) {
	place := storetest.New(t)
	var rigs [2]rig
	for i := range rigs {
		st := place.Open(t)
		t.Cleanup(func() { check(t, st.Close()) })
		rigs[i] = mailRig(st)
	}
	rigs[0].open(t, "blog")
	var all sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for i := range 16 {
		all.Go(func() {
			_, err := rigs[i%2].SignUp(t.Context(), "blog", NewAccount{Email: "ann@example.org", Password: good}, netip.Addr{})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				passed++
			} else if !fault.Is(err, fault.TooMany) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := rigs[1].List(t.Context())
	check(t, err)
	if len(list) != 1 || passed != 1 || rigs[0].count(t, "ann@example.org", mail.Confirm) != 1 {
		t.Errorf("%d accounts, %d sign-ups, want one", len(list), passed)
	}
}

func TestATokenUsedByManyAtOnceWorksOnce(t *testing.T) {
	place := storetest.New(t)
	var rigs [2]rig
	for i := range rigs {
		st := place.Open(t)
		t.Cleanup(func() { check(t, st.Close()) })
		rigs[i] = mailRig(st)
	}
	token := rigs[0].issued(t, KindMagic, "ann@example.org", "blog")
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 16 {
		all.Go(func() {
			_, _, err := rigs[i%2].Verify(t.Context(), Proof{Site: "blog", Kinds: []Kind{KindMagic}, Token: token})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("the token worked %d times", won)
	}
}
