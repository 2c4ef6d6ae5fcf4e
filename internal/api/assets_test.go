package api_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"gatehouse/internal/api"
)

func zip(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.Bytes()
}

func newAssets(t *testing.T) *api.Assets {
	t.Helper()
	a, err := api.NewAssets(fstest.MapFS{
		"a.js":        {Data: []byte("plain")},
		"a.js.br":     {Data: []byte("brotli")},
		"a.js.gz":     {Data: zip("gzip")},
		"only.css.gz": {Data: zip("packed")},
		"only.js.br":  {Data: []byte("brotli")},
		"m/x.wasm":    {Data: []byte("wasm")},
		".gitkeep":    {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func serve(a *api.Assets, w http.ResponseWriter, r *http.Request) {
	a.ServeFile(w, r, strings.TrimPrefix(r.URL.Path, "/"))
}

func TestAssetsChooseTheForm(t *testing.T) {
	a := newAssets(t)
	for _, c := range []struct {
		name, accept   string
		status         int
		coding, body   string
		contentTypeHas string
	}{
		{"/a.js", "gzip, deflate, br", 200, "br", "brotli", "text/javascript; charset=utf-8"},
		{"/a.js", "br;q=0, gzip", 200, "gzip", string(zip("gzip")), "text/javascript; charset=utf-8"},
		{"/a.js", "", 200, "", "plain", "text/javascript; charset=utf-8"},
		{"/a.js", "*", 200, "br", "brotli", "text/javascript; charset=utf-8"},
		{"/only.css", "", 200, "", "packed", "text/css; charset=utf-8"},
		{"/only.css", "gzip;q=0", 200, "", "packed", "text/css; charset=utf-8"},
		{"/only.js", "gzip", 406, "", "", ""},
		{"/m/x.wasm", "br", 200, "", "wasm", "application/wasm"},
		{"/a.js.br", "br", 404, "", "", ""},
		{"/.gitkeep", "", 404, "", "", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, c.name, nil)
		r.Header.Set("Accept-Encoding", c.accept)
		w := httptest.NewRecorder()
		serve(a, w, r)
		if w.Code != c.status {
			t.Errorf("%s accepting %q: status %d, want %d", c.name, c.accept, w.Code, c.status)
			continue
		}
		if c.status != 200 {
			continue
		}
		if got := w.Header().Get("Content-Encoding"); got != c.coding || w.Body.String() != c.body {
			t.Errorf("%s accepting %q: coding %q, body %q", c.name, c.accept, got, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != c.contentTypeHas {
			t.Errorf("%s: content type %q", c.name, got)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: Vary is %q", c.name, w.Header().Get("Vary"))
		}
	}
}

func TestAssetsAnswer304PerForm(t *testing.T) {
	a := newAssets(t)
	etags := map[string]bool{}
	for _, accept := range []string{"br", "gzip", ""} {
		r := httptest.NewRequest(http.MethodHead, "/a.js", nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		serve(a, w, r)
		etag := w.Header().Get("ETag")
		if w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
			t.Errorf("HEAD: %d bytes of body, length %q", w.Body.Len(), w.Header().Get("Content-Length"))
		}
		etags[etag] = true
		r.Header.Set("If-None-Match", `"other", W/`+etag)
		w = httptest.NewRecorder()
		serve(a, w, r)
		if w.Code != http.StatusNotModified {
			t.Errorf("%q again: status %d", accept, w.Code)
		}
	}
	if len(etags) != 3 {
		t.Errorf("three forms share ETags: %v", etags)
	}
}

func TestAssetsCaching(t *testing.T) {
	a := newAssets(t)
	get := func() string {
		w := httptest.NewRecorder()
		serve(a, w, httptest.NewRequest(http.MethodGet, "/a.js", nil))
		return w.Header().Get("Cache-Control")
	}
	if got := get(); got != "no-cache" {
		t.Errorf("by default %q", got)
	}
	a.Immutable = true
	if got := get(); got != "public, max-age=31536000, immutable" {
		t.Errorf("immutable: %q", got)
	}
	w := httptest.NewRecorder()
	serve(a, w, httptest.NewRequest(http.MethodPost, "/a.js", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
	if len(a.Version()) != 12 {
		t.Errorf("version %q", a.Version())
	}
}
