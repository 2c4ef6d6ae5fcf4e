package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/api/console"
	"gatehouse/internal/api/content"
	"gatehouse/internal/api/gotrue"
	"gatehouse/internal/auth"
	"gatehouse/internal/cms"
	"gatehouse/internal/config"
	"gatehouse/internal/deploy"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host/local"
	"gatehouse/internal/mirror"
	"gatehouse/internal/site"
)

// served is a site with its handlers.
type served struct {
	*site.Site
	config *config.Site
	repo   *git.Repo // nil with test-repo
	mux    *http.ServeMux
	files  http.Handler // public_folder, then "not found"; nil where there is none
	pages  *console.Pages
}

// openSite opens a site's repository and puts its layers on top of each other.
func (a *App) openSite(ctx context.Context, c *config.Site) (*served, error) {
	s := &served{
		Site:   siteOf(c),
		config: c, mux: http.NewServeMux(), pages: a.pages,
	}
	if c.Backend.Name == config.TestRepo || c.Backend.AtHost() {
		return s, nil
	}
	repo, err := git.Open(ctx, c.Backend.Repo)
	if err != nil {
		return nil, err
	}
	s.repo = repo
	repo.UpdateCheckedOut = c.Worktree == config.WorktreeUpdate
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	runner := a.runner(c.Name)
	s.Repo = &mirror.Repository{
		Git: repo, Host: &local.Host{Git: repo, Name: filepath.Base(c.Backend.Repo)}, Branch: s.Branch,
		Moved: func(branch string, before, after git.ID) {
			if branch == s.Branch {
				runner.Moved(deploy.Move{Site: c.Name, Branch: branch, Before: string(before), After: string(after)})
			}
		},
	}
	s.CMS = &cms.Service{
		Repo: s.Repo, ConfigPath: c.Config, PreviewURL: c.Deploy.Preview, Now: time.Now,
		Versions: &cms.Versions{Store: a.Store, Site: c.Name},
	}
	s.Repo.Validate = s.CMS.Validate
	return s, nil
}

func siteOf(c *config.Site) *site.Site {
	s := &site.Site{
		Name: c.Name, Title: c.Title, Hosts: c.Hosts, Origins: c.AllOrigins(), Domains: c.Domains,
		DevOrigins: c.DevOrigins, PreviewOrigins: c.PreviewOrigins, Connectors: c.Connectors,
	}
	if b := c.Backend; b.AtHost() {
		s.Backend = site.Backend{Kind: b.Name, Repo: b.Repo, RepositoryID: b.RepositoryID, Branch: b.Branch, OpenAuthoring: b.OpenAuthoring}
	}
	return s
}

// check refuses a repository that must not be written to, and settles the
// site's branch.
func (s *served) check(ctx context.Context) error {
	branch := s.config.Backend.Branch
	if branch == "" {
		var err error
		if branch, err = s.repo.Branch(ctx); err != nil {
			return err
		}
	}
	s.Branch = branch
	_, checkedOut, err := s.repo.Worktree(ctx)
	if err != nil {
		return err
	}
	if checkedOut == branch && !s.repo.UpdateCheckedOut {
		return fault.New(fault.Unsupported, "The branch %s is checked out in the work tree of %s. Write worktree: update, so that saving changes the files there too; or give a bare repository.", branch, s.config.Backend.Repo)
	}
	return s.checkBranch(ctx, branch)
}

// checkBranch refuses a branch that does not exist, unless nothing does yet.
func (s *served) checkBranch(ctx context.Context, branch string) error {
	refs, err := s.repo.Refs(ctx, "refs/heads/")
	if err != nil || len(refs) == 0 {
		return err
	}
	names := ""
	for _, r := range refs {
		name := r.Name[len("refs/heads/"):]
		if name == branch {
			return nil
		}
		names += " " + name
	}
	return fault.New(fault.NotFound, "The repository has no branch %s. It has:%s.", branch, names)
}

// job is what follows a change of the site's branch.
func (s *served) job(cfg *config.Config) deploy.Job {
	d := s.config.Deploy
	return deploy.Job{
		Command: d.Command, Dir: filepath.Dir(cfg.File), Repo: s.config.Backend.Repo,
		Webhook: d.Webhook, Secret: d.Secret.Reveal(), Timeout: d.Timeout,
	}
}

// mountSite adds a site's doors.
func (a *App) mountSite(s *served, door *auth.Door) {
	if s.config.Backend.AtHost() {
		s.mountElsewhere()
		a.mountSignIn(s.mux, door, s, "/console/")
		return
	}
	principal := func(r *http.Request) (auth.Principal, error) { return door.Principal(r, s.Name) }
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { api.Redirect(w, "admin/", http.StatusFound) })
	a.pages.Mount(s.mux)
	admin := &console.Admin{
		Site: s.Site, Files: a.editor, Bundle: s.config.Admin.Bundle, Log: a.log,
		Scripts: s.config.Admin.Scripts, Styles: s.config.Admin.Styles, Principal: principal,
	}
	if s.repo == nil {
		admin.Principal = nil
		admin.Config = func(context.Context) (*cms.Config, error) { return readCMSConfig(s.config.Config) }
		admin.Mount(s.mux)
		return
	}
	admin.Config = s.CMS.Config
	admin.Mount(s.mux)
	a.mountSignIn(s.mux, door, s, "admin/")
	api := &content.Handler{Site: s.Site, Principal: principal, Log: a.log}
	api.Mount(s.mux)
	s.files = api.Public(http.HandlerFunc(s.pages.NotFound))
	(&gotrue.Handler{
		Identity: a.Identity, Door: door, Audit: a.audit, Site: s.Name, Origins: s.Origins, Version: a.options.Version, Log: a.log,
		ClientAddr: clientAddr,
	}).Mount(s.mux)
}

// mountElsewhere tells those who look for the editor here where it is.
func (s *served) mountElsewhere() {
	tell := func(w http.ResponseWriter, r *http.Request) {
		links := []console.Link{{URL: "/console/", Text: "For operators: the console"}}
		for _, o := range s.config.Origins {
			links = append(links, console.Link{URL: o + "/admin/", Text: o + "/admin/"})
		}
		s.pages.Fail(w, r, fault.New(fault.NotFound,
			"The editor of %s is a page of the site itself; Gatehouse signs people in for it. It usually is at /admin/ there.", s.DisplayName()), links...)
	}
	s.pages.Mount(s.mux)
	s.mux.HandleFunc("GET /{$}", tell)
	s.mux.HandleFunc("GET /admin/", tell)
}

// serve answers a request for the site. At the root of its own host it also has
// the site's pictures, under the addresses that entries give them. Missing answers
// for what is not there.
func (s *served) serve(w http.ResponseWriter, r *http.Request, root bool, missing http.HandlerFunc) {
	_, pattern := s.mux.Handler(r)
	switch {
	case pattern != "" || !reading(r):
		s.mux.ServeHTTP(w, r)
	case root && s.files != nil:
		s.files.ServeHTTP(w, r)
	default:
		missing(w, r)
	}
}

// readCMSConfig reads the configuration of a site on test-repo, anew each time,
// so that it can be worked on.
func readCMSConfig(file string) (*cms.Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "The CMS's configuration %s cannot be read.", file)
	}
	return cms.Parse(data)
}

func (s *served) close() error {
	if s.repo == nil {
		return nil
	}
	return s.repo.Close()
}

// siteError says which site a failure is about.
func siteError(file, site string, err error) error {
	return &fault.Error{
		Kind: fault.KindOf(err), Err: err,
		Message: fmt.Sprintf("The site %s in %s cannot be opened. %s", site, file, said(err)),
	}
}

// said is the message of a fault, or the text of another error: at the start
// the operator reads it.
func said(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}
