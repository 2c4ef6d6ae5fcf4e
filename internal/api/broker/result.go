package broker

import (
	"net/http"

	"gatehouse/internal/audit"
)

// result is the page after the host. It holds no secret and can be loaded
// again; its script claims the message.
func (h *Handler) result(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r.URL.RawQuery)
	if err != nil {
		h.refuse(w, r, http.StatusBadRequest, helpParams(err.Error()), audit.Event{Detail: err.Error()})
		return
	}
	id, err := single(q, "tx", 64)
	if err != nil || id == "" {
		h.refuse(w, r, http.StatusBadRequest, helpState(), audit.Event{Detail: "the result of no sign-in"})
		return
	}
	t, sealed, err := h.Transactions.Outcome(r, id)
	if err != nil {
		h.lostResult(w, r, err)
		return
	}
	o, err := readOutcome(sealed)
	if err != nil {
		h.broken(w, r, err)
		return
	}
	view := ResultView{Tx: t.ID, OK: o.ok(), Launcher: t.Launcher, Help: o.Help, HostName: o.HostName}
	if s := h.site(t.Site); s != nil {
		view.SiteTitle = s.DisplayName()
	}
	h.Pages.Result(w, r, view)
}

func (h *Handler) lostResult(w http.ResponseWriter, r *http.Request, err error) {
	status, page := txPage(err)
	if status == http.StatusInternalServerError {
		h.broken(w, r, err)
		return
	}
	h.refuse(w, r, status, page, audit.Event{Detail: "the result of a sign-in that is over, or of another browser"})
}
