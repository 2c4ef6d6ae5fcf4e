package fakes

import (
	"net/http"
	"strings"
)

// maxRequest bounds what a host reads of a request: 64 MiB.
const maxRequest = 64 << 20

// API is how a host's API treats the pages of other origins, which is where a
// CMS calls from.
type API struct {
	Path    string            // everything below it is the API
	MaxAge  string            // seconds that a preflight's answer is good for
	Headers map[string]string // more headers of each answer
}

// Serve answers a preflight to the API itself, and leaves the rest to next.
func (a API) Serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if strings.HasPrefix(r.URL.Path, a.Path) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("X-Content-Type-Options", "nosniff")
		for name, value := range a.Headers {
			h.Set(name, value)
		}
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
			h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			h.Set("Access-Control-Max-Age", a.MaxAge)
			w.WriteHeader(http.StatusOK)
			return
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	next.ServeHTTP(w, r)
}
