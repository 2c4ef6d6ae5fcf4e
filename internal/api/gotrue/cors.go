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
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	return true
}

// preflight tells a browser that it may send the request it has in mind.
func preflight(w http.ResponseWriter, method string) {
	w.Header().Set("Access-Control-Allow-Methods", method)
	w.Header().Set("Access-Control-Allow-Headers", allowHeaders)
	w.Header().Set("Access-Control-Max-Age", "600")
}
