package broker

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestN33MalformedProvider(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, p := range []string{"", "GitHub", "__proto__", "1github", "git hub", "github\u00e9", strings.Repeat("g", 33), strings.Repeat("g", 5000), "git_hub", "-github"} {
		res := b.get("/auth?site_id=www.example.com&provider=" + url.QueryEscape(p))
		if body := w.page(res, http.StatusBadRequest, "E-params"); strings.Contains(body, "data-provider") || len(res.Cookies()) != 0 {
			t.Errorf("%q: a message would go out, or a transaction began", p)
		}
	}
	w.page(b.get("/auth?site_id=www.example.com"), http.StatusBadRequest, "E-params")
	w.unasked()
}

func TestN33UnsupportedProvider(t *testing.T) {
	w := newWorld(t)
	for _, p := range []string{"svn", "gitlab", "constructor"} {
		b := w.browser()
		tx := b.open("provider=" + p + "&site_id=www.example.com")
		status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop})
		page, _ := got["page"].(map[string]any)
		outcome, content := read(t, fmt.Sprint(got["message"]))
		if status != http.StatusBadRequest || page["id"] != "E-provider" || outcome != "error" || content["errorCode"] != "UNSUPPORTED_BACKEND" || content["provider"] != p || got["origin"] != shop {
			t.Errorf("%s: %d %v", p, status, got)
		}
		if !strings.HasPrefix(fmt.Sprint(got["message"]), "authorization:"+p+":error:") {
			t.Errorf("the CMS waits for another message than %v", got["message"])
		}
		// A foreign page learns nothing of it.
		foreign := w.browser()
		tx = foreign.open("provider=" + p + "&site_id=www.example.com")
		if status, got := foreign.post("/auth/begin", map[string]any{"tx": tx, "origin": evil}); status != http.StatusForbidden || got["message"] != nil {
			t.Errorf("%s, from elsewhere: %d %v", p, status, got)
		}
	}
	w.unasked()
}

func TestN33SeveralConnectors(t *testing.T) {
	w := newWorld(t, func(w *world) { w.sites[0].Connectors = nil })
	b := w.browser()
	tx := b.open(www)
	if status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got["message"]), "Several connectors") {
		t.Errorf("%d %v", status, got)
	}
	if log := w.log.String(); !strings.Contains(log, "Several connectors") || !strings.Contains(log, "club, github") {
		t.Error("the operator is not told what to do")
	}
}

func TestN34MarkupInParameters(t *testing.T) {
	w := newWorld(t)
	for _, x := range []string{`github'-alert(1)-'`, `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`} {
		for _, q := range []string{"site_id=www.example.com&provider=" + url.QueryEscape(x), "provider=github&site_id=" + url.QueryEscape(x)} {
			res := w.browser().get("/auth?" + q)
			body := text(t, res)
			if res.StatusCode != http.StatusBadRequest && res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", q, res.StatusCode)
			}
			if strings.Contains(body, "<img src=x") || strings.Contains(body, "alert(1)</script>") || strings.Contains(body, `"javascript:`) {
				t.Errorf("%s: unescaped:\n%s", q, body)
			}
			w.headers(res)
		}
	}
}

const markup = `<img src=x onerror=alert(1)>`

func TestN35MarkupFromTheHost(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx, next := b.begin(www, shop)
	if res := b.returned(w.host.deny(t, next, "access_denied", markup)); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	body := text(t, b.get("/auth/result?tx="+tx))
	if strings.Contains(body, "<img") || strings.Contains(body, "alert(1)") || strings.Contains(body, "javascript:") {
		t.Errorf("the page has it:\n%s", body)
	}
	outcome, content := b.claimed(tx, shop)
	if outcome != "error" || content["errorCode"] != "CANCEL" || strings.Contains(fmt.Sprint(content), "alert") {
		t.Errorf("%s %v", outcome, content)
	}
	w.unasked()
}

func TestN36MarkupWithoutState(t *testing.T) {
	w := newWorld(t)
	q := url.Values{"error": {"access_denied"}, "error_description": {markup}, "state": {strings.Repeat("x", 43)}}
	body := w.page(w.browser().returned("/callback/github?"+q.Encode()), http.StatusBadRequest, "E-state")
	if strings.Contains(body, "img") || strings.Contains(body, "denied") {
		t.Errorf("the page shows it:\n%s", body)
	}
}

func TestN37UnknownSite(t *testing.T) {
	w := newWorld(t)
	res := w.browser().get("/auth?provider=github&site_id=" + url.QueryEscape("nobody.example<b>"))
	body := w.page(res, http.StatusNotFound, "E-unknown-site")
	if !strings.Contains(body, "nobody.example&lt;b&gt;") || len(res.Cookies()) != 0 {
		t.Errorf("the page does not name it:\n%s", body)
	}
	for _, name := range []string{"The Shop", "The Club", "other.org", "acme"} {
		if strings.Contains(body, name) {
			t.Errorf("the page tells of %s", name)
		}
	}
	w.page(w.browser().get("/auth?provider=github"), http.StatusNotFound, "E-unknown-site")
}

func TestN38Laptops(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"cms.netlify.com", "demo.decapcms.org"} {
		page := w.refused("provider=github&site_id="+id, local)
		if strings.Contains(fmt.Sprint(page), "The Shop") {
			t.Errorf("the page tells of a site: %v", page)
		}
	}
	w = newWorld(t, func(w *world) { w.sites[0].DevOrigins = []string{local} })
	for _, id := range []string{"cms.netlify.com", "demo.decapcms.org"} {
		w.refused("provider=github&site_id="+id, "http://localhost:8081")
		w.refused("provider=github&site_id="+id, shop)
	}
	for _, id := range []string{"cms.netlify.com", "demo.decapcms.org", "127.0.0.1"} {
		if got := w.browser().token("provider=github&site_id="+id, local, w.host); got["provider"] != "github" {
			t.Errorf("%s: %v", id, got)
		}
	}
}

func TestN38TwoSitesOnOneLaptop(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.sites[0].DevOrigins, w.sites[1].DevOrigins = []string{local}, []string{local}
	})
	b := w.browser()
	tx := b.open("provider=github&site_id=cms.netlify.com")
	status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": local})
	page, _ := got["page"].(map[string]any)
	if status != http.StatusForbidden || page["id"] != "E-unknown-site" || !strings.Contains(fmt.Sprint(page["action"]), "s/NAME/auth") {
		t.Errorf("one of two is chosen: %d %v", status, got)
	}
	if res := b.get("/s/www/auth?provider=github&site_id=cms.netlify.com"); res.StatusCode != http.StatusOK {
		t.Errorf("what the page advises: %d", res.StatusCode)
	}
}

func TestN39Scope(t *testing.T) {
	w := newWorld(t)
	for asked, want := range map[string]string{
		"repo,admin:org,delete_repo": "repo", "repo admin:org": "repo", "admin:org": "repo", "public_repo": "public_repo",
		"": "repo", "repo,user": "repo",
	} {
		_, next := w.browser().begin("provider=github&site_id=www.example.com&scope="+url.QueryEscape(asked), shop)
		if got := query(t, next).Get("scope"); got != want {
			t.Errorf("asked for %q: the host is asked for %q, want %q", asked, got, want)
		}
	}
	w = newWorld(t, func(w *world) { w.entries[0].Scope = "public_repo" })
	if _, next := w.browser().begin(www, shop); query(t, next).Get("scope") != "public_repo" {
		t.Errorf("wider than the connector's: %s", next)
	}
}

func TestN40Duplicates(t *testing.T) {
	w := newWorld(t)
	for _, q := range []string{
		"provider=github&provider=gitlab&site_id=www.example.com", "provider=github&site_id=a&site_id=www.example.com",
		www + "&scope=public_repo", www + "&provider=github", www + "&site_id=",
	} {
		res := w.browser().get("/auth?" + q)
		w.page(res, http.StatusBadRequest, "E-params")
		if len(res.Cookies()) != 0 {
			t.Errorf("%s begins a sign-in", q)
		}
	}
}
