package broker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/site"
)

// refresh sends the form that most clients send.
func (w *world) refresh(handle, origin string, header ...string) (*http.Response, map[string]any) {
	w.t.Helper()
	return w.refreshAt("/auth/refresh?provider=github&site_id=www.example.com", "refresh_token="+url.QueryEscape(handle), origin, header...)
}

func (w *world) refreshAt(path, body, origin string, header ...string) (*http.Response, map[string]any) {
	w.t.Helper()
	r := request(http.MethodPost, path, body, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	res := w.browser().send(r)
	return res, decode(w.t, res)
}

// expiring makes a world whose hosts give tokens that end, and signs in.
func expiring(t *testing.T) (w *world, handle string) {
	t.Helper()
	w = newWorld(t, func(w *world) { w.host.expiring, w.other.expiring = true, true })
	content := w.browser().token(www, shop, w.host)
	handle, _ = content["refresh_token"].(string)
	if len(handle) != 43 || content["refreshToken"] != handle || content["expires_in"] == nil {
		t.Fatalf("the page gets %v", content)
	}
	return w, handle
}

// invalid makes sure that an answer is the error that clients understand.
func (w *world) invalid(res *http.Response, got map[string]any, status int, code string) {
	w.t.Helper()
	if res.StatusCode != status || got["error"] != code || got["message"] != got["error_description"] || fmt.Sprint(got["message"]) == "" {
		w.t.Errorf("%d %v, want %d %s", res.StatusCode, got, status, code)
	}
	w.headers(res)
	if res.Header.Get("Vary") != "Origin" {
		w.t.Errorf("Vary is %q", res.Header.Get("Vary"))
	}
}

// What each client sends, and what it looks for in the answer.
func TestRefreshByEveryClient(t *testing.T) {
	form := func(h string) string { return "refresh_token=" + h }
	asJSON := func(h string) string {
		return `{"grant_type":"refresh_token","client_id":"","refresh_token":"` + h + `"}`
	}
	for name, tt := range map[string]struct {
		path, kind string
		body       func(string) string
	}{
		"in the query":             {"/auth/refresh?provider=github&site_id=www.example.com&refresh_token=HANDLE", "text/plain;charset=UTF-8", func(string) string { return "" }},
		"a form":                   {"/auth/refresh?provider=github&site_id=www.example.com", "application/x-www-form-urlencoded", form},
		"JSON at the popup":        {"/auth", "application/json", asJSON},
		"JSON at a token endpoint": {"/oauth/token", "application/json", asJSON},
		"JSON at another":          {"/oauth/access_token", "application/json; charset=utf-8", asJSON},
		"JSON at our own endpoint": {"/api/oauth/authorize", "application/json", asJSON},
		"derived from it":          {"/api/oauth/access_token", "application/json", asJSON},
		"derived, for another":     {"/api/oauth/token", "application/json", asJSON},
		"below the site":           {"/s/www/auth", "application/json", asJSON},
	} {
		t.Run(name, func(t *testing.T) {
			w, handle := expiring(t)
			res, got := w.refreshAt(strings.Replace(tt.path, "HANDLE", handle, 1), tt.body(handle), shop, "Content-Type", tt.kind)
			if res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != shop || res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Fatalf("%d %v %v", res.StatusCode, got, res.Header)
			}
			token, _ := got["token"].(string)
			next, _ := got["refresh_token"].(string)
			if !strings.HasPrefix(token, "gho_token_") || got["access_token"] != token || next == handle || len(next) != 43 || got["refreshToken"] != next ||
				got["token_type"] != "bearer" || got["provider"] != "github" || got["expires_in"] == nil {
				t.Errorf("answer %v", got)
			}
			w.headers(res)
		})
	}
}

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

// A host that is away is no reason to sign people out.
func TestRefreshWhileTheHostIsAway(t *testing.T) {
	w, handle := expiring(t)
	w.host.change(func(h *host) {
		h.odd = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	})
	res, got := w.refresh(handle, shop)
	w.invalid(res, got, http.StatusServiceUnavailable, "temporarily_unavailable")
	w.host.change(func(h *host) { h.odd = nil })
	if res, got := w.refresh(handle, shop); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d %v", res.StatusCode, got)
	}
}

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

func FuzzReadForm(f *testing.F) {
	f.Add("application/json", `{"refresh_token":"x"}`)
	f.Add("application/x-www-form-urlencoded", "refresh_token=x&a=%ff")
	f.Add("text/plain", "")
	f.Fuzz(func(t *testing.T, kind, body string) {
		form, err := readForm(kind, []byte(body))
		if err == nil {
			return
		}
		var own refreshError
		if form != nil || json.Valid([]byte(err.Error())) {
			t.Errorf("%q: %v %v", body, form, own)
		}
	})
}
