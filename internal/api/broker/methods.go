package broker

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// methods are the methods that a path has. HEAD goes with GET and does
// nothing; for anything else there is a 405.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	serve := m[r.Method]
	if serve == nil && r.Method == http.MethodHead {
		serve = m[http.MethodGet]
	}
	if serve == nil {
		w.Header().Set("Allow", m.allow())
		http.Error(w, "This address is not for "+r.Method+" requests.", http.StatusMethodNotAllowed)
		return
	}
	serve(w, r)
}

func (m methods) allow() string {
	var names []string
	for name := range m {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// window is for pages: they come under our own host, in a window of their own,
// and only when somebody really opens them.
func (h *Handler) window(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		dest := r.Header.Get("Sec-Fetch-Dest")
		switch {
		case !h.ownHost(r.Host):
			h.refuse(w, r, http.StatusMisdirectedRequest, helpHost(h.URL), audit.Event{Detail: "the request came for the host " + clip(r.Host, 100)})
		case dest != "" && dest != "document":
			h.refuse(w, r, http.StatusForbidden, helpFrame(), audit.Event{Detail: "asked for as " + clip(dest, 40)})
		case early(r):
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodHead:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusOK)
		default:
			next(w, r)
		}
	}
}

// early reports whether a browser loads the page in case somebody will want it.
func early(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
		if v := strings.ToLower(r.Header.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// ownHost reports whether a Host header names the public URL. The port may be
// there although it is the usual one.
func (h *Handler) ownHost(host string) bool {
	u, err := url.Parse(h.URL)
	if err != nil {
		return false
	}
	usual := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	return strings.EqualFold(strings.TrimSuffix(host, usual), strings.TrimSuffix(u.Host, usual))
}

// refuse answers a window with a page that leads nowhere, and writes it down.
// A reference that the page has is kept; else it is that of the request.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, page Help, e audit.Event) {
	if page.Reference == "" {
		page.Reference = reference(api.ID(r.Context()))
	}
	if e.Kind == "" {
		e.Kind = audit.Failure
	}
	e.Page, e.Reference = page.ID, page.Reference
	h.note(r, e)
	h.Pages.Help(w, r, status, page)
}

// tooMany answers a window that has to wait. It is not written down: whoever
// sends too much would fill the log.
func (h *Handler) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	api.RetryAfter(w, &fault.Error{Kind: fault.TooMany, RetryAfter: wait})
	page := helpRate(wait)
	page.Reference = reference(api.ID(r.Context()))
	h.Pages.Help(w, r, http.StatusTooManyRequests, page)
}

// broken answers a window when the failure is ours.
func (h *Handler) broken(w http.ResponseWriter, r *http.Request, err error) {
	h.Log.ErrorContext(r.Context(), "a sign-in failed", "path", r.URL.Path, "error", err)
	page := helpBroken()
	status := http.StatusInternalServerError
	if kind := fault.KindOf(err); kind == fault.TooMany || kind == fault.Unavailable {
		api.RetryAfter(w, err)
		status = api.Status(kind)
	}
	h.refuse(w, r, status, page, audit.Event{Detail: "our own failure; the log has it"})
}

// helpBroken is for failures of our own.
func helpBroken() Help {
	return Help{
		ID:       "E-internal",
		Title:    "That is our fault",
		Sentence: "Gatehouse could not go on with the sign-in.",
		Action:   "Try again in a minute. If it stays so, tell whoever runs Gatehouse the number below.",
	}
}
