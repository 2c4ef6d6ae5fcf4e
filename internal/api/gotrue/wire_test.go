package gotrue

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/identity"
	"gatehouse/internal/mail"
)

// exchange is a request and its exact answer. In the texts, {id NAME} is the id
// of a person of town, {uuid} any id, {grant} a session, and {token ADDRESS} the
// token of the last mail to an address. {e TEXT} stands for the two fields of an
// error's text.
type exchange struct {
	name    string
	after   time.Duration // that the clock goes on before
	as      string        // who of town asks; empty: nobody
	call    string        // method and path
	body    string        // JSON, or a form for /token
	headers []string
	status  int
	answer  string
}

// town is a rig with more people: ann, an editor of blog; adam, its
// administrator; shopkeeper, of shop alone; bea, of both; root, an operator.
type town struct {
	*rig
	ids     map[string]string
	bearers map[string]string
}

func newTown(t testing.TB) *town {
	t.Helper()
	w := &town{rig: newRig(t), ids: map[string]string{}, bearers: map[string]string{}}
	w.ids["ann"] = w.ann.ID
	for _, n := range []identity.NewUser{
		{Email: "adam@example.org", Name: "Adam", Roles: map[string][]string{"blog": {"admin"}}},
		{Email: "bea@example.org", Name: "Bea", Roles: map[string][]string{"blog": {"reader"}, "shop": {"admin"}}},
		{Email: "shopkeeper@example.org", Roles: map[string][]string{"shop": {"editor"}}},
		{Email: "root@example.org", Operator: true},
	} {
		n.Password = password
		u, err := w.people.Add(t.Context(), n)
		check(t, err)
		name, _, _ := strings.Cut(n.Email, "@")
		w.ids[name] = u.ID
	}
	return w
}

// policy says how people come to blog.
func (w *town) policy(t testing.TB, p identity.Policy) {
	t.Helper()
	check(t, w.people.LocalDesk("blog").SetPolicy(t.Context(), p))
}

// bearer is a header with an access token of somebody at blog.
func (w *town) bearer(t testing.TB, name string) string {
	t.Helper()
	if w.bearers[name] == "" {
		g := granted(t, form(w.blog, "grant_type", "password", "username", name+"@example.org", "password", password))
		w.bearers[name] = "Bearer " + g.AccessToken
	}
	return w.bearers[name]
}

// mailed is the token of the last mail to an address that has one.
func (w *town) mailed(t testing.TB, to string) string {
	t.Helper()
	w.people.Wait()
	list, err := w.people.Mail.List(t.Context(), mail.Filter{Limit: 1000})
	check(t, err)
	var last mail.Mail
	for _, m := range list {
		if m.To == to && !m.Created.Before(last.Created) && !strings.HasPrefix(string(m.Kind), "notice") {
			last = m
		}
	}
	if last.ID == "" {
		t.Fatalf("no mail to %s", to)
	}
	link, err := w.people.Mail.Link(t.Context(), last.ID)
	check(t, err)
	_, token, _ := strings.Cut(link, "#token=")
	return token
}

var (
	placeholder = regexp.MustCompile(`\{(id|token) ([^}]*)\}`)
	errorText   = regexp.MustCompile(`\{e (.*)\}`)
	anyID       = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	aSession    = regexp.MustCompile(`^\{"access_token":"[\w-]+\.[\w-]+\.[\w-]+","token_type":"bearer","expires_in":3600,"refresh_token":"[A-Za-z0-9_-]{43}"\}$`)
	eventID     = regexp.MustCompile(`\{"id":"\d+"`)
	aLink       = regexp.MustCompile(`#token=[A-Za-z0-9_-]{43}`)
)

func (w *town) fill(t testing.TB, text string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		if m[1] == "id" {
			return w.ids[m[2]]
		}
		return w.mailed(t, m[2])
	})
}

// run makes the exchanges, one after the other, at blog.
func (w *town) run(t *testing.T, list []exchange) {
	t.Helper()
	for _, x := range list {
		t.Run(x.name, func(t *testing.T) {
			w.clock.Advance(x.after)
			headers := x.headers
			if x.as != "" {
				headers = append([]string{"Authorization", w.bearer(t, x.as)}, headers...)
			}
			method, path, _ := strings.Cut(x.call, " ")
			kind := "application/json"
			if path == "/token" && !strings.HasPrefix(x.body, "{") {
				kind = formType
			}
			got := do(w.blog, method, w.fill(t, path), kind, w.fill(t, x.body), headers...)
			w.compare(t, got, x)
		})
	}
}

func (w *town) compare(t *testing.T, got *httptest.ResponseRecorder, x exchange) {
	t.Helper()
	body, answer := got.Body.String(), w.fill(t, x.answer)
	if m := errorText.FindStringSubmatch(answer); m != nil {
		text, err := json.Marshal(m[1])
		check(t, err)
		code, err := json.Marshal(x.status)
		check(t, err)
		answer = `{"code":` + string(code) + `,"msg":` + string(text) + `,"message":` + string(text) + `}`
	}
	if answer == "{grant}" && aSession.MatchString(body) {
		answer = body
	}
	if strings.Contains(answer, "{uuid}") {
		body = anyID.ReplaceAllString(body, "{uuid}")
		answer = anyID.ReplaceAllString(answer, "{uuid}")
	}
	body = aLink.ReplaceAllString(body, "#token={any}")
	if got.Code != x.status || body != answer {
		t.Errorf("answer is %d %s\nwant      %d %s", got.Code, body, x.status, answer)
	}
	if kind := got.Header().Get("Content-Type"); body != "" && kind != "application/json" {
		t.Errorf("content type is %q", kind)
	}
}

// from is where strangers come from.
func (w *town) from() netip.Addr { return netip.MustParseAddr("192.0.2.1") }

// oauth is the answer of a grant that is refused.
func oauth(code, text string) string {
	return `{"error":"` + code + `","error_description":"` + text + `","message":"` + text + `"}`
}

// signsIn reports whether an address and a password belong together.
func (w *town) signsIn(t testing.TB, address, secret string) bool {
	t.Helper()
	return form(w.blog, "grant_type", "password", "username", address, "password", secret).Code == http.StatusOK
}

func TestWireOfSettings(t *testing.T) {
	const before = `{"external":{"bitbucket":false,"github":false,"gitlab":false,"google":false,"facebook":false,"email":`
	const labels = `,"saml":false},"external_labels":{},`
	w := newTown(t)
	for _, c := range []struct {
		policy identity.Policy
		answer string
	}{
		{identity.Policy{}, before + `true` + labels + `"disable_signup":true,"autoconfirm":false}`},
		{identity.Policy{SignUp: identity.SignUpOpen}, before + `true` + labels + `"disable_signup":false,"autoconfirm":false}`},
		{identity.Policy{SignUp: identity.SignUpOpen, Autoconfirm: true}, before + `true` + labels + `"disable_signup":false,"autoconfirm":true}`},
		{identity.Policy{SignUp: identity.SignUpClosed}, before + `true` + labels + `"disable_signup":true,"autoconfirm":false}`},
		{identity.Policy{SignUp: identity.SignUpOpen, PasswordOff: true}, before + `false` + labels + `"disable_signup":true,"autoconfirm":false}`},
	} {
		w.policy(t, c.policy)
		want(t, do(w.blog, http.MethodGet, "/settings", "", ""), http.StatusOK, c.answer)
	}
}

func TestWireOfGrants(t *testing.T) {
	w := newTown(t)
	check(t, w.people.LocalDesk("").Disable(t.Context(), w.ids["bea"]))
	_, err := w.people.LocalDesk("blog").Add(t.Context(), identity.Draft{Email: "new@example.org", Password: password})
	check(t, err)
	const wrong = "No user found with that email, or password invalid."
	pair := func(name, secret string) string {
		return url.Values{"grant_type": {"password"}, "username": {name}, "password": {secret}}.Encode()
	}
	w.run(t, []exchange{
		{name: "password", call: "POST /token", body: pair(email, password), status: 200, answer: "{grant}"},
		{name: "wrong password", call: "POST /token", body: pair(email, "wrong"), status: 400, answer: oauth("invalid_grant", wrong)},
		{name: "unknown user", call: "POST /token", body: pair("x@example.org", password), status: 400, answer: oauth("invalid_grant", wrong)},
		// GoTrue says so before it looks at the password, which tells strangers that there is such an account.
		{name: "not confirmed", call: "POST /token", body: pair("new@example.org", password), status: 400, answer: oauth("invalid_grant", "Email not confirmed")},
		{name: "not confirmed, wrong password", call: "POST /token", body: pair("new@example.org", "wrong"), status: 400, answer: oauth("invalid_grant", wrong)},
		// GoTrue has no disabled accounts.
		{name: "disabled", call: "POST /token", body: pair("bea@example.org", password), status: 400, answer: oauth("invalid_grant", "This account is disabled. Ask an administrator of the site.")},
		{name: "no such grant", call: "POST /token", body: "grant_type=pkce", status: 400, answer: `{"error":"unsupported_grant_type","message":"unsupported_grant_type"}`},
		{name: "no refresh token", call: "POST /token", body: "grant_type=refresh_token", status: 400, answer: oauth("invalid_request", "refresh_token required")},
		{name: "unknown refresh token", call: "POST /token", body: "grant_type=refresh_token&refresh_token=x", status: 400, answer: oauth("invalid_grant", "Invalid Refresh Token")},
		// GoTrue understands forms alone.
		{name: "JSON", call: "POST /token", body: `{"grant_type":"password","email":"ann@example.org","password":"` + password + `"}`, status: 200, answer: "{grant}"},
	})
	g := granted(t, form(w.blog, "grant_type", "password", "username", email, "password", password))
	w.policy(t, identity.Policy{PasswordOff: true})
	w.run(t, []exchange{
		{name: "passwords off", call: "POST /token", body: pair(email, password), status: 400, answer: "{e Unsupported email provider}"},
		// GoTrue refuses this, too, which ends sessions that began by other means.
		{name: "renewing with passwords off", call: "POST /token", body: "grant_type=refresh_token&refresh_token=" + g.RefreshToken, status: 200, answer: "{grant}"},
	})
	w.clock.Advance(auth.RefreshIdle)
	w.run(t, []exchange{
		{name: "old refresh token", call: "POST /token", body: "grant_type=refresh_token&refresh_token=" + g.RefreshToken, status: 400, answer: oauth("invalid_grant", "Refresh token expired")},
	})
}
