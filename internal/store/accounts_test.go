package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func aToken(c *clock, hash, kind, site string) Token {
	return Token{Hash: hash, Kind: kind, Site: site, Email: "x@example.org", Content: []byte("content of " + hash), Created: c.Now(), Expires: c.Now().Add(time.Hour)}
}

func TestChangeAccountWritesWhatIsDifferent(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		check(t, s.ChangeAccount(ctx, Which{Email: "ann@example.org"}, func(a *Account) error {
			if a.User.ID != "" {
				t.Error("there is nobody yet")
			}
			a.User = User{ID: "ann", Email: "ann@example.org", Created: c.Now(), Updated: c.Now()}
			a.SetMembership(Membership{Site: "blog", Roles: []string{"editor"}, Pending: PendingInvite, Created: c.Now(), Updated: c.Now()})
			a.SetMembership(Membership{Site: "shop", Created: c.Now(), Updated: c.Now()})
			a.SetToken(aToken(c, "h1", "invite", "blog"))
			a.SetToken(aToken(c, "h2", "recovery", "blog"))
			return nil
		}))
		check(t, s.ChangeAccount(ctx, Which{Token: "h1"}, func(a *Account) error {
			if len(a.Memberships) != 2 || len(a.Tokens) != 2 || string(a.Tokens[0].Content) != "content of h1" {
				t.Errorf("read %+v", a)
			}
			a.User.Email, a.User.Password, a.User.Language, a.User.Disabled = "new@example.org", "hash", "de", c.Now()
			a.Membership("blog").Pending = ""
			a.Memberships = slices.DeleteFunc(a.Memberships, func(m Membership) bool { return m.Site == "shop" })
			a.SetToken(aToken(c, "h3", "invite", "blog")) // in the place of h1
			return nil
		}))
		u, err := s.UserByEmail(ctx, "new@example.org")
		check(t, err)
		if u.ID != "ann" || u.Password != "hash" || u.Language != "de" || !u.Disabled.Equal(c.Now()) {
			t.Errorf("user is %+v", u)
		}
		memberships, err := s.MembershipsOf(ctx, "ann", "nobody")
		check(t, err)
		if len(memberships) != 1 || memberships[0].Site != "blog" || memberships[0].Pending != "" || memberships[0].Roles[0] != "editor" {
			t.Errorf("memberships are %+v", memberships)
		}
		tokens, err := s.Tokens(ctx, "ann")
		check(t, err)
		if len(tokens) != 2 || tokens[0].Hash != "h2" || tokens[1].Hash != "h3" || tokens[1].Content != nil {
			t.Errorf("tokens are %+v", tokens)
		}
		_, err = s.Token(ctx, "h1")
		wantKind(t, err, fault.NotFound)
		wantKind(t, s.ChangeAccount(ctx, Which{Token: "h1"}, func(*Account) error { return nil }), fault.NotFound)
		wantKind(t, s.ChangeAccount(ctx, Which{ID: "nobody"}, func(*Account) error { return nil }), fault.NotFound)
		wantKind(t, s.ChangeAccount(ctx, Which{}, func(*Account) error { return nil }), fault.NotFound)
	})
}

func TestChangeAccountIsAllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		ann, bob := addUser(t, s, "ann"), addUser(t, s, "bob")
		stop := errors.New("stop")
		err := s.ChangeAccount(ctx, Which{ID: "ann"}, func(a *Account) error {
			a.User.Name = "changed"
			a.SetToken(aToken(c, "h1", "invite", "blog"))
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("error is %v", err)
		}
		wantKind(t, s.ChangeAccount(ctx, Which{ID: "ann"}, func(a *Account) error {
			a.User.Name, a.User.Email, a.EndSessions = "changed", bob.Email, true
			a.SetMembership(Membership{Site: "blog"})
			return nil
		}), fault.Conflict)
		if u, err := s.User(ctx, "ann"); err != nil || u.Name != ann.Name {
			t.Errorf("user is %+v (%v)", u, err)
		}
		if m, err := s.MembershipsOf(ctx, "ann"); err != nil || len(m) != 0 {
			t.Errorf("memberships are %+v (%v)", m, err)
		}
	})
}

func TestChangeAccountEndsSessions(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		addUser(t, s, "ann")
		add := func(id, site string) {
			x := Session{ID: id, UserID: "ann", Site: site, Created: c.Now(), Seen: c.Now(), Expires: c.Now().Add(time.Hour)}
			if site == "" {
				x.TokenHash = id
			}
			check(t, s.AddSession(ctx, x))
		}
		for _, id := range []string{"one", "two"} {
			add(id, "")
		}
		add("blog", "blog")
		add("shop", "shop")
		left := func(want ...string) {
			t.Helper()
			list, err := s.Sessions(ctx, "ann", c.Now())
			check(t, err)
			got := make([]string, len(list))
			for i, x := range list {
				got[i] = x.ID
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("sessions are %v, want %v", got, want)
			}
		}
		check(t, s.ChangeAccount(ctx, Which{ID: "ann"}, func(*Account) error { return nil }))
		left("blog", "one", "shop", "two")
		check(t, s.ChangeAccount(ctx, Which{ID: "ann"}, func(a *Account) error { a.EndSite = "blog"; return nil }))
		left("one", "shop", "two")
		check(t, s.ChangeAccount(ctx, Which{ID: "ann"}, func(a *Account) error { a.EndSessions, a.KeepSession = true, "two"; return nil }))
		left("two")
		check(t, s.ChangeAccount(ctx, Which{ID: "ann"}, func(a *Account) error { a.Delete = true; return nil }))
		left()
		_, err := s.User(ctx, "ann")
		wantKind(t, err, fault.NotFound)
	})
}

func TestChangesOfAnAccountAtOnceAllCount(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				err := s.ChangeAccount(t.Context(), Which{Email: "ann@example.org"}, func(a *Account) error {
					if a.User.ID == "" {
						a.User = User{ID: fmt.Sprint("id", i), Email: "ann@example.org"}
					}
					a.SetMembership(Membership{Site: fmt.Sprint("site", i)})
					a.SetToken(aToken(c, fmt.Sprint("h", i), "invite", "blog"))
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		u, err := s.UserByEmail(t.Context(), "ann@example.org")
		check(t, err)
		memberships, err := s.Memberships(t.Context(), u.ID, "")
		check(t, err)
		tokens, err := s.Tokens(t.Context(), u.ID)
		check(t, err)
		if len(memberships) != 12 || len(tokens) != 1 {
			t.Errorf("%d memberships, want 12; %d tokens of one kind, want 1", len(memberships), len(tokens))
		}
	})
}

func TestUseOfASessionIsSeenAtTheUser(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		addUser(t, s, "ann")
		x := Session{ID: "f", UserID: "ann", Site: "blog", Created: c.Now(), Seen: c.Now(), Expires: c.Now().Add(24 * time.Hour)}
		check(t, s.StartFamily(ctx, x, "t1"))
		seen := func(want time.Time) {
			t.Helper()
			if u, err := s.User(ctx, "ann"); err != nil || !u.Seen.Equal(want) {
				t.Errorf("seen at %v, want %v (%v)", u.Seen, want, err)
			}
		}
		c.Advance(time.Hour)
		check(t, s.TouchSession(ctx, "f", c.Now(), x.Expires))
		seen(c.Now())
		check(t, s.TouchSession(ctx, "f", c.Now().Add(-time.Minute), x.Expires))
		seen(c.Now())
	})
}

func TestPolicies(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		_, err := s.Policy(t.Context(), "blog")
		wantKind(t, err, fault.NotFound)
		check(t, s.SetPolicy(t.Context(), "blog", `{"a":1}`, c.Now()))
		check(t, s.SetPolicy(t.Context(), "blog", `{"a":2}`, c.Now()))
		if p, err := s.Policy(t.Context(), "blog"); err != nil || p != `{"a":2}` {
			t.Errorf("policy is %q (%v)", p, err)
		}
	})
}

// A name that holds what LIKE takes for something else is found by itself alone.
func FuzzPeopleFilter(f *testing.F) {
	for _, text := range []string{"ann", "%", "_", "!", "!%", `\`, "'", "É", "a%b_c!d", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pattern := likeEscape(text)
		if plain := strings.NewReplacer("!!", "", "!%", "", "!_", "").Replace(pattern); strings.ContainsAny(plain, "!%_") {
			t.Errorf("%q is the pattern %q", text, pattern)
		}
		if back := strings.NewReplacer("!!", "!", "!%", "%", "!_", "_").Replace(pattern); back != text {
			t.Errorf("%q came back as %q", text, back)
		}
	})
}
