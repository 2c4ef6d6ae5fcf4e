package broker

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/auth"
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

// says answers always the same.
func says(status int, kind, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestN48OddTokenAnswers(t *testing.T) {
	var followed atomic.Int32
	trap := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for name, odd := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":                says(500, "text/html", "<h1>Oops</h1>"),
		"no JSON":            says(200, "application/json", "{"),
		"a list":             says(200, "application/json", "[]"),
		"nothing":            says(200, "application/json", ""),
		"no token":           says(200, "application/json", `{"token_type":"bearer"}`),
		"an empty token":     says(200, "application/json", `{"access_token":""}`),
		"a number":           says(200, "application/json", `{"access_token":42}`),
		"control characters": says(200, "application/json", `{"access_token":"a\r\nb"}`),
		"ten megabytes":      says(200, "application/json", `{"access_token":"a","x":"`+strings.Repeat("x", 10<<20)+`"}`),
		"a page":             says(200, "text/html", "<html>Sign in</html>"),
		"a bomb":             bomb(t),
		"a hang-up":          hangUp,
		"a redirect to a trap": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/trap", http.StatusFound)
			return true
		},
		"a redirect to 169.254": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.host.Config.Handler.(*http.ServeMux).Handle("/trap", trap)
			w.host.change(func(h *host) { h.odd = odd })
			_, content := w.failed(w.allow)
			if content["errorCode"] != "UPSTREAM" {
				t.Errorf("%v", content)
			}
			if n := w.host.asked(); n != 1 {
				t.Errorf("%d token requests", n)
			}
		})
	}
	if followed.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// A host that takes its time is given up, the person told, and what it gave by
// then taken back.
func TestN48HostWithoutEnd(t *testing.T) {
	never := func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	for name, tt := range map[string]struct {
		slow   func(*host)
		tokens int // that the host gave
	}{
		"no token":   {func(h *host) { h.odd = never }, 0},
		"no account": {func(h *host) { h.api = never }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Patience = 200 * time.Millisecond
			w.host.change(tt.slow)
			page, content := w.failed(w.allow)
			if content["errorCode"] != "UPSTREAM" || !strings.Contains(w.log.String(), "took too long") {
				t.Errorf("%s: %v", page, content)
			}
			if len(w.host.tokens) != tt.tokens || w.host.alive() != 0 {
				t.Errorf("%d tokens, %d of them good", len(w.host.tokens), w.host.alive())
			}
		})
	}
}

// The person closes the window while the host is asked. What it gives is kept for
// as long as somebody may come to collect it, and then taken back.
func TestN27WindowClosedDuringTheExchange(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	_, next := b.begin(www, shop)
	ctx, leave := context.WithCancel(t.Context())
	w.host.change(func(h *host) {
		h.odd = func(http.ResponseWriter, *http.Request) bool {
			leave()
			return false
		}
	})
	b.send(request(http.MethodGet, w.allow(next), "").WithContext(ctx))
	if w.host.alive() != 1 {
		t.Fatalf("%d tokens", w.host.alive())
	}
	w.pass(auth.OutcomeLife + time.Second)
	if err := w.Sweep(t.Context()); err != nil || w.host.alive() != 0 {
		t.Errorf("%d tokens are good still, %v", w.host.alive(), err)
	}
	if families, err := w.Handles.Families(t.Context(), 10); err != nil || len(families) != 0 {
		t.Errorf("and handles: %v %v", families, err)
	}
}

func bomb(t *testing.T) func(http.ResponseWriter, *http.Request) bool {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 50<<20))
	_ = z.Close()
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
		return true
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	return true
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
