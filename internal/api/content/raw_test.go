package content

import (
	"net/http"
	"strings"
	"testing"
)

func TestFileHeaders(t *testing.T) {
	tests := []struct{ name, kind, disposition string }{
		{"a.png", "image/png", `inline; filename=a.png`},
		{"A.JPG", "image/jpeg", `inline; filename=A.JPG`},
		{"logo.svg", "image/svg+xml", `inline; filename=logo.svg`},
		{"talk.pdf", "application/pdf", `inline; filename=talk.pdf`},
		{"page.html", "application/octet-stream", `attachment; filename=page.html`},
		{"page.xhtml", "application/octet-stream", `attachment; filename=page.xhtml`},
		{"script.js", "application/octet-stream", `attachment; filename=script.js`},
		{"feed.xml", "application/octet-stream", `attachment; filename=feed.xml`},
		{"post.md", "application/octet-stream", `attachment; filename=post.md`},
		{"a.png.html", "application/octet-stream", `attachment; filename=a.png.html`},
		{"", "application/octet-stream", `attachment; filename=file`},
		{"../../x.png", "image/png", `inline; filename=..-..-x.png`},
		{"a\r\nSet-Cookie: b.png", "image/png", `inline; filename="a--Set-Cookie: b.png"`},
		{"Käse.png", "image/png", `inline; filename*=utf-8''K%C3%A4se.png`},
	}
	for _, tt := range tests {
		h := http.Header{}
		setFileHeaders(h, tt.name)
		if got := h.Get("Content-Type"); got != tt.kind {
			t.Errorf("%q: Content-Type %q, want %q", tt.name, got, tt.kind)
		}
		if got := h.Get("Content-Disposition"); got != tt.disposition {
			t.Errorf("%q: Content-Disposition %q, want %q", tt.name, got, tt.disposition)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") {
			t.Errorf("%q: what is in it might run: %v", tt.name, h)
		}
	}
}
