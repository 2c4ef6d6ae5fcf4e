package broker

import (
	"net/http"
	"testing"
	"time"

	"gatehouse/internal/audit"
)

// flood uses up what an address may have written down in a minute.
func (b *browser) flood() {
	b.w.t.Helper()
	for range 300 {
		if res := b.get("/auth/result?tx=x"); res.StatusCode != http.StatusBadRequest {
			b.w.t.Fatal(res.StatusCode)
		}
	}
}

func (w *world) events(kind string) []audit.Event {
	w.t.Helper()
	events, err := w.Audit.Recent(w.t.Context(), audit.Filter{Kind: kind, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return events
}

// Nobody can fill the log from one address.
func TestEventsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.browser().flood()
	if n := len(w.events("")); n == 0 || n > 30 {
		t.Errorf("%d events", n)
	}
}

// Whoever makes noise first must not thereby do the rest unseen.
func TestNoiseDoesNotHideASignIn(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	b.flood()
	b.claimed(tx, shop)
	if n := len(w.events(audit.SignIn)); n != 1 {
		t.Errorf("%d sign-ins are written down", n)
	}
}

func TestNoiseDoesNotHideAStolenHandle(t *testing.T) {
	w, handle := expiring(t)
	w.refresh(handle, shop)
	w.pass(2 * time.Minute)
	w.browser().flood()
	before := len(w.events(audit.Security))
	res, got := w.refresh(handle, shop)
	w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	if n := len(w.events(audit.Security)); n != before+1 {
		t.Errorf("%d events of the second use", n-before)
	}
}

func TestNoiseDoesNotHideATokenThatDidNotArrive(t *testing.T) {
	for name, end := range map[string]func(w *world, b *browser, tx string){
		"not taken": func(_ *world, b *browser, tx string) {
			b.claimed(tx, shop)
			b.post("/auth/report", map[string]any{"tx": tx, "page": "undelivered"})
		},
		"an origin that is gone": func(w *world, b *browser, tx string) {
			w.sites[0].Origins = []string{"https://new.example"}
			w.build()
			b.claim(tx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.browser()
			tx := b.signIn(www, shop, w.host)
			b.flood()
			before := len(w.events(audit.Failure)) + len(w.events(audit.Security))
			end(w, b, tx)
			if n := len(w.events(audit.Failure)) + len(w.events(audit.Security)); n != before+1 {
				t.Errorf("%d events", n-before)
			}
		})
	}
}

// The self-test costs nobody an account at a host, so it can be noise.
func TestSelftestsAreBoundedInTheLog(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.flood()
	tx, next := b.begin("provider=selftest&site_id=selftest", ours)
	b.returned("/callback/selftest?code=selftest&state=" + query(t, next).Get("state"))
	b.claimed(tx, ours)
	if n := len(w.events(audit.SignIn)); n != 0 {
		t.Errorf("%d sign-ins are written down", n)
	}
}
