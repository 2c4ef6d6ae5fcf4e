package cms

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Limits on one YAML document. An alias counts as often as it is used, and a
// long text as several values, so that a few lines cannot stand for millions of
// values or for a document of any length.
const (
	maxYAMLBytes = 2 << 20
	yamlText     = 64 // bytes of a text that count as one value
	maxYAMLNodes = 200_000
	maxYAMLDepth = 100
)

// node is a YAML value with the line it stands on, read as the CMS's own parser
// reads it: YAML 1.2 core schema (dates, yes and no are text), merge keys
// applied, aliases followed. It is never changed after reading.
type node struct {
	line  int
	value any              // scalar: nil, string, bool, float64; unset for maps and lists
	keys  []string         // map: keys in order
	vals  map[string]*node // map; nil otherwise
	items []*node          // list; nil otherwise
	list  bool
	size  int // of the whole, aliases expanded
}

func (n *node) isMap() bool { return n != nil && n.vals != nil }

func (n *node) isList() bool { return n != nil && n.list }

// get is the value of a key, nil when n is no map or has no such key.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	return n.vals[key]
}

// kind names what n is, for messages.
func (n *node) kind() string {
	switch {
	case n.isMap():
		return "a map"
	case n.isList():
		return "a list"
	}
	switch n.value.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "true or false"
	}
	return "a number"
}

// problem is one thing to mend in a file.
type problem struct {
	line int
	text string
}

func (p problem) Error() string {
	if p.line > 0 {
		return fmt.Sprintf("line %d: %s", p.line, p.text)
	}
	return p.text
}

// treeReader turns a parsed YAML tree into nodes.
type treeReader struct {
	problems []problem
	done     map[*yaml.Node]*node
	open     map[*yaml.Node]bool
	total    int
}

// readYAML parses one YAML document. The problems are syntax errors, duplicate
// keys and limits; the node is nil when there is nothing to go on with.
func readYAML(data []byte) (*node, []problem) {
	if len(data) > maxYAMLBytes {
		return nil, []problem{{0, fmt.Sprintf("the file has %d bytes; the limit is %d", len(data), maxYAMLBytes)}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithV4Defaults()); err != nil {
		if isBlankYAML(data) {
			return &node{line: 1, size: 1}, nil
		}
		return nil, []problem{yamlProblem(err)}
	}
	r := &treeReader{done: map[*yaml.Node]*node{}, open: map[*yaml.Node]bool{}}
	n := r.read(&doc, 0)
	return n, r.problems
}

// isBlankYAML reports whether data holds nothing but blanks, comments and
// document markers.
func isBlankYAML(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && string(line) != "---" && string(line) != "..." {
			return false
		}
	}
	return true
}

// yamlProblem says what the parser complains of, in one line.
func yamlProblem(err error) problem {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if m := yamlPlace.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		return problem{line, "this is not YAML: " + m[2]}
	}
	if strings.Contains(text, "multiple") {
		return problem{0, "the file holds several documents; keep one, without a line ---"}
	}
	return problem{0, "this is not YAML: " + text}
}

func (r *treeReader) fail(line int, format string, args ...any) *node {
	if len(r.problems) < 50 {
		r.problems = append(r.problems, problem{line, fmt.Sprintf(format, args...)})
	}
	return &node{line: line, size: 1}
}

func (r *treeReader) read(y *yaml.Node, depth int) *node {
	switch {
	case depth > maxYAMLDepth:
		return r.fail(y.Line, "nested more than %d levels deep", maxYAMLDepth)
	case r.total > maxYAMLNodes:
		return &node{line: y.Line, size: 1}
	case y.Kind == yaml.DocumentNode:
		if len(y.Content) == 0 {
			return &node{line: 1, size: 1}
		}
		return r.read(y.Content[0], depth)
	case y.Kind == yaml.AliasNode:
		return r.alias(y, depth)
	}
	if n := r.done[y]; n != nil {
		return n
	}
	r.open[y] = true
	n := r.content(y, depth)
	delete(r.open, y)
	r.done[y] = n
	r.count(n.line, 1)
	return n
}

func (r *treeReader) count(line, more int) {
	if r.total <= maxYAMLNodes && r.total+more > maxYAMLNodes {
		r.fail(line, "more than %d values, with aliases counted each time they are used", maxYAMLNodes)
	}
	r.total += more
}

func (r *treeReader) alias(y *yaml.Node, depth int) *node {
	if y.Alias == nil || r.open[y.Alias] {
		return r.fail(y.Line, "the alias *%s contains itself", y.Value)
	}
	n := r.read(y.Alias, depth)
	r.count(y.Line, n.size)
	return n
}

func (r *treeReader) content(y *yaml.Node, depth int) *node {
	n := &node{line: y.Line, size: 1}
	switch y.Kind {
	case yaml.SequenceNode:
		n.list = true
		for _, c := range y.Content {
			item := r.read(c, depth+1)
			n.items = append(n.items, item)
			n.size += item.size
		}
	case yaml.MappingNode:
		n.vals = map[string]*node{}
		r.pairs(n, y, depth)
	case yaml.ScalarNode:
		n.value = scalar(y)
		n.size += len(y.Value) / yamlText
	}
	return n
}

// pairs reads a map's entries in order. A key that was merged in gives way to
// one that is written out; among merges the first wins.
func (r *treeReader) pairs(n *node, y *yaml.Node, depth int) {
	merged := map[string]bool{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			r.fail(k.Line, "a key must be plain text")
			continue
		}
		val := r.read(v, depth+1)
		if k.Value == "<<" && plain(k) {
			r.merge(n, val, merged)
			continue
		}
		if _, taken := n.vals[k.Value]; taken && !merged[k.Value] {
			r.fail(k.Line, "the key %q stands here twice; keep one", k.Value)
			continue
		}
		if !merged[k.Value] {
			n.keys = append(n.keys, k.Value)
		}
		delete(merged, k.Value)
		n.vals[k.Value] = val
		n.size += 1 + len(k.Value)/yamlText + val.size
	}
}

func (r *treeReader) merge(n, from *node, merged map[string]bool) {
	sources := []*node{from}
	if from.isList() {
		sources = from.items
	}
	for _, s := range sources {
		if !s.isMap() {
			r.fail(s.line, "<<: takes a map or a list of maps, not %s", s.kind())
			continue
		}
		for _, k := range s.keys {
			if _, taken := n.vals[k]; !taken {
				n.keys = append(n.keys, k)
				n.vals[k] = s.vals[k]
				n.size += 1 + s.vals[k].size
				merged[k] = true
			}
		}
	}
}

func plain(y *yaml.Node) bool {
	return y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

var (
	yamlPlace = regexp.MustCompile(` at L(\d+)(?:\.C\d+)?: (.*)$`)
	yamlInt   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	yamlOctal = regexp.MustCompile(`^0o[0-7]+$`)
	yamlHex   = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	yamlFloat = regexp.MustCompile(`^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$`)
	yamlNull  = regexp.MustCompile(`^(?:~|[Nn]ull|NULL)?$`)
	yamlBool  = regexp.MustCompile(`^(?:true|True|TRUE|false|False|FALSE)$`)
	yamlNaN   = regexp.MustCompile(`(?i)^(?:[-+]?\.inf|\.nan)$`)
)

// scalar resolves a scalar in the core schema of YAML 1.2. What JSON has no word
// for (infinity, not a number) is null, as JSON.stringify has it.
func scalar(y *yaml.Node) any {
	tagged := y.Style&yaml.TaggedStyle != 0
	switch {
	case tagged && y.ShortTag() == "!!str":
		return y.Value
	case !plain(y) && (!tagged || strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!")):
		return y.Value
	}
	v := y.Value
	switch {
	case yamlNull.MatchString(v), yamlNaN.MatchString(v):
		return nil
	case yamlBool.MatchString(v):
		return v[0] == 't' || v[0] == 'T'
	case yamlOctal.MatchString(v), yamlHex.MatchString(v):
		if u, err := strconv.ParseUint(v, 0, 64); err == nil {
			return float64(u)
		}
	case yamlInt.MatchString(v), yamlFloat.MatchString(v):
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f
		}
	}
	return v
}
