package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/identity"
)

func TestRoutesOfSeveralSites(t *testing.T) {
	b := build(t, twoSites)
	for _, c := range []struct {
		method, target string
		status         int
		location, has  string
	}{
		{"GET", "/healthz", 200, "", `"version":"test"`},
		{"GET", "/readyz", 200, "", "ready"},
		{"GET", "//shop.example/healthz", 200, "", "ok"},
		{"GET", "/", 303, "/login?next=/", ""},
		{"GET", "/console/", 303, "/login?next=/console/", ""},
		{"GET", "//shop.example/console/", 303, "/login?next=/console/", ""},
		{"GET", "/login", 200, "", "<h1>Sign in</h1>"},
		{"GET", "/recover", 200, "", "Forgot your password?"},
		{"GET", "/invite?token=none", 404, "", "not complete"},
		{"GET", "/console/people", 303, "/login?next=/console/people", ""},
		{"GET", "/console/mails", 303, "/login?next=/console/mails", ""},
		{"GET", "/s/blog/invite", 404, "", "not complete"},
		{"GET", "/s/blog/recover", 200, "", "The Blog"},
		{"GET", "//shop.example/recover", 200, "", "The Shop"},
		{"PUT", "/s/blog/invite", 405, "", ""},
		{"GET", "/favicon.ico", 200, "", "<svg"},
		{"GET", "/nothing", 404, "", "Nothing here"},
		{"GET", "/admin/", 404, "", "Nothing here"}, // whose?
		{"POST", "/api/v1", 404, "", ""},

		{"GET", "/s/blog", 302, "/s/blog/", ""},
		{"GET", "/s/blog/", 302, "admin/", ""},
		{"GET", "/s/blog/admin", 302, "admin/", ""},
		{"GET", "/s/blog/admin/", 200, "", "html"},
		{"GET", "/s/blog/login", 200, "", "to <strong>The Blog</strong>"},
		{"POST", "/s/blog/api/v1", 401, "", "error"},
		{"GET", "/s/blog/.netlify/identity/settings", 200, "", "external"},
		{"GET", "/s/blog/nothing", 404, "", "Nothing here"},
		{"PUT", "/s/blog/login", 405, "", ""},
		{"GET", "/s/none/admin/", 404, "", "Nothing here"},
		{"GET", "/s/", 404, "", "Nothing here"},

		{"GET", "//shop.example/", 302, "admin/", ""},
		{"GET", "//SHOP.example:8080/login", 200, "", "The Shop"},
		{"GET", "//shop.example/s/blog/login", 200, "", "The Blog"},
		{"GET", "//shop.example/nothing", 404, "", "Nothing here"},

		{"GET", "/s/blog/../shop/login", 400, "", "not well formed"},
		{"GET", "/s/blog/%2e%2e/shop/login", 400, "", "not well formed"},
		{"GET", "/s//login", 400, "", "not well formed"},
		{"GET", "/s/blog%2f..%2fshop/login", 400, "", "not well formed"},
	} {
		a := b.ask(t, c.method, c.target, "")
		if a.status != c.status || a.header.Get("Location") != c.location || !strings.Contains(a.text, c.has) {
			t.Errorf("%s %s: %d to %q, want %d to %q with %q\n%s", c.method, c.target, a.status, a.header.Get("Location"), c.status, c.location, c.has, a.text)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s lacks headers: %v", c.method, c.target, a.header)
		}
	}
}

func TestTheOnlySiteHasTheRootOfEveryHost(t *testing.T) {
	b := build(t, `sites: [{name: blog, title: The Blog, backend: {repo: blog.git}}]`)
	for target, status := range map[string]int{
		"/admin/": 200, "/login": 200, "//any.example/login": 200, "/s/blog/login": 200, "/s/blog/admin/": 200, "/console/": 303, "/nothing": 404,
	} {
		if a := b.ask(t, "GET", target, ""); a.status != status {
			t.Errorf("%s: %d, want %d", target, a.status, status)
		}
	}
	if a := b.ask(t, "GET", "/login", ""); !strings.Contains(a.text, "The Blog") {
		t.Error("the sign-in page does not name the site")
	}
	b.signIn(t, "mara@example.org")
	if a := b.ask(t, "GET", "/console/", ""); !strings.Contains(a.text, `href="/admin/"`) {
		t.Errorf("the account page does not lead to the editor:\n%s", a.text)
	}
}

// One sign-in serves all sites of an origin, and rights are looked up for each.
func TestRightsAreLookedUpPerSite(t *testing.T) {
	b := build(t, twoSites)
	b.signIn(t, "mara@example.org")
	if a := b.call(t, "blog", "session", nil); a.status != 200 || !strings.Contains(a.text, "mara@example.org") {
		t.Errorf("blog: %d %s", a.status, a.text)
	}
	if a := b.call(t, "shop", "session", nil); a.status != 403 || !strings.Contains(a.text, "no access to The Shop") {
		t.Errorf("shop: %d %s", a.status, a.text)
	}
	if a := b.ask(t, "GET", "/s/shop/admin/", ""); !strings.Contains(a.text, "no access to The Shop") {
		t.Errorf("the editor says: %d %s", a.status, a.text)
	}
}

// An access token is good at the site it was made for.
func TestATokenIsForOneSite(t *testing.T) {
	b := build(t, twoSites)
	form := "grant_type=password&username=olga@example.org&password=seven+quiet+herons"
	a := b.ask(t, "POST", "//shop.example/.netlify/identity/token", form, "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site")
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Fatalf("token: %d %v %s", a.status, a.header, a.text)
	}
	_, rest, _ := strings.Cut(a.text, `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	body := `{"action":"session"}`
	for target, status := range map[string]int{"/s/shop/api/v1": 200, "//shop.example/api/v1": 200, "/s/blog/api/v1": 401} {
		if a := b.ask(t, "POST", target, body, "Authorization", "Bearer "+token); a.status != status {
			t.Errorf("%s: %d, want %d: %s", target, a.status, status, a.text)
		}
	}
}

func TestForeignPagesCannotUseTheCookie(t *testing.T) {
	b := build(t, twoSites)
	b.signIn(t, "mara@example.org")
	for _, target := range []string{"/login", "/logout", "/console/name", "/s/blog/api/v1", "/s/blog/logout"} {
		if a := b.ask(t, "POST", target, "{}", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
			t.Errorf("%s: %d", target, a.status)
		}
	}
	if a := b.call(t, "blog", "session", nil); a.status != 200 {
		t.Errorf("and signed out for it: %d", a.status)
	}
}

// An entry says /uploads/x.png; a preview shows it, at a host of the site's own.
func TestPicturesOfTheSite(t *testing.T) {
	b := build(t, twoSites)
	if a := b.ask(t, "GET", "//shop.example/uploads/dot.svg", ""); a.status != 404 {
		t.Errorf("signed out: %d", a.status)
	}
	b.signIn(t, "olga@example.org")
	asset := map[string]any{"path": "static/uploads/dot.svg", "content": "PHN2Zy8+", "encoding": "base64"}
	if a := b.call(t, "shop", "persistMedia", map[string]any{"asset": asset, "options": map[string]any{"commitMessage": "Add a dot"}}); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	a := b.ask(t, "GET", "//shop.example/uploads/dot.svg", "")
	if a.status != 200 || a.text != "<svg/>" || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") || a.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%d %v %s", a.status, a.header, a.text)
	}
	if a := b.ask(t, "GET", "/s/shop/uploads/dot.svg", ""); a.status != 404 {
		t.Errorf("below the prefix: %d", a.status)
	}
}

func TestSiteOnTestRepoKeepsNothing(t *testing.T) {
	dir := plan(t)
	text := "backend: {name: test-repo}\nmedia_folder: m\ncollections: [{name: a, label: A, folder: a, create: true, fields: [{name: title, label: T, widget: string}]}]\n"
	if err := os.WriteFile(filepath.Join(dir, "try.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := build(t, "sites: [{name: try, config: "+filepath.Join(dir, "try.yml")+", backend: {name: test-repo}}]")
	if a := b.ask(t, "POST", "/api/v1", "{}"); a.status != http.StatusNotFound {
		t.Errorf("content API: %d", a.status)
	}
	if strings.Contains(b.ask(t, "GET", "/admin/", "").text, "built without") {
		t.Skip("this build has no CMS bundle: run make build")
	}
	if a := b.ask(t, "GET", "/admin/config.js", ""); a.status != 200 || !strings.Contains(a.text, "test-repo") {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// What a mail leads to is there, and its token is in no log.
func TestLinksOfMailsAreServed(t *testing.T) {
	b := build(t, twoSites)
	for _, site := range []string{"shop", "blog"} {
		in, err := b.Identity.LocalDesk(site).Invite(t.Context(), identity.Invitation{Email: site + "er@example.org", Roles: []string{"editor"}})
		if err != nil {
			t.Fatal(err)
		}
		at := strings.Index(in.Link, "/s/"+site+"/invite?token=")
		if at < 0 {
			t.Fatalf("%s leads to %s", site, in.Link)
		}
		a := b.ask(t, "GET", in.Link[at:], "")
		if a.status != http.StatusOK || !strings.Contains(a.text, site+"er@example.org") || a.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%d %v %s", a.status, a.header, a.text)
		}
		if _, token, _ := strings.Cut(in.Link, "token="); strings.Contains(b.log.String(), token) {
			t.Error("the log holds a token")
		}
	}
}
