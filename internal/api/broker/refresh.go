package broker

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

// handleText is what a handle looks like.
var handleText = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Why a handle that is known is not for this caller.
var (
	errOtherOrigin = errors.New("the page is not one of the site's")
	errOtherPage   = errors.New("the handle was given to a page of another origin")
	errOtherSite   = errors.New("the handle is of another site")
	errOtherKind   = errors.New("the handle is of another provider")
	errSiteGone    = errors.New("the site is gone")
)

// renewed is a new token, under the names that every client looks for.
type renewed struct {
	Token         string `json:"token"`
	AccessToken   string `json:"access_token"`
	RefreshToken  string `json:"refresh_token"`
	RefreshToken2 string `json:"refreshToken"`
	TokenType     string `json:"token_type"`
	ExpiresIn     int    `json:"expires_in,omitempty"` // seconds; left out: not by time
	Provider      string `json:"provider"`
}

// refresh gives a new token for a handle, to a page of the handle's site. With a
// site, handles of others are refused.
func (h *Handler) refresh(fixed *site.Site) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if !h.Sites.Knows(r.Header.Get("Origin")) {
			h.failRefresh(w, r, auth.Holder{}, errOtherOrigin)
			return
		}
		wait, full := h.Limits.handles.Full(clientAddr(r))
		if !full {
			var ok bool
			wait, ok = h.Limits.renewals.Take(clientAddr(r))
			full = !ok
		}
		if full {
			h.allowOrigin(w, r)
			api.RetryAfter(w, &fault.Error{Kind: fault.TooMany, RetryAfter: wait})
			refuseRefresh(w, refreshError{http.StatusTooManyRequests, "temporarily_unavailable", "Too many tries. " + helpRate(wait).Action})
			return
		}
		ask, err := readRefreshAsk(w, r)
		if err != nil {
			h.failRefresh(w, r, auth.Holder{}, err)
			return
		}
		if fixed != nil {
			ask.siteID = fixed.Name
		}
		holder, pair, err := h.renew(r, ask)
		if err != nil {
			h.failRefresh(w, r, holder, err)
			return
		}
		h.allowOrigin(w, r)
		t := newToken(holder.Provider, pair.AccessToken, pair.Handle, pair.Expires, h.now())
		api.WriteJSON(w, http.StatusOK, renewed{
			t.Token, t.Token, t.RefreshToken, t.RefreshToken, t.TokenType, t.ExpiresIn, t.Provider,
		})
	}
}

// renew uses a handle. Once the host has been asked it goes on when the caller
// leaves: the host has taken the old token back by then, and the new one must be
// kept.
func (h *Handler) renew(r *http.Request, ask refreshAsk) (auth.Holder, auth.Pair, error) {
	if !handleText.MatchString(ask.handle) {
		return auth.Holder{}, auth.Pair{}, auth.ErrUnknownHandle
	}
	ctx, cancel := h.patient(r.Context())
	defer cancel()
	var holder auth.Holder
	check := func(x auth.Holder) error {
		holder = x
		return h.mayRefresh(x, ask, r.Header.Get("Origin"))
	}
	fromHost := func(ctx context.Context, x auth.Holder, refresh string) (string, string, time.Time, error) {
		g, err := h.askHost(ctx, x, refresh)
		return g.AccessToken, g.RefreshToken, g.Expires, err
	}
	used, pair, err := h.Handles.Use(ctx, ask.handle, check, fromHost)
	if err == nil {
		holder = used
	}
	return holder, pair, err
}

// mayRefresh holds a handle against who uses it. What a page says about its site
// can only speak against it.
func (h *Handler) mayRefresh(x auth.Holder, ask refreshAsk, origin string) error {
	s := h.site(x.Site)
	switch {
	case s == nil:
		return errSiteGone
	case !s.Opener(origin):
		return errOtherOrigin
	case origin != x.Origin:
		return errOtherPage
	case ask.provider != "" && ask.provider != x.Provider:
		return errOtherKind
	}
	if found, _ := h.Sites.Lookup(ask.siteID); ask.siteID != "" && len(found) == 1 && found[0].Name != x.Site {
		return errOtherSite
	}
	return nil
}

// askHost redeems the host's refresh token. A GitHub App's new token is as wide
// as its first one was, and is narrowed again.
func (h *Handler) askHost(ctx context.Context, x auth.Holder, refresh string) (provider.Grant, error) {
	s := h.site(x.Site)
	if s == nil {
		return provider.Grant{}, errSiteGone
	}
	a, err := h.app(ctx, x.Connector)
	if err != nil {
		return provider.Grant{}, err
	}
	if a.provider == nil {
		return provider.Grant{}, &provider.Refusal{Reason: provider.Dead, Detail: "the self-test gives no refresh tokens"}
	}
	if err := a.still(s, x.Host); err != nil {
		return provider.Grant{}, err
	}
	g, err := a.provider.Refresh(ctx, refresh, h.URL+a.CallbackPath(), repository(s))
	if err != nil {
		return provider.Grant{}, err
	}
	var fitting provider.Grant
	if repo := repository(s); repo.ID != 0 || a.Slug == "" {
		fitting, err = a.provider.Narrow(ctx, g, repo)
	} else {
		fitting, _, err = fit(ctx, a, g, "", repo)
	}
	if err != nil { // nobody gets the wide token, but the host's refresh token is another now
		return provider.Grant{RefreshToken: g.RefreshToken}, err
	}
	return fitting, nil
}

// failRefresh answers a caller that gets no token, and writes down what an
// operator should know.
func (h *Handler) failRefresh(w http.ResponseWriter, r *http.Request, x auth.Holder, err error) {
	ctx := r.Context()
	e := audit.Event{
		Kind: audit.Refresh, Site: x.Site, Connector: x.Connector, Person: x.Person,
		Reference: reference(api.ID(ctx)), Origin: clip(r.Header.Get("Origin"), 200),
	}
	out := refreshError{http.StatusBadRequest, "invalid_grant", "This sign-in has ended. Sign in again."}
	var own refreshError
	var refusal *provider.Refusal
	switch {
	case errors.As(err, &own):
		out, e.Kind = own, ""
	case errors.Is(err, auth.ErrUnknownHandle):
		h.Limits.handles.Take(clientAddr(r))
		e.Detail = "an unknown refresh handle"
	case errors.Is(err, auth.ErrReused):
		e.Kind, e.Detail = audit.Security, "a refresh handle that had been replaced was used again; all of its family has ended"
	case errors.Is(err, errOtherOrigin):
		e.Kind, e.Detail = audit.Security, err.Error()
		out = refreshError{http.StatusForbidden, "access_denied", "This page may not renew tokens here: its origin is not one of the site's."}
	case errors.Is(err, errOtherPage), errors.Is(err, errOtherSite), errors.Is(err, errOtherKind):
		e.Kind, e.Detail = audit.Security, err.Error()
	case errors.Is(err, auth.ErrDead), errors.Is(err, errSiteGone), errors.Is(err, errOtherHost), errors.Is(err, errNotUsed), fault.Is(err, fault.NotFound):
		e.Detail = err.Error()
	case errors.As(err, &refusal) && refusal.Dead():
		e.Detail = refusal.Error()
	case errors.As(err, &refusal):
		e.Detail = refusal.Error()
		out = refreshError{http.StatusServiceUnavailable, "temporarily_unavailable", "The Git host gave no new token. Try again in a minute."}
	default:
		h.Log.ErrorContext(ctx, "a token could not be renewed", "site", x.Site, "connector", x.Connector, "error", err)
		e.Detail = "our own failure; the log has it"
		out = refreshError{http.StatusServiceUnavailable, "temporarily_unavailable", "Gatehouse could not renew the token. Try again in a minute."}
	}
	switch {
	case errors.Is(err, auth.ErrReused): // it ends the family, so there is one at most of each
		h.record(r, e)
	case e.Kind != "":
		h.note(r, e)
	}
	if !errors.Is(err, errOtherOrigin) {
		h.allowOrigin(w, r)
	}
	refuseRefresh(w, out)
}
