package broker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
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
