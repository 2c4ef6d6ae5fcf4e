package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// host is a Git host with the manners of GitHub Enterprise: it signs everybody in
// as ann, counts token requests, and insists on PKCE.
type host struct {
	*httptest.Server
	prefix string // of its tokens
	repo   string

	mu        sync.Mutex
	codes     map[string]consent
	tokens    map[string]bool // access tokens, true while they are good
	refreshes map[string]bool // refresh tokens
	exchanges int             // requests of the token endpoint
	renewals  int             // of them, for refresh tokens
	clients   []string        // client ids that were used at it
	verifiers []string

	// What a test changes, before requests come.
	expiring bool                                              // tokens end after eight hours and come with a refresh token
	scope    string                                            // that is granted; empty: what was asked for
	odd      func(w http.ResponseWriter, r *http.Request) bool // answers instead of the token endpoint
	api      func(w http.ResponseWriter, r *http.Request) bool // answers instead of the API
	revoking func()                                            // is called when a token is taken back
}

// consent is what somebody agreed to, for a code.
type consent struct{ client, redirect, challenge, scope string }

func newHost(t *testing.T, prefix, repo string) *host {
	h := &host{
		prefix: prefix, repo: repo,
		codes: map[string]consent{}, tokens: map[string]bool{}, refreshes: map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login/oauth/access_token", h.token)
	mux.HandleFunc("GET /api/user", h.user)
	mux.HandleFunc("GET /api/repos/{owner}/{name}", h.repository)
	mux.HandleFunc("DELETE /api/applications/{id}/token", h.revoke)
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// approve is what happens when a person presses Allow: the address that the
// host sends the browser to.
func (h *host) approve(t *testing.T, next string) string {
	t.Helper()
	q := query(t, next)
	if !strings.HasPrefix(next, h.URL+"/login/oauth/authorize?") || q.Get("code_challenge_method") != "S256" {
		t.Fatalf("sent to %s", next)
	}
	code := h.mint("code")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.codes[code] = consent{q.Get("client_id"), q.Get("redirect_uri"), q.Get("code_challenge"), q.Get("scope")}
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
}

// deny is what happens when they press Cancel.
func (h *host) deny(t *testing.T, next, code, description string) string {
	t.Helper()
	q := query(t, next)
	return q.Get("redirect_uri") + "?" + url.Values{
		"error": {code}, "error_description": {description}, "error_uri": {"javascript:alert(1)"}, "state": {q.Get("state")},
	}.Encode()
}

func (h *host) mint(what string) string {
	return h.prefix + "_" + what + "_" + rand.Text()
}

func (h *host) token(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.exchanges++
	h.clients = append(h.clients, r.PostFormValue("client_id"))
	odd := h.odd
	h.mu.Unlock()
	if odd != nil && odd(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if problem := h.give(w, r); problem != "" {
		_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":"No."}`, problem)
	}
}

// give answers with tokens, or says why not.
func (h *host) give(w http.ResponseWriter, r *http.Request) (problem string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	scope := h.scope
	switch r.PostFormValue("grant_type") {
	case "refresh_token":
		h.renewals++
		old := r.PostFormValue("refresh_token")
		if !h.refreshes[old] {
			return "bad_refresh_token"
		}
		h.refreshes[old] = false
	default:
		c, known := h.codes[r.PostFormValue("code")]
		verifier := r.PostFormValue("code_verifier")
		h.verifiers = append(h.verifiers, verifier)
		sum := sha256.Sum256([]byte(verifier))
		switch {
		case !known || c.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
			return "bad_verification_code"
		case c.client != r.PostFormValue("client_id") || r.PostFormValue("client_secret") == "":
			return "incorrect_client_credentials"
		case c.redirect != r.PostFormValue("redirect_uri"):
			return "redirect_uri_mismatch"
		}
		delete(h.codes, r.PostFormValue("code"))
		if scope == "" {
			scope = strings.ReplaceAll(c.scope, " ", ",")
		}
	}
	answer := map[string]any{"access_token": h.mint("token"), "token_type": "bearer", "scope": scope}
	h.tokens[answer["access_token"].(string)] = true
	if h.expiring {
		answer["refresh_token"], answer["expires_in"] = h.mint("refresh"), 28800
		h.refreshes[answer["refresh_token"].(string)] = true
	}
	_ = json.NewEncoder(w).Encode(answer)
	return ""
}

func (h *host) good(w http.ResponseWriter, r *http.Request) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
		return h.api == nil || !h.api(w, r)
	}
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"message":"Bad credentials"}`))
	return false
}

func (h *host) user(w http.ResponseWriter, r *http.Request) {
	if h.good(w, r) {
		_, _ = w.Write([]byte(`{"id":1,"login":"ann","name":"Ann"}`))
	}
}

func (h *host) repository(w http.ResponseWriter, r *http.Request) {
	if h.good(w, r) {
		_, _ = fmt.Fprintf(w, `{"id":7,"full_name":%q,"permissions":{"push":true}}`, h.repo)
	}
}

func (h *host) revoke(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Token string `json:"access_token"`
	}
	_ = json.NewDecoder(r.Body).Decode(&ask)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[ask.Token] = false
	if h.revoking != nil {
		h.revoking()
	}
	w.WriteHeader(http.StatusNoContent)
}

// change changes how the host behaves.
func (h *host) change(f func(*host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

// asked is how often the token endpoint was asked.
func (h *host) asked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.exchanges
}

// alive is how many tokens are good.
func (h *host) alive() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, good := range h.tokens {
		if good {
			n++
		}
	}
	return n
}

// secrets are all that must stay between the host and the broker, until a page
// has claimed a token.
func (h *host) secrets() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Concat(
		slices.Collect(maps.Keys(h.tokens)), slices.Collect(maps.Keys(h.refreshes)),
		slices.Collect(maps.Keys(h.codes)), slices.DeleteFunc(slices.Clone(h.verifiers), func(v string) bool { return v == "" }))
}

// repositorySays makes the API answer so where a repository is asked for.
func repositorySays(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/api/repos/") {
			return false
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}
