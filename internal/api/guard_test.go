package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/api"
)

func TestCleanPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/":                           true,
		"/admin/":                     true,
		"/s/blog/api/v1":              true,
		"/git/refs/heads/cms%2Fa%2Fb": true, // a branch name in one segment
		"/a%2F":                       true,
		"/100%25":                     true,
		"/.netlify/identity/token":    true,
		"/...":                        true,
		"":                            false,
		"*":                           false,
		"admin/":                      false,
		"//":                          false,
		"/a//b":                       false,
		"/a//":                        false,
		"/./a":                        false,
		"/a/..":                       false,
		"/a/../b":                     false,
		"/a/%2e%2e/b":                 false,
		"/a/%2E./b":                   false,
		"/a%2F..%2Fb":                 false,
		"/a%2f%2fb":                   false,
		"/a%2F/b":                     false,
		"/a%00b":                      false,
		"/a%0d%0ab":                   false,
		"/a%zz":                       false,
		"/a/%252e%252e/b":             true, // twice encoded is a plain name for everybody here
	} {
		if got := api.CleanPath(path); got != want {
			t.Errorf("CleanPath(%q) = %v, want %v", path, got, want)
		}
	}
}

func TestGuardAnswers400AndNeverRedirects(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/admin/", func(http.ResponseWriter, *http.Request) {})
	h := api.Guard(mux)
	for _, target := range []string{"/admin/../x", "//evil.example/", "/admin//x", "/admin/%2e%2e/x"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: mustParse(t, "http://h"+target), Header: http.Header{}})
		if w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Errorf("%s: status %d, Location %q", target, w.Code, w.Header().Get("Location"))
		}
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// What the guard lets through has to reach the mux's handler under exactly the
// path that was asked for, without a redirect.
func FuzzGuard(f *testing.F) {
	for _, s := range []string{"/", "/a/b/", "/a/../b", "/%2e/", "/a%2F%2e%2e%2Fb", "//", "/a%00", "/é", "/a;b=c/d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		var seen string
		mux := http.NewServeMux()
		mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { seen = r.URL.Path })
		w := httptest.NewRecorder()
		api.Guard(mux).ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
		if w.Code == http.StatusBadRequest {
			return
		}
		if w.Code != http.StatusOK || seen != u.Path {
			t.Fatalf("%q: status %d, handler saw %q", path, w.Code, seen)
		}
		for s := range strings.SplitSeq(strings.Trim(u.Path, "/"), "/") {
			if s == "." || s == ".." {
				t.Fatalf("%q let a dot segment through", path)
			}
		}
	})
}
