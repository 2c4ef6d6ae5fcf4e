package api

import (
	"net/http"
	"net/url"
	"strings"
)

// Guard refuses paths whose meaning depends on who reads them: a dot segment or
// an empty segment, written plainly or percent-encoded once, and control
// characters. The answer is 400 and never a redirect, because a client that
// follows one ends up somewhere else than it asked for. One slash at the end is
// fine.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect || !CleanPath(r.URL.EscapedPath()) {
			http.Error(w, "This path is not well formed.", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// CleanPath reports whether an escaped URL path is absolute and free of dot
// segments, empty segments and control characters, both as it stands and
// percent-decoded once.
func CleanPath(escaped string) bool {
	if !cleanSegments(escaped) {
		return false
	}
	decoded, err := url.PathUnescape(escaped)
	return err == nil && cleanSegments(decoded)
}

func cleanSegments(p string) bool {
	rest, ok := strings.CutPrefix(p, "/")
	if !ok {
		return false
	}
	if strings.ContainsFunc(p, func(c rune) bool { return c < 0x20 || c == 0x7f }) {
		return false
	}
	rest = strings.TrimSuffix(rest, "/")
	if rest == "" {
		return p == "/"
	}
	for s := range strings.SplitSeq(rest, "/") {
		if s == "" || s == "." || s == ".." {
			return false
		}
	}
	return true
}
