package console_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/api/console"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/identity"
	"gatehouse/internal/provider"
	"gatehouse/internal/store"
	"gatehouse/web"
)

const appSecret = "shh-0123456789abcdef"

// desk is the console of a server with an operator, who is signed in.
type desk struct {
	*gate
	set     *connector.Set
	audit   *audit.Log
	handles *auth.Handles
	now     time.Time
}

func openDesk(t *testing.T, file ...connector.Entry) *desk {
	t.Helper()
	s, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := &desk{now: time.Now()}
	clock := func() time.Time { return d.now }
	d.set = connector.New(s, file, connector.Options{Now: clock})
	d.audit, d.handles = &audit.Log{Store: s, Now: clock}, &auth.Handles{Store: s, Now: clock}
	people := identity.New(s)
	mara, err := people.Add(t.Context(), identity.NewUser{Email: "mara@example.org", Name: "Mara Quill", Password: password, Operator: true})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	pages, err := console.NewPages(web.Console(), log)
	if err != nil {
		t.Fatal(err)
	}
	sessions := &auth.Sessions{Store: s}
	door := &auth.Door{Sessions: sessions}
	principal := func(r *http.Request) (auth.Principal, error) { return door.Principal(r, "") }
	sites := []console.SiteLink{{Name: "blog", Title: "The <Blog>"}, {Name: "shop", Title: "The Shop"}}
	mux := http.NewServeMux()
	pages.Mount(mux)
	(&console.Login{Pages: pages, Identity: people, Sessions: sessions, Principal: principal, Home: "console/"}).Mount(mux)
	(&console.Account{Pages: pages, Identity: people, Sessions: sessions, Principal: principal, Now: clock, Sites: sites}).Mount(mux)
	(&console.Connectors{
		Pages: pages, Set: d.set, Audit: d.audit, Handles: d.handles, Principal: principal,
		URL: "https://cms.example.org", Sites: sites, Now: clock,
	}).Mount(mux)
	srv := httptest.NewServer(api.SameOrigin(nil, mux))
	t.Cleanup(srv.Close)
	d.gate = &gate{Server: srv, people: people, mara: mara, http: newClient(t)}
	d.signIn(t)
	return d
}

func hub(change ...func(*connector.Entry)) connector.Entry {
	e := connector.Entry{Secret: appSecret, Connector: connector.Connector{Name: "hub", Kind: provider.GitHub, ClientID: "Ov23li0123"}}
	for _, c := range change {
		c(&e)
	}
	return e
}

func (d *desk) add(t *testing.T, entries ...connector.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := d.set.Add(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// lacks is for what must be in no answer.
func (a answer) lacks(t *testing.T, phrases ...string) {
	t.Helper()
	for _, p := range phrases {
		if strings.Contains(a.text, p) {
			t.Errorf("%s %s holds %q", a.Request.Method, a.Request.URL.Path, p)
		}
	}
}

func TestConnectorsAreForOperators(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub())
	gets := []string{"/console/connectors", "/console/connectors/new", "/console/connectors/hub", "/console/connectors/hub/remove", "/console/sign-ins"}
	posts := []string{"/console/connectors/new", "/console/connectors/hub", "/console/connectors/hub/remove", "/console/connectors/hub/one-window", "/console/sign-ins/end"}

	stranger := &desk{gate: &gate{Server: d.Server, http: newClient(t)}}
	for _, path := range gets {
		d.get(t, path).wants(t, 200, "<h1>", `href="/console/sign-ins"`)
		if a := stranger.get(t, path); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/login?next="+path {
			t.Errorf("%s: %d to %q", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if _, err := d.people.Add(t.Context(), identity.NewUser{Email: "ed@example.org", Name: "Ed", Password: password, Roles: map[string][]string{"blog": {"admin"}}}); err != nil {
		t.Fatal(err)
	}
	stranger.do(t, "POST", "/login", url.Values{"email": {"ed@example.org"}, "password": {password}})
	for _, path := range gets {
		a := stranger.get(t, path)
		a.wants(t, 403, "Not for this account", "Ed is not one")
		a.lacks(t, "hub")
	}
	for _, path := range posts {
		stranger.do(t, "POST", path, url.Values{}).wants(t, 403)
	}
	stranger.get(t, "/console/").lacks(t, "/console/connectors")
	d.get(t, "/console/").wants(t, 200, `href="/console/connectors"`)
	if _, err := d.set.Get(t.Context(), "hub"); err != nil {
		t.Error(err)
	}
}

func TestConnectorFormsOfOtherOriginsAreRefused(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub())
	req, err := http.NewRequest(http.MethodPost, d.URL+"/console/connectors/hub/remove", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://evil.example")
	res, err := d.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if _, err := d.set.Get(t.Context(), "hub"); res.StatusCode != http.StatusForbidden || err != nil {
		t.Errorf("%d, %v", res.StatusCode, err)
	}
}

func TestNoConnectorSaysWhatToDo(t *testing.T) {
	d := openDesk(t)
	d.get(t, "/console/connectors").wants(t, 200, "There is no connector yet", `href="/console/connectors/new"`)
}

func TestNewConnectorStep1(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub(func(e *connector.Entry) { e.Name = "github" }))
	d.get(t, "/console/connectors/new").wants(t, 200, `value="github-app"`, `value="forgejo"`)
	for query, want := range map[string]string{
		"kind=gitea":                                   `Give the address of the host`,
		"kind=gitea&url=http://git.example.org":        `id="url-error"`,
		"kind=github&name=Not+good":                    `value="Not good"`,
		"kind=github&name=github":                      `There is a connector named github already`,
		"kind=sourcehut&url=https://sr.example&name=x": `id="kind-error"`,
	} {
		d.get(t, "/console/connectors/new?"+query).wants(t, 400, `role="alert"`, want)
	}
	d.get(t, "/console/connectors/new?kind=github&url=&name=").wants(t, 200, `value="https://cms.example.org/callback/github-2"`, `name="name" value="github-2"`)
}

func TestNewConnectorShowsWhatToRegister(t *testing.T) {
	d := openDesk(t)
	for kind, wants := range map[string][]string{
		"github":     {"https://github.com/settings/applications/new?", "Authorization callback URL"},
		"github-app": {"https://github.com/settings/apps/new", `name="app"`, "required"},
		"gitlab":     {"https://gitlab.com/-/user_settings/applications", "Redirect URI"},
		"bitbucket":  {"https://bitbucket.org/", "private consumer"},
		"forgejo":    {"https://git.example.org/user/settings/applications", "Confidential Client"},
	} {
		address := ""
		if kind == "forgejo" {
			address = "https://git.example.org"
		}
		a := d.get(t, "/console/connectors/new?"+url.Values{"kind": {kind}, "url": {address}, "name": {"mine"}}.Encode())
		a.wants(t, 200, append(wants, `value="https://cms.example.org/callback/mine" readonly`, `type="password"`)...)
	}
	d.get(t, "/console/connectors/new?kind=bitbucket").lacks(t, `name="old"`, `name="scope"`, `name="app"`)
}

func TestAddConnector(t *testing.T) {
	d := openDesk(t)
	form := url.Values{
		"kind": {"github"}, "name": {"hub"}, "url": {""}, "client_id": {" Ov23li0123 "}, "client_secret": {appSecret},
		"sites": {"shop"}, "launcher": {"yes"}, "callback": {"/oauth/redirect"},
	}
	for range 2 { // a second click does no harm
		if a := d.do(t, "POST", "/console/connectors/new", form); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/console/connectors?done=added" {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
	}
	c, err := d.set.Get(t.Context(), "hub")
	if err != nil || c.ClientID != "Ov23li0123" || !c.Launcher || c.NoPKCE || c.Callback != "/oauth/redirect" || len(c.Sites) != 1 {
		t.Errorf("%v %+v", err, c)
	}
	a := d.get(t, "/console/connectors?done=added")
	a.wants(t, 200, "The connector is added", "hub", "GitHub", "github.com", "Ov23li0123", "used by The Shop", "always opens")
	a.lacks(t, appSecret)
}

// What was typed comes back with what is wrong, all but the secret.
func TestBadConnectorComesBack(t *testing.T) {
	d := openDesk(t)
	form := url.Values{
		"kind": {"github"}, "name": {"hub"}, "client_id": {`"two" words`}, "client_secret": {appSecret},
		"sites": {"blog", "gone"}, "proxy": {"http://me:hush@proxy.example/path"}, "ca": {"no <PEM>"}, "private": {"yes"},
	}
	a := d.do(t, "POST", "/console/connectors/new", form)
	a.wants(t, 400, `role="alert"`, "Nothing is saved yet", `id="client_id-error"`, `id="proxy-error"`, `id="ca-error"`, `aria-invalid="true"`,
		"&#34;two&#34; words", "no &lt;PEM&gt;", "<details open>", `value="blog" checked`, `value="gone" checked`, "http://me@proxy.example/path")
	a.lacks(t, appSecret, "hush", `id="client_secret-error"`, "<PEM>")
	if all, err := d.set.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%v %v", all, err)
	}
	form.Set("name", "selftest")
	d.do(t, "POST", "/console/connectors/new", form).wants(t, 400, "selftest is taken")
}

func TestEditConnector(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub(func(e *connector.Entry) { e.Proxy = "http://me:hush@proxy.example"; e.Sites = []string{"shop", "gone"} }))
	a := d.get(t, "/console/connectors/hub")
	a.wants(t, 200, "<h1>hub</h1>", `value="Ov23li0123"`, `value="https://github.com"`, "Leave it empty to keep", `value="shop" checked`, "gone (no longer in gatehouse.yaml)", `href="/console/connectors/hub/remove"`)
	a.lacks(t, appSecret, "hush")
	updated := between(a.text, `name="updated" value="`, `"`)

	form := url.Values{"url": {"https://github.com"}, "client_id": {"Ov23another"}, "proxy": {"http://me@proxy.example"}, "updated": {updated}, "name": {"other"}, "kind": {"gitlab"}}
	for range 2 {
		if a := d.do(t, "POST", "/console/connectors/hub", form); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/console/connectors?done=saved" {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
	}
	p, err := d.set.Provider(t.Context(), "hub")
	if err != nil || p.ClientSecret != appSecret || p.ClientID != "Ov23another" || p.Kind != provider.GitHub {
		t.Errorf("after an edit without a secret: %v", err)
	}
	form.Set("client_id", "Ov23third")
	d.do(t, "POST", "/console/connectors/hub", form).wants(t, 409, "your changes are not saved", `value="Ov23another"`)
	form.Del("updated")
	form.Set("url", "https://evil.example")
	d.do(t, "POST", "/console/connectors/hub", form).wants(t, 400, "give the secret again", `value="https://evil.example"`)
	d.get(t, "/console/connectors/none").wants(t, 404, "no connector named none")
	d.do(t, "POST", "/console/connectors/none", form).wants(t, 404)
}

func TestConnectorOfTheFileIsReadOnly(t *testing.T) {
	d := openDesk(t, hub(func(e *connector.Entry) { e.Proxy = "http://me:hush@proxy.example" }))
	d.get(t, "/console/connectors").wants(t, 200, "gatehouse.yaml")
	a := d.get(t, "/console/connectors/hub")
	a.wants(t, 200, "This is in gatehouse.yaml", "Ov23li0123", "https://cms.example.org/callback/hub", "http://me@proxy.example")
	a.lacks(t, appSecret, "hush", "<form", "Remove")
	d.get(t, "/console/connectors/hub/remove").wants(t, 403, "gatehouse.yaml")
	d.do(t, "POST", "/console/connectors/hub/remove", url.Values{}).wants(t, 403)
	d.do(t, "POST", "/console/connectors/hub", url.Values{"client_id": {"x"}}).wants(t, 403)
	d.do(t, "POST", "/console/connectors/new", url.Values{"name": {"hub"}, "kind": {"github"}, "client_id": {"x"}, "client_secret": {"x"}}).wants(t, 403)
}

func TestRemoveConnector(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub())
	d.get(t, "/console/connectors/hub/remove").wants(t, 200, "Remove hub?", `method="post" action="/console/connectors/hub/remove"`)
	for range 2 {
		if a := d.do(t, "POST", "/console/connectors/hub/remove", url.Values{}); a.Header.Get("Location") != "/console/connectors?done=removed" {
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
	}
	d.get(t, "/console/connectors?done=removed").wants(t, 200, "The connector is removed", "There is no connector yet")
}

func TestLauncherCanBeReset(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub())
	d.get(t, "/console/connectors").lacks(t, "one-window")
	if err := d.set.LostOpener(t.Context(), "hub", "1"); err != nil {
		t.Fatal(err)
	}
	d.get(t, "/console/connectors").wants(t, 200, "cut the popup off", `action="/console/connectors/hub/one-window"`)
	d.do(t, "POST", "/console/connectors/hub/one-window", url.Values{}).wants(t, 303)
	d.get(t, "/console/connectors?done=window").lacks(t, `action="/console/connectors/hub/one-window"`)
	if needs, err := d.set.NeedsLauncher(t.Context(), "hub"); needs || err != nil {
		t.Error(needs, err)
	}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}
