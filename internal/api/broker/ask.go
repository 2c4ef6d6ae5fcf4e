package broker

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
)

// Bounds of the bodies of requests.
const (
	maxAsk  = 4 << 10
	maxBody = 16 << 10
	maxTime = 15 * time.Second
)

// pageAsk is what the scripts of our own pages send.
type pageAsk struct {
	Tx     string `json:"tx"`
	Origin string `json:"origin"` // of the page that opened the popup, as the browser told the script
	Switch bool   `json:"switch"` // let the person choose another account
	Page   string `json:"page"`   // what a script found out
}

// answer is what they get: a page to show, or what else there is.
type answer struct {
	Next     string `json:"next,omitempty"`     // where the host signs people in
	Launcher bool   `json:"launcher,omitempty"` // to be opened in a second window
	Host     string `json:"host,omitempty"`     // what people call it
	Message  string `json:"message,omitempty"`  // for the page that opened the popup,
	Origin   string `json:"origin,omitempty"`   // which is of this origin
	Pending  bool   `json:"pending,omitempty"`  // there is no outcome yet
	Page     *Help  `json:"page,omitempty"`
}

// readAsk reads the request of a script of ours. No other page can send one: it
// would need CORS, which is not allowed here, and the browser tells where it
// comes from. When it is none of ours, the answer has gone out.
func (h *Handler) readAsk(w http.ResponseWriter, r *http.Request) (pageAsk, bool) {
	if wait, ok := h.Limits.calls.Take(clientAddr(r)); !ok {
		api.RetryAfter(w, &fault.Error{Kind: fault.TooMany, RetryAfter: wait})
		h.tell(w, r, http.StatusTooManyRequests, helpRate(wait))
		return pageAsk{}, false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Header.Get("Origin") != h.URL || (site != "" && site != "same-origin") {
		h.note(r, audit.Event{
			Kind: audit.Security, Origin: clip(r.Header.Get("Origin"), 200),
			Detail: "a page of another origin has called " + r.URL.Path,
		})
		h.tell(w, r, http.StatusForbidden, helpState())
		return pageAsk{}, false
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		h.tell(w, r, http.StatusUnsupportedMediaType, helpParams("the request is no JSON"))
		return pageAsk{}, false
	}
	body, err := readBody(w, r, maxAsk)
	if err != nil {
		h.tell(w, r, api.Status(fault.KindOf(err)), helpParams("the request did not arrive whole"))
		return pageAsk{}, false
	}
	var a pageAsk
	if json.Unmarshal(body, &a) != nil || len(a.Tx) > 64 || len(a.Origin) > 2048 || len(a.Page) > 32 {
		h.tell(w, r, http.StatusBadRequest, helpParams("the request is no JSON of ours"))
		return pageAsk{}, false
	}
	return a, true
}

// readBody reads a whole body, which a slow sender may not hold open.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	c := http.NewResponseController(w)
	// A recorder in a test knows no deadlines; a server does.
	_ = c.SetReadDeadline(time.Now().Add(maxTime))
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fault.New(fault.TooLarge, "The request is too large: it may have %d bytes.", limit)
	}
	return body, fault.Wrap(fault.Invalid, err, "The request did not arrive whole. Send it again.")
}

// tell answers a script with a page to show.
func (h *Handler) tell(w http.ResponseWriter, r *http.Request, status int, page Help) {
	if page.Reference == "" {
		page.Reference = reference(api.ID(r.Context()))
	}
	api.WriteJSON(w, status, answer{Page: &page})
}

// failTx answers a script about a transaction that it cannot have.
func (h *Handler) failTx(w http.ResponseWriter, r *http.Request, id string, err error) {
	status, page := txPage(err)
	switch {
	case errors.Is(err, auth.ErrPending):
		api.WriteJSON(w, http.StatusConflict, answer{Pending: true})
		return
	case errors.Is(err, auth.ErrUnknownTransaction):
		status = http.StatusForbidden
	case status == http.StatusInternalServerError:
		h.Log.ErrorContext(r.Context(), "a sign-in failed", "path", r.URL.Path, "error", err)
	}
	page.Reference = reference(id)
	h.tell(w, r, status, page)
}

// txPage is the page for an error of Transactions.
func txPage(err error) (status int, page Help) {
	switch {
	case errors.Is(err, auth.ErrTooLate):
		return http.StatusGone, helpTooLate()
	case errors.Is(err, auth.ErrUsed):
		return http.StatusGone, helpUsed()
	case errors.Is(err, auth.ErrUnknownState), errors.Is(err, auth.ErrOtherBrowser),
		errors.Is(err, auth.ErrOtherConnector), errors.Is(err, auth.ErrUnknownTransaction), errors.Is(err, auth.ErrPending):
		return http.StatusBadRequest, helpState()
	}
	return http.StatusInternalServerError, helpBroken()
}
