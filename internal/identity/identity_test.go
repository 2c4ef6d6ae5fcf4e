package identity

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/store"
	"gatehouse/internal/store/storetest"
)

const good = "violet otter lamp seven"

var home = netip.MustParseAddr("192.0.2.10")

// clock is a time that only tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func service(t testing.TB) (*Service, *clock) {
	t.Helper()
	return over(storetest.Open(t))
}

func over(st *store.Store) (*Service, *clock) {
	c := &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	st.Now = c.Now
	s := New(st)
	s.Now = c.Now
	return s, c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if !fault.Is(err, k) {
		t.Fatalf("error is %v, want one of kind %v", err, k)
	}
}

func add(t testing.TB, s *Service, email string) User {
	t.Helper()
	u, err := s.Add(t.Context(), NewUser{Email: email, Password: good, Roles: map[string][]string{"blog": {Editor}}})
	check(t, err)
	return u
}

func TestAddAndFind(t *testing.T) {
	s, c := service(t)
	u, err := s.Add(t.Context(), NewUser{
		Email: " Ann.Lee@Example.ORG ", Name: " Ann Lee ", Password: good,
		Roles: map[string][]string{"blog": {"editor", "admin", "editor"}, "shop": {}},
	})
	check(t, err)
	if u.Email != "ann.lee@example.org" || u.Name != "Ann Lee" || u.Operator || !u.Confirmed.Equal(c.Now()) {
		t.Errorf("user is %+v", u)
	}
	if !slices.Equal(u.Roles["blog"], []string{"admin", "editor"}) || !u.Member("shop") || u.Member("wiki") {
		t.Errorf("roles are %v", u.Roles)
	}
	again, err := s.ByEmail(t.Context(), "ANN.LEE@example.org")
	if err != nil || again.ID != u.ID {
		t.Errorf("by e-mail: %+v, %v", again, err)
	}
	_, err = s.Add(t.Context(), NewUser{Email: "ANN.lee@example.org", Password: good})
	wantKind(t, err, fault.Conflict)
	_, err = s.ByEmail(t.Context(), "bob@example.org")
	wantKind(t, err, fault.NotFound)
	_, err = s.ByEmail(t.Context(), "bob")
	wantKind(t, err, fault.Invalid)
}

func TestAddRefuses(t *testing.T) {
	s, _ := service(t)
	for name, n := range map[string]NewUser{
		"no address":         {Email: "ann", Password: good},
		"display name":       {Email: "Ann <ann@example.org>", Password: good},
		"two addresses":      {Email: "a@example.org,b@example.org", Password: good},
		"line break":         {Email: "a@example.org\nBcc: b@example.org", Password: good},
		"no password":        {Email: "a@example.org"},
		"short password":     {Email: "a@example.org", Password: "123456789"},
		"common password":    {Email: "a@example.org", Password: "Password123"},
		"one character":      {Email: "a@example.org", Password: strings.Repeat("é", 12)},
		"address as such":    {Email: "long.name@example.org", Password: "Long.Name@example.org"},
		"its local part":     {Email: "long.name.here@example.org", Password: "long.name.here"},
		"endless password":   {Email: "a@example.org", Password: strings.Repeat("ab", 600)},
		"name with brackets": {Email: "a@example.org", Name: "A <b@c>", Password: good},
		"name of two lines":  {Email: "a@example.org", Name: "A\nB", Password: good},
		"odd role":           {Email: "a@example.org", Password: good, Roles: map[string][]string{"blog": {"a b"}}},
		"role without site":  {Email: "a@example.org", Password: good, Roles: map[string][]string{"": {"editor"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Add(t.Context(), n)
			wantKind(t, err, fault.Invalid)
			if n.Password != "" && strings.Contains(err.Error(), n.Password) && !strings.Contains(n.Email, "@") {
				t.Errorf("the error repeats the password: %v", err)
			}
		})
	}
	if n, err := s.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d users were added (%v)", n, err)
	}
}

func TestPasswordLengthCountsCharacters(t *testing.T) {
	check(t, CheckPassword("a@example.org", "ñandú-größe"))
	check(t, CheckPassword("a@example.org", strings.Repeat("日本", MaxPassword/2)))
	wantKind(t, CheckPassword("a@example.org", strings.Repeat("日本", MaxPassword/2)+"語"), fault.Invalid)
	wantKind(t, CheckPassword("a@example.org", "\xff\xfe0123456789"), fault.Invalid)
}

func TestCommonPasswordsAreOfUse(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(common) {
		w := strings.TrimSuffix(line, "\n")
		if len(w) < MinPassword || w != strings.ToLower(w) || w != strings.TrimSpace(w) || seen[w] {
			t.Errorf("%q can never match, or is there twice", w)
		}
		seen[w] = true
	}
}

func TestRolesActAtOnce(t *testing.T) {
	s, _ := service(t)
	u := add(t, s, "ann@example.org")
	check(t, s.SetRoles(t.Context(), u.ID, "blog", []string{"translator", Publisher}))
	u, err := s.User(t.Context(), u.ID)
	check(t, err)
	if !slices.Equal(u.RolesAt("blog"), []string{Publisher, "translator"}) || len(u.RolesAt("shop")) != 0 || u.RolesAt("shop") == nil {
		t.Errorf("roles are %v and %v", u.RolesAt("blog"), u.RolesAt("shop"))
	}
	check(t, s.Leave(t.Context(), u.ID, "blog"))
	wantKind(t, s.Leave(t.Context(), u.ID, "blog"), fault.NotFound)
	check(t, s.SetOperator(t.Context(), u.ID, true))
	u, err = s.User(t.Context(), u.ID)
	check(t, err)
	if !u.Member("anything") || !slices.Equal(u.RolesAt("anything"), []string{Admin}) {
		t.Errorf("an operator is told of roles %v", u.RolesAt("anything"))
	}
	wantKind(t, s.SetRoles(t.Context(), "nobody", "blog", nil), fault.NotFound)
	wantKind(t, s.Rename(t.Context(), "nobody", "N"), fault.NotFound)
}

func TestListRenameRemove(t *testing.T) {
	s, _ := service(t)
	ann, bob := add(t, s, "ann@example.org"), add(t, s, "bob@example.org")
	check(t, s.Rename(t.Context(), bob.ID, "Bob O’Neil"))
	check(t, s.Remove(t.Context(), ann.ID))
	wantKind(t, s.Remove(t.Context(), ann.ID), fault.NotFound)
	list, err := s.List(t.Context())
	check(t, err)
	if len(list) != 1 || list[0].Name != "Bob O’Neil" || !slices.Equal(list[0].Roles["blog"], []string{Editor}) {
		t.Errorf("list is %+v", list)
	}
}

func TestResetPasswordEndsEverything(t *testing.T) {
	s, c := service(t)
	ctx := t.Context()
	u := add(t, s, "ann@example.org")
	issuer, err := auth.NewIssuer(ctx, s.Store)
	check(t, err)
	issuer.Now = c.Now
	_, refresh, err := issuer.Start(ctx, u.ID, "blog", "test", home)
	check(t, err)
	check(t, s.Store.AddSession(ctx, store.Session{ID: "b", UserID: u.ID, TokenHash: "h", Created: c.Now(), Seen: c.Now(), Expires: c.Now().Add(time.Hour)}))

	wantKind(t, s.ResetPassword(ctx, u.ID, "short"), fault.Invalid)
	if list, err := s.Sessions(ctx, u.ID); err != nil || len(list) != 2 {
		t.Fatalf("a refused reset ended sessions: %v %v", list, err)
	}
	check(t, s.ResetPassword(ctx, u.ID, "another fine long one"))
	if list, err := s.Sessions(ctx, u.ID); err != nil || len(list) != 0 {
		t.Errorf("sessions live on: %v %v", list, err)
	}
	_, _, err = issuer.Refresh(ctx, refresh, "blog", auth.Client{})
	wantKind(t, err, fault.Unauthenticated)
	_, err = s.SignIn(ctx, "ann@example.org", good, home)
	wantKind(t, err, fault.Unauthenticated)
	_, err = s.SignIn(ctx, "ann@example.org", "another fine long one", home)
	check(t, err)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	s, c := service(t)
	ctx := t.Context()
	u := add(t, s, "ann@example.org")
	for _, id := range []string{"one", "two"} {
		check(t, s.Store.AddSession(ctx, store.Session{ID: id, UserID: u.ID, TokenHash: id, Created: c.Now(), Seen: c.Now(), Expires: c.Now().Add(time.Hour), Agent: "Browser/1", Address: "192.0.2.1"}))
		c.Advance(time.Minute)
	}
	list, err := s.Sessions(ctx, u.ID)
	check(t, err)
	if len(list) != 2 || list[0].ID != "two" || !list[0].Browser || list[0].Agent != "Browser/1" {
		t.Errorf("sessions are %+v", list)
	}
	check(t, s.EndSession(ctx, u.ID, "one"))
	wantKind(t, s.EndSession(ctx, u.ID, "one"), fault.NotFound)
	other := add(t, s, "bob@example.org")
	wantKind(t, s.EndSession(ctx, other.ID, "two"), fault.NotFound)
	if n, err := s.EndSessions(ctx, u.ID); err != nil || n != 1 {
		t.Errorf("%d ended (%v), want 1", n, err)
	}
}

func TestMadePasswordsPassTheirOwnRules(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		p := MakePassword()
		check(t, CheckPassword("ann@example.org", p))
		if seen[p] {
			t.Fatalf("%q was made twice", p)
		}
		seen[p] = true
	}
}

func reopen(t *testing.T, p storetest.Place) (*Service, *clock) {
	t.Helper()
	st := p.Open(t)
	t.Cleanup(func() { check(t, st.Close()) })
	return over(st)
}
