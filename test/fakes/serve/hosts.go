package main

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"path/filepath"

	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
	"gatehouse/test/fakes/bitbucket"
	"gatehouse/test/fakes/gitea"
	"gatehouse/test/fakes/github"
	"gatehouse/test/fakes/gitlab"
)

func kinds() []string {
	return []string{fakes.KindGitHub, fakes.KindGitLab, fakes.KindBitbucket, fakes.KindGitea}
}

// info is what is told about a host.
type info struct {
	URL          string `json:"url"` // pages and sign-in
	API          string `json:"api"` // backend.api_root
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	PublicID     string `json:"public_id,omitempty"` // an app without a secret, for PKCE in the browser
	Repo         string `json:"repo"`
	Private      string `json:"private"`
	Git          string `json:"git"` // directory of repo
	Control      string `json:"control,omitempty"`
	App          *app   `json:"app,omitempty"` // a GitHub App, installed on both
}

type app struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Slug         string `json:"slug"`
}

// host is a practice host that is ready to serve.
type host struct {
	handler http.Handler
	info    info
	closers []io.Closer
}

// Close ends what the host holds.
func (h *host) Close() error {
	for _, c := range h.closers {
		_ = c.Close()
	}
	return nil
}

// start makes the host of a kind, with its people, repositories and apps.
func start(ctx context.Context, kind, url string, o options, files map[string]string) (*host, error) {
	h := &host{info: info{
		URL: url, ClientID: "practice", ClientSecret: rand.Text(), Repo: bare.SeedSite, Private: bare.SeedPrivate,
	}}
	if o.control {
		h.info.Control = url + "/-/control"
	}
	dir := filepath.Join(o.dir, kind)
	if kind == fakes.KindGitHub {
		return h, h.github(ctx, dir, o, files)
	}
	return h, h.bare(ctx, kind, dir, o, files)
}

func (h *host) register(oauth *fakes.Server, o options) {
	oauth.AddApp(fakes.App{
		ID: h.info.ClientID, Secret: h.info.ClientSecret, Name: "Gatehouse",
		Redirects: o.redirects, ExpiringTokens: o.expiring,
	})
}

// github starts the practice GitHub, with an OAuth app and a GitHub App.
func (h *host) github(ctx context.Context, dir string, o options, files map[string]string) error {
	oauth := fakes.New(fakes.GitHub(), nil)
	s, err := github.New(github.Options{Dir: dir, Web: h.info.URL, API: h.info.URL + "/api/v3", OAuth: oauth})
	if err != nil {
		return err
	}
	h.closers = append(h.closers, oauth, s)
	h.info.API = h.info.URL + "/api/v3"
	if err := github.Seed(ctx, s, files); err != nil {
		return err
	}
	h.info.Git = s.Dir(h.info.Repo)
	h.register(oauth, o)
	h.info.App = &app{ClientID: "practice-app", ClientSecret: rand.Text(), Slug: "gatehouse-practice"}
	oauth.AddApp(fakes.App{
		ID: h.info.App.ClientID, Secret: h.info.App.ClientSecret, Slug: h.info.App.Slug, Name: "Gatehouse (GitHub App)",
		Redirects: o.redirects, ExpiringTokens: true,
	})
	if err := s.Install(h.info.App.ClientID, github.SeedOrg); err != nil {
		return err
	}
	mux := http.NewServeMux()
	oauth.Mount(mux)
	if o.control {
		oauth.Control(mux)
	}
	mux.Handle("/", s)
	h.handler = mux
	return nil
}

// bare starts the hosts that keep their repositories with package bare.
func (h *host) bare(ctx context.Context, kind, dir string, o options, files map[string]string) error {
	var oauth *fakes.Server
	var repos *bare.Store
	var mux *http.ServeMux
	path := "/2.0"
	switch kind {
	case fakes.KindGitLab:
		s := gitlab.New(dir, nil)
		oauth, repos, mux, path = s.OAuth, s.Repos, s.Mux(), "/api/v4"
		h.handler, h.closers = s, append(h.closers, s)
	case fakes.KindGitea:
		s := gitea.New(dir, nil)
		oauth, repos, mux, path = s.OAuth, s.Repos, s.Mux(), "/api/v1"
		h.handler, h.closers = s, append(h.closers, s)
	default:
		s := bitbucket.New(dir, nil)
		oauth, repos, mux = s.OAuth, s.Repos, s.Mux()
		h.handler, h.closers = s, append(h.closers, s)
	}
	h.info.API = h.info.URL + path
	if err := bare.Seed(ctx, repos, oauth, files); err != nil {
		return err
	}
	if r, ok := repos.Find(h.info.Repo); ok {
		h.info.Git = r.Git.Dir
	}
	h.register(oauth, o)
	if oauth.PKCE {
		h.info.PublicID = "practice-public"
		oauth.AddApp(fakes.App{ID: h.info.PublicID, Name: "CMS", Redirects: o.redirects})
	}
	if o.control {
		oauth.Control(mux)
	}
	return nil
}
