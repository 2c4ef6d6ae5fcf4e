package broker

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
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
