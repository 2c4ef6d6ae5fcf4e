package gotrue

import (
	"encoding/json"
	"errors"
	"net/http"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
)

// apiError is the shape of most errors: the status again, and a text for
// people, twice, since clients differ in where they look.
type apiError struct {
	Code    int    `json:"code"`
	Msg     string `json:"msg"`
	ErrorID string `json:"error_id,omitempty"` // finds it in the log
	Message string `json:"message"`
}

func (e apiError) Error() string { return e.Msg }

// oauthError is the shape of a verdict on a grant; its status is 400.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
	Message     string `json:"message"`
}

func (e oauthError) Error() string { return e.Code + ": " + e.Description }

// noSuchUser and takenEmail are GoTrue's texts, which clients translate.
func noSuchUser() error { return apiError{Code: http.StatusNotFound, Msg: "User not found"} }

func takenEmail() error {
	return apiError{Code: http.StatusUnprocessableEntity, Msg: "Email address already registered by another user"}
}

// passwordsOff is the answer where a site signs nobody in with a password.
func passwordsOff() error {
	return apiError{Code: http.StatusBadRequest, Msg: "Unsupported email provider"}
}

// fail renders an error in the protocol's shapes. Our own failures are logged
// and told by a number alone.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var own apiError
	var oauth oauthError
	switch kind := fault.KindOf(err); {
	case errors.As(err, &own):
		refuse(w, own)
	case errors.As(err, &oauth):
		refuse(w, oauth)
	case r.Context().Err() != nil:
		refuse(w, apiError{Code: http.StatusServiceUnavailable, Msg: "The request was given up."}) // nobody reads it
	case kind == fault.Internal:
		id := api.ID(r.Context())
		h.Log.ErrorContext(r.Context(), "identity request failed", "site", h.Site, "path", r.URL.Path, "error", err)
		refuse(w, apiError{Code: http.StatusInternalServerError, Msg: "Internal server error", ErrorID: id})
	case kind == fault.TooMany:
		api.RetryAfter(w, err)
		refuse(w, apiError{Code: http.StatusTooManyRequests, Msg: "Rate limit exceeded. " + fault.Message(err)})
	case kind == fault.Invalid:
		// GoTrue's status for what was understood and will not do.
		refuse(w, apiError{Code: http.StatusUnprocessableEntity, Msg: fault.Message(err)})
	default:
		api.RetryAfter(w, err)
		refuse(w, apiError{Code: api.Status(kind), Msg: fault.Message(err)})
	}
}

// refuse answers with an error whose text is filled in where a shape wants it.
func refuse(w http.ResponseWriter, err error) {
	switch e := err.(type) { //nolint:errorlint // the two shapes themselves, never wrapped here
	case apiError:
		e.Message = e.Msg
		_ = reply(w, e.Code, e) // a struct of texts
	case oauthError:
		if e.Message = e.Description; e.Message == "" {
			e.Message = e.Code
		}
		_ = reply(w, http.StatusBadRequest, e) // a struct of texts
	}
}

// reply answers with JSON, under the exact content type that GoTrue has.
func reply(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone; there is nobody to tell
	return nil
}
