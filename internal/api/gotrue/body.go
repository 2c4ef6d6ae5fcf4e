package gotrue

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"time"

	"gatehouse/internal/fault"
)

// Bounds of a request's body.
const (
	maxBody  = 64 << 10
	bodyTime = 15 * time.Second
)

// tokenRequest is what /token is asked, as a form or as JSON.
type tokenRequest struct {
	GrantType    string `json:"grant_type"`
	Username     string `json:"username"`
	Email        string `json:"email"` // another name for username
	Password     string `json:"password"`
	RefreshToken string `json:"refresh_token"`
}

func (t tokenRequest) name() string { return cmp.Or(t.Username, t.Email) }

// readTokenRequest reads the whole body before anything is done, so that a slow
// sender holds nothing but its connection. Of the query only grant_type counts:
// secrets in a URL end up in logs.
func (h *Handler) readTokenRequest(w http.ResponseWriter, r *http.Request) (tokenRequest, error) {
	body, err := h.readBody(w, r)
	if err != nil {
		return tokenRequest{}, err
	}
	var t tokenRequest
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		// The decoder's error may quote the body, password and all.
		if json.Unmarshal(body, &t) != nil {
			return tokenRequest{}, oauthError{Code: "invalid_request", Description: "The body is not the JSON of a token request."}
		}
	} else {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return tokenRequest{}, oauthError{Code: "invalid_request", Description: "The body is not a form."}
		}
		t = tokenRequest{
			GrantType: form.Get("grant_type"), Username: form.Get("username"), Email: form.Get("email"),
			Password: form.Get("password"), RefreshToken: form.Get("refresh_token"),
		}
	}
	if t.GrantType == "" {
		t.GrantType = r.URL.Query().Get("grant_type")
	}
	return t, nil
}

// readJSON reads a body of JSON, whatever its content type. Fields that dest does
// not have are none of the client's business and count for nothing. What names
// the request in GoTrue's text.
func (h *Handler) readJSON(w http.ResponseWriter, r *http.Request, what string, dest any) error {
	body, err := h.readBody(w, r)
	if err != nil {
		return err
	}
	// The decoder's error may quote the body, password and all.
	if json.Unmarshal(body, dest) != nil {
		return apiError{Code: http.StatusBadRequest, Msg: "Could not read " + what + " params: the body is not the JSON of this request"}
	}
	return nil
}

func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	c := http.NewResponseController(w)
	// A recorder in a test knows no deadlines; a server does.
	_ = c.SetReadDeadline(time.Now().Add(cmp.Or(h.BodyTime, bodyTime)))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		_ = c.SetReadDeadline(time.Time{})
	} else {
		// The deadline stays: the server would wait for the rest without one.
		w.Header().Set("Connection", "close")
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fault.New(fault.TooLarge, "The request is too large: it may have %d bytes.", maxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, apiError{Code: http.StatusRequestTimeout, Msg: "The request did not arrive in time. Send it again."}
	case err != nil:
		return nil, apiError{Code: http.StatusBadRequest, Msg: "The request did not arrive whole. Send it again."}
	}
	return body, nil
}
