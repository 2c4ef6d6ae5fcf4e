package console

import (
	"context"
	"net/http"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// maxForm bounds what the forms of the console may send.
const maxForm = 64 << 10

// Login is signing in and out, at one site or at the root of several. Fields
// are set before Mount.
type Login struct {
	Pages     *Pages
	Identity  *identity.Service
	Sessions  *auth.Sessions
	Principal func(r *http.Request) (auth.Principal, error)
	Title     string // the site's name for people; empty at the root of several
	Home      string // where to go when nothing else was asked for, relative to login
	// Language is that of the pages when a browser asks for none of ours, a tag;
	// nil or empty: English.
	Language func(ctx context.Context) string
}

// Mount adds the routes.
func (l *Login) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", l.form)
	mux.Handle("POST /login", api.Limit(maxForm, http.HandlerFunc(l.signIn)))
	mux.HandleFunc("GET /logout", l.farewell)
	mux.HandleFunc("POST /logout", l.signOut)
}

type loginView struct {
	Frame
	Site, Email, Next string
	Error             string
	Embed             bool
	Again             bool // the person is signed in, and is asked to prove it anew
}

type signedInView struct {
	Frame
	Next  string
	Embed bool
}

// form shows the form, or who is signed in already.
func (l *Login) form(w http.ResponseWriter, r *http.Request) {
	view := loginView{Frame: l.frame(r), Site: l.Title, Next: r.FormValue("next"), Embed: r.FormValue("embed") == "1"}
	who, err := l.Principal(r)
	switch {
	case err == nil && r.FormValue("again") == "1":
		view.Again, view.Email = true, who.Email
		l.show(w, r, http.StatusOK, view)
	case err == nil:
		l.done(w, r, who, view)
	case fault.Is(err, fault.Unauthenticated):
		l.show(w, r, http.StatusOK, view)
	default:
		l.Pages.Fail(w, r, err)
	}
}

func (l *Login) frame(r *http.Request) Frame { return l.Pages.frameIn(r, tongue(r, l.Language)) }

// tongue is the language of a site.
func tongue(r *http.Request, of func(context.Context) string) string {
	if of == nil {
		return ""
	}
	return of(r.Context())
}

func (l *Login) show(w http.ResponseWriter, r *http.Request, status int, view loginView) {
	view.Next = place(view.Next, "")
	l.Pages.render(w, r, status, "login", view.Frame, framedBy(view.Embed), view)
}

// done shows that somebody is signed in; in our own dialog this is what its
// opener waits for.
func (l *Login) done(w http.ResponseWriter, r *http.Request, who auth.Principal, view loginView) {
	frame := view.Frame
	frame.Person = nameOf(who)
	page := signedInView{Frame: frame, Next: place(view.Next, l.Home), Embed: view.Embed}
	l.Pages.render(w, r, http.StatusOK, "signed-in", frame, framedBy(view.Embed), page)
}

func (l *Login) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		l.Pages.Fail(w, r, fault.Wrap(fault.Invalid, err, "The form did not arrive whole. Go back and send it again."))
		return
	}
	view := loginView{
		Frame: l.frame(r), Site: l.Title, Email: strings.TrimSpace(r.PostFormValue("email")),
		Next: r.PostFormValue("next"), Embed: r.FormValue("embed") == "1", Again: r.PostFormValue("again") == "1",
	}
	from := api.ClientAddr(r, nil)
	user, err := l.Identity.SignIn(r.Context(), view.Email, r.PostFormValue("password"), from)
	if err == nil {
		_, err = l.Sessions.Start(w, r, user.ID, from)
	}
	if err != nil {
		l.refuse(w, r, err, view)
		return
	}
	if view.Embed {
		l.done(w, r, auth.Principal{Name: user.Name, Email: user.Email}, view)
		return
	}
	api.Redirect(w, place(view.Next, l.Home), http.StatusSeeOther)
}

// refuse shows the form again and says why.
func (l *Login) refuse(w http.ResponseWriter, r *http.Request, err error, view loginView) {
	kind := fault.KindOf(err)
	switch kind {
	case fault.Unauthenticated, fault.Invalid:
		view.Error = fault.Message(err)
		kind = fault.Unauthenticated
	case fault.TooMany:
		view.Error = patience(err)
		api.RetryAfter(w, err)
	default:
		l.Pages.Fail(w, r, err)
		return
	}
	l.show(w, r, api.Status(kind), view)
}

type logoutView struct {
	Frame
	Back string
}

func (l *Login) farewell(w http.ResponseWriter, r *http.Request) {
	frame := l.frame(r)
	l.Pages.render(w, r, http.StatusOK, "logout", frame, nobody, logoutView{Frame: frame, Back: l.Home})
}

func (l *Login) signOut(w http.ResponseWriter, r *http.Request) {
	if err := l.Sessions.End(w, r); err != nil {
		l.Pages.Fail(w, r, err)
		return
	}
	api.Redirect(w, "login", http.StatusSeeOther)
}

func framedBy(embed bool) ancestors {
	if embed {
		return ourselves
	}
	return nobody
}

func nameOf(p auth.Principal) string {
	if p.Name != "" {
		return p.Name
	}
	return p.Email
}
