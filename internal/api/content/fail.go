package content

import (
	"errors"
	"log/slog"
	"net/http"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
)

// failure is a fault in the proxy protocol's shape.
type failure struct {
	Error string   `json:"error"`
	Paths []string `json:"paths,omitempty"`
}

// status is the code of a kind: the protocol says 422 for what it cannot do.
func status(k fault.Kind) int {
	if k == fault.Invalid || k == fault.Unsupported {
		return http.StatusUnprocessableEntity
	}
	return api.Status(k)
}

// fail answers with a fault. What is our own failure goes to the log with its
// cause.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind := fault.KindOf(err)
	if r.Context().Err() != nil {
		return // the client has gone
	}
	if kind == fault.Internal || kind == fault.Unavailable {
		h.Log.ErrorContext(r.Context(), "content API", slog.String("site", h.Site.Name), slog.Any("error", err))
	}
	if kind == fault.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	api.RetryAfter(w, err)
	answer := failure{Error: fault.Message(err)}
	var f *fault.Error
	if kind == fault.Conflict && errors.As(err, &f) {
		answer.Paths = f.Paths
	}
	api.WriteJSON(w, status(kind), answer)
}
