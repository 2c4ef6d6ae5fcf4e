package content_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/internal/api/content"
)

func TestPagesOfTheSiteMayCall(t *testing.T) {
	w := newWorld(t, baseFiles())
	tests := []struct {
		origin string
		allow  bool
	}{
		{"https://blog.example", true},
		{"http://blog.example", false},
		{"https://blog.example.evil.example", false},
		{"https://evil.example", false},
		{"null", false},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			r := httptest.NewRequest(method, "/api/v1", strings.NewReader(`{"action":"info"}`))
			r.Header.Set("Origin", tt.origin)
			r.Header.Set("X-Test-Person", "ed")
			if method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", "POST")
				r.Header.Set("Access-Control-Request-Headers", "authorization, content-type")
			}
			rec := httptest.NewRecorder()
			w.mux.ServeHTTP(rec, r)
			if got := rec.Header().Get("Access-Control-Allow-Origin"); (got == tt.origin) != tt.allow {
				t.Errorf("%s from %s: Access-Control-Allow-Origin is %q", method, tt.origin, got)
			}
			if rec.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: cookies are let in", method, tt.origin)
			}
		}
	}
}

func TestOtherMethods(t *testing.T) {
	w := newWorld(t, baseFiles())
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		if rec := w.do(method, "/api/v1", ""); rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") == "" {
			t.Errorf("%s: %d %s", method, rec.Code, rec.Body)
		}
	}
}

func TestRawIsKeptByTheBrowser(t *testing.T) {
	w := newWorld(t, baseFiles())
	var media []struct{ ID, URL string }
	w.must(json.Unmarshal([]byte(w.as("rita", 200, "mediaList", `{"folder":"static/media"}`)), &media))
	url := "/" + media[0].URL
	first := w.do(http.MethodGet, url, "")
	if first.Code != 200 || first.Body.String() != baseFiles()["static/media/logo.png"] {
		t.Fatalf("%d %q", first.Code, first.Body)
	}
	r := httptest.NewRequest(http.MethodGet, url, nil)
	r.Header.Set("X-Test-Person", "rita")
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	again := httptest.NewRecorder()
	w.mux.ServeHTTP(again, r)
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("asked again: %d with %d bytes", again.Code, again.Body.Len())
	}
	head := w.do(http.MethodHead, url, "")
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != first.Header().Get("Content-Length") {
		t.Errorf("HEAD: %d, %d bytes, %v", head.Code, head.Body.Len(), head.Header())
	}
	w.who = "nobody"
	r.Header.Set("X-Test-Person", "nobody")
	stranger := httptest.NewRecorder()
	w.mux.ServeHTTP(stranger, r)
	if stranger.Code != http.StatusUnauthorized || stranger.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a stranger with the right ETag: %d %v", stranger.Code, stranger.Header())
	}
}

// An upload of several megabytes goes through a file on its way, and comes back
// byte by byte.
func TestLargeUpload(t *testing.T) {
	w := newWorld(t, baseFiles())
	film := bytes.Repeat([]byte("\x00\x01film \xff\xfe"), 500_000)
	var saved struct {
		URL     string
		Size    int
		Content *string
	}
	w.must(json.Unmarshal([]byte(w.as("ed", 200, "persistMedia", `{"asset":{"path":"static/media/film.mp4","content":"`+base64.StdEncoding.EncodeToString(film)+`","encoding":"base64"},"options":{"commitMessage":"m"},"inline":false}`)), &saved))
	if saved.Size != len(film) || saved.Content != nil {
		t.Errorf("answered %d bytes, content %v", saved.Size, saved.Content != nil)
	}
	if got := w.do(http.MethodGet, "/"+saved.URL, ""); !bytes.Equal(got.Body.Bytes(), film) || got.Header().Get("Content-Type") != "video/mp4" {
		t.Errorf("%d bytes came back, of %d; %v", got.Body.Len(), len(film), got.Header())
	}
}

func TestPublicFolder(t *testing.T) {
	w := newWorld(t, baseFiles())
	w.as("ed", 200, "persistEntry", `{"dataFiles":[{"path":"content/posts/a.md","slug":"a","raw":"---\ntitle: A\n---\n"}],"assets":[{"path":"static/media/draft.png","content":"aGk=","encoding":"base64"}],"options":{"newEntry":true,"commitMessage":"m","collectionName":"posts","useWorkflow":true,"status":"draft"}}`)
	h := &content.Handler{Site: w.site, Principal: w.principal, Log: slog.New(slog.DiscardHandler)}
	h.Mount(http.NewServeMux())
	teapot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	tests := []struct {
		who, method, path string
		status            int
		body              string
	}{
		{"rita", "GET", "/media/logo.png", 200, baseFiles()["static/media/logo.png"]},
		{"rita", "GET", "/media/draft.png", 200, "hi"},
		{"rita", "HEAD", "/media/logo.png", 200, ""},
		{"rita", "POST", "/media/logo.png", 418, ""},
		{"rita", "GET", "/media/none.png", 418, ""},
		{"rita", "GET", "/media/", 418, ""},
		{"rita", "GET", "/static/media/logo.png", 418, ""},
		{"rita", "GET", "/media/../admin/config.yml", 418, ""},
		{"rita", "GET", "/media/%2e%2e/admin/config.yml", 418, ""},
		{"sam", "GET", "/media/logo.png", 418, ""},
		{"nobody", "GET", "/media/logo.png", 418, ""},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		r.Header.Set("X-Test-Person", tt.who)
		rec := httptest.NewRecorder()
		h.Public(teapot).ServeHTTP(rec, r)
		if rec.Code != tt.status || rec.Body.String() != tt.body {
			t.Errorf("%s %s as %s: %d %q, want %d", tt.method, tt.path, tt.who, rec.Code, rec.Body, tt.status)
		}
		if tt.status == 200 && (rec.Header().Get("Cache-Control") != "private, no-cache" || !strings.HasPrefix(rec.Header().Get("Content-Security-Policy"), "sandbox")) {
			t.Errorf("%s: %v", tt.path, rec.Header())
		}
	}
}
