package render

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// view is what site.html gets. Kind chooses the part that is shown.
type view struct {
	Kind, Title, Theme, Style string
	Base, Home                string // Home has the language in it
	Locale                    string
	Site                      settings
	Draft                     *draftNote
	Message                   string

	Intro  string
	Body   template.HTML
	Blocks []block // the front page's sections, or the one of a listing
	Hours  *hours
	Item   *item
	Below  []link // pages below this one
	Nav    paging
	Tag    string
}

type settings struct {
	Title, Tagline, Hero, HeroAlt, Mark, Footer string
	Menu                                        []link
}

type link struct {
	Label, URL string
	Current    bool
}

type draftNote struct {
	Author, When, Commit, Site string
	Live                       bool
}

type block struct {
	Title, Style, URL string
	Items             []*item
	Top               bool // the listing is the whole page: no heading between
}

type hours struct {
	Remark string
	Days   []fact
}

type fact struct{ Label, Value string }

// item is one entry, ready to be shown.
type item struct {
	Title, URL, Locale, Image, Alt, Author, Intro string
	Date                                          time.Time
	Tags, Languages                               []link
	Facts                                         []fact
	Body                                          template.HTML
	Urgent, Broken                                bool
}

type paging struct {
	Number, Pages int
	Newer, Older  string
}

const perPage = 24

// helpers are the functions of the templates.
func helpers() template.FuncMap {
	return template.FuncMap{
		"day":   day,
		"month": func(t time.Time) string { return t.Format("Jan") },
		"dom":   func(t time.Time) int { return t.Day() },
		"clock": func(t time.Time) string { return t.Format("15:04") },
		"stamp": func(t time.Time) string { return t.Format(time.RFC3339) },
	}
}

func day(t time.Time) string { return t.Format("2 January 2006") }

// view begins the view of one request.
func (s *Site) view(q *query, kind, title string) *view {
	v := &view{Kind: kind, Title: title, Theme: s.Theme, Style: s.Style, Base: q.base, Home: q.base + "/", Locale: q.locale}
	if q.locale != s.Locales[0] {
		v.Home += q.locale + "/"
	}
	d := q.index.settings["site"]
	if d == nil {
		d = &document{}
	}
	v.Site = settings{
		Title: d.text("title"), Tagline: d.text("tagline"), HeroAlt: d.text("heroAlt"), Footer: d.text("footer"),
		Hero: s.image(q, d.text("hero")), Mark: s.image(q, d.text("mark")),
	}
	for _, m := range d.groups("menu") {
		to := strings.Trim(m.text("path"), "/")
		current := to != "" && (q.rest == to || strings.HasPrefix(q.rest, to+"/"))
		v.Site.Menu = append(v.Site.Menu, link{m.text("label"), v.Home + escape(to), current})
	}
	if q.draft != nil {
		v.Draft = &draftNote{Author: q.draft.Author.Name, When: day(q.draft.Author.When), Commit: string(q.commit)[:10], Site: s.Base + "/", Live: q.live}
	}
	return v
}

// image is a picture's address; only the site's own are shown.
func (s *Site) image(q *query, name string) string {
	file, ok := strings.CutPrefix(name, s.Public+"/")
	if !ok {
		return ""
	}
	return q.base + s.Public + "/" + escape(file)
}

// escape keeps the slashes of a path.
func escape(p string) string { return (&url.URL{Path: p}).EscapedPath() }

func (s *Site) execute(w http.ResponseWriter, status int, v *view) {
	out := &bytes.Buffer{}
	if err := s.pages.Execute(out, v); err != nil {
		s.Log.Error("sample page", "kind", v.Kind, "err", err)
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the client has gone when this fails
}

func (s *Site) block(q *query, v *view, sec *Section, entries []*entry) block {
	b := block{Title: sec.Title, Style: sec.Style, URL: v.Home + sec.Name + "/"}
	for _, e := range entries {
		if it := s.item(q, v, sec, e); it != nil {
			b.Items = append(b.Items, it)
		}
	}
	return b
}

// item is an entry as a listing shows it: without its text.
func (s *Site) item(q *query, v *view, sec *Section, e *entry) *item {
	d, locale := e.in(q.locale, s.Locales)
	if d == nil {
		return nil
	}
	it := &item{
		Title: d.text("title"), URL: v.Home + sec.Name + "/" + escape(e.slug) + "/", Locale: locale, Date: e.date,
		Image: s.image(q, d.text("image")), Alt: d.text("alt"), Author: d.text("author"),
		Urgent: d.fields["urgent"] == true, Broken: d.broken,
	}
	if it.Title == "" {
		it.Title = e.slug
	}
	it.Intro = opening(d.markdown())
	for _, t := range d.list("tags") {
		it.Tags = append(it.Tags, link{Label: t, URL: v.Home + sec.Name + "/?tag=" + url.QueryEscape(t)})
	}
	for _, f := range sec.Facts {
		if value := d.text(f.Field); value != "" {
			it.Facts = append(it.Facts, fact{f.Label, value})
		}
	}
	return it
}

// opening is the first words of a text, without its marks.
func opening(markdown string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(markdown), "\n")
	if strings.ContainsAny(line[:min(1, len(line))], "#|-<!>") {
		return ""
	}
	words := strings.Fields(strings.NewReplacer("**", "", "*", "", "`", "", "_", "").Replace(line))
	if len(words) > 32 {
		return strings.Join(words[:32], " ") + " …"
	}
	return strings.Join(words, " ")
}
