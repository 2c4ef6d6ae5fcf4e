package content

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/site"
)

// Local answers on a laptop, in the place of the CMS's own local server:
// without sign-in, for pages on this machine alone, with whatever branch is
// checked out. Fields are set before Mount.
//
// Without a password, what keeps other people's pages out is two headers that a
// page cannot set: Host must name this machine, so that a foreign name made to
// point here (DNS rebinding) does not work; and Origin, if there is one, must be
// a page of this machine, on any port.
type Local struct {
	Site      *site.Site
	Workflow  bool                                             // drafts work: the directory is a Git repository
	Author    func(ctx context.Context) (git.Signature, error) // who git in the directory would name
	Log       *slog.Logger
	Directory string // for people
}

// Mount adds the routes of Handler, behind the guard, and a page at / that says
// what this is.
func (l *Local) Mount(mux *http.ServeMux) {
	inner := http.NewServeMux()
	h := &Handler{Site: l.Site, Principal: l.principal, Log: l.Log, AnyBranch: true}
	h.Info = Info{Repo: l.Site.DisplayName(), PublishModes: []string{"simple"}, Type: "local_fs"}
	if l.Workflow {
		h.Info.PublishModes, h.Info.Type = []string{"simple", "editorial_workflow"}, "local_git"
	}
	h.Mount(inner)
	inner.HandleFunc("GET /{$}", l.hint)
	mux.Handle("/", l.guard(inner))
}

// principal is the developer at the keyboard.
func (l *Local) principal(r *http.Request) (auth.Principal, error) {
	who, err := l.Author(r.Context())
	if err != nil {
		return auth.Principal{}, err
	}
	return auth.Principal{UserID: "local", Name: who.Name, Email: who.Email, Operator: true, Session: "local"}, nil
}

// hint is for a developer who opens the address in a browser.
func (l *Local) hint(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, "Gatehouse is editing "+l.Directory+"\n\n"+ // the client has gone when this fails
		"Open your site's admin page on this machine. Its config.yml needs:\n\n    local_backend: true\n\n"+
		"Nothing here asks for a password, and only pages of this machine are answered.\n")
}

// guard lets requests in that name this machine and come from a page on it, or
// from no page at all.
func (l *Local) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		switch {
		case !isLoopback(r.Host):
			refuseLocal(w, "This server answers to localhost, 127.0.0.1 and [::1] only. Open the page by one of these names.")
		case origin != "" && !isLoopbackOrigin(origin):
			refuseLocal(w, "This server has no password and answers pages of this machine only, not "+shorten(origin)+". Open the admin page on localhost.")
		case origin != "" && preflight(w, r, origin):
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func refuseLocal(w http.ResponseWriter, why string) {
	api.WriteJSON(w, api.Status(fault.Forbidden), failure{Error: why})
}

// preflight lets a page on another port of this machine read the answers, and
// reports whether the request was only the question if it may call.
func preflight(w http.ResponseWriter, r *http.Request, origin string) bool {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
	header.Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
	header.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// isLoopback reports whether a Host, with or without a port, is a name of this
// machine that no DNS server can point elsewhere.
func isLoopback(hostPort string) bool {
	name := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(name))
}

func isLoopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && isLoopback(u.Host) &&
		u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
}
