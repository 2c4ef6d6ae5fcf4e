package app

import (
	"context"
	"net/http"
	"os"
	"time"

	"gatehouse/internal/api/broker"
	"gatehouse/internal/api/console"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/config"
	"gatehouse/internal/connector"
	"gatehouse/internal/fault"
	"gatehouse/internal/site"
	"gatehouse/web"
)

// openBroker makes what the popup keeps through a reload.
func (a *App) openBroker(cfg *config.Config) (err error) {
	a.limits = broker.NewLimits(time.Now)
	a.transactions = &auth.Transactions{Store: a.Store, Secure: cfg.HTTPS()}
	a.handles = &auth.Handles{Store: a.Store}
	a.audit = &audit.Log{Store: a.Store, Slog: a.log}
	a.popup, err = broker.NewPages(web.Broker(), a.log)
	return err
}

// mountBroker adds the sign-in popup of CMS pages that are elsewhere, and the
// console's pages about it.
func (a *App) mountBroker(h *house, door *auth.Door) error {
	file, err := entries(h.config)
	if err != nil {
		return err
	}
	set := connector.New(a.Store, file, connector.Options{})
	a.consoleConnectors(h, door, set).Mount(h.common)
	sites, endpoints := h.elsewhere()
	if len(sites) == 0 {
		return nil
	}
	directory, err := site.NewDirectory(sites)
	if err != nil {
		return err
	}
	h.broker = &broker.Handler{
		URL: h.config.URL, Sites: directory, Connectors: set, Transactions: a.transactions, Handles: a.handles,
		Audit: a.audit, Pages: a.popup, Limits: a.limits, Endpoints: endpoints, Log: a.log, Now: time.Now,
	}
	h.broker.Mount(h.common)
	for _, s := range h.sites {
		if s.Backend.Kind != "" {
			h.broker.MountSite(s.mux, s.Site)
		}
	}
	return nil
}

func (a *App) consoleConnectors(h *house, door *auth.Door, set *connector.Set) *console.Connectors {
	return &console.Connectors{
		Pages: a.pages, Set: set, Audit: a.audit, Handles: a.handles, URL: h.config.URL, Sites: a.account(h, door).Sites, Now: time.Now,
		Principal: func(r *http.Request) (auth.Principal, error) { return door.Principal(r, "") },
	}
}

// elsewhere are the sites whose CMS pages work at a Git host, and the paths of
// the popup that they name.
func (h *house) elsewhere() (sites []*site.Site, endpoints []string) {
	for _, s := range h.sites {
		if s.Backend.Kind == "" {
			continue
		}
		sites = append(sites, s.Site)
		if s.config.AuthEndpoint != "" {
			endpoints = append(endpoints, s.config.AuthEndpoint)
		}
	}
	return sites, endpoints
}

// refreshed are the paths that CMS pages elsewhere post to without a cookie: the
// broker looks at their Origin itself.
func (h *house) refreshed() []string {
	_, endpoints := h.elsewhere()
	return append(broker.RefreshPaths(endpoints), "/s/{site}/auth")
}

// entries are the connectors of the file.
func entries(cfg *config.Config) ([]connector.Entry, error) {
	list := make([]connector.Entry, len(cfg.Connectors))
	for i, c := range cfg.Connectors {
		list[i] = connector.Entry{
			Connector: connector.Connector{
				Name: c.Name, Kind: c.Kind, URL: c.URL, API: c.API, ClientID: c.ClientID, Slug: c.App, Scope: c.Scope,
				Callback: c.Callback, Proxy: c.Proxy.Reveal(), Private: c.Private, NoPKCE: !c.PKCE.Or(true), Launcher: c.Launcher,
			},
			Secret: c.ClientSecret.Reveal(),
		}
		if c.CA == "" {
			continue
		}
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "The certificate authority of the connector %s cannot be read: %v.", c.Name, err)
		}
		list[i].CA = string(pem)
	}
	if err := connector.CheckFile(list); err != nil {
		return nil, err
	}
	return list, nil
}

// revoke takes back, once a minute, what the hosts gave for sign-ins that nobody
// came to collect.
func (a *App) revoke(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if h := a.current(); h.broker != nil {
			if err := h.broker.Sweep(ctx); err != nil && ctx.Err() == nil {
				a.log.ErrorContext(ctx, "revoking what nobody collected", "error", err)
			}
		}
	}
}
