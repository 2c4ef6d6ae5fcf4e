package broker

import (
	"net/http"
	"strings"

	"gatehouse/internal/audit"
)

// MeansPopup reports whether a request looks like that of a CMS page for its
// popup, whatever its path: with a path in base_url, or another auth_endpoint
// than ours, it ends anywhere.
func MeansPopup(r *http.Request) bool {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.RawQuery, "provider=") || !strings.Contains(r.URL.RawQuery, "site_id=") {
		return false
	}
	q, err := readQuery(r.URL.RawQuery)
	return err == nil && providerName.MatchString(q.Get("provider")) && q.Has("site_id")
}

// Astray answers a request that MeansPopup, at a path where nothing is, with
// what belongs into the CMS's config.yml.
func (h *Handler) Astray(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	h.window(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := h.Limits.popups.Take(clientAddr(r)); !ok {
			h.tooMany(w, r, wait)
			return
		}
		h.refuse(w, r, http.StatusNotFound, helpPath(h.URL, clip(r.URL.Path, 100)), audit.Event{Detail: "the popup was opened at " + clip(r.URL.Path, 100)})
	})(w, r)
}

// helpPath is for a popup that was opened at a path of ours where none is.
func helpPath(ourOrigin, path string) Help {
	return Help{
		ID:       "E-path",
		Title:    "The sign-in is not here",
		Sentence: "The editor's page has opened the sign-in at " + path + ", and there is none at that path.",
		Action:   "Set base_url in the CMS's config.yml to exactly " + ourOrigin + ", without a path, and auth_endpoint as it is here.",
		Config:   "backend:\n  base_url: " + ourOrigin + "\n  auth_endpoint: auth\n",
	}
}
