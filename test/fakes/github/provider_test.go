package github_test

import (
	"errors"
	"net/http"
	"testing"

	"gatehouse/internal/provider"
	"gatehouse/test/fakes/github"
)

// connect is our own side, with the app of the id.
func (h *host) connect(id, slug string) *provider.Provider {
	h.t.Helper()
	p, err := provider.New(provider.App{
		Name: "practice", Kind: provider.GitHub, URL: h.url, ClientID: id, ClientSecret: "s3cret", Slug: slug, Client: http.DefaultClient,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// Our own checks come to the right end against this host.
func TestProviderAgainstPracticeHost(t *testing.T) {
	h := newHost(t)
	change := func(f func(o *github.Org)) func() {
		return func() { _ = h.s.ChangeOrg(github.SeedOrg, f) }
	}
	restricted := change(func(o *github.Org) { o.RestrictApps = true })
	for name, c := range map[string]struct {
		app, login string
		scope      string
		repo       string
		fork       bool
		before     func()
		want       provider.Reason
	}{
		"may push":                {app: oauthApp, login: "ben", repo: github.SeedPrivate},
		"may fork":                {app: oauthApp, login: "cleo", repo: github.SeedSite, fork: true},
		"may not push":            {app: oauthApp, login: "cleo", repo: github.SeedSite, want: provider.NoWrite},
		"is not there":            {app: oauthApp, login: "ben", repo: "ada/none", want: provider.NoWrite},
		"too little was granted":  {app: oauthApp, login: "ben", scope: "public_repo", repo: github.SeedPrivate, want: provider.Scope},
		"restricted":              {app: oauthApp, login: "ben", repo: github.SeedPrivate, before: restricted, want: provider.OrgApproval},
		"single sign-on":          {app: oauthApp, login: "ben", repo: github.SeedSite, before: change(func(o *github.Org) { o.RequireSSO = true }), want: provider.SSO},
		"app, installed nowhere":  {app: githubApp, login: "ben", repo: github.SeedSite, want: provider.NotInstalled},
		"app, private, nowhere":   {app: githubApp, login: "ben", repo: github.SeedPrivate, want: provider.NotInstalled},
		"app, installed":          {app: githubApp, login: "ben", repo: github.SeedPrivate, before: func() { _ = h.s.Install(githubApp, github.SeedOrg) }},
		"app, installed for some": {app: githubApp, login: "ben", repo: github.SeedPrivate, before: func() { _ = h.s.Install(githubApp, github.SeedOrg, github.SeedSite) }, want: provider.NotInstalled},
		"app, org restricts OAuth apps": {app: githubApp, login: "ben", repo: github.SeedSite, before: func() {
			restricted()
			_ = h.s.Install(githubApp, github.SeedOrg)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			change(func(o *github.Org) { o.RestrictApps, o.RequireSSO = false, false })()
			h.s.Uninstall(githubApp, github.SeedOrg)
			if c.before != nil {
				c.before()
			}
			slug, scopes := "the-app", []string(nil)
			if c.app == oauthApp {
				slug, scopes = "", []string{"repo"}
				if c.scope != "" {
					scopes = []string{c.scope}
				}
			}
			token := h.with(c.app, c.login, scopes, nil).token
			asked := "repo"
			if slug != "" {
				asked = ""
			}
			a, err := h.connect(c.app, slug).Check(t.Context(), provider.Grant{AccessToken: token}, asked, provider.Repository{Path: c.repo, AnyoneMayFork: c.fork})
			var r *provider.Refusal
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want == "" && (a.Profile.Login != c.login || a.RepositoryID != h.s.RepositoryID(c.repo)):
				t.Errorf("%+v", a)
			case c.want != "" && (!errors.As(err, &r) || r.Reason != c.want):
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestProviderNarrowsAndRevokesAtPracticeHost(t *testing.T) {
	h := newHost(t)
	if err := h.s.Install(githubApp, github.SeedOrg); err != nil {
		t.Fatal(err)
	}
	p := h.connect(githubApp, "the-app")
	wide := provider.Grant{AccessToken: h.with(githubApp, "ben", nil, nil).token}
	narrow, err := p.Narrow(t.Context(), wide, provider.Repository{Path: github.SeedSite, ID: h.s.RepositoryID(github.SeedSite)})
	if err != nil || narrow.AccessToken == wide.AccessToken {
		t.Fatalf("not narrowed: %v", err)
	}
	c := &client{host: h, token: narrow.AccessToken}
	c.get(site).is(200)
	c.get(private).is(404)
	if err := p.Revoke(t.Context(), narrow); err != nil {
		t.Fatal(err)
	}
	c.get("/user").says(401, "Bad credentials")
}
