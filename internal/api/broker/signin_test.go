package broker

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
)

// The whole way: from the popup to the message.
func TestSignIn(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	w.silent()
	res := b.get("/auth/result?tx="+tx, "Sec-Fetch-Dest", "document")
	if body := text(t, res); res.StatusCode != http.StatusOK || !strings.Contains(body, `data-tx="`+tx+`"`) || !strings.Contains(body, "data-ok") {
		t.Fatalf("the result: %d %s", res.StatusCode, body)
	}
	w.silent()
	outcome, content := b.claimed(tx, shop)
	token, _ := content["token"].(string)
	if outcome != "success" || !strings.HasPrefix(token, "gho_token_") || content["provider"] != "github" || content["refresh_token"] != nil {
		t.Errorf("%s %v", outcome, content)
	}
	if w.host.alive() != 1 || w.host.asked() != 1 || w.other.asked() != 0 {
		t.Errorf("%d tokens, %d and %d token requests", w.host.alive(), w.host.asked(), w.other.asked())
	}
}

func TestSignInBelowTheSite(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	res := b.get("/s/org/auth?provider=github&site_id=www.example.com")
	body := text(t, res)
	if !strings.Contains(body, "auth_endpoint: s/org/auth") || strings.Contains(body, "site_domain") {
		t.Errorf("the page advises another configuration:\n%s", body)
	}
	_, after, _ := strings.Cut(body, `data-tx="`)
	tx, _, _ := strings.Cut(after, `"`)
	if status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); status != http.StatusForbidden {
		t.Errorf("the site_id counts although the path names the site: %d %v", status, got)
	}
	if status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": "https://www.other.org"}); status != http.StatusOK {
		t.Errorf("begin: %d %v", status, got)
	}
}

func TestSignInAtOtherEndpoints(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/auth", "/oauth/authorize", "/api/oauth/authorize"} {
		if res := w.browser().get(path + "?" + www); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestSelftestSignsInToNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx, next := b.begin("provider=selftest&site_id=selftest", ours)
	state := query(t, next).Get("state")
	if res := b.returned("/callback/selftest?code=selftest&state=" + state); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the callback: %d %s", res.StatusCode, text(t, res))
	}
	if outcome, content := b.claimed(tx, ours); outcome != "success" || content["token"] != "selftest" {
		t.Errorf("%s %v", outcome, content)
	}
	tx = b.open("provider=selftest&site_id=selftest")
	if status, _ := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); status != http.StatusForbidden {
		t.Errorf("another page may open the self-test: %d", status)
	}
	tx = b.open("provider=github&site_id=selftest")
	if status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": ours}); status != http.StatusBadRequest || got["next"] != nil {
		t.Errorf("the self-test signs in to a host: %d %v", status, got)
	}
	tx = b.open("provider=selftest&site_id=www.example.com")
	if status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); status != http.StatusBadRequest || got["page"] == nil {
		t.Errorf("a site signs in to the self-test: %d %v", status, got)
	}
}

func TestAnotherAccount(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.open(www)
	_, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop, "switch": true})
	if next, _ := got["next"].(string); query(t, next).Get("prompt") != "select_account" {
		t.Errorf("sent to %s", next)
	}
}

// The popup's script needs no more than this to go on after a reload.
func TestReloadOfThePopup(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.begin(www, shop)
	tx := b.signIn(www, shop, w.host)
	if outcome, _ := b.claimed(tx, shop); outcome != "success" {
		t.Error(outcome)
	}
}

func TestWhoSignedInIsWrittenDown(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	if events, err := w.Audit.Recent(t.Context(), audit.Filter{Kind: audit.SignIn}); err != nil || len(events) != 0 {
		t.Errorf("before anybody has the token: %v %v", events, err)
	}
	b.claimed(tx, shop)
	events, err := w.Audit.Recent(t.Context(), audit.Filter{Kind: audit.SignIn})
	if err != nil || len(events) != 1 {
		t.Fatalf("%v %v", events, err)
	}
	e := events[0]
	if e.Site != "www" || e.Connector != "github" || e.Person != "ann" || e.Origin != shop || e.Address != "192.0.2.1" || e.Reference != tx[:8] ||
		e.Expires < 7*time.Hour || e.Expires > 9*time.Hour {
		t.Errorf("%+v", e)
	}
}
