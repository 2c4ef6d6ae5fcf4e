package cms

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"gatehouse/internal/fault"
)

// The notations of an entry's data.
const (
	yamlData = "yaml"
	tomlData = "toml"
	jsonData = "json"
)

// Check reports whether an entry's text can be read by the CMS: that its front
// matter, or the whole of a data file, is well formed and has no key twice. It
// is asked of texts that a merge made. Paths that are no entries pass.
func (c *Config) Check(p string, data []byte) error {
	at, ok := c.Owner(p)
	if !ok {
		return nil
	}
	text, notation, _ := entryData(at.Collection, p, data)
	if err := checkData(text, notation); err != nil {
		return &fault.Error{
			Kind: fault.Conflict, Err: err, Paths: []string{p},
			Message: fmt.Sprintf("Your change and another one to %s do not go together. Open the entry again to see the newer version, and repeat your change there.", p),
		}
	}
	return nil
}

// entryData takes the data out of an entry's text: the front matter, or all of
// a data file. An empty notation is one that is not known here.
func entryData(x *Collection, p string, data []byte) (text []byte, notation, body string) {
	format := x.Format
	if format == "" {
		switch ext := strings.TrimPrefix(path.Ext(p), "."); ext {
		case "yml", "yaml", "toml", "json":
			format = ext
		case "md", "markdown", "html":
			format = "frontmatter"
		}
	}
	switch format {
	case "yml", "yaml":
		return data, yamlData, ""
	case "toml", "json":
		return data, format, ""
	case "frontmatter", "yaml-frontmatter", "toml-frontmatter", "json-frontmatter":
		return frontMatter(data, format, x.Delimiters)
	}
	return nil, "", ""
}

// frontMatter splits a text into its front matter and its body. Without an
// opening delimiter everything is body.
func frontMatter(data []byte, format string, delimiters []string) (text []byte, notation, body string) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	line := strings.TrimSpace(string(first))
	notation = strings.TrimSuffix(format, "-frontmatter")
	open, shut := "---", "---"
	switch {
	case len(delimiters) > 0:
		open, shut = delimiters[0], delimiters[len(delimiters)-1]
	case notation == tomlData || notation == "frontmatter" && line == "+++":
		open, shut = "+++", "+++"
	case notation == jsonData || notation == "frontmatter" && line == "{":
		open, shut = "{", "}"
	}
	tag, ok := strings.CutPrefix(line, open)
	if !ok || open == "---" && strings.HasPrefix(tag, "-") || open == "" {
		return nil, "", string(data)
	}
	switch {
	case notation == "frontmatter" && open == "+++":
		notation = tomlData
	case notation == "frontmatter" && open == "{":
		notation = jsonData
	case notation == "frontmatter":
		notation = yamlData
	}
	switch tag = strings.ToLower(strings.TrimSpace(tag)); tag {
	case yamlData, tomlData, jsonData:
		notation = tag
	}
	text, after := cutLine(rest, shut)
	if open == "{" {
		text = append(append([]byte("{"), text...), '}')
	}
	return text, notation, string(after)
}

// cutLine cuts at the first line that is the delimiter.
func cutLine(data []byte, delimiter string) (before, after []byte) {
	at := 0
	for line := range bytes.Lines(data) {
		if string(bytes.TrimRight(line, " \t\r\n")) == delimiter {
			return data[:at], data[at+len(line):]
		}
		at += len(line)
	}
	return data, nil
}

// checkData reads data for its faults alone.
func checkData(text []byte, notation string) error {
	switch notation {
	case yamlData:
		if _, problems := readYAML(text); len(problems) > 0 {
			return problems[0]
		}
	case tomlData:
		var v map[string]any
		return toml.Unmarshal(text, &v)
	case jsonData:
		d := json.NewDecoder(bytes.NewReader(text))
		if err := checkJSON(d, 0); err != nil {
			return err
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return problem{0, "there is more after the end of the JSON value"}
		}
	}
	return nil
}

// checkJSON reads one value and refuses an object that has a key twice.
func checkJSON(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil || depth > maxYAMLDepth {
		return cmp.Or(err, error(problem{0, "nested too deep"}))
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			k, err := d.Token()
			if err != nil {
				return err
			}
			key, _ := k.(string)
			if seen[key] {
				return problem{0, fmt.Sprintf("the key %q stands here twice", key)}
			}
			seen[key] = true
		}
		if err := checkJSON(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// data reads an entry's data for templates; broken data gives nil.
func (x *Collection) data(p string, raw []byte) map[string]any {
	text, notation, _ := entryData(x, p, raw)
	switch notation {
	case yamlData:
		n, _ := readYAML(text)
		if m, ok := plainMap(n).(map[string]any); ok {
			return m
		}
	case tomlData:
		var m map[string]any
		if toml.Unmarshal(text, &m) == nil {
			return m
		}
	case jsonData:
		var m map[string]any
		if json.Unmarshal(text, &m) == nil {
			return m
		}
	}
	return nil
}

// plainMap is n as ordinary Go maps.
func plainMap(n *node) any {
	switch {
	case n == nil:
		return nil
	case n.isMap():
		m := make(map[string]any, len(n.keys))
		for k, v := range n.vals {
			m[k] = plainMap(v)
		}
		return m
	case n.isList():
		list := make([]any, 0, len(n.items))
		for _, item := range n.items {
			list = append(list, plainMap(item))
		}
		return list
	}
	return n.value
}
