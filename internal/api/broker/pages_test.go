package broker

import (
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/provider"
	"gatehouse/web"
)

// hostile is in every place that a stranger can fill.
const hostile = `</script><script>alert(1)</script>"'><img src=x onerror=alert(1)> javascript:alert(1)`

func testPages(t *testing.T) *Pages {
	t.Helper()
	p, err := NewPages(web.Broker(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// everyHelp is each page of help, with what a stranger can put into it.
func everyHelp() map[string]Help {
	a := attempt{HostName: hostile, Repo: hostile, Connector: hostile, Callback: hostile}
	refused := func(reason provider.Reason) Help {
		return helpRefusal(&provider.Refusal{Reason: reason, Link: "https://host.example/a?b=1&c=" + hostile, Login: hostile, Detail: "not shown"}, a)
	}
	return map[string]Help{
		"no-opener":            helpNoOpener(),
		"no-answer":            helpNoAnswer("https://auth.example.com", hostile),
		"origin":               helpOrigin(hostile, hostile, false),
		"dev origin":           helpOrigin(hostile, hostile, true),
		"site":                 helpUnknownSite(hostile),
		"no site":              helpUnknownSite(""),
		"provider":             helpProvider(hostile, hostile, provider.GitHub),
		"no connector":         helpProvider(hostile, hostile, ""),
		"several connectors":   helpSeveralConnectors(hostile, hostile),
		"host":                 helpHost("https://auth.example.com"),
		"params":               helpParams(hostile),
		"frame":                helpFrame(),
		"path":                 helpPath("https://auth.example.com", hostile),
		"state":                helpState(),
		"late":                 helpTooLate(),
		"used":                 helpUsed(),
		"opener gone":          helpOpenerGone(),
		"upstream":             helpUpstream(hostile),
		"rate":                 helpRate(42 * time.Second),
		"broken":               helpBroken(),
		"no server":            helpNoServer(),
		"cancel":               refused(provider.Cancelled),
		"client":               refused(provider.BadClient),
		"code":                 refused(provider.BadCode),
		"dead":                 refused(provider.Dead),
		"scope":                refused(provider.Scope),
		"org approval":         refused(provider.OrgApproval),
		"out of sight":         helpRefusal(&provider.Refusal{Reason: provider.OrgApproval, Login: hostile, Link: "https://host.example/a?b=1&c=" + hostile, Guess: true}, a),
		"not installed":        refused(provider.NotInstalled),
		"sso":                  refused(provider.SSO),
		"no write":             refused(provider.NoWrite),
		"reason of the future": refused(provider.Reason("new")),
	}
}

func TestEveryHelpIsOneSentenceAndOneAction(t *testing.T) {
	var ids []string
	for name, h := range everyHelp() {
		ids = append(ids, h.ID)
		if h.Title == "" || h.Action == "" || !strings.HasSuffix(h.Action, ".") {
			t.Errorf("%s: title %q, action %q", name, h.Title, h.Action)
		}
		sentence := strings.ReplaceAll(h.Sentence, hostile, "X")
		if !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, ". ") {
			t.Errorf("%s: %q is not one sentence", name, sentence)
		}
	}
	slices.Sort(ids)
	want := []string{
		"E-cancel", "E-client", "E-host", "E-internal", "E-no-answer", "E-no-opener", "E-no-write", "E-not-installed", "E-opener-gone", "E-org-approval",
		"E-origin", "E-params", "E-path", "E-provider", "E-rate", "E-scope", "E-sso", "E-state", "E-unknown-site", "E-upstream",
	}
	if got := slices.Compact(ids); !slices.Equal(got, want) {
		t.Errorf("ids %q, want %q", got, want)
	}
}

func TestHelpPagesShowWhatTheyHaveAndRunNothing(t *testing.T) {
	p := testPages(t)
	for name, h := range everyHelp() {
		t.Run(name, func(t *testing.T) {
			h.Reference = hostile
			w := httptest.NewRecorder()
			p.Help(w, httptest.NewRequest(http.MethodGet, "/auth", nil), http.StatusForbidden, h)
			if w.Code != http.StatusForbidden {
				t.Errorf("status %d", w.Code)
			}
			doc := checkPage(t, w)
			for part, want := range map[string]string{"id": h.ID, "title": h.Title, "sentence": h.Sentence, "action": h.Action, "config": h.Config, "reference": h.Reference} {
				if got := textOf(find(doc, "data-part", part)); got != want {
					t.Errorf("%s: %q, want %q", part, got, want)
				}
			}
			link := attribute(find(doc, "data-part", "link"), "href")
			if h.Link != nil && !strings.HasPrefix(link, "https://host.example/a?b=1&c=") || h.Link == nil && link != "" {
				t.Errorf("link %q for %+v", link, h.Link)
			}
		})
	}
}

func TestARepositoryOutOfSightIsNotBlamedOnItsOrganisation(t *testing.T) {
	said := func(guess, chooses bool) Help {
		return helpRefusal(&provider.Refusal{Reason: provider.OrgApproval, Login: "cleo", Guess: guess}, attempt{HostName: "GitHub", Chooses: chooses})
	}
	if h := said(true, true); strings.Contains(h.Sentence, "organisation") || !strings.Contains(h.Sentence, "cleo") || !h.Switch || !h.Retry {
		t.Errorf("%+v", h)
	}
	if h := said(true, false); h.Switch {
		t.Errorf("another account is offered where nobody can choose one: %+v", h)
	}
	if h := said(false, true); !strings.Contains(h.Sentence, "has not approved") {
		t.Errorf("%+v", h)
	}
}

func TestLinksOfHostsAreWebAddresses(t *testing.T) {
	for _, bad := range []string{"", "javascript:alert(1)", "data:text/html,x", "/relative", "//host/x", "https://", "https://user:pass@host/", "ftp://host/", "\x00"} {
		if got := newLink("x", bad); got != nil {
			t.Errorf("%q became %+v", bad, got)
		}
	}
	if newLink("x", "https://github.com/apps/x") == nil {
		t.Error("a good link is refused")
	}
}

func TestPopupHandsValuesToItsScriptAsDataOnly(t *testing.T) {
	w := httptest.NewRecorder()
	testPages(t).Popup(w, httptest.NewRequest(http.MethodGet, "/auth", nil), PopupView{
		Tx: hostile, Provider: "github", HostName: hostile, SiteTitle: hostile, OurOrigin: "https://auth.example.com", Config: hostile,
	})
	doc := checkPage(t, w)
	page := find(doc, "data-page", "popup")
	for key, want := range map[string]string{"data-tx": hostile, "data-provider": "github", "data-host": hostile} {
		if got := attribute(page, key); got != want {
			t.Errorf("%s is %q", key, got)
		}
	}
	for _, id := range []string{"E-no-opener", "E-no-answer", "E-opener-gone", "help"} {
		section := find(doc, "data-show", id)
		if section == nil || !has(section, "hidden") {
			t.Errorf("the section %s is not there, or not hidden", id)
		}
	}
}

func TestResultTellsItsScriptHowItWent(t *testing.T) {
	nobody := helpRefusal(&provider.Refusal{Reason: provider.NoWrite, Login: "dana"}, attempt{HostName: "GitHub", Chooses: true})
	fixed := helpRefusal(&provider.Refusal{Reason: provider.NoWrite, Login: "dana"}, attempt{HostName: "GitLab", Host: "https://gitlab.com"})
	for name, c := range map[string]struct {
		view ResultView
		set  []string
	}{
		"signed in":                  {ResultView{OK: true}, []string{"data-ok"}},
		"signed in, second window":   {ResultView{OK: true, Launcher: true}, []string{"data-ok", "data-launcher"}},
		"another account helps":      {ResultView{Help: &nobody}, []string{"data-switch"}},
		"the host chooses by itself": {ResultView{Help: &fixed}, []string{"data-retry"}},
		"failed for unknown reason":  {ResultView{}, []string{"data-retry"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.view.Tx, c.view.HostName, c.view.SiteTitle = hostile, hostile, hostile
			w := httptest.NewRecorder()
			testPages(t).Result(w, httptest.NewRequest(http.MethodGet, "/auth/result", nil), c.view)
			doc := checkPage(t, w)
			page := find(doc, "data-page", "result")
			for _, key := range []string{"data-ok", "data-launcher", "data-switch", "data-retry"} {
				if has(page, key) != slices.Contains(c.set, key) {
					t.Errorf("%s: %v", key, has(page, key))
				}
			}
			if failed := find(doc, "data-show", "failed"); (failed == nil) != c.view.OK {
				t.Error("the page of help does not fit to the outcome")
			}
		})
	}
}

func TestHelpAsJSONHasTheNamesThatTheScriptsRead(t *testing.T) {
	b, err := json.Marshal(Help{ID: "1", Title: "2", Sentence: "3", Action: "4", Link: &Link{"5", "6"}, Config: "7", Reference: "8", Login: "9", Switch: true, Retry: true})
	want := `{"id":"1","title":"2","sentence":"3","action":"4","link":{"text":"5","url":"6"},"config":"7","reference":"8","login":"9","switch":true,"retry":true}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

func TestAssetsAreServedAndTemplatesAreNot(t *testing.T) {
	p := testPages(t)
	mux := http.NewServeMux()
	p.Mount(mux)
	for name, want := range map[string]int{"popup.mjs": 200, "broker.css": 200, "favicon.svg": 200, "popup.html": 404, "layout.html": 404, "nothing.js": 404} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, p.frame().Assets+name, nil))
		if w.Code != want {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// What the scripts must not contain, whatever they do.
func TestScriptsTakeTextForTextAndPostToOneOrigin(t *testing.T) {
	banned := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setAttribute\('on|https?://[a-z]|localStorage|document\.cookie`)
	everybody := regexp.MustCompile(`['"` + "`" + `]\*['"` + "`" + `]`)
	opens := map[string]bool{"popup.mjs": true, "selftest.mjs": true} // the launcher, and the page that plays a CMS
	posts := 0
	names, err := fs.Glob(web.Broker(), "*js")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		script, err := fs.ReadFile(web.Broker(), name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(script), "\n") {
			if found := banned.FindString(line); found != "" {
				t.Errorf("%s:%d has %q", name, i+1, found)
			}
			if everybody.MatchString(line) && (name != "handshake.mjs" || !strings.Contains(line, "opener.postMessage(hello, '*')")) {
				t.Errorf("%s:%d posts to everybody: %s", name, i+1, line)
			}
			if strings.Contains(line, "window.open(") && !opens[name] {
				t.Errorf("%s:%d opens a window", name, i+1)
			}
			if strings.Contains(line, "opener.postMessage(") {
				posts++
			}
		}
	}
	if posts != 2 {
		t.Errorf("the opener is told something at %d places, want the hello and the outcome", posts)
	}
}

func TestTemplatesHaveNoCodeOfTheirOwn(t *testing.T) {
	banned := regexp.MustCompile(`(?i)\son[a-z]+=|style=|<style|<script>|<script [^>]*nonce|"javascript:|<form|<iframe|https?://`)
	names, err := fs.Glob(web.Broker(), "*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		page, err := fs.ReadFile(web.Broker(), name)
		if err != nil {
			t.Fatal(err)
		}
		if found := banned.FindString(string(page)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}
