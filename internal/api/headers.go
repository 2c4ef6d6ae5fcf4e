package api

import (
	"net/http"
	"slices"
	"strings"
)

// SecurityHeaders sets what is right for every answer; handlers that serve
// pages replace the Content-Security-Policy by their own. https says that the
// outside world reaches us by HTTPS alone.
func SecurityHeaders(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// Limit refuses to read more than n bytes of a request's body.
func Limit(n int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, n)
		next.ServeHTTP(w, r)
	})
}

// SameOrigin refuses state-changing requests that another origin's page makes a
// browser send, which is all the protection that cookie sessions need against
// request forgery. Requests with a bearer token pass: no page can make a browser
// add one without CORS allowing it first (a password that the browser keeps for
// a proxy in front is another matter: it goes along by itself). So do requests
// that match one of the bypass patterns (in ServeMux's syntax), which is for
// protocols that never look at a cookie.
func SameOrigin(bypass []string, next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	for _, pattern := range bypass {
		guard.AddInsecureBypassPattern(pattern)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); !strings.EqualFold(scheme, "Bearer") {
			if err := guard.Check(r); err != nil {
				http.Error(w, "This request came from another site's page and was refused. Open Gatehouse itself and try again.", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// CORS lets the pages of the given origins ("https://blog.example") call next
// with a bearer token. Credentials are never allowed, so that a cookie session
// is out of their reach. Answers to anybody else carry no CORS header.
func CORS(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" || !slices.Contains(origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Add("Vary", "Access-Control-Request-Headers")
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Access-Control-Expose-Headers", "ETag, Link, Retry-After, X-Request-Id, X-Total-Count")
		next.ServeHTTP(w, r)
	})
}
