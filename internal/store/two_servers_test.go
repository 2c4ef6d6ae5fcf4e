package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

// pair runs f on the run's engine with two openings of one database, as a server and
// the command line have it, or two servers.
func pair(t *testing.T, f func(t *testing.T, one, two *Store, c *clock)) {
	places(t, func(t *testing.T, p place) {
		one, c := p.open(t)
		two, _ := p.open(t)
		two.Now = c.Now
		f(t, one, two, c)
	})
}

// crowd runs f n times at once, on the one and the other in turn, and says how
// often it gave what.
func crowd[T comparable](n int, one, two *Store, f func(i int, s *Store) T) map[T]int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[T]int{}
	for i := range n {
		s := one
		if i%2 == 1 {
			s = two
		}
		wg.Go(func() {
			x := f(i, s)
			mu.Lock()
			defer mu.Unlock()
			got[x]++
		})
	}
	wg.Wait()
	return got
}

// kind is what became of a call, for counting.
func kind(err error) string {
	if err == nil {
		return "done"
	}
	return fault.KindOf(err).String()
}

func wantCounts[T comparable](t *testing.T, got map[T]int, want map[T]int) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
		return
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("got %v, want %v", got, want)
			return
		}
	}
}

func TestTwoServersCountAttempts(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		got := crowd(20, one, two, func(_ int, s *Store) bool {
			wait, err := s.ChargeAttempt(context.Background(), c.Now(),
				Charge{Key: "account", Forget: time.Hour, Max: time.Hour, Delay: func(n int) time.Duration {
					if n < 5 {
						return 0
					}
					return time.Minute
				}},
				Charge{Key: "address", Forget: time.Hour, Max: time.Hour, Delay: never})
			if err != nil {
				t.Error(err)
			}
			return wait > 0
		})
		wantCounts(t, got, map[bool]int{false: 5, true: 15})
		var failures int
		check(t, one.read.QueryRow(`SELECT failures FROM throttles WHERE key = 'address'`).Scan(&failures))
		if failures != 5 {
			t.Errorf("%d attempts count for the address, want 5", failures)
		}
	})
}

func TestTwoServersRotate(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		addUser(t, one, "1")
		family(t, one, "f", "t1")
		got := crowd(16, one, two, func(_ int, s *Store) Outcome {
			out, err := s.Rotate(context.Background(), rotation(c, "t1", "t2"))
			if err != nil {
				t.Error(err)
			}
			return out.Outcome
		})
		wantCounts(t, got, map[Outcome]int{Rotated: 1, Repeated: 15})
	})
}

// A family that is ended while it rotates stays ended.
func TestTwoServersEndWhatRotates(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		addUser(t, one, "1")
		for i := range 8 {
			family(t, one, fmt.Sprint("f", i), fmt.Sprint("t", i))
		}
		crowd(16, one, two, func(i int, s *Store) bool {
			if i%2 == 1 {
				return s.EndSession(context.Background(), "1", fmt.Sprint("f", i/2)) == nil
			}
			out, err := s.Rotate(context.Background(), rotation(c, fmt.Sprint("t", i/2), fmt.Sprint("u", i/2)))
			if err != nil || (out.Outcome != Rotated && out.Outcome != Unknown) {
				t.Errorf("outcome is %v (%v)", out, err)
			}
			return false
		})
		for _, table := range []string{"sessions", "refresh_tokens"} {
			if n := rows(t, one, table); n != 0 {
				t.Errorf("%d rows stay in %s", n, table)
			}
		}
	})
}

func TestTwoServersClaim(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		check(t, one.AddOAuthTransaction(t.Context(), oauthTransaction(c, "1", OAuthDone)))
		got := crowd(16, one, two, func(_ int, s *Store) string {
			_, err := s.UpdateOAuthTransaction(context.Background(), "1", func(x *OAuthTransaction) error {
				if x.Status != OAuthDone {
					return fault.New(fault.Forbidden, "Claimed before.")
				}
				x.Status = OAuthClaimed
				return nil
			})
			return kind(err)
		})
		wantCounts(t, got, map[string]int{"done": 1, "forbidden": 15})
	})
}

func TestTwoServersFindTheAbandoned(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		for i := range 30 {
			x := oauthTransaction(c, fmt.Sprint(i), OAuthDone)
			x.OK, x.Outcome = true, []byte("o")
			check(t, one.AddOAuthTransaction(t.Context(), x))
		}
		var mu sync.Mutex
		given := map[string]int{}
		crowd(8, one, two, func(_ int, s *Store) bool {
			list, err := s.AbandonedOAuthTransactions(context.Background(), c.Now().Add(time.Hour), 7)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, x := range list {
				given[x.ID]++
			}
			return true
		})
		for id, n := range given {
			if n != 1 {
				t.Errorf("%s was given %d times", id, n)
			}
		}
		if len(given) != 30 {
			t.Errorf("%d of 30 were given", len(given))
		}
	})
}

func TestTwoServersRenewAHandle(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		check(t, one.AddHandleFamily(t.Context(), handleFamily(c, "f"), "f handle 1", "refresh 1"))
		got := crowd(16, one, two, func(i int, s *Store) string {
			r := renewalOf(c, "f", 1)
			r.Hash = fmt.Sprint("successor ", i)
			return kind(s.RenewHandle(context.Background(), r))
		})
		wantCounts(t, got, map[string]int{"done": 1, "conflict": 15})
	})
}

func TestTwoServersBoundAPersonsFamilies(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		got := crowd(maxHandleFamilies+20, one, two, func(i int, s *Store) string {
			return kind(s.AddHandleFamily(context.Background(), handleFamily(c, fmt.Sprint(i)), fmt.Sprint(i), "refresh"))
		})
		wantCounts(t, got, map[string]int{"done": maxHandleFamilies + 20})
		if n := rows(t, one, "handle_families"); n != maxHandleFamilies {
			t.Errorf("%d families, want %d", n, maxHandleFamilies)
		}
	})
}

func TestTwoServersTakeOneAddress(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, _ *clock) {
		got := crowd(12, one, two, func(i int, s *Store) string {
			return kind(s.AddUser(context.Background(), User{ID: fmt.Sprint(i), Email: "ann@example.org"}))
		})
		wantCounts(t, got, map[string]int{"done": 1, "conflict": 11})
	})
}

func TestTwoServersCountEvents(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		crowd(30, one, two, func(i int, s *Store) bool {
			if err := s.AddEvent(context.Background(), Event{At: c.Now(), Detail: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
			return true
		})
		var n, highest int
		check(t, one.read.QueryRow(`SELECT count(*), max(id) FROM events`).Scan(&n, &highest))
		if n != 30 || highest != 30 {
			t.Errorf("%d events, the highest number is %d; want 30 without gaps", n, highest)
		}
	})
}

// What stands alone and what is in a transaction queue as well: a statement that
// came between a transaction's reading and writing would be undone by it.
func TestTwoServersWriteInTurn(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, c *clock) {
		addUser(t, one, "1")
		late := c.Now().Add(time.Hour)
		var wg sync.WaitGroup
		check(t, one.UpdateUser(t.Context(), "1", func(u *User) {
			wg.Go(func() {
				if err := two.SignedIn(context.Background(), "1", "hash", "", late); err != nil {
					t.Error(err)
				}
			})
			u.Name = "New"
		}))
		wg.Wait()
		u, err := one.User(t.Context(), "1")
		if err != nil || u.Name != "New" || !u.LastSignIn.Equal(late) {
			t.Errorf("user is %+v (%v)", u, err)
		}
	})
}

// A failure of one does not stop the others.
func TestTwoServersGoOnAfterAFailure(t *testing.T) {
	pair(t, func(t *testing.T, one, two *Store, _ *clock) {
		no := errors.New("no")
		got := crowd(20, one, two, func(i int, s *Store) bool {
			err := s.tx(context.Background(), func(tx *sql.Tx) error {
				_, err := tx.Exec(`INSERT INTO settings (name, key_id, value, updated) VALUES ($1, '', '', 0)`, fmt.Sprint(i))
				if err == nil && i%4 < 2 {
					return no
				}
				return err
			})
			if err != nil && !errors.Is(err, no) {
				t.Error(err)
			}
			return err == nil
		})
		wantCounts(t, got, map[bool]int{true: 10, false: 10})
		if n := rows(t, one, "settings"); n != 11 { // and the canary
			t.Errorf("%d settings, want 11", n)
		}
	})
}
