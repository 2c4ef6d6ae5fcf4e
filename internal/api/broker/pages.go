package broker

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"gatehouse/internal/api"
)

// Pages renders the broker's templates. Make one with NewPages.
//
// A page's script learns what it needs from data-* attributes, and the rest by
// JSON from these routes, which want the transaction's cookie:
//
//	POST /auth/begin  {tx, origin, switch}  200 {next, launcher, host}   go to next
//	                                        4xx {page, message, origin}  show page; "Back to the editor" posts message to origin, when both are there
//	POST /auth/claim  {tx}                  200 {message, origin}        post it
//	                                        409 {pending: true}          not finished yet: ask again
//	                                        4xx {page}                   show page
//	POST /auth/report {tx, page}            any                          page is an id of Help, or "undelivered": the message was posted and nobody closed the window, or "opener-kept": the second window came back with its opener
//
// where switch asks for another account at the host, and page is a Help.
type Pages struct {
	log       *slog.Logger
	assets    *api.Assets
	templates map[string]*template.Template
}

// NewPages parses the templates of fsys: layout.html, and one file per page.
// The other files there are served as they are.
func NewPages(fsys fs.FS, log *slog.Logger) (*Pages, error) {
	p := &Pages{log: log, templates: map[string]*template.Template{}}
	names, err := fs.Glob(fsys, "*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == "layout.html" {
			continue
		}
		t, err := template.ParseFS(fsys, "layout.html", name)
		if err != nil {
			return nil, fmt.Errorf("the broker's page %s: %w", name, err)
		}
		p.templates[strings.TrimSuffix(name, ".html")] = t
	}
	if p.assets, err = api.NewAssets(fsys); err != nil {
		return nil, err
	}
	p.assets.Immutable = true
	return p, nil
}

// Mount serves the pages' styles and scripts.
func (p *Pages) Mount(mux *http.ServeMux) {
	mux.Handle("/auth/assets/{version}/{file}", methods{http.MethodGet: func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("file")
		if strings.HasSuffix(name, ".html") { // a template is no page
			http.NotFound(w, r)
			return
		}
		p.assets.ServeFile(w, r, name)
	}})
}

// PopupView is the page that a CMS opens: it learns who opened it, and goes on
// to the host.
type PopupView struct {
	Tx        string // the transaction
	Provider  string // as the CMS spelled it
	HostName  string // "GitHub", for people
	SiteTitle string // empty: not known before the opener is
	OurOrigin string // what base_url must be
	Config    string // block for config.yml
}

// Popup answers with the page that a CMS opens.
func (p *Pages) Popup(w http.ResponseWriter, r *http.Request, v PopupView) {
	v.HostName = orHost(v.HostName)
	p.render(w, r, http.StatusOK, "popup", struct {
		frame
		PopupView
		NoOpener, NoAnswer, OpenerGone Help
		Blank                          Help // filled in by the script
	}{p.frame(), v, helpNoOpener(), helpNoAnswer(v.OurOrigin, v.Config), helpOpenerGone(), Help{}})
}

// ResultView is the page that the host returns to. It holds no token: the
// script claims the message.
type ResultView struct {
	Tx        string
	OK        bool
	Launcher  bool  // this is the second window; the first one has the opener
	Help      *Help // why it is not OK
	HostName  string
	SiteTitle string
}

// Result answers with the page that the host returns to: 200 for a sign-in
// that worked and for one that did not, since the script goes on in both.
func (p *Pages) Result(w http.ResponseWriter, r *http.Request, v ResultView) {
	v.HostName = orHost(v.HostName)
	if !v.OK && v.Help == nil {
		h := helpUpstream(v.HostName)
		v.Help = &h
	}
	p.render(w, r, http.StatusOK, "result", struct {
		frame
		ResultView
		OpenerGone Help
		Blank      Help // filled in by the script
	}{p.frame(), v, helpOpenerGone(), Help{}})
}

// Help answers with a page that says what is wrong and what to do. It posts no
// message to anybody.
func (p *Pages) Help(w http.ResponseWriter, r *http.Request, status int, h Help) {
	p.render(w, r, status, "help", struct {
		frame
		Help
	}{p.frame(), h})
}

// frame is what the layout needs.
type frame struct {
	Assets string // URL of the styles and scripts
}

func (p *Pages) frame() frame {
	return frame{Assets: "/auth/assets/" + p.assets.Version() + "/"}
}

// policy lets a page load its own files, and nobody show it in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// setHeaders sets what every answer of the broker to a window has. There is no
// Cross-Origin-Opener-Policy: it would cut the popup off from the CMS.
func setHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Security-Policy", policy)
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Del("Cross-Origin-Opener-Policy")
}

func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, name string, view any) {
	setHeaders(w.Header())
	var page bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&page, "layout", view); err != nil {
		p.log.ErrorContext(r.Context(), "a page could not be rendered", "page", name, "error", err)
		http.Error(w, "The page could not be shown. This has been logged.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the client has gone when this fails
}

func orHost(name string) string {
	if name == "" {
		return "the Git host"
	}
	return name
}
