package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func handleFamily(c *clock, id string) HandleFamily {
	return HandleFamily{
		ID: id, Site: "blog", Connector: "lab", Host: "https://lab.example", Provider: "gitlab", Origin: "https://www.example.com", Person: "ann",
		Generation: 1, Created: c.Now(), Used: c.Now(),
	}
}

func renewalOf(c *clock, id string, generation int64) HandleRenewal {
	return HandleRenewal{
		Family: id, Generation: generation, Hash: fmt.Sprint(id, " handle ", generation+1), Refresh: fmt.Sprint("refresh ", generation+1),
		Answer: []byte(fmt.Sprint("answer ", generation+1)), Repeat: c.Now().Add(time.Minute), Now: c.Now(),
	}
}

func TestHandlesRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		f := handleFamily(c, "f")
		check(t, s.AddHandleFamily(ctx, f, "f handle 1", "refresh 1"))
		wantKind(t, s.AddHandleFamily(ctx, handleFamily(c, "g"), "f handle 1", "refresh 1"), fault.Conflict)
		want := HandleState{HandleFamily: f, Presented: 1, Refresh: "refresh 1"}
		same := func(hash string) {
			t.Helper()
			got, err := s.HandleState(ctx, hash)
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("state of %s differs (%v; -want +got):\n%s", hash, err, d)
			}
			family, err := s.HandleFamilyOf(ctx, hash)
			if d := cmp.Diff(want.HandleFamily, family); d != "" || err != nil {
				t.Errorf("family of %s differs (%v; -want +got):\n%s", hash, err, d)
			}
		}
		same("f handle 1")
		c.Advance(time.Hour)
		check(t, s.RenewHandle(ctx, renewalOf(c, "f", 1)))
		wantKind(t, s.RenewHandle(ctx, renewalOf(c, "f", 1)), fault.Conflict)
		want.Generation, want.Used, want.Refresh, want.Answer, want.Repeat = 2, c.Now(), "refresh 2", []byte("answer 2"), c.Now().Add(time.Minute)
		same("f handle 1")
		want.Presented = 2
		same("f handle 2")
		check(t, s.KeepRefresh(ctx, "f", 2, "refresh 2b"))
		want.Refresh = "refresh 2b"
		same("f handle 2")
		wantKind(t, s.KeepRefresh(ctx, "f", 1, "no"), fault.Conflict)

		check(t, s.EndHandleFamily(ctx, "f", c.Now()))
		want.Ended, want.Refresh, want.Answer, want.Repeat = c.Now(), "", nil, time.Time{}
		c.Advance(time.Hour)
		check(t, s.EndHandleFamily(ctx, "f", c.Now()))
		same("f handle 2")
		wantKind(t, s.RenewHandle(ctx, renewalOf(c, "f", 2)), fault.Conflict)
		wantKind(t, s.KeepRefresh(ctx, "f", 2, "no"), fault.Conflict)
		wantKind(t, s.EndHandleFamily(ctx, "g", c.Now()), fault.NotFound)
		_, err := s.HandleState(ctx, "no")
		wantKind(t, err, fault.NotFound)
		_, err = s.HandleFamilyOf(ctx, "no")
		wantKind(t, err, fault.NotFound)
	})
}

func TestReplacedHandlesAreBounded(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		check(t, s.AddHandleFamily(t.Context(), handleFamily(c, "f"), "f handle 1", "refresh"))
		for i := range int64(3 * handleMemory) {
			check(t, s.RenewHandle(t.Context(), renewalOf(c, "f", i+1)))
		}
		var n int
		check(t, s.read.QueryRow(`SELECT count(*) FROM handles`).Scan(&n))
		if n != handleMemory+1 {
			t.Errorf("%d handles are known", n)
		}
	})
}

func TestFamiliesOfAPersonAreBounded(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		other := handleFamily(c, "other")
		other.Person = "bob"
		check(t, s.AddHandleFamily(ctx, other, "other", "refresh"))
		for i := range 2 * maxHandleFamilies {
			c.Advance(time.Second)
			check(t, s.AddHandleFamily(ctx, handleFamily(c, fmt.Sprint(i)), fmt.Sprint(i), "refresh"))
		}
		list, err := s.HandleFamilies(ctx, 1000)
		check(t, err)
		if len(list) != maxHandleFamilies+1 || list[0].ID != "99" || list[len(list)-1].ID != "other" || list[len(list)-2].ID != "50" {
			t.Errorf("%d families, from %s to %s", len(list), list[0].ID, list[len(list)-2].ID)
		}
	})
}

func TestSweepOfHandles(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		day := 24 * time.Hour
		for _, id := range []string{"used", "idle", "ended"} {
			check(t, s.AddHandleFamily(ctx, handleFamily(c, id), id+" handle 1", "refresh"))
		}
		check(t, s.EndHandleFamily(ctx, "ended", c.Now()))
		check(t, s.RenewHandle(ctx, renewalOf(c, "used", 1)))
		count := func(query string) (n int) {
			t.Helper()
			check(t, s.read.QueryRow(`SELECT count(*) FROM `+query).Scan(&n))
			return n
		}
		sweep := func(families, handles, answers int) {
			t.Helper()
			check(t, s.Sweep(ctx, c.Now()))
			got := []int{count(`handle_families`), count(`handles`), count(`handle_families WHERE answer <> ''`)}
			if d := cmp.Diff([]int{families, handles, answers}, got); d != "" {
				t.Errorf("families, handles, answers (-want +got):\n%s", d)
			}
		}
		c.Advance(time.Minute)
		sweep(3, 4, 1)
		c.Advance(time.Millisecond)
		sweep(3, 4, 0)
		c.Advance(7 * day)
		sweep(2, 3, 0)
		check(t, s.RenewHandle(ctx, renewalOf(c, "used", 2)))
		c.Advance(83 * day) // the first handle is older than 90 days, "idle" was used that long ago
		sweep(1, 1, 0)
		if x, err := s.HandleState(ctx, "used handle 3"); err != nil || x.Refresh != "refresh 3" {
			t.Errorf("%+v (%v)", x, err)
		}
	})
}

func TestLeaseOfAHandleFamily(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		check(t, s.AddHandleFamily(ctx, handleFamily(c, "f"), "f handle 1", "refresh 1"))
		until := c.Now().Add(time.Minute)
		lease := func(generation int64) error { return s.LeaseHandleFamily(ctx, "f", generation, c.Now(), until) }
		check(t, lease(1))
		wantKind(t, lease(1), fault.Conflict)
		check(t, s.ReturnHandleLease(ctx, "f", until.Add(time.Second))) // of somebody else
		wantKind(t, lease(1), fault.Conflict)
		check(t, s.ReturnHandleLease(ctx, "f", until))
		check(t, lease(1))
		c.Advance(time.Minute)
		until = c.Now().Add(time.Minute)
		check(t, lease(1)) // the other one has had its time
		c.Advance(-time.Hour)
		until = c.Now().Add(time.Minute)
		check(t, lease(1)) // the clock was put back
		c.Advance(-30 * time.Second)
		until = c.Now().Add(time.Minute)
		wantKind(t, lease(1), fault.Conflict) // of a process whose clock is ahead
		check(t, s.RenewHandle(ctx, renewalOf(c, "f", 1)))
		wantKind(t, lease(1), fault.Conflict)
		check(t, lease(2))
		check(t, s.EndHandleFamily(ctx, "f", c.Now()))
		c.Advance(2 * time.Minute)
		wantKind(t, lease(2), fault.Conflict)
	})
}
