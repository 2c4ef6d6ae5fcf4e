// Package render shows a sample site as pages, straight from its repository:
// what is on its branch, or what one commit of a draft would make of it. It
// knows the layout of the samples and nothing else; a real site has a
// generator of its own.
//
//	{base}/                         front page
//	{base}/{section}/               all entries of a section, in pages
//	{base}/{section}/{slug}/        one entry
//	{base}/{path}/                  a page
//	{base}/de/{…}                   the same in another language
//	{base}/{media}/{file}           a picture
//	{base}/-/draft/{commit}/{…}     any of these, as of a commit
//
// Texts come from anybody who may write a draft, so nothing in them is
// trusted: Markdown without raw HTML, links by an allowlist, and a
// Content-Security-Policy that runs no script.
package render

import (
	"context"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// Structure is how a section's translations are stored; empty: it has none.
type Structure string

// The structures, as the CMS calls them.
const (
	SingleFile      Structure = "single_file"
	MultipleFiles   Structure = "multiple_files"
	MultipleFolders Structure = "multiple_folders"
)

// Section is one kind of entry.
type Section struct {
	Name   string // in the address
	Title  string // above a listing
	Folder string
	Ext    string // with the dot
	I18n   Structure
	Front  int    // so many on the front page
	Style  string // of its listing there: cards, dates, notes
	Oldest bool   // oldest first: what is still to come
	Facts  []Fact // fields that are shown in a list
}

// Fact is a field and what it is called on the page.
type Fact struct{ Field, Label string }

// Site is one sample site. Fields are set before use; make it ready with New.
type Site struct {
	Base     string // where it is mounted, "/site"
	Branch   string
	Theme    string // a class of the style sheet
	Style    string // address of the style sheet
	Media    string // folder of pictures in the repository
	Public   string // what content calls that folder, "/uploads"
	Pages    string // folder of pages
	Nested   bool   // pages are index.md in folders of their own
	Locales  []string
	Sections []Section
	Repo     *git.Repo
	Log      *slog.Logger

	pages   *template.Template
	mu      sync.Mutex
	docs    map[git.ID]*document
	indexes map[git.ID]*index
}

// New reads the templates from pages (site.html) and makes s ready.
func New(s *Site, pages fs.FS) (*Site, error) {
	t, err := template.New("site.html").Funcs(helpers()).ParseFS(pages, "site.html")
	if err != nil {
		return nil, err
	}
	s.pages = t
	s.docs = map[git.ID]*document{}
	s.indexes = map[git.ID]*index{}
	return s, nil
}

// Mount adds the site's pages to mux, below Base.
func (s *Site) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+s.Base+"/{rest...}", s.serve)
}

// policy lets a page load its style sheet and its own pictures, and run
// nothing.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	q, err := s.request(r)
	if err == nil {
		err = s.answer(w, r, q)
	}
	if err != nil {
		s.fail(w, r, q, err)
	}
}

// query is one request, resolved: which commit, which language, which path.
type query struct {
	base   string // for links: Base, or the draft's
	commit git.ID
	draft  *git.Commit // the draft's commit, nil on the site itself
	live   bool        // the draft has been published
	locale string
	rest   string // without slashes at the ends
	index  *index
}

func (s *Site) request(r *http.Request) (*query, error) {
	q := &query{base: s.Base, rest: strings.Trim(r.PathValue("rest"), "/"), locale: s.Locales[0]}
	rev := "refs/heads/" + s.Branch
	if after, ok := strings.CutPrefix(q.rest+"/", "-/draft/"); ok {
		rev, q.rest, _ = strings.Cut(after, "/")
		q.rest = strings.Trim(q.rest, "/")
		if len(rev) < 40 || strings.Trim(rev, "0123456789abcdef") != "" {
			return q, fault.New(fault.NotFound, "A draft's address names the whole id of its commit.")
		}
	}
	if err := s.load(r.Context(), q, rev); err != nil {
		return q, err
	}
	for _, l := range s.Locales[1:] {
		if after, ok := strings.CutPrefix(q.rest+"/", l+"/"); ok {
			q.locale, q.rest = l, strings.Trim(after, "/")
		}
	}
	return q, nil
}

// load finds the commit and what is in it.
func (s *Site) load(ctx context.Context, q *query, rev string) error {
	commit, err := s.Repo.Resolve(ctx, rev)
	if err != nil {
		return err
	}
	q.commit = commit
	if !strings.HasPrefix(rev, "refs/") {
		c, err := s.Repo.Commit(ctx, commit)
		if err != nil {
			return err
		}
		q.draft, q.base = &c, s.Base+"/-/draft/"+rev
		if q.live, err = s.published(ctx, commit); err != nil {
			return err
		}
	}
	q.index, err = s.indexOf(ctx, commit)
	return err
}

// published reports whether a commit is a part of the site by now.
func (s *Site) published(ctx context.Context, commit git.ID) (bool, error) {
	site, err := s.Repo.Resolve(ctx, "refs/heads/"+s.Branch)
	if err != nil {
		return false, err
	}
	return s.Repo.IsAncestor(ctx, commit, site)
}

// answer finds out what is asked for. Sections come before pages.
func (s *Site) answer(w http.ResponseWriter, r *http.Request, q *query) error {
	if q.rest == "" {
		return s.front(w, q)
	}
	if file, ok := strings.CutPrefix("/"+q.rest, s.Public+"/"); ok && fs.ValidPath(file) {
		return s.picture(w, r, q, path.Join(s.Media, file))
	}
	name, slug, _ := strings.Cut(q.rest, "/")
	for i := range s.Sections {
		if sec := &s.Sections[i]; sec.Name == name {
			if slug == "" {
				return s.list(w, r, q, sec)
			}
			return s.entry(w, r, q, sec, slug)
		}
	}
	return s.page(w, r, q)
}

// fail shows an error in the site's own clothes. A site that cannot be read at
// all gets plain words.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, q *query, err error) {
	status := http.StatusInternalServerError
	if fault.Is(err, fault.NotFound) {
		status = http.StatusNotFound
	} else {
		s.Log.ErrorContext(r.Context(), "sample site", "path", r.URL.Path, "err", err)
	}
	if q.index == nil {
		http.Error(w, fault.Message(err), status)
		return
	}
	v := s.view(q, "missing", "Not found")
	v.Message = fault.Message(err)
	s.execute(w, status, v)
}
