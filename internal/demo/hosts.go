package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/internal/demo/sample"
	"gatehouse/internal/fault"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
	"gatehouse/test/fakes/github"
	"gatehouse/test/fakes/gitlab"
	web "gatehouse/web/demo"
)

// practice is a practice Git host with one repository, and the CMS page that
// works on it.
type practice struct {
	Kind, Title     string // github, GitHub
	Site, SiteTitle string // in gatehouse.yaml
	Root            string // of its API, below URL
	Picture         string // of the club, on the start page

	URL  string   // of the host
	Page string   // origin of the site
	Dev  []string // more origins
}

// practices are the hosts of the demo, without addresses.
func practices() []*practice {
	return []*practice{
		{Kind: fakes.KindGitHub, Title: "GitHub", Site: harbour, SiteTitle: title(harbour) + " (GitHub)", Root: "/api/v3", Picture: "haven.svg"},
		{Kind: fakes.KindGitLab, Title: "GitLab", Site: harbour + "-gitlab", SiteTitle: title(harbour) + " (GitLab)", Root: "/api/v4", Picture: "light.svg"},
	}
}

// The organisation and the repository at each host.
const (
	club    = "skerry-haven"
	website = "website"
)

// What gatehouse.yaml and config.yml say of a host.
func (*practice) ClientID() string    { return "gatehouse-demo" }
func (p *practice) Connector() string { return "practice-" + p.Kind }
func (*practice) Repo() string        { return club + "/" + website }
func (p *practice) API() string       { return p.URL + p.Root }
func (p *practice) picture() string   { return "demo/" + p.Picture }

// guests are the accounts at the practice hosts. The first one may write to the
// club's repository.
func guests() (writer, reader fakes.Person) {
	return fakes.Person{Login: "hanne", Name: "Hanne Vik", Email: "hanne@skerryhaven.example"},
		fakes.Person{Login: "piers", Name: "Piers Lowe", Email: "piers@skerryhaven.example"}
}

// repository is where the host keeps the club's repository.
func (e *elsewhere) repository(p *practice) string {
	return filepath.Join(e.dir, p.Kind, club, website+".git")
}

// seed makes the repositories at the hosts, unless they are there.
func (e *elsewhere) seed(ctx context.Context, o Options) error {
	done := func() {}
	defer func() { done() }()
	first := true
	for _, p := range e.hosts {
		dir := e.repository(p)
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if first {
			done, first = o.Step("Making the practice hosts"), false
		}
		files, err := fs.Sub(web.Files, harbour)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return err
		}
		if err := sample.Build(ctx, dir, files, sample.Options{Now: o.Now}); err != nil {
			return fault.Wrap(fault.Internal, err, "The practice %s cannot be made.", p.Title)
		}
	}
	return nil
}

// host starts a practice host on what it has on disk.
func (e *elsewhere) host(ctx context.Context, p *practice, gatehouse string) (http.Handler, error) {
	secret, err := secretIn(filepath.Join(e.dir, p.Kind+".secret"))
	if err != nil {
		return nil, err
	}
	app := fakes.App{ID: p.ClientID(), Secret: secret, Name: "Gatehouse", Redirects: []string{gatehouse + "/callback/" + p.Connector()}}
	dir := filepath.Join(e.dir, p.Kind)
	if p.Kind == fakes.KindGitLab {
		return e.gitlab(ctx, dir, app)
	}
	return e.github(ctx, dir, p, app)
}

func (e *elsewhere) github(ctx context.Context, dir string, p *practice, app fakes.App) (http.Handler, error) {
	oauth := fakes.New(fakes.GitHub(), nil)
	s, err := github.New(github.Options{Dir: dir, Web: p.URL, API: p.API(), OAuth: oauth})
	if err != nil {
		return nil, err
	}
	e.ends = append(e.ends, func() error { return errors.Join(oauth.Close(), s.Close()) })
	writer, reader := guests()
	oauth.AddPerson(writer)
	oauth.AddPerson(reader)
	oauth.AddApp(app)
	if err := s.AddOrg(github.Org{Login: club, Members: []string{writer.Login}}); err != nil {
		return nil, err
	}
	if err := s.OpenRepository(ctx, github.Repository{Owner: club, Name: website, Branch: sample.Branch}); err != nil {
		return nil, err
	}
	if err := s.Allow(p.Repo(), writer.Login, github.Write); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	oauth.Mount(mux)
	mux.Handle("/", s)
	return mux, nil
}

func (e *elsewhere) gitlab(ctx context.Context, dir string, app fakes.App) (http.Handler, error) {
	s := gitlab.New(dir, nil)
	e.ends = append(e.ends, s.Close)
	writer, reader := guests()
	s.OAuth.AddPerson(writer)
	s.OAuth.AddPerson(reader)
	s.OAuth.AddApp(app)
	repo, err := s.Repos.Add(ctx, bare.Spec{Path: club + "/" + website, Branch: sample.Branch})
	if err != nil {
		return nil, err
	}
	repo.Allow(writer.Login, bare.Write)
	return s, nil
}

// secretIn reads a secret, or makes it.
func secretIn(file string) (string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		secret := rand.Text()
		return secret, os.WriteFile(file, []byte(secret+"\n"), 0o600)
	}
	secret := strings.TrimSpace(string(data))
	if err == nil && secret == "" {
		err = fault.New(fault.Invalid, "%s is empty. Delete it to have it made anew.", file)
	}
	return secret, err
}
