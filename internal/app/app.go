// Package app puts the server together: configuration in, handlers out. It is
// the one place that knows every part, and it holds no logic of its own.
//
//	request ─► RequestID ─► Log ─► Recover ─► SecurityHeaders ─► TrustProxies ─► Guard ─► SameOrigin
//	                                                                                        │
//	   /healthz /readyz /console/ ◄── common ◄──────────────────────────────────────────────┤
//	   /s/{site}/…                ◄── that site, without the prefix ◄───────────────────────┤
//	   a host of a site           ◄── that site ◄───────────────────────────────────────────┤
//	   the only site              ◄── it ◄──────────────────────────────────────────────────┤
//	   else                       ◄── lobby: sign in, choose a site ◄───────────────────────┘
//
// New opens everything and listens nowhere; Run listens, reloads on SIGHUP and
// ends gracefully. What a reload replaces is one value, the house: requests at
// work finish in the old one, which then closes its repositories.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"gatehouse/internal/api/broker"
	"gatehouse/internal/api/console"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/config"
	"gatehouse/internal/deploy"
	"gatehouse/internal/identity"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
	"gatehouse/web"
)

// Options is what the configuration does not say. All fields may be zero.
type Options struct {
	Log      *slog.Logger
	Version  string       // of this program
	Listener net.Listener // instead of listening on the configured address
	// Mount adds routes at the root of every host, before all others.
	Mount func(ctx context.Context, mux *http.ServeMux) error
	// Ready is called once connections are accepted.
	Ready func(address net.Addr)
}

// App is a server that is ready to run.
type App struct {
	Store    *store.Store
	Identity *identity.Service
	Mail     *mail.Post

	options  Options
	log      *slog.Logger
	pages    *console.Pages
	editor   *console.AdminFiles
	issuer   *auth.Issuer
	sessions *auth.Sessions
	certs    certificates

	popup        *broker.Pages
	limits       *broker.Limits
	transactions *auth.Transactions
	handles      *auth.Handles
	audit        *audit.Log

	mu         sync.Mutex // guards what follows
	house      *house
	deploys    map[string]*deploy.Runner // by site; they outlive a reload
	background sync.WaitGroup            // the sweeper, and houses that finish their requests
	reloading  sync.Mutex                // one reload at a time
}

// New opens the database and the repositories, and wires the handlers.
func New(ctx context.Context, cfg *config.Config, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{options: o, log: o.Log, deploys: map[string]*deploy.Runner{}}
	if err := a.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, a.Close()) //nolint:contextcheck // closing has a time of its own
	}
	return a, nil
}

func (a *App) open(ctx context.Context, cfg *config.Config) (err error) {
	if a.pages, err = console.NewPages(web.Console(), a.log); err != nil {
		return err
	}
	if a.editor, err = console.NewAdminFiles(web.Admin(), web.CMS()); err != nil {
		return err
	}
	if a.Store, err = OpenStore(ctx, cfg); err != nil {
		return err
	}
	if a.issuer, err = auth.NewIssuer(ctx, a.Store); err != nil {
		return err
	}
	a.Identity = identity.New(a.Store)
	if err := a.openMail(cfg); err != nil {
		return err
	}
	a.sessions = &auth.Sessions{Store: a.Store, Secure: cfg.HTTPS()}
	if err := a.openBroker(cfg); err != nil {
		return err
	}
	a.openIdentity(cfg)
	certs, err := a.certs.prepare(cfg.TLS)
	if err != nil {
		return err
	}
	h, err := a.build(ctx, cfg)
	if err != nil {
		return err
	}
	a.certs.current.Store(certs)
	a.house = h
	a.useJobs(h)
	return nil
}

// OpenStore opens the database that a configuration names.
func OpenStore(ctx context.Context, cfg *config.Config) (*store.Store, error) {
	if !cfg.Database.Empty() {
		return store.OpenPostgres(ctx, cfg.Database.Reveal(), filepath.Join(cfg.Data, store.KeyFile))
	}
	return store.Open(ctx, filepath.Join(cfg.Data, "gatehouse.db"))
}

// runner is the deploy runner of a site.
func (a *App) runner(site string) *deploy.Runner {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.deploys[site] == nil {
		a.deploys[site] = deploy.New(a.log)
	}
	return a.deploys[site]
}

func (a *App) current() *house {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.house
}

// ServeHTTP answers with the house of the moment.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	h := a.house
	h.requests.Add(1)
	a.mu.Unlock()
	defer h.requests.Done()
	h.handler.ServeHTTP(w, r)
}

// patience is how long requests and deployments may take to finish at the end.
const patience = 20 * time.Second

// Close ends what New opened, once no more requests come. Deployments that were
// asked for are finished, within bounds.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a.mu.Lock()
	h, runners := a.house, a.deploys
	a.mu.Unlock()
	for _, runner := range runners {
		runner.Close(ctx)
	}
	a.background.Wait()
	if a.Identity != nil {
		a.Identity.Wait()
	}
	var errs []error
	if h != nil {
		errs = append(errs, h.close())
	}
	if a.Store != nil {
		errs = append(errs, a.Store.Close())
	}
	return errors.Join(errs...)
}
