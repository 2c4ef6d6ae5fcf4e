package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/internal/identity"
)

func TestAccountNeedsASignIn(t *testing.T) {
	g := open(t)
	for path, want := range map[string]string{"/console/": "/login?next=/console/", "/": "/login?next=/"} {
		if a := g.get(t, path); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != want {
			t.Errorf("%s: %d to %q", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/console/name", "/console/password", "/console/sessions/revoke", "/console/sessions/revoke-all"} {
		if a := g.do(t, "POST", path, url.Values{"name": {"X"}}); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/login") {
			t.Errorf("%s: %d to %q", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
}

func TestAccountShowsOwnSitesAlone(t *testing.T) {
	g := open(t)
	g.signIn(t)
	a := g.get(t, "/console/")
	a.wants(t, 200, "Hello, Mara Quill", `href="/s/blog/admin/"`, "editor", "this one")
	if strings.Contains(a.text, "The Shop") {
		t.Error("a site of other people is shown")
	}
	if a := g.get(t, "/"); a.Header.Get("Location") != "/s/blog/admin/" {
		t.Errorf("with one site there is nothing to choose: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if err := g.people.SetRoles(t.Context(), g.mara.ID, "shop", []string{"reader"}); err != nil {
		t.Fatal(err)
	}
	g.get(t, "/").wants(t, 200, "Choose a site", "The Blog", "The Shop", "reader")
	for _, site := range []string{"blog", "shop"} {
		if err := g.people.Leave(t.Context(), g.mara.ID, site); err != nil {
			t.Fatal(err)
		}
	}
	g.get(t, "/").wants(t, 200, "not a member of any site")
}

// What a build says may name servers and paths: only who publishes sees it.
func TestDeploymentsAreForPublishers(t *testing.T) {
	g := open(t)
	g.signIn(t)
	if a := g.get(t, "/console/"); strings.Contains(a.text, "exit status 3") {
		t.Error("an editor sees the deployment")
	}
	if err := g.people.SetRoles(t.Context(), g.mara.ID, "blog", []string{"publisher"}); err != nil {
		t.Fatal(err)
	}
	g.get(t, "/console/").wants(t, 200, "failed", "exit status 3", `<code>0123456789<`, "no &lt;disk&gt;")
}

func TestRename(t *testing.T) {
	g := open(t)
	g.signIn(t)
	if a := g.do(t, "POST", "/console/name", url.Values{"name": {"  Mara Q. "}}); a.Header.Get("Location") != "/console/?done=name" {
		t.Fatalf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	g.get(t, "/console/?done=name").wants(t, 200, "Your name is saved", `value="Mara Q."`)
	g.get(t, "/console/?done=<script>").wants(t, 200, "Hello, Mara Q.")
	g.do(t, "POST", "/console/name", url.Values{"name": {strings.Repeat("x", 500)}}).wants(t, 400, `role="alert"`)
}

func TestChangePassword(t *testing.T) {
	g := open(t)
	g.signIn(t)
	other := *g
	other.http = newClient(t)
	other.signIn(t)

	g.do(t, "POST", "/console/password", url.Values{"current": {"not it at all"}, "new": {"nine grey geese fly"}}).
		wants(t, 400, "The present password is not right")
	g.do(t, "POST", "/console/password", url.Values{"current": {password}, "new": {"short"}}).wants(t, 400, `role="alert"`)
	a := g.do(t, "POST", "/console/password", url.Values{"current": {password}, "new": {"nine grey geese fly"}})
	if a.Header.Get("Location") != "/console/?done=password" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	g.get(t, "/console/").wants(t, 200, "Hello, Mara")
	if a := other.get(t, "/console/"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("another device is still signed in: %d", a.StatusCode)
	}
}

var revocable = regexp.MustCompile(`name="session" value="([0-9a-f]+)"`)

func TestRevokeSessions(t *testing.T) {
	g := open(t)
	g.signIn(t)
	phone := *g
	phone.http = newClient(t)
	phone.signIn(t)
	_, err := g.people.Add(t.Context(), identity.NewUser{Email: "sam@example.org", Name: "Sam", Password: password})
	if err != nil {
		t.Fatal(err)
	}

	ids := revocable.FindAllStringSubmatch(g.get(t, "/console/").text, -1)
	if len(ids) != 1 {
		t.Fatalf("%d other sessions", len(ids))
	}
	sam := *g
	sam.http = newClient(t)
	if a := sam.do(t, "POST", "/login", url.Values{"email": {"sam@example.org"}, "password": {password}}); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	sam.do(t, "POST", "/console/sessions/revoke", url.Values{"session": {ids[0][1]}}).wants(t, 404, "no such session")
	phone.get(t, "/console/").wants(t, 200)

	g.do(t, "POST", "/console/sessions/revoke", url.Values{"session": {ids[0][1]}}).wants(t, 303)
	phone.get(t, "/console/").wants(t, 303)
	phone.signIn(t)
	if a := g.do(t, "POST", "/console/sessions/revoke-all", url.Values{}); a.Header.Get("Location") != "/login" {
		t.Errorf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	g.get(t, "/console/").wants(t, 303)
	phone.get(t, "/console/").wants(t, 303)
	sam.get(t, "/console/").wants(t, 200)
}
