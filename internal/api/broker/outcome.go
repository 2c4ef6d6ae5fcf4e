package broker

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
)

// outcome is how a sign-in ended. It is kept with the transaction, sealed,
// until the page that opened the popup has it.
type outcome struct {
	Origin   string         `json:"origin"`         // of that page
	Help     *Help          `json:"help,omitempty"` // why there is no token
	Grant    provider.Grant `json:"grant"`          // what the host gave; of it only the access token leaves the server
	Handle   string         `json:"handle"`         // for the host's refresh token; empty: there is none
	Family   string         `json:"family"`         // of the handle
	Login    string         `json:"login"`          // at the host
	HostName string         `json:"host,omitempty"` // what people call it
}

// ok reports whether there is a token.
func (o *outcome) ok() bool { return o.Help == nil && o.Grant.AccessToken != "" }

// message is what the CMS page is told.
func (o *outcome) message(t auth.Transaction, now time.Time) string {
	if o.ok() {
		return successMessage(newToken(t.Provider, o.Grant.AccessToken, o.Handle, o.Grant.Expires, now))
	}
	page := helpBroken()
	if o.Help != nil {
		page = *o.Help
	}
	return errorMessage(t.Provider, page.Sentence+" "+page.Action, codeOf(page.ID), page.ID+", "+reference(t.ID))
}

// fail makes an outcome of a page, and writes it down.
func (h *Handler) fail(r *http.Request, t auth.Transaction, o *outcome, page Help, detail string) {
	page.Reference = reference(t.ID)
	o.Help = &page
	h.note(r, audit.Event{
		Kind: audit.Failure, Site: t.Site, Connector: t.Connector, Page: page.ID, Reference: page.Reference,
		Person: page.Login, Origin: o.Origin, Detail: detail,
	})
}

// finish keeps an outcome. When that cannot be, a token in it is ended.
func (h *Handler) finish(ctx context.Context, t auth.Transaction, o outcome) error {
	sealed, err := json.Marshal(o)
	if err == nil {
		err = h.Transactions.Finish(ctx, t.ID, o.ok(), sealed)
	}
	if err != nil {
		h.end(ctx, t, o)
	}
	return err
}

func readOutcome(sealed []byte) (outcome, error) {
	var o outcome
	err := json.Unmarshal(sealed, &o)
	return o, fault.Wrap(fault.Internal, err, "The outcome of a sign-in cannot be read.")
}

// end takes a token back that nobody has: its refresh handle, and the token at
// its host, where that has a way.
func (h *Handler) end(ctx context.Context, t auth.Transaction, o outcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if o.Family != "" {
		if err := h.Handles.Revoke(ctx, o.Family); err != nil {
			h.Log.ErrorContext(ctx, "a refresh handle could not be ended", "family", o.Family, "error", err)
		}
	}
	if o.Grant.AccessToken == "" {
		return
	}
	a, err := h.app(ctx, t.Connector)
	switch {
	case err != nil:
	case a.hostURL() != t.Host:
		err = errOtherHost
	case a.provider != nil:
		err = a.provider.Revoke(ctx, o.Grant)
	}
	if err != nil {
		h.Log.WarnContext(ctx, "a token that nobody got could not be revoked at its host", "connector", t.Connector, "reference", reference(t.ID), "error", err)
	}
}

// Sweep ends the tokens of sign-ins that worked and that nobody came back to
// collect: the window was closed, or the page behind it went elsewhere. Call it
// every minute or so. When ctx ends, what is left waits for the next call.
func (h *Handler) Sweep(ctx context.Context) error {
	for ctx.Err() == nil {
		// One at a time: what was handed out and not ended is never seen again.
		list, err := h.Transactions.Abandoned(ctx, 1)
		if err != nil || len(list) == 0 {
			return err
		}
		h.abandon(ctx, list[0])
	}
	return ctx.Err()
}

func (h *Handler) abandon(ctx context.Context, x auth.Finished) {
	o, err := readOutcome(x.Outcome)
	if err != nil {
		h.Log.ErrorContext(ctx, "a sign-in that nobody collected cannot be undone", "reference", reference(x.ID), "error", err)
		return
	}
	h.end(ctx, x.Transaction, o)
	h.Audit.Record(ctx, audit.Event{
		Kind: audit.Failure, Site: x.Site, Connector: x.Connector, Page: "E-opener-gone", Reference: reference(x.ID),
		Person: o.Login, Origin: x.Origin, Detail: "nobody collected the token; it was taken back",
	})
}
