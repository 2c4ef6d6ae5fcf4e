package render

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
)

func (s *Site) front(w http.ResponseWriter, q *query) error {
	v := s.view(q, "front", "")
	for _, name := range []string{"", "index"} {
		if p := q.index.pages[name]; p != nil {
			v.Intro, v.Body = p.text("intro"), s.markdown(q.base, p.markdown())
		}
	}
	if d := q.index.settings["opening"]; d != nil {
		v.Hours = &hours{Remark: d.text("remark")}
		for _, x := range d.groups("days") {
			v.Hours.Days = append(v.Hours.Days, fact{x.text("day"), x.text("hours")})
		}
	}
	for i := range s.Sections {
		sec := &s.Sections[i]
		entries := q.index.entries[sec.Name]
		if n := min(sec.Front, len(entries)); n > 0 {
			v.Blocks = append(v.Blocks, s.block(q, v, sec, entries[:n]))
		}
	}
	s.execute(w, http.StatusOK, v)
	return nil
}

func (s *Site) list(w http.ResponseWriter, r *http.Request, q *query, sec *Section) error {
	v := s.view(q, "list", sec.Title)
	entries := q.index.entries[sec.Name]
	if v.Tag = r.URL.Query().Get("tag"); v.Tag != "" {
		entries = slices.DeleteFunc(slices.Clone(entries), func(e *entry) bool {
			d, _ := e.in(q.locale, s.Locales)
			return d == nil || !slices.Contains(d.list("tags"), v.Tag)
		})
	}
	v.Nav.Pages = max(1, (len(entries)+perPage-1)/perPage)
	v.Nav.Number, _ = strconv.Atoi(r.URL.Query().Get("page")) // anything odd is page 1
	v.Nav.Number = min(max(v.Nav.Number, 1), v.Nav.Pages)
	from := (v.Nav.Number - 1) * perPage
	b := s.block(q, v, sec, entries[from:min(from+perPage, len(entries))])
	b.Top = true
	v.Blocks = []block{b}
	address := func(n int) string {
		return fmt.Sprintf("%s%s/?%s", v.Home, sec.Name, url.Values{"page": {strconv.Itoa(n)}, "tag": {v.Tag}}.Encode())
	}
	if v.Nav.Number > 1 {
		v.Nav.Newer = address(v.Nav.Number - 1)
	}
	if v.Nav.Number < v.Nav.Pages {
		v.Nav.Older = address(v.Nav.Number + 1)
	}
	s.execute(w, http.StatusOK, v)
	return nil
}

func (s *Site) entry(w http.ResponseWriter, _ *http.Request, q *query, sec *Section, slug string) error {
	e, err := q.index.find(sec.Name, slug)
	if err != nil {
		return err
	}
	v := s.view(q, "entry", "")
	v.Item = s.item(q, v, sec, e)
	if v.Item == nil {
		return fault.New(fault.NotFound, "This entry has no text.")
	}
	v.Title = v.Item.Title
	d, _ := e.in(q.locale, s.Locales)
	v.Item.Body = s.markdown(q.base, d.markdown())
	for _, l := range s.Locales {
		if e.texts[l] == nil || len(e.texts) < 2 {
			continue
		}
		home := q.base + "/"
		if l != s.Locales[0] {
			home += l + "/"
		}
		v.Item.Languages = append(v.Item.Languages, link{l, home + sec.Name + "/" + escape(slug) + "/", l == v.Item.Locale})
	}
	v.Blocks = []block{{Title: sec.Title, URL: v.Home + sec.Name + "/"}}
	s.execute(w, http.StatusOK, v)
	return nil
}

func (s *Site) page(w http.ResponseWriter, _ *http.Request, q *query) error {
	d := q.index.pages[q.rest]
	if d == nil {
		return fault.New(fault.NotFound, "There is no such page. It may not be published yet, or it has moved.")
	}
	v := s.view(q, "page", d.text("title"))
	v.Intro, v.Body = d.text("intro"), s.markdown(q.base, d.markdown())
	if d.broken {
		v.Message = "The fields at the head of this page cannot be read."
	}
	for _, address := range below(q.index.pages, q.rest) {
		title := q.index.pages[address].text("title")
		v.Below = append(v.Below, link{Label: title, URL: v.Home + escape(address) + "/"})
	}
	s.execute(w, http.StatusOK, v)
	return nil
}

// below lists the pages directly below one, by address.
func below(pages map[string]*document, parent string) []string {
	var list []string
	for address := range pages {
		if dir, _ := path.Split(address); strings.Trim(dir, "/") == parent && address != "" {
			list = append(list, address)
		}
	}
	slices.Sort(list)
	return list
}
