package broker

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
)

// refreshAsk is what a client asks a new token with. Some send no more than the
// handle.
type refreshAsk struct{ handle, siteID, provider string }

// refreshError is an answer in OAuth's shape, and a text where CMS pages look
// for one.
type refreshError struct {
	status      int
	code        string
	description string
}

func (e refreshError) Error() string { return e.code + ": " + e.description }

func refuseRefresh(w http.ResponseWriter, e refreshError) {
	api.WriteJSON(w, e.status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Message     string `json:"message"`
	}{e.code, e.description, e.description})
}

func badRefresh(description string) error {
	return refreshError{http.StatusBadRequest, "invalid_request", description}
}

// readRefreshAsk reads the three forms that clients send: JSON, a form, and (at
// /auth/refresh alone, since a URL is written into many logs) a query.
func readRefreshAsk(w http.ResponseWriter, r *http.Request) (refreshAsk, error) {
	q, err := readQuery(r.URL.RawQuery)
	if err != nil {
		return refreshAsk{}, badRefresh("The query is not well formed: " + err.Error() + ".")
	}
	if q.Has("refresh_token") && !strings.HasSuffix(r.URL.Path, "/auth/refresh") {
		return refreshAsk{}, badRefresh("Send the refresh_token in the body.")
	}
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return refreshAsk{}, refreshError{api.Status(fault.KindOf(err)), "invalid_request", fault.Message(err)}
	}
	form, err := readForm(r.Header.Get("Content-Type"), body)
	if err != nil {
		return refreshAsk{}, err
	}
	fields := url.Values{}
	for _, from := range []url.Values{q, form} {
		for name, values := range from {
			fields[name] = append(fields[name], values...)
		}
	}
	var x refreshAsk
	var grantType string
	for _, p := range []struct {
		name  string
		limit int
		to    *string
	}{{"grant_type", 64, &grantType}, {"refresh_token", 256, &x.handle}, {"site_id", 255, &x.siteID}, {"provider", 32, &x.provider}} {
		if *p.to, err = single(fields, p.name, p.limit); err != nil {
			return refreshAsk{}, badRefresh("The request is not well formed: " + err.Error() + ".")
		}
	}
	if grantType != "" && grantType != "refresh_token" {
		return refreshAsk{}, refreshError{http.StatusBadRequest, "unsupported_grant_type", "Tokens are given for refresh tokens alone. Sign in by the popup first."}
	}
	return x, nil
}

// readForm reads a body as JSON or as a form. Of other kinds there is one client
// that sends nothing at all.
func readForm(contentType string, body []byte) (url.Values, error) {
	kind, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(body) == 0:
		return nil, nil
	case kind == "application/json":
		var fields struct {
			GrantType    string `json:"grant_type"`
			RefreshToken string `json:"refresh_token"`
			SiteID       string `json:"site_id"`
			Provider     string `json:"provider"`
		}
		// The decoder's error may quote the body, and the handle with it.
		if json.Unmarshal(body, &fields) != nil {
			return nil, badRefresh("The body is not the JSON of a token request.")
		}
		form := url.Values{}
		for name, value := range map[string]string{
			"grant_type": fields.GrantType, "refresh_token": fields.RefreshToken, "site_id": fields.SiteID, "provider": fields.Provider,
		} {
			if value != "" {
				form.Set(name, value)
			}
		}
		return form, nil
	case kind == "application/x-www-form-urlencoded":
		form, err := readQuery(string(body))
		if err != nil {
			return nil, badRefresh("The body is not a form.")
		}
		return form, nil
	}
	return nil, badRefresh("Send JSON or a form.")
}

// allowOrigin lets the calling page read the answer, if pages of its origin may
// open any popup at all. There are no credentials: the handle is in the body.
func (h *Handler) allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if !h.Sites.Knows(origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	return true
}

// preflight tells browsers that pages of our sites may post JSON.
func (h *Handler) preflight(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	if h.allowOrigin(w, r) {
		w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
		w.Header().Set("Access-Control-Allow-Headers", "content-type")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
