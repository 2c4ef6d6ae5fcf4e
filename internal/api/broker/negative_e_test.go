package broker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/store"
)

// headers makes sure that an answer has what every answer of the broker has.
func (w *world) headers(res *http.Response) {
	w.t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "X-Robots-Tag": "noindex", "Strict-Transport-Security": "max-age=31536000",
		"Content-Security-Policy":    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"Cross-Origin-Opener-Policy": "",
	} {
		if got := res.Header.Get(name); got != want {
			w.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if res.Header.Get("Permissions-Policy") == "" {
		w.t.Error("no Permissions-Policy")
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && res.Header.Get("Access-Control-Allow-Origin") != "" {
		w.t.Error("a page for other origins")
	}
}

// Everything that can go wrong goes wrong, and then the log is searched.
func TestN55NothingSecretInTheLog(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	var states []string
	try := func(back func(next string) string) {
		t.Helper()
		tx, next := b.begin(www, shop)
		states = append(states, query(t, next).Get("state"))
		b.returned(back(next))
		b.returned(back(next)) // again
		b.get("/auth/result?tx=" + tx)
		_, _ = b.claim(tx)
		b.post("/auth/report", map[string]any{"tx": tx, "page": "undelivered"})
	}
	allow := func(next string) string { return w.host.approve(t, next) }
	try(allow)
	try(func(next string) string { return w.host.deny(t, next, "access_denied", "no") })
	try(func(next string) string { return w.host.approve(t, next) + "&iss=https://evil.example" })
	try(func(next string) string { return strings.Replace(w.host.approve(t, next), "/github", "/club", 1) })
	w.host.change(func(h *host) { h.scope = "gist" })
	try(allow)
	w.host.change(func(h *host) {
		h.scope = ""
		h.api = repositorySays(http.StatusNotFound, `{"message":"Not Found"}`)
	})
	try(allow)
	w.host.change(func(h *host) {
		h.api = nil
		h.odd = func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = fmt.Fprintf(w, "you sent %s %s", r.PostFormValue("code"), r.PostFormValue("code_verifier"))
			return true
		}
	})
	try(allow)
	w.host.change(func(h *host) { h.odd = nil })
	content := b.token(www, shop, w.host)
	handle, _ := content["refresh_token"].(string)
	w.refresh(handle, shop)
	w.refresh(handle+"x", shop)
	w.pass(time.Hour)
	w.refresh(handle, shop)
	w.refresh(handle, shop)
	log := w.log.String()
	for _, secret := range append(append(states, handle, "secret-www", "secret-org"), w.host.secrets()...) {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
	for _, cookie := range b.cookies {
		if strings.Contains(log, cookie) {
			t.Errorf("the cookie %s is in the log", cookie)
		}
	}
	if !strings.Contains(log, "E-no-write") || !strings.Contains(log, "path=/auth/claim") {
		t.Error("the log has nothing in it")
	}
}

func TestN56HeadersOfEveryAnswer(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	for _, r := range []*http.Request{
		request(http.MethodGet, "/auth?"+www, ""),
		request(http.MethodHead, "/auth?"+www, ""),
		request(http.MethodGet, "/auth", ""),
		request(http.MethodPut, "/auth", ""),
		request(http.MethodGet, "/oauth/authorize?client_id=a&response_type=code", ""),
		request(http.MethodGet, "/auth/result?tx="+tx, ""),
		request(http.MethodGet, "/auth/result?tx=other", ""),
		request(http.MethodGet, "/callback/github", ""),
		request(http.MethodPost, "/auth/begin", "{}"),
		request(http.MethodPost, "/auth/claim", `{"tx":"`+tx+`"}`, "Content-Type", "application/json", "Origin", ours),
		request(http.MethodPost, "/auth/report", "{}", "Content-Type", "application/json", "Origin", ours),
		request(http.MethodPost, "/auth/refresh", "", "Origin", shop),
		request(http.MethodOptions, "/auth/refresh", "", "Origin", shop),
		request(http.MethodPost, "/auth/refresh", "", "Origin", evil),
		request(http.MethodGet, "/auth/selftest", ""),
		request(http.MethodGet, "/auth/selftest/host", ""),
		request(http.MethodGet, "/auth/selftest/host?state=x", ""),
		request(http.MethodGet, "/auth/selftest/probe", ""),
		request(http.MethodPost, "/auth/selftest", ""),
		request(http.MethodGet, "/auth/assets/x/popup.html", ""),
		request(http.MethodGet, "/auth/assets/x/nothing.mjs", ""),
		request(http.MethodPost, "/auth/assets/x/popup.mjs", ""),
		request(http.MethodGet, "https://other.test/auth?"+www, ""),
		request(http.MethodGet, "/auth?"+www, "", "Sec-Fetch-Dest", "iframe"),
		request(http.MethodGet, "/auth?"+www, "", "Sec-Purpose", "prefetch"),
		request(http.MethodGet, "/callback/nobody?state=x", ""),
	} {
		w.headers(b.send(r))
	}
	_, next := b.begin(www, shop)
	w.headers(b.returned(w.host.approve(t, next)))
}

// The pages' own files are the one thing that may be kept, being named by what is
// in them; all the rest holds for them, too.
func TestN56HeadersOfAssets(t *testing.T) {
	w := newWorld(t)
	files, err := os.ReadDir("../../../web/broker")
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".html") {
			continue
		}
		res := w.browser().get("/auth/assets/" + w.Pages.assets.Version() + "/" + f.Name())
		if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", f.Name(), res.StatusCode, res.Header)
		}
		res.Header.Set("Cache-Control", "no-store")
		w.headers(res)
		if got := res.Header.Get("Access-Control-Allow-Origin") + res.Header.Get("Set-Cookie"); got != "" || res.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %v", f.Name(), res.Header)
		}
	}
}

// What waits is answered with the same headers as what goes on.
func TestN56HeadersOfThoseWhoWait(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for path, one := range map[string]func() *http.Response{
		"the popup":   func() *http.Response { return b.get("/auth?" + www) },
		"a callback":  func() *http.Response { return b.returned("/callback/github?state=x") },
		"our scripts": func() *http.Response { return b.send(request(http.MethodPost, "/auth/begin", "{}", "Origin", ours)) },
		"a refresh": func() *http.Response {
			return b.send(request(http.MethodPost, "/auth/refresh", "refresh_token=x", "Origin", shop, "Content-Type", "application/x-www-form-urlencoded"))
		},
	} {
		var res *http.Response
		for range 400 {
			if res = one(); res.StatusCode == http.StatusTooManyRequests {
				break
			}
		}
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
		w.headers(res)
	}
}

func TestN57PagesHoldNoSecret(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	tx, next := b.begin(www, shop)
	back := w.host.approve(t, next)
	res := b.returned(back)
	if at := res.Header.Get("Location"); strings.Contains(at, "code") || strings.Contains(at, "state") || text(t, res) != "" {
		t.Errorf("sent on to %s", at)
	}
	body := text(t, b.get(res.Header.Get("Location")))
	for _, secret := range append(w.host.secrets(), query(t, back).Get("state"), query(t, back).Get("code")) {
		if strings.Contains(body, secret) {
			t.Errorf("the page has %s", secret)
		}
	}
	for _, foreign := range []string{`src="http`, `src="//`, `href="http`, `href="//`, "<script>", "style="} {
		if strings.Contains(body, foreign) {
			t.Errorf("the page has %s:\n%s", foreign, body)
		}
	}
	_, _ = b.claim(tx)
}

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

// A token that nobody collects is revoked.
func TestSweep(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.host.alive() != 1 {
		t.Error("swept too early")
	}
	w.pass(auth.OutcomeLife + time.Second)
	for range 2 {
		if err := w.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if w.host.alive() != 0 {
		t.Error("the token is good still")
	}
	if families, err := w.Handles.Families(t.Context(), 10); err != nil || len(families) != 0 {
		t.Errorf("handles of it: %v %v", families, err)
	}
	if status, got := b.claim(tx); status != http.StatusGone {
		t.Errorf("claimed all the same: %d %v", status, got)
	}
	w.silent()
}

// The server ends while tokens are being taken back: it does not wait for all of
// them, and forgets none.
func TestSweepEndsWithTheServer(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.browser().signIn(www, shop, w.host)
	}
	w.pass(3 * time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	w.host.change(func(h *host) { h.revoking = stop })
	if err := w.Sweep(ctx); !errors.Is(err, context.Canceled) || w.host.alive() != 2 {
		t.Fatalf("%d tokens are left, %v", w.host.alive(), err)
	}
	w.restart()
	if err := w.Sweep(t.Context()); err != nil || w.host.alive() != 0 {
		t.Errorf("%d tokens are left, %v", w.host.alive(), err)
	}
}
