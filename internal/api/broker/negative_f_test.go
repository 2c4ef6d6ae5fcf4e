package broker

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/store"
)

func TestN58TooManyPopups(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for i := range 100 {
		if res := b.get("/auth?" + www); res.StatusCode != http.StatusOK {
			t.Fatalf("number %d: %d", i, res.StatusCode)
		}
	}
	res := b.get("/auth?" + www)
	w.page(res, http.StatusTooManyRequests, "E-rate")
	if res.Header.Get("Retry-After") == "" {
		t.Error("it does not say how long to wait")
	}
	elsewhere := w.browser()
	elsewhere.address = "192.0.2.2"
	elsewhere.open(www)
	w.pass(2 * time.Second)
	b.open(www)
}

func TestN59TooManyBadCallbacks(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	good := w.browser()
	_, next := good.begin(www, shop)
	back := w.host.approve(t, next)
	for range 50 {
		b.returned("/callback/github?code=C&state=" + strings.Repeat("x", 43))
	}
	w.page(b.returned("/callback/github?code=C&state="+strings.Repeat("x", 43)), http.StatusTooManyRequests, "E-rate")
	if rows, err := w.store.Events(t.Context(), store.EventFilter{Limit: 1000}); err != nil || len(rows) > 30 {
		t.Errorf("they have left %d rows, %v", len(rows), err)
	}
	good.address = "192.0.2.2"
	if res := good.returned(back); res.StatusCode != http.StatusSeeOther {
		t.Errorf("another address suffers: %d", res.StatusCode)
	}
}

// Codes that nobody was given are asked of the host, and would turn it against the
// app if there were no end of them.
func TestN59TooManyJunkCodes(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for range 60 {
		_, next := b.begin(www, shop)
		b.returned("/callback/github?code=junk&state=" + query(t, next).Get("state"))
	}
	if n := w.host.asked(); n != 50 {
		t.Errorf("the host was asked %d times", n)
	}
}

func TestN62Framed(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, path := range []string{"/auth?" + www, "/oauth/authorize?" + www, "/s/www/auth?" + www, "/auth/result?tx=x", "/callback/github?code=a&state=b"} {
		for _, dest := range []string{"iframe", "frame", "image", "object", "embed", "script", "empty", "fencedframe"} {
			res := b.get(path, "Sec-Fetch-Dest", dest)
			if len(res.Cookies()) != 0 {
				t.Errorf("%s as %s begins a sign-in", path, dest)
			}
			w.page(res, http.StatusForbidden, "E-params")
		}
	}
	// An old browser does not say what it asks for; these headers keep it out.
	w.headers(b.get("/auth?" + www))
}

func TestN63OtherMethods(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, next := b.begin(www, shop)
	back := w.host.approve(t, next)
	form := strings.SplitN(back, "?", 2)[1]
	for _, tt := range []struct{ method, path, body, allow string }{
		{"POST", "/callback/github", form, "GET, HEAD"},
		{"POST", "/callback", form, "GET, HEAD"},
		{"PUT", "/callback/github", "", "GET, HEAD"},
		{"PUT", "/auth", "", "GET, HEAD, OPTIONS, POST"},
		{"DELETE", "/auth", "", "GET, HEAD, OPTIONS, POST"},
		{"TRACE", "/auth", "", "GET, HEAD, OPTIONS, POST"},
		{"DELETE", "/s/www/auth", "", "GET, HEAD, OPTIONS, POST"},
		{"GET", "/auth/begin", "", "POST"},
		{"GET", "/auth/claim", "", "POST"},
		{"HEAD", "/auth/claim", "", "POST"},
		{"OPTIONS", "/auth/claim", "", "POST"},
		{"OPTIONS", "/auth/begin", "", "POST"},
		{"GET", "/auth/report", "", "POST"},
		{"GET", "/auth/refresh", "", "OPTIONS, POST"},
		{"GET", "/oauth/token", "", "OPTIONS, POST"},
		{"POST", "/auth/result", "", "GET, HEAD"},
	} {
		r := request(tt.method, tt.path, tt.body, "Content-Type", "application/x-www-form-urlencoded", "Origin", shop)
		res := b.send(r)
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d, Allow: %s", tt.method, tt.path, res.StatusCode, res.Header.Get("Allow"))
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s is allowed from elsewhere", tt.method, tt.path)
		}
	}
	w.unasked()
}

func TestN64Redirects(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, next := b.begin(www, shop)
	seen := 0
	for _, path := range []string{
		"/auth?" + www, "/auth/?" + www, "/callback/", "/callback/github/", "/oauth", "/oauth/", "/auth/result", "/auth/assets/", "/auth/assets",
		"/s/www/auth/", strings.TrimPrefix(w.host.approve(t, next), ours),
	} {
		res := b.get(path)
		if res.StatusCode/100 == 3 {
			seen++
			if res.StatusCode != http.StatusSeeOther && res.StatusCode != http.StatusFound {
				t.Errorf("%s: %d to %s", path, res.StatusCode, res.Header.Get("Location"))
			}
		}
	}
	if seen == 0 {
		t.Error("no redirect at all")
	}
}
