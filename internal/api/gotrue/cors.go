package gotrue

import (
	"net/http"
	"slices"
)

// allowHeaders are what the clients send: gotrue-js 1.0 names itself in
// X-Nf-Client.
const allowHeaders = "Accept, Authorization, Content-Type, X-JWT-AUD, X-Use-Cookie, X-Nf-Client, X-Requested-With"

// cors lets a page of one of the site's origins read the answer, and says
// whether it did. Credentials are not allowed: there are no cookies here.
func (h *Handler) cors(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(h.Origins, origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "Link, X-Total-Count, Retry-After")
	return true
}

// preflight tells a browser that it may send the request it has in mind.
func preflight(w http.ResponseWriter, methods string) {
	w.Header().Set("Access-Control-Allow-Methods", methods)
	w.Header().Set("Access-Control-Allow-Headers", allowHeaders)
	w.Header().Set("Access-Control-Max-Age", "600")
}

// guard refuses what pages of other origins send without a preflight. They could
// not read the answer, but have their visitors ask for mails.
func (h *Handler) guard() *http.CrossOriginProtection {
	guard := http.NewCrossOriginProtection()
	for _, origin := range h.Origins {
		// What is no origin is no page's either.
		_ = guard.AddTrustedOrigin(origin)
	}
	return guard
}
