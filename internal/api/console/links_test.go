package console_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/api/console"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/identity"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
	"gatehouse/web"
)

// hall is the console of a server with a blog and a shop: Bo administers the
// blog, Sue the shop, Olga everything. Mails are kept.
type hall struct {
	*gate
	post  *mail.Post
	audit *audit.Log
	users map[string]identity.User
	now   time.Time
}

func openHall(t *testing.T) *hall {
	t.Helper()
	s, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := &hall{now: time.Now(), users: map[string]identity.User{}}
	clock := func() time.Time { return h.now }
	people := identity.New(s)
	h.post, h.audit = &mail.Post{Store: s, Now: clock}, &audit.Log{Store: s, Now: clock}
	people.Now, people.Mail, people.Audit = clock, h.post, h.audit
	people.Pages = func(site, page, token string) string {
		return "https://cms.example.org/s/" + site + "/" + page + "?token=" + token
	}
	t.Cleanup(people.Wait)
	for _, n := range []identity.NewUser{
		{Email: "bo@example.org", Name: "Bo", Roles: map[string][]string{"blog": {"admin"}}},
		{Email: "sue@example.org", Name: "Sue", Roles: map[string][]string{"shop": {"admin"}}},
		{Email: "olga@example.org", Name: "Olga", Operator: true},
		{Email: "ed@example.org", Name: "Ed", Roles: map[string][]string{"blog": {"editor"}}},
		{Email: "both@example.org", Name: "Both", Roles: map[string][]string{"blog": {"editor"}, "shop": {"editor"}}},
	} {
		n.Password = password
		if h.users[n.Email], err = people.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	pages, err := console.NewPages(web.Console(), log)
	if err != nil {
		t.Fatal(err)
	}
	sessions := &auth.Sessions{Store: s, Now: clock}
	door := &auth.Door{Sessions: sessions}
	principal := func(r *http.Request) (auth.Principal, error) { return door.Principal(r, "") }
	sites := []console.SiteLink{{Name: "blog", Title: "The <Blog>"}, {Name: "shop", Title: "The Shop"}}
	mux := http.NewServeMux()
	pages.Mount(mux)
	tongue := func(context.Context) string { return "de" }
	(&console.Login{Pages: pages, Identity: people, Sessions: sessions, Principal: principal, Home: "admin/", Language: tongue}).Mount(mux)
	(&console.Links{Pages: pages, Identity: people, Sessions: sessions, Principal: principal, Site: "blog", Title: "The <Blog>", Home: "admin/", Language: tongue}).Mount(mux)
	(&console.Account{Pages: pages, Identity: people, Sessions: sessions, Principal: principal, Now: clock, Sites: sites}).Mount(mux)
	(&console.People{Pages: pages, Identity: people, Mail: h.post, Audit: h.audit, Principal: principal, Sites: sites, Now: clock}).Mount(mux)
	srv := httptest.NewServer(api.SameOrigin(nil, mux))
	t.Cleanup(srv.Close)
	h.gate = &gate{Server: srv, people: people, http: newClient(t)}
	return h
}

// as is the same server with somebody else's browser.
func (h *hall) as(t *testing.T, email string) *hall {
	t.Helper()
	other := *h
	other.gate = &gate{Server: h.Server, people: h.people, http: newClient(t)}
	if email != "" {
		a := other.do(t, "POST", "/login?lang=en", url.Values{"email": {email}, "password": {password}})
		if a.StatusCode != http.StatusSeeOther {
			t.Fatalf("sign-in: %d %s", a.StatusCode, a.text)
		}
	}
	return &other
}

// link is the token of the newest mail to an address.
func (h *hall) link(t *testing.T, kind mail.Kind, to string) (page, token string) {
	t.Helper()
	h.people.Wait()
	list, err := h.post.List(t.Context(), mail.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Kind != kind || m.To != to {
			continue
		}
		link, err := h.post.Link(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		page, token, _ = strings.Cut(link[strings.LastIndexByte(link, '/')+1:], "?token=")
		return page, token
	}
	t.Fatalf("no %s to %s", kind, to)
	return "", ""
}

func (h *hall) invite(t *testing.T, n identity.Invitation) {
	t.Helper()
	desk, err := h.people.Desk(t.Context(), auth.Principal{UserID: h.users["bo@example.org"].ID}, "blog")
	if err == nil {
		_, err = desk.Invite(t.Context(), n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const fresh = "nine grey geese fly"

func TestAnInvitationIsTakenUp(t *testing.T) {
	h := openHall(t)
	h.invite(t, identity.Invitation{Email: "new@example.org", Name: "New One", Roles: []string{"editor"}})
	page, token := h.link(t, mail.Invite, "new@example.org")
	if page != "invite" {
		t.Fatalf("page %q", page)
	}
	path := "/invite?lang=en&token=" + token
	for range 3 { // whoever guards the mailbox looks, too
		a := h.get(t, path)
		a.wants(t, 200, "<strong>Bo</strong> invites you to help edit The &lt;Blog&gt;", "editor", `value="New One"`, `value="new@example.org"`, `value="`+token+`"`)
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if !strings.Contains(a.text, `content="noindex"`) || strings.Contains(a.text, "?token=") {
			t.Error("the page may be found, or links to its own token")
		}
	}
	h.do(t, "POST", "/invite", url.Values{"lang": {"en"}, "token": {token}, "password": {"short"}, "name": {"Ann"}}).
		wants(t, 400, "too short", `value="Ann"`, `lang="en"`)
	a := h.do(t, "POST", "/invite", url.Values{"token": {token}, "password": {fresh}, "name": {"Ann Example"}, "operator": {"1"}, "roles": {"admin"}, "email": {"bo@example.org"}})
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "admin/" {
		t.Fatalf("%d to %q\n%s", a.StatusCode, a.Header.Get("Location"), a.text)
	}
	h.get(t, "/console/?lang=en").wants(t, 200, "Hello, Ann Example", "new@example.org")
	u, err := h.people.ByEmail(t.Context(), "new@example.org")
	if err != nil || u.Operator || strings.Join(u.Roles["blog"], " ") != "editor" {
		t.Errorf("%+v %v", u, err)
	}
	// The link is worth nothing now; whoever follows it again is told the way.
	h.get(t, path).wants(t, 404, "not valid any more", "You are signed in as <strong>Ann Example</strong>")
	stranger := h.as(t, "")
	stranger.get(t, path).wants(t, 404, "not valid any more", `href="login?lang=en"`, `action="recover"`)
	stranger.do(t, "POST", "/invite", url.Values{"lang": {"en"}, "token": {token}, "password": {fresh}}).wants(t, 404, "not valid any more")
}

func TestLinksThatLeadNowhereSayWhatToDo(t *testing.T) {
	h := openHall(t)
	h.invite(t, identity.Invitation{Email: "late@example.org", Roles: []string{"editor"}})
	_, token := h.link(t, mail.Invite, "late@example.org")
	for path, want := range map[string]string{
		"/invite?lang=en":                                    "not complete",
		"/invite?lang=en&token=" + token[:20]:                "not complete",
		"/confirm?lang=en&token=" + token:                    "not valid any more",
		"/recover?lang=en&token=" + strings.Repeat("a", 43):  "not valid any more",
		"/email?lang=en&token=" + strings.Repeat("a", 43):    "change your address again",
		"/magic?lang=en&token=%3Cscript%3E":                  "not complete",
		"/magic?lang=en&token=" + strings.Repeat("%22a", 43): `action="magic"`,
	} {
		a := h.get(t, path)
		a.wants(t, 404, want)
		a.lacks(t, "<script>", `"a"a`)
	}
	h.now = h.now.Add(8 * 24 * time.Hour)
	h.get(t, "/invite?lang=en&token="+token).wants(t, 404, "has expired", "Send me a link")
	// The new link takes the invitation up, since the mailbox is the person's.
	h.do(t, "POST", "/recover?lang=en", url.Values{"email": {"late@example.org"}}).wants(t, 200, "Look into your mailbox", "late@example.org")
	_, token = h.link(t, mail.Recover, "late@example.org")
	h.get(t, "/recover?lang=en&token="+token).wants(t, 200, "A new password")
	if a := h.do(t, "POST", "/recover", url.Values{"token": {token}, "password": {fresh}}); a.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}

func TestAForgottenPassword(t *testing.T) {
	h := openHall(t)
	h.get(t, "/login?lang=en").wants(t, 200, `href="recover?lang=en"`, "Forgot your password?")
	h.get(t, "/recover?lang=en").wants(t, 200, "Forgot your password?", `action="recover"`)
	known := h.do(t, "POST", "/recover", url.Values{"lang": {"en"}, "email": {"ed@example.org"}})
	known.wants(t, 200, "Look into your mailbox")
	unknown := h.do(t, "POST", "/recover", url.Values{"lang": {"en"}, "email": {"xx@example.org"}})
	unknown.wants(t, 200, "Look into your mailbox")
	same := func(s, address string) string { return nonce.ReplaceAllString(strings.ReplaceAll(s, address, ""), "") }
	if same(known.text, "ed@example.org") != same(unknown.text, "xx@example.org") {
		t.Error("the answer tells who has an account")
	}
	h.do(t, "POST", "/recover", url.Values{"lang": {"en"}, "email": {"no address"}}).wants(t, 400, "is no e-mail address")
	_, token := h.link(t, mail.Recover, "ed@example.org")
	h.do(t, "POST", "/recover", url.Values{"lang": {"en"}, "token": {token}}).wants(t, 400, "too short")
	if a := h.do(t, "POST", "/recover", url.Values{"token": {token}, "password": {fresh}}); a.Header.Get("Location") != "admin/" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	h.get(t, "/console/?lang=en").wants(t, 200, "Hello, Ed")
	if _, err := h.people.SignIn(t.Context(), "ed@example.org", fresh, netip.Addr{}); err != nil {
		t.Error(err)
	}
}

func TestMagicLinksAndConfirmationsNeedAButton(t *testing.T) {
	h := openHall(t)
	h.get(t, "/magic?lang=en").wants(t, 200, "Sign in by mail", `action="magic"`)
	h.do(t, "POST", "/magic", url.Values{"lang": {"en"}, "email": {"ed@example.org"}}).wants(t, 200, "15 minutes")
	_, token := h.link(t, mail.MagicLink, "ed@example.org")
	for range 2 {
		h.get(t, "/magic?lang=en&token="+token).wants(t, 200, "This signs you in as <strong>ed@example.org</strong>", `<form method="post" action="magic">`)
	}
	h.get(t, "/console/").wants(t, 303)
	if a := h.do(t, "POST", "/magic", url.Values{"token": {token}}); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	h.get(t, "/console/?lang=en").wants(t, 200, "Hello, Ed")

	if err := h.people.LocalDesk("blog").SetPolicy(t.Context(), identity.Policy{SignUp: identity.SignUpOpen}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.people.SignUp(t.Context(), "blog", identity.NewAccount{Email: "una@example.org", Password: fresh, Name: "Una"}, netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	_, token = h.link(t, mail.Confirm, "una@example.org")
	una := h.as(t, "")
	una.get(t, "/confirm?lang=en&token="+token).wants(t, 200, "Is <strong>una@example.org</strong> your address?")
	if a := una.do(t, "POST", "/confirm", url.Values{"token": {token}}); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	una.get(t, "/console/?lang=en").wants(t, 200, "Hello, Una")
}

// Whoever reads the new mailbox is not thereby signed in.
func TestAChangeOfAddressSignsNobodyIn(t *testing.T) {
	h := openHall(t)
	if err := h.people.ChangeEmail(t.Context(), h.users["ed@example.org"].ID, "blog", "edwin@example.org"); err != nil {
		t.Fatal(err)
	}
	_, token := h.link(t, mail.EmailChange, "edwin@example.org")
	h.get(t, "/email?lang=en&token="+token).wants(t, 200, "The address of your account becomes <strong>edwin@example.org</strong>")
	h.do(t, "POST", "/email?lang=en", url.Values{"token": {token}}).wants(t, 200, "Your address is changed", "edwin@example.org")
	h.get(t, "/console/").wants(t, 303)
}

func TestForeignPagesCannotUseLinks(t *testing.T) {
	h := openHall(t)
	for _, path := range []string{"/invite", "/confirm", "/recover", "/email", "/magic", "/console/people/invite", "/console/mails/x/link"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+path, strings.NewReader("token=x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Origin", "https://evil.example")
		res, err := h.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}
