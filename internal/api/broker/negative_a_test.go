package broker

import (
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
)

// The negative cases are numbered as in docs/security.md; a file has the cases of
// one group, and a number in its name says where it begins.
//
//	a  state, cookie, transaction    N01 – N15
//	b  opener, messages              N16 – N32 (N31 is beside the messages)
//	c  parameters of requests        N33 – N45
//	d  the host's side               N46 – N53 (N54 is of provider)
//	e  leaks                         N55 – N57
//	f  limits, frames, methods       N58 – N64 (N60 is of the matrix, N61 is with the refreshes)
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
