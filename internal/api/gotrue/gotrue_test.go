package gotrue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/identity"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

const (
	email    = "ann@example.org"
	password = "violet otter lamp seven"
	origin   = "https://blog.example"
)

// clock is a time that only tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// rig is the protocol of the sites blog and shop over one set of accounts.
type rig struct {
	blog, shop http.Handler
	handler    *Handler // of blog
	door       *auth.Door
	people     *identity.Service
	store      *store.Store
	clock      *clock
	log        *bytes.Buffer
	ann        identity.User
}

func newRig(t testing.TB) *rig {
	t.Helper()
	var r *rig
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	check(t, err)
	t.Cleanup(func() {
		r.people.Wait()
		_ = st.Close() // a test may have closed it
	})
	r = &rig{store: st, clock: &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}, log: &bytes.Buffer{}}
	st.Now = r.clock.Now
	r.people = identity.New(st)
	r.people.Now = r.clock.Now
	r.people.Audit = &audit.Log{Store: st, Now: r.clock.Now}
	r.people.Mail = &mail.Post{Store: st, Now: r.clock.Now}
	r.people.Slog = slog.New(slog.NewTextHandler(r.log, nil))
	r.people.Pages = func(site, page, token string) string {
		return "https://cms.example.org/s/" + site + "/account/" + page + "#token=" + token
	}
	issuer, err := auth.NewIssuer(t.Context(), st)
	check(t, err)
	issuer.Now = r.clock.Now
	door := &auth.Door{
		Sessions: &auth.Sessions{Store: st, Now: r.clock.Now}, Issuer: issuer,
		IssuerURL: func(site string) string { return "https://cms.example.org/s/" + site + Prefix },
	}
	r.door = door
	site := func(name string) (http.Handler, *Handler) {
		mux := http.NewServeMux()
		h := &Handler{
			Identity: r.people, Door: door, Audit: r.people.Audit, Site: name, Origins: []string{origin}, Version: "1.2.3",
			Log: slog.New(slog.NewTextHandler(r.log, nil)),
			ClientAddr: func(q *http.Request) netip.Addr {
				return netip.MustParseAddrPort(q.RemoteAddr).Addr()
			},
		}
		h.Mount(mux)
		return mux, h
	}
	r.blog, r.handler = site("blog")
	r.shop, _ = site("shop")
	r.ann, err = r.people.Add(t.Context(), identity.NewUser{
		Email: email, Name: "Ann Lee", Password: password, Roles: map[string][]string{"blog": {"editor", "translator"}},
	})
	check(t, err)
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func do(h http.Handler, method, path, kind, body string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, Prefix+path, strings.NewReader(body))
	if kind != "" {
		q.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

const formType = "application/x-www-form-urlencoded"

func form(h http.Handler, pairs ...string) *httptest.ResponseRecorder {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return do(h, http.MethodPost, "/token", formType, v.Encode())
}

// stolen presents a refresh token from another program than that of all others.
func stolen(h http.Handler, token string) *httptest.ResponseRecorder {
	v := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	return do(h, http.MethodPost, "/token", formType, v.Encode(), "User-Agent", "thief/1")
}

func signIn(t testing.TB, h http.Handler) grant {
	t.Helper()
	return granted(t, form(h, "grant_type", "password", "username", email, "password", password))
}

func granted(t testing.TB, w *httptest.ResponseRecorder) grant {
	t.Helper()
	var g grant
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	check(t, json.Unmarshal(w.Body.Bytes(), &g))
	return g
}

// want compares a whole answer, byte by byte.
func want(t testing.TB, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("answer is %d %s\nwant      %d %s", w.Code, w.Body, status, body)
	}
	if kind := w.Header().Get("Content-Type"); body != "" && kind != "application/json" {
		t.Errorf("content type is %q", kind)
	}
}

func TestPasswordGrant(t *testing.T) {
	r := newRig(t)
	w := form(r.blog, "grant_type", "password", "username", " ANN@example.org", "password", password)
	shape := regexp.MustCompile(`^\{"access_token":"[\w-]+\.[\w-]+\.[\w-]+","token_type":"bearer","expires_in":3600,"refresh_token":"[A-Za-z0-9_-]{43}"\}$`)
	if w.Code != http.StatusOK || !shape.MatchString(w.Body.String()) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
	if c := w.Header().Get("Cache-Control"); c != "no-store" {
		t.Errorf("Cache-Control is %q", c)
	}
	if c := w.Result().Cookies(); len(c) != 0 {
		t.Errorf("cookies are set: %v", c)
	}
	for _, body := range []string{
		`{"grant_type":"password","username":"ann@example.org","password":"` + password + `"}`,
		`{"grant_type":"password","email":"ann@example.org","password":"` + password + `"}`,
	} {
		granted(t, do(r.blog, http.MethodPost, "/token", "application/json; charset=utf-8", body))
	}
	granted(t, do(r.blog, http.MethodPost, "/token?grant_type=password", "application/json", `{"email":"ann@example.org","password":"`+password+`"}`))
}

func TestGrantsRefused(t *testing.T) {
	r := newRig(t)
	const wrong = `{"error":"invalid_grant","error_description":"No user found with that email, or password invalid.","message":"No user found with that email, or password invalid."}`
	const badToken = `{"error":"invalid_grant","error_description":"Invalid Refresh Token","message":"Invalid Refresh Token"}`
	for name, c := range map[string]struct {
		pairs []string
		want  string
	}{
		"wrong password":      {[]string{"grant_type", "password", "username", email, "password", "not the one"}, wrong},
		"unknown user":        {[]string{"grant_type", "password", "username", "x@example.org", "password", password}, wrong},
		"empty password":      {[]string{"grant_type", "password", "username", email, "password", ""}, wrong},
		"nothing":             {[]string{"grant_type", "password"}, wrong},
		"no grant":            {nil, `{"error":"unsupported_grant_type","message":"unsupported_grant_type"}`},
		"unknown grant":       {[]string{"grant_type", "id_token"}, `{"error":"unsupported_grant_type","message":"unsupported_grant_type"}`},
		"no refresh token":    {[]string{"grant_type", "refresh_token"}, `{"error":"invalid_request","error_description":"refresh_token required","message":"refresh_token required"}`},
		"bad refresh token":   {[]string{"grant_type", "refresh_token", "refresh_token", "x"}, badToken},
		"other refresh token": {[]string{"grant_type", "refresh_token", "refresh_token", strings.Repeat("A", 43)}, badToken},
	} {
		t.Run(name, func(t *testing.T) { want(t, form(r.blog, c.pairs...), http.StatusBadRequest, c.want) })
	}
	want(t, do(r.blog, http.MethodPost, "/token", "application/json", `{"password":"`+password), http.StatusBadRequest,
		`{"error":"invalid_request","error_description":"The body is not the JSON of a token request.","message":"The body is not the JSON of a token request."}`)
	want(t, do(r.blog, http.MethodPost, "/token", formType, "a=%zz"), http.StatusBadRequest,
		`{"error":"invalid_request","error_description":"The body is not a form.","message":"The body is not a form."}`)
}

// A secret in a URL ends up in logs, so it must not work there.
func TestSecretsInTheQueryDoNotCount(t *testing.T) {
	r := newRig(t)
	q := url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}}
	if w := do(r.blog, http.MethodPost, "/token?"+q.Encode(), formType, ""); w.Code != http.StatusBadRequest {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
}

func TestKnownAndUnknownAccountsAnswerAlike(t *testing.T) {
	r := newRig(t)
	try := func(name, from string) string {
		v := url.Values{"grant_type": {"password"}, "username": {name}, "password": {"wrong, and long enough"}}
		q := httptest.NewRequest(http.MethodPost, Prefix+"/token", strings.NewReader(v.Encode()))
		q.Header.Set("Content-Type", formType)
		q.RemoteAddr = from
		w := httptest.NewRecorder()
		r.blog.ServeHTTP(w, q)
		return fmt.Sprint(w.Code, w.Header(), w.Body)
	}
	var last string
	for i := range 7 {
		known, unknown := try(email, "192.0.2.1:9"), try("nobody@example.org", "192.0.2.2:9")
		if known != unknown {
			t.Errorf("attempt %d differs:\n%s\n%s", i, known, unknown)
		}
		last = known
	}
	if !strings.HasPrefix(last, "429") || !strings.Contains(last, "Retry-After:[1]") ||
		!strings.Contains(last, `{"code":429,"msg":"Rate limit exceeded. Too many attempts to sign in. Try again in one second.","message":`) {
		t.Errorf("the throttle answers %s", last)
	}
}

func TestRefreshGrant(t *testing.T) {
	r := newRig(t)
	first := signIn(t, r.blog)
	refresh := func(h http.Handler, token string) *httptest.ResponseRecorder {
		return form(h, "grant_type", "refresh_token", "refresh_token", token)
	}
	if w := refresh(r.shop, first.RefreshToken); w.Code != http.StatusBadRequest {
		t.Errorf("another site renews it: %d %s", w.Code, w.Body)
	}
	r.clock.Advance(time.Hour)
	second := granted(t, refresh(r.blog, first.RefreshToken))
	again := granted(t, refresh(r.blog, first.RefreshToken))
	if second.RefreshToken == first.RefreshToken || again.RefreshToken != second.RefreshToken || again.AccessToken == second.AccessToken {
		t.Errorf("tokens are\n%+v\n%+v\n%+v", first, second, again)
	}
	if w := do(r.blog, http.MethodGet, "/user", "", "", "Authorization", "Bearer "+again.AccessToken); w.Code != http.StatusOK {
		t.Errorf("the new access token: %d %s", w.Code, w.Body)
	}
	r.clock.Advance(2 * time.Minute)
	want(t, stolen(r.blog, first.RefreshToken), http.StatusBadRequest,
		`{"error":"invalid_grant","error_description":"Invalid Refresh Token","message":"Invalid Refresh Token"}`)
	if w := refresh(r.blog, second.RefreshToken); w.Code != http.StatusBadRequest {
		t.Errorf("the family lives on after reuse: %d %s", w.Code, w.Body)
	}
	third := signIn(t, r.blog)
	r.clock.Advance(31 * 24 * time.Hour)
	want(t, refresh(r.blog, third.RefreshToken), http.StatusBadRequest,
		`{"error":"invalid_grant","error_description":"Refresh token expired","message":"Refresh token expired"}`)
}

// Clients forget their session over any answer of 400, so a failure that may
// pass must be another one.
func TestDatabaseGoneIsNoInvalidGrant(t *testing.T) {
	r := newRig(t)
	g := signIn(t, r.blog)
	check(t, r.store.Close())
	for name, w := range map[string]*httptest.ResponseRecorder{
		"refresh": form(r.blog, "grant_type", "refresh_token", "refresh_token", g.RefreshToken),
		"sign-in": form(r.blog, "grant_type", "password", "username", email, "password", password),
		"user":    do(r.blog, http.MethodGet, "/user", "", "", "Authorization", "Bearer "+g.AccessToken),
	} {
		t.Run(name, func(t *testing.T) {
			want(t, w, http.StatusInternalServerError, `{"code":500,"msg":"Internal server error","message":"Internal server error"}`)
		})
	}
	if !strings.Contains(r.log.String(), "identity request failed") {
		t.Error("the failure is not logged")
	}
}

func TestUser(t *testing.T) {
	r := newRig(t)
	r.clock.Advance(90 * time.Minute)
	g := signIn(t, r.blog)
	bearer := "Bearer " + g.AccessToken
	user := `{"id":"` + r.ann.ID + `","aud":"blog","role":"","email":"ann@example.org","confirmed_at":"2026-03-01T09:00:00Z",` +
		`"last_sign_in_at":"2026-03-01T10:30:00Z","app_metadata":{"provider":"email","roles":["editor","translator"]},` +
		`"user_metadata":{"full_name":"Ann Lee"},"created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T09:00:00Z"}`
	want(t, do(r.blog, http.MethodGet, "/user", "", "", "Authorization", bearer), http.StatusOK, user)
	want(t, do(r.blog, http.MethodGet, "/user", "application/json", "", "Authorization", bearer, "X-JWT-AUD", "blog"), http.StatusOK, user)
	want(t, do(r.blog, http.MethodGet, "/user", "", ""), http.StatusUnauthorized,
		`{"code":401,"msg":"This endpoint requires a Bearer token","message":"This endpoint requires a Bearer token"}`)
	want(t, do(r.blog, http.MethodGet, "/user", "", "", "Authorization", "Bearer x.y.z"), http.StatusUnauthorized,
		`{"code":401,"msg":"Invalid token: You are not signed in, or your sign-in has expired. Sign in again.","message":"Invalid token: You are not signed in, or your sign-in has expired. Sign in again."}`)
	want(t, do(r.blog, http.MethodGet, "/user", "", "", "Authorization", bearer, "X-JWT-AUD", "other"), http.StatusBadRequest,
		`{"code":400,"msg":"Token audience doesn't match request audience","message":"Token audience doesn't match request audience"}`)
	if w := do(r.shop, http.MethodGet, "/user", "", "", "Authorization", bearer); w.Code != http.StatusUnauthorized {
		t.Errorf("another site's token: %d %s", w.Code, w.Body)
	}
	check(t, r.people.SetRoles(t.Context(), r.ann.ID, "blog", []string{"reader"}))
	if w := do(r.blog, http.MethodGet, "/user", "", "", "Authorization", bearer); !strings.Contains(w.Body.String(), `"roles":["reader"]`) {
		t.Errorf("new roles do not show at once: %s", w.Body)
	}
}

// The CMS reads user.user_metadata.full_name and app_metadata.roles unasked.
func TestMetadataAreNeverNull(t *testing.T) {
	r := newRig(t)
	_, err := r.people.Add(t.Context(), identity.NewUser{Email: "bob@example.org", Password: password})
	check(t, err)
	g := granted(t, form(r.blog, "grant_type", "password", "username", "bob@example.org", "password", password))
	w := do(r.blog, http.MethodGet, "/user", "", "", "Authorization", "Bearer "+g.AccessToken)
	if !strings.Contains(w.Body.String(), `"app_metadata":{"provider":"email","roles":[]},"user_metadata":{}`) {
		t.Errorf("user is %s", w.Body)
	}
	if strings.Contains(w.Body.String(), "null") {
		t.Errorf("something is null: %s", w.Body)
	}
}

func TestLogout(t *testing.T) {
	r := newRig(t)
	one, two := signIn(t, r.blog), signIn(t, r.blog)
	w := do(r.blog, http.MethodPost, "/logout", "", "", "Authorization", "Bearer "+one.AccessToken)
	want(t, w, http.StatusNoContent, "")
	for _, g := range []grant{one, two} { // all of them, as in GoTrue
		if w := form(r.blog, "grant_type", "refresh_token", "refresh_token", g.RefreshToken); w.Code != http.StatusBadRequest {
			t.Errorf("the refresh token works after the log-out: %d %s", w.Code, w.Body)
		}
		if w := do(r.blog, http.MethodGet, "/user", "", "", "Authorization", "Bearer "+g.AccessToken); w.Code != http.StatusUnauthorized {
			t.Errorf("the access token works after the log-out: %d %s", w.Code, w.Body)
		}
	}
	want(t, do(r.blog, http.MethodPost, "/logout", "", ""), http.StatusUnauthorized,
		`{"code":401,"msg":"This endpoint requires a Bearer token","message":"This endpoint requires a Bearer token"}`)
}

func TestSettingsAndHealth(t *testing.T) {
	r := newRig(t)
	want(t, do(r.blog, http.MethodGet, "/settings", "", ""), http.StatusOK,
		`{"external":{"bitbucket":false,"github":false,"gitlab":false,"google":false,"facebook":false,"email":true,"saml":false},"external_labels":{},"disable_signup":true,"autoconfirm":false}`)
	want(t, do(r.blog, http.MethodGet, "/health", "", ""), http.StatusOK,
		`{"version":"1.2.3","name":"GoTrue","description":"Gatehouse, speaking GoTrue: accounts and sign-in for a static site"}`)
}

func TestUnknownPathsAndMethods(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"", "/", "/authorize", "/saml/acs", "/admin", "/admin/users/", "/user/", "/token/x"} {
		w := do(r.blog, http.MethodPost, path, "", "")
		if w.Code != http.StatusNotFound || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || w.Body.String() != "404 page not found\n" {
			t.Errorf("%q answers %d %q %s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
	for path, method := range map[string]string{"/token": "GET", "/user": "DELETE", "/logout": "GET", "/settings": "POST", "/health": "PUT", "/verify": "PUT", "/admin/users": "DELETE", "/admin/users/x": "POST"} {
		w := do(r.blog, method, path, "", "")
		if w.Code != http.StatusMethodNotAllowed || w.Body.Len() != 0 || w.Header().Get("Allow") == "" {
			t.Errorf("%s %s answers %d %q, Allow %q", method, path, w.Code, w.Body, w.Header().Get("Allow"))
		}
	}
}

func TestCORS(t *testing.T) {
	r := newRig(t)
	for from, allowed := range map[string]bool{
		origin: true, "https://evil.example": false, "https://blog.example.evil.example": false, "https://blog.example:8443": false,
		"http://blog.example": false, "null": false, "": false, "HTTPS://BLOG.EXAMPLE": false,
	} {
		t.Run(from, func(t *testing.T) {
			w := do(r.blog, http.MethodOptions, "/token", "", "", "Origin", from,
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-nf-client,content-type")
			h := w.Header()
			if w.Code != http.StatusNoContent || w.Body.Len() != 0 || h.Get("Vary") != "Origin" {
				t.Errorf("preflight is %d %v", w.Code, h)
			}
			if got := h.Get("Access-Control-Allow-Origin"); (got == from && from != "") != allowed || (!allowed && got != "") {
				t.Errorf("allowed origin is %q", got)
			}
			if allowed && (!strings.Contains(h.Get("Access-Control-Allow-Headers"), "X-Nf-Client") || h.Get("Access-Control-Allow-Methods") != "POST") {
				t.Errorf("preflight is %v", h)
			}
			if !allowed && h.Get("Access-Control-Allow-Headers")+h.Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("a stranger is told %v", h)
			}
			w = do(r.blog, http.MethodGet, "/settings", "", "", "Origin", from)
			if got := w.Header().Get("Access-Control-Allow-Origin"); (got != "") != allowed || w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("an answer to %q has %v", from, w.Header())
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	r := newRig(t)
	w := do(r.blog, http.MethodPost, "/token", formType, "grant_type=password&password="+strings.Repeat("x", maxBody))
	want(t, w, http.StatusRequestEntityTooLarge,
		`{"code":413,"msg":"The request is too large: it may have 65536 bytes.","message":"The request is too large: it may have 65536 bytes."}`)
}

// A connection must be fit for the next request after one whose body had a
// deadline.
func TestDeadlineOfTheBodyIsLifted(t *testing.T) {
	r := newRig(t)
	server := httptest.NewServer(r.blog)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	check(t, err)
	defer conn.Close()
	for range 2 {
		body := "grant_type=none"
		_, err = fmt.Fprintf(conn, "POST %s/token HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", Prefix, formType, len(body), body)
		check(t, err)
		buf := make([]byte, 2000)
		n, err := conn.Read(buf)
		if err != nil || !strings.Contains(string(buf[:n]), "unsupported_grant_type") {
			t.Fatalf("answer is %q (%v)", buf[:n], err)
		}
	}
}

func TestLogsHoldNoSecrets(t *testing.T) {
	r := newRig(t)
	first := signIn(t, r.blog)
	second := granted(t, form(r.blog, "grant_type", "refresh_token", "refresh_token", first.RefreshToken))
	do(r.blog, http.MethodGet, "/user", "", "", "Authorization", "Bearer "+second.AccessToken)
	form(r.blog, "grant_type", "password", "username", "hunter2hunter2", "password", "wrong-and-secret")
	r.clock.Advance(2 * time.Minute)
	stolen(r.blog, first.RefreshToken)
	do(r.blog, http.MethodPost, "/token", "application/json", `{"password":"half-and-secret`)
	third := signIn(t, r.blog)
	do(r.blog, http.MethodPost, "/logout", "", "", "Authorization", "Bearer "+third.AccessToken)
	check(t, r.store.Close())
	form(r.blog, "grant_type", "refresh_token", "refresh_token", second.RefreshToken)
	log := r.log.String()
	for _, event := range []string{"signed in", "sign-in refused", "used a second time", "signed out", "identity request failed"} {
		if !strings.Contains(log, event) {
			t.Errorf("%q is not logged", event)
		}
	}
	for _, secret := range []string{
		password, url.QueryEscape(password), "wrong-and-secret", "half-and-secret", "hunter2hunter2",
		first.RefreshToken, first.AccessToken, second.RefreshToken, second.AccessToken, third.AccessToken, "$argon2id",
	} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
}

func FuzzTokenRequest(f *testing.F) {
	f.Add(formType, "grant_type=password&username=a&password=b")
	f.Add("application/json", `{"grant_type":"refresh_token","refresh_token":"x"}`)
	f.Add("application/json;charset", `[]`)
	f.Add("text/plain", `%`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		q := httptest.NewRequest(http.MethodPost, Prefix+"/token", strings.NewReader(body))
		q.Header.Set("Content-Type", kind)
		_, err := (&Handler{}).readTokenRequest(httptest.NewRecorder(), q)
		if err != nil && len(body) > 40 && strings.Contains(err.Error(), body) {
			t.Fatalf("the error quotes the body: %v", err)
		}
	})
}

func BenchmarkRefreshGrant(b *testing.B) {
	r := newRig(b)
	token := signIn(b, r.blog).RefreshToken
	for b.Loop() {
		token = granted(b, form(r.blog, "grant_type", "refresh_token", "refresh_token", token)).RefreshToken
	}
}
