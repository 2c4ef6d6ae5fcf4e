package broker

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// checkPage parses a page after looking at what all of them have in common.
func checkPage(t *testing.T, w *httptest.ResponseRecorder) *html.Node {
	t.Helper()
	for key, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"X-Robots-Tag":            "noindex",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",

		"Cross-Origin-Opener-Policy":  "",
		"Access-Control-Allow-Origin": "",
	} {
		if got := w.Header().Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	doc, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" && (!strings.HasPrefix(attribute(n, "src"), "/auth/assets/") || n.FirstChild != nil) {
			t.Errorf("a script that is not ours: %v", n.Attr)
		}
		if n.Data == "img" || n.Data == "style" || n.Data == "iframe" || n.Data == "form" {
			t.Errorf("there is a %s", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "href" && strings.HasPrefix(a.Val, "javascript:") {
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	return doc
}

// find is the first element whose attribute has that value.
func find(doc *html.Node, key, value string) *html.Node {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && has(n, key) && attribute(n, key) == value {
			return n
		}
	}
	return nil
}

func has(n *html.Node, key string) bool {
	return n != nil && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func attribute(n *html.Node, key string) string {
	if n != nil {
		for _, a := range n.Attr {
			if a.Key == key {
				return a.Val
			}
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	if n == nil {
		return "nothing"
	}
	var text strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			text.WriteString(c.Data)
		}
	}
	return text.String()
}
