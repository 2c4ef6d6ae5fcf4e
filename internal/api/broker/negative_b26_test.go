package broker

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/auth"
)

// The opener goes elsewhere: the browser drops the message, since it has a
// target, and nobody closes the window.
func TestN26OpenerNavigates(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	_, content := b.claimed(tx, shop)
	if status, _ := b.post("/auth/report", map[string]any{"tx": tx, "page": "undelivered"}); status != http.StatusOK {
		t.Fatal(status)
	}
	if w.host.alive() != 0 {
		t.Error("the token that did not arrive is good still")
	}
	res, got := w.refresh(fmt.Sprint(content["refresh_token"]), shop)
	w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	if status, _ := b.post("/auth/report", map[string]any{"tx": tx, "page": "undelivered"}); status == http.StatusInternalServerError {
		t.Error(status)
	}
}

func TestN27OpenerGone(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	if body := text(t, b.get("/auth/result?tx="+tx)); !strings.Contains(body, `data-help="E-opener-gone"`) {
		t.Error("the page has no help for it")
	}
	if status, _ := b.post("/auth/report", map[string]any{"tx": tx, "page": "E-opener-gone"}); status != http.StatusOK {
		t.Fatal(status)
	}
	if w.host.alive() != 0 {
		t.Error("the token is good still")
	}
	if status, got := b.claim(tx); status != http.StatusForbidden && status != http.StatusGone {
		t.Errorf("claimed all the same: %d %v", status, got)
	}
	// The next sign-in keeps this window, and opens a second one.
	tx = b.open(www)
	if _, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); got["launcher"] != true {
		t.Errorf("begin: %v", got)
	}
	w.pass(8 * 24 * time.Hour)
	tx = b.open(www)
	if _, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); got["launcher"] != nil {
		t.Errorf("a week later: %v", got)
	}
}

// Somebody closed the editor's window at the host. The next sign-in uses a second
// window, which comes back with its opener: the host is not to blame.
func TestClosedEditorCostsOneSecondWindow(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	launcher := func() (tx string, yes any) {
		tx, next := b.begin(www, shop)
		b.returned(w.host.approve(t, next))
		return tx, strings.Contains(text(t, b.get("/auth/result?tx="+tx)), "data-launcher")
	}
	tx, yes := launcher()
	b.post("/auth/report", map[string]any{"tx": tx, "page": "opener-kept"}) // nobody asked about that window
	if yes != false {
		t.Fatal("a second window without a reason")
	}
	b.post("/auth/report", map[string]any{"tx": tx, "page": "E-opener-gone"})
	if tx, yes = launcher(); yes != true {
		t.Fatal("no second window after the loss")
	}
	b.claimed(tx, shop)
	b.post("/auth/report", map[string]any{"tx": tx, "page": "opener-kept"})
	if _, yes = launcher(); yes != false {
		t.Error("a second window still")
	}
}

// Who has not been at the host cannot have lost anything there.
func TestOpenerGoneHasToBeEarned(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx, _ := b.begin(www, shop)
	b.post("/auth/report", map[string]any{"tx": tx, "page": "opener-gone"})
	tx = b.open(www)
	if _, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); got["launcher"] != nil {
		t.Errorf("begin: %v", got)
	}
	if status, _ := b.post("/auth/report", map[string]any{"tx": tx, "page": "<script>"}); status != http.StatusBadRequest {
		t.Error(status)
	}
}

func TestN28CraftedBegin(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.open(www)
	body := `{"tx":"` + tx + `","origin":"` + shop + `"}`
	for name, tt := range map[string]struct {
		status int
		header []string
	}{
		"another origin":           {http.StatusForbidden, []string{"Origin", evil, "Content-Type", "application/json"}},
		"no origin":                {http.StatusForbidden, []string{"Content-Type", "application/json"}},
		"null":                     {http.StatusForbidden, []string{"Origin", "null", "Content-Type", "application/json"}},
		"the CMS page itself":      {http.StatusForbidden, []string{"Origin", shop, "Content-Type", "application/json"}},
		"cross-site":               {http.StatusForbidden, []string{"Origin", ours, "Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"}},
		"same-site":                {http.StatusForbidden, []string{"Origin", ours, "Sec-Fetch-Site", "same-site", "Content-Type", "application/json"}},
		"a simple request":         {http.StatusUnsupportedMediaType, []string{"Origin", ours, "Content-Type", "text/plain"}},
		"a form":                   {http.StatusUnsupportedMediaType, []string{"Origin", ours, "Content-Type", "application/x-www-form-urlencoded"}},
		"a form that is called so": {http.StatusUnsupportedMediaType, []string{"Origin", ours, "Content-Type", "text/plain; application/json"}},
	} {
		for _, path := range []string{"/auth/begin", "/auth/claim", "/auth/report"} {
			res := b.send(request(http.MethodPost, path, body, tt.header...))
			if got := decode(t, res); res.StatusCode != tt.status || got["next"] != nil || res.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s to %s: %d %v", name, path, res.StatusCode, got)
			}
		}
	}
	for name, body := range map[string]string{"nothing": "", "no JSON": "x", "a list": "[]", "a number": `{"tx":1}`, "long": `{"tx":"` + strings.Repeat("x", 65) + `"}`} {
		res := b.send(request(http.MethodPost, "/auth/begin", body, "Origin", ours, "Content-Type", "application/json"))
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	res := b.send(request(http.MethodPost, "/auth/begin", `{"tx":"`+strings.Repeat("x", 10_000)+`"}`, "Origin", ours, "Content-Type", "application/json"))
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("10 kB: %d", res.StatusCode)
	}
	w.unasked()
}

func TestN29Claims(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	early, _ := b.begin(www, shop)
	if status, got := b.claim(early); status != http.StatusConflict || got["pending"] != true || got["message"] != nil {
		t.Errorf("before the callback: %d %v", status, got)
	}
	tx := b.signIn(www, shop, w.host)
	stranger := w.browser()
	if status, got := stranger.claim(tx); status != http.StatusForbidden || got["message"] != nil {
		t.Errorf("without a cookie: %d %v", status, got)
	}
	stranger.open(www)
	if status, got := stranger.claim(tx); status != http.StatusForbidden || got["message"] != nil {
		t.Errorf("with the cookie of another: %d %v", status, got)
	}
	if status, got := stranger.post("/auth/report", map[string]any{"tx": tx, "page": "undelivered"}); status != http.StatusForbidden || w.host.alive() != 1 {
		t.Errorf("a stranger takes the token back: %d %v", status, got)
	}
	w.silent()
	if outcome, _ := b.claimed(tx, shop); outcome != "success" {
		t.Error(outcome)
	}
	if status, got := b.claim(tx); status != http.StatusGone || got["message"] != nil {
		t.Errorf("twice: %d %v", status, got)
	}
	late := b.signIn(www, shop, w.host)
	w.pass(auth.OutcomeLife + time.Second)
	if status, got := b.claim(late); status != http.StatusGone || got["message"] != nil {
		t.Errorf("after two minutes: %d %v", status, got)
	}
	if status, _ := b.claim("nothing"); status != http.StatusForbidden {
		t.Errorf("of nothing: %d", status)
	}
}

func TestN29ResultOfAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	tx := w.browser().signIn(www, shop, w.host)
	w.page(w.browser().get("/auth/result?tx="+tx), http.StatusBadRequest, "E-state")
	w.page(w.browser().get("/auth/result?tx="+tx+"&tx=x"), http.StatusBadRequest, "E-state")
	w.page(w.browser().get("/auth/result?tx=%00"), http.StatusBadRequest, "E-params")
}

var posted = regexp.MustCompile(`postMessage\(([^,)]+), ([^)]+)\)`)

// N30, N32: the scripts say three things to the opener, and only the first, which
// holds no secret, goes to anybody.
func TestN30N32WhatIsPosted(t *testing.T) {
	names, err := filepath.Glob("../../../web/broker/*.mjs")
	if err != nil || len(names) == 0 {
		t.Fatal("no scripts", err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		if strings.HasPrefix(filepath.Base(name), "selftest") {
			continue // plays the CMS
		}
		body := script(t, filepath.Base(name))
		for _, m := range posted.FindAllStringSubmatch(body, -1) {
			seen[m[1]+" to "+m[2]] = true
		}
		if n := strings.Count(body, "'*'"); n > 1 || n == 1 && filepath.Base(name) != "handshake.mjs" {
			t.Errorf("%s posts to anybody %d times", name, n)
		}
	}
	if len(seen) != 2 || !seen["hello to '*'"] || !seen["message to origin"] {
		t.Errorf("posted are %v", seen)
	}
}
