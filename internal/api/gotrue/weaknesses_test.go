package gotrue

// GoTrue's weaknesses, each with the test that ours is not one.

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/identity"
)

func post(h http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	return do(h, http.MethodPost, path, "application/json", body, headers...)
}

// An account that is made without a password has none, not the empty one.
func TestEmptyPasswordSignsNobodyIn(t *testing.T) {
	w := newTown(t)
	for _, body := range []string{`{"email":"max@example.org","confirm":true}`, `{"email":"moe@example.org","password":"","confirm":true}`} {
		if got := post(w.blog, "/admin/users", body, "Authorization", w.bearer(t, "adam")); got.Code != http.StatusOK {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
	}
	for _, address := range []string{"max@example.org", "moe@example.org"} {
		for _, body := range []string{
			url.Values{"grant_type": {"password"}, "username": {address}, "password": {""}}.Encode(),
			url.Values{"grant_type": {"password"}, "username": {address}}.Encode(),
		} {
			if got := do(w.blog, http.MethodPost, "/token", formType, body); got.Code != http.StatusBadRequest {
				t.Errorf("%s with an empty password: %d", address, got.Code)
			}
		}
	}
}

// A stranger signs up with the owner's address first. When the owner comes, by
// whichever way, the stranger's password is worth nothing.
func TestPreHijackedSignUp(t *testing.T) {
	const strangers, owners = "password of a stranger", "password of the owner"
	for name, come := range map[string]func(*testing.T, *town) string{
		"by signing up, too": func(t *testing.T, w *town) string {
			w.clock.Advance(2 * time.Minute)
			post(w.blog, "/signup", `{"email":"zoe@example.org","password":"`+owners+`"}`)
			return `{"type":"signup","token":"` + w.mailed(t, "zoe@example.org") + `"}`
		},
		"by an invitation": func(t *testing.T, w *town) string {
			w.clock.Advance(2 * time.Minute)
			post(w.blog, "/invite", `{"email":"zoe@example.org"}`, "Authorization", w.bearer(t, "adam"))
			return `{"type":"signup","token":"` + w.mailed(t, "zoe@example.org") + `","password":"` + owners + `"}`
		},
		"by a magic link": func(t *testing.T, w *town) string {
			w.clock.Advance(2 * time.Minute)
			post(w.blog, "/magiclink", `{"email":"zoe@example.org"}`)
			return `{"type":"magiclink","token":"` + w.mailed(t, "zoe@example.org") + `"}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.policy(t, identity.Policy{SignUp: identity.SignUpOpen})
			post(w.blog, "/signup", `{"email":"zoe@example.org","password":"`+strangers+`"}`)
			if got := post(w.blog, "/verify", come(t, w)); got.Code != http.StatusOK {
				t.Fatalf("the owner cannot come: %d %s", got.Code, got.Body)
			}
			if w.signsIn(t, "zoe@example.org", strangers) {
				t.Error("the stranger signs in")
			}
		})
	}
}

// To sign up with the address of somebody who was invited ends no invitation,
// and does not take its roles.
func TestSignUpVoidsNoInvitation(t *testing.T) {
	w := newTown(t)
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen})
	post(w.blog, "/invite", `{"email":"ida@example.org","app_metadata":{"roles":["admin"]}}`, "Authorization", w.bearer(t, "adam"))
	token := w.mailed(t, "ida@example.org")
	w.clock.Advance(2 * time.Minute)
	post(w.blog, "/signup", `{"email":"ida@example.org","password":"password of a stranger"}`)
	if got := post(w.blog, "/verify", `{"type":"signup","token":"`+token+`","password":"`+newPassword+`"}`); got.Code != http.StatusOK {
		t.Errorf("the invitation is void: %d %s", got.Code, got.Body)
	}
	if w.signsIn(t, "ida@example.org", "password of a stranger") {
		t.Error("the stranger signs in")
	}
}

func TestInvitesExpire(t *testing.T) {
	w := newTown(t)
	post(w.blog, "/invite", `{"email":"ida@example.org"}`, "Authorization", w.bearer(t, "adam"))
	body := `{"type":"signup","token":"` + w.mailed(t, "ida@example.org") + `","password":"` + newPassword + `"}`
	w.clock.Advance(7*24*time.Hour + time.Second)
	if got := post(w.blog, "/verify", body); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// swapped is a token with the case of its letters turned.
func swapped(token string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 32
		case r >= 'A' && r <= 'Z':
			return r + 32
		}
		return r
	}, token)
}

func TestCaseSwappedTokens(t *testing.T) {
	w := newTown(t)
	post(w.blog, "/invite", `{"email":"ida@example.org"}`, "Authorization", w.bearer(t, "adam"))
	token := w.mailed(t, "ida@example.org")
	for _, bad := range []string{swapped(token), strings.ToLower(token), token + " ", token + "="} {
		if got := post(w.blog, "/verify", `{"type":"signup","token":"`+bad+`","password":"`+newPassword+`"}`); got.Code != http.StatusNotFound {
			t.Errorf("%q: %d %s", bad, got.Code, got.Body)
		}
	}
	g := signIn(t, w.blog)
	if got := form(w.blog, "grant_type", "refresh_token", "refresh_token", swapped(g.RefreshToken)); got.Code != http.StatusBadRequest {
		t.Errorf("the refresh token: %d", got.Code)
	}
}

func TestDuplicateSignUpsInARace(t *testing.T) {
	w := newTown(t)
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen, Autoconfirm: true})
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			post(w.blog, "/signup", fmt.Sprintf(`{"email":"%s","password":"%s"}`, []string{"zoe@example.org", "ZOE@example.org"}[i%2], newPassword))
		})
	}
	all.Wait()
	got := do(w.blog, http.MethodGet, "/admin/users?filter=zoe", "", "", "Authorization", w.bearer(t, "adam"))
	if n := got.Header().Get("X-Total-Count"); n != "1" {
		t.Errorf("%s accounts: %s", n, got.Body)
	}
}

// Clients forget their session over any failure to renew it.
func TestRefreshRaceWipesNoSession(t *testing.T) {
	w := newTown(t)
	g := signIn(t, w.blog)
	answers := make([]*httptest.ResponseRecorder, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = form(w.blog, "grant_type", "refresh_token", "refresh_token", g.RefreshToken) })
	}
	all.Wait()
	next := map[string]bool{}
	for _, a := range answers {
		next[granted(t, a).RefreshToken] = true
	}
	if len(next) != 1 {
		t.Errorf("%d successors of one token", len(next))
	}
	// A second tab comes much later, when the first has renewed many times.
	newest := g.RefreshToken
	for range 3 {
		newest = granted(t, form(w.blog, "grant_type", "refresh_token", "refresh_token", newest)).RefreshToken
		w.clock.Advance(time.Hour)
	}
	if again := granted(t, form(w.blog, "grant_type", "refresh_token", "refresh_token", g.RefreshToken)); again.RefreshToken != newest {
		t.Error("the second tab got a token that is not the newest")
	}
	// And a thief does not.
	if got := stolen(w.blog, g.RefreshToken); got.Code != http.StatusBadRequest {
		t.Errorf("the thief: %d", got.Code)
	}
}

// Whoever held the key was an administrator to GoTrue with sub "0".
func TestSubjectZeroIsNobody(t *testing.T) {
	w := newTown(t)
	family, _, err := w.door.Issuer.Start(t.Context(), w.ids["root"], "blog", "test", w.from())
	check(t, err)
	for _, subject := range []string{"0", "00000000-0000-0000-0000-000000000000", w.ids["adam"]} {
		token, err := w.door.Issuer.Access("blog", w.door.IssuerURL("blog"), family.ID, auth.Subject{UserID: subject})
		check(t, err)
		if got := do(w.blog, http.MethodGet, "/admin/users", "", "", "Authorization", "Bearer "+token); got.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", subject, got.Code, got.Body)
		}
	}
}

// The answers about a known address and an unknown one are the same, the first
// time and when asked again at once.
func TestAnswersTellOfNoAccount(t *testing.T) {
	for name, c := range map[string]struct{ path, body string }{
		"sign-up":        {"/signup", `{"email":"%s","password":"` + newPassword + `"}`},
		"recovery":       {"/recover", `{"email":"%s"}`},
		"magic link":     {"/magiclink", `{"email":"%s"}`},
		"wrong password": {"/token", `{"grant_type":"password","email":"%s","password":"wrong and long enough"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.policy(t, identity.Policy{SignUp: identity.SignUpOpen})
			_, err := w.people.LocalDesk("blog").Invite(t.Context(), identity.Invitation{Email: "ida@example.org"})
			check(t, err)
			for range 3 {
				answers := map[string]bool{}
				for i, address := range []string{"ann@example.org", "ida@example.org", "una@example.org", "shopkeeper@example.org", "root@example.org"} {
					q := httptest.NewRequest(http.MethodPost, Prefix+c.path, strings.NewReader(fmt.Sprintf(c.body, address)))
					q.Header.Set("Content-Type", "application/json")
					q.RemoteAddr = fmt.Sprintf("198.51.100.%d:9", i)
					got := httptest.NewRecorder()
					w.blog.ServeHTTP(got, q)
					body := strings.ReplaceAll(anyID.ReplaceAllString(got.Body.String(), "{uuid}"), address, "{address}")
					answers[fmt.Sprint(got.Code, got.Header(), body)] = true
				}
				if len(answers) != 1 {
					t.Errorf("answers differ: %v", answers)
				}
			}
		})
	}
}

// Access tokens outlived the log-out by an hour.
func TestLogoutEndsAccessTokens(t *testing.T) {
	w := newTown(t)
	bearer := w.bearer(t, "adam")
	post(w.blog, "/logout", "", "Authorization", bearer)
	for _, call := range []string{"GET /user", "GET /admin/users", "PUT /user"} {
		method, path, _ := strings.Cut(call, " ")
		if got := do(w.blog, method, path, "application/json", "{}", "Authorization", bearer); got.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", call, got.Code)
		}
	}
}

// A password that changes ends the other sessions; roles that change act at once.
func TestChangesActAtOnce(t *testing.T) {
	w := newTown(t)
	other, own := signIn(t, w.blog), signIn(t, w.blog)
	do(w.blog, http.MethodPut, "/user", "application/json", `{"password":"`+newPassword+`"}`, "Authorization", "Bearer "+own.AccessToken)
	if got := form(w.blog, "grant_type", "refresh_token", "refresh_token", other.RefreshToken); got.Code != http.StatusBadRequest {
		t.Errorf("the other session lives: %d", got.Code)
	}
	granted(t, form(w.blog, "grant_type", "refresh_token", "refresh_token", own.RefreshToken))
	bearer := w.bearer(t, "adam")
	check(t, w.people.SetRoles(t.Context(), w.ids["adam"], "blog", []string{"editor"}))
	if got := do(w.blog, http.MethodGet, "/admin/users", "", "", "Authorization", bearer); got.Code != http.StatusUnauthorized {
		t.Errorf("who is no administrator any more: %d", got.Code)
	}
}

// A visitor could choose where to register.
func TestAudienceHeaderRegistersNowhereElse(t *testing.T) {
	w := newTown(t)
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen, Autoconfirm: true, DefaultRoles: []string{"reader"}})
	post(w.blog, "/signup", `{"email":"zoe@example.org","password":"`+newPassword+`","aud":"shop"}`, "X-JWT-AUD", "shop")
	u, err := w.people.ByEmail(t.Context(), "zoe@example.org")
	check(t, err)
	if _, there := u.Roles["shop"]; there || !u.Member("blog") {
		t.Errorf("roles are %v", u.Roles)
	}
}

// A page of a stranger may neither read an answer nor cause a mail by its
// visitors' browsers.
func TestOtherOriginsDoNothing(t *testing.T) {
	w := newTown(t)
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{[]string{"Origin", "https://evil.example"}, http.StatusForbidden}, // an old browser
		{[]string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{[]string{"Origin", origin, "Sec-Fetch-Site", "cross-site"}, http.StatusOK},
		{[]string{"Origin", "http://example.com", "Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		{nil, http.StatusOK}, // no browser
	} {
		got := do(w.blog, http.MethodPost, "/recover", "text/plain", `{"email":"ann@example.org"}`, c.headers...)
		if allow := got.Header().Get("Access-Control-Allow-Origin"); got.Code != c.status || allow == "*" || got.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%v: %d, %v", c.headers, got.Code, got.Header())
		}
	}
}

func TestListsCanBeReadByPagesElsewhere(t *testing.T) {
	w := newTown(t)
	got := do(w.blog, http.MethodOptions, "/admin/users", "", "", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization,x-jwt-aud,x-nf-client,x-use-cookie")
	for _, name := range []string{"Authorization", "X-JWT-AUD", "X-Nf-Client", "X-Use-Cookie", "Content-Type"} {
		if !strings.Contains(got.Header().Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("%s is not allowed", name)
		}
	}
	if methods := got.Header().Get("Access-Control-Allow-Methods"); methods != "GET, POST" {
		t.Errorf("methods are %q", methods)
	}
	got = do(w.blog, http.MethodGet, "/admin/users", "", "", "Origin", origin, "Authorization", w.bearer(t, "adam"))
	if exposed := got.Header().Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "Link") || !strings.Contains(exposed, "X-Total-Count") {
		t.Errorf("exposed are %q", exposed)
	}
}

// X-Use-Cookie is accepted and ignored.
func TestNoCookieIsSet(t *testing.T) {
	w := newTown(t)
	q := httptest.NewRequest(http.MethodPost, Prefix+"/token", strings.NewReader(url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}}.Encode()))
	q.Header.Set("Content-Type", formType)
	q.Header.Set("X-Use-Cookie", "session")
	got := httptest.NewRecorder()
	w.blog.ServeHTTP(got, q)
	if granted(t, got); len(got.Result().Cookies()) != 0 {
		t.Errorf("cookies are %v", got.Result().Cookies())
	}
}

func TestHugeBodies(t *testing.T) {
	w := newTown(t)
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen})
	huge := `{"email":"` + strings.Repeat("x", maxBody) + `"}`
	for _, call := range []string{"POST /signup", "POST /recover", "POST /magiclink", "POST /verify", "POST /token", "PUT /user", "POST /invite", "POST /admin/users", "PUT /admin/users/" + w.ids["ann"]} {
		method, path, _ := strings.Cut(call, " ")
		if got := do(w.blog, method, path, "application/json", huge, "Authorization", w.bearer(t, "adam")); got.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %s", call, got.Code, got.Body)
		}
	}
}

func TestSlowBodies(t *testing.T) {
	w := newTown(t)
	mux := http.NewServeMux()
	h := *w.handler
	h.BodyTime = 50 * time.Millisecond
	h.Mount(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	check(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s/recover HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", Prefix)
	check(t, err)
	check(t, conn.SetReadDeadline(time.Now().Add(20*time.Second))) // a failure must not hang
	answer, err := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || err != nil {
		t.Errorf("answer is %q (%v)", answer, err)
	}
}
