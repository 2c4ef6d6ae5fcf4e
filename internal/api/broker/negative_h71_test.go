package broker

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/site"
)

// The process ends after the host has replaced its token and before the client
// has our answer.
func TestN71RestartBetween(t *testing.T) {
	w, handle := expiring(t)
	_, lost := w.refresh(handle, shop) // the answer does not arrive
	w.restart()
	_, got := w.refresh(handle, shop)
	if got["token"] == nil || got["token"] != lost["token"] || got["refresh_token"] != lost["refresh_token"] {
		t.Fatalf("after the restart %v, before %v", got, lost)
	}
	w.pass(time.Hour)
	if res, got := w.refresh(fmt.Sprint(got["refresh_token"]), shop); res.StatusCode != http.StatusOK {
		t.Errorf("the host's new token was lost: %d %v", res.StatusCode, got)
	}
}

func TestN72QueryForm(t *testing.T) {
	w, handle := expiring(t)
	for _, path := range []string{"/auth", "/oauth/token", "/oauth/access_token", "/s/www/auth"} {
		res, got := w.refreshAt(path+"?refresh_token="+handle, "", shop)
		w.invalid(res, got, http.StatusBadRequest, "invalid_request")
	}
	if res := w.browser().get("/auth/refresh?refresh_token="+handle, "Origin", shop); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
	if res, _ := w.refreshAt("/auth/refresh?refresh_token="+handle, "", shop); res.StatusCode != http.StatusOK {
		t.Errorf("where it belongs: %d", res.StatusCode)
	}
	if strings.Contains(w.log.String(), handle) {
		t.Error("the handle is in the log")
	}
}

func TestN73Preflight(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/oauth/token", "/oauth/access_token", "/auth", "/auth/refresh", "/s/www/auth", "/api/oauth/token"} {
		ask := func(origin string) *http.Response {
			return w.browser().send(request(http.MethodOptions, path, "", "Origin", origin,
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"))
		}
		res := ask(shop)
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": shop, "Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type",
			"Access-Control-Allow-Credentials": "", "Vary": "Origin",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		for _, origin := range []string{evil, "null", "http://www.example.com"} {
			for name := range ask(origin).Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s from %s: there is %s", path, origin, name)
				}
			}
		}
	}
}

func TestN74SiteIsGone(t *testing.T) {
	w, former := expiring(t)
	_, first := w.refresh(former, shop)
	handle := fmt.Sprint(first["refresh_token"])
	// Its origin is another site's now, so that nothing but the handle's own
	// site can refuse.
	w.sites = []*site.Site{w.sites[1]}
	w.sites[0].Origins = append(w.sites[0].Origins, shop)
	w.build()
	for _, h := range []string{handle, former} { // the former one has an answer that is kept
		res, got := w.refreshAt("/oauth/token", "refresh_token="+h, shop)
		w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	}
	if w.host.renewals != 1 {
		t.Errorf("the host was asked %d times", w.host.renewals)
	}
}

func TestN74ConnectorIsGone(t *testing.T) {
	w, handle := expiring(t)
	w.entries = w.entries[1:]
	w.build()
	res, got := w.refresh(handle, shop)
	w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
}
