package broker

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/site"
)

// popupAsk is what a CMS page opens the popup with. All of it comes from
// whoever wrote the link.
type popupAsk struct{ provider, siteID, scope string }

var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// readPopupAsk reads the query of the popup. What it does not know, it ignores.
// When something is wrong, what says what, in words for the page.
func readPopupAsk(q url.Values) (ask popupAsk, what string) {
	for _, x := range []struct {
		name  string
		limit int
		to    *string
	}{{"provider", 32, &ask.provider}, {"site_id", 255, &ask.siteID}, {"scope", 200, &ask.scope}} {
		value, err := single(q, x.name, x.limit)
		if err != nil {
			return ask, err.Error()
		}
		*x.to = value
	}
	switch {
	case ask.provider == "":
		return ask, "the provider is missing"
	case !providerName.MatchString(ask.provider):
		return ask, "the provider is not one"
	}
	return ask, ""
}

// popup answers the window that a CMS page opens. With a site, the path has
// said which one is meant.
func (h *Handler) popup(fixed *site.Site) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := h.Limits.popups.Take(clientAddr(r)); !ok {
			h.tooMany(w, r, wait)
			return
		}
		q, err := readQuery(r.URL.RawQuery)
		if err != nil {
			status := http.StatusBadRequest
			if errors.Is(err, errQueryLong) {
				status = http.StatusRequestURITooLong
			}
			h.refuse(w, r, status, helpParams(err.Error()), audit.Event{Detail: "the query of the popup: " + err.Error()})
			return
		}
		if q.Has("client_id") && !q.Has("provider") {
			h.refuse(w, r, http.StatusNotFound, helpNoServer(), audit.Event{Detail: "asked for an authorization server"})
			return
		}
		ask, what := readPopupAsk(q)
		if what != "" {
			h.refuse(w, r, http.StatusBadRequest, helpParams(what), audit.Event{Detail: what})
			return
		}
		h.open(w, r, ask, fixed)
	}
}

// open starts a transaction, unless no site is meant.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, ask popupAsk, fixed *site.Site) {
	s, endpoint := fixed, strings.TrimPrefix(r.URL.Path, "/")
	if s != nil {
		endpoint, ask.siteID = "s/"+s.Name+"/auth", ""
	} else {
		found, dev := h.Sites.Lookup(ask.siteID)
		switch {
		case len(found) == 1:
			s = found[0]
		case ask.siteID == selftestName:
			s = h.selftestSite()
		case !dev:
			h.refuse(w, r, http.StatusNotFound, helpUnknownSite(ask.siteID), audit.Event{Detail: "site_id " + clip(ask.siteID, 150)})
			return
		}
	}
	t := auth.Transaction{Provider: ask.provider, Scope: ask.scope}
	view := PopupView{Provider: ask.provider, OurOrigin: h.URL}
	if s != nil {
		t.Site, view.SiteTitle = s.Name, s.DisplayName()
		backend := s.Backend
		// What is wrong with the connector comes out when the sign-in begins.
		if a, err := h.choose(r.Context(), s, ask.provider); err == nil {
			view.HostName, backend.API = a.hostName(), a.apiRoot()
		}
		view.Config = ConfigBlock(h.URL, endpoint, ask.siteID, backend)
	}
	t, err := h.Transactions.Start(w, r, t)
	if fault.Is(err, fault.TooMany) {
		h.tooMany(w, r, auth.OutcomeLife)
		return
	}
	if err != nil {
		h.broken(w, r, err)
		return
	}
	view.Tx = t.ID
	h.Pages.Popup(w, r, view)
}

// launcher reports whether the host is opened in a second window. Not to know
// it is no reason to stop.
func (h *Handler) launcher(ctx context.Context, a app) bool {
	if a.provider == nil {
		return false
	}
	needed, err := h.Connectors.NeedsLauncher(ctx, a.Name)
	if err != nil {
		h.Log.WarnContext(ctx, "it is not known whether a host needs a window of its own", "connector", a.Name, "error", err)
	}
	return needed
}

// helpNoServer is for a CMS page that takes us for an authorization server.
func helpNoServer() Help {
	return Help{
		ID:       "E-params",
		Title:    "Not offered here",
		Sentence: "The editor's page asks for a sign-in without a popup, which this Gatehouse does not offer.",
		Action:   "Take auth_type out of the backend in the CMS's config.yml, and use one of the backends that open a popup.",
	}
}
