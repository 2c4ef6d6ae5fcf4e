package cms

import (
	"path"
	"slices"
	"strings"
)

// Place is where a path belongs: the file of an entry of a collection.
type Place struct {
	Collection *Collection
	File       *File  // of a file collection; nil in a folder
	Slug       string // the entry's; of a file collection the file's name
	Locale     string // of this file; empty when the path names none
}

// Owner is the collection that a path belongs to. Of several the most specific
// one is taken: a listed file, else the longest folder, else the first.
func (c *Config) Owner(p string) (Place, bool) {
	all := c.places(p)
	if len(all) == 0 {
		return Place{}, false
	}
	best := all[0]
	for _, o := range all[1:] {
		if best.File == nil && (o.File != nil || len(o.Collection.Folder) > len(best.Collection.Folder)) {
			best = o
		}
	}
	return best, true
}

// places are all collections that a path belongs to: collections may share a
// folder and tell their entries apart by a filter.
func (c *Config) places(p string) []Place {
	var out []Place
	for _, x := range c.Collections {
		if at, ok := x.Place(p); ok {
			out = append(out, at)
		}
	}
	if len(out) == 0 && c.rest != nil {
		at, _ := c.rest.Place(p)
		out = append(out, at)
	}
	return out
}

// Place says which entry of the collection a path is, if any.
func (x *Collection) Place(p string) (Place, bool) {
	if x.boundless {
		return x.placeAnywhere(p)
	}
	if x.IsFolder() {
		return x.placeInFolder(p)
	}
	at, ok := x.listed[p]
	return at, ok
}

// list notes the place of every path that the collection's files may have.
func (x *Collection) list() {
	x.listed = map[string]Place{}
	for _, f := range x.Files {
		for locale, p := range f.paths() {
			if _, taken := x.listed[p]; !taken {
				x.listed[p] = Place{Collection: x, File: f, Slug: f.Name, Locale: locale}
			}
		}
	}
}

func (x *Collection) placeInFolder(p string) (Place, bool) {
	rel, ok := below(x.Folder, p)
	if !ok {
		return Place{}, false
	}
	slug, ok := strings.CutSuffix(rel, "."+x.Extension)
	if !ok || slug == "" || strings.HasSuffix(slug, "/") || isHidden(rel) {
		return Place{}, false
	}
	at := Place{Collection: x, Slug: slug}
	if x.I18n != nil {
		at.Slug, at.Locale = x.I18n.split(slug)
	}
	if x.Nested == nil && strings.Count(at.Slug, "/") >= x.depth() {
		return Place{}, false
	}
	return at, true
}

// isHidden reports whether a part of a path begins with a dot: such files are
// for programs, which may run what they say.
func isHidden(p string) bool { return strings.HasPrefix(p, ".") || strings.Contains(p, "/.") }

// split takes the locale off an entry's path below its folder, without its
// extension.
func (i *I18n) split(rel string) (slug, locale string) {
	switch i.Structure {
	case MultipleFolders:
		if first, rest, ok := strings.Cut(rel, "/"); ok && slices.Contains(i.Locales, first) {
			return rest, first
		}
	case MultipleFiles:
		if dot := strings.LastIndexByte(rel, '.'); dot > 0 && slices.Contains(i.Locales, rel[dot+1:]) {
			return rel[:dot], rel[dot+1:]
		}
	}
	return rel, ""
}

// depth is how many levels of entries a folder collection has: what its slug
// and path templates make, without locale folders.
func (x *Collection) depth() int {
	return 1 + max(strings.Count(x.Path, "/"), strings.Count(x.Slug, "/"))
}

// ListDepth is the depth at which entries are listed, as the CMS asks for them.
func (x *Collection) ListDepth() int {
	d := 1 + strings.Count(x.Path, "/")
	if x.Nested != nil {
		d = x.Nested.Depth
	}
	if x.I18n != nil && x.I18n.Structure == MultipleFolders {
		d++
	}
	return d
}

// EntryPaths are the files of an entry, one for each locale where translations
// are files of their own; the default locale's comes first.
func (x *Collection) EntryPaths(slug string) []string {
	if !x.IsFolder() {
		f := x.File(slug)
		if f == nil {
			return nil
		}
		return []string{f.Path}
	}
	name := slug + "." + x.Extension
	if x.I18n == nil || x.I18n.Structure == SingleFile {
		return []string{path.Join(x.Folder, name)}
	}
	locales := append([]string{x.I18n.Default}, x.I18n.Locales...)
	var out []string
	for k, l := range locales {
		if k > 0 && l == x.I18n.Default {
			continue
		}
		if x.I18n.Structure == MultipleFolders {
			out = append(out, path.Join(x.Folder, l, name))
		} else {
			out = append(out, path.Join(x.Folder, slug+"."+l+"."+x.Extension))
		}
	}
	return out
}

// paths are the paths that a listed file may have, by locale; "" is the path
// as listed. A {{locale}} in it stands for each.
func (f *File) paths() map[string]string {
	out := map[string]string{"": f.Path}
	if f.I18n == nil {
		return out
	}
	for _, l := range f.I18n.Locales {
		ext := path.Ext(f.Path)
		switch {
		case strings.Contains(f.Path, "{{locale}}"):
			out[l] = strings.ReplaceAll(f.Path, "{{locale}}", l)
		case f.I18n.Structure == MultipleFiles:
			out[l] = strings.TrimSuffix(f.Path, ext) + "." + l + ext
		case f.I18n.Structure == MultipleFolders:
			out[l] = path.Join(path.Dir(f.Path), l, path.Base(f.Path))
		}
	}
	return out
}

// below is p without folder in front, if it lies in it at any depth.
func below(folder, p string) (string, bool) {
	if folder == "" {
		return p, p != ""
	}
	if rel, ok := strings.CutPrefix(p, folder+"/"); ok && rel != "" {
		return rel, true
	}
	return "", false
}

// SplitKey takes a content key or draft id, collection/slug, apart. The slug
// may contain slashes, the collection cannot.
func SplitKey(key string) (collection, slug string, ok bool) {
	collection, slug, ok = strings.Cut(key, "/")
	return collection, slug, ok && collection != "" && slug != ""
}
