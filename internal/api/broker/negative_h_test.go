package broker

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestN65BadHandles(t *testing.T) {
	w, handle := expiring(t)
	for name, body := range map[string]string{
		"none": "", "empty": "refresh_token=", "unknown": "refresh_token=" + strings.Repeat("x", 43), "short": "refresh_token=x",
		"long": "refresh_token=" + handle + "x", "odd": "refresh_token=" + url.QueryEscape(strings.Repeat("ü", 43)),
	} {
		res, got := w.refreshAt("/auth/refresh", body, shop)
		w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
		if res.Header.Get("Access-Control-Allow-Origin") != shop {
			t.Errorf("%s: the page cannot read the answer", name)
		}
	}
	for name, tt := range map[string]struct{ body, kind, code string }{
		"twice":          {"refresh_token=a&refresh_token=b", "application/x-www-form-urlencoded", "invalid_request"},
		"no JSON":        {"{", "application/json", "invalid_request"},
		"a number":       {`{"refresh_token":1}`, "application/json", "invalid_request"},
		"a list":         {`[]`, "application/json", "invalid_request"},
		"null":           {`null`, "application/json", "invalid_grant"},
		"another kind":   {"<a/>", "text/xml", "invalid_request"},
		"another grant":  {`{"grant_type":"authorization_code","code":"x"}`, "application/json", "unsupported_grant_type"},
		"a broken form":  {"a=%zz", "application/x-www-form-urlencoded", "invalid_request"},
		"many fields":    {strings.Repeat("a=b&", 100), "application/x-www-form-urlencoded", "invalid_request"},
		"a control code": {"refresh_token=%00", "application/x-www-form-urlencoded", "invalid_request"},
	} {
		res, got := w.refreshAt("/oauth/token", tt.body, shop, "Content-Type", tt.kind)
		if got["error"] != tt.code {
			t.Errorf("%s: %v", name, got)
		}
		w.invalid(res, got, http.StatusBadRequest, tt.code)
	}
	res, got := w.refreshAt("/oauth/token", `{"x":"`+strings.Repeat("x", 100_000)+`"}`, shop, "Content-Type", "application/json")
	w.invalid(res, got, http.StatusRequestEntityTooLarge, "invalid_request")
	if w.host.renewals != 0 {
		t.Errorf("the host was asked %d times", w.host.renewals)
	}
}

func TestN66HandleOfAnotherSite(t *testing.T) {
	w, handle := expiring(t)
	for _, path := range []string{
		"/auth/refresh?provider=github&site_id=www.other.org", "/auth/refresh?provider=github&site_id=org",
		"/auth/refresh?provider=bitbucket&site_id=www.example.com", "/s/org/auth",
	} {
		res, got := w.refreshAt(path, "refresh_token="+handle, shop)
		w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	}
	for _, detail := range []string{errOtherSite.Error(), errOtherKind.Error()} {
		if !strings.Contains(w.log.String(), detail) {
			t.Errorf("%q is not written down", detail)
		}
	}
	if res, got := w.refresh(handle, shop); res.StatusCode != http.StatusOK {
		t.Errorf("the handle has suffered: %d %v", res.StatusCode, got)
	}
	// A site_id that says nothing cannot speak against the handle.
	for _, id := range []string{"demo.decapcms.org", "localhost", "nobody.example"} {
		w, handle := expiring(t)
		if res, got := w.refreshAt("/auth/refresh?site_id="+id, "refresh_token="+handle, shop); res.StatusCode != http.StatusOK {
			t.Errorf("site_id %s: %d %v", id, res.StatusCode, got)
		}
	}
}

// The page of a stranger's preview must not use what was given to the site itself.
func TestN66HandleOfAnotherPageOfTheSite(t *testing.T) {
	const preview = "https://pr-7--shop.example.net"
	w := newWorld(t, func(w *world) {
		w.host.expiring = true
		w.sites[0].PreviewOrigins = []string{"https://*--shop.example.net"}
	})
	handle, _ := w.browser().token(www, shop, w.host)["refresh_token"].(string)
	res, got := w.refresh(handle, preview)
	w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	if w.host.renewals != 0 || res.Header.Get("Access-Control-Allow-Origin") != preview {
		t.Errorf("the host was asked %d times; %v", w.host.renewals, res.Header)
	}
	own, _ := w.browser().token(www, preview, w.host)["refresh_token"].(string)
	for origin, handle := range map[string]string{shop: handle, preview: own} {
		if res, got := w.refresh(handle, origin); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %v", origin, res.StatusCode, got)
		}
	}
}

func TestN67OtherOrigins(t *testing.T) {
	w, handle := expiring(t)
	for _, origin := range []string{"", "null", evil, "http://www.example.com", "https://www.example.com:8443", "https://www.example.com.evil.net", "https://www.other.org", ours} {
		res, got := w.refresh(handle, origin)
		w.invalid(res, got, http.StatusForbidden, "access_denied")
		if allowed := res.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
			t.Errorf("%q is allowed as %q", origin, allowed)
		}
	}
	if w.host.renewals != 0 {
		t.Errorf("the host was asked %d times", w.host.renewals)
	}
	// Who may not ask learns nothing about a handle.
	res, got := w.refresh(strings.Repeat("x", 43), evil)
	w.invalid(res, got, http.StatusForbidden, "access_denied")
	if res, _ := w.refresh(handle, shop); res.StatusCode != http.StatusOK {
		t.Errorf("the handle has suffered: %d", res.StatusCode)
	}
}

func TestN68TwoAtOnce(t *testing.T) {
	w, handle := expiring(t)
	answers := make([]map[string]any, 6)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { _, answers[i] = w.refresh(handle, shop) })
	}
	all.Wait()
	for _, got := range answers {
		if got["token"] == nil || got["token"] != answers[0]["token"] || got["refresh_token"] != answers[0]["refresh_token"] {
			t.Errorf("%v, and another got %v", got, answers[0])
		}
	}
	if w.host.renewals != 1 {
		t.Errorf("the host was asked %d times", w.host.renewals)
	}
}

func TestN69OldHandleAgain(t *testing.T) {
	w, handle := expiring(t)
	_, first := w.refresh(handle, shop)
	w.pass(59 * time.Second)
	if _, again := w.refresh(handle, shop); again["token"] == nil || again["token"] != first["token"] || again["refresh_token"] != first["refresh_token"] {
		t.Errorf("within the minute: %v, before %v", again, first)
	}
	w.pass(2 * time.Second)
	res, got := w.refresh(handle, shop)
	w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	res, got = w.refresh(fmt.Sprint(first["refresh_token"]), shop)
	w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	if w.host.renewals != 1 {
		t.Errorf("the host was asked %d times", w.host.renewals)
	}
	if !strings.Contains(w.log.String(), "all of its family has ended") {
		t.Error("it is not written down")
	}
}

// A page that asks again and again, as one does whose token is refused for another
// reason, does not take the host along.
func TestN70PageWithoutEnd(t *testing.T) {
	w, handle := expiring(t)
	for range 100 {
		res, got := w.refresh(handle, shop)
		if res.StatusCode == http.StatusTooManyRequests {
			w.invalid(res, got, http.StatusTooManyRequests, "temporarily_unavailable")
			if res.Header.Get("Retry-After") == "" || res.Header.Get("Access-Control-Allow-Origin") != shop {
				t.Errorf("%v", res.Header)
			}
			continue
		}
		handle, _ = got["refresh_token"].(string)
	}
	if w.host.renewals != 60 {
		t.Errorf("the host was asked %d times", w.host.renewals)
	}
	w.pass(2 * time.Second)
	if res, got := w.refresh(handle, shop); res.StatusCode != http.StatusOK {
		t.Errorf("later: %d %v", res.StatusCode, got)
	}
}

func TestN70HostKnowsTheTokenNoMore(t *testing.T) {
	w, handle := expiring(t)
	w.host.change(func(h *host) { clear(h.refreshes) })
	for range 3 {
		res, got := w.refresh(handle, shop)
		w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	}
	if w.host.renewals != 1 {
		t.Errorf("the host was asked %d times", w.host.renewals)
	}
}

func TestN61BruteForce(t *testing.T) {
	w, handle := expiring(t)
	for i := range 20 {
		res, got := w.refresh(fmt.Sprintf("%043d", i), shop)
		w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	}
	res, got := w.refresh(handle, shop)
	w.invalid(res, got, http.StatusTooManyRequests, "temporarily_unavailable")
	if res.Header.Get("Retry-After") == "" || res.Header.Get("Access-Control-Allow-Origin") != shop {
		t.Errorf("headers %v", res.Header)
	}
	w.pass(4 * time.Second)
	if res, _ := w.refresh(handle, shop); res.StatusCode != http.StatusOK {
		t.Errorf("after a while: %d", res.StatusCode)
	}
}
