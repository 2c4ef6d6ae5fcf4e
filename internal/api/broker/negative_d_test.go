package broker

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"gatehouse/internal/provider"
)

// failed signs in to a host that does not play along, and gives what the page
// and the CMS are told.
func (w *world) failed(back func(next string) string) (page string, content map[string]any) {
	w.t.Helper()
	b := w.browser()
	tx, next := b.begin(www, shop)
	if res := b.returned(back(next)); res.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("the callback: %d", res.StatusCode)
	}
	res := b.get("/auth/result?tx=" + tx)
	page = text(w.t, res)
	if res.StatusCode != http.StatusOK || strings.Contains(page, "data-ok") {
		w.t.Fatalf("the result: %d\n%s", res.StatusCode, page)
	}
	outcome, content := b.claimed(tx, shop)
	if outcome != "error" || content["token"] != nil || content["message"] != content["error"] || content["message"] == "" || !strings.Contains(fmt.Sprint(content["message"]), tx[:8]) {
		w.t.Fatalf("%s %v", outcome, content)
	}
	w.silent()
	return page, content
}

func (w *world) allow(next string) string { return w.host.approve(w.t, next) }

func TestN46Cancelled(t *testing.T) {
	w := newWorld(t)
	_, content := w.failed(func(next string) string { return w.host.deny(t, next, "access_denied", "The user has denied.") })
	if content["errorCode"] != "CANCEL" {
		t.Errorf("%v", content)
	}
	w.unasked()
}

func TestN46NeitherCodeNorError(t *testing.T) {
	w := newWorld(t)
	w.failed(func(next string) string { return "/callback/github?state=" + query(t, next).Get("state") })
	w.unasked()
}

func TestN47ErrorWithStatus200(t *testing.T) {
	w := newWorld(t)
	w.failed(func(next string) string { return strings.Replace(w.allow(next), "code=", "code=x", 1) })
	if n := w.host.asked(); n != 1 {
		t.Errorf("%d token requests", n)
	}
}

func TestN47BadClient(t *testing.T) {
	w := newWorld(t)
	w.host.change(func(h *host) { h.odd = says(200, "application/json", `{"error":"incorrect_client_credentials"}`) })
	page, content := w.failed(w.allow)
	if content["errorCode"] != "CLIENT" || !strings.Contains(page, ours+"/callback/github") {
		t.Errorf("%v\n%s", content, page)
	}
}

func TestN49MixUp(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, next := b.begin(www, shop)
	back := w.host.approve(t, next)
	w.page(b.returned(strings.Replace(back, "/callback/github", "/callback/club", 1)), http.StatusBadRequest, "E-state")
	w.page(b.returned(back+"&iss="+url.QueryEscape(w.other.URL+"/login/oauth")), http.StatusBadRequest, "E-state")
	w.page(b.returned(back+"&iss=https://evil.example"), http.StatusBadRequest, "E-state")
	w.unasked()
	if res := b.returned(back + "&iss=" + url.QueryEscape(w.host.URL+"/login/oauth")); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the right host's answer: %d", res.StatusCode)
	}
}

func TestN50PKCE(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, next := b.begin(www, shop)
	q := query(t, next)
	if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 {
		t.Errorf("sent to %s", next)
	}
	b.returned(w.host.approve(t, next))
	if v := w.host.verifiers; len(v) != 1 || len(v[0]) < 43 {
		t.Errorf("verifiers %v", v)
	}
	// A code that was given for another challenge.
	_, content := w.failed(func(next string) string {
		u, _ := url.Parse(next)
		q := u.Query()
		q.Set("code_challenge", strings.Repeat("x", 43))
		u.RawQuery = q.Encode()
		return w.host.approve(t, u.String())
	})
	if content["errorCode"] != "UPSTREAM" {
		t.Errorf("%v", content)
	}
}

// A code of another browser, in one's own sign-in.
func TestN51CodeInjection(t *testing.T) {
	w := newWorld(t)
	_, stolen := w.browser().begin(www, shop)
	code := query(t, w.host.approve(t, stolen)).Get("code")
	w.failed(func(next string) string {
		return "/callback/github?" + url.Values{"code": {code}, "state": {query(t, next).Get("state")}}.Encode()
	})
	if w.host.alive() != 0 {
		t.Error("a token was given")
	}
}

func TestN52SmallerScope(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.scope = "gist" })
	page, content := w.failed(w.allow)
	if content["errorCode"] != "SCOPE" || !strings.Contains(page, "E-scope") {
		t.Errorf("%v", content)
	}
	if w.host.alive() != 0 {
		t.Error("the token was not revoked")
	}
}

func TestN53NoAccess(t *testing.T) {
	const missing = `{"message":"Not Found"}`
	for name, tt := range map[string]struct {
		api  func(http.ResponseWriter, *http.Request) bool
		code string
	}{
		"404":        {repositorySays(404, missing), "NO_WRITE"},
		"403":        {repositorySays(403, `{"message":"Forbidden"}`), "NO_WRITE"},
		"read only":  {repositorySays(200, `{"id":7,"full_name":"acme/www","permissions":{"push":false}}`), "NO_WRITE"},
		"SSO":        {repositorySays(403, missing, "X-GitHub-SSO", "required; url=https://github.test/sso"), "SSO"},
		"restricted": {repositorySays(403, `{"message":"OAuth App access restrictions are enabled"}`), "ORG_APPROVAL"},
		"away":       {repositorySays(502, ""), "UPSTREAM"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.host.change(func(h *host) { h.api = tt.api })
			page, content := w.failed(w.allow)
			if content["errorCode"] != tt.code {
				t.Errorf("%v", content)
			}
			if strings.Contains(page, "acme/www") {
				t.Errorf("the page names the repository:\n%s", page)
			}
			if w.host.alive() != 0 {
				t.Error("the token was not revoked")
			}
		})
	}
}

func TestN53AppNotInstalled(t *testing.T) {
	w := newWorld(t, func(w *world) { w.entries[0].Slug = "shop-editor" })
	mux := w.host.Config.Handler.(*http.ServeMux)
	mux.HandleFunc("GET /api/user/installations", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"installations":[]}`)) })
	page, content := w.failed(w.allow)
	if content["errorCode"] != "NOT_INSTALLED" || !strings.Contains(page, "/shop-editor/installations/new") {
		t.Errorf("%v\n%s", content, page)
	}
}

// A GitHub App's token is narrowed to the repository before anybody gets it, and
// so is each later one.
func TestAppTokensAreNarrow(t *testing.T) {
	for name, id := range map[string]int64{"the id is known": 7, "the id has to be looked up": 0} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.entries[0].Slug, w.host.expiring = "shop-editor", true
				w.sites[0].Backend.RepositoryID = id
			})
			var narrowed, asked atomic.Int32
			mux := w.host.Config.Handler.(*http.ServeMux)
			mux.HandleFunc("GET /api/user/installations", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"installations":[{"id":1,"account":{"login":"acme"},"repository_selection":"all","permissions":{"contents":"write"}}]}`))
			})
			mux.HandleFunc("POST /api/applications/{id}/token/scoped", func(rw http.ResponseWriter, _ *http.Request) {
				narrowed.Add(1)
				token := w.host.mint("narrow")
				w.host.change(func(h *host) { h.tokens[token] = true })
				_, _ = fmt.Fprintf(rw, `{"token":%q}`, token)
			})
			w.host.change(func(h *host) {
				h.odd = func(_ http.ResponseWriter, r *http.Request) bool {
					if r.PostFormValue("repository_id") == "7" {
						asked.Add(1)
					}
					return false
				}
			})
			content := w.browser().token(www, shop, w.host)
			_, next := w.refresh(fmt.Sprint(content["refresh_token"]), shop)
			if next["token"] == nil {
				t.Fatalf("refresh: %v", next)
			}
			if id == 0 && (narrowed.Load() != 2 || !strings.Contains(fmt.Sprint(next["token"]), "narrow")) || id != 0 && asked.Load() != 2 {
				t.Errorf("narrowed %d times, asked for the repository alone %d times", narrowed.Load(), asked.Load())
			}
		})
	}
}

func TestOpenAuthoring(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.sites[0].Backend.OpenAuthoring = true
		w.host.api = repositorySays(200, `{"id":7,"full_name":"acme/www","permissions":{"push":false}}`)
	})
	if got := w.browser().token(www, shop, w.host); got["token"] == nil {
		t.Errorf("%v", got)
	}
	if provider.GitHub != w.sites[0].Backend.Kind {
		t.Error("the site is at another host")
	}
}
