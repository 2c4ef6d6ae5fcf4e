package console_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/api/console"
	"gatehouse/internal/auth"
	"gatehouse/internal/identity"
	"gatehouse/internal/store"
	"gatehouse/web"
)

const password = "seven quiet herons"

// gate is the console of a server with two sites, with Mara signed up as an
// editor of the first.
type gate struct {
	*httptest.Server
	people *identity.Service
	mara   identity.User
	http   *http.Client // with cookies; follows no redirect
}

func open(t *testing.T) *gate {
	t.Helper()
	s, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	people := identity.New(s)
	mara, err := people.Add(t.Context(), identity.NewUser{
		Email: "mara@example.org", Name: "Mara Quill", Password: password, Roles: map[string][]string{"blog": {"editor"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	pages, err := console.NewPages(web.Console(), log)
	if err != nil {
		t.Fatal(err)
	}
	sessions := &auth.Sessions{Store: s}
	door := &auth.Door{Sessions: sessions}
	principal := func(r *http.Request) (auth.Principal, error) { return door.Principal(r, "") }
	mux := http.NewServeMux()
	pages.Mount(mux)
	(&console.Login{Pages: pages, Identity: people, Sessions: sessions, Principal: principal, Title: "The <Blog>", Home: "admin/"}).Mount(mux)
	account := &console.Account{
		Pages: pages, Identity: people, Sessions: sessions, Principal: principal, Now: time.Now,
		Sites: []console.SiteLink{{Name: "blog", Title: "The Blog", URL: "/s/blog/admin/", Deployed: func() *console.Deployment {
			return &console.Deployment{At: time.Now(), Commit: "0123456789abcdef", Problem: "exit status 3", Output: "no <disk>"}
		}}, {Name: "shop", Title: "The Shop", URL: "/s/shop/admin/"}},
	}
	account.Mount(mux)
	account.MountChooser(mux)
	mux.HandleFunc("/missing", pages.NotFound)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return &gate{Server: srv, people: people, mara: mara, http: newClient(t)}
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type answer struct {
	*http.Response
	text string
}

func (g *gate) do(t *testing.T, method, path string, form url.Values) answer {
	t.Helper()
	req, err := http.NewRequest(method, g.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return g.send(t, req)
}

func (g *gate) send(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := g.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (g *gate) get(t *testing.T, path string) answer { t.Helper(); return g.do(t, "GET", path, nil) }

func (g *gate) signIn(t *testing.T) {
	t.Helper()
	a := g.do(t, "POST", "/login", url.Values{"email": {"mara@example.org"}, "password": {password}})
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in: %d %s", a.StatusCode, a.text)
	}
}

func (a answer) wants(t *testing.T, status int, phrases ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s %s: status %d, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, status)
	}
	for _, p := range phrases {
		if !strings.Contains(a.text, p) {
			t.Errorf("%s %s: no %q in\n%s", a.Request.Method, a.Request.URL.Path, p, a.text)
		}
	}
}

func TestSignInAndOut(t *testing.T) {
	g := open(t)
	g.get(t, "/login?next=/s/blog/admin/%23/collections/posts").
		wants(t, 200, "The &lt;Blog&gt;", `name="next" value="/s/blog/admin/#/collections/posts"`, `autocomplete="current-password"`)
	a := g.do(t, "POST", "/login", url.Values{"email": {" Mara@Example.org "}, "password": {password}, "next": {"/s/blog/admin/#/collections/posts"}})
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/s/blog/admin/#/collections/posts" {
		t.Fatalf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	g.get(t, "/login").wants(t, 200, "You are signed in", "Mara Quill", `href="admin/"`)
	g.get(t, "/logout").wants(t, 200, `<form method="post" action="logout">`)
	if a := g.do(t, "POST", "/logout", url.Values{}); a.Header.Get("Location") != "login" {
		t.Errorf("log-out leads to %q", a.Header.Get("Location"))
	}
	g.get(t, "/login").wants(t, 200, `<h1>Sign in`)
}

func TestWrongPasswordSaysSoAndKeepsTheRest(t *testing.T) {
	g := open(t)
	a := g.do(t, "POST", "/login", url.Values{"email": {"mara@example.org"}, "password": {"hunter2hunter2"}, "next": {"/x"}})
	a.wants(t, 401, "The e-mail address or the password is wrong.", `value="mara@example.org"`, `name="next" value="/x"`, `role="alert"`)
	if strings.Contains(a.text, "hunter2") {
		t.Error("the password comes back in the page")
	}
	b := g.do(t, "POST", "/login", url.Values{"email": {"nobody@example.org"}, "password": {"hunter2hunter2"}})
	b.wants(t, 401, "The e-mail address or the password is wrong.")
}

func TestTooManyAttemptsSayHowLong(t *testing.T) {
	g := open(t)
	var a answer
	for range 12 {
		if a = g.do(t, "POST", "/login", url.Values{"email": {"mara@example.org"}, "password": {"wrong wrong wrong"}}); a.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	a.wants(t, 429, "Too many attempts", "Try again in")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// The page to go to after signing in cannot be anybody else's.
func TestOpenRedirectsAreRefused(t *testing.T) {
	g := open(t)
	for _, next := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "/\t/evil.example", "/\n//evil.example", "javascript:alert(1)",
		"evil.example", "/ /evil.example", "http:evil.example", "///evil.example", "/%2F/../../evil", "/login", "/s/blog/login?next=/login", "/logout",
		"/ü", "/" + strings.Repeat("a", 3000), "@evil.example", "/%zz",
	} {
		a := g.do(t, "POST", "/login", url.Values{"email": {"mara@example.org"}, "password": {password}, "next": {next}})
		to := a.Header.Get("Location")
		if next == "/%2F/../../evil" { // a path on this origin, whatever it means there
			if strings.HasPrefix(to, "//") {
				t.Errorf("%q leads to %q", next, to)
			}
			continue
		}
		if a.StatusCode != http.StatusSeeOther || to != "admin/" {
			t.Errorf("%q leads to %q (%d)", next, to, a.StatusCode)
		}
		if page := g.get(t, "/login?next="+url.QueryEscape(next)); strings.Contains(page.text, "evil") {
			t.Errorf("%q is in the page that follows", next)
		}
	}
}

func TestEmbeddedSignInTellsItsOpener(t *testing.T) {
	g := open(t)
	a := g.get(t, "/login?embed=1")
	a.wants(t, 200, `action="login?embed=1"`)
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'self'") || a.Header.Get("X-Frame-Options") == "DENY" {
		t.Errorf("the dialog cannot show it: %s", csp)
	}
	g.do(t, "POST", "/login?embed=1", url.Values{"email": {"mara@example.org"}, "password": {"wrong wrong wrong"}}).wants(t, 401, `action="login?embed=1"`)
	g.do(t, "POST", "/login?embed=1", url.Values{"email": {"mara@example.org"}, "password": {password}}).wants(t, 200, "signed-in.js")
	g.get(t, "/login?embed=1").wants(t, 200, "signed-in.js") // signed in in another tab meanwhile
	if csp := g.get(t, "/login").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("the plain page may be framed: %s", csp)
	}
}

var nonce = regexp.MustCompile(`nonce="([A-Z2-7]{20,})"`)

func TestPagesLoadTheirOwnFilesOnly(t *testing.T) {
	g := open(t)
	a := g.get(t, "/login")
	m := nonce.FindStringSubmatch(a.text)
	if m == nil || !strings.Contains(a.Header.Get("Content-Security-Policy"), "script-src 'nonce-"+m[1]+"'") {
		t.Fatalf("nonce %v, policy %s", m, a.Header.Get("Content-Security-Policy"))
	}
	if strings.Contains(g.get(t, "/login").text, m[1]) {
		t.Error("a nonce was used twice")
	}
	for _, ref := range regexp.MustCompile(`(?:href|src)="([^"]+\.(?:css|js|svg))"`).FindAllStringSubmatch(a.text, -1) {
		file := g.get(t, "/"+ref[1])
		if file.StatusCode != http.StatusOK || !strings.Contains(file.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", ref[1], file.StatusCode, file.Header.Get("Cache-Control"))
		}
	}
	g.get(t, "/console/assets/x/login.html").wants(t, 404)
	for _, inline := range []string{"<script>", "style=", " onclick=", "<style"} {
		if strings.Contains(a.text, inline) {
			t.Errorf("%s stands in the page", inline)
		}
	}
}

func TestErrorPagesSpeak(t *testing.T) {
	g := open(t)
	a := g.get(t, "/missing")
	a.wants(t, 404, "Nothing here", "To the start page")
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.Header)
	}
}
