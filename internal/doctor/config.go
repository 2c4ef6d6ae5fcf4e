package doctor

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
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
	dropped  []string // keys of backend that hold secrets
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
			c.dropped = append(c.dropped, name)
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
