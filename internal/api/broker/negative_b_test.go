package broker

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/audit"
	"gatehouse/internal/site"
)

// refused makes sure that a popup that was opened from an origin goes nowhere.
func (w *world) refused(query, origin string) map[string]any {
	w.t.Helper()
	b := w.browser()
	tx := b.open(query)
	status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": origin})
	page, _ := got["page"].(map[string]any)
	if status != http.StatusForbidden || page["id"] != "E-origin" || got["next"] != nil || got["message"] != nil {
		w.t.Errorf("%q: %d %v", origin, status, got)
	}
	if origin != "" && !strings.Contains(fmt.Sprint(page["sentence"]), clip(origin, 200)) {
		w.t.Errorf("the page does not name %q: %v", origin, page["sentence"])
	}
	if status, got := b.claim(tx); status != http.StatusConflict || got["pending"] != true || got["message"] != nil {
		w.t.Errorf("%q: claim %d %v", origin, status, got)
	}
	w.unasked()
	return page
}

func TestN16ForeignOpener(t *testing.T) {
	w := newWorld(t)
	page := w.refused(www, evil)
	events, err := w.Audit.Find(t.Context(), fmt.Sprint(page["reference"]))
	if err != nil || len(events) != 1 || events[0].Kind != audit.Security || events[0].Origin != evil || events[0].Page != "E-origin" || events[0].Site != "www" {
		t.Errorf("written down is %+v, %v", events, err)
	}
}

func TestN17OtherScheme(t *testing.T) { newWorld(t).refused(www, "http://www.example.com") }

func TestN18OtherPort(t *testing.T) { newWorld(t).refused(www, "https://www.example.com:8443") }

func TestN19Lookalikes(t *testing.T) {
	w := newWorld(t)
	for _, origin := range []string{
		"https://www.example.com.evil.net", "https://evilwww.example.com", "https://example.com", "https://sub.www.example.com",
		"https://www.example.com:443", "https://www.example.com/", "https://www.example.com.", "https://WWW.example.com",
		" https://www.example.com", "https://www.example.com@evil.example", "",
	} {
		w.refused(www, origin)
	}
}

func TestN20NullOrigin(t *testing.T) {
	w := newWorld(t)
	w.refused(www, "null")
	w.sites[0].Origins = []string{"null"}
	if _, err := site.NewDirectory(w.sites); err == nil {
		t.Error("null can be put in the list")
	}
}

func TestN21OriginOfAnotherSite(t *testing.T) { newWorld(t).refused(www, "https://www.other.org") }

// What a browser shows of it is tested in a browser; here, that the popup alone
// does not ask the host.
func TestN22NoOpener(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	body := text(t, b.get("/auth?"+www))
	if !strings.Contains(body, `data-help="E-no-opener"`) || strings.Contains(body, "/login/oauth/") {
		t.Error("the page has no help, or leads to the host by itself")
	}
	tx := b.open(www)
	if status, _ := b.post("/auth/report", map[string]any{"tx": tx, "page": "E-no-opener"}); status != http.StatusOK {
		t.Error(status)
	}
	if !strings.Contains(w.log.String(), "page=E-no-opener") {
		t.Error("it is not written down")
	}
	w.unasked()
}

// script is a script of the pages, as it is served.
func script(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("../../../web/broker", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestN23EchoOfAnotherWindow(t *testing.T) {
	if s := script(t, "handshake.mjs"); !strings.Contains(s, "event.source !== opener") {
		t.Error("the script does not look at who answers")
	}
}

func TestN24EchoWithOtherData(t *testing.T) {
	if s := script(t, "handshake.mjs"); !strings.Contains(s, "event.data !== hello") || !strings.Contains(s, "`authorizing:${provider}`") {
		t.Error("the script does not compare the answer as a whole")
	}
}

func TestN25ManyEchoes(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx, _ := b.begin(www, shop)
	for range 4 {
		if status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); status != http.StatusGone || got["next"] != nil {
			t.Errorf("begun again: %d %v", status, got)
		}
	}
}
