package doctor

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// configFile is a config.yml, however broken: the values that concern sign-in,
// where they stand, and what is wrong with the form.
type configFile struct {
	url      *url.URL
	top      map[string]value // of the keys of signIn at the top
	backend  map[string]value
	rest     []*yaml.Node // keys and values of backend that are nothing of ours, in turn
	problems []problem
	strays   []stray
	secrets  []secret
	salvaged bool // it is no YAML, and was read line by line
}

// value is one scalar.
type value struct {
	text string
	line int
}

// problem is a mistake of form. ID is that of the finding.
type problem struct {
	id, text, remedy string
	line             int
}

// stray is a key that stands in the wrong place, or is spelt in a wrong way.
type stray struct {
	path, key string // site.base_url; base_url
	line      int
}

// signIn are the keys of backend that concern sign-in, in the order in which
// they are written.
func signIn() []string {
	return []string{"name", "repo", "branch", "api_root", "graphql_api_root", "base_url", "auth_endpoint", "site_domain", "auth_type", "app_id", "auth_scope", "open_authoring"}
}

// telling are those of signIn that mean nothing anywhere else.
func telling() []string {
	return []string{"repo", "api_root", "base_url", "auth_endpoint", "site_domain", "auth_type", "auth_scope", "open_authoring"}
}

// maxConfig is how large a config.yml may be.
const maxConfig = 1 << 20

// readConfig reads what is there. It never fails.
func readConfig(data []byte) *configFile {
	c := &configFile{top: map[string]value{}, backend: map[string]value{}}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(data) > maxConfig {
		c.problems = append(c.problems, problem{id: "config-yaml", text: "config.yml has more than a megabyte.", remedy: "Make it shorter: a browser reads it at each start of the CMS."})
		data = data[:maxConfig]
	}
	root, err := parseYAML(data)
	switch {
	case err != nil:
		c.malformed(err)
		c.salvage(data)
	case root == nil:
		c.problems = append(c.problems, problem{id: "config-yaml", text: "config.yml is empty.", remedy: "Write at least backend, media_folder and collections into it."})
	case root.Kind != yaml.MappingNode:
		c.problems = append(c.problems, problem{id: "config-yaml", line: root.Line, text: "config.yml is " + kindOf(root) + " and not keys with values.", remedy: "Begin lines at the left margin with a key and a colon, such as backend:."})
		c.salvage(data)
	default:
		c.read(root)
	}
	c.secrets = append(c.secrets, tokensIn(data)...)
	return c
}

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

// read takes the values out of a tree.
func (c *configFile) read(root *yaml.Node) {
	c.twice(root, "")
	each(root, func(key, v *yaml.Node) {
		switch name := key.Value; {
		case name == "backend":
			c.readBackend(v)
		case slices.Contains(signIn(), name) && v.Kind == yaml.ScalarNode, name == "site_id" && v.Kind == yaml.ScalarNode:
			c.top[name] = value{scalar(v), key.Line}
		case respelt(name) != "":
			c.strays = append(c.strays, stray{name, respelt(name), key.Line})
			c.top[respelt(name)] = value{scalar(v), key.Line}
		case name != "collections" && v.Kind == yaml.MappingNode:
			c.nested(name, v)
		}
	})
	c.secrets = append(c.secrets, secretKeys(root)...)
	c.straysAtTop()
}

// readBackend reads the section; as a list of maps it is wrong, but readable.
func (c *configFile) readBackend(n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		c.problems = append(c.problems, problem{id: "config-backend", line: n.Line, text: "backend is a list.", remedy: "Take the hyphens away below backend: it holds keys with values."})
		for _, item := range n.Content {
			if item = follow(item); item.Kind == yaml.MappingNode {
				c.readBackend(item)
			}
		}
		return
	}
	if n.Kind == yaml.ScalarNode && scalar(n) != "" {
		c.problems = append(c.problems, problem{id: "config-backend", line: n.Line, text: "backend is a single text.", remedy: "Write the name of the backend one line below, indented: name: " + kindName(scalar(n)) + "."})
		c.backend["name"] = value{kindName(scalar(n)), n.Line}
		return
	}
	c.twice(n, "backend.")
	each(n, func(key, v *yaml.Node) {
		name := key.Value
		switch {
		case slices.Contains(signIn(), name) && v.Kind == yaml.ScalarNode:
			c.backend[name] = value{scalar(v), key.Line}
		case name == "site_id" && v.Kind == yaml.ScalarNode:
			c.strays = append(c.strays, stray{"backend.site_id", name, key.Line})
		case respelt(name) != "" && v.Kind == yaml.ScalarNode:
			c.strays = append(c.strays, stray{"backend." + name, respelt(name), key.Line})
			if _, ok := c.backend[respelt(name)]; !ok {
				c.backend[respelt(name)] = value{scalar(v), key.Line}
			}
		case isSecretKey(name):
		case v.Kind == yaml.MappingNode && c.nested("backend."+name, v):
		default:
			c.rest = append(c.rest, key, v)
		}
	})
}

// nested looks into a section for keys that belong into backend, and reports
// whether there were any.
func (c *configFile) nested(path string, n *yaml.Node) bool {
	found := false
	each(n, func(key, v *yaml.Node) {
		name := key.Value
		if r := respelt(name); r != "" {
			name = r
		}
		if !slices.Contains(telling(), name) || v.Kind != yaml.ScalarNode {
			return
		}
		found = true
		c.strays = append(c.strays, stray{path + "." + key.Value, name, key.Line})
		if _, ok := c.top[name]; !ok {
			c.top[name] = value{scalar(v), key.Line}
		}
	})
	return found
}

// straysAtTop finds keys of backend that stand beside it.
func (c *configFile) straysAtTop() {
	for _, key := range signIn() {
		v, here := c.top[key]
		_, there := c.backend[key]
		known := slices.ContainsFunc(c.strays, func(s stray) bool { return s.line == v.line })
		switch {
		case !here || known:
		case key == "base_url" && there: // for Bitbucket
		case slices.Contains(telling(), key), len(c.backend) == 0:
			c.strays = append(c.strays, stray{key, key, v.line})
		}
	}
}

// twice reports keys that stand in a mapping more than once.
func (c *configFile) twice(n *yaml.Node, path string) {
	seen := map[string]bool{}
	each(n, func(key, _ *yaml.Node) {
		if seen[key.Value] {
			c.problems = append(c.problems, problem{id: "config-yaml", line: key.Line, text: fmt.Sprintf("The key %s is here for the second time.", path+key.Value), remedy: "Keep one of the two."})
		}
		seen[key.Value] = true
	})
}

// get is the value of a key of backend, wherever it was found.
func (c *configFile) get(key string) value {
	if v, ok := c.backend[key]; ok {
		return v
	}
	return c.top[key]
}

// line is where a key stands; 0: nowhere.
func (c *configFile) line(key string) int { return c.get(key).line }

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

// respelt is the key that another spelling means; empty: none, or it is right.
func respelt(key string) string {
	fold := func(s string) string {
		return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
	}
	for _, k := range append(telling(), "site_id") {
		if key != k && fold(key) == fold(k) {
			return k
		}
	}
	return ""
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
	c.salvaged = true
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
