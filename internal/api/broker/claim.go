package broker

import (
	"net/http"
	"strings"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
)

// claim gives the message of a finished sign-in to our own page, once, with the
// origin that it may be posted to. The origin has to be one of the site's still.
func (h *Handler) claim(w http.ResponseWriter, r *http.Request) {
	ask, ok := h.readAsk(w, r)
	if !ok {
		return
	}
	t, sealed, err := h.Transactions.Claim(w, r, ask.Tx)
	if err != nil {
		h.failTx(w, r, ask.Tx, err)
		return
	}
	o, err := readOutcome(sealed)
	if err != nil {
		h.failTx(w, r, t.ID, err)
		return
	}
	s := h.site(t.Site)
	if s == nil || !s.Opener(o.Origin) {
		h.end(r.Context(), t, o)
		page := helpUnknownSite(t.Site)
		if s != nil {
			page = helpOrigin(o.Origin, s.DisplayName(), false)
		}
		page.Reference = reference(t.ID)
		h.record(r, audit.Event{
			Kind: audit.Security, Site: t.Site, Connector: t.Connector, Page: page.ID, Reference: page.Reference, Person: o.Login,
			Origin: o.Origin, Detail: "the page was taken off the site's origins during the sign-in; the token was taken back",
		})
		h.tell(w, r, http.StatusForbidden, page)
		return
	}
	if o.ok() {
		h.signedIn(r, t, o)
	}
	api.WriteJSON(w, http.StatusOK, answer{Message: o.message(t, h.now()), Origin: o.Origin})
}

// signedIn writes down who got a token.
func (h *Handler) signedIn(r *http.Request, t auth.Transaction, o outcome) {
	e := audit.Event{
		Kind: audit.SignIn, Site: t.Site, Connector: t.Connector, Reference: reference(t.ID), Person: o.Login, Origin: o.Origin,
	}
	if !o.Grant.Expires.IsZero() {
		e.Expires = max(o.Grant.Expires.Sub(h.now()), time.Second)
	}
	if o.Family != "" {
		e.Detail = "with a refresh handle"
	}
	h.record(r, e)
}

// reports are what a script can find out, and what it is to an operator.
func reports() map[string]string {
	return map[string]string{
		"no-opener":   "nobody has opened the popup, or the page that did is cut off by its Cross-Origin-Opener-Policy",
		"no-answer":   "the page that opened the popup does not answer: its base_url is not our origin",
		"opener-gone": "the page that opened the popup was out of reach after the sign-in; the token was taken back",
		"undelivered": "the page that opened the popup did not take the token; it was taken back",
		"opener-kept": "", // all is well
		"origin":      "", // begin has written it down
	}
}

// report writes down what only a browser can know. A token that did not arrive
// is ended. It is answered alike whatever is reported.
func (h *Handler) report(w http.ResponseWriter, r *http.Request) {
	ask, ok := h.readAsk(w, r)
	if !ok {
		return
	}
	what := strings.TrimPrefix(ask.Page, "E-")
	detail, known := reports()[what]
	if !known {
		h.tell(w, r, http.StatusBadRequest, helpParams("this is nothing to report"))
		return
	}
	t, err := h.Transactions.Find(r, ask.Tx)
	if err != nil {
		h.failTx(w, r, ask.Tx, err)
		return
	}
	write := h.note
	if what == "opener-gone" || what == "undelivered" {
		if h.withdraw(w, r, t) {
			write = h.record
		} else {
			detail, _, _ = strings.Cut(detail, ";")
		}
	}
	h.rememberOpener(r, t, what)
	if detail != "" {
		write(r, audit.Event{
			Kind: audit.Failure, Site: t.Site, Connector: t.Connector, Page: "E-" + what, Reference: reference(t.ID),
			Origin: t.Origin, Detail: detail,
		})
	}
	api.WriteJSON(w, http.StatusOK, answer{})
}

// withdraw takes an outcome back and ends its token. It reports whether there
// was one.
func (h *Handler) withdraw(w http.ResponseWriter, r *http.Request, t auth.Transaction) bool {
	if !t.OK {
		return false
	}
	t, sealed, err := h.Transactions.Withdraw(w, r, t.ID)
	if err != nil {
		h.Log.InfoContext(r.Context(), "there was nothing to withdraw", "reference", reference(t.ID), "error", err)
		return false
	}
	o, err := readOutcome(sealed)
	if err != nil {
		h.Log.ErrorContext(r.Context(), "a token that did not arrive cannot be revoked", "reference", reference(t.ID), "error", err)
		return false
	}
	h.end(r.Context(), t, o)
	return true
}

// rememberOpener keeps what a sign-in has shown about its host: whether the next
// one needs a second window. Only who has been at the host and back can have
// lost something there, and only with a token it counts as more than a hint.
func (h *Handler) rememberOpener(r *http.Request, t auth.Transaction, what string) {
	finished := t.Status == auth.TransactionDone || t.Status == auth.TransactionFailed || t.Status == auth.TransactionClaimed
	if t.Connector == selftestName || t.Connector == "" || t.Origin == "" || !finished {
		return
	}
	var err error
	switch {
	case what == "opener-gone" && t.OK:
		err = h.Connectors.LostOpener(r.Context(), t.Connector, t.ID)
	case what == "opener-gone":
		err = h.Connectors.LostOpener(r.Context(), t.Connector, "")
	case what == "opener-kept" && t.OK && t.Launcher:
		err = h.Connectors.KeptOpener(r.Context(), t.Connector)
	}
	if err != nil {
		h.Log.WarnContext(r.Context(), "whether a host needs a window of its own could not be kept", "connector", t.Connector, "error", err)
	}
}
