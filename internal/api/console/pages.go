package console

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
)

// Pages renders the console's templates. Make one with NewPages.
type Pages struct {
	log       *slog.Logger
	assets    *api.Assets
	tongues   *tongues
	templates map[string]map[string]*template.Template // by language and page
}

// NewPages parses the templates of fsys, once for each language: layout.html, and
// one file per page. In words/ are the languages beside English. The other files
// there are served as they are.
func NewPages(fsys fs.FS, log *slog.Logger) (p *Pages, err error) {
	p = &Pages{log: log, templates: map[string]map[string]*template.Template{}}
	if p.tongues, err = readTongues(fsys); err != nil {
		return nil, err
	}
	for tongue, words := range p.tongues.words {
		if p.templates[tongue], err = parse(fsys, words); err != nil {
			return nil, err
		}
	}
	if p.assets, err = api.NewAssets(fsys); err != nil {
		return nil, err
	}
	p.assets.Immutable = true
	return p, nil
}

// parse makes the pages of one language.
func parse(fsys fs.FS, words *catalogue) (map[string]*template.Template, error) {
	names, err := fs.Glob(fsys, "*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		if name == "layout.html" {
			continue
		}
		t, err := template.New(name).Funcs(words.funcs()).ParseFS(fsys, "layout.html", name)
		if err != nil {
			return nil, fmt.Errorf("the console's page %s: %w", name, err)
		}
		pages[strings.TrimSuffix(name, ".html")] = t
	}
	return pages, nil
}

// Mount serves the pages' styles and scripts.
func (p *Pages) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/assets/{version}/{file}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("file")
		if strings.HasSuffix(name, ".html") { // a template is no page
			http.NotFound(w, r)
			return
		}
		p.assets.ServeFile(w, r, name)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		p.assets.ServeFile(w, r, "favicon.svg")
	})
}

// Frame is what the layout needs; every page's view has one.
type Frame struct {
	Assets   string // URL of the styles and scripts, relative to the page
	Console  string // URL of the account page
	Logout   string // URL of the sign-out page
	Person   string // who is signed in; empty: nobody
	Operator bool   // the person runs this server
	Manages  bool   // the person manages people: those of a site, or all
	Language string // of the page
	Lang     string // that the address asks for, to be carried on; empty: none
	Here     string // path of the page, for the navigation
	Nonce    string // admits the page's own scripts and styles
}

// frame prepares the layout for the page that r asks for.
func (p *Pages) frame(r *http.Request) Frame { return p.frameIn(r, "") }

// frameIn is frame in a language (a tag, or empty) unless the browser has
// another.
func (p *Pages) frameIn(r *http.Request, fallback string) Frame {
	base := base(r)
	tongue, asked := p.tongues.choose(r, fallback)
	return Frame{
		Language: tongue, Lang: asked,
		Assets:  base + "console/assets/" + p.assets.Version() + "/",
		Console: "/console/",
		Logout:  base + "logout",
		Nonce:   rand.Text(),
	}
}

// personal is frame with the navigation of somebody who is signed in.
func (p *Pages) personal(r *http.Request, who auth.Principal) Frame {
	f := p.frame(r)
	f.Person, f.Operator, f.Manages, f.Here = nameOf(who), who.Operator, who.Operator, r.URL.Path
	return f
}

// inEnglish is personal for pages that speak English alone.
func (p *Pages) inEnglish(r *http.Request, who auth.Principal) Frame {
	f := p.personal(r, who)
	f.Language = english
	return f
}

// base leads from the page that r asks for to the root of its mux.
func base(r *http.Request) string {
	return strings.Repeat("../", max(strings.Count(r.URL.EscapedPath(), "/")-1, 0))
}

// ancestors says which pages may show a page in a frame.
type ancestors string

const (
	nobody    ancestors = "'none'"
	ourselves ancestors = "'self'"
)

// render answers with a page. Nothing of it may be kept by a cache, and nothing
// but its own files be loaded by it.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, name string, frame Frame, framed ancestors, view any) {
	var page bytes.Buffer
	if err := p.templates[frame.Language][name].ExecuteTemplate(&page, "layout", view); err != nil {
		p.log.ErrorContext(r.Context(), "a page could not be rendered", "page", name, "error", err)
		http.Error(w, "The page could not be shown. This has been logged.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", fmt.Sprintf(
		"default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors %s",
		frame.Nonce, frame.Nonce, framed))
	if framed == nobody {
		h.Set("X-Frame-Options", "DENY")
	}
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the client has gone when this fails
}
