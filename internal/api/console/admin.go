package console

import (
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"gatehouse/internal/auth"
	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/site"
)

// Admin is the editor of one site at admin/: the CMS's own script bundle, our
// adapter between it and the content API, and the site's configuration.
//
//	GET admin                               → admin/
//	GET admin/                              the page; the way to sign in for who is not
//	GET admin/config.js                     window.CMS_CONFIG: the site's config.yml
//	GET admin/seed.js                       window.repoFiles of a site on test-repo
//	GET admin/assets/{set}/{file}           bundle and adapter; the set's name has its version
//	GET admin/custom/{commit}/{path}        the site's own widgets and preview styles
//
// All links are relative, so that the page works below /s/{site}/ too. Fields
// are set before Mount.
type Admin struct {
	Site   *site.Site
	Files  *AdminFiles
	Bundle string // "decap-cms" or "netlify-cms"; empty: decap-cms
	// Principal says who is calling. Nil: the page is open to everyone and keeps
	// everything in the browser (test-repo).
	Principal func(r *http.Request) (auth.Principal, error)
	// Config is the site's config.yml at the head of its branch.
	Config func(ctx context.Context) (*cms.Config, error)
	// Scripts and Styles are paths in the repository: widgets and previews that
	// the page loads after the bundle, at one commit, and style sheets of previews.
	Scripts, Styles []string
	// Seed is what a test-repo starts with: a tree of folders, whose leaves are
	// {"content": text}. Nil: nothing.
	Seed map[string]any
	// Notice stands above the editor; empty: nothing does.
	Notice string
	Log    *slog.Logger
}

// Mount adds the routes.
func (a *Admin) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin", func(w http.ResponseWriter, _ *http.Request) {
		// Not http.Redirect, which makes the address absolute and so loses the
		// prefix that was taken off before.
		w.Header().Set("Location", "admin/")
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("GET /admin/{$}", a.page)
	mux.HandleFunc("GET /admin/index.html", a.page)
	mux.HandleFunc("GET /admin/config.js", a.config)
	mux.HandleFunc("GET /admin/seed.js", a.seed)
	mux.HandleFunc("GET /admin/assets/{set}/{file...}", a.Files.serve)
	mux.HandleFunc("GET /admin/custom/{commit}/{path...}", a.custom)
}

// pageData is what the page's template shows.
type pageData struct {
	Title, Ours, Bundle string
	Scope, Person       string
	Scripts             []script
	Styles              []string
	Adapter, Seed       bool
	Notice              string
}

func (a *Admin) page(w http.ResponseWriter, r *http.Request) {
	a.headers(w, r)
	who, err := a.enter(r)
	if fault.Is(err, fault.Unauthenticated) {
		a.render(w, r, http.StatusOK, a.Files.signIn, a.base())
		return
	}
	if err != nil {
		a.problem(w, r, "You cannot open this editor", err)
		return
	}
	bundle, err := a.Files.bundle(a.Bundle)
	if err != nil {
		a.problem(w, r, "The editor is not in this build", err)
		return
	}
	if _, err := a.document(r.Context()); err != nil {
		a.problem(w, r, "The site's configuration cannot be used", err)
		return
	}
	data := a.base()
	data.Bundle = bundle.script()
	data.Adapter, data.Seed = a.Principal != nil, a.Seed != nil
	data.Notice = a.Notice
	data.Person = who.Email
	data.Scope = "gatehouse:" + scopePart(who.UserID) + ":" + scopePart(a.Site.Name) + ":"
	if data.Scripts, data.Styles, err = a.pinned(r.Context()); err != nil {
		a.problem(w, r, "A script or style sheet of this site is missing", err)
		return
	}
	a.render(w, r, http.StatusOK, a.Files.page, data)
}

// scopePart keeps the parts of a storage name apart.
func scopePart(s string) string {
	if s == "" {
		return "anyone"
	}
	return strings.ReplaceAll(s, ":", "_")
}

func (a *Admin) base() pageData {
	return pageData{Title: a.Site.DisplayName(), Ours: a.Files.ours()}
}

// enter says who is calling, if they may read the site.
func (a *Admin) enter(r *http.Request) (auth.Principal, error) {
	if a.Principal == nil {
		return auth.Principal{}, nil
	}
	who, err := a.Principal(r)
	if err != nil {
		return auth.Principal{}, err
	}
	return who, a.Site.CanRead(who)
}

// config answers with the site's configuration as a script, complete with the
// bundle's own defaults: the bundle then neither fetches nor validates one,
// which would need 'unsafe-eval'.
func (a *Admin) config(w http.ResponseWriter, r *http.Request) {
	if _, err := a.enter(r); err != nil {
		a.emptyScript(w) // boot.mjs sees that nothing was set, and goes to sign in
		return
	}
	document, err := a.document(r.Context())
	if err != nil {
		a.logged(r, err)
		a.emptyScript(w)
		return
	}
	a.assign(w, r, "CMS_CONFIG", document)
}

func (a *Admin) document(ctx context.Context) (map[string]any, error) {
	bundle, err := a.Files.bundle(a.Bundle)
	if err != nil {
		return nil, err
	}
	c, err := a.Config(ctx)
	if err != nil {
		return nil, err
	}
	return c.Document(bundle.generation())
}

// seed answers with the files that a test-repo starts with. That backend looks
// a collection's folder up as one key of the tree, slashes and all, so each
// folder is entered under that key too: the same object by another name.
func (a *Admin) seed(w http.ResponseWriter, r *http.Request) {
	if a.Seed == nil {
		http.NotFound(w, r)
		return
	}
	c, err := a.Config(r.Context())
	if err != nil {
		a.logged(r, err)
		a.emptyScript(w)
		return
	}
	folders := []string{c.MediaFolder}
	for _, collection := range c.Collections {
		folders = append(folders, collection.Folder)
	}
	a.assign(w, r, "repoFiles", a.Seed)
	a.assign(w, r, "repoFolders", folders)
	_, _ = w.Write([]byte(`for (const folder of repoFolders.filter((f) => f.includes("/"))) {
  repoFiles[folder] = folder.split("/").reduce((at, name) => (at[name] ??= {}), repoFiles);
}
`)) // the client has gone when this fails
}

// assign answers with a script that sets one global variable.
func (a *Admin) assign(w http.ResponseWriter, r *http.Request, name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		a.logged(r, err)
		a.emptyScript(w)
		return
	}
	scriptHeaders(w)
	_, _ = w.Write([]byte("window." + name + " = " + string(text) + ";\n")) // the client has gone when this fails
}

func (a *Admin) emptyScript(w http.ResponseWriter) {
	scriptHeaders(w)
}

func scriptHeaders(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
}

// problemData is what the page of a problem says.
type problemData struct {
	pageData
	Heading string
	Lines   []string
	Account bool
}

func (a *Admin) problem(w http.ResponseWriter, r *http.Request, heading string, err error) {
	a.logged(r, err)
	lines := strings.FieldsFunc(fault.Message(err), func(c rune) bool { return c == '\n' })
	a.render(w, r, http.StatusOK, a.Files.problem, problemData{pageData: a.base(), Heading: heading, Lines: lines, Account: a.Principal != nil})
}

func (a *Admin) logged(r *http.Request, err error) {
	kind := fault.KindOf(err)
	if kind != fault.Internal && kind != fault.Unavailable {
		return
	}
	a.Log.ErrorContext(r.Context(), "admin page", slog.String("site", a.Site.Name), slog.Any("error", err))
}

func (a *Admin) render(w http.ResponseWriter, r *http.Request, status int, t *template.Template, data any) {
	var page strings.Builder
	if err := t.Execute(&page, data); err != nil {
		a.logged(r, errors.New("template "+t.Name()+": "+err.Error()))
		http.Error(w, "The page cannot be shown. It has been logged.", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page.String())) // the client has gone when this fails
}
