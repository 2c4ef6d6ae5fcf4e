// Package demo is Gatehouse with everything ready to be tried: two sample sites
// with a past, drafts in every column, three people, and pages that show what
// was published. A third site is not Gatehouse's: it is in a repository at a
// practice GitHub and at a practice GitLab, and its CMS page is on an origin of
// its own, from where people sign in by the popup.
//
//	DIR/demo.json        the people and their passwords, made once (0600)
//	DIR/gatehouse.yaml   written at every start
//	DIR/sites/*.git      the sample sites, made once
//	DIR/hosts/           the practice hosts: repositories and secrets, made once
//	DIR/hosts/broken.yml the configuration of a CMS page that nobody can sign in at
//	DIR/data/            Gatehouse's own data
//
//	GET /                who you can be, which doors there are, what to try
//	GET /site/…          the first site as its visitors see it; drafts below -/draft/
//	GET /site/kitchen/…  the second one
//	GET /try/            the editor on the CMS's own test-repo: nothing is stored
//	GET /demo/…          styles
//
// and on further loopback ports, the same ones at every start if they are free:
//
//	practice GitHub, practice GitLab   sign-in pages and API, package test/fakes
//	a page for each, and a broken one  GET / the site, GET /admin/ its CMS
//
// The start page shows passwords. That is why the demo listens on loopback
// addresses only, and answers under loopback names only: a page elsewhere that
// points its own name at 127.0.0.1 gets nothing.
package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gatehouse/internal/config"
	"gatehouse/internal/demo/render"
	"gatehouse/internal/demo/sample"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	web "gatehouse/web/demo"
)

// Options say where and how to prepare a demo.
type Options struct {
	Addr    string // host:port, loopback
	Dir     string // empty: DefaultDir
	Entries int    // generated posts for the first site, at the first start
	Now     time.Time
	Log     *slog.Logger
	// Program is how this program is called in commands to copy; empty: as make
	// builds it.
	Program string
	// Step is told what is being done, and its answer is called when it is done.
	Step func(what string) (done func())
}

// Demo is a prepared directory. Close it when the server has stopped.
type Demo struct {
	Dir    string // absolute
	URL    string // http://host:port
	People []Person
	// Repository is the first site's bare repository, an absolute path.
	Repository string
	Config     *config.Config

	log       *slog.Logger
	program   string
	repos     map[string]*git.Repo
	elsewhere *elsewhere
}

// DefaultDir is where a demo lives when nobody says otherwise:
// $XDG_DATA_HOME/gatehouse/demo, or the same below ~/.local/share.
func DefaultDir() (string, error) {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fault.Wrap(fault.Invalid, err, "Your home directory is not known: say where the demo may live with --dir DIR.")
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "gatehouse", "demo"), nil
}

// Prepare makes what is missing in the directory and keeps what is there.
func Prepare(ctx context.Context, o Options) (*Demo, error) {
	if err := CheckAddr(o.Addr); err != nil {
		return nil, err
	}
	if o.Entries < 0 || o.Entries > maxEntries {
		return nil, fault.New(fault.Invalid, "--entries is a number of posts from 0 to %d.", maxEntries)
	}
	dir, err := openDir(o.Dir)
	if err != nil {
		return nil, err
	}
	d := &Demo{Dir: dir, URL: "http://" + o.Addr, Repository: repository(dir, journal), log: o.Log, program: cmp.Or(o.Program, "bin/gatehouse"), repos: map[string]*git.Repo{}}
	if err := d.prepare(ctx, o); err != nil {
		return nil, errors.Join(err, d.Close()) //nolint:contextcheck // closing has a time of its own
	}
	return d, nil
}

func (d *Demo) prepare(ctx context.Context, o Options) error {
	file := filepath.Join(d.Dir, "demo.json")
	had, err := kept(file)
	if err != nil {
		return err
	}
	d.People = had.People
	if d.elsewhere, err = listenElsewhere(ctx, d.Dir, had.Ports); err != nil {
		return err
	}
	if ports := d.elsewhere.ports(); !maps.Equal(ports, had.Ports) {
		had.Ports = ports
		if err := had.save(file); err != nil {
			return err
		}
	}
	for _, name := range []string{journal, kitchen} {
		if err := d.site(ctx, name, o); err != nil {
			return err
		}
	}
	if err := d.elsewhere.open(ctx, d.URL, o); err != nil {
		return err
	}
	d.Config, err = writeConfig(d.Dir, o.Addr, d.elsewhere)
	return err
}

const maxEntries = 100_000

func openDir(dir string) (string, error) {
	if dir == "" {
		standard, err := DefaultDir()
		if err != nil {
			return "", err
		}
		dir = standard
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for _, part := range []string{"sites", "hosts"} {
		if err := os.MkdirAll(filepath.Join(dir, part), 0o700); err != nil {
			return "", fault.Wrap(fault.Invalid, err, "The demo cannot use the directory %s. Name another one with --dir DIR.", dir)
		}
	}
	return dir, nil
}

func repository(dir, name string) string { return filepath.Join(dir, "sites", name+".git") }

// site makes a sample site's repository, unless it is there.
func (d *Demo) site(ctx context.Context, name string, o Options) error {
	dir := repository(d.Dir, name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		done := o.Step("Making the sample site " + title(name))
		files, err := fs.Sub(web.Files, name)
		if err != nil {
			return err
		}
		entries := 0
		if name == journal {
			entries = o.Entries
		}
		if err := sample.Build(ctx, dir, files, sample.Options{Now: o.Now, Entries: entries}); err != nil {
			return fmt.Errorf("the sample site %s: %w", name, err)
		}
		done()
	}
	repo, err := git.Open(ctx, dir)
	if err != nil {
		return err
	}
	d.repos[name] = repo
	return nil
}

// Close ends the practice hosts and the pages elsewhere, and lets go of the
// repositories.
func (d *Demo) Close() error {
	var errs []error
	if d.elsewhere != nil {
		errs = append(errs, d.elsewhere.close())
	}
	for _, r := range d.repos {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// Mount adds the demo's pages. The patterns are more specific than those of a
// server with several sites, whose page to choose one lies at the root too.
func (d *Demo) Mount(ctx context.Context, mux *http.ServeMux) error {
	pages, err := fs.Sub(web.Files, "pages")
	if err != nil {
		return err
	}
	own := http.NewServeMux()
	for name, repo := range d.repos {
		s, err := render.New(pagesOf(name, repo, d.log), pages)
		if err != nil {
			return err
		}
		s.Mount(own)
	}
	if err := d.mountStart(own, pages); err != nil {
		return err
	}
	if err := d.mountTrial(ctx, own); err != nil {
		return err
	}
	for _, at := range []string{"GET /{$}", "GET /demo/", "GET /site/", "GET /try/"} {
		mux.Handle(at, loopbackOnly(own))
	}
	return nil
}

// Line is what --json prints: one line for a program that drives the demo. The
// address in it is good once the server accepts connections.
func (d *Demo) Line() ([]byte, error) {
	first := d.People[0]
	return json.Marshal(struct { //nolint:gosec // G117: handing over the password of a sample account is what the line is for
		URL        string `json:"url"`
		Admin      string `json:"admin"`
		Email      string `json:"email"`
		Password   string `json:"password"`
		Repository string `json:"repository"`
	}{d.URL, d.URL + "/s/" + journal + "/admin/", first.Email, first.Password, d.Repository})
}
