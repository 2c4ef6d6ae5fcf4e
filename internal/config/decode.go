package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder fills structs from YAML nodes. Unlike the library's own decoding it
// goes on after a mistake, names what it expected in the operator's words, and
// takes secrets from files and from the environment.
type decoder struct {
	*report
	dir string // relative file names start here
	env func(string) (string, bool)
}

// value decodes one node into v. A key without a value leaves the default.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *Secret:
		if s, ok := d.scalar(n, path, "text"); ok {
			*x = Secret{value: s}
		}
	case *Switch:
		var on bool
		d.boolean(n, &on, path)
		*x = switchOf(on)
	case *bool:
		d.boolean(n, x, path)
	case *int64:
		d.number(n, x, path)
	case *time.Duration:
		d.duration(n, x, path)
	case *string:
		if s, ok := d.scalar(n, path, "text"); ok {
			*x = s
		}
	default:
		switch v.Kind() {
		case reflect.Struct:
			d.mapping(n, v, path)
		case reflect.Slice:
			d.list(n, v, path)
		default:
			panic(fmt.Sprintf("config: a field of type %s at %s is not provided for", v.Type(), path))
		}
	}
}

func (d *decoder) scalar(n *yaml.Node, path, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.add(path, "expected %s, found %s", want, kindOf(n))
		return "", false
	}
	return n.Value, true
}

func (d *decoder) boolean(n *yaml.Node, to *bool, path string) {
	s, ok := d.scalar(n, path, "true or false")
	switch {
	case !ok:
	case s == "true":
		*to = true
	case s == "false":
		*to = false
	default:
		d.add(path, "%q is neither true nor false", s)
	}
}

func (d *decoder) number(n *yaml.Node, to *int64, path string) {
	s, ok := d.scalar(n, path, "a number")
	if !ok {
		return
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil || i < 0 {
		d.add(path, "%q is not a whole number", s)
		return
	}
	*to = i
}

func (d *decoder) duration(n *yaml.Node, to *time.Duration, path string) {
	s, ok := d.scalar(n, path, "a time such as 90s or 5m")
	if !ok {
		return
	}
	t, err := time.ParseDuration(s)
	if err != nil || t <= 0 {
		d.add(path, "%q is not a time span: write a number and a unit, such as 90s or 5m", s)
		return
	}
	*to = t
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.add(path, "expected a list (each item on a line of its own after a hyphen, or [a, b]), found %s", kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line
		d.value(item, v.Index(i), at)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.add(path, "expected keys and values, found %s", kindOf(n))
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		at := join(path, key)
		if seen[key] {
			d.problems = append(d.problems, Problem{n.Content[i].Line, at, "this key is here twice: remove one"})
			continue
		}
		seen[key] = true
		d.lines[at] = n.Content[i].Line
		index, known := fields[key]
		secret, isFile := strings.CutSuffix(key, "_file")
		fileIndex, knownFile := fields[secret]
		switch {
		case known:
			d.value(n.Content[i+1], v.Field(index), at)
		case isFile && knownFile && v.Field(fileIndex).Type() == reflect.TypeFor[Secret]():
			if s, ok := d.scalar(n.Content[i+1], at, "a file name"); ok {
				d.secretFile(s, v.Field(fileIndex), at)
			}
			if seen[secret] || written(n, secret) {
				d.add(at, "%s is given as well: keep one of the two", secret)
			}
		default:
			d.add(at, "there is no such setting%s", suggest(key, fields))
		}
	}
}

func (d *decoder) secretFile(name string, v reflect.Value, path string) {
	data, err := os.ReadFile(d.abs(name)) //nolint:gosec // G703: the operator names the file
	if err != nil {
		d.add(path, "the file cannot be read: %v", err)
		return
	}
	v.Set(reflect.ValueOf(Secret{value: strings.TrimRight(string(data), "\r\n"), file: d.abs(name)}))
}

// environment fills in secrets from variables: GATEHOUSE_ and the path in
// capitals, items of a list by their name (GATEHOUSE_SITES_BLOG_DEPLOY_SECRET).
func (d *decoder) environment(v reflect.Value, path, name string) {
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		value, ok := d.env("GATEHOUSE" + name)
		switch {
		case !ok:
		case !v.Interface().(Secret).Empty():
			d.add(path, "the variable GATEHOUSE%s is set as well: keep one of the two", name)
		default:
			v.Set(reflect.ValueOf(Secret{value: value}))
		}
	case v.Kind() == reflect.Struct:
		for key, i := range fieldsOf(v.Type()) {
			d.environment(v.Field(i), join(path, key), name+"_"+variable(key))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			item := v.Index(i)
			d.environment(item, fmt.Sprintf("%s[%d]", path, i), name+"_"+variable(item.FieldByName("Name").String()))
		}
	}
}

func variable(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }

func (d *decoder) abs(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.dir, name)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func written(n *yaml.Node, key string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// fieldsOf maps the keys of a struct to its fields.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			fields[key] = i
		}
	}
	return fields
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}
