package github_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"gatehouse/test/fakes/github"
)

const private = "/repos/" + github.SeedPrivate

// Reading and writing, by people, tokens and organisations: what is answered.
func TestAccess(t *testing.T) {
	h := newHost(t)
	const sso = "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization." //nolint:misspell // the host's spelling
	const integration = "Resource not accessible by integration"
	siteID := h.s.RepositoryID(github.SeedSite)
	install := func() {
		if err := h.s.Install(githubApp, github.SeedOrg); err != nil {
			t.Fatal(err)
		}
	}
	app := func(repositories ...int64) func() *client {
		return func() *client { return h.with(githubApp, github.SeedEditor, nil, repositories) }
	}
	user := func(login string, scopes ...string) func() *client {
		return func() *client { return h.as(login, scopes...) }
	}
	restrict := func() { _ = h.s.ChangeOrg(github.SeedOrg, func(o *github.Org) { o.RestrictApps = true }) }
	single := func() { _ = h.s.ChangeOrg(github.SeedOrg, func(o *github.Org) { o.RequireSSO = true }) }
	for name, c := range map[string]struct {
		who                                        func() *client
		org                                        func()
		readPublic, writePublic, readHid, writeHid int
		message                                    string // of the write to the public one
	}{
		"editor":                 {user("ben"), nil, 200, 201, 200, 201, ""},
		"owner":                  {user("ada"), nil, 200, 201, 200, 201, ""},
		"guest":                  {user("cleo"), nil, 200, 404, 404, 404, "Not Found"},
		"editor, public scope":   {user("ben", "public_repo"), nil, 200, 201, 404, 404, ""},
		"editor, no scope":       {user("ben", "read:user"), nil, 200, 404, 404, 404, "Not Found"},
		"nobody":                 {func() *client { return &client{host: h} }, nil, 200, 401, 404, 404, "Requires authentication"},
		"bad token":              {func() *client { return &client{host: h, token: "gho_no"} }, nil, 401, 401, 401, 401, "Bad credentials"},
		"restricted org":         {user("ben"), restrict, 200, 403, 403, 403, ""},
		"restricted org, guest":  {user("cleo"), restrict, 200, 403, 404, 404, ""},
		"single sign-on":         {user("ben"), single, 403, 403, 403, 403, sso},
		"single sign-on, guest":  {user("cleo"), single, 200, 404, 404, 404, "Not Found"},
		"app, not installed":     {app(), nil, 200, 403, 404, 404, integration},
		"app, installed":         {app(), install, 200, 201, 200, 201, ""},
		"app, narrowed to other": {app(siteID), install, 200, 201, 404, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h.s.Uninstall(githubApp, github.SeedOrg)
			_ = h.s.ChangeOrg(github.SeedOrg, func(o *github.Org) { o.RestrictApps, o.RequireSSO = false, false })
			if c.org != nil {
				c.org()
			}
			who := c.who()
			who.host = &host{t: t, s: h.s, oauth: h.oauth, url: h.url}
			blob := obj{"content": "x", "encoding": "utf-8"}
			who.get(site).is(c.readPublic)
			a := who.do("POST", site+"/git/blobs", blob).is(c.writePublic)
			if c.message != "" && a.str("message") != c.message {
				t.Errorf("message %q, want %q", a.str("message"), c.message)
			}
			who.get(private).is(c.readHid)
			who.do("POST", private+"/git/blobs", blob).is(c.writeHid)
			if strings.HasPrefix(name, "restricted") && !strings.Contains(a.str("message"), "the `meadow` organization has enabled OAuth App access restrictions") { //nolint:misspell // the host's spelling
				t.Errorf("message %q", a.str("message"))
			}
			if got := who.get(site).head.Get("X-GitHub-SSO"); (name == "single sign-on") != strings.HasPrefix(got, "required; url="+h.url) {
				t.Errorf("X-GitHub-SSO: %q", got)
			}
		})
	}
}

func TestApprovalAndAuthorisationOpenTheOrganisation(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	_ = h.s.ChangeOrg(github.SeedOrg, func(o *github.Org) { o.RestrictApps, o.RequireSSO = true, true })
	c.get(private).is(403)
	_ = h.s.ChangeOrg(github.SeedOrg, func(o *github.Org) { o.Authorized = append(o.Authorized, "ben "+oauthApp) })
	c.get(private).is(403)
	_ = h.s.ChangeOrg(github.SeedOrg, func(o *github.Org) { o.Approved = append(o.Approved, oauthApp) })
	c.get(private).is(200)
}

func TestWhoAmI(t *testing.T) {
	h := newHost(t)
	a := h.as("ben", "repo", "user:email").get("/user").is(200)
	if a.str("login") != "ben" || a.str("name") != "Ben Hollow" || a.str("email") != "ben@meadow.example" || a.str("avatar_url") == "" {
		t.Errorf("%s", a.body)
	}
	if got := a.head.Get("X-OAuth-Scopes"); got != "repo, user:email" {
		t.Errorf("scopes %q", got)
	}
	if a := h.as("cleo").get("/user"); a.at("email") != nil {
		t.Errorf("%s", a.body)
	}
	if got := h.as("ben", "user:email").get("/user/emails").is(200).str(0, "email"); got != "ben@meadow.example" {
		t.Error(got)
	}
	h.as("ben").get("/user/emails").is(404)
	(&client{host: h}).get("/user").says(401, "Requires authentication")
	if got := h.as("ben").get("/users/ADA").is(200).str("name"); got != "Ada Field" {
		t.Error(got)
	}
	if got := h.as("ben").get(site + "/collaborators/ada/permission").is(200).str("permission"); got != "admin" {
		t.Error(got)
	}
	h.as("ben").get(site + "/collaborators/ben").is(204)
	h.as("ben").get(site + "/collaborators/cleo").is(404)
	picture := a.str("avatar_url")
	if got := h.as("ben").get(picture).is(200).head.Get("Content-Type"); got != "image/svg+xml" {
		t.Error(got)
	}
}

func TestCallsFromPagesElsewhere(t *testing.T) {
	h := newHost(t)
	c := &client{host: h, head: map[string][]string{
		"Origin": {"https://cms.example"}, "Access-Control-Request-Method": {"PATCH"},
		"Access-Control-Request-Headers": {"authorization,content-type"},
	}}
	a := c.do("OPTIONS", site+"/git/refs/heads/main", nil).is(204)
	if a.head.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.head.Get("Access-Control-Allow-Methods"), "PATCH") ||
		!strings.Contains(a.head.Get("Access-Control-Allow-Headers"), "Authorization, Content-Type") {
		t.Error(a.head)
	}
	for _, path := range []string{site, "/no/such", site + "/git/blobs/x"} {
		a := c.get(path)
		if a.head.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.head.Get("Access-Control-Expose-Headers"), "Link") {
			t.Errorf("%s: %v", path, a.head)
		}
	}
	// The server is api.github.com and an Enterprise host at once.
	if got := c.get(h.url + site).is(200).str("full_name"); got != github.SeedSite {
		t.Error(got)
	}
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func TestAppsManageTheirTokens(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	app := &client{host: h, auth: basic(oauthApp, "s3cret")}
	body := obj{"access_token": c.token}
	at := "/applications/" + oauthApp + "/token"
	(&client{host: h, auth: basic(oauthApp, "wrong")}).do("DELETE", at, body).is(401)
	(&client{host: h, auth: basic(githubApp, "s3cret")}).do("DELETE", at, body).is(404)
	if got := app.do("POST", at, body).is(200).str("user", "login"); got != "ben" {
		t.Error(got)
	}
	app.do("DELETE", at, body).is(204)
	c.get("/user").says(401, "Bad credentials")
	app.do("DELETE", at, body).is(404)
}

func TestGitHubAppNarrowsItsToken(t *testing.T) {
	h := newHost(t)
	c := h.with(githubApp, github.SeedEditor, nil, nil)
	if got := c.get("/user/installations").is(200).num("total_count"); got != 0 {
		t.Error(got)
	}
	if err := h.s.Install(githubApp, github.SeedOrg, github.SeedSite, github.SeedPrivate); err != nil {
		t.Fatal(err)
	}
	a := c.get("/user/installations").is(200)
	if a.str("installations", 0, "account", "login") != github.SeedOrg || a.str("installations", 0, "app_slug") != "the-app" {
		t.Fatalf("%s", a.body)
	}
	repos := "/user/installations/" + a.names("id", "installations") + "/repositories"
	if got := c.get(repos).is(200).names("full_name", "repositories"); got != github.SeedSite+" "+github.SeedPrivate {
		t.Error(got)
	}
	h.as("ben").get("/user/installations").is(403)

	app := &client{host: h, auth: basic(githubApp, "s3cret")}
	at := "/applications/" + githubApp + "/token/scoped"
	id := h.s.RepositoryID(github.SeedSite)
	narrow := app.do("POST", at, obj{"access_token": c.token, "target": "meadow", "repository_ids": []int64{id}}).is(200)
	app.do("POST", at, obj{"access_token": c.token, "target": "meadow", "repositories": []string{"site"}}).is(200)
	app.do("POST", at, obj{"access_token": c.token, "target": "meadow", "repository_ids": []int64{id, 1}}).is(422)
	n := &client{host: h, token: narrow.str("token")}
	n.get(site).is(200)
	n.get(private).is(404)
	c.get(private).is(200)
	if got := n.get(repos).is(200).names("full_name", "repositories"); got != github.SeedSite {
		t.Error(got)
	}
	app.do("POST", at, obj{"access_token": n.token, "target": "meadow", "repositories": []string{"notes"}}).is(422)
}
