package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func addUser(t testing.TB, s *Store, id string) User {
	t.Helper()
	now := s.Now()
	u := User{ID: id, Email: id + "@example.org", Name: "N " + id, Password: "hash", Metadata: map[string]any{}, Created: now, Updated: now, Confirmed: now}
	check(t, s.AddUser(t.Context(), u))
	return u
}

func TestUsersRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx, now := t.Context(), c.Now()
		want := User{
			ID: "1", Email: "ann@example.org", Name: "Ann ’Ó", Operator: true, Password: "$x$", Created: now, Updated: now,
			Metadata: map[string]any{"avatar_url": "https://example.org/a.png", "n": float64(3), "deep": map[string]any{"a": []any{"b"}}},
		}
		check(t, s.AddUser(ctx, want))
		got, err := s.User(ctx, "1")
		check(t, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("user differs (-want +got):\n%s", d)
		}
		if got, err = s.UserByEmail(ctx, "ann@example.org"); err != nil || got.ID != "1" {
			t.Errorf("by e-mail: %+v, %v", got, err)
		}
		_, err = s.User(ctx, "2")
		wantKind(t, err, fault.NotFound)
		wantKind(t, s.AddUser(ctx, User{ID: "2", Email: "ann@example.org"}), fault.Conflict)
		wantKind(t, s.AddUser(ctx, User{ID: "1", Email: "bob@example.org"}), fault.Conflict)
		if n, err := s.CountUsers(ctx); n != 1 || err != nil {
			t.Errorf("%d users (%v), want 1", n, err)
		}
	})
}

func TestAddUserIsAllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		broken := Membership{UserID: "nobody", Site: "blog"}
		if err := s.AddUser(t.Context(), User{ID: "1", Email: "a@example.org"}, broken); err == nil {
			t.Fatal("a membership of nobody was accepted")
		}
		if n, err := s.CountUsers(t.Context()); n != 0 || err != nil {
			t.Errorf("half of it stayed: %d users (%v)", n, err)
		}
	})
}

func TestUpdateUserLeavesTheRestAlone(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		want := addUser(t, s, "1")
		check(t, s.UpdateUser(t.Context(), "1", func(u *User) {
			u.Name, u.Metadata["k"] = "New", "v"
			u.Email, u.Password, u.ID = "other@example.org", "other", "9" // not its business
		}))
		want.Name, want.Metadata = "New", map[string]any{"k": "v"}
		got, err := s.User(t.Context(), "1")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("user is %+v (%v)\nwant    %+v", got, err, want)
		}
		wantKind(t, s.UpdateUser(t.Context(), "2", func(*User) {}), fault.NotFound)
	})
}

func TestUpdatesAtOnceAllCount(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		addUser(t, s, "1")
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if err := s.UpdateUser(context.Background(), "1", func(u *User) { u.Metadata[fmt.Sprint(i)] = true }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if u, err := s.User(t.Context(), "1"); err != nil || len(u.Metadata) != 12 {
			t.Errorf("%d of 12 updates are there (%v)", len(u.Metadata), err)
		}
	})
}

func TestRehashDoesNotUndoANewPassword(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		addUser(t, s, "1")
		check(t, s.SignedIn(ctx, "1", "hash", "better", c.Now()))
		if u, _ := s.User(ctx, "1"); u.Password != "better" || !u.LastSignIn.Equal(c.Now()) {
			t.Errorf("user is %+v", u)
		}
		check(t, s.SetPassword(ctx, "1", "new", c.Now()))
		check(t, s.SignedIn(ctx, "1", "better", "stale", c.Now()))
		if u, _ := s.User(ctx, "1"); u.Password != "new" {
			t.Errorf("the new password is gone: %q", u.Password)
		}
		wantKind(t, s.SetPassword(ctx, "2", "x", c.Now()), fault.NotFound)
	})
}

func TestMemberships(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		addUser(t, s, "1")
		addUser(t, s, "2")
		for _, m := range []Membership{
			{UserID: "1", Site: "blog", Roles: []string{"editor"}, Created: c.Now(), Updated: c.Now()},
			{UserID: "1", Site: "shop", Created: c.Now(), Updated: c.Now()},
			{UserID: "2", Site: "blog", Roles: []string{"reader"}, Created: c.Now(), Updated: c.Now()},
		} {
			check(t, s.SetMembership(ctx, m))
		}
		made := c.Now()
		c.Advance(time.Hour)
		check(t, s.SetMembership(ctx, Membership{UserID: "1", Site: "blog", Roles: []string{"admin", "x"}, Created: c.Now(), Updated: c.Now()}))
		count := func(user, site string) int {
			list, err := s.Memberships(ctx, user, site)
			check(t, err)
			return len(list)
		}
		if a, b, d := count("", ""), count("1", ""), count("", "blog"); a != 3 || b != 2 || d != 2 {
			t.Errorf("memberships: %d, %d of user 1, %d of blog; want 3, 2, 2", a, b, d)
		}
		list, err := s.Memberships(ctx, "1", "blog")
		check(t, err)
		if len(list) != 1 || !slices.Equal(list[0].Roles, []string{"admin", "x"}) || !list[0].Created.Equal(made) || !list[0].Updated.Equal(c.Now()) {
			t.Errorf("membership is %+v", list)
		}
		check(t, s.DeleteMembership(ctx, "1", "blog"))
		wantKind(t, s.DeleteMembership(ctx, "1", "blog"), fault.NotFound)
		wantKind(t, s.SetMembership(ctx, Membership{UserID: "9", Site: "blog"}), fault.NotFound)
	})
}

func session(s *Store, id, user, hash string, life time.Duration) Session {
	now := s.Now()
	return Session{ID: id, UserID: user, TokenHash: hash, Created: now, Seen: now, Expires: now.Add(life), Agent: "A", Address: "192.0.2.1"}
}

func TestCallers(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		u := addUser(t, s, "1")
		check(t, s.SetMembership(ctx, Membership{UserID: "1", Site: "blog", Roles: []string{"editor"}}))
		check(t, s.SetMembership(ctx, Membership{UserID: "1", Site: "shop"}))
		x := session(s, "s", "1", "h", time.Hour)
		check(t, s.AddSession(ctx, x))
		got, err := s.CallerByCookie(ctx, "h", "blog", c.Now())
		check(t, err)
		if d := cmp.Diff(Caller{Session: x, User: u, Roles: []string{"editor"}}, got); d != "" {
			t.Errorf("caller differs (-want +got):\n%s", d)
		}
		if got, err = s.CallerBySession(ctx, "s", "shop", c.Now()); err != nil || got.Roles == nil || len(got.Roles) != 0 {
			t.Errorf("a member without roles has %#v (%v)", got.Roles, err)
		}
		if got, err = s.CallerBySession(ctx, "s", "wiki", c.Now()); err != nil || got.Roles != nil {
			t.Errorf("a stranger has %#v (%v)", got.Roles, err)
		}
		_, err = s.CallerByCookie(ctx, "", "blog", c.Now())
		wantKind(t, err, fault.NotFound)
		c.Advance(time.Hour)
		_, err = s.CallerByCookie(ctx, "h", "blog", c.Now())
		wantKind(t, err, fault.NotFound)
	})
}

func TestDeletingAUserTakesEverythingAlong(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		ctx := t.Context()
		addUser(t, s, "1")
		check(t, s.SetMembership(ctx, Membership{UserID: "1", Site: "blog"}))
		check(t, s.AddSession(ctx, session(s, "b", "1", "h", time.Hour)))
		check(t, s.StartFamily(ctx, session(s, "f", "1", "", time.Hour), "t"))
		check(t, s.DeleteUser(ctx, "1"))
		wantKind(t, s.DeleteUser(ctx, "1"), fault.NotFound)
		for _, table := range []string{"users", "memberships", "sessions", "refresh_tokens"} {
			if n := rows(t, s, table); n != 0 {
				t.Errorf("%d rows stay in %s", n, table)
			}
		}
		wantKind(t, s.AddSession(ctx, session(s, "b", "1", "h", time.Hour)), fault.NotFound)
	})
}

func rows(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	check(t, s.read.QueryRow(`SELECT count(*) FROM `+table).Scan(&n))
	return n
}

func TestSweepTakesOnlyWhatHasEnded(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		addUser(t, s, "1")
		check(t, s.AddSession(ctx, session(s, "short", "1", "h1", time.Hour)))
		check(t, s.AddSession(ctx, session(s, "long", "1", "h2", 1000*time.Hour)))
		check(t, s.StartFamily(ctx, session(s, "family", "1", "", time.Hour), "t"))
		for _, reader := range []string{"short", "long"} {
			check(t, s.ServedFirst(ctx, reader, "blog", "a.md", "v1"))
			check(t, s.SeenFirst(ctx, reader, "blog", "c1"))
		}
		_, err := s.ChargeAttempt(ctx, c.Now(), Charge{Key: "k", Forget: time.Hour, Delay: never, Max: time.Hour})
		check(t, err)

		check(t, s.Sweep(ctx, c.Now()))
		for table, want := range map[string]int{"sessions": 3, "refresh_tokens": 1, "served": 2, "seen": 2, "throttles": 1} {
			if n := rows(t, s, table); n != want {
				t.Errorf("too early: %d rows in %s, want %d", n, table, want)
			}
		}
		c.Advance(2 * time.Hour)
		check(t, s.Sweep(ctx, c.Now()))
		if n := rows(t, s, "sessions"); n != 1 {
			t.Errorf("%d sessions, want the long one", n)
		}
		if got := base(t, s, "short", "a.md"); got != "v1" {
			t.Errorf("what a session that has just ended was served is gone: %q", got)
		}
		c.Advance(readerGrace)
		check(t, s.Sweep(ctx, c.Now()))
		for table, want := range map[string]int{"sessions": 1, "refresh_tokens": 0, "served": 1, "seen": 1, "throttles": 0} {
			if n := rows(t, s, table); n != want {
				t.Errorf("late: %d rows in %s, want %d", n, table, want)
			}
		}
		if got := base(t, s, "long", "a.md"); got != "v1" {
			t.Errorf("a live session's base is gone: %q", got)
		}
	})
}

func never(int) time.Duration { return 0 }

func TestThrottleTableIsBounded(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		waiting := Charge{Key: "locked", Forget: time.Hour, Delay: func(int) time.Duration { return time.Minute }, Max: time.Hour}
		_, err := s.ChargeAttempt(ctx, c.Now(), waiting)
		check(t, err)
		for i := range 20 {
			c.Advance(time.Second)
			_, err := s.ChargeAttempt(ctx, c.Now(), Charge{Key: fmt.Sprint("k", i), Forget: time.Hour, Delay: never, Max: time.Hour})
			check(t, err)
		}
		tx, err := s.write.Begin()
		check(t, err)
		check(t, sweepThrottles(ctx, tx, time.Time{}, 5))
		check(t, tx.Commit())
		if n := rows(t, s, "throttles"); n != 5 {
			t.Errorf("%d rows, want 5", n)
		}
		if wait, err := s.ChargeAttempt(ctx, c.Now(), waiting); err != nil || wait <= 0 {
			t.Errorf("the one that held somebody back was dropped for newer ones (%v, %v)", wait, err)
		}
	})
}

func TestThrottleForgets(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		var seen []int
		ch := Charge{Key: "k", Forget: time.Hour, Max: time.Hour, Delay: func(n int) time.Duration { seen = append(seen, n); return 0 }}
		for _, pause := range []time.Duration{0, time.Minute, time.Hour, 2 * time.Hour} {
			c.Advance(pause)
			_, err := s.ChargeAttempt(t.Context(), c.Now(), ch)
			check(t, err)
		}
		check(t, s.RefundAttempt(t.Context(), "k", c.Now()))
		_, err := s.ChargeAttempt(t.Context(), c.Now(), ch)
		check(t, err)
		if want := []int{1, 2, 3, 1, 1}; !slices.Equal(seen, want) {
			t.Errorf("counts are %v, want %v", seen, want)
		}
	})
}
