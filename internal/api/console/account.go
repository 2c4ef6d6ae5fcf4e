package console

import (
	"net/http"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// SiteLink is a site of this server, as the account page shows it.
type SiteLink struct {
	Name, Title string
	URL         string // of its editor
	// Deployed is the last run of what follows a change; nil, or an answer of
	// nil: there was none.
	Deployed func() *Deployment
}

// Deployment is the outcome of what follows a change of a site.
type Deployment struct {
	At      time.Time
	Commit  string
	Problem string // empty: it went well
	Output  string // the end of it
}

// Account is the pages at the root of the server: one's own account, and the
// choice of a site where there are several. Fields are set before Mount.
type Account struct {
	Pages     *Pages
	Identity  *identity.Service
	Sessions  *auth.Sessions
	Principal func(r *http.Request) (auth.Principal, error)
	Sites     []SiteLink
	Now       func() time.Time
}

// Mount adds the routes of the account page.
func (a *Account) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /console", func(w http.ResponseWriter, _ *http.Request) {
		api.Redirect(w, "/console/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /console/{$}", a.only(a.show))
	a.post(mux, "/console/name", a.rename)
	a.post(mux, "/console/password", a.changePassword)
	a.post(mux, "/console/sessions/revoke", a.revoke)
	a.post(mux, "/console/sessions/revoke-all", a.revokeAll)
}

// MountChooser adds the page at the root that lists the sites.
func (a *Account) MountChooser(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", a.only(a.choose))
}

type personal func(w http.ResponseWriter, r *http.Request, who auth.Principal)

// only lets people in who are signed in, and sends others to sign in.
func (a *Account) only(next personal) http.HandlerFunc { return signedIn(a.Pages, a.Principal, next) }

func signedIn(pages *Pages, principal func(r *http.Request) (auth.Principal, error), next personal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := principal(r)
		switch {
		case err == nil:
			next(w, r, who)
		case fault.Is(err, fault.Unauthenticated) && r.Method == http.MethodGet:
			api.Redirect(w, "/login?next="+r.URL.EscapedPath(), http.StatusSeeOther)
		case fault.Is(err, fault.Unauthenticated):
			api.Redirect(w, "/login?next=/console/", http.StatusSeeOther)
		default:
			pages.Fail(w, r, err)
		}
	}
}

// post adds a form of the account page. change answers with a notice, or with a
// fault that the page shows above its forms.
func (a *Account) post(mux *http.ServeMux, path string, change func(w http.ResponseWriter, r *http.Request, who auth.Principal) (notice string, err error)) {
	mux.Handle("POST "+path, api.Limit(maxForm, a.only(func(w http.ResponseWriter, r *http.Request, who auth.Principal) {
		if err := r.ParseForm(); err != nil {
			a.Pages.Fail(w, r, fault.Wrap(fault.Invalid, err, "The form did not arrive whole. Go back and send it again."))
			return
		}
		notice, err := change(w, r, who)
		switch kind := fault.KindOf(err); {
		case err == nil && notice == "":
			return // answered
		case err == nil:
			api.Redirect(w, "/console/?done="+notice, http.StatusSeeOther)
		case kind == fault.Internal || kind == fault.Unavailable:
			a.Pages.Fail(w, r, err)
		default:
			api.RetryAfter(w, err)
			a.page(w, r, who, accountView{Error: patience(err)}, api.Status(kind))
		}
	})))
}

// notices are what "done" in the address may say; nobody can make the page say
// anything else.
func notice(done string) string {
	switch done {
	case "name":
		return "Your name is saved. What you change from now on carries it."
	case "password":
		return "Your password is changed. All other devices are signed out."
	case "session":
		return "That device is signed out."
	}
	return ""
}

func (a *Account) show(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	a.page(w, r, who, accountView{Notice: notice(r.URL.Query().Get("done"))}, http.StatusOK)
}

type chooserView struct {
	Frame
	Sites []siteRow
}

// choose lists the sites of a person; one who has just one goes there.
func (a *Account) choose(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	user, err := a.Identity.User(r.Context(), who.UserID)
	if err != nil {
		a.Pages.Fail(w, r, err)
		return
	}
	view := chooserView{Frame: a.Pages.personal(r, who), Sites: a.sites(user)}
	view.Manages = managesPeople(user)
	if len(view.Sites) == 1 {
		api.Redirect(w, view.Sites[0].URL, http.StatusSeeOther)
		return
	}
	a.Pages.render(w, r, http.StatusOK, "sites", view.Frame, nobody, view)
}
