package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// document is one file of content: its fields and its Markdown.
type document struct {
	fields map[string]any
	body   string
	broken bool // its fields cannot be read
}

// sizeLimit bounds a file that is read as content.
const sizeLimit = 1 << 20

// parse reads Markdown with front matter, YAML or JSON, by the file's name. It
// never fails: what cannot be read is a broken document, and shown as such.
func parse(name string, data []byte) *document {
	d := &document{fields: map[string]any{}}
	if len(data) > sizeLimit {
		d.broken = true
		return d
	}
	var err error
	switch path.Ext(name) {
	case ".json":
		err = json.Unmarshal(data, &d.fields)
	case ".yml", ".yaml":
		err = yaml.Unmarshal(data, &d.fields)
	default:
		head, body, ok := frontMatter(data)
		d.body = string(body)
		if ok {
			err = yaml.Unmarshal(head, &d.fields)
		}
	}
	d.broken = err != nil
	if err != nil || d.fields == nil {
		d.fields = map[string]any{}
	}
	return d
}

// frontMatter cuts data into what is between the first two lines of dashes and
// the rest.
func frontMatter(data []byte) (head, body []byte, ok bool) {
	data = bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	rest, ok := bytes.CutPrefix(data, []byte("---\n"))
	if !ok {
		return nil, data, false
	}
	if body, ok := bytes.CutPrefix(rest, []byte("---\n")); ok {
		return nil, body, true
	}
	if head, body, ok := bytes.Cut(rest, []byte("\n---\n")); ok {
		return head, body, true
	}
	if head, ok := bytes.CutSuffix(bytes.TrimRight(rest, "\n"), []byte("\n---")); ok {
		return head, nil, true
	}
	return nil, data, false
}

// in narrows a document to one language of a file that holds several.
func (d *document) in(locale string) *document {
	fields, ok := d.fields[locale].(map[string]any)
	if !ok {
		return nil
	}
	return &document{fields: fields, broken: d.broken}
}

// text is a field as one line; numbers and booleans are spelled out.
func (d *document) text(field string) string {
	switch v := d.fields[field].(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case time.Time:
		return day(v)
	case []any, map[string]any:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

// markdown is the document's text, wherever its format keeps it.
func (d *document) markdown() string {
	if d.body != "" {
		return d.body
	}
	return d.text("body")
}

// date is the field date; zero when there is none or it cannot be read.
func (d *document) date() time.Time {
	switch v := d.fields["date"].(type) {
	case time.Time:
		return v.UTC()
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000-0700", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
			if t, err := time.Parse(layout, strings.TrimSpace(v)); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}

// list is a field's texts; a single text is a list of one.
func (d *document) list(field string) []string {
	switch v := d.fields[field].(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok && s != "" {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// groups is a field that is a list of maps, such as a menu.
func (d *document) groups(field string) []*document {
	var out []*document
	items, _ := d.fields[field].([]any)
	for _, x := range items {
		if m, ok := x.(map[string]any); ok {
			out = append(out, &document{fields: m})
		}
	}
	return out
}
