package console

import (
	"context"
	"errors"
	"net/http"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// Links is the pages that the links of mails lead to, at one site or at the root
// of several; and those that ask for such a link. Looking at a page uses nothing
// up, since programs that guard mailboxes look at all of them: a form does.
// Fields are set before Mount.
//
//	mail ─► GET invite?token=… ─► form ─► POST invite ─► signed in, in the editor
//	              │ used, replaced, too old
//	              └► what to do: sign in, or ask for a new link ─► POST recover
type Links struct {
	Pages     *Pages
	Identity  *identity.Service
	Sessions  *auth.Sessions
	Principal func(r *http.Request) (auth.Principal, error)
	Site      string // its name, as in tokens; empty at the root of several
	Title     string // its name for people
	Home      string // where to go in the end, relative to the page
	// Language is that of the pages when a browser asks for none of ours.
	Language func(ctx context.Context) string
}

// linkPage is a page with a token.
type linkPage struct {
	name     string // of the page, its address and its form
	kind     identity.Kind
	template string
}

func linkPages() []linkPage {
	return []linkPage{
		{identity.PageInvite, identity.KindInvite, "invite"},
		{identity.PageConfirm, identity.KindSignUp, "confirm"},
		{identity.PageRecover, identity.KindRecovery, "new-password"},
		{identity.PageEmail, identity.KindEmail, "confirm"},
		{identity.PageMagic, identity.KindMagic, "confirm"},
	}
}

// Mount adds the routes.
func (l *Links) Mount(mux *http.ServeMux) {
	for _, page := range linkPages() {
		mux.HandleFunc("GET /"+page.name, func(w http.ResponseWriter, r *http.Request) {
			private(w)
			l.look(w, r, page)
		})
		mux.Handle("POST /"+page.name, api.Limit(maxForm, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			private(w)
			if err := r.ParseForm(); err != nil {
				l.Pages.Fail(w, r, fault.Wrap(fault.Invalid, err, "The form did not arrive whole. Go back and send it again."))
				return
			}
			if token := r.PostForm.Get("token"); token != "" || !page.asks() {
				l.take(w, r, page, token)
				return
			}
			l.ask(w, r, page)
		})))
	}
}

// private keeps the address of a page, with the token in it, from everybody that
// the page links to.
func private(w http.ResponseWriter) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
}

// asks reports whether the page without a token is the one to ask for a link.
func (p linkPage) asks() bool { return p.name == identity.PageRecover || p.name == identity.PageMagic }

// linkView is each of the pages.
type linkView struct {
	Frame
	Page, Site    string
	Token         string
	Email, Name   string
	By            string   // who invites
	Roles         []string // at the site
	NeedsPassword bool
	Error         string
	Done          bool
	Next          string

	// Of a link that leads nowhere, and of asking for one.
	Expired, Incomplete bool
	Ask                 string // the form's address
	Sends               bool   // mails go out
	Quiet               bool   // asking is not what most will want
}

func (l *Links) view(r *http.Request, page linkPage) linkView {
	v := linkView{
		Frame: l.Pages.frameIn(r, tongue(r, l.Language)), Page: page.name, Site: l.Title, Next: l.Home,
		Ask: identity.PageRecover, Sends: l.Identity.Mail != nil && l.Identity.Mail.SMTP != "",
	}
	if page.name == identity.PageMagic {
		v.Ask = page.name
	}
	return v
}

func (l *Links) proof(r *http.Request, page linkPage, token string) identity.Proof {
	return identity.Proof{Site: l.Site, Kinds: []identity.Kind{page.kind}, Token: token, From: api.ClientAddr(r, nil)}
}

// look shows what a token is for.
func (l *Links) look(w http.ResponseWriter, r *http.Request, page linkPage) {
	view := l.view(r, page)
	token := r.URL.Query().Get("token")
	if token == "" && page.asks() {
		l.render(w, r, http.StatusOK, "recover", view)
		return
	}
	peeked, err := l.Identity.Peek(r.Context(), l.proof(r, page, token))
	if err != nil {
		l.dead(w, r, page, token, err)
		return
	}
	l.show(w, r, http.StatusOK, page, token, peeked, "")
}

// show is the form of a page; problem says why it comes again.
func (l *Links) show(w http.ResponseWriter, r *http.Request, status int, page linkPage, token string, p identity.Peeked, problem string) {
	view := l.view(r, page)
	view.Token, view.Email, view.Name, view.Error = token, p.Email, p.User.Name, problem
	view.NeedsPassword, view.Roles, view.By = p.NeedsPassword, p.User.Pending[l.Site].Roles, p.By
	if name := r.PostForm.Get("name"); name != "" {
		view.Name = name
	}
	l.render(w, r, status, page.template, view)
}

// dead says what to do with a link that leads nowhere.
func (l *Links) dead(w http.ResponseWriter, r *http.Request, page linkPage, token string, err error) {
	if !errors.Is(err, identity.ErrToken) && !errors.Is(err, identity.ErrTokenExpired) {
		l.Pages.Fail(w, r, err)
		return
	}
	view := l.view(r, page)
	view.Expired, view.Incomplete, view.Quiet = errors.Is(err, identity.ErrTokenExpired), len(token) < tokenLength, true
	if who, err := l.Principal(r); err == nil {
		view.Person = nameOf(who)
	}
	l.render(w, r, http.StatusNotFound, "dead-link", view)
}

// tokenLength is the length of a whole token.
const tokenLength = 43

func (l *Links) render(w http.ResponseWriter, r *http.Request, status int, name string, view linkView) {
	l.Pages.render(w, r, status, name, view.Frame, nobody, view)
}
