package connector_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/connector"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
	"gatehouse/internal/store/storetest"
)

const secret = "shh-0123456789abcdef"

// entry is a connector that nothing is wrong with.
func entry(name, kind string, change ...func(*connector.Entry)) connector.Entry {
	e := connector.Entry{Secret: secret, Connector: connector.Connector{Name: name, Kind: kind, ClientID: "client-" + name}}
	if connector.Home(kind) == "" {
		e.URL = "https://" + name + ".example"
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func newSet(t *testing.T, file ...connector.Entry) *connector.Set {
	t.Helper()
	return connector.New(storetest.Open(t), file, connector.Options{})
}

func add(t *testing.T, s *connector.Set, entries ...connector.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := s.Add(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func names(list []connector.Connector) string {
	var all []string
	for _, c := range list {
		all = append(all, c.Name)
	}
	return strings.Join(all, " ")
}

func list(t *testing.T, s *connector.Set) []connector.Connector {
	t.Helper()
	all, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFileComesFirstAndWins(t *testing.T) {
	st := storetest.Open(t)
	add(t, connector.New(st, nil, connector.Options{}), entry("hub", provider.GitHub), entry("alpha", provider.GitLab))
	s := connector.New(st, []connector.Entry{entry("zeta", provider.GitLab), entry("hub", provider.Gitea)}, connector.Options{})
	all := list(t, s)
	if got := names(all); got != "hub zeta alpha" {
		t.Fatalf("order: %s", got)
	}
	if all[0].Kind != provider.Gitea || !all[0].FromFile || all[2].FromFile {
		t.Errorf("the file's connector does not win: %+v", all)
	}
	for what, err := range map[string]error{
		"add":    s.Add(t.Context(), entry("zeta", provider.GitHub)),
		"update": s.Update(t.Context(), entry("hub", provider.GitHub)),
		"remove": s.Remove(t.Context(), "hub"),
	} {
		if !fault.Is(err, fault.Forbidden) || !strings.Contains(fault.Message(err), "gatehouse.yaml") {
			t.Errorf("%s of a connector of the file: %v", what, err)
		}
	}
}

func TestAddUpdateRemove(t *testing.T) {
	st := storetest.Open(t)
	s := connector.New(st, nil, connector.Options{})
	ctx := t.Context()
	add(t, s, entry(" hub ", provider.GitHub, func(e *connector.Entry) { e.ClientID, e.URL = " Ov23 ", "GitHub.com/" }))
	got, err := s.Get(ctx, "hub")
	if err != nil {
		t.Fatal(err)
	}
	if got.ClientID != "Ov23" || got.URL != "https://github.com" || got.CallbackPath() != "/callback/hub" {
		t.Errorf("what was pasted is not tidied: %+v", got)
	}
	add(t, s, entry("hub", provider.GitHub, func(e *connector.Entry) { e.ClientID = "Ov23" })) // a second click
	if n := len(list(t, s)); n != 1 {
		t.Fatalf("%d connectors after a double click", n)
	}

	edit := connector.Entry{Connector: got}
	edit.Sites, edit.Launcher = []string{"shop", "blog", "shop"}, true
	if err := s.Update(ctx, edit); err != nil {
		t.Fatal(err)
	}
	if row, err := st.Connector(ctx, "hub"); err != nil || row.Secret != secret || !slices.Equal(row.Sites, []string{"blog", "shop"}) {
		t.Errorf("after an edit without a secret: %v, sites %v, secret kept: %v", err, row.Sites, row.Secret == secret)
	}
	if err := s.Update(ctx, edit); err != nil {
		t.Errorf("the same edit again: %v", err)
	}
	edit.Launcher = false
	if err := s.Update(ctx, edit); !fault.Is(err, fault.Conflict) {
		t.Errorf("an edit of what is no longer there: %v", err)
	}
	if err := s.Remove(ctx, "hub"); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"remove": s.Remove(ctx, "hub"), "update": s.Update(ctx, edit)} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of none: %v", what, err)
		}
	}
}

// Whoever may edit a connector may not read its secret by pointing it at a
// server of their own.
func TestSecretStaysWithItsHost(t *testing.T) {
	s := newSet(t)
	add(t, s, entry("hub", provider.GitHub))
	cert, _ := authority(t)
	for what, change := range map[string]func(*connector.Entry){
		"url":  func(e *connector.Entry) { e.URL = "https://elsewhere.example" },
		"api":  func(e *connector.Entry) { e.API = "https://elsewhere.example" },
		"kind": func(e *connector.Entry) { e.Kind = provider.GitLab },
		"ca":   func(e *connector.Entry) { e.CA, e.Proxy = cert, "http://elsewhere.example:3128" },
	} {
		e := entry("hub", provider.GitHub, change)
		e.Secret = ""
		var problems connector.Problems
		if err := s.Update(t.Context(), e); !errors.As(err, &problems) || problems[0].Field != connector.FieldSecret {
			t.Fatalf("%s: %v", what, err)
		}
		e.Secret = "another"
		if p, err := s.Check(t.Context(), e, true); err != nil || len(p) > 0 {
			t.Errorf("%s with a new secret: %v %v", what, p, err)
		}
	}
}

func TestProxyPasswordIsKeptAndNotShown(t *testing.T) {
	st := storetest.Open(t)
	s := connector.New(st, nil, connector.Options{})
	add(t, s, entry("hub", provider.GitHub, func(e *connector.Entry) { e.Proxy = "http://me:hush@proxy.example:3128" }))
	c, err := s.Get(t.Context(), "hub")
	if err != nil || c.Proxy != "http://me@proxy.example:3128" {
		t.Fatalf("%q %v", c.Proxy, err)
	}
	c.Launcher = true
	if err := s.Update(t.Context(), connector.Entry{Connector: c}); err != nil {
		t.Fatal(err)
	}
	if row, err := st.Connector(t.Context(), "hub"); err != nil || row.Proxy != "http://me:hush@proxy.example:3128" {
		t.Errorf("the password of the proxy is gone: %v", err)
	}
	if c, err = s.Get(t.Context(), "hub"); err != nil {
		t.Fatal(err)
	}
	c.Proxy = "http://me@other.example:3128"
	if err := s.Update(t.Context(), connector.Entry{Connector: c}); err != nil {
		t.Fatal(err)
	}
	if row, _ := st.Connector(t.Context(), "hub"); row.Proxy != "http://me@other.example:3128" {
		t.Error("the password went along to another proxy")
	}
	for _, odd := range []string{"me:hush@proxy", "http://me:hush@pro xy", "%zz:hush@proxy", "http://me:hush@proxy/\x00"} {
		e := entry("x", provider.GitHub, func(e *connector.Entry) { e.Proxy = odd })
		if shown := e.Shown().Proxy; strings.Contains(shown, "hush") {
			t.Errorf("%q is shown as %q", odd, shown)
		}
	}
}

func TestFor(t *testing.T) {
	only := func(sites ...string) func(*connector.Entry) { return func(e *connector.Entry) { e.Sites = sites } }
	s := newSet(t, entry("hub", provider.GitHub), entry("lab", provider.GitLab, only("blog")))
	add(t, s, entry("lab2", provider.GitLab, only("shop", "blog")), entry("forge", provider.Forgejo))
	for _, x := range []struct {
		site, kind string
		named      []string
		want       string
		fails      fault.Kind
		says       string
	}{
		{"blog", provider.GitHub, nil, "hub", 0, ""},
		{"shop", provider.GitLab, nil, "lab2", 0, ""},
		{"blog", provider.GitLab, []string{"lab2", "hub"}, "lab2", 0, ""},
		{"docs", provider.GitLab, []string{"lab"}, "lab", 0, ""},
		{"blog", provider.GitLab, nil, "", fault.Conflict, "lab, lab2"},
		{"docs", provider.GitLab, nil, "", fault.NotFound, "gitlab"},
		{"blog", provider.Gitea, nil, "", fault.NotFound, "gitea"},
		{"blog", provider.GitHub, []string{"lab", "gone"}, "", fault.NotFound, "lab, gone"},
		{"blog", "netlify", nil, "", fault.NotFound, "netlify"},
	} {
		c, err := s.For(t.Context(), x.site, x.kind, x.named)
		if x.want != "" && (err != nil || c.Name != x.want) {
			t.Errorf("%s %s %v: %s, %v", x.site, x.kind, x.named, c.Name, err)
		}
		if x.want == "" && (!fault.Is(err, x.fails) || !strings.Contains(fault.Message(err), x.says)) {
			t.Errorf("%s %s %v: %s, %v", x.site, x.kind, x.named, c.Name, err)
		}
	}
}

func TestByCallback(t *testing.T) {
	s := newSet(t, entry("hub", provider.GitHub), entry("lab", provider.GitLab, func(e *connector.Entry) { e.Callback = "/oauth/redirect" }))
	for path, want := range map[string]string{"/callback/hub": "hub", "/oauth/redirect": "lab", "/callback/lab": "", "/callback": "", "": ""} {
		c, err := s.ByCallback(t.Context(), path)
		if c.Name != want || (want == "") != fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %q, %v", path, c.Name, err)
		}
	}
}

func TestLauncherIsRememberedForAWeek(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := connector.New(storetest.Open(t), []connector.Entry{entry("hub", provider.GitHub), entry("lab", provider.GitLab, func(e *connector.Entry) { e.Launcher = true })},
		connector.Options{Now: func() time.Time { return now }})
	needs := func(name string, want bool) {
		t.Helper()
		if got, err := s.NeedsLauncher(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	needs("hub", false)
	needs("lab", true)
	if err := s.LostOpener(t.Context(), "hub", "1"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(connector.LauncherMemory - time.Second)
	needs("hub", true)
	now = now.Add(time.Second)
	needs("hub", false)
	if err := errors.Join(s.LostOpener(t.Context(), "hub", "1"), s.ForgetLauncher(t.Context(), "hub"), s.ForgetLauncher(t.Context(), "lab")); err != nil {
		t.Fatal(err)
	}
	needs("hub", false)
	if _, err := s.NeedsLauncher(t.Context(), "gone"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// Somebody closed the editor's window, and the host does nothing of the kind.
// Everybody else must not pay for it for a week.
func TestOneClosedEditorIsNoReasonForAWeekOfSecondWindows(t *testing.T) {
	for name, tt := range map[string]struct {
		say  string // L: lost, by another sign-in each time; l: by the former one; a: by anybody; K: kept
		want bool
	}{
		"lost":                     {"L", true},
		"lost by anybody":          {"a", true},
		"kept":                     {"K", false},
		"lost, then kept":          {"LK", false},
		"lost by anybody and kept": {"aaaK", false},
		"the same loss again":      {"LlllK", false},
		"lost again later":         {"LKL", true},
		"so it is no accident":     {"LKLK", true},
		"lost twice":               {"LLK", true},
		"anybody between":          {"LaLK", true},
		"anybody after":            {"LaK", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := connector.New(storetest.Open(t), []connector.Entry{entry("hub", provider.GitHub)}, connector.Options{})
			n := 0
			for _, c := range tt.say {
				var err error
				switch c {
				case 'L', 'l':
					if c == 'L' {
						n++
					}
					err = s.LostOpener(t.Context(), "hub", strconv.Itoa(n))
				case 'a':
					err = s.LostOpener(t.Context(), "hub", "")
				case 'K':
					err = s.KeptOpener(t.Context(), "hub")
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if needs, err := s.NeedsLauncher(t.Context(), "hub"); err != nil || needs != tt.want {
				t.Errorf("%v %v", needs, err)
			}
			if err := s.ForgetLauncher(t.Context(), "hub"); err != nil {
				t.Fatal(err)
			}
			if needs, err := s.NeedsLauncher(t.Context(), "hub"); err != nil || needs {
				t.Errorf("forgotten: %v %v", needs, err)
			}
		})
	}
}

// A connector that is removed takes what was learned about it along.
func TestLauncherIsForgottenWithItsConnector(t *testing.T) {
	s := newSet(t)
	add(t, s, entry("hub", provider.GitHub))
	if err := errors.Join(s.LostOpener(t.Context(), "hub", "1"), s.Remove(t.Context(), "hub")); err != nil {
		t.Fatal(err)
	}
	add(t, s, entry("hub", provider.GitHub))
	if needs, err := s.NeedsLauncher(t.Context(), "hub"); needs || err != nil {
		t.Error(needs, err)
	}
}

func TestProviderIsBuiltOncePerVersion(t *testing.T) {
	s := newSet(t)
	add(t, s, entry("hub", provider.GitHub))
	get := func() *provider.Provider {
		t.Helper()
		p, err := s.Provider(t.Context(), "hub")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := get()
	if first != get() {
		t.Error("built twice")
	}
	if first.ClientSecret != secret || !first.PKCE || first.Client == nil || first.URL != "https://github.com" {
		t.Errorf("not as entered: %s, PKCE %v", first.URL, first.PKCE)
	}
	for what, change := range map[string]func(*connector.Entry){
		"secret":  func(e *connector.Entry) { e.Secret = "another" },
		"client":  func(e *connector.Entry) { e.ClientID = "another" },
		"proxy":   func(e *connector.Entry) { e.Proxy = "http://127.0.0.1:3128" },
		"private": func(e *connector.Entry) { e.Private = true },
		"pkce":    func(e *connector.Entry) { e.NoPKCE = true },
		"slug":    func(e *connector.Entry) { e.Slug = "an-app" },
	} {
		before := get()
		if err := s.Update(t.Context(), entry("hub", provider.GitHub, change)); err != nil {
			t.Fatal(err)
		}
		if get() == before {
			t.Errorf("%s: still the old one", what)
		}
	}
	if err := s.Update(t.Context(), entry("hub", provider.GitHub)); err != nil {
		t.Fatal(err)
	}
	before := get()
	if err := s.Update(t.Context(), entry("hub", provider.GitHub, func(e *connector.Entry) { e.Sites = []string{"blog"} })); err != nil {
		t.Fatal(err)
	}
	if get() != before {
		t.Error("the sites of a connector do not matter to its provider")
	}
	if err := s.Remove(t.Context(), "hub"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Provider(t.Context(), "hub"); !fault.Is(err, fault.NotFound) {
		t.Errorf("of a removed connector: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := newSet(t, entry("lab", provider.GitLab))
	add(t, s, entry("hub", provider.GitHub))
	var wg sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for i := range 8 {
		wg.Go(func() {
			ctx := context.Background()
			if _, err := s.Provider(ctx, "hub"); err != nil {
				t.Error(err)
			}
			e := entry("forge", provider.Gitea)
			e.ClientID = strings.Repeat("x", i+1)
			if err := s.Add(ctx, e); err == nil {
				mu.Lock()
				added++
				mu.Unlock()
			} else if !fault.Is(err, fault.Invalid) {
				t.Error(err)
			}
			if err := s.Update(ctx, entry("hub", provider.GitHub, func(e *connector.Entry) { e.NoPKCE = i%2 == 0 })); err != nil {
				t.Error(err)
			}
			if _, err := s.List(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if added != 1 {
		t.Errorf("%d of one name were added", added)
	}
}
