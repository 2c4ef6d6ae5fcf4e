package cms

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// configReader reads a Config from a tree and gathers what is wrong with it.
type configReader struct{ problems []problem }

func sortProblems(p []problem) {
	slices.SortStableFunc(p, func(a, b problem) int { return a.line - b.line })
}

func (r *configReader) fail(n *node, format string, args ...any) {
	line := 0
	if n != nil {
		line = n.line
	}
	r.problems = append(r.problems, problem{line, fmt.Sprintf(format, args...)})
}

// text reads a string, empty when the key is not there.
func (r *configReader) text(n *node, key string) string {
	v := n.get(key)
	if v == nil || v.value == nil && !v.isMap() && !v.isList() {
		return ""
	}
	if s, ok := v.value.(string); ok {
		return s
	}
	fix := ""
	if !v.isMap() && !v.isList() {
		fix = "; put it in quotes"
	}
	r.fail(v, "%s must be text, not %s%s", key, v.kind(), fix)
	return ""
}

// optional is text with nil for a key that is not there.
func (r *configReader) optional(n *node, key string) *string {
	if n.get(key) == nil {
		return nil
	}
	s := r.text(n, key)
	return &s
}

// flag reads true or false.
func (r *configReader) flag(n *node, key string, def bool) bool {
	v := n.get(key)
	if v == nil {
		return def
	}
	b, ok := v.value.(bool)
	if !ok {
		r.fail(v, "%s must be true or false, not %s", key, v.kind())
		return def
	}
	return b
}

// section reads a map, nil when the key is not there.
func (r *configReader) section(n *node, key string) *node {
	v := n.get(key)
	if v == nil || v.isMap() {
		return v
	}
	r.fail(v, "%s must be a map, not %s", key, v.kind())
	return nil
}

// list reads a list of maps.
func (r *configReader) list(n *node, key string) []*node {
	v := n.get(key)
	if v == nil {
		return nil
	}
	if !v.isList() {
		r.fail(v, "%s must be a list, each item beginning with a dash; this is %s", key, v.kind())
		return nil
	}
	var items []*node
	for _, item := range v.items {
		if !item.isMap() {
			r.fail(item, "each item of %s must be a map with a name, not %s", key, item.kind())
			continue
		}
		items = append(items, item)
	}
	return items
}

// strings reads a list of texts; a single text is a list of one.
func (r *configReader) strings(n *node, key string) []string {
	v := n.get(key)
	if v == nil {
		return nil
	}
	if s, ok := v.value.(string); ok {
		return []string{s}
	}
	var out []string
	for _, item := range v.items {
		s, ok := item.value.(string)
		if !ok {
			r.fail(item, "%s must be a list of texts, not of %s; put it in quotes", key, item.kind())
			continue
		}
		out = append(out, s)
	}
	if !v.isList() {
		r.fail(v, "%s must be a list of texts, not %s", key, v.kind())
	}
	return out
}

func (r *configReader) config(root *node) *Config {
	if !root.isMap() {
		r.fail(root, "the file must be a map with backend, media_folder and collections; it is %s", root.kind())
		return nil
	}
	c := &Config{root: root, PublicFolder: r.text(root, "public_folder"), SiteURL: r.text(root, "site_url")}
	c.ShowPreviewLinks = r.flag(root, "show_preview_links", true)
	c.MediaFolder = r.folder(root.get("media_folder"), "media_folder", r.text(root, "media_folder"))
	if root.get("media_folder") == nil && root.get("media_library") == nil {
		r.fail(root, "media_folder is missing; write the folder for uploads, such as media_folder: static/uploads")
	}
	switch mode := r.text(root, "publish_mode"); mode {
	case "", "simple":
	case "editorial_workflow":
		c.Workflow = true
	default:
		r.fail(root.get("publish_mode"), "publish_mode %q is not known; write simple or editorial_workflow", mode)
	}
	c.Slug = r.slug(r.section(root, "slug"))
	c.Backend = r.backend(r.section(root, "backend"))
	c.I18n = r.i18n(root.get("i18n"), nil, true)
	r.collections(c, root)
	return c
}

// folder cleans a repository path and refuses one that leaves the repository.
func (r *configReader) folder(at *node, key, s string) string {
	clean := strings.Trim(path.Clean("/"+s), "/")
	if slices.Contains(strings.Split(s, "/"), "..") {
		r.fail(at, "%s %q must be inside the repository, without ..", key, s)
	}
	return clean
}

// keyReplacement is the key of the character that replaces others in slugs.
const keyReplacement = "sanitize_replacement" //nolint:misspell // the CMS's own key

func (r *configReader) slug(n *node) SlugRules {
	s := SlugRules{Replacement: "-"}
	switch enc := r.text(n, "encoding"); enc {
	case "", "unicode":
	case "ascii":
		s.ASCII = true
	default:
		r.fail(n.get("encoding"), "slug.encoding %q is not known; write unicode or ascii", enc)
	}
	s.CleanAccents = r.flag(n, "clean_accents", false)
	if v := r.optional(n, keyReplacement); v != nil {
		s.Replacement = *v
		for _, ch := range *v {
			if !s.allowed(ch) {
				r.fail(n.get(keyReplacement), "slug.%s %q is itself no character for a slug; write - or _", keyReplacement, *v)
				break
			}
		}
	}
	return s
}

func (r *configReader) backend(n *node) Backend {
	b := Backend{
		Name: r.text(n, "name"), Repo: r.text(n, "repo"), Branch: r.text(n, "branch"),
		LabelPrefix:    r.text(n, "cms_label_prefix"),
		SquashMerges:   r.flag(n, "squash_merges", false),
		SignoffCommits: r.flag(n, "signoff_commits", false),
		PreviewContext: r.text(n, "preview_context"),
		CommitMessages: map[string]string{},
	}
	messages := r.section(n, "commit_messages")
	for _, key := range []string{msgCreate, msgUpdate, msgDelete, msgUpload, msgDeleteMedia} {
		if m := r.text(messages, key); m != "" {
			b.CommitMessages[key] = m
		}
	}
	return b
}

var localeName = regexp.MustCompile(`^[a-zA-Z_-]{2,10}$`)

// i18n reads the translations of one level. above is the level over it: nil at
// the top, or where that is not translated.
func (r *configReader) i18n(n *node, above *I18n, top bool) *I18n {
	if n == nil || n.value == false || !top && above == nil {
		return nil
	}
	if n.value == true && !top {
		return above
	}
	if !n.isMap() {
		r.fail(n, "i18n must be %s, not %s", map[bool]string{true: "a map with structure and locales", false: "true, or a map with structure and locales"}[top], n.kind())
		return nil
	}
	var i I18n
	if above != nil {
		i = *above
	}
	switch s := Structure(r.text(n, "structure")); s {
	case SingleFile, MultipleFiles, MultipleFolders:
		i.Structure = s
	case "":
		if i.Structure == "" {
			r.fail(n, "i18n.structure is missing; write single_file, multiple_files or multiple_folders")
		}
	default:
		r.fail(n.get("structure"), "i18n.structure %q is not known; write single_file, multiple_files or multiple_folders", s)
	}
	r.locales(n, &i)
	return &i
}

func (r *configReader) locales(n *node, i *I18n) {
	if l := r.strings(n, "locales"); l != nil {
		i.Locales, i.Default = l, ""
	}
	if len(i.Locales) == 0 {
		r.fail(n, "i18n.locales is missing; write the languages, such as locales: [en, de]")
		return
	}
	for k, l := range i.Locales {
		if !localeName.MatchString(l) {
			r.fail(n.get("locales"), "the locale %q must be 2 to 10 letters, - or _", l)
		}
		if slices.Contains(i.Locales[:k], l) {
			r.fail(n.get("locales"), "the locale %q stands here twice; keep one", l)
		}
	}
	if d := r.text(n, "default_locale"); d != "" {
		i.Default = d
	}
	if i.Default == "" {
		i.Default = i.Locales[0]
	}
	if !slices.Contains(i.Locales, i.Default) {
		r.fail(n, "the default locale %q is not among the locales %s; add it or name another default_locale", i.Default, strings.Join(i.Locales, ", "))
	}
}
