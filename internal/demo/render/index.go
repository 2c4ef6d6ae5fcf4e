package render

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// index is everything that is in one commit, without the pictures.
type index struct {
	settings map[string]*document // "site", "opening"
	entries  map[string][]*entry  // by section, in the order of its listing
	pages    map[string]*document // by address, "" is the front page
}

// entry is one entry of a section, in all its languages.
type entry struct {
	slug  string
	texts map[string]*document // by locale
	date  time.Time
}

// in is the entry in a language, or in the first one that it has.
func (e *entry) in(locale string, locales []string) (d *document, got string) {
	for _, l := range append([]string{locale}, locales...) {
		if d := e.texts[l]; d != nil {
			return d, l
		}
	}
	return nil, ""
}

const keepIndexes = 8

// indexOf reads a commit once and remembers it. Documents are remembered by
// blob, so that a new commit costs what has changed.
func (s *Site) indexOf(ctx context.Context, commit git.ID) (*index, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.indexes[commit]; x != nil {
		return x, nil
	}
	files, err := s.Repo.Tree(ctx, commit, "", 0)
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f git.Entry) bool { return !s.isContent(f) })
	if err := s.read(ctx, files); err != nil {
		return nil, err
	}
	x := s.arrange(files)
	if len(s.indexes) >= keepIndexes {
		clear(s.indexes)
	}
	s.indexes[commit] = x
	return x, nil
}

func (s *Site) isContent(f git.Entry) bool {
	if f.Mode != git.ModeFile && f.Mode != git.ModeExecutable {
		return false
	}
	return strings.HasPrefix(f.Path, "content/") || strings.HasPrefix(f.Path, "data/")
}

// read fills docs with what is not there yet, and forgets what is long gone.
func (s *Site) read(ctx context.Context, files []git.Entry) error {
	if len(s.docs) > 2*len(files)+1000 {
		clear(s.docs)
	}
	var ids []git.ID
	names := map[git.ID]string{}
	for _, f := range files {
		if s.docs[f.ID] == nil && names[f.ID] == "" {
			ids = append(ids, f.ID)
			names[f.ID] = f.Path
		}
	}
	for b, err := range s.Repo.Blobs(ctx, ids) {
		if err != nil {
			return err
		}
		s.docs[b.ID] = parse(names[b.ID], b.Data)
	}
	return nil
}

func (s *Site) arrange(files []git.Entry) *index {
	x := &index{settings: map[string]*document{}, entries: map[string][]*entry{}, pages: map[string]*document{}}
	bySlug := map[string]*entry{}
	for _, f := range files {
		doc := s.docs[f.ID]
		if doc == nil {
			continue // missing object; the page says what it can
		}
		if dir, base := path.Split(f.Path); dir == "data/" {
			x.settings[strings.TrimSuffix(base, path.Ext(base))] = doc
			continue
		}
		if address, ok := s.pageAddress(f.Path); ok {
			x.pages[address] = doc
			continue
		}
		for i := range s.Sections {
			s.place(x, bySlug, &s.Sections[i], f.Path, doc)
		}
	}
	for i := range s.Sections {
		sortEntries(x.entries[s.Sections[i].Name], s.Sections[i].Oldest)
	}
	return x
}

// pageAddress is where a page is shown.
func (s *Site) pageAddress(file string) (string, bool) {
	rest, ok := strings.CutPrefix(file, s.Pages+"/")
	if !ok || path.Ext(rest) != ".md" {
		return "", false
	}
	rest = strings.TrimSuffix(rest, ".md")
	if s.Nested {
		rest = strings.TrimSuffix("/"+rest, "/index")
	}
	return strings.Trim(rest, "/"), true
}

// place puts one file where it belongs, if it belongs to sec.
func (s *Site) place(x *index, bySlug map[string]*entry, sec *Section, file string, doc *document) {
	rest, ok := strings.CutPrefix(file, sec.Folder+"/")
	if !ok || path.Ext(rest) != sec.Ext {
		return
	}
	slug, locale := s.split(sec, strings.TrimSuffix(rest, sec.Ext))
	if slug == "" || strings.Contains(slug, "/") {
		return
	}
	key := sec.Name + "/" + slug
	e := bySlug[key]
	if e == nil {
		e = &entry{slug: slug, texts: map[string]*document{}}
		bySlug[key] = e
		x.entries[sec.Name] = append(x.entries[sec.Name], e)
	}
	if sec.I18n != SingleFile {
		e.texts[locale] = doc
	} else {
		for _, l := range s.Locales {
			if t := doc.in(l); t != nil {
				e.texts[l] = t
			}
		}
	}
	for _, t := range e.texts {
		if d := t.date(); !d.IsZero() {
			e.date = d
		}
	}
}

// split takes a file's name apart into slug and language.
func (s *Site) split(sec *Section, name string) (slug, locale string) {
	switch sec.I18n {
	case MultipleFolders:
		locale, slug, _ = strings.Cut(name, "/")
	case MultipleFiles:
		locale = strings.TrimPrefix(path.Ext(name), ".")
		slug = strings.TrimSuffix(name, path.Ext(name))
	default:
		return name, s.Locales[0]
	}
	if !slices.Contains(s.Locales, locale) {
		return "", ""
	}
	return slug, locale
}

// sortEntries orders by date, newest first unless oldest; then by name.
func sortEntries(list []*entry, oldest bool) {
	slices.SortFunc(list, func(a, b *entry) int {
		byDate := b.date.Compare(a.date)
		if oldest {
			byDate = -byDate
		}
		return cmp.Or(byDate, strings.Compare(a.slug, b.slug))
	})
}

// find is an entry of a section.
func (x *index) find(section, slug string) (*entry, error) {
	for _, e := range x.entries[section] {
		if e.slug == slug {
			return e, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no such page. It may not be published yet, or it has moved.")
}
