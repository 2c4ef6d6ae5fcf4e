package auth

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
	"gatehouse/internal/store/storetest"
)

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

// rig is a door with what is behind it, and a user "ann", an editor of blog.
type rig struct {
	*Door
	store *store.Store
	clock *clock
	place storetest.Place
}

func newRig(t testing.TB) *rig {
	t.Helper()
	place := storetest.New(t)
	st := place.Open(t)
	t.Cleanup(func() { check(t, st.Close()) })
	c := &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	st.Now = c.Now
	issuer, err := NewIssuer(t.Context(), st)
	check(t, err)
	issuer.Now = c.Now
	check(t, st.AddUser(t.Context(), store.User{
		ID: "ann", Email: "ann@example.org", Name: "Ann Lee", Metadata: map[string]any{"avatar_url": "https://example.org/ann.png"},
		Created: c.Now(), Updated: c.Now(),
	}, store.Membership{UserID: "ann", Site: "blog", Roles: []string{"editor"}}))
	return &rig{
		Door: &Door{
			Sessions: &Sessions{Store: st, Secure: true, Now: c.Now},
			Issuer:   issuer,
			IssuerURL: func(site string) string {
				return "https://cms.example.org/s/" + site + "/.netlify/identity"
			},
		},
		store: st, clock: c, place: place,
	}
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

// signIn starts a browser session and returns its cookie. carried is what the
// request brought along; it may be nil.
func (r *rig) signIn(t testing.TB, carried *http.Cookie) *http.Cookie {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/login", nil)
	req.Header.Set("User-Agent", "Browser/1 \x07(Test)")
	if carried != nil {
		req.AddCookie(carried)
	}
	w := httptest.NewRecorder()
	_, err := r.Sessions.Start(w, req, "ann", home)
	check(t, err)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies are %v", cookies)
	}
	return cookies[0]
}

func (r *rig) withCookie(site string, c *http.Cookie) (Principal, error) {
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	if c != nil {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r.Principal(req, site)
}

func (r *rig) withBearer(site, token string) (Principal, error) {
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	return r.Principal(req, site)
}

func TestCookieAttributes(t *testing.T) {
	r := newRig(t)
	c := r.signIn(t, nil)
	if c.Name != "__Host-gatehouse" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie is %+v", c)
	}
	if time.Duration(c.MaxAge)*time.Second != Absolute || len(c.Value) != TokenLength {
		t.Errorf("cookie lives %d s with a value of %d characters", c.MaxAge, len(c.Value))
	}
	r.Sessions.Secure = false
	if c := r.signIn(t, nil); c.Name != "gatehouse" || c.Secure || !c.HttpOnly {
		t.Errorf("on plain http the cookie is %+v", c)
	}
}

func TestPrincipalOfACookie(t *testing.T) {
	r := newRig(t)
	c := r.signIn(t, nil)
	p, err := r.withCookie("blog", c)
	check(t, err)
	if p.UserID != "ann" || p.Email != "ann@example.org" || p.Name != "Ann Lee" || p.AvatarURL != "https://example.org/ann.png" ||
		p.Operator || len(p.Roles) != 1 || p.Roles[0] != "editor" || p.Session == "" || p.Session == c.Value ||
		!p.Expires.Equal(r.clock.Now().Add(BrowserIdle)) {
		t.Errorf("principal is %+v", p)
	}
	p, err = r.withCookie("shop", c)
	if err != nil || p.Roles != nil {
		t.Errorf("at a foreign site: roles %v, %v; want none", p.Roles, err)
	}
	list, err := r.Sessions.List(t.Context(), "ann")
	if err != nil || len(list) != 1 || list[0].Agent != "Browser/1 (Test)" || list[0].Address != "192.0.2.10" || !list[0].Browser {
		t.Errorf("sessions are %+v (%v)", list, err)
	}
}

func TestNobodyIsSignedIn(t *testing.T) {
	r := newRig(t)
	good := r.signIn(t, nil)
	for name, change := range map[string]func(*http.Request){
		"nothing at all":        func(*http.Request) {},
		"a cookie of our form":  func(q *http.Request) { q.AddCookie(&http.Cookie{Name: good.Name, Value: NewToken()}) },
		"a cookie cut short":    func(q *http.Request) { q.AddCookie(&http.Cookie{Name: good.Name, Value: good.Value[:20]}) },
		"the hash as a cookie":  func(q *http.Request) { q.AddCookie(&http.Cookie{Name: good.Name, Value: hashOf(good.Value)}) },
		"the name without host": func(q *http.Request) { q.AddCookie(&http.Cookie{Name: "gatehouse", Value: good.Value}) },
		"the cookie as bearer":  func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+good.Value) },
		"another scheme":        func(q *http.Request) { q.Header.Set("Authorization", "Basic YTpi") },
		"a bad bearer beside a good cookie": func(q *http.Request) {
			q.AddCookie(good)
			q.Header.Set("Authorization", "Bearer x.y.z")
		},
		"two headers": func(q *http.Request) {
			q.AddCookie(good)
			q.Header.Add("Authorization", "Bearer a")
			q.Header.Add("Authorization", "Bearer b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			change(req)
			_, err := r.Principal(req, "blog")
			wantKind(t, err, fault.Unauthenticated)
			if strings.Contains(err.Error(), good.Value) {
				t.Error("the error holds the token")
			}
		})
	}
}

func TestSignInMakesACookieFromBeforeWorthless(t *testing.T) {
	r := newRig(t)
	// Someone planted a cookie of their choice in the browser ...
	planted := &http.Cookie{Name: r.Sessions.CookieName(), Value: NewToken()}
	c := r.signIn(t, planted)
	if c.Value == planted.Value {
		t.Fatal("the session took the planted token")
	}
	if _, err := r.withCookie("blog", planted); err == nil {
		t.Error("the planted cookie is signed in")
	}
	// ... or a session that was alive already.
	again := r.signIn(t, c)
	if _, err := r.withCookie("blog", c); err == nil {
		t.Error("the session from before the sign-in lives on")
	}
	_, err := r.withCookie("blog", again)
	check(t, err)
}

func TestSessionSlidesAndEnds(t *testing.T) {
	r := newRig(t)
	start := r.clock.Now()
	used, idle := r.signIn(t, nil), r.signIn(t, nil)
	for r.clock.Now().Before(start.Add(Absolute - 10*24*time.Hour)) {
		r.clock.Advance(10 * 24 * time.Hour)
		p, err := r.withCookie("blog", used)
		check(t, err)
		if p.Expires.After(start.Add(Absolute)) {
			t.Fatalf("expires at %v, after its absolute end", p.Expires)
		}
	}
	_, err := r.withCookie("blog", idle)
	wantKind(t, err, fault.Unauthenticated)
	r.clock.Advance(10*24*time.Hour - time.Minute)
	_, err = r.withCookie("blog", used)
	check(t, err)
	r.clock.Advance(time.Minute)
	_, err = r.withCookie("blog", used)
	wantKind(t, err, fault.Unauthenticated)
}

func TestSignOutAndRevocation(t *testing.T) {
	r := newRig(t)
	one, two, three := r.signIn(t, nil), r.signIn(t, nil), r.signIn(t, nil)

	req := httptest.NewRequest(http.MethodPost, "/logout", nil)
	req.AddCookie(one)
	w := httptest.NewRecorder()
	check(t, r.Sessions.End(w, req))
	if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge != -1 || c[0].Value != "" || !c[0].Secure || c[0].Path != "/" {
		t.Errorf("the cookie is taken back as %v", c)
	}
	_, err := r.withCookie("blog", one)
	wantKind(t, err, fault.Unauthenticated)
	check(t, r.Sessions.End(httptest.NewRecorder(), req)) // again: no error

	p, err := r.withCookie("blog", two)
	check(t, err)
	wantKind(t, r.Sessions.Revoke(t.Context(), "bob", p.Session), fault.NotFound)
	check(t, r.Sessions.Revoke(t.Context(), "ann", p.Session))
	_, err = r.withCookie("blog", two)
	wantKind(t, err, fault.Unauthenticated)

	if n, err := r.Sessions.RevokeAll(t.Context(), "ann"); n != 1 || err != nil {
		t.Errorf("%d sessions ended (%v), want 1", n, err)
	}
	_, err = r.withCookie("blog", three)
	wantKind(t, err, fault.Unauthenticated)
}

func TestTakingAccessAwayActsAtOnce(t *testing.T) {
	r := newRig(t)
	cookie := r.signIn(t, nil)
	_, _, access := r.start(t, "blog")
	both := func() (Principal, Principal) {
		a, err := r.withCookie("blog", cookie)
		check(t, err)
		b, err := r.withBearer("blog", access)
		check(t, err)
		return a, b
	}
	check(t, r.store.SetMembership(t.Context(), store.Membership{UserID: "ann", Site: "blog", Roles: []string{"reader"}}))
	if a, b := both(); a.Roles[0] != "reader" || b.Roles[0] != "reader" {
		t.Errorf("roles are %v and %v", a.Roles, b.Roles)
	}
	check(t, r.store.DeleteMembership(t.Context(), "ann", "blog"))
	if a, b := both(); a.Roles != nil || b.Roles != nil {
		t.Errorf("roles are %v and %v after the membership ended", a.Roles, b.Roles)
	}
	check(t, r.store.UpdateUser(t.Context(), "ann", func(u *store.User) { u.Operator = true }))
	if a, b := both(); !a.Operator || !b.Operator {
		t.Error("an operator is not known as one")
	}
	check(t, r.store.DeleteUser(t.Context(), "ann"))
	_, err := r.withCookie("blog", cookie)
	wantKind(t, err, fault.Unauthenticated)
	_, err = r.withBearer("blog", access)
	wantKind(t, err, fault.Unauthenticated)
}

func TestNoTokenLiesInTheDatabase(t *testing.T) {
	r := newRig(t)
	cookie := r.signIn(t, nil)
	_, refresh, access := r.start(t, "blog")
	_, next, err := r.Issuer.Refresh(t.Context(), refresh, "blog", tab)
	check(t, err)
	all := r.place.Contents(t)
	for name, secret := range map[string]string{"cookie": cookie.Value, "refresh token": refresh, "next refresh token": next, "access token": access, "signing key": string(r.Issuer.key)} {
		if strings.Contains(all, secret) {
			t.Errorf("the database holds the %s", name)
		}
	}
}

func TestStoreThatIsGoneIsNoVerdict(t *testing.T) {
	r := newRig(t)
	cookie := r.signIn(t, nil)
	_, _, access := r.start(t, "blog")
	check(t, r.store.Close())
	for _, f := range []func() (Principal, error){
		func() (Principal, error) { return r.withCookie("blog", cookie) },
		func() (Principal, error) { return r.withBearer("blog", access) },
	} {
		if _, err := f(); err == nil || fault.Is(err, fault.Unauthenticated) {
			t.Errorf("error is %v: a person is told to sign in again because of the database", err)
		}
	}
}

func BenchmarkCookie(b *testing.B) {
	r := newRig(b)
	c := r.signIn(b, nil)
	for b.Loop() {
		if _, err := r.withCookie("blog", c); err != nil {
			b.Fatal(err)
		}
	}
}
