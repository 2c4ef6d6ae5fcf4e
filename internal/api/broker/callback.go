package broker

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

// returned is what a host sends people back with.
type returned struct{ state, code, hostError, description, issuer string }

// readReturned reads the query of a callback.
func readReturned(raw string) (returned, error) {
	q, err := readQuery(raw)
	if err != nil {
		return returned{}, err
	}
	var x returned
	for _, p := range []struct {
		name  string
		limit int
		to    *string
	}{
		{"state", 256, &x.state},
		{"code", 2048, &x.code},
		{"error", 200, &x.hostError},
		{"error_description", maxQuery, &x.description},
		{"iss", 512, &x.issuer},
	} {
		if *p.to, err = single(q, p.name, p.limit); err != nil {
			return returned{}, err
		}
	}
	if x.state == "" {
		return returned{}, errors.New("state is missing")
	}
	return x, nil
}

// callback is where the host sends people back to. The code is used and the
// browser sent on at once, so that no address with a code in it stays.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	if wait, full := h.Limits.callbacks.Full(clientAddr(r)); full {
		h.tooMany(w, r, wait)
		return
	}
	x, err := readReturned(r.URL.RawQuery)
	if err != nil {
		h.badCallback(w, r, http.StatusBadRequest, helpState(), err.Error())
		return
	}
	a, err := h.callbackApp(r)
	if fault.Is(err, fault.NotFound) {
		h.badCallback(w, r, http.StatusNotFound, helpState(), "no connector has this callback")
		return
	}
	if err != nil {
		h.broken(w, r, err)
		return
	}
	// An answer of another host (a mix-up) must not use the state up.
	if a.provider != nil && x.issuer != "" && a.provider.Issuer() != "" && x.issuer != a.provider.Issuer() {
		h.badCallback(w, r, http.StatusBadRequest, helpState(), "iss names another host than that of "+a.Name)
		return
	}
	t, verifier, err := h.Transactions.Return(r, a.Name, x.state)
	if err != nil {
		h.lost(w, r, err)
		return
	}
	ctx, cancel := h.patient(r.Context())
	defer cancel()
	o := h.redeem(ctx, r, t, a, x, verifier)
	if err := h.finish(ctx, t, o); err != nil {
		h.lost(w, r, err)
		return
	}
	api.Redirect(w, "/auth/result?"+url.Values{"tx": {t.ID}}.Encode(), http.StatusSeeOther)
}

// callbackApp is whose callback the path is.
func (h *Handler) callbackApp(r *http.Request) (app, error) {
	if name := r.PathValue("connector"); name != "" {
		return h.app(r.Context(), name)
	}
	c, err := h.Connectors.ByCallback(r.Context(), r.URL.Path)
	if err != nil {
		return app{}, err
	}
	return h.ready(r.Context(), c)
}

// lost answers when the transaction of a callback is not to be had.
func (h *Handler) lost(w http.ResponseWriter, r *http.Request, err error) {
	status, page := txPage(err)
	if status == http.StatusInternalServerError {
		h.broken(w, r, err)
		return
	}
	detail := "the state is unknown, or of another browser"
	switch {
	case errors.Is(err, auth.ErrOtherConnector):
		detail = "the state is of another connector"
	case errors.Is(err, auth.ErrTooLate):
		detail = "too late"
	case errors.Is(err, auth.ErrUsed):
		detail = "used before"
	}
	h.badCallback(w, r, status, page, detail)
}

func (h *Handler) badCallback(w http.ResponseWriter, r *http.Request, status int, page Help, detail string) {
	h.Limits.callbacks.Take(clientAddr(r))
	h.refuse(w, r, status, page, audit.Event{Connector: r.PathValue("connector"), Detail: detail})
}

// redeem gets the token and makes sure that it is good for the site's
// repository and for nothing that it should not be.
func (h *Handler) redeem(ctx context.Context, r *http.Request, t auth.Transaction, a app, x returned, verifier string) outcome {
	o := outcome{Origin: t.Origin, HostName: a.hostName()}
	s := h.site(t.Site)
	if s == nil {
		h.fail(r, t, &o, helpUnknownSite(t.Site), "the site is gone since the sign-in began")
		return o
	}
	login, err := h.grant(ctx, t, s, a, x, verifier, &o.Grant)
	if err == nil && o.Grant.RefreshToken != "" {
		var holder auth.Holder
		o.Handle, holder, err = h.Handles.Issue(ctx, auth.Holder{
			Site: s.Name, Connector: a.Name, Host: t.Host, Provider: t.Provider, Origin: t.Origin, Person: login,
		}, o.Grant.RefreshToken)
		o.Family = holder.Family
	}
	o.Login = login
	if err == nil {
		return o
	}
	h.end(ctx, t, o)
	failed := outcome{Origin: o.Origin, HostName: o.HostName}
	var refusal *provider.Refusal
	if errors.Is(err, context.DeadlineExceeded) {
		err = &provider.Refusal{Reason: provider.Upstream, Detail: "the host took too long"}
	}
	if errors.As(err, &refusal) {
		if refusal.Reason == provider.BadCode { // whoever makes codes up must not turn the host against the app
			h.Limits.callbacks.Take(clientAddr(r))
		}
		page := helpRefusal(refusal, attempt{HostName: o.HostName, Repo: s.Backend.Repo, Connector: a.Name, Callback: t.Redirect, Host: a.URL, Chooses: a.provider != nil && a.provider.Chooses()})
		h.fail(r, t, &failed, page, refusal.Error())
		return failed
	}
	h.Log.ErrorContext(ctx, "a sign-in failed", "connector", a.Name, "site", s.Name, "reference", reference(t.ID), "error", err)
	h.fail(r, t, &failed, helpBroken(), "our own failure; the log has it")
	return failed
}

// grant asks the host for the token, narrows it and looks at what it is good
// for. What was granted is in g also when it fails, to be revoked.
func (h *Handler) grant(ctx context.Context, t auth.Transaction, s *site.Site, a app, x returned, verifier string, g *provider.Grant) (login string, err error) {
	if err := a.still(s, t.Host); err != nil { // the code is not for that host
		return "", &provider.Refusal{Reason: provider.Upstream, Detail: err.Error()}
	}
	if a.provider == nil {
		*g, err = selftestGrant(x.code, x.hostError)
		return "", err
	}
	if x.hostError != "" {
		return "", a.provider.CallbackError(x.hostError, x.description)
	}
	if x.code == "" {
		return "", &provider.Refusal{Reason: provider.Upstream, Detail: "neither a code nor an error came back"}
	}
	repo := repository(s)
	if *g, err = a.provider.Exchange(ctx, x.code, verifier, t.Redirect, repo); err != nil {
		return "", err
	}
	if g.AccessToken == "" {
		return "", &provider.Refusal{Reason: provider.Upstream, Detail: "no token came for the code"}
	}
	*g, login, err = fit(ctx, a, *g, t.Scope, repo)
	return login, err
}

// fit makes sure that a token is good for the repository, and a GitHub App's for
// nothing else. Whose ID is not known has to be looked up with the wide token
// first. The grant comes back also when it fails, to be revoked.
func fit(ctx context.Context, a app, g provider.Grant, scope string, repo provider.Repository) (_ provider.Grant, login string, err error) {
	narrow := func() error {
		narrowed, err := a.provider.Narrow(ctx, g, repo)
		if err == nil {
			g = narrowed
		}
		return err
	}
	if err := narrow(); err != nil {
		return g, "", err
	}
	access, err := a.provider.Check(ctx, g, scope, repo)
	if err != nil {
		return g, access.Profile.Login, err
	}
	if repo.ID == 0 {
		repo.ID = access.RepositoryID
		err = narrow()
	}
	return g, access.Profile.Login, err
}
