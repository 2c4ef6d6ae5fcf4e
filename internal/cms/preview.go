package cms

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/host"
)

// pickStatus chooses the commit status that carries a preview: the one that the
// site names, else the first whose context speaks of a deploy.
func pickStatus(all []host.CommitStatus, context string) (host.CommitStatus, bool) {
	i := slices.IndexFunc(all, func(s host.CommitStatus) bool {
		if context != "" {
			return s.Context == context
		}
		return strings.Contains(s.Context, "deploy")
	})
	if i < 0 {
		return host.CommitStatus{}, false
	}
	return all[i], true
}

// previewPage is the page of an entry below a site's or a preview's address, by
// the preview_path of its file or collection. Without one, or when it names a
// date that the entry has not, it is the address itself.
func (c *Config) previewPage(base string, x *Collection, slug, entry string, raw []byte) string {
	if base == "" {
		return ""
	}
	rule := x.Preview
	if f := x.File(slug); f != nil {
		if f.Preview.Path != "" {
			rule.Path = f.Preview.Path
		}
		if f.Preview.DateField != "" {
			rule.DateField = f.Preview.DateField
		}
	}
	if rule.Path == "" {
		return base
	}
	base = strings.TrimRight(base, "/")
	data := x.data(entry, raw)
	if data == nil {
		data = map[string]any{}
	}
	if x.I18n != nil && x.I18n.Structure == SingleFile {
		if one, ok := data[x.I18n.Default].(map[string]any); ok {
			data = one
		}
	}
	dirname := x.fileFields(entry, data)
	slashes := x.Nested != nil
	if rule.PreserveSlashes != nil {
		slashes = *rule.PreserveSlashes
	}
	t := template{Date: x.date(rule.DateField, data), Slug: slug, Data: data, Process: func(v string) string {
		if v == dirname {
			return v
		}
		return c.Slug.segment(v, slashes)
	}}
	page, err := t.expand(rule.Path)
	if err != nil {
		return base
	}
	return base + "/" + strings.TrimLeft(page, " /")
}

// fileFields adds what templates may say of an entry's file to its data.
func (x *Collection) fileFields(entry string, data map[string]any) (dirname string) {
	dir := path.Dir(entry)
	if dir == "." {
		dir = ""
	}
	if dir == x.Folder {
		dir = ""
	} else if rel, ok := below(x.Folder, dir); ok {
		dir = rel
	}
	ext := path.Ext(entry)
	data["dirname"] = dir
	data["filename"] = strings.TrimSuffix(path.Base(entry), ext)
	data["extension"] = strings.TrimPrefix(ext, ".")
	return dir
}

// date is an entry's date: of the field named, else of the collection's date
// field as the CMS would infer it.
func (x *Collection) date(field string, data map[string]any) time.Time {
	if field == "" {
		field = x.infer("date")
	}
	d, _ := parseDate(plainText(data[field]))
	return d
}

// infer finds the field that plays a role the config does not name: title,
// date, author or description.
func (x *Collection) infer(role string) string {
	if role == "title" && x.IdentifierField != "" {
		return x.identifier()
	}
	first := func(widgets ...string) string {
		for _, f := range x.allFields() {
			if slices.Contains(widgets, f.Widget) && slices.Contains(roleNames(role), f.Name) {
				return f.Name
			}
		}
		return ""
	}
	main, others := "string", []string{}
	switch role {
	case "date":
		main, others = "datetime", []string{"date"}
	case "description":
		others = []string{"text", "markdown"}
	}
	if name := first(main); name != "" {
		return name
	}
	if name := first(others...); name != "" {
		return name
	}
	if role == "title" {
		for _, f := range x.allFields() {
			if f.Widget == main {
				return f.Name
			}
		}
	}
	return ""
}

// roleNames are the field names that play a role.
func roleNames(role string) []string {
	switch role {
	case "title":
		return []string{"title", "name", "label", "headline", "header"}
	case "author":
		return []string{"author", "name", "by", "byline", "owner"}
	case "date":
		return []string{"date", "publishDate", "publish_date"}
	case "description":
		return []string{
			"shortDescription", "short_description", "shortdescription", "description", "intro",
			"introduction", "brief", "content", "biography", "bio", "summary",
		}
	}
	return nil
}

// identifier is identifier_field when there is such a field, else title or
// path.
func (x *Collection) identifier() string {
	names := fieldNames(x.allFields(), "")
	for _, want := range []string{x.IdentifierField, "title", "path"} {
		for _, name := range names {
			if want != "" && strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(want)) {
				return want
			}
		}
	}
	return ""
}

// fieldNames are the paths of all fields: title, author.name.
func fieldNames(fields []*Field, prefix string) []string {
	var out []string
	for _, f := range fields {
		out = append(out, prefix+f.Name)
		out = append(out, fieldNames(f.Fields, prefix+f.Name+".")...)
	}
	return out
}

// previewURL fills in the preview address of a site on plain Git.
func previewURL(text string, d draft) string {
	return strings.NewReplacer(
		"{branch}", urlPath(d.request.Head), "{collection}", url.PathEscape(d.collection),
		"{slug}", urlPath(d.slug), "{commit}", string(d.head),
	).Replace(text)
}

// urlPath escapes a path and keeps its slashes.
func urlPath(p string) string {
	parts := strings.Split(p, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
