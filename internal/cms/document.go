package cms

import (
	"fmt"
	"maps"
	"strings"

	"gatehouse/internal/fault"
)

// The generations of the CMS's bundle.
const (
	Generation2 = "2" // Netlify CMS 2.x
	Generation3 = "3" // Decap CMS 3.x
)

// Document is the whole config.yml as the page hands it to the CMS's bundle of
// a generation, ready to use: with everything filled in that the bundle would
// fill in while reading the file, since it neither checks nor completes what it
// is given this way. All values can be encoded as JSON; maps below the top are
// *Object, which keeps the order of its keys, except backend, which is a plain
// map. The caller owns the result.
//
// The error (fault.Invalid) names what that bundle refuses and Parse does not.
func (c *Config) Document(generation string) (map[string]any, error) {
	if generation != Generation2 && generation != Generation3 {
		return nil, fault.New(fault.Invalid, "The CMS generation %q is not known; it is 2 or 3.", generation)
	}
	top, _ := plainValue(c.root).(*Object)
	d := &document{config: c, top: top, modern: generation == Generation3}
	d.defaults()
	for i, x := range d.list("collections") {
		d.collection(x, c.Collections[i])
	}
	if len(d.problems) > 0 {
		return nil, (&configReader{problems: d.problems}).fault()
	}
	out := maps.Clone(top.vals)
	if backend, ok := out["backend"].(*Object); ok {
		out["backend"] = backend.vals
	}
	return out, nil
}

// document is a config being completed.
type document struct {
	config   *Config
	top      *Object
	modern   bool // generation 3
	problems []problem
}

func (d *document) list(key string) []*Object { return objects(d.top.Get(key)) }

// objects are the maps of a list.
func objects(v any) []*Object {
	list, _ := v.([]any)
	out := make([]*Object, 0, len(list))
	for _, item := range list {
		if o, ok := item.(*Object); ok {
			out = append(out, o)
		}
	}
	return out
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// empty reports whether the CMS takes v for "not given".
func empty(v any) bool {
	return v == nil || v == "" || v == false || v == float64(0)
}

func (d *document) defaults() {
	t := d.top
	if empty(t.Get("publish_mode")) {
		t.Set("publish_mode", "simple")
	}
	if empty(t.Get("display_url")) && !empty(t.Get("site_url")) {
		t.Set("display_url", t.Get("site_url"))
	}
	t.fill("public_folder", "/"+strings.TrimLeft(text(t.Get("media_folder")), "/"))
	slug := d.section("slug")
	slug.fill("encoding", "unicode")
	slug.fill("clean_accents", false)
	slug.fill(keyReplacement, "-")
	if d.modern {
		editor := d.section("editor")
		editor.fill("preview", true)
		editor.fill("notes", false)
	}
	if i := d.config.I18n; i != nil {
		t.Set("i18n", i18nObject(t.Get("i18n"), i))
	}
}

// section is a map at the top, made when it is not there.
func (d *document) section(key string) *Object {
	o, ok := d.top.Get(key).(*Object)
	if !ok {
		o = NewObject()
		d.top.Set(key, o)
	}
	return o
}

// i18nObject is a level's i18n, with what the level above says.
func i18nObject(own any, i *I18n) *Object {
	o := NewObject()
	if old, ok := own.(*Object); ok {
		o.setAll(old)
	}
	locales := make([]any, len(i.Locales))
	for k, l := range i.Locales {
		locales[k] = l
	}
	o.Set("structure", string(i.Structure))
	o.Set("locales", locales)
	o.Set("default_locale", i.Default)
	return o
}

func (d *document) collection(o *Object, x *Collection) {
	o.fill("publish", true)
	d.i18n(o, x.I18n, x.line)
	d.deprecated(o)
	if x.IsFolder() {
		d.folder(o, x)
	} else {
		d.files(o, x)
	}
	d.sortable(o, x)
	for _, key := range []string{"view_filters", "view_groups"} {
		d.views(o, key)
	}
	d.editor(o)
}

// i18n completes a collection's or file's translations, or takes them out, and
// says for each of its fields how it is translated.
func (d *document) i18n(o *Object, i *I18n, line int) {
	if i == nil {
		o.Delete("i18n")
	} else {
		o.Set("i18n", i18nObject(o.Get("i18n"), i))
	}
	if i != nil && o.Has("file") && i.Structure != SingleFile || i != nil && o.Has("files") && i.Structure != SingleFile {
		d.problems = append(d.problems, problem{line, fmt.Sprintf("%q: a list of files can only be translated with structure: single_file", text(o.Get("name")))})
	}
	eachFieldObject(o, func(f *Object) {
		switch v := f.Get("i18n"); {
		case i == nil:
			f.Delete("i18n")
		case v == true:
			f.Set("i18n", "translate")
		case empty(v):
			f.Set("i18n", "none")
		}
		renameFieldKeys(f)
	})
}

// eachFieldObject visits the fields of a collection, file or field, and those
// below them.
func eachFieldObject(o *Object, visit func(*Object)) {
	for _, f := range objects(o.Get("fields")) {
		visitField(f, visit)
	}
}

func visitField(f *Object, visit func(*Object)) {
	visit(f)
	below, ok := f.Get("field").(*Object)
	switch {
	case f.Has("fields"):
		eachFieldObject(f, visit)
	case ok:
		visitField(below, visit)
	default:
		for _, t := range objects(f.Get("types")) {
			visitField(t, visit)
		}
	}
}

// renameFieldKeys adds the present spelling of old camelCase options.
func renameFieldKeys(f *Object) {
	for _, k := range f.Keys() {
		switch k {
		case "dateFormat", "timeFormat", "pickerUtc", "editorComponents", "valueType",
			"valueField", "searchFields", "displayFields", "optionsLength":
			f.Set(snake(k), f.Get(k))
		}
	}
}

func snake(s string) string {
	var b strings.Builder
	for _, ch := range s {
		if ch >= 'A' && ch <= 'Z' {
			b.WriteByte('_')
			ch += 'a' - 'A'
		}
		b.WriteRune(ch)
	}
	return b.String()
}

func (d *document) deprecated(o *Object) {
	if v := o.Get("sortableFields"); !empty(v) {
		o.Delete("sortableFields")
		o.Set("sortable_fields", v)
	}
}

func (d *document) folder(o *Object, x *Collection) {
	o.Set("type", "folder_based_collection")
	if x.Path != "" && empty(o.Get("media_folder")) {
		o.Set("media_folder", "")
	}
	publicFolder(o)
	eachFieldObject(o, publicFolder)
	o.Set("folder", strings.Trim(text(o.Get("folder")), "/"))
	meta, _ := o.Get("meta").(*Object)
	if meta == nil {
		return
	}
	if entry, ok := meta.Get("path").(*Object); ok {
		f := NewObject()
		f.Set("name", "path")
		f.Set("meta", true)
		f.Set("required", true)
		f.setAll(entry)
		fields, _ := o.Get("fields").([]any)
		o.Set("fields", append([]any{f}, fields...))
	}
}

func (d *document) files(o *Object, x *Collection) {
	o.Set("type", "file_based_collection")
	o.Delete("nested")
	o.Delete("meta")
	for i, f := range objects(o.Get("files")) {
		f.Set("file", strings.TrimLeft(text(f.Get("file")), "/"))
		d.i18n(f, x.Files[i].I18n, x.line)
		publicFolder(f)
		eachFieldObject(f, publicFolder)
	}
}

// publicFolder gives a level with a media folder the same public one.
func publicFolder(o *Object) {
	if o.Has("media_folder") {
		o.fill("public_folder", o.Get("media_folder"))
	}
}

// sortable writes the fields that a list can be sorted by: what the collection
// says, else the date of the last change and what plays a known role.
func (d *document) sortable(o *Object, x *Collection) {
	fields, ok := o.Get("sortable_fields").([]any)
	if !ok {
		fields = d.defaultSortable(x)
	}
	out := make([]any, 0, len(fields))
	for _, f := range fields {
		name, isText := f.(string)
		if entry, ok := f.(*Object); ok && !d.modern {
			f = entry.Get("field")
		}
		if isText && d.modern {
			entry := NewObject()
			entry.Set("field", name)
			f = entry
		}
		out = append(out, f)
	}
	o.Set("sortable_fields", out)
}

func (d *document) defaultSortable(x *Collection) []any {
	git := d.config.Backend.Name != "test-repo" && d.config.Backend.Name != "proxy" && !d.integration(x.Name)
	var out []any
	if git {
		out = append(out, "commit_date")
	}
	for _, role := range []string{"title", "date", "author", "description"} {
		field := x.infer(role)
		if field == "" && role == "author" && git {
			field = "commit_author"
		}
		if field != "" {
			out = append(out, field)
		}
	}
	return out
}

// integration reports whether entries of a collection are listed by a service
// outside, such as a search index. Generation 2 never notices one here.
func (d *document) integration(collection string) bool {
	if !d.modern {
		return false
	}
	for _, o := range d.list("integrations") {
		hooks, _ := o.Get("hooks").([]any)
		collections, _ := o.Get("collections").([]any)
		if contains(hooks, "listEntries") && (o.Get("collections") == "*" || contains(collections, collection)) {
			return true
		}
	}
	return false
}

func contains(list []any, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// views gives each filter or group of a list its id.
func (d *document) views(o *Object, key string) {
	out := []any{}
	for _, v := range objects(o.Get(key)) {
		id := func(key string) string {
			if !v.Has(key) {
				return "undefined"
			}
			return plainText(v.Get(key))
		}
		v.Set("id", id("field")+"__"+id("pattern"))
		out = append(out, v)
	}
	o.Set(key, out)
}

// editor passes the site's editor settings on to a collection.
func (d *document) editor(o *Object) {
	site, ok := d.top.Get("editor").(*Object)
	own, has := o.Get("editor").(*Object)
	switch {
	case d.modern:
		e := NewObject()
		e.Set("preview", site.Get("preview"))
		e.Set("notes", site.Get("notes"))
		if has {
			e.setAll(own)
		}
		o.Set("editor", e)
	case ok && !has:
		e := NewObject()
		if site.Has("preview") {
			e.Set("preview", site.Get("preview"))
		}
		o.Set("editor", e)
	}
}
