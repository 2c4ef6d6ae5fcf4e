// Package gotrue speaks the identity protocol of GoTrue, so that clients made
// for it work unchanged: gotrue-js, the identity widget, and the CMSs that
// bundle them.
//
//	POST /.netlify/identity/token      sign in with a password, or renew with a refresh token
//	GET  /.netlify/identity/user       who the bearer of an access token is
//	POST /.netlify/identity/logout     end the bearer's refresh tokens at this site
//	GET  /.netlify/identity/settings   what a client may offer
//	GET  /.netlify/identity/health     that it is there
//
// Statuses, shapes and texts are GoTrue's, with these betterments: errors carry
// "message" beside "msg" or "error_description"; metadata is never null; tokens
// name their issuer and their session, and signing out ends an access token at
// once; a refresh token that was just replaced gives its successor again; only
// the site's own origins may call from another page.
//
// Cookies play no part here, so that no page can act for its visitor.
package gotrue

import (
	"log/slog"
	"net/http"
	"net/netip"

	"gatehouse/internal/auth"
	"gatehouse/internal/identity"
)

// Prefix is where the routes lie below a site.
const Prefix = "/.netlify/identity"

// Handler serves the identity protocol of one site. Fields are set before
// Mount.
type Handler struct {
	Identity   *identity.Service
	Door       *auth.Door                       // knows the issuer, and the site's identity URL
	Site       string                           // the site's name; the audience of its tokens
	Origins    []string                         // pages elsewhere that may call, scheme://host[:port]
	ClientAddr func(r *http.Request) netip.Addr // where a request comes from
	Version    string                           // of this program, for health
	Log        *slog.Logger
}

// Mount adds the routes.
func (h *Handler) Mount(mux *http.ServeMux) {
	mux.Handle(Prefix+"/token", h.route(http.MethodPost, h.token))
	mux.Handle(Prefix+"/user", h.route(http.MethodGet, h.user))
	mux.Handle(Prefix+"/logout", h.route(http.MethodPost, h.logout))
	mux.Handle(Prefix+"/settings", h.route(http.MethodGet, h.settings))
	mux.Handle(Prefix+"/health", h.route(http.MethodGet, h.health))
	mux.HandleFunc(Prefix, http.NotFound) // without this line the mux would redirect
	mux.HandleFunc(Prefix+"/", http.NotFound)
}

// route serves one path: its one method, the preflight of browsers, and an
// empty 405 for the rest.
func (h *Handler) route(method string, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := h.cors(w, r)
		switch {
		case r.Method == http.MethodOptions:
			if allowed {
				preflight(w, method)
			}
			w.WriteHeader(http.StatusNoContent)
		case r.Method != method:
			w.Header().Set("Allow", method)
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			serve(w, r)
		}
	})
}

func (h *Handler) settings(w http.ResponseWriter, _ *http.Request) {
	type external struct {
		Bitbucket bool `json:"bitbucket"`
		GitHub    bool `json:"github"`
		GitLab    bool `json:"gitlab"`
		Google    bool `json:"google"`
		Facebook  bool `json:"facebook"`
		Email     bool `json:"email"`
		SAML      bool `json:"saml"`
	}
	reply(w, http.StatusOK, struct {
		External       external       `json:"external"`
		ExternalLabels map[string]any `json:"external_labels"`
		DisableSignup  bool           `json:"disable_signup"`
		Autoconfirm    bool           `json:"autoconfirm"`
	}{External: external{Email: true}, ExternalLabels: map[string]any{}, DisableSignup: true})
}

func (h *Handler) health(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, struct {
		Version     string `json:"version"`
		Name        string `json:"name"`
		Description string `json:"description"`
	}{h.Version, "GoTrue", "Gatehouse, speaking GoTrue: accounts and sign-in for a static site"})
}
