package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
)

func TestClientAddrBelievesOnlyTrustedProxies(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"203.0.113.7:4000", "", "203.0.113.7"},
		{"203.0.113.7:4000", "198.51.100.1", "203.0.113.7"}, // not our proxy: a lie
		{"10.0.0.1:4000", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:4000", "192.0.2.66, 198.51.100.1, 10.2.3.4", "198.51.100.1"}, // the first was sent by the client
		{"10.0.0.1:4000", "", "10.0.0.1"},
		{"10.0.0.1:4000", "nonsense", "10.0.0.1"},
		{"10.0.0.1:4000", "10.9.9.9", "10.9.9.9"},
		{"[::1]:4000", "[2001:db8::1]:443", "2001:db8::1"},
		{"[::ffff:10.0.0.1]:4000", "198.51.100.1", "198.51.100.1"},
		{"[fe80::1%eth0]:1", "", "fe80::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := api.ClientAddr(r, trusted).String(); got != c.want {
			t.Errorf("%s forwarding %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
		api.TrustProxies(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := api.ClientAddr(r, nil).String(); got != c.want {
				t.Errorf("behind TrustProxies: %s, want %s", got, c.want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestStatusKnowsEveryKind(t *testing.T) {
	seen := map[int]fault.Kind{}
	for k := fault.Internal; k <= fault.TooLarge; k++ {
		s := api.Status(k)
		if other, twice := seen[s]; twice {
			t.Errorf("%v and %v are both %d", k, other, s)
		}
		seen[s] = k
	}
	if len(seen) != 10 {
		t.Errorf("%d statuses for 10 kinds", len(seen))
	}
}

func TestWriteJSONAndRetryAfter(t *testing.T) {
	w := httptest.NewRecorder()
	api.RetryAfter(w, &fault.Error{Kind: fault.TooMany, RetryAfter: 1500 * time.Millisecond})
	api.WriteJSON(w, 429, map[string]string{"a": "<b>"})
	if w.Header().Get("Retry-After") != "2" || w.Header().Get("Cache-Control") != "no-store" || w.Code != 429 {
		t.Errorf("headers %v", w.Header())
	}
	w = httptest.NewRecorder()
	api.WriteJSON(w, 200, func() {})
	if w.Code != 500 || w.Body.Len() != 0 {
		t.Errorf("unencodable: %d %q", w.Code, w.Body)
	}
}

func TestRedirectStaysRelative(t *testing.T) {
	w := httptest.NewRecorder()
	api.Redirect(w, "admin/", http.StatusSeeOther)
	if w.Header().Get("Location") != "admin/" || w.Code != 303 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestLogKeepsSecretsOut(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(api.LogHandler(slog.NewTextHandler(&out, nil)))
	h := api.RequestID(api.Log(log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := mustParse(t, "https://bob:hunter2@host.example/x?token=hunter2#hunter2")
		log.With("headers", r.Header).InfoContext(r.Context(), "inside", "request_itself", r, "url", u,
			slog.Group("g", "cookie", &http.Cookie{Name: "c", Value: "hunter2"}, "raw", []byte("hunter2")),
			"err", &url.Error{Op: "Get", URL: "https://h/?t=hunter2", Err: io.EOF})
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("1234"))
	})))
	r := httptest.NewRequest(http.MethodGet, "/path?password=hunter2", nil)
	r.Header.Set("Cookie", "gatehouse=hunter2")
	r.Header.Set("X-Request-Id", "hunter2")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret reached the log:\n%s", out.String())
	}
	id := w.Header().Get("X-Request-Id")
	if len(id) != 16 || strings.Count(out.String(), "request="+id) != 2 {
		t.Errorf("the id %q is not in both records:\n%s", id, out.String())
	}
	for _, want := range []string{"status=418", "bytes=4", "path=/path", "method=GET", "url=https://host.example/x"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing:\n%s", want, out.String())
		}
	}
	if api.ID(context.Background()) != "" {
		t.Error("an id outside of a request")
	}
}

func TestRecoverAnswers500AndLogs(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	w := httptest.NewRecorder()
	api.Recover(log, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "boom") || !strings.Contains(out.String(), "boom") {
		t.Errorf("status %d, body %q, log %q", w.Code, w.Body, out.String())
	}
}

func TestRecoverCutsAHalfAnswer(t *testing.T) {
	srv := httptest.NewServer(api.Recover(slog.New(slog.DiscardHandler), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
		panic("boom")
	})))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		return // cut before the headers went out
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the client took half an answer for a whole one: %v", err)
	}
}

func TestLimit(t *testing.T) {
	var err error
	h := api.Limit(4, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, err = io.ReadAll(r.Body) }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader("12345")))
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) {
		t.Errorf("5 bytes under a limit of 4: %v", err)
	}
}

func TestSameOriginRefusesForeignPages(t *testing.T) {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	h := api.SameOrigin([]string{"/.netlify/identity/"}, ok)
	for _, c := range []struct {
		name, method, path string
		header             map[string]string
		want               int
	}{
		{"our own page", "POST", "/login", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		{"another site's form", "POST", "/login", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		{"an old browser", "POST", "/login", map[string]string{"Origin": "https://evil.example"}, 403},
		{"a sister host", "POST", "/login", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"curl", "POST", "/login", nil, 200},
		{"reading", "GET", "/login", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		{"a bearer token", "POST", "/api/v1", map[string]string{"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer x"}, 200},
		{"the password of a proxy", "POST", "/login", map[string]string{"Sec-Fetch-Site": "cross-site", "Authorization": "Basic dTpw"}, 403},
		{"identity", "POST", "/.netlify/identity/token", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.want)
		}
	}
}

func TestCORSKnowsItsOrigins(t *testing.T) {
	reached := false
	h := api.CORS([]string{"https://blog.example"}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	ask := func(method, origin string) *httptest.ResponseRecorder {
		reached = false
		r := httptest.NewRequest(method, "/user", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "PUT")
		r.Header.Set("Access-Control-Request-Headers", "authorization")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Error("credentials are allowed")
		}
		return w
	}
	if w := ask("OPTIONS", "https://blog.example"); reached || w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := ask("PUT", "https://blog.example"); !reached || w.Header().Get("Access-Control-Allow-Origin") != "https://blog.example" {
		t.Errorf("call: %v", w.Header())
	}
	if w := ask("PUT", "https://blog.example.evil.example"); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign origin: %v", w.Header())
	}
}

func TestSecurityHeaders(t *testing.T) {
	for _, https := range []bool{true, false} {
		w := httptest.NewRecorder()
		api.SecurityHeaders(https, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != https {
			t.Errorf("https %v: HSTS is %v", https, got)
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers %v", w.Header())
		}
	}
}
