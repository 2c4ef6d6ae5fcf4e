package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func rotate(t *testing.T, s *Store, c *clock, from, to string) (Session, Outcome) {
	t.Helper()
	out, err := s.Rotate(t.Context(), rotation(c, from, to))
	check(t, err)
	return out.Session, out.Outcome
}

func rotation(c *clock, from, to string) Rotation {
	return Rotation{
		Hash: from, Successor: to, Site: "blog", Agent: "Tab/1", Address: "192.0.2.7",
		Now: c.Now(), Idle: 10 * time.Hour, Absolute: 24 * time.Hour,
		Again: func(old Replaced) bool { return old.Younger == 1 && !c.Now().After(old.At.Add(time.Minute)) },
	}
}

func family(t *testing.T, s *Store, id, token string) Session {
	t.Helper()
	x := session(s, id, "1", "", 10*time.Hour)
	x.Site = "blog"
	check(t, s.StartFamily(t.Context(), x, token))
	return x
}

func TestRotate(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		addUser(t, s, "1")
		x := family(t, s, "f", "t1")
		c.Advance(9 * time.Hour)
		for _, step := range []struct {
			pause    time.Duration
			from, to string
			want     Outcome
		}{
			{0, "t0", "x", Unknown},
			{0, "t1", "t2", Rotated},
			{time.Minute, "t1", "t2", Repeated},
			{9 * time.Hour, "t2", "t3", Rotated},
			{5 * time.Hour, "t3", "t4", Rotated},
			{time.Hour, "t4", "t5", Expired}, // 24 hours after the beginning
		} {
			c.Advance(step.pause)
			got, out := rotate(t, s, c, step.from, step.to)
			if out != step.want || (out == Rotated && (!got.Seen.Equal(c.Now()) || got.Expires.After(x.Created.Add(24*time.Hour)))) {
				t.Errorf("%s after %v: outcome %v, session %+v; want %v", step.from, step.pause, out, got, step.want)
			}
		}
	})
}

func TestRotateEndsAFamilyOnReuse(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		addUser(t, s, "1")
		family(t, s, "f", "a1")
		family(t, s, "other", "b1")
		rotate(t, s, c, "a1", "a2")
		c.Advance(time.Minute + time.Millisecond)
		if x, out := rotate(t, s, c, "a1", "a2"); out != Reused || x.ID != "f" {
			t.Errorf("outcome is %v of %+v, want Reused", out, x)
		}
		if _, out := rotate(t, s, c, "a2", "a3"); out != Unknown {
			t.Errorf("the newest token gives %v after the family ended", out)
		}
		if _, out := rotate(t, s, c, "b1", "b2"); out != Rotated {
			t.Errorf("another family's token gives %v", out)
		}
	})
}

// The younger ones are counted, so that the newest can be derived from any.
func TestRotateCountsTheYounger(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		addUser(t, s, "1")
		family(t, s, "f", "t1")
		for i := 1; i < 5; i++ {
			rotate(t, s, c, fmt.Sprint("t", i), fmt.Sprint("t", i+1))
		}
		r := rotation(c, "t2", "t3")
		var seen Replaced
		r.Again = func(old Replaced) bool { seen = old; return true }
		out, err := s.Rotate(t.Context(), r)
		check(t, err)
		if out.Outcome != Repeated || out.Younger != 3 || out.Session.ID != "f" || seen.Younger != 3 {
			t.Errorf("outcome is %+v, Again was asked about %+v", out, seen)
		}
		if seen.Family.Agent != "Tab/1" || seen.Family.Address != "192.0.2.7" {
			t.Errorf("the family is %+v, want who renewed it last", seen.Family)
		}
		if _, out := rotate(t, s, c, "t5", "t6"); out != Rotated {
			t.Errorf("the newest token gives %v", out)
		}
		// Its own age counts, whatever happened to the family since.
		c.Advance(9 * time.Hour)
		rotate(t, s, c, "t6", "t7")
		c.Advance(2 * time.Hour)
		if _, out := rotate(t, s, c, "t2", "t3"); out != Expired {
			t.Errorf("a token that is too old gives %v", out)
		}
	})
}

func TestOneOfManyRotates(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		addUser(t, s, "1")
		family(t, s, "f", "t1")
		var wg sync.WaitGroup
		var mu sync.Mutex
		outcomes := map[Outcome]int{}
		for range 16 {
			wg.Go(func() {
				out, err := s.Rotate(context.Background(), rotation(c, "t1", "t2"))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes[out.Outcome]++
			})
		}
		wg.Wait()
		if outcomes[Rotated] != 1 || outcomes[Repeated] != 15 {
			t.Errorf("outcomes are %v, want one winner and 15 who find its successor", outcomes)
		}
	})
}

func TestEndingSessions(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		addUser(t, s, "1")
		for i := range 3 {
			check(t, s.AddSession(ctx, session(s, fmt.Sprint("b", i), "1", fmt.Sprint("h", i), time.Hour)))
			family(t, s, fmt.Sprint("f", i), fmt.Sprint("t", i))
		}
		left := func() int {
			list, err := s.Sessions(ctx, "1", c.Now())
			check(t, err)
			return len(list)
		}
		check(t, s.EndCookie(ctx, "h0"))
		check(t, s.EndCookie(ctx, ""))
		wantKind(t, s.EndSession(ctx, "2", "b1"), fault.NotFound)
		check(t, s.EndSession(ctx, "1", "b1"))
		if n := left(); n != 4 {
			t.Errorf("%d sessions, want 4", n)
		}
		check(t, s.EndFamilies(ctx, "1", "shop"))
		if n := left(); n != 4 {
			t.Errorf("%d sessions after another site's ended, want 4", n)
		}
		check(t, s.EndFamilies(ctx, "1", "blog"))
		if n := left(); n != 1 {
			t.Errorf("%d sessions, want the browser's", n)
		}
		if places, err := s.SessionAddresses(ctx, "1@example.org", c.Now()); err != nil || len(places) != 1 || places[0] != "192.0.2.1" {
			t.Errorf("places are %v (%v)", places, err)
		}
		if n, err := s.EndSessions(ctx, "1"); err != nil || n != 1 {
			t.Errorf("%d ended (%v), want 1", n, err)
		}
		// A session that has ended does not come back by being used.
		check(t, s.TouchSession(ctx, "b1", c.Now(), c.Now().Add(time.Hour)))
		if n := left(); n != 0 {
			t.Errorf("%d sessions, want none", n)
		}
	})
}

func TestFailuresAreFaults(t *testing.T) {
	once(t, func(t *testing.T, s *Store, _ *clock) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Users(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want the caller's own", err)
		}
		_, err := s.write.Exec(`DROP TABLE served`)
		check(t, err)
		_, _, err = s.ServedBase(t.Context(), "r", "k", "p")
		wantKind(t, err, fault.Internal)
		if fault.Message(err) == err.Error() {
			t.Error("the cause would be shown to people")
		}
	})
}
