package provider_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/outbound"
	"gatehouse/internal/provider"
)

const redeem = "POST /login/oauth/access_token"

// good is an answer with a token.
const good = `{"access_token":"` + access + `","token_type":"bearer","scope":"repo,user","expires_in":28800,"refresh_token":"` + refresh + `"}`

func exchange(t *testing.T, p *provider.Provider) (provider.Grant, error) {
	t.Helper()
	return p.Exchange(t.Context(), code, verifier, callback, provider.Repository{Path: "o/r"})
}

func TestTokenAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   provider.Grant
		life   time.Duration // 0: no end
	}{
		"JSON": {
			says(200, good),
			provider.Grant{AccessToken: access, RefreshToken: refresh, Scope: "repo,user"},
			8 * time.Hour,
		},
		"form, as GitHub without Accept": {
			as(200, "application/x-www-form-urlencoded; charset=utf-8", "access_token="+access+"&expires_in=28800&scope=repo%2Cuser&token_type=bearer"),
			provider.Grant{AccessToken: access, Scope: "repo,user"},
			8 * time.Hour,
		},
		"form as text": {
			as(200, "text/plain", "access_token="+access+"\n"), provider.Grant{AccessToken: access}, 0,
		},
		"JSON as text":         {as(200, "text/plain", good), provider.Grant{AccessToken: access, RefreshToken: refresh, Scope: "repo,user"}, 8 * time.Hour},
		"expires_in as text":   {says(200, `{"access_token":"`+access+`","expires_in":"28800"}`), provider.Grant{AccessToken: access}, 8 * time.Hour},
		"expires_in of zero":   {says(200, `{"access_token":"`+access+`","expires_in":0}`), provider.Grant{AccessToken: access}, 0},
		"nothing else":         {says(200, `{"access_token":"`+access+`","refresh_token":null,"scope":null,"expires_in":null}`), provider.Grant{AccessToken: access}, 0},
		"scopes of a list":     {says(200, `{"access_token":"`+access+`","scope":["a","b"]}`), provider.Grant{AccessToken: access, Scope: "a b"}, 0},
		"an empty error":       {says(200, `{"access_token":"`+access+`","error":""}`), provider.Grant{AccessToken: access}, 0},
		"a life beyond reason": {says(200, `{"access_token":"`+access+`","expires_in":1e300}`), provider.Grant{AccessToken: access}, 10 * 365 * 24 * time.Hour},
		"status 201":           {says(201, `{"access_token":"`+access+`"}`), provider.Grant{AccessToken: access}, 0},
		"compressed":           {packed([]byte(good)), provider.Grant{AccessToken: access, RefreshToken: refresh, Scope: "repo,user"}, 8 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, map[string]http.HandlerFunc{redeem: c.answer})
			before := time.Now()
			g, err := exchange(t, h.provider(provider.GitHub))
			if err != nil {
				t.Fatal(err)
			}
			if g.Expires.IsZero() != (c.life == 0) {
				t.Errorf("expires %s", g.Expires)
			} else if c.life != 0 && (g.Expires.Before(before.Add(c.life)) || g.Expires.After(time.Now().Add(c.life))) {
				t.Errorf("expires %s, which is not in %s", g.Expires, c.life)
			}
			if g.Expires = (time.Time{}); g != c.want {
				t.Errorf("%+v, want %+v", g, c.want)
			}
		})
	}
}

func packed(data []byte) http.HandlerFunc {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(b.Bytes())
	}
}

// Every way in which a host's answer was seen, or can be thought, to be wrong.
func TestTokenAnswersThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   provider.Reason
		says   string // part of the detail
	}{
		"GitHub's error with status 200": {says(200, `{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired.","error_uri":"https://docs.github.com/x"}`), provider.BadCode, "bad_verification_code: The code passed"},
		"the same beside a token":        {says(200, `{"error":"bad_verification_code","access_token":"`+access+`"}`), provider.BadCode, "bad_verification_code"},
		"the same as a form":             {as(200, "application/x-www-form-urlencoded", "error=bad_verification_code&access_token="+access), provider.BadCode, "bad_verification_code"},
		"wrong secret at GitHub":         {says(200, `{"error":"incorrect_client_credentials"}`), provider.BadClient, "incorrect_client_credentials"},
		"wrong callback at GitHub":       {says(200, `{"error":"redirect_uri_mismatch"}`), provider.BadClient, "redirect_uri_mismatch"},
		"invalid_grant":                  {says(400, `{"error":"invalid_grant"}`), provider.BadCode, "invalid_grant"},
		"invalid_client":                 {says(401, `{"error":"invalid_client","error_description":"Client authentication failed"}`), provider.BadClient, "invalid_client: Client"},
		"an error nobody knows":          {says(400, `{"error":"moon_phase"}`), provider.Upstream, "moon_phase"},
		"an error as an object":          {says(400, `{"type":"error","error":{"message":"No such thing."}}`), provider.Upstream, "No such thing."},
		"an error that is a number":      {says(200, `{"error":7,"access_token":"`+access+`"}`), provider.Upstream, "an error"},
		"an error with our secrets":      {says(400, fmt.Sprintf(`{"error":"invalid_grant","error_description":%q}`, code+" "+url.QueryEscape(code)+" "+verifier+" "+secret)), provider.BadCode, "invalid_grant: … … … …"},
		"an error with a secret cut off": {says(400, fmt.Sprintf(`{"error":"invalid_grant","error_description":%q}`, strings.Repeat("x", 170)+secret)), provider.BadCode, "x…"},
		"an error of ten kilobytes":      {says(400, `{"error":"invalid_grant","error_description":"`+strings.Repeat("ab ", 3500)+`"}`), provider.BadCode, "ab ab"},
		"an error of many lines":         {says(400, `{"error":"invalid_grant","error_description":"a\r\nb\u2028c\u2029d\u0000e\u202ef"}`), provider.BadCode, "a b c d e f"},
		"a forged error word":            {says(400, `{"error":"<script>alert(1)</script>\n"}`), provider.Upstream, "an error"},
		"500":                            {says(500, `{}`), provider.Upstream, "500"},
		"500 with an error":              {says(500, `{"error":"invalid_grant"}`), provider.Upstream, "500"},
		"500 with a token":               {says(500, good), provider.Upstream, "500"},
		"400 with a token":               {says(400, good), provider.Upstream, "400"},
		"429":                            {says(429, `{"error":"invalid_grant"}`), provider.Upstream, "429"},
		"502 of a proxy":                 {as(502, "text/html", "<html>"), provider.Upstream, "502"},
		"a page":                         {as(200, "text/html", "<html>"), provider.Upstream, "neither JSON nor a form"},
		"an empty body":                  {says(200, ``), provider.Upstream, "not a JSON object"},
		"invalid JSON":                   {says(200, `{"access_token":`), provider.Upstream, "not a JSON object"},
		"JSON and something":             {says(200, good+"}"), provider.Upstream, "not a JSON object"},
		"an array":                       {says(200, `[`+good+`]`), provider.Upstream, "not a JSON object"},
		"null":                           {says(200, `null`), provider.Upstream, "not a JSON object"},
		"no token":                       {says(200, `{"token_type":"bearer"}`), provider.Upstream, "no access_token"},
		"no token in a form":             {as(200, "application/x-www-form-urlencoded", "token_type=bearer"), provider.Upstream, "no access_token"},
		"two tokens in a form":           {as(200, "application/x-www-form-urlencoded", "access_token="+access+"&access_token=x"), provider.Upstream, "twice"},
		"no form":                        {as(200, "application/x-www-form-urlencoded", "access_token=%zz"), provider.Upstream, "not a form"},
		"another case of letters":        {says(200, `{"Access_Token":"`+access+`"}`), provider.Upstream, "no access_token"},
		"an empty token":                 {says(200, `{"access_token":""}`), provider.Upstream, "no access_token"},
		"no token but null":              {says(200, `{"access_token":null}`), provider.Upstream, "no access_token"},
		"a number for a token":           {says(200, `{"access_token":7}`), provider.Upstream, "no text"},
		"a line break in the token":      {says(200, `{"access_token":"a\r\nSet-Cookie: x"}`), provider.Upstream, "cannot be one"},
		"a space in the token":           {says(200, `{"access_token":"a b"}`), provider.Upstream, "cannot be one"},
		"a NUL in the token":             {says(200, `{"access_token":"a\u0000b"}`), provider.Upstream, "cannot be one"},
		"another alphabet in the token":  {says(200, `{"access_token":"tökén"}`), provider.Upstream, "cannot be one"},
		"a token of 4097":                {says(200, `{"access_token":"`+strings.Repeat("x", 4097)+`"}`), provider.Upstream, "cannot be one"},
		"a number for a refresh token":   {says(200, `{"access_token":"a","refresh_token":7}`), provider.Upstream, "no text"},
		"a line break in the other":      {says(200, `{"access_token":"a","refresh_token":"a\nb"}`), provider.Upstream, "cannot be one"},
		"a token of another sort":        {says(200, `{"access_token":"a","token_type":"mac"}`), provider.Upstream, "bearers"},
		"a life that is a word":          {says(200, `{"access_token":"a","expires_in":"soon"}`), provider.Upstream, "expires_in"},
		"a life that is an object":       {says(200, `{"access_token":"a","expires_in":{}}`), provider.Upstream, "expires_in"},
		"a life below zero":              {says(200, `{"access_token":"a","expires_in":-1}`), provider.Upstream, "expires_in"},
		"a life that is no number":       {says(200, `{"access_token":"a","expires_in":"NaN"}`), provider.Upstream, "expires_in"},
		"ten megabytes":                  {says(200, `{"access_token":"`+strings.Repeat("x", 10<<20)+`"}`), provider.Upstream, "larger than is read"},
		"64 KiB and a byte":              {says(200, good+strings.Repeat(" ", 64<<10-len(good)+1)), provider.Upstream, "larger than is read"},
		"a gzip bomb":                    {packed(make([]byte, 64<<20)), provider.Upstream, "larger than is read"},
		"a redirect to metadata":         {redirect("http://169.254.169.254/latest"), provider.Upstream, "302, a redirect"},
		"a redirect to itself":           {redirect("/login/oauth/again"), provider.Upstream, "302, a redirect"},
		"a redirect with a token":        {with("Location", "/login/oauth/again", says(307, good)), provider.Upstream, "307, a redirect"},
		"a connection that is reset":     {hangUp, provider.Upstream, "broke the connection off"},
		"half an answer":                 {with("Content-Length", "5000", says(200, good)), provider.Upstream, "broke the connection off"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, map[string]http.HandlerFunc{redeem: c.answer})
			g, err := exchange(t, h.provider(provider.GitHub))
			r := refused(t, err)
			if r.Reason != c.want || !strings.Contains(r.Detail, c.says) || g != (provider.Grant{}) {
				t.Errorf("%+v %+v, want %s with %q", r, g, c.want, c.says)
			}
			if got := h.paths(); len(got) != 1 {
				t.Errorf("asked for %q", got)
			}
		})
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestHostsThatAreAway(t *testing.T) {
	silent := make(chan struct{})
	h := newHost(t, map[string]http.HandlerFunc{redeem: func(http.ResponseWriter, *http.Request) { <-silent }})
	defer close(silent)
	p := h.provider(provider.GitHub)
	p.SetPatience(20 * time.Millisecond)
	_, err := exchange(t, p)
	if r := refused(t, err); r.Reason != provider.Upstream || !strings.Contains(r.Detail, "no answer in time") {
		t.Error(r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Exchange(ctx, code, verifier, callback, provider.Repository{}); !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
		t.Errorf("a caller that has left: %v", err)
	}
	gone := newHost(t, nil)
	p = gone.provider(provider.GitHub)
	gone.Close()
	_, err = exchange(t, p)
	if r := refused(t, err); r.Reason != provider.Upstream || !strings.Contains(r.Detail, "nothing listens there") {
		t.Error(r)
	}
}

// A host with a public name that is at a private address is not dialled, unless
// the connector says that it may be.
func TestN54HostsInsideAreRefused(t *testing.T) {
	c, err := outbound.New(outbound.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := provider.New(provider.App{Kind: provider.Gitea, URL: "https://169.254.169.254", ClientID: "id", Client: c})
	if err != nil {
		t.Fatal(err)
	}
	_, err = exchange(t, p)
	if r := refused(t, err); r.Reason != provider.Upstream || !strings.Contains(r.Detail, "private") {
		t.Error(r)
	}
}

func TestCertificatesOfNobody(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	p, err := provider.New(provider.App{Kind: provider.Gitea, URL: srv.URL, ClientID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = exchange(t, p)
	if r := refused(t, err); r.Reason != provider.Upstream || !strings.Contains(r.Detail, "not trusted here") {
		t.Error(r)
	}
}

// What each host wants to be sent, to the letter.
func TestTokenRequests(t *testing.T) {
	repo := provider.Repository{Path: "o/r", ID: 77}
	for kind, c := range map[string]struct {
		path              string
		slug              string
		exchange, refresh url.Values
		basic             bool
	}{
		provider.GitHub: {
			path:     "/login/oauth/access_token",
			exchange: url.Values{"client_id": {"client-id"}, "client_secret": {secret}, "code_verifier": {verifier}, "redirect_uri": {callback}},
			refresh:  url.Values{"client_id": {"client-id"}, "client_secret": {secret}},
		},
		"github as an App": {
			path: "/login/oauth/access_token", slug: "our-app",
			exchange: url.Values{"client_id": {"client-id"}, "client_secret": {secret}, "code_verifier": {verifier}, "redirect_uri": {callback}, "repository_id": {"77"}},
			refresh:  url.Values{"client_id": {"client-id"}, "client_secret": {secret}, "repository_id": {"77"}},
		},
		provider.GitLab: {
			path:     "/oauth/token",
			exchange: url.Values{"client_id": {"client-id"}, "client_secret": {secret}, "code_verifier": {verifier}, "redirect_uri": {callback}},
			refresh:  url.Values{"client_id": {"client-id"}, "client_secret": {secret}, "redirect_uri": {callback}},
		},
		provider.Bitbucket: {
			path: "/site/oauth2/access_token", basic: true,
			exchange: url.Values{"redirect_uri": {callback}},
			refresh:  url.Values{},
		},
		provider.Gitea: {
			path:     "/login/oauth/access_token",
			exchange: url.Values{"client_id": {"client-id"}, "client_secret": {secret}, "code_verifier": {verifier}, "redirect_uri": {callback}},
			refresh:  url.Values{"client_id": {"client-id"}, "client_secret": {secret}, "redirect_uri": {callback}},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			h := newHost(t, map[string]http.HandlerFunc{"POST " + c.path: says(200, good)})
			name, _, _ := strings.Cut(kind, " ")
			p := h.provider(name, func(a *provider.App) { a.Slug = c.slug })
			if _, err := p.Exchange(t.Context(), code, verifier, callback, repo); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Refresh(t.Context(), refresh, callback, repo); err != nil {
				t.Fatal(err)
			}
			c.exchange.Set("grant_type", "authorization_code")
			c.exchange.Set("code", code)
			c.refresh.Set("grant_type", "refresh_token")
			c.refresh.Set("refresh_token", refresh)
			for i, want := range []url.Values{c.exchange, c.refresh} {
				if got := h.requests()[i].form; got.Encode() != want.Encode() {
					t.Errorf("sent\n%s, want\n%s", got.Encode(), want.Encode())
				}
				r := h.requests()[i]
				if id, pass, basic := r.BasicAuth(); basic != c.basic || (basic && (id != "client-id" || pass != secret)) {
					t.Errorf("basic: %v %s", basic, id)
				}
				if r.Header.Get("Accept") != "application/json" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.URL.RawQuery != "" {
					t.Errorf("%v %s", r.Header, r.URL)
				}
			}
		})
	}
}

// The challenge in the address and the verifier in the token call belong
// together; an old server, and Bitbucket, get neither.
func TestPKCE(t *testing.T) {
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	for _, kind := range provider.Kinds() {
		for _, on := range []bool{true, false} {
			h := newHost(t, map[string]http.HandlerFunc{redeem: says(200, good), "POST /oauth/token": says(200, good), "POST /site/oauth2/access_token": says(200, good)})
			p := h.provider(kind, func(a *provider.App) { a.PKCE = on })
			u, err := url.Parse(p.AuthCodeURL(provider.AuthRequest{State: "s", Verifier: verifier, Redirect: callback}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := exchange(t, p); err != nil {
				t.Fatal(err)
			}
			q, sent := u.Query(), h.requests()[0].form.Get("code_verifier")
			want := on && kind != provider.Bitbucket
			if want && (q.Get("code_challenge") != challenge || q.Get("code_challenge_method") != "S256" || sent != verifier) {
				t.Errorf("%s: %s, verifier %q", kind, u, sent)
			}
			if !want && (q.Has("code_challenge") || q.Has("code_challenge_method") || sent != "") {
				t.Errorf("%s without PKCE: %s, verifier %q", kind, u, sent)
			}
			if strings.Contains(u.String(), verifier) {
				t.Errorf("%s: the verifier is in the address", kind)
			}
		}
	}
}

func TestRefresh(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		answer http.HandlerFunc
		want   provider.Reason
	}{
		"GitHub's own word":          {provider.GitHub, says(200, `{"error":"bad_refresh_token","error_description":"`+refresh+`"}`), provider.Dead},
		"the usual word":             {provider.GitHub, says(400, `{"error":"invalid_grant"}`), provider.Dead},
		"Gitea, used before":         {provider.Gitea, says(400, `{"error":"unauthorized_client","error_description":"token was already used"}`), provider.Dead},           //nolint:misspell // as the RFC spells it
		"Gitea, another's":           {provider.Forgejo, says(400, `{"error":"unauthorized_client","error_description":"unable to parse refresh token"}`), provider.Dead},  //nolint:misspell // as the RFC spells it
		"Gitea, app without secret":  {provider.Gitea, says(400, `{"error":"unauthorized_client","error_description":"invalid empty client secret"}`), provider.BadClient}, //nolint:misspell // as the RFC spells it
		"elsewhere it is the app":    {provider.GitHub, says(400, `{"error":"unauthorized_client"}`), provider.BadClient},                                                  //nolint:misspell // as the RFC spells it
		"a broken host kills nobody": {provider.GitHub, says(503, `{"error":"invalid_grant"}`), provider.Upstream},
		"nor does a wrong secret":    {provider.GitHub, says(401, `{"error":"invalid_client"}`), provider.BadClient},
	} {
		h := newHost(t, map[string]http.HandlerFunc{redeem: c.answer})
		_, err := h.provider(c.kind).Refresh(t.Context(), refresh, callback, provider.Repository{})
		if r := refused(t, err); r.Reason != c.want || r.Dead() != (c.want == provider.Dead) {
			t.Errorf("%s: %v, want %s", name, r, c.want)
		}
	}
}

// Who forgets the new refresh token locks the person out, and who forgets the
// old one where there is no new one, too.
func TestRefreshTokensGoOn(t *testing.T) {
	for answer, want := range map[string]string{
		`{"access_token":"a","refresh_token":"the-next"}`: "the-next",
		`{"access_token":"a"}`:                            refresh,
	} {
		h := newHost(t, map[string]http.HandlerFunc{redeem: says(200, answer)})
		g, err := h.provider(provider.Gitea).Refresh(t.Context(), refresh, callback, provider.Repository{})
		if err != nil || g.RefreshToken != want {
			t.Errorf("%s: %+v %v", answer, g, err)
		}
	}
}

func TestGiteaCodes(t *testing.T) {
	for description, want := range map[string]provider.Reason{
		"failed PKCE code challenge":                 provider.BadCode,
		"client is not authorized":                   provider.BadCode,
		"invalid empty client secret":                provider.BadClient,
		"unexpected redirect URI":                    provider.BadClient,
		"invalid client secret for a client of ours": provider.BadClient,
	} {
		h := newHost(t, map[string]http.HandlerFunc{redeem: says(400, fmt.Sprintf(`{"error":"unauthorized_client","error_description":%q}`, description))}) //nolint:misspell // as the RFC spells it
		_, err := exchange(t, h.provider(provider.Gitea))
		if r := refused(t, err); r.Reason != want {
			t.Errorf("%s: %v", description, r)
		}
	}
}

func TestRevoke(t *testing.T) {
	g := provider.Grant{AccessToken: access, RefreshToken: refresh}
	for name, c := range map[string]struct {
		kind, route string
		answer      http.HandlerFunc
		want        provider.Reason // empty: well
		body        string
	}{
		"GitHub":              {provider.GitHub, "DELETE /api/v3/applications/client-id/token", says(204, ""), "", `{"access_token":"` + access + `"}`},
		"GitHub, gone before": {provider.GitHub, "DELETE /api/v3/applications/client-id/token", says(404, "{}"), "", `{"access_token":"` + access + `"}`},
		"GitHub, not us":      {provider.GitHub, "DELETE /api/v3/applications/client-id/token", says(401, `{"message":"`+access+`"}`), provider.BadClient, `{"access_token":"` + access + `"}`},
		"GitHub, broken":      {provider.GitHub, "DELETE /api/v3/applications/client-id/token", says(500, ""), provider.Upstream, `{"access_token":"` + access + `"}`},
		"GitLab":              {provider.GitLab, "POST /oauth/revoke", says(200, "{}"), "", "client_id=client-id&client_secret=" + secret + "&token=" + access},
		"GitLab, not us":      {provider.GitLab, "POST /oauth/revoke", says(403, `{"error":"unauthorized_client"}`), provider.BadClient, "client_id=client-id&client_secret=" + secret + "&token=" + access}, //nolint:misspell // as the RFC spells it
		"Bitbucket":           {kind: provider.Bitbucket},
		"Gitea":               {kind: provider.Gitea},
		"Forgejo":             {kind: provider.Forgejo},
	} {
		h := newHost(t, map[string]http.HandlerFunc{c.route: c.answer})
		err := h.provider(c.kind).Revoke(t.Context(), g)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.want != "" {
			if r := refused(t, err); r.Reason != c.want {
				t.Errorf("%s: %v", name, r)
			}
		}
		got := ""
		for _, r := range h.requests() {
			got += r.body
		}
		if got != c.body {
			t.Errorf("%s: sent %s", name, got)
		}
		if c.kind == provider.GitHub {
			if id, pass, _ := h.requests()[0].BasicAuth(); id != "client-id" || pass != secret {
				t.Errorf("%s: not as the app", name)
			}
		}
	}
}
