// Package broker is the external OAuth client of a CMS page anywhere: the
// popup that signs a person in at a Git host and hands the token to the one
// page that may have it, and the refresh of such tokens.
//
//	CMS page             popup (our pages)          broker                        Git host
//	   │ opens              │ GET  /auth ─────────────► which site? transaction, cookie
//	   │───────────────────►│
//	   │◄── authorizing:P ──│
//	   │─── authorizing:P ─►│
//	   │                    │ POST /auth/begin ───────► may this origin? state, verifier
//	   │                    │ ────────────────────────────────────────────────────► signs in
//	   │                    │ GET  /callback/NAME ────► code for token ───────────► token
//	   │                    │                           who is it, may they push? ─► account
//	   │                    │ GET  /auth/result ──────► a page without secrets
//	   │                    │ POST /auth/claim ───────► the message, once
//	   │◄─ authorization:P: ┤
//	   │     success:{…}    │
//
// The host is not asked before the page that opened the popup is known to be
// one of the site's, and the token is in no page and in no address: the script
// collects it once and posts it to that very origin.
//
// Where a sign-in stands is with auth.Transactions:
//
//	new ── begin ──► begun ── callback ──► returned ──► done | failed ── claim ──► claimed
//	 └─ no connector: failed                             │                           │
//	                          nobody comes for it: Sweep │    it did not arrive: report
//	                                                     └──► withdrawn ◄────────────┘
//	                                                       the token is taken back
//
// A host whose pages cut the popup off from its opener is opened in a second
// window: see connector.Set.LostOpener.
//
//	GET  /auth, /oauth/authorize, Endpoints, /s/SITE/auth   the popup
//	POST /auth/begin, /auth/claim, /auth/report             JSON, for our own pages
//	GET  /callback/NAME, /callback, /auth/done, /oauth/redirect
//	GET  /auth/result
//	POST /auth/refresh, /oauth/token, /oauth/access_token, and where the popup is
//	                                                        a new token for a refresh handle
//	GET  /auth/assets/VERSION/FILE                          scripts and styles
//	GET  /auth/selftest, …                                  see selftestName
package broker

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/site"
)

// Handler is the broker of one server. Fields are set before Mount.
type Handler struct {
	URL          string          // the public origin of this server: scheme://host[:port]
	Sites        *site.Directory // who may open the popup, and for which repository
	Connectors   *connector.Set
	Transactions *auth.Transactions
	Handles      *auth.Handles
	Audit        *audit.Log
	Pages        *Pages
	Limits       *Limits  // outlive a reload
	Endpoints    []string // more paths of the popup, "/api/auth", as an operator's old config.yml names them
	Log          *slog.Logger
	Now          func() time.Time // nil: time.Now
	Patience     time.Duration    // with a host, for all of its calls together; 0: 40 s. Each call has 10 s
}

// Limits are the counters of who asks how often, by address. Make them with
// NewLimits.
type Limits struct {
	popups    *api.Limiter // sign-ins begun
	callbacks *api.Limiter // returns that belong to no sign-in, or with a code that the host does not know
	handles   *api.Limiter // refresh handles that are unknown
	renewals  *api.Limiter // uses of refresh handles
	calls     *api.Limiter // what our own pages ask
	notes     *api.Limiter // events that anybody can bring about, so that nobody can fill the log
}

// NewLimits makes counters that stand at nothing. A nil now is time.Now.
func NewLimits(now func() time.Time) *Limits {
	return &Limits{
		popups:    api.NewLimiter(100, 0, now),
		callbacks: api.NewLimiter(50, 0, now),
		handles:   api.NewLimiter(20, 0, now),
		renewals:  api.NewLimiter(60, 0, now),
		calls:     api.NewLimiter(300, 0, now),
		notes:     api.NewLimiter(30, 0, now),
	}
}

// Mount adds the routes at the root of the server, and the pages' assets.
func (h *Handler) Mount(mux *http.ServeMux) {
	popup := methods{http.MethodGet: h.window(h.popup(nil)), http.MethodPost: h.refresh(nil), http.MethodOptions: h.preflight}
	renew := methods{http.MethodPost: h.refresh(nil), http.MethodOptions: h.preflight}
	paths := map[string]methods{}
	for _, path := range RefreshPaths(h.Endpoints) {
		paths[path] = renew
	}
	for _, path := range append([]string{"/auth", "/oauth/authorize"}, h.Endpoints...) {
		paths[path] = popup
	}
	paths["/auth/begin"] = methods{http.MethodPost: h.begin}
	paths["/auth/claim"] = methods{http.MethodPost: h.claim}
	paths["/auth/report"] = methods{http.MethodPost: h.report}
	paths["/auth/result"] = methods{http.MethodGet: h.window(h.result)}
	paths["/callback/{connector}"] = methods{http.MethodGet: h.window(h.callback)}
	for _, path := range connector.Aliases() {
		paths[path] = methods{http.MethodGet: h.window(h.callback)}
	}
	for path, m := range paths {
		mux.Handle(path, m)
	}
	h.Pages.Mount(mux)
	h.mountSelftest(mux)
}

// RefreshPaths are where CMS pages post refresh handles to, from other origins
// and without a cookie: those that are always there, and what follows from more
// endpoints of the popup. One CMS puts /token or /access_token in the place of
// /authorize there; where there is none it posts to the popup itself.
func RefreshPaths(endpoints []string) []string {
	paths := []string{"/auth/refresh"}
	for _, path := range append([]string{"/auth", "/oauth/authorize"}, endpoints...) {
		paths = append(paths, path)
		for _, end := range []string{"/token", "/access_token"} {
			if derived := strings.Replace(path, "/authorize", end, 1); derived != path {
				paths = append(paths, derived)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// MountSite adds the popup of one site to the site's own mux, which lies below
// /s/SITE/. What a CMS page says about its site plays no part there.
func (h *Handler) MountSite(mux *http.ServeMux, s *site.Site) {
	mux.Handle("/auth", methods{
		http.MethodGet: h.window(h.popup(s)), http.MethodPost: h.refresh(s), http.MethodOptions: h.preflight,
	})
}

// now is the time, as a test may have it.
func (h *Handler) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}

// patient is for asking a host. It goes on when the person closes the window, so
// that no token gets lost on the way.
func (h *Handler) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	d := h.Patience
	if d == 0 {
		d = 40 * time.Second
	}
	return context.WithTimeout(context.WithoutCancel(ctx), d)
}

// site is the site of a name; nil when there is none.
func (h *Handler) site(name string) *site.Site {
	if s := h.Sites.Named(name); s != nil || name != selftestName {
		return s
	}
	return h.selftestSite()
}

// note writes down what anybody can bring about: from one address so many times
// a minute. The access log has the others.
func (h *Handler) note(r *http.Request, e audit.Event) {
	if _, ok := h.Limits.notes.Take(clientAddr(r)); ok {
		h.write(r, e)
	}
}

// record writes down what took a token or a handle to bring about, each time:
// noise must not hide it. The self-test gives its token to anybody.
func (h *Handler) record(r *http.Request, e audit.Event) {
	if e.Connector == selftestName {
		h.note(r, e)
		return
	}
	h.write(r, e)
}

func (h *Handler) write(r *http.Request, e audit.Event) {
	if from := clientAddr(r); from.IsValid() {
		e.Address = from.String()
	}
	h.Audit.Record(r.Context(), e)
}

func clientAddr(r *http.Request) netip.Addr { return api.ClientAddr(r, nil) }

// reference is the short form of an id, which people can read out.
func reference(id string) string { return id[:min(8, len(id))] }
