package doctor

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parseYAML is the root of a document; nil for an empty one.
func parseYAML(data []byte) (*yaml.Node, error) {
	blank := true
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		blank = blank && (len(line) == 0 || line[0] == '#' || string(line) == "---" || string(line) == "...")
	}
	if blank {
		return nil, nil
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithV4Defaults()); err != nil {
		return nil, err
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return follow(doc.Content[0]), nil
	}
	return nil, nil
}

// follow is what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

var errorPlace = regexp.MustCompile(`line (\d+)(?:, column \d+)?: *(.*)`)

func (c *configFile) malformed(err error) {
	text, _, _ := strings.Cut(err.Error(), "\n")
	p := problem{id: "config-yaml", remedy: "Mend this line, or the one before it: each level is indented by spaces (never tabs), with a space after every colon."}
	if m := errorPlace.FindStringSubmatch(text); m != nil {
		p.line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	p.text = "config.yml is no YAML: " + strings.TrimSuffix(strings.TrimPrefix(text, "yaml: "), ".") + "."
	c.problems = append(c.problems, p)
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "keys with values"
	}
	return "a single text"
}

// each calls f with the keys and values of a mapping; of the same key the first
// counts.
func each(n *yaml.Node, f func(key, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content) && i < 4000; i += 2 {
		f(n.Content[i], follow(n.Content[i+1]))
	}
}

func scalar(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// kindName is a backend's name, if the text can be one.
func kindName(s string) string {
	if backendName.MatchString(s) {
		return s
	}
	return "github"
}

var (
	backendName = regexp.MustCompile(`^[a-z][a-z-]{0,31}$`)
	plainLine   = regexp.MustCompile(`^([ \t]*)-?[ \t]*([A-Za-z_]+)[ \t]*:(.*)$`)
)

// salvage reads a file that is no YAML line by line, as far as the keys are
// known: up to collections, whose fields have names of their own.
func (c *configFile) salvage(data []byte) {
	inBackend, number := false, 0
	for raw := range bytes.Lines(data) {
		number++
		m := plainLine.FindStringSubmatch(strings.TrimRight(string(raw), "\r\n"))
		if m == nil {
			continue
		}
		key, text := m[2], unquote(m[3])
		if r := respelt(key); r != "" {
			key = r
		}
		switch {
		case key == "collections":
			return
		case key == "backend":
			inBackend = true
		case m[1] == "" && !slices.Contains(signIn(), key) && key != "site_id":
			inBackend = false
		case text == "" || isSecretKey(key):
		case m[1] == "" && !inBackend:
			c.keep(c.top, key, text, number)
		case inBackend && slices.Contains(signIn(), key):
			c.keep(c.backend, key, text, number)
		}
	}
}

func (c *configFile) keep(m map[string]value, key, text string, line int) {
	if _, ok := m[key]; !ok && len(text) <= 500 {
		m[key] = value{text, line}
	}
}

// unquote takes blanks, a comment and quotes away, whether or not they match.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.Index(s, " #"); i >= 0 {
		s = s[:i]
	}
	return strings.Trim(s, " \t\"'")
}
