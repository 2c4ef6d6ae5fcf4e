package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"gatehouse/internal/api"
	"gatehouse/internal/api/broker"
	"gatehouse/internal/api/console"
	"gatehouse/internal/auth"
	"gatehouse/internal/config"
	"gatehouse/internal/deploy"
)

// house is everything that one configuration makes. It does not change; a
// reload builds another.
type house struct {
	config   *config.Config
	sites    []*served
	byName   map[string]*served
	byHost   map[string]*served
	common   *http.ServeMux // at the root of every host
	lobby    *http.ServeMux // where no site is meant
	pages    *console.Pages
	broker   *broker.Handler // nil: no site needs it
	handler  http.Handler    // the whole
	jobs     map[string]deploy.Job
	requests sync.WaitGroup
}

// build opens the repositories of a configuration and wires their handlers.
func (a *App) build(ctx context.Context, cfg *config.Config) (_ *house, err error) {
	h := &house{
		config: cfg, byName: map[string]*served{}, byHost: map[string]*served{}, jobs: map[string]deploy.Job{},
		common: http.NewServeMux(), lobby: http.NewServeMux(), pages: a.pages,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	door := a.door(cfg)
	for i := range cfg.Sites {
		s, err := a.openSite(ctx, &cfg.Sites[i])
		if err != nil {
			return nil, siteError(cfg.File, cfg.Sites[i].Name, err)
		}
		h.sites = append(h.sites, s)
		h.byName[s.Name] = s
		for _, host := range s.config.Hosts {
			h.byHost[host] = s
		}
		h.jobs[s.Name] = s.job(cfg)
		a.mountSite(s, door)
	}
	if err := a.mountBroker(h, door); err != nil {
		return nil, err
	}
	a.mountLobby(h, door)
	if err := a.mountCommon(ctx, h, door); err != nil {
		return nil, err
	}
	h.handler = a.around(h, http.HandlerFunc(h.route))
	return h, nil
}

// door lets people in; it knows the identity URL of each site.
func (a *App) door(cfg *config.Config) *auth.Door {
	known := map[string]bool{}
	for _, s := range cfg.Sites {
		known[s.Name] = true
	}
	return &auth.Door{
		Sessions: a.sessions,
		Issuer:   a.issuer,
		IssuerURL: func(site string) string {
			if !known[site] {
				return ""
			}
			return cfg.URL + "/s/" + site + "/.netlify/identity"
		},
	}
}

// around is what every request goes through.
func (a *App) around(h *house, next http.Handler) http.Handler {
	// The identity protocol knows no cookie, and is called by other origins.
	bypass := append([]string{"/.netlify/identity/", "/s/{site}/.netlify/identity/"}, h.refreshed()...)
	next = api.SameOrigin(bypass, next)
	next = api.Guard(next)
	next = api.TrustProxies(h.config.Proxies(), next)
	next = api.SecurityHeaders(h.config.HTTPS(), next)
	next = api.Recover(a.log, next)
	next = api.Log(a.log, next)
	return api.RequestID(next)
}

// route finds out which site a request is for.
func (h *house) route(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/s/"); ok {
		h.prefixed(w, r, rest)
		return
	}
	if _, pattern := h.common.Handler(r); pattern != "" {
		h.common.ServeHTTP(w, r)
		return
	}
	if s := h.site(r); s != nil {
		s.serve(w, r, true, h.missing)
		return
	}
	if _, pattern := h.lobby.Handler(r); pattern == "" && reading(r) {
		h.missing(w, r)
		return
	}
	h.lobby.ServeHTTP(w, r)
}

// prefixed serves a site below /s/{site}/.
func (h *house) prefixed(w http.ResponseWriter, r *http.Request, rest string) {
	name, _, below := strings.Cut(rest, "/")
	s := h.byName[name]
	switch {
	case s == nil:
		h.missing(w, r)
	case !below:
		api.Redirect(w, "/s/"+name+"/", http.StatusFound)
	default:
		http.StripPrefix("/s/"+name, http.HandlerFunc(func(w http.ResponseWriter, stripped *http.Request) {
			s.serve(w, stripped, false, func(w http.ResponseWriter, _ *http.Request) { h.missing(w, r) })
		})).ServeHTTP(w, r)
	}
}

// missing answers for an address where nothing is. A CMS page that looks there
// for its popup is told where that is.
func (h *house) missing(w http.ResponseWriter, r *http.Request) {
	if h.broker != nil && broker.MeansPopup(r) {
		h.broker.Astray(w, r)
		return
	}
	h.pages.NotFound(w, r)
}

// site is the one that owns the root of the request's host; nil when none does.
func (h *house) site(r *http.Request) *served {
	name := r.Host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	if s := h.byHost[strings.ToLower(strings.TrimSuffix(name, "."))]; s != nil {
		return s
	}
	if len(h.sites) == 1 {
		return h.sites[0]
	}
	return nil
}

func (h *house) close() error {
	var errs []error
	for _, s := range h.sites {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func reading(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}
