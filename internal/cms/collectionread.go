package cms

import (
	"cmp"
	"strings"
)

// collections reads all collections and what must not repeat among them.
func (r *configReader) collections(c *Config, root *node) {
	items := r.list(root, "collections")
	if len(items) == 0 && len(r.problems) == 0 {
		r.fail(root, "collections is missing; list at least one, with name, label, folder and fields")
	}
	lines := map[string]int{}
	for _, n := range items {
		x := r.collection(n, c)
		if first, taken := lines[x.Name]; taken && x.Name != "" {
			r.fail(n, "the collection name %q is taken by the one in line %d; give it another name", x.Name, first)
			continue
		}
		lines[x.Name] = n.line
		c.Collections = append(c.Collections, x)
	}
}

func (r *configReader) collection(n *node, c *Config) *Collection {
	x := &Collection{
		Name: r.text(n, "name"), Label: r.text(n, "label"), Singular: r.text(n, "label_singular"),
		Format: r.text(n, "format"), Delimiters: r.strings(n, "frontmatter_delimiter"),
		Create: r.flag(n, "create", false), Publish: r.flag(n, "publish", true), Hide: r.flag(n, "hide", false),
		Slug: r.text(n, "slug"), Path: r.text(n, "path"), Summary: r.text(n, "summary"),
		IdentifierField: r.text(n, "identifier_field"),
		Media:           r.folders(n), Preview: r.preview(n), line: n.line,
	}
	switch {
	case x.Name == "":
		r.fail(n, "a collection has no name; write name: posts")
	case strings.Contains(x.Name, "/"):
		r.fail(n.get("name"), "the collection name %q must not contain a slash, since it is part of branch names; use - instead", x.Name)
	}
	if x.Label == "" {
		x.Label = x.Name
	}
	x.I18n = r.i18n(n.get("i18n"), c.I18n, false)
	x.Fields = r.fields(n, "fields")
	folder, files := n.get("folder"), n.get("files")
	switch {
	case folder == nil && files == nil:
		r.fail(n, "the collection %q has neither folder nor files; write folder: content/%s, or a list of files", x.Name, x.Name)
	case folder != nil && files != nil:
		r.fail(n, "the collection %q has both folder and files; keep one and make a second collection of the other", x.Name)
	case folder != nil:
		r.folderCollection(n, x)
	default:
		r.fileCollection(n, x)
	}
	return x
}

func (r *configReader) folderCollection(n *node, x *Collection) {
	folder := r.text(n, "folder")
	if folder == "" {
		r.fail(n.get("folder"), "the folder of the collection %q is empty; write where its entries are, such as content/%s", x.Name, x.Name)
	}
	x.Folder = r.folder(n.get("folder"), "folder", folder)
	x.Delete = r.flag(n, "delete", true)
	x.Extension = r.extension(n, x)
	if len(x.Fields) == 0 && n.get("fields") == nil {
		r.fail(n, "the collection %q has no fields; list at least one, with name, label and widget", x.Name)
	}
	if nested := r.section(n, "nested"); nested != nil {
		x.Nested = &Nested{Depth: 1, Subfolders: r.flag(nested, "subfolders", true)}
		if d, ok := nested.get("depth").scalar().(float64); ok && d >= 1 && d <= 1000 {
			x.Nested.Depth = int(d)
		} else {
			r.fail(nested, "nested.depth of the collection %q must be a number from 1 to 1000, such as depth: 100", x.Name)
		}
	}
	if meta := r.section(n, "meta"); meta != nil {
		if at := r.section(meta, "path"); at != nil {
			x.IndexFile = r.text(at, "index_file")
			x.pathField = &Field{Name: "path", Widget: cmp.Or(r.text(at, "widget"), "string")}
		}
	}
}

func (n *node) scalar() any {
	if n == nil {
		return nil
	}
	return n.value
}

// formatExtension is the extension that a format implies; empty for a format of
// the site's own.
func formatExtension(format string) string {
	switch format {
	case "yml", "yaml":
		return "yml"
	case "toml", "json":
		return format
	case "", "frontmatter", "json-frontmatter", "toml-frontmatter", "yaml-frontmatter":
		return "md"
	}
	return ""
}

// saysFormat reports whether an extension is enough to know the format.
func saysFormat(ext string) bool {
	switch ext {
	case "yml", "yaml", "toml", "json", "md", "markdown", "html":
		return true
	}
	return false
}

func (r *configReader) extension(n *node, x *Collection) string {
	ext := strings.TrimPrefix(r.text(n, "extension"), ".")
	switch {
	case strings.ContainsAny(ext, "/\\"):
		r.fail(n.get("extension"), "the extension %q must not contain a slash; write md, json or the like", ext)
	case ext != "" && x.Format == "" && !saysFormat(ext):
		r.fail(n.get("extension"), "the format of .%s files is not known; add format: frontmatter (or yaml, toml, json)", ext)
	case ext == "":
		if ext = formatExtension(x.Format); ext == "" {
			r.fail(n.get("format"), "the format %q is not known; write frontmatter, yaml, toml or json, or add its extension", x.Format)
		}
	}
	return ext
}

func (r *configReader) fileCollection(n *node, x *Collection) {
	x.Files = []*File{}
	x.Delete = r.flag(n, "delete", false)
	seen := map[string]bool{}
	for _, item := range r.list(n, "files") {
		f := &File{
			Name: r.text(item, "name"), Label: r.text(item, "label"),
			Media: r.folders(item), Preview: r.preview(item), Fields: r.fields(item, "fields"),
		}
		f.I18n = r.i18n(item.get("i18n"), x.I18n, false)
		f.Path = r.folder(item.get("file"), "file", r.text(item, "file"))
		switch {
		case f.Name == "":
			r.fail(item, "a file of the collection %q has no name; write name: about", x.Name)
		case seen[f.Name]:
			r.fail(item, "the file name %q stands twice in the collection %q; give one another name", f.Name, x.Name)
		}
		if f.Path == "" {
			r.fail(item, "the file %q of the collection %q has no path; write file: data/%s.yml", f.Name, x.Name, cmp.Or(f.Name, "about"))
		}
		seen[f.Name] = true
		x.Files = append(x.Files, f)
	}
	x.list()
}

func (r *configReader) folders(n *node) Folders {
	return Folders{Media: r.optional(n, "media_folder"), Public: r.optional(n, "public_folder")}
}

func (r *configReader) preview(n *node) PreviewRule {
	p := PreviewRule{Path: r.text(n, "preview_path"), DateField: r.text(n, "preview_path_date_field")}
	if n.get("preview_path_preserve_slashes") != nil {
		b := r.flag(n, "preview_path_preserve_slashes", false)
		p.PreserveSlashes = &b
	}
	return p
}

// fields reads fields and those below them: fields, field and types.
func (r *configReader) fields(n *node, key string) []*Field {
	var out []*Field
	lines := map[string]int{}
	for _, item := range r.list(n, key) {
		f := r.field(item)
		if first, taken := lines[f.Name]; taken && f.Name != "" {
			r.fail(item, "the field name %q is taken by the one in line %d; give it another name", f.Name, first)
		}
		lines[f.Name] = item.line
		out = append(out, f)
	}
	return out
}

func (r *configReader) field(n *node) *Field {
	f := &Field{Name: r.text(n, "name"), Widget: r.text(n, "widget"), Media: r.folders(n)}
	if f.Name == "" {
		r.fail(n, "a field has no name; write name: title")
	}
	if f.Widget == "" {
		f.Widget = "string"
	}
	switch {
	case n.get("fields") != nil:
		f.Fields = r.fields(n, "fields")
	case n.get("field") != nil:
		if below := r.section(n, "field"); below != nil {
			f.Fields = []*Field{r.field(below)}
		}
	case n.get("types") != nil:
		f.Fields = r.fields(n, "types")
	}
	return f
}
