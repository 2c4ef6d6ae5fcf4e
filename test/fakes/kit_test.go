package fakes

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const callback = "http://127.0.0.1:9999/callback/practice"

// host is a server under test, with ann and ben and the apps "app" and
// "other"; "public" has no secret.
type host struct {
	*Server
	url string
	t   *testing.T

	mu  sync.Mutex
	now time.Time
}

func (h *host) later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func start(t *testing.T, d Dialect) *host {
	t.Helper()
	h := &host{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	h.Server = New(d, func() time.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.now
	})
	h.AddPerson(Person{Login: "ann", Name: "Ann Lee", Email: "ann@example.org"})
	h.AddPerson(Person{Login: "ben"})
	h.AddApp(App{ID: "app", Secret: "s3cret", Name: "Gatehouse", Redirects: []string{callback}})
	h.AddApp(App{ID: "other", Secret: "0ther", Redirects: []string{callback}})
	h.AddApp(App{ID: "public", Redirects: []string{callback}})
	mux := http.NewServeMux()
	h.Mount(mux)
	h.Control(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { _ = h.Close() })
	h.url = srv.URL
	return h
}

func dialects() []Dialect { return []Dialect{GitHub(), GitLab(), Bitbucket(), Gitea()} }

func each(t *testing.T, run func(t *testing.T, h *host)) {
	for _, d := range dialects() {
		t.Run(d.Kind, func(t *testing.T) {
			t.Parallel()
			run(t, start(t, d))
		})
	}
}

const verifier = "v3rifier-v3rifier-v3rifier-v3rifier-v3rifier-v3rifier"

func challenge(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (h *host) authorizeURL(change ...string) string {
	q := url.Values{
		"client_id": {"app"}, "redirect_uri": {callback}, "response_type": {"code"},
		"state": {`a state {"with":"quotes & more"}+%`}, "scope": {"api"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
		if change[i+1] == "" {
			q.Del(change[i])
		}
	}
	return h.url + h.AuthorizePath + "?" + q.Encode()
}

// code walks through the pages as ann, without a browser.
func (h *host) code(change ...string) string {
	h.t.Helper()
	to := h.Approve(h.authorizeURL(change...), "ann")
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("code") == "" {
		h.t.Fatalf("no code in %q", to)
	}
	return u.Query().Get("code")
}

type answer struct {
	status int
	fields map[string]any
	text   string
}

func (a answer) get(name string) string { text, _ := a.fields[name].(string); return text }

// ask sends a token request the way the dialect wants it.
func (h *host) ask(client, secret string, fields ...string) answer {
	h.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	if !h.BasicOnly {
		form.Set("client_id", client)
		form.Set("client_secret", secret)
	}
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, h.url+h.TokenPath, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if h.BasicOnly {
		req.SetBasicAuth(client, secret)
	}
	return h.send(req)
}

func (h *host) send(req *http.Request) answer {
	h.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	a := answer{status: res.StatusCode, text: string(body)}
	_ = json.Unmarshal(body, &a.fields)
	return a
}

func (h *host) redeem(code string, change ...string) answer {
	fields := append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier}, change...)
	return h.ask("app", "s3cret", fields...)
}

func (h *host) renew(refresh string) answer {
	return h.ask("app", "s3cret", "grant_type", "refresh_token", "refresh_token", refresh, "redirect_uri", callback)
}

// call is what the API makes of an Authorization header.
func (h *host) call(header string) (Token, error) {
	r := httptest.NewRequest(http.MethodGet, "/user", nil)
	r.Header.Set("Authorization", header)
	return h.Authenticate(r)
}

func (h *host) refused(a answer, word string) {
	h.t.Helper()
	want := http.StatusBadRequest
	if h.Kind == KindGitHub {
		want = http.StatusOK
	}
	if h.Kind == KindGitLab && word == "invalid_client" {
		want = http.StatusUnauthorized
	}
	if a.status != want || a.get("error") != word || a.get("access_token") != "" || a.get("error_description") == "" {
		h.t.Errorf("got %d %s, want %d %s", a.status, a.text, want, word)
	}
}

func word(kind string, words ...string) string {
	for i := 0; i < len(words); i += 2 {
		if words[i] == kind {
			return words[i+1]
		}
	}
	return words[len(words)-1]
}

func TestCodeForToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		a := h.redeem(h.code())
		if a.status != http.StatusOK || a.get("access_token") == "" {
			t.Fatalf("%d %s", a.status, a.text)
		}
		got, err := h.call("Bearer " + a.get("access_token"))
		if err != nil || got.Person.Login != "ann" || got.App != "app" {
			t.Errorf("Authenticate: %+v, %v", got, err)
		}
		wantScope := word(h.Kind, KindBitbucket, "repository:write", "api")
		if !got.Has(wantScope) {
			t.Errorf("scopes %v, want %s", got.Scopes, wantScope)
		}
		if expires := a.fields["expires_in"]; h.Kind != KindGitHub && expires != h.Life.Seconds() {
			t.Errorf("expires_in %v", expires)
		}
		if (a.get("refresh_token") != "") != (h.Kind != KindGitHub) {
			t.Errorf("refresh token: %q", a.get("refresh_token"))
		}
	})
}

func TestTokenRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		client := word(h.Kind, KindGitHub, "incorrect_client_credentials", KindBitbucket, unauthorised, KindGitea, unauthorised, "invalid_client")
		grant := word(h.Kind, KindGitHub, "bad_verification_code", "invalid_grant")
		redirect := word(h.Kind, KindGitHub, "redirect_uri_mismatch", KindGitea, unauthorised, "invalid_grant")
		of := func(id, secret, code string) answer {
			return h.ask(id, secret, "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)
		}
		h.refused(of("app", "wrong", h.code()), client)
		h.refused(of("app", "", h.code()), client)
		h.refused(of("nobody", "s3cret", h.code()), client)
		h.refused(of("other", "0ther", h.code()), grant)
		h.refused(of("app", "s3cret", "no-such-code"), grant)
		h.refused(h.redeem(h.code(), "redirect_uri", callback+"/x"), redirect)
		h.refused(h.redeem(h.code(), "grant_type", "password"), "unsupported_grant_type")

		code := h.code()
		if a := h.redeem(code); a.get("access_token") == "" {
			t.Errorf("first use: %s", a.text)
		}
		h.refused(h.redeem(code), grant)

		code = h.code()
		h.later(codeLife)
		h.refused(h.redeem(code), grant)
	})
}

// A code that somebody else's browser got does not fit the verifier of this one.
func TestCodeInjection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		if !h.PKCE {
			a := h.redeem(h.code(), "code_verifier", "anything")
			if a.get("access_token") == "" {
				t.Errorf("a host without PKCE looked at the verifier: %s", a.text)
			}
			return
		}
		no := word(h.Kind, KindGitHub, "bad_verification_code", KindGitea, unauthorised, "invalid_grant")
		h.refused(h.redeem(h.code("code_challenge", challenge("another"))), no)
		code := h.code()
		h.refused(h.ask("app", "s3cret", "grant_type", "authorization_code", "code", code, "redirect_uri", callback), no)
		h.refused(h.redeem(code), word(h.Kind, KindGitHub, "bad_verification_code", "invalid_grant"))
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		h.AddApp(App{ID: "app", Secret: "s3cret", Redirects: []string{callback}, ExpiringTokens: true})
		first := h.redeem(h.code())
		h.later(9 * time.Hour)
		if _, err := h.call("Bearer " + first.get("access_token")); !errors.Is(err, ExpiredToken) {
			t.Errorf("after nine hours: %v", err)
		}
		second := h.renew(first.get("refresh_token"))
		if second.get("access_token") == "" || second.get("access_token") == first.get("access_token") {
			t.Fatalf("second: %s", second.text)
		}
		if _, err := h.call("Bearer " + second.get("access_token")); err != nil {
			t.Errorf("new token: %v", err)
		}
		again := h.renew(first.get("refresh_token"))
		if !h.Rotates {
			if again.get("access_token") == "" {
				t.Errorf("old refresh token: %s", again.text)
			}
			return
		}
		h.refused(again, word(h.Kind, KindGitHub, "bad_refresh_token", "invalid_grant"))
		if _, err := h.call("Bearer " + first.get("access_token")); !errors.Is(err, RevokedToken) {
			t.Errorf("old token: %v", err)
		}
	})
}

func TestRefreshTokenOfAnotherClient(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, h *host) {
		h.AddApp(App{ID: "app", Secret: "s3cret", Redirects: []string{callback}, ExpiringTokens: true})
		first := h.redeem(h.code())
		a := h.ask("other", "0ther", "grant_type", "refresh_token", "refresh_token", first.get("refresh_token"), "redirect_uri", callback)
		h.refused(a, word(h.Kind, KindGitHub, "bad_refresh_token", KindGitea, unauthorised, "invalid_grant"))
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	h := start(t, GitLab())
	a := h.redeem(h.code())
	post := func(id, secret, token string) answer {
		form := url.Values{"client_id": {id}, "client_secret": {secret}, "token": {token}}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+h.RevokePath, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return h.send(req)
	}
	bearer := "Bearer " + a.get("access_token")
	h.refused(post("app", "wrong", a.get("access_token")), "invalid_client")
	post("other", "0ther", a.get("access_token"))
	if _, err := h.call(bearer); err != nil {
		t.Fatalf("another client revoked it: %v", err)
	}
	if got := post("app", "s3cret", a.get("access_token")); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
	if _, err := h.call(bearer); !errors.Is(err, RevokedToken) {
		t.Errorf("after: %v", err)
	}
	h.refused(h.renew(a.get("refresh_token")), "invalid_grant")
	if n := h.Record().Revocations; n != 1 {
		t.Errorf("%d revocations", n)
	}
}

func TestGitHubAnswersAsAFormUnlessAskedForJSON(t *testing.T) {
	t.Parallel()
	h := start(t, GitHub())
	form := url.Values{"client_id": {"app"}, "client_secret": {"s3cret"}, "code": {h.code("scope", "repo,user")}, "code_verifier": {verifier}}
	res, err := http.PostForm(h.url+h.TokenPath, form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	q, err := url.ParseQuery(string(body))
	if err != nil || !strings.HasPrefix(q.Get("access_token"), "gho_") || q.Get("scope") != "repo,user" || q.Get("token_type") != "bearer" {
		t.Errorf("%s %v", body, err)
	}
}

func TestGitHubAppNarrowsToOneRepository(t *testing.T) {
	t.Parallel()
	h := start(t, GitHub())
	h.AddApp(App{ID: "app", Secret: "s3cret", Slug: "gatehouse", ExpiringTokens: true, Redirects: []string{callback}})
	a := h.redeem(h.code(), "repository_id", "42")
	got, err := h.call("token " + a.get("access_token"))
	if err != nil || !strings.HasPrefix(got.Value, "ghu_") || len(got.Repositories) != 1 || got.Repositories[0] != 42 {
		t.Errorf("%+v %v", got, err)
	}
	if !strings.HasPrefix(a.get("refresh_token"), "ghr_") || a.get("scope") != "" {
		t.Errorf("%s", a.text)
	}
	b := h.renew(a.get("refresh_token"))
	if got, _ := h.call("token " + b.get("access_token")); len(got.Repositories) != 1 {
		t.Errorf("after a refresh: %+v", got)
	}
	c, ok := h.Narrow("app", b.get("access_token"), []int64{7})
	if !ok || c.Repositories[0] != 7 || c.Person.Login != "ann" {
		t.Errorf("Narrow: %+v %v", c, ok)
	}
	if _, ok := h.Narrow("other", b.get("access_token"), []int64{7}); ok {
		t.Error("another app narrowed it")
	}
}

func TestGitHubEndsTheOldestOfTenTokens(t *testing.T) {
	t.Parallel()
	h := start(t, GitHub())
	first, _ := h.Issue("app", "ann", []string{"repo"}, nil)
	for range 9 {
		h.Issue("app", "ann", []string{"repo"}, nil)
		h.Issue("app", "ben", []string{"repo"}, nil)
	}
	if _, err := h.call("token " + first.Value); err != nil {
		t.Fatalf("ten tokens: %v", err)
	}
	h.Issue("app", "ann", []string{"repo"}, nil)
	if _, err := h.call("token " + first.Value); !errors.Is(err, RevokedToken) {
		t.Errorf("eleven tokens: %v", err)
	}
}

func TestAuthenticateSchemes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		a, _ := h.Issue("app", "ann", nil, nil)
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:"+a.Value))
		for header, kinds := range map[string]string{
			"Bearer " + a.Value: "github gitlab bitbucket gitea",
			"bearer " + a.Value: "github gitlab bitbucket gitea",
			"token " + a.Value:  "github gitea",
			basic:               "github gitea",
		} {
			_, err := h.call(header)
			if want := strings.Contains(kinds, h.Kind); (err == nil) != want {
				t.Errorf("%.8s: %v", header, err)
			}
		}
		if _, err := h.call("Bearer nonsense"); !errors.Is(err, UnknownToken) {
			t.Errorf("nonsense: %v", err)
		}
		if _, err := h.call(""); !errors.Is(err, NoToken) {
			t.Errorf("nothing: %v", err)
		}
		h.Expire(a.Value)
		if _, err := h.call("Bearer " + a.Value); !errors.Is(err, ExpiredToken) {
			t.Errorf("expired: %v", err)
		}
	})
}

// JSON and the query are where the content managers put a code.
func TestTokenRequestsInEveryForm(t *testing.T) {
	t.Parallel()
	for _, d := range []Dialect{GitLab(), Gitea()} {
		h := start(t, d)
		for _, kind := range []string{"json", "query"} {
			code := h.code("client_id", "public")
			fields := url.Values{
				"client_id": {"public"}, "grant_type": {"authorization_code"}, "code": {code},
				"redirect_uri": {callback}, "code_verifier": {verifier},
			}
			target, body := h.url+h.TokenPath+"?"+fields.Encode(), ""
			if kind == "json" {
				flat := map[string]string{}
				for name := range fields {
					flat[name] = fields.Get(name)
				}
				data, _ := json.Marshal(flat)
				target, body = h.url+h.TokenPath, string(data)
			}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
			req.Header.Set("Content-Type", "application/json; charset=utf-8")
			if a := h.send(req); a.get("access_token") == "" {
				t.Errorf("%s, %s: %s", d.Kind, kind, a.text)
			}
		}
	}
}

// Whatever comes, the server stands, and one code gives one token.
func TestOneCodeForManyAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t, GitLab())
	code := h.code()
	var wg sync.WaitGroup
	var mu sync.Mutex
	good := 0
	for range 20 {
		wg.Go(func() {
			a := h.redeem(code)
			mu.Lock()
			defer mu.Unlock()
			if a.get("access_token") != "" {
				good++
			}
		})
	}
	wg.Wait()
	if good != 1 {
		t.Errorf("%d tokens for one code", good)
	}
}

func TestBoundedForgetsTheOldest(t *testing.T) {
	t.Parallel()
	b := bounded[int]{limit: 2}
	b.put("a", 1)
	b.put("b", 2)
	b.put("a", 3)
	b.put("c", 4)
	if _, ok := b.get("a"); ok || len(b.m) != 2 || len(b.order) != 2 {
		t.Errorf("%v %v", b.m, b.order)
	}
}
