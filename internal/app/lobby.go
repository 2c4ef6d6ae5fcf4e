package app

import (
	"context"
	"net/http"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/api/console"
	"gatehouse/internal/auth"
	"gatehouse/internal/deploy"
)

// mountCommon adds what is at the root of every host.
func (a *App) mountCommon(ctx context.Context, h *house, door *auth.Door) error {
	h.common.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		api.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": a.options.Version})
	})
	h.common.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { a.ready(w, r, h) })
	a.pages.Mount(h.common)
	account := a.account(h, door)
	account.Mount(h.common)
	(&console.People{
		Pages: a.pages, Identity: a.Identity, Mail: a.Mail, Audit: a.audit, Principal: account.Principal, Sites: account.Sites, Now: time.Now,
	}).Mount(h.common)
	if a.options.Mount != nil {
		return a.options.Mount(ctx, h.common)
	}
	return nil
}

// mountLobby adds what is at the root of a host that no site owns.
func (a *App) mountLobby(h *house, door *auth.Door) {
	a.account(h, door).MountChooser(h.lobby)
	a.mountSignIn(h.lobby, door, nil, "./")
}

func (a *App) account(h *house, door *auth.Door) *console.Account {
	links := make([]console.SiteLink, len(h.sites))
	for i, s := range h.sites {
		links[i] = console.SiteLink{Name: s.Name, Title: s.DisplayName(), URL: h.editorURL(s), Deployed: deployed(a.runner(s.Name))}
	}
	return &console.Account{
		Pages: a.pages, Identity: a.Identity, Sessions: door.Sessions, Sites: links, Now: time.Now,
		Principal: func(r *http.Request) (auth.Principal, error) { return door.Principal(r, "") },
	}
}

// deployed tells the account page how the last deployment went.
func deployed(runner *deploy.Runner) func() *console.Deployment {
	return func() *console.Deployment {
		last := runner.Last()
		if last == nil {
			return nil
		}
		d := &console.Deployment{At: last.Started, Commit: last.Move.After, Output: last.Output}
		if last.Err != nil {
			d.Problem = last.Err.Error()
		}
		return d
	}
}

// editorURL is where a site is edited: at the root when it is the only one.
func (h *house) editorURL(s *served) string {
	if s.config.Backend.AtHost() && len(s.config.Origins) > 0 {
		return s.config.Origins[0] + "/admin/"
	}
	if len(h.sites) == 1 {
		return "/admin/"
	}
	return "/s/" + s.Name + "/admin/"
}

// mountSignIn adds the pages to sign in at, and those that mails lead to: of a
// site, or of the server (nil). Home is where they lead in the end.
func (a *App) mountSignIn(mux *http.ServeMux, door *auth.Door, s *served, home string) {
	name, title, fallback := "", "", ""
	if s != nil {
		name, title, fallback = s.Name, s.DisplayName(), s.config.Mail.Language
	}
	principal := func(r *http.Request) (auth.Principal, error) { return door.Principal(r, name) }
	tongue := func(ctx context.Context) string {
		if p, err := a.Identity.Policy(ctx, name); err == nil && p.Language != "" {
			return p.Language
		}
		return fallback
	}
	(&console.Login{
		Pages: a.pages, Identity: a.Identity, Sessions: door.Sessions, Title: title, Home: home, Principal: principal, Language: tongue,
	}).Mount(mux)
	(&console.Links{
		Pages: a.pages, Identity: a.Identity, Sessions: door.Sessions, Site: name, Title: title, Home: home, Principal: principal, Language: tongue,
	}).Mount(mux)
}
