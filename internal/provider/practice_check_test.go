package provider_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gatehouse/internal/provider"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
	"gatehouse/test/fakes/bitbucket"
	"gatehouse/test/fakes/gitea"
	"gatehouse/test/fakes/gitlab"
)

// The rights of people at whole practice hosts: a writer, a reader and a
// stranger, at a private repository and at a public one.
func TestCheckAtPracticeHosts(t *testing.T) {
	type server interface {
		http.Handler
		Close() error
	}
	for kind, start := range map[string]func(dir string, now func() time.Time) (server, *fakes.Server, *bare.Store){
		provider.GitLab: func(dir string, now func() time.Time) (server, *fakes.Server, *bare.Store) {
			s := gitlab.New(dir, now)
			return s, s.OAuth, s.Repos
		},
		provider.Bitbucket: func(dir string, now func() time.Time) (server, *fakes.Server, *bare.Store) {
			s := bitbucket.New(dir, now)
			return s, s.OAuth, s.Repos
		},
		provider.Gitea: func(dir string, now func() time.Time) (server, *fakes.Server, *bare.Store) {
			s := gitea.New(dir, now)
			return s, s.OAuth, s.Repos
		},
	} {
		t.Run(kind, func(t *testing.T) {
			s, oauth, repos := start(t.TempDir(), nil)
			t.Cleanup(func() { _ = s.Close() })
			srv := httptest.NewServer(s)
			t.Cleanup(srv.Close)
			for path, private := range map[string]bool{"team/open": false, "team/closed": true} {
				r, err := repos.Add(t.Context(), bare.Spec{Path: path, Private: private, Files: map[string][]byte{"a.md": []byte("a\n")}})
				if err != nil {
					t.Fatal(err)
				}
				r.Allow("ann", bare.Write)
				r.Allow("ben", bare.Read)
			}
			for _, login := range []string{"ann", "ben", "cem"} {
				oauth.AddPerson(fakes.Person{Login: login, Name: "N. " + login})
			}
			oauth.AddApp(fakes.App{ID: "client-id", Secret: secret, Redirects: []string{callback}})
			p, err := provider.New(provider.App{Kind: kind, URL: srv.URL, ClientID: "client-id", ClientSecret: secret, PKCE: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Client.CloseIdleConnections)
			for _, c := range []struct {
				who, repo string
				fork      bool
				want      provider.Reason
			}{
				{who: "ann", repo: "team/open"},
				{who: "ann", repo: "team/closed"},
				{who: "ben", repo: "team/open", want: provider.NoWrite},
				{who: "ben", repo: "team/closed", want: provider.NoWrite},
				{who: "ben", repo: "team/closed", fork: true},
				{who: "cem", repo: "team/open", want: provider.NoWrite},
				{who: "cem", repo: "team/open", fork: true},
				{who: "cem", repo: "team/closed", want: provider.NoWrite},
				{who: "cem", repo: "team/closed", fork: true, want: provider.NoWrite},
				{who: "ann", repo: "team/missing", want: provider.NoWrite},
			} {
				asked := p.Scope("", "", c.fork)
				to := oauth.Approve(p.AuthCodeURL(provider.AuthRequest{State: "s", Verifier: verifier, Redirect: callback, Scope: asked}), c.who)
				repo := provider.Repository{Path: c.repo, AnyoneMayFork: c.fork}
				g, err := p.Exchange(t.Context(), codeIn(t, to), verifier, callback, repo)
				if err != nil {
					t.Fatal(err)
				}
				a, err := p.Check(t.Context(), g, asked, repo)
				if c.want == "" && (err != nil || a.Profile.ID == "" || a.Profile.Login == "") {
					t.Errorf("%s at %s, fork %v: %+v %v", c.who, c.repo, c.fork, a, err)
				}
				if c.want != "" {
					if r := refused(t, err); r.Reason != c.want || r.Login == "" {
						t.Errorf("%s at %s, fork %v: %+v", c.who, c.repo, c.fork, r)
					}
				}
				if err := p.Revoke(t.Context(), g); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
