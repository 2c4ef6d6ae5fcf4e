package broker

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/provider"
	"gatehouse/web"
)

// selftestMux is the page without the rest of the broker.
func selftestMux(t *testing.T) *http.ServeMux {
	t.Helper()
	h := &Handler{URL: "https://auth.example.com", Pages: testPages(t), Now: func() time.Time { return time.UnixMilli(1234567) }}
	mux := http.NewServeMux()
	h.mountSelftest(mux)
	return mux
}

func TestSelftestPageKnowsWhatArrived(t *testing.T) {
	w := httptest.NewRecorder()
	mux := selftestMux(t)
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://backend:8484/auth/selftest", nil))
	doc := checkPage(t, w)
	page := find(doc, "data-page", "selftest")
	for key, want := range map[string]string{"data-origin": "https://auth.example.com", "data-arrived": "backend:8484", "data-policy": policy} {
		if got := attribute(page, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestSelftestScriptAndPageHaveTheSameSteps(t *testing.T) {
	script, err := fs.ReadFile(web.Broker(), "selftest.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range selftestSteps() {
		if !strings.Contains(string(script), "'"+s.ID+"'") {
			t.Errorf("no step %s in the script", s.ID)
		}
	}
	for _, m := range regexp.MustCompile(`(?:mark|check)\('([a-z]+)'`).FindAllStringSubmatch(string(script), -1) {
		w := httptest.NewRecorder()
		selftestMux(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/auth/selftest", nil))
		if find(checkPage(t, w), "data-step", m[1]) == nil {
			t.Errorf("the script marks a step %s that the page does not have", m[1])
		}
	}
}

func TestSelftestHostLeadsBackAndNowhereElse(t *testing.T) {
	mux := selftestMux(t)
	for _, state := range []string{"", "a b", "a/../b", `"><script>`, "x&code=y", strings.Repeat("a", 129)} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/auth/selftest/host?"+url.Values{"state": {state}}.Encode(), nil))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", state, w.Code)
		}
		checkPage(t, w)
	}
	h := &Handler{URL: "https://auth.example.com"}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, h.selftestNext("St4te_-"), nil))
	doc := checkPage(t, w)
	for _, want := range []string{"/callback/selftest?code=selftest&state=St4te_-", "/callback/selftest?error=access_denied&state=St4te_-"} {
		if find(doc, "href", want) == nil {
			t.Errorf("no link to %s", want)
		}
	}
}

func TestSelftestProbeIsNeverTheSame(t *testing.T) {
	mux := selftestMux(t)
	var bodies [2]string
	for i := range bodies {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/auth/selftest/probe", nil))
		if bodies[i] = w.Body.String(); !strings.Contains(bodies[i], `"time":1234567`) {
			t.Error(bodies[i])
		}
		if got := w.Header(); got.Get("Cache-Control") != "no-store" || got.Get("Content-Security-Policy") != policy || got.Get("Cross-Origin-Opener-Policy") != "" {
			t.Errorf("the headers that the script looks at: %v", got)
		}
	}
	if bodies[0] == bodies[1] {
		t.Error("two probes are the same, which looks like a cache")
	}
}

func TestSelftestGivesAWorthlessTokenForItsOwnCode(t *testing.T) {
	if g, err := selftestGrant("selftest", ""); err != nil || g.AccessToken != "selftest" || g.RefreshToken != "" {
		t.Errorf("%+v, %v", g, err)
	}
	for _, c := range []struct {
		code, hostError string
		want            provider.Reason
	}{
		{"", "access_denied", provider.Cancelled},
		{"selftest", "access_denied", provider.Cancelled},
		{"selftest", "server_error", provider.BadCode},
		{"other", "", provider.BadCode},
		{"", "", provider.BadCode},
	} {
		g, err := selftestGrant(c.code, c.hostError)
		var refusal *provider.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != c.want || g.AccessToken != "" {
			t.Errorf("%+v: %+v, %v", c, g, err)
		}
	}
}

func TestSelftestIsForOurOwnPageAlone(t *testing.T) {
	s := (&Handler{URL: "https://auth.example.com"}).selftestSite()
	for _, origin := range []string{"https://evil.example", "http://auth.example.com", "https://auth.example.com:8443", "null", ""} {
		if s.Opener(origin) {
			t.Errorf("%q may open it", origin)
		}
	}
	if !s.Opener("https://auth.example.com") {
		t.Error("our own page may not open it")
	}
}
