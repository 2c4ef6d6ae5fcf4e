// Package gotrue speaks the identity protocol of GoTrue, so that clients made
// for it work unchanged: gotrue-js, @netlify/identity, the identity widget, and
// the CMSs that bundle them. Below /.netlify/identity:
//
//	GET  /settings  /health               what a client may offer; that it is there
//	POST /signup  /recover  /magiclink    a stranger asks for a mail
//	POST /verify                          a token of a mail becomes a session
//	GET  /verify?type=…&token=…           leads to our page for that token
//	POST /token                           sign in with a password, or renew with a refresh token
//	GET  /user   PUT /user                the bearer's own account
//	POST /logout                          end the bearer's sign-ins at this site
//	POST /invite                          ask somebody to this site          administrators
//	GET  /admin/users        POST         the site's people                  administrators
//	GET  /admin/users/{id}   PUT  DELETE  one of them                        administrators
//	GET  /admin/audit                     what happened at the site          administrators
//
// Statuses, shapes and texts are GoTrue's. External providers and SAML are not
// here. What is otherwise than in GoTrue, and why:
//
//   - Errors carry "message" beside "msg" or "error_description"; metadata is
//     never null; app_metadata always has "roles", those at this site.
//   - Nothing tells a stranger whether an address has an account: signing up with
//     a known one, and asking for mails again and again, is answered as for a new
//     one. "Email not confirmed" is for who has the password.
//   - A site is the audience of its tokens, whatever X-JWT-AUD says; a bearer
//     whose client expects another one is told so.
//   - The site's own origins alone may call from another page. Headers of all
//     clients are allowed, and Link and X-Total-Count can be read.
//   - X-Use-Cookie is accepted and ignored: no cookie plays a part here, so that
//     no page can act for its visitor.
//   - Tokens name their issuer and their session; to sign out ends access tokens
//     at once. A refresh token that was replaced gives the newest again to the
//     same client, since tabs do not share theirs.
//   - /token also reads JSON. Renewing works where passwords are switched off.
//   - To invite somebody again sends the invitation again. /invite and POST
//     /admin/users take app_metadata.roles. The answer of /invite has
//     "invite_link" for operators, and where the server sends no mail.
//   - A site's administrator has no say in the account of who belongs to another
//     site, too, and DELETE takes from this site, the account only with the last
//     one. "role", "aud", "is_super_admin" and the rest of app_metadata are
//     ignored, whoever sends them.
//   - The users can be sorted by email and name, too.
//   - A change of address is answered alike when the new one is taken.
//
// Magic links are not GoTrue's, so that their shape is ours: POST /magiclink
// {"email"} mails one and answers 200 {} whoever asks; POST /verify
// {"type":"magiclink","token"} makes a session of it.
package gotrue

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
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
	Audit      *audit.Log                       // what happened
	Site       string                           // the site's name; the audience of its tokens
	Origins    []string                         // pages elsewhere that may call, scheme://host[:port]
	ClientAddr func(r *http.Request) netip.Addr // where a request comes from
	Version    string                           // of this program, for health
	Log        *slog.Logger
	BodyTime   time.Duration // in which a request must arrive; 0: 15 s
}

// methods are what a path answers to, by method. What an endpoint returns is
// rendered in the protocol's shapes; it has then not answered itself.
type methods map[string]func(http.ResponseWriter, *http.Request) error

// routes are the protocol.
func (h *Handler) routes() map[string]methods {
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	return map[string]methods{
		"/settings":         {get: h.settings},
		"/health":           {get: h.health},
		"/signup":           {post: h.signUp},
		"/recover":          {post: h.recover},
		"/magiclink":        {post: h.magicLink},
		"/verify":           {post: h.verify, get: h.verifyPage},
		"/token":            {post: h.token},
		"/user":             {get: h.user, put: h.changeUser},
		"/logout":           {post: h.logout},
		"/invite":           {post: h.invite},
		"/admin/users":      {get: h.listUsers, post: h.addUser},
		"/admin/users/{id}": {get: h.oneUser, put: h.editUser, del: h.removeUser},
		"/admin/audit":      {get: h.audit},
	}
}

// Mount adds the routes.
func (h *Handler) Mount(mux *http.ServeMux) {
	guard := h.guard()
	for path, methods := range h.routes() {
		mux.Handle(Prefix+path, h.serve(guard, methods))
	}
	mux.HandleFunc(Prefix, http.NotFound) // without this line the mux would redirect
	mux.HandleFunc(Prefix+"/", http.NotFound)
}

// serve answers at one path: its methods, the preflight of browsers, and an
// empty 405 for the rest.
func (h *Handler) serve(guard *http.CrossOriginProtection, paths methods) http.Handler {
	names := make([]string, 0, len(paths))
	for name := range paths {
		names = append(names, name)
	}
	slices.Sort(names)
	allow := strings.Join(names, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := h.cors(w, r)
		endpoint := paths[r.Method]
		switch {
		case r.Method == http.MethodOptions:
			if allowed {
				preflight(w, allow)
			}
			w.WriteHeader(http.StatusNoContent)
		case endpoint == nil:
			w.Header().Set("Allow", allow)
			w.WriteHeader(http.StatusMethodNotAllowed)
		case guard.Check(r) != nil:
			h.fail(w, r, apiError{Code: http.StatusForbidden, Msg: "This page is not one of the site's. Add its origin to the site's origins to let it call."})
		default:
			if err := endpoint(w, r); err != nil {
				h.fail(w, r, err)
			}
		}
	})
}
