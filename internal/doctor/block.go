package doctor

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v4"
)

// block is the part of config.yml that concerns sign-in, as it should be, with
// a comment at each line that changes. The rest of backend stays as it is.
func (x *exam) block() (text string, changed bool) {
	if x.config == nil {
		return x.blockFromSettings(), true
	}
	w := &blockWriter{exam: x}
	if x.backend() == "bitbucket" {
		w.line("", "base_url", x.config.top["base_url"])
		w.line("", "site_id", x.config.top["site_id"])
	}
	w.b.WriteString("backend:\n")
	for _, key := range signIn() {
		w.line("  ", key, x.config.get(key))
	}
	for _, key := range x.config.dropped {
		w.b.WriteString("  # " + clean(key) + " goes: everybody can read it here\n")
	}
	w.rest()
	return w.b.String(), w.changed || len(x.config.strays) > 0 || len(x.config.problems) > 0 || len(x.config.secrets) > 0
}

// blockFromSettings is for a page whose config.yml cannot be read.
func (x *exam) blockFromSettings() string {
	if x.Settings == nil {
		return ""
	}
	x.config = readConfig(nil)
	defer func() { x.config = nil }()
	s := x.findSite()
	if s == nil || s.Repo == "" || !x.report.Client.popup(s.Kind, "") {
		return ""
	}
	x.mend("backend.name", s.Kind, "")
	x.mend("backend.repo", s.Repo, "")
	x.mend("backend.base_url", x.Settings.URL, "")
	x.mend("backend.auth_endpoint", "auth", "")
	if s.Branch != "" {
		x.mend("backend.branch", s.Branch, "")
	}
	if s.API != "" {
		x.mend("backend.api_root", s.API, "")
	}
	if s.Kind == "bitbucket" {
		x.mend("base_url", x.Settings.URL, "")
		x.mend("site_id", x.page.url.Hostname(), "")
	}
	text, _ := x.block()
	return text
}

// blockWriter writes the block.
type blockWriter struct {
	*exam
	b       strings.Builder
	changed bool
}

// line writes a key with the value that it has, or should have.
func (w *blockWriter) line(indent, key string, have value) {
	path := key
	if indent != "" {
		path = "backend." + key
	}
	want, comment := have.text, ""
	r, ok := w.repairs[path]
	switch {
	case ok && r.remove:
		w.changed = true
		w.b.WriteString(indent + "# " + key + " goes: " + r.why + "\n")
		return
	case ok:
		w.changed = true
		want, comment = r.value, r.why
	case w.moved(indent, key):
		comment = "moved here"
	}
	if want == "" || tokenText.MatchString(want) {
		return
	}
	w.b.WriteString(indent + key + ": " + yamlText(want, key))
	if comment != "" {
		w.b.WriteString(" # " + comment)
	}
	w.b.WriteString("\n")
}

// moved reports whether a key of backend was found elsewhere.
func (w *blockWriter) moved(indent, key string) bool {
	if indent == "" {
		return false
	}
	for _, s := range w.config.strays {
		if s.key == key {
			return true
		}
	}
	return false
}

// clean is a key as far as a comment can hold it.
func clean(key string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, key)
}

// rest writes what else is in backend.
func (w *blockWriter) rest() {
	var content []*yaml.Node
	for i := 0; i+1 < len(w.config.rest); i += 2 {
		if n := plain(w.config.rest[i+1], 0); n != nil {
			content = append(content, &yaml.Node{Kind: yaml.ScalarNode, Value: w.config.rest[i].Value}, n)
		}
	}
	if len(content) == 0 || len(content) > 200 {
		return
	}
	out, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: content})
	if err != nil || tokenText.Match(out) {
		return // what cannot be written, or must not be, is left to its owner
	}
	for line := range bytes.Lines(out) {
		w.b.WriteString("  " + string(line))
	}
}

// plain copies a value without anchors, aliases, comments and secrets; nil when
// it is too deep to be any setting.
func plain(n *yaml.Node, depth int) *yaml.Node {
	n = follow(n)
	if depth > 4 || n.Kind == yaml.AliasNode || len(n.Content) > 200 {
		return nil
	}
	c := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if v := plain(n.Content[i+1], depth+1); v != nil && !isSecretKey(n.Content[i].Value) {
				c.Content = append(c.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: n.Content[i].Value}, v)
			}
		}
		return c
	}
	for _, item := range n.Content {
		if v := plain(item, depth+1); v != nil {
			c.Content = append(c.Content, v)
		}
	}
	return c
}

// yamlText writes one line of text as YAML.
func yamlText(s, key string) string {
	if key == "open_authoring" && (s == "true" || s == "false") {
		return s
	}
	out, err := yaml.Marshal(s)
	if err != nil || bytes.Count(out, []byte("\n")) > 1 {
		if out, err = json.Marshal(s); err != nil { // YAML reads what JSON writes
			return `""`
		}
	}
	return strings.TrimSpace(string(out))
}
