package broker

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/auth"
)

func TestN10Cookie(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.open(www)
	res := w.browser().get("/auth?" + www)
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if !strings.HasPrefix(c.Name, "__Host-gatehouse_tx_") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
		c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 || c.MaxAge > 600 || len(c.Value) < 43 {
		t.Errorf("cookie %+v", c)
	}
	if _, ok := b.cookies["__Host-gatehouse_tx_"+tx[:8]]; !ok {
		t.Errorf("the cookie of %s is not among %v", tx, b.cookies)
	}
	// After the claim it lives only as long as the token can be taken back.
	tx = b.signIn(www, shop, w.host)
	r := request(http.MethodPost, "/auth/claim", `{"tx":"`+tx+`"}`, "Content-Type", "application/json", "Origin", ours)
	for _, c := range b.send(r).Cookies() {
		if c.MaxAge > int(auth.OutcomeLife/time.Second) || !strings.HasSuffix(c.Name, tx[:8]) {
			t.Errorf("after the claim: %+v", c)
		}
	}
	if status, _ := b.post("/auth/report", map[string]any{"tx": tx, "page": "undelivered"}); status != http.StatusOK {
		t.Fatal(status)
	}
	if _, still := b.cookies["__Host-gatehouse_tx_"+tx[:8]]; still {
		t.Error("the cookie stays for ever")
	}
}

func TestN11CookieFlood(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	var all []string
	for range 20 {
		all = append(all, b.open(www))
		w.pass(time.Second)
	}
	if n := len(b.cookies); n > 5 {
		t.Errorf("%d cookies", n)
	}
	for i, tx := range all {
		status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop})
		if i >= 15 && status != http.StatusOK {
			t.Errorf("number %d: %d %v", i, status, got)
		}
		if i < 15 && status != http.StatusForbidden {
			t.Errorf("number %d, which is over the bound: %d %v", i, status, got)
		}
	}
}

func TestN12TwoSitesAtOnce(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	const club = "https://www.other.org"
	tx1, next1 := b.begin(www, shop)
	tx2, next2 := b.begin("provider=github&site_id=www.other.org", club)
	for _, back := range []string{w.other.approve(t, next2), w.host.approve(t, next1)} {
		if res := b.returned(back); res.StatusCode != http.StatusSeeOther {
			t.Fatal(res.StatusCode)
		}
	}
	_, got1 := b.claimed(tx1, shop)
	_, got2 := b.claimed(tx2, club)
	if !strings.HasPrefix(fmt.Sprint(got1["token"]), "gho_token_") || !strings.HasPrefix(fmt.Sprint(got2["token"]), "oth_token_") {
		t.Errorf("%v %v", got1, got2)
	}
}

func TestN13LooksBeforeOpening(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for name, r := range map[string]*http.Request{
		"HEAD":            request(http.MethodHead, "/auth?"+www, ""),
		"prefetch":        request(http.MethodGet, "/auth?"+www, "", "Sec-Purpose", "prefetch"),
		"prerender":       request(http.MethodGet, "/auth?"+www, "", "Sec-Purpose", "prefetch;prerender", "Sec-Fetch-Dest", "document"),
		"old prefetch":    request(http.MethodGet, "/auth?"+www, "", "Purpose", "prefetch"),
		"older prefetch":  request(http.MethodGet, "/auth?"+www, "", "X-Moz", "prefetch"),
		"HEAD elsewhere":  request(http.MethodHead, "/s/www/auth?"+www, ""),
		"HEAD callback":   request(http.MethodHead, "/callback/github?code=a&state=b", ""),
		"HEAD result":     request(http.MethodHead, "/auth/result?tx=x", ""),
		"HEAD of nothing": request(http.MethodHead, "/auth?provider=none&site_id=nowhere", ""),
	} {
		res := b.send(r)
		if len(res.Cookies()) != 0 || res.StatusCode >= 300 || text(t, res) != "" {
			t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
		}
	}
	w.unasked()
}

func TestN14Restart(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx, next := b.begin(www, shop)
	w.restart()
	if res := b.returned(w.host.approve(t, next)); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", res.StatusCode, text(t, res))
	}
	w.restart()
	if outcome, _ := b.claimed(tx, shop); outcome != "success" {
		t.Error(outcome)
	}
}

func TestN15States(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for range 20 { // of thousands there is a test beside the generator
		b := w.browser()
		_, next := b.begin(www, shop)
		state := query(t, next).Get("state")
		if raw, err := base64.RawURLEncoding.DecodeString(state); err != nil || len(raw) < 32 || seen[state] {
			t.Errorf("state %q: %d bytes, %v", state, len(raw), err)
		}
		seen[state] = true
	}
}

// An answer to a state that was never given must not be prepared for by
// guessing what begin will choose.
func TestStateOfATransactionThatHasNotBegun(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.open(www)
	for _, state := range []string{"", tx, strings.Repeat("A", 43), url.QueryEscape("x' OR 1=1")} {
		w.page(b.returned("/callback/github?code=C&state="+state), http.StatusBadRequest, "E-state")
	}
	w.unasked()
}
