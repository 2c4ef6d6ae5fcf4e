package broker

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/connector"
)

func TestN41TargetsInParameters(t *testing.T) {
	w := newWorld(t)
	extra := ""
	for _, name := range []string{"redirect_uri", "next", "return_to", "rd", "url", "base_url", "origin"} {
		extra += "&" + name + "=" + url.QueryEscape(evil)
	}
	b := w.browser()
	tx, next := b.begin(www+extra, shop)
	if !strings.HasPrefix(next, w.host.URL+"/") || strings.Contains(next, "evil") || query(t, next).Get("redirect_uri") != ours+"/callback/github" {
		t.Errorf("sent to %s", next)
	}
	res := b.returned(w.host.approve(t, next) + extra)
	if at := res.Header.Get("Location"); at != "/auth/result?tx="+tx {
		t.Errorf("sent on to %s", at)
	}
	if body := text(t, b.get("/auth/result?tx="+tx+extra)); strings.Contains(body, "evil") {
		t.Error("the page has it")
	}
}

func TestN42OddPaths(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{
		"//evil.example", "//evil.example/auth", "/\\evil.example", "/%2f%2fevil.example", "/auth/..%2fcallback", "/auth/../callback",
		"/auth/", "/callback/", "/callback/github/", "/callback/..%2fx", "/callback/%2e%2e", "/callback//github", "/AUTH",
	} {
		r := request(http.MethodGet, "/", "")
		u, err := url.Parse(ours + path)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		res := w.browser().send(r)
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", path, res.StatusCode, res.Header.Get("Location"))
		}
	}
	w.page(w.browser().returned("/callback/nobody?code=a&state=b"), http.StatusNotFound, "E-state")
}

func TestN43OtherHosts(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, host := range []string{"evil.example", "auth.test.evil.example", "auth.test:8443", "auth.test.", "", "127.0.0.1"} {
		for _, path := range []string{"/auth?" + www, "/callback/github?code=a&state=b", "/auth/result?tx=x", "/s/www/auth?" + www} {
			r := request(http.MethodGet, path, "")
			r.Host = host
			res := b.send(r)
			if body := w.page(res, http.StatusMisdirectedRequest, "E-host"); !strings.Contains(body, ours) || len(res.Cookies()) != 0 {
				t.Errorf("%s: the page does not name the right address", host)
			}
		}
	}
	for _, host := range []string{"auth.test", "AUTH.test", "auth.test:443"} {
		r := request(http.MethodGet, "/auth?"+www, "")
		r.Host = host
		if res := b.send(r); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", host, res.StatusCode)
		}
	}
	tx := b.open(www)
	_, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}, "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "X-Forwarded-Proto", "http")
	if at := query(t, fmt.Sprint(got["next"])).Get("redirect_uri"); at != ours+"/callback/github" {
		t.Errorf("the host would send people to %s", at)
	}
}

func TestN44SpoofedAddress(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for i := range 101 {
		res := b.get("/auth?"+www, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i), "X-Forwarded-Proto", "http")
		if (i == 100) != (res.StatusCode == http.StatusTooManyRequests) {
			t.Fatalf("number %d: %d", i, res.StatusCode)
		}
		if i == 0 && !res.Cookies()[0].Secure {
			t.Error("the cookie is not Secure any more")
		}
	}
	// A proxy that is trusted is believed.
	b.address = "10.0.0.1"
	for i := range 101 {
		if res := b.get("/auth?"+www, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i)); res.StatusCode != http.StatusOK {
			t.Fatalf("number %d: %d", i, res.StatusCode)
		}
	}
}

func TestN45OddQueries(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		query  string
		status int
	}{
		"not UTF-8":      {www + "&x=%ff%fe", http.StatusBadRequest},
		"not UTF-8, too": {"provider=github&site_id=%c3%28", http.StatusBadRequest},
		"NUL":            {www + "&x=%00", http.StatusBadRequest},
		"a line break":   {"provider=github&site_id=a%0d%0ab", http.StatusBadRequest},
		"half a code":    {www + "&x=%4", http.StatusBadRequest},
		"64 kB":          {www + "&x=" + strings.Repeat("x", 64<<10), http.StatusRequestURITooLong},
		"100 parameters": {www + strings.Repeat("&a=b", 100), http.StatusRequestURITooLong},
		"a long site_id": {"provider=github&site_id=" + strings.Repeat("a", 256), http.StatusBadRequest},
		"a long scope":   {"provider=github&site_id=www.example.com&scope=" + strings.Repeat("a", 201), http.StatusBadRequest},
	} {
		res := w.browser().get("/auth?" + tt.query)
		if res.StatusCode != tt.status || len(res.Cookies()) != 0 {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, tt.status)
		}
		w.page(res, tt.status, "E-params")
	}
	for _, q := range []string{"state=%ff", "state=%00&code=a", "state=" + strings.Repeat("x", 300), "state=x&code=" + strings.Repeat("x", 3000), strings.Repeat("&a=b", 100)} {
		w.page(w.browser().returned("/callback/github?"+q), http.StatusBadRequest, "E-state")
	}
	w.unasked()
}

// What nobody knows is ignored.
func TestUnknownParameters(t *testing.T) {
	w := newWorld(t)
	w.browser().open("login=true&beta_invite=x&invite_code=y&" + www + "&utm=1")
}

func TestAuthorizationServerIsNotOffered(t *testing.T) {
	w := newWorld(t)
	res := w.browser().get("/oauth/authorize?client_id=x&response_type=code&redirect_uri=" + url.QueryEscape(evil) + "&state=s")
	w.page(res, http.StatusNotFound, "E-params")
}

func TestCallbackOfAnOperatorWhoMoved(t *testing.T) {
	for _, path := range connector.Aliases() {
		w := newWorld(t, func(w *world) { w.entries[0].Callback = path })
		b := w.browser()
		tx, next := b.begin(www, shop)
		if at := query(t, next).Get("redirect_uri"); at != ours+path {
			t.Errorf("the host would send people to %s", at)
		}
		if res := b.returned(w.host.approve(t, next)); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d", path, res.StatusCode)
		}
		if outcome, _ := b.claimed(tx, shop); outcome != "success" {
			t.Error(outcome)
		}
	}
	w := newWorld(t)
	for _, path := range connector.Aliases() {
		w.page(w.browser().returned(path+"?code=a&state=b"), http.StatusNotFound, "E-state")
	}
}
