package broker

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
)

// The negative cases are numbered, one test each; a file has one group of them.
//
//	a  state, cookie, transaction    N01 – N15
//	b  opener, messages              N16 – N32 (N31 is TestN31ErrorMessageIsOneShortLine)
//	c  parameters of requests        N33 – N45
//	d  the host's side               N46 – N53 (N54 is of outbound)
//	e  leaks, limits, frames         N55 – N64 (N60 is of app, N61 is with the refreshes)
//	h  refresh                       N65 – N74
//	i  many sites                    N75, N76, N79 (N77 and N78 are of config and doctor)

// page makes sure that an answer is a page of help with all its headers, and
// gives its text.
func (w *world) page(res *http.Response, status int, id string) string {
	w.t.Helper()
	body := text(w.t, res)
	if res.StatusCode != status || !strings.Contains(body, `data-help="`+id+`"`) {
		w.t.Errorf("status %d, want %d with %s:\n%s", res.StatusCode, status, id, body)
	}
	w.headers(res)
	return body
}

// unasked makes sure that no host was asked for a token, and none went out.
func (w *world) unasked() {
	w.t.Helper()
	if n := w.host.asked() + w.other.asked(); n != 0 {
		w.t.Errorf("%d token requests", n)
	}
	w.silent()
}

func TestN01CallbackWithoutState(t *testing.T) {
	w := newWorld(t)
	w.page(w.browser().returned("/callback/github?code=C"), http.StatusBadRequest, "E-state")
	w.unasked()
}

var referenceText = regexp.MustCompile(`data-part="reference">[^<]*<`)

// The time that the two take is the same because the work is: one look-up by the
// state's hash, one comparison with a cookie that is there or not, one event, one
// page. What comes of that work is compared here.
func TestN02UnknownState(t *testing.T) {
	w := newWorld(t)
	_, next := w.browser().begin(www, shop)
	type traces struct {
		page   string
		header http.Header
		event  audit.Event
	}
	trace := func(callback string) traces {
		res := w.browser().returned(callback)
		x := traces{referenceText.ReplaceAllString(w.page(res, http.StatusBadRequest, "E-state"), ""), res.Header, w.events("")[0]}
		x.header.Del("X-Request-Id")
		x.event.ID, x.event.Reference = 0, ""
		return x
	}
	unknown := trace("/callback/github?code=C&state=" + strings.Repeat("x", 43))
	other := trace(w.host.approve(t, next))
	if !reflect.DeepEqual(unknown, other) {
		t.Errorf("an unknown state and another browser's are told apart:\n%+v\n%+v", unknown, other)
	}
	if n := len(w.events("")); n != 2 {
		t.Errorf("%d events", n)
	}
	w.unasked()
}

func TestN03KnownStateInAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	right := w.browser()
	tx, next := right.begin(www, shop)
	back := w.host.approve(t, next)
	w.page(w.browser().returned(back), http.StatusBadRequest, "E-state")
	w.unasked()
	if res := right.returned(back); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the right browser cannot go on: %d", res.StatusCode)
	}
	if outcome, _ := right.claimed(tx, shop); outcome != "success" {
		t.Error(outcome)
	}
}

func TestN04CookieOfAnotherTransaction(t *testing.T) {
	w := newWorld(t)
	a, b := w.browser(), w.browser()
	_, next := a.begin(www, shop)
	mine := b.open(www)
	// The browser has the cookie of its own transaction, even under the name
	// that the other one's would have.
	back := w.host.approve(t, next)
	for name := range a.cookies {
		for _, value := range b.cookies {
			b.cookies[name] = value
		}
	}
	w.page(b.returned(back), http.StatusBadRequest, "E-state")
	w.unasked()
	if status, _ := b.post("/auth/begin", map[string]any{"tx": mine, "origin": shop}); status != http.StatusOK {
		t.Errorf("its own transaction is gone: %d", status)
	}
}

// The attacker signs in up to the callback, and has the victim open that.
func TestN05LoginCSRF(t *testing.T) {
	w := newWorld(t)
	_, next := w.browser().begin(www, shop)
	victim := w.browser()
	victim.open(www)
	body := w.page(victim.returned(w.host.approve(t, next)), http.StatusBadRequest, "E-state")
	if strings.Contains(body, "data-ok") {
		t.Error("the victim's page would claim")
	}
	w.unasked()
}

func TestN06Replay(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx, next := b.begin(www, shop)
	back := w.host.approve(t, next)
	if res := b.returned(back); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	if body := w.page(b.returned(back), http.StatusGone, "E-state"); !strings.Contains(body, "only once") {
		t.Error("the page does not say that it was loaded before")
	}
	if n := w.host.asked(); n != 1 {
		t.Errorf("%d token requests", n)
	}
	if outcome, _ := b.claimed(tx, shop); outcome != "success" {
		t.Error("the reload spoilt the sign-in")
	}
	w.page(b.returned(back), http.StatusGone, "E-state")
}

func TestN07TwoAtOnce(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, next := b.begin(www, shop)
	back := w.host.approve(t, next)
	var all sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		all.Go(func() { statuses[i] = b.returned(back).StatusCode })
	}
	all.Wait()
	worked := 0
	for _, s := range statuses {
		switch s {
		case http.StatusSeeOther:
			worked++
		case http.StatusGone, http.StatusBadRequest:
		default:
			t.Errorf("status %d", s)
		}
	}
	if n := w.host.asked(); n != 1 || worked != 1 {
		t.Errorf("%d token requests, %d worked", n, worked)
	}
}

func TestN08Expired(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, next := b.begin(www, shop)
	w.pass(auth.TransactionLife + time.Second)
	if body := w.page(b.returned(w.host.approve(t, next)), http.StatusGone, "E-state"); !strings.Contains(body, "too long") {
		t.Error("the page does not say why")
	}
	w.unasked()
}

func TestN09ParametersTwice(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx, next := b.begin(www, shop)
	back := w.host.approve(t, next)
	state, code := query(t, back).Get("state"), query(t, back).Get("code")
	for _, q := range []string{
		"code=" + code + "&state=" + state + "&state=bad", "code=" + code + "&state=bad&state=" + state,
		"code=" + code + "&code=bad&state=" + state, "code=bad&code=" + code + "&state=" + state,
		"error=a&error=b&state=" + state, "iss=a&iss=b&code=" + code + "&state=" + state,
		"code=" + code + "&state=" + state + "&state=" + state,
	} {
		w.page(b.returned("/callback/github?"+q), http.StatusBadRequest, "E-state")
	}
	w.unasked()
	if res := b.returned(back); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the sign-in is spoilt: %d", res.StatusCode)
	}
	_, _ = b.claim(tx)
}

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
