package provider_test

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/provider"
)

// What must never be in an error.
const (
	secret   = "client-secret-0123456789"
	code     = "code+/of=the host"
	verifier = "verifier-0123456789-0123456789-0123456789-0123"
	access   = "access-token-0123456789"
	refresh  = "refresh-token-0123456789"
	callback = "https://cms.example.org/callback/here"
)

// request is what was asked, with what was sent.
type request struct {
	*http.Request
	form url.Values
	body string
}

// host is a practice host: answers by method and path, and what was asked.
type host struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	answers map[string]http.HandlerFunc
	asked   []request
}

func newHost(t *testing.T, answers map[string]http.HandlerFunc) *host {
	t.Helper()
	h := &host{t: t, answers: answers}
	h.Server = httptest.NewUnstartedServer(h)
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.Start()
	t.Cleanup(h.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	h.mu.Lock()
	h.asked = append(h.asked, request{r, form, string(body)})
	// With the query, or else without it.
	answer, there := h.answers[r.Method+" "+r.URL.RequestURI()]
	if !there {
		answer, there = h.answers[r.Method+" "+r.URL.EscapedPath()]
	}
	h.mu.Unlock()
	if !there {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
		return
	}
	answer(w, r)
}

func (h *host) requests() []request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

func (h *host) paths() []string {
	var all []string
	for _, r := range h.requests() {
		all = append(all, r.Method+" "+r.URL.RequestURI())
	}
	return all
}

// provider is one for this host.
func (h *host) provider(kind string, change ...func(*provider.App)) *provider.Provider {
	h.t.Helper()
	a := provider.App{Name: "here", Kind: kind, URL: h.URL, ClientID: "client-id", ClientSecret: secret, PKCE: true, Client: &http.Client{}}
	for _, c := range change {
		c(&a)
	}
	p, err := provider.New(a)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(p.Client.CloseIdleConnections)
	return p
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// says answers with JSON.
func says(status int, body string) http.HandlerFunc {
	return as(status, "application/json; charset=utf-8", body)
}

func as(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// with adds a header to an answer.
func with(name, value string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		next(w, r)
	}
}

// refused takes a refusal out of an error, and holds it against what is true of
// all of them.
func refused(t *testing.T, err error) *provider.Refusal {
	t.Helper()
	var r *provider.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("%v is not a refusal", err)
	}
	for _, s := range []string{secret, code, url.QueryEscape(code), verifier, access, refresh} {
		if strings.Contains(err.Error(), s) {
			t.Errorf("a secret is in the error: %s", err)
		}
	}
	if r.Detail == "" || len([]rune(r.Detail)) > 200 || strings.ContainsAny(r.Detail, "\n\r\u2028\u2029\x00") {
		t.Errorf("the detail is not one line of 200 characters: %q", r.Detail)
	}
	return r
}
