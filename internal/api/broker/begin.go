package broker

import (
	"net/http"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

// begin learns which page has opened the popup and, if that may have a token,
// says where the host signs people in. Nothing from the time of the popup is
// relied upon but the transaction: a reload may have changed the rest.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) {
	ask, ok := h.readAsk(w, r)
	if !ok {
		return
	}
	t, err := h.Transactions.Find(r, ask.Tx)
	if err != nil {
		h.failTx(w, r, ask.Tx, err)
		return
	}
	s, t, ok := h.opener(w, r, t, ask.Origin)
	if !ok {
		return
	}
	a, err := h.choose(r.Context(), s, t.Provider)
	switch kind := fault.KindOf(err); {
	case err == nil:
		h.leave(w, r, t, s, a, ask)
	case kind == fault.NotFound || kind == fault.Conflict || kind == fault.Invalid:
		h.unsupported(w, r, t, s, ask.Origin, err)
	default:
		h.failTx(w, r, t.ID, err)
	}
}

// opener finds the site of a transaction and whether pages of an origin may
// open its popup. When not, the answer has gone out, and the page that asked
// learns nothing.
func (h *Handler) opener(w http.ResponseWriter, r *http.Request, t auth.Transaction, origin string) (*site.Site, auth.Transaction, bool) {
	s, dev := h.site(t.Site), t.Site == ""
	found := h.Sites.ForDev(origin)
	if dev && len(found) == 1 {
		s = found[0]
	}
	if s != nil && s.Opener(origin) {
		if !dev {
			return s, t, true
		}
		settled, err := h.Transactions.Settle(r, t.ID, s.Name)
		if err != nil {
			h.failTx(w, r, t.ID, err)
			return nil, t, false
		}
		return s, settled, true
	}
	title := ""
	if s != nil {
		title = s.DisplayName()
	}
	page := helpOrigin(clip(origin, 200), title, dev)
	switch {
	case s == nil && !dev:
		page = helpUnknownSite(t.Site)
	case dev && len(found) > 1:
		page = helpSeveralSites(clip(origin, 200))
	}
	page.Reference = reference(t.ID)
	h.note(r, audit.Event{
		Kind: audit.Security, Site: t.Site, Page: page.ID, Reference: page.Reference, Origin: clip(origin, 200),
		Detail: "a page that is not registered has opened the popup",
	})
	h.tell(w, r, http.StatusForbidden, page)
	return nil, t, false
}

// leave sends the person to the host.
func (h *Handler) leave(w http.ResponseWriter, r *http.Request, t auth.Transaction, s *site.Site, a app, ask pageAsk) {
	scope := ""
	if a.provider != nil {
		scope = a.provider.Scope(a.Scope, t.Scope, s.Backend.OpenAuthoring)
	}
	redirect := h.URL + a.CallbackPath()
	launcher := h.launcher(r.Context(), a)
	t, state, verifier, err := h.Transactions.Begin(r, t.ID, auth.Transaction{
		Origin: ask.Origin, Connector: a.Name, Host: a.hostURL(), Scope: scope, Redirect: redirect, Launcher: launcher,
	})
	if err != nil {
		h.failTx(w, r, ask.Tx, err)
		return
	}
	next := h.selftestNext(state)
	if a.provider != nil {
		next = a.provider.AuthCodeURL(provider.AuthRequest{
			State: state, Verifier: verifier, Redirect: redirect, Scope: scope, Switch: ask.Switch,
		})
	}
	h.Log.DebugContext(r.Context(), "a person goes to the host", "site", s.Name, "connector", a.Name, "origin", ask.Origin, "reference", reference(t.ID))
	api.WriteJSON(w, http.StatusOK, answer{Next: next, Launcher: launcher, Host: a.hostName()})
}

// unsupported ends a sign-in for which there is no connector. The CMS page
// hears of it, and the person sees what to change.
func (h *Handler) unsupported(w http.ResponseWriter, r *http.Request, t auth.Transaction, s *site.Site, origin string, cause error) {
	page := helpProvider(t.Provider, s.DisplayName(), s.Backend.Kind)
	if fault.Is(cause, fault.Conflict) {
		page = helpSeveralConnectors(t.Provider, s.DisplayName())
	}
	o := outcome{Origin: origin}
	h.fail(r, t, &o, page, fault.Message(cause))
	if err := h.finish(r.Context(), t, o); err != nil {
		h.failTx(w, r, t.ID, err)
		return
	}
	api.WriteJSON(w, http.StatusBadRequest, answer{Page: o.Help, Message: o.message(t, h.now()), Origin: origin})
}

// helpSeveralSites is for a CMS page on a laptop, which cannot say which of the
// sites it is that are worked on there.
func helpSeveralSites(origin string) Help {
	return Help{
		ID:       "E-unknown-site",
		Title:    "Which site is this?",
		Sentence: "More than one site lists " + origin + " as its address for work on a laptop, and a CMS on localhost does not say which one it is.",
		Action:   "Set auth_endpoint in the CMS's config.yml to s/NAME/auth, with the name of the site in gatehouse.yaml.",
		Config:   "backend:\n  auth_endpoint: s/NAME/auth\n",
	}
}
