package provider

import (
	"encoding/json"
	"errors"
	"math"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// token is a token endpoint's answer, taken apart.
type token struct {
	access, refresh string
	life            time.Duration // 0: not told
	scope           string

	failed            bool
	code, description string
}

// The longest token and the longest life that are believed.
const (
	maxTokenLength = 4096
	maxLife        = 10 * 365 * 24 * time.Hour
)

// parseToken reads a token endpoint's answer: JSON, or a form, by its content
// type, and by its look where that says nothing. The error completes the
// sentence "the answer …" and repeats nothing of the answer.
func parseToken(contentType string, body []byte) (token, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	looksLikeJSON := strings.HasPrefix(strings.TrimSpace(string(body)), "{")
	switch {
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return parseJSON(body)
	case kind == "application/x-www-form-urlencoded":
		return parseForm(body)
	case err != nil || kind == "text/plain" || kind == "text/javascript":
		if looksLikeJSON {
			return parseJSON(body)
		}
		return parseForm(body)
	}
	return token{}, errors.New("is neither JSON nor a form")
}

func parseJSON(body []byte) (token, error) {
	// A map and not a struct: a struct would also take Access_Token.
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil || m == nil {
		return token{}, errors.New("is not a JSON object")
	}
	if e, there := m["error"]; there && string(e) != "null" && string(e) != `""` {
		return jsonError(m), nil
	}
	var t token
	for name, to := range map[string]*string{"access_token": &t.access, "refresh_token": &t.refresh} {
		if raw, there := m[name]; there && string(raw) != "null" && json.Unmarshal(raw, to) != nil {
			return token{}, errors.New("has a " + name + " that is no text")
		}
	}
	var kind, expires string
	_ = json.Unmarshal(m["token_type"], &kind) // of another type: as if it were missing
	if raw, there := m["expires_in"]; there && string(raw) != "null" && json.Unmarshal(raw, &expires) != nil {
		expires = string(raw)
	}
	t.scope = jsonScope(m)
	return t.checked(kind, expires)
}

// jsonError reads an error: a word beside its description, or an object with a
// message, as Bitbucket's API has it.
func jsonError(m map[string]json.RawMessage) token {
	t := token{failed: true}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(m["error"], &t.code) != nil && json.Unmarshal(m["error"], &inner) == nil {
		t.description = inner.Message
	}
	_ = json.Unmarshal(m["error_description"], &t.description) // missing is fine
	return t
}

// jsonScope reads scope, or scopes, its former name at Bitbucket: a text or a
// list.
func jsonScope(m map[string]json.RawMessage) string {
	for _, name := range []string{"scope", "scopes"} {
		var s string
		if json.Unmarshal(m[name], &s) == nil && s != "" {
			return s
		}
		var list []string
		if json.Unmarshal(m[name], &list) == nil && len(list) > 0 {
			return strings.Join(list, " ")
		}
	}
	return ""
}

func parseForm(body []byte) (token, error) {
	v, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil {
		return token{}, errors.New("is not a form")
	}
	for _, values := range v {
		if len(values) > 1 {
			return token{}, errors.New("says something twice")
		}
	}
	if v.Get("error") != "" {
		return token{failed: true, code: v.Get("error"), description: v.Get("error_description")}, nil
	}
	t := token{access: v.Get("access_token"), refresh: v.Get("refresh_token"), scope: v.Get("scope")}
	if t.scope == "" {
		t.scope = v.Get("scopes")
	}
	return t.checked(v.Get("token_type"), v.Get("expires_in"))
}

// checked is t when it can be used.
func (t token) checked(kind, expires string) (token, error) {
	switch {
	case t.access == "":
		return token{}, errors.New("has no access_token")
	case !validToken(t.access):
		return token{}, errors.New("has an access_token that cannot be one")
	case t.refresh != "" && !validToken(t.refresh):
		return token{}, errors.New("has a refresh_token that cannot be one")
	case kind != "" && !strings.EqualFold(kind, "bearer"):
		return token{}, errors.New("has a token that is not for bearers")
	}
	if expires != "" {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(expires), 64)
		if err != nil || math.IsNaN(seconds) || seconds < 0 {
			return token{}, errors.New("has an expires_in that is no number of seconds")
		}
		t.life = time.Duration(min(seconds, maxLife.Seconds())) * time.Second
	}
	t.scope = oneLine(t.scope, 1000)
	return t, nil
}

// validToken reports whether s can stand in a header: printable ASCII without
// spaces, and no longer than hosts make them.
func validToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxTokenLength
}

// validPath reports whether a repository's path is owner/name, or deeper, in
// characters that are safe in a URL's path and in a query of a host's.
func validPath(path string) bool {
	parts := strings.Split(path, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, `\%?#"'&;<>`) || !validToken(part) {
			return false
		}
	}
	return len(parts) >= 2 && len(path) <= 512
}
