package render

import (
	"bytes"
	"html/template"
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown turns Markdown into HTML. Raw HTML is left out; links keep their
// target only if it is a page, a picture of this site, or a mail address.
func (s *Site) markdown(base, source string) template.HTML {
	md := goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), extension.Strikethrough, extension.Linkify, extension.Typographer),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(&rewriter{site: s, base: base}, 500))), //nolint:misspell // goldmark's spelling
	)
	out := &bytes.Buffer{}
	if err := md.Convert([]byte(source), out); err != nil {
		return "<p>This text cannot be shown.</p>"
	}
	return template.HTML(out.String()) //nolint:gosec // G203: goldmark escapes the text and leaves raw HTML out
}

// rewriter points links and pictures to where this site shows them, and moves
// headings below the page's own.
type rewriter struct {
	site *Site
	base string
}

// Transform implements goldmark's parser.ASTTransformer.
func (w *rewriter) Transform(doc *ast.Document, from text.Reader, _ parser.Context) {
	var bare []*ast.AutoLink
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // this walk has no errors
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = max(n.Level, 2)
		case *ast.Link:
			n.Destination = []byte(w.site.link(w.base, string(n.Destination)))
		case *ast.Image:
			n.Destination = []byte(w.site.link(w.base, string(n.Destination)))
		case *ast.AutoLink:
			bare = append(bare, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range bare {
		w.disarm(n, from.Source())
	}
}

// disarm turns "<javascript:…>" and its like into plain text: goldmark checks
// the scheme of every other kind of link.
func (w *rewriter) disarm(n *ast.AutoLink, source []byte) {
	if n.AutoLinkType == ast.AutoLinkEmail || w.site.link("", string(n.URL(source))) != "#" {
		return
	}
	n.Parent().ReplaceChild(n.Parent(), n, ast.NewString(util.EscapeHTML(n.Label(source))))
}

// link is where a destination found in content leads. What is not understood
// leads nowhere.
func (s *Site) link(base, to string) string {
	u, err := url.Parse(strings.TrimSpace(to))
	if err != nil {
		return "#"
	}
	switch {
	case u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "mailto":
		return u.String()
	case u.Scheme != "" || u.Host != "" || u.Opaque != "":
		return "#"
	case strings.HasPrefix(u.Path, "/"):
		return base + u.String()
	}
	return u.String()
}
