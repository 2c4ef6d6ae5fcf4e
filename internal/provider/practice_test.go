package provider_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/provider"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/github"
)

// practice is a sign-in server of each kind.
func practice(t *testing.T, run func(t *testing.T, s *fakes.Server, p *provider.Provider)) {
	for _, d := range []fakes.Dialect{fakes.GitHub(), fakes.GitLab(), fakes.Bitbucket(), fakes.Gitea()} {
		t.Run(d.Kind, func(t *testing.T) {
			s := fakes.New(d, nil)
			t.Cleanup(func() { _ = s.Close() })
			s.AddPerson(fakes.Person{Login: "ann"})
			s.AddApp(fakes.App{ID: "client-id", Secret: secret, Redirects: []string{callback}, ExpiringTokens: true})
			mux := http.NewServeMux()
			s.Mount(mux)
			srv := httptest.NewServer(mux)
			t.Cleanup(srv.Close)
			p, err := provider.New(provider.App{Kind: d.Kind, URL: srv.URL, ClientID: "client-id", ClientSecret: secret, PKCE: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Client.CloseIdleConnections)
			run(t, s, p)
		})
	}
}

// approve is the code that comes back when ann says yes.
func approve(t *testing.T, s *fakes.Server, p *provider.Provider, with string) string {
	t.Helper()
	to := s.Approve(p.AuthCodeURL(provider.AuthRequest{State: "the state", Verifier: with, Redirect: callback, Scope: p.Scope("", "", false)}), "ann")
	return codeIn(t, to)
}

func codeIn(t *testing.T, callback string) string {
	t.Helper()
	u, err := url.Parse(callback)
	if err != nil || u.Query().Get("code") == "" || u.Query().Get("state") == "" {
		t.Fatalf("back came %q", callback)
	}
	return u.Query().Get("code")
}

func TestSignInAtPracticeHosts(t *testing.T) {
	practice(t, func(t *testing.T, s *fakes.Server, p *provider.Provider) {
		none := provider.Repository{Path: "o/r"}
		g, err := p.Exchange(t.Context(), approve(t, s, p, verifier), verifier, callback, none)
		if err != nil {
			t.Fatal(err)
		}
		if token, there := s.Lookup(g.AccessToken); !there || token.Person.Login != "ann" || g.RefreshToken == "" || g.Expires.IsZero() {
			t.Errorf("%+v", g)
		}
		next, err := p.Refresh(t.Context(), g.RefreshToken, callback, none)
		if err != nil || next.AccessToken == g.AccessToken || next.RefreshToken == "" {
			t.Fatalf("%+v %v", next, err)
		}
		if s.Rotates {
			_, err := p.Refresh(t.Context(), g.RefreshToken, callback, none)
			if r := refused(t, err); r.Reason != provider.Dead {
				t.Errorf("a refresh token for the second time: %v", r)
			}
		}
	})
}

// A code that was made for another challenge, that was used before, or that the
// host has never made.
func TestCodesThatPracticeHostsRefuse(t *testing.T) {
	practice(t, func(t *testing.T, s *fakes.Server, p *provider.Provider) {
		none := provider.Repository{Path: "o/r"}
		used := approve(t, s, p, verifier)
		if _, err := p.Exchange(t.Context(), used, verifier, callback, none); err != nil {
			t.Fatal(err)
		}
		codes := map[string]string{"used before": used, "of nobody's": "nothing"}
		if p.PKCE {
			codes["of another's challenge"] = approve(t, s, p, strings.Repeat("other", 10))
		}
		for name, c := range codes {
			_, err := p.Exchange(t.Context(), c, verifier, callback, none)
			if r := refused(t, err); r.Reason != provider.BadCode || strings.Contains(r.Detail, c) && name != "of nobody's" {
				t.Errorf("a code %s: %v", name, r)
			}
		}
		a := p.App
		a.ClientSecret = "not-the-secret-of-this-app"
		stranger, err := provider.New(a)
		if err != nil {
			t.Fatal(err)
		}
		_, err = stranger.Exchange(t.Context(), approve(t, s, p, verifier), verifier, callback, none)
		if r := refused(t, err); r.Reason != provider.BadClient || strings.Contains(r.Detail, a.ClientSecret) {
			t.Errorf("a wrong secret: %v", r)
		}
	})
}

// The rights of people at a whole practice GitHub.
func TestCheckAtAPracticeGitHub(t *testing.T) {
	oauth := fakes.New(fakes.GitHub(), nil)
	t.Cleanup(func() { _ = oauth.Close() })
	oauth.AddApp(fakes.App{ID: "client-id", Secret: secret})
	oauth.AddApp(fakes.App{ID: "app-id", Secret: secret, Slug: "our-app"})
	var handler http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	s, err := github.New(github.Options{Dir: t.TempDir(), Web: srv.URL, API: srv.URL + "/api/v3", OAuth: oauth})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	handler = s
	if err := github.Seed(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, app, who, repo, scope string
		change                      func(*github.Org)
		install                     []string // the GitHub App; nil: nowhere
		fork                        bool
		want                        provider.Reason
		guess                       bool
	}{
		{name: "editor", app: "client-id", who: github.SeedEditor, repo: github.SeedPrivate, scope: "repo"},
		{name: "guest", app: "client-id", who: github.SeedGuest, repo: github.SeedSite, scope: "repo", want: provider.NoWrite},
		{name: "guest who may fork", app: "client-id", who: github.SeedGuest, repo: github.SeedSite, scope: "public_repo", fork: true},
		{name: "guest, private", app: "client-id", who: github.SeedGuest, repo: github.SeedPrivate, scope: "repo", want: provider.OrgApproval, guess: true},
		{name: "too small a scope", app: "client-id", who: github.SeedEditor, repo: github.SeedPrivate, scope: "public_repo", want: provider.Scope},
		{name: "restricted", app: "client-id", who: github.SeedEditor, repo: github.SeedPrivate, scope: "repo", change: func(o *github.Org) { o.RestrictApps = true }, want: provider.OrgApproval},
		{name: "approved", app: "client-id", who: github.SeedEditor, repo: github.SeedPrivate, scope: "repo", change: func(o *github.Org) { o.RestrictApps, o.Approved = true, []string{"client-id"} }},
		{name: "single sign-on", app: "client-id", who: github.SeedEditor, repo: github.SeedPrivate, scope: "repo", change: func(o *github.Org) { o.RequireSSO = true }, want: provider.SSO},
		{name: "not installed", app: "app-id", who: github.SeedEditor, repo: github.SeedSite, want: provider.NotInstalled},
		{name: "installed on another", app: "app-id", who: github.SeedEditor, repo: github.SeedSite, install: []string{github.SeedPrivate}, want: provider.NotInstalled},
		{name: "installed", app: "app-id", who: github.SeedEditor, repo: github.SeedPrivate, install: []string{github.SeedPrivate}},
		{name: "installed everywhere", app: "app-id", who: github.SeedEditor, repo: github.SeedSite, install: []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := s.ChangeOrg(github.SeedOrg, func(o *github.Org) {
				o.RestrictApps, o.RequireSSO, o.Approved = false, false, nil
				if c.change != nil {
					c.change(o)
				}
			}); err != nil {
				t.Fatal(err)
			}
			s.Uninstall("app-id", github.SeedOrg)
			if c.install != nil {
				if err := s.Install("app-id", github.SeedOrg, c.install...); err != nil {
					t.Fatal(err)
				}
			}
			a := provider.App{Kind: provider.GitHub, URL: srv.URL, ClientID: c.app, ClientSecret: secret}
			if c.app == "app-id" {
				a.Slug = "our-app"
			}
			p, err := provider.New(a)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Client.CloseIdleConnections)
			var scope []string
			if c.scope != "" {
				scope = []string{c.scope}
			}
			token, _ := oauth.Issue(c.app, c.who, scope, nil)
			g := provider.Grant{AccessToken: token.Value}
			repo := provider.Repository{Path: c.repo, AnyoneMayFork: c.fork}
			access, err := p.Check(t.Context(), g, p.Scope("", "", c.fork), repo)
			if c.want != "" {
				r := refused(t, err)
				if r.Guess != c.guess {
					t.Errorf("guessed: %v", r.Guess)
				}
				if r.Reason != c.want || r.Login != c.who || r.Link != "" && !strings.HasPrefix(r.Link, srv.URL+"/") {
					t.Errorf("%+v", r)
				}
				return
			}
			if err != nil || access.Profile.Login != c.who || access.RepositoryID == 0 {
				t.Fatalf("%+v %v", access, err)
			}
			repo.ID = access.RepositoryID
			narrow, err := p.Narrow(t.Context(), g, repo)
			if err != nil || (narrow.AccessToken == g.AccessToken) != (a.Slug == "") {
				t.Fatalf("%+v %v", narrow, err)
			}
			if _, err := p.Check(t.Context(), narrow, "", repo); err != nil {
				t.Errorf("with the narrow token: %v", err)
			}
			if err := p.Revoke(t.Context(), narrow); err != nil {
				t.Error(err)
			}
			if token, there := oauth.Lookup(narrow.AccessToken); there && !token.Revoked {
				t.Error("a token that was revoked is good")
			}
		})
	}
}
