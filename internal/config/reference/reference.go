// Package reference writes the settings page of the manual from the comments in
// the configuration's source, so that the two cannot differ.
package reference

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
)

// Settings reads the Go file with the type Config and answers the page in
// Markdown. A field without a comment is an error.
func Settings(file string) ([]byte, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	w := &writer{structs: map[string]*ast.StructType{}, intros: map[string]string{}}
	for _, d := range parsed.Decls {
		w.collect(d)
	}
	w.out.WriteString(head)
	if err := w.table("Config", "", 2); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

const head = `# Settings

<!-- Written by "make docs" from internal/config/config.go. -->

Gatehouse reads one file: the one named by ` + "`--config`" + `, else by ` + "`$GATEHOUSE_CONFIG`" + `, else
` + "`./gatehouse.yaml`" + `. Relative file names start at the file's own directory. Everything
that is wrong with it is reported at once, with line numbers; unknown keys are wrong.
On SIGHUP it is read again.

A **secret** ` + "`x`" + ` can also be given as ` + "`x_file`" + `, the name of a file that holds it, or in
an environment variable: ` + "`GATEHOUSE_`" + ` and the key's path in capitals, list items by their
name, such as ` + "`GATEHOUSE_SITES_BLOG_DEPLOY_SECRET`" + `. Nothing else comes from the environment.
`

type writer struct {
	structs map[string]*ast.StructType
	intros  map[string]string
	out     bytes.Buffer
}

func (w *writer) collect(d ast.Decl) {
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, s := range g.Specs {
		t, ok := s.(*ast.TypeSpec)
		if !ok {
			continue
		}
		if st, ok := t.Type.(*ast.StructType); ok {
			w.structs[t.Name.Name], w.intros[t.Name.Name] = st, text(g.Doc)
		}
	}
}

// table writes the fields of a struct, plain ones first, then a section for
// each that is a struct itself.
func (w *writer) table(name, path string, level int) error {
	type section struct{ name, path string }
	var below []section
	for _, f := range w.structs[name].Fields.List {
		key := yamlKey(f)
		if key == "" || key == "-" {
			continue
		}
		if f.Doc == nil {
			return fmt.Errorf("%s.%s has no comment to describe it", name, f.Names[0].Name)
		}
		kind, element, list := kindOf(f.Type)
		if _, isStruct := w.structs[element]; isStruct {
			at := path + key
			if list {
				at += "[]"
			}
			below = append(below, section{element, at})
			w.line(key, kind+", see below", text(f.Doc))
			continue
		}
		w.line(key, kind, text(f.Doc))
	}
	for _, s := range below {
		_, _ = fmt.Fprintf(&w.out, "\n%s %s\n\n%s\n", strings.Repeat("#", min(level, 4)), s.path, intro(s.name, w.intros[s.name])) // a buffer cannot fail
		if err := w.table(s.name, s.path+".", level+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) line(key, kind, description string) {
	_, _ = fmt.Fprintf(&w.out, "\n**`%s`** (%s)  \n%s\n", key, kind, description) // a buffer cannot fail
}

// intro is a type's comment without its name: "Mail is outgoing mail." becomes
// "Outgoing mail."
func intro(name, comment string) string {
	rest := strings.TrimPrefix(comment, name+" ")
	for _, verb := range []string{"is ", "says "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	if rest == "" {
		return ""
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

func text(doc *ast.CommentGroup) string { return strings.TrimSpace(doc.Text()) }

func yamlKey(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return ""
	}
	return reflect.StructTag(tag).Get("yaml")
}

// kindOf names a type for people; element is the type's own name in the source.
func kindOf(t ast.Expr) (kind, element string, list bool) {
	switch x := t.(type) {
	case *ast.ArrayType:
		inner, element, _ := kindOf(x.Elt)
		if inner == "keys" {
			return "list", element, true
		}
		return "list of " + inner + "s", element, true
	case *ast.SelectorExpr:
		return "time span", x.Sel.Name, false
	case *ast.Ident:
		switch x.Name {
		case "string":
			return "text", x.Name, false
		case "Secret":
			return "secret", x.Name, false
		}
		return "keys", x.Name, false
	}
	return "", "", false
}
