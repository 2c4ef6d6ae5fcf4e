package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
)

func (d *desk) record(t *testing.T, events ...audit.Event) {
	t.Helper()
	for _, e := range events {
		d.audit.Record(t.Context(), e)
	}
}

func TestSignInsTellWhatHappened(t *testing.T) {
	d := openDesk(t)
	d.get(t, "/console/sign-ins").wants(t, 200, "Nobody has signed in yet", "Nobody, at present")
	d.record(
		t,
		audit.Event{Kind: audit.SignIn, Site: "shop", Connector: "hub", Person: "mara-q", Origin: "https://shop.example", Reference: "ref-good", Expires: 8 * time.Hour},
		audit.Event{Kind: audit.Failure, Site: "blog", Connector: "hub", Page: "E-org-approval", Reference: "ref-bad", Person: "<b>ed</b>", Address: "192.0.2.7", Detail: "the host said 404"},
		audit.Event{Kind: audit.Failure, Site: "blog", Page: "E-cancel", Reference: "ref-cancel"},
		audit.Event{Kind: audit.Refresh, Site: "gone", Connector: "hub", Person: "sam"},
		audit.Event{Kind: audit.Security, Page: "E-origin", Origin: "https://evil.example"},
		audit.Event{Kind: audit.Failure, Page: "E-of-tomorrow"},
	)
	a := d.get(t, "/console/sign-ins")
	a.wants(t, 200, "mara-q", "The Shop", "https://shop.example", "The token lives 8 hours", "An organisation at the host has not approved the app",
		"ref-bad", "&lt;b&gt;ed&lt;/b&gt;", "192.0.2.7", "the host said 404", "cancelled", "not renewed", "suspicious", "https://evil.example", "E-of-tomorrow", "The &lt;Blog&gt;")
	a.lacks(t, "<b>ed")

	for query, want := range map[string]string{
		"site=shop":                          "mara-q",
		"kind=refresh":                       "sam",
		"kind=security&site=":                "https://evil.example",
		"id=+ref-bad+":                       "An organisation",
		"id=ref-good&site=blog&kind=failure": "mara-q", // an error id is looked for everywhere
	} {
		a := d.get(t, "/console/sign-ins?"+query)
		a.wants(t, 200, want)
		if n := strings.Count(a.text, `<span class="tag`); n != 1 {
			t.Errorf("%s: %d events", query, n)
		}
	}
	a = d.get(t, "/console/sign-ins?kind=failure&site=shop")
	a.wants(t, 200, "Nothing fits", `<option value="failure" selected>`, `<option value="shop" selected>`)
	d.get(t, "/console/sign-ins?id=%22%3Cscript%3E&before=x").wants(t, 200, "Nothing fits", "&#34;&lt;script&gt;")
}

var olderLink = regexp.MustCompile(`<a href="(/console/sign-ins\?[^"]*before=[^"]*)">Older</a>`)

func TestSignInsArePaged(t *testing.T) {
	d := openDesk(t)
	for i := range 120 {
		d.record(t, audit.Event{Kind: audit.SignIn, Site: "blog", Person: fmt.Sprintf("person-%03d", i)}, audit.Event{Kind: audit.SignIn, Site: "shop", Person: "somebody else"})
	}
	path, seen, pages := "/console/sign-ins?site=blog&kind=sign-in", map[string]bool{}, 0
	for path != "" {
		a := d.get(t, path)
		a.wants(t, 200)
		a.lacks(t, "somebody else")
		for _, who := range regexp.MustCompile(`person-\d+`).FindAllString(a.text, -1) {
			seen[who] = true
		}
		if pages++; pages > 1 {
			a.lacks(t, "Who is signed in for longer")
		}
		path = ""
		if m := olderLink.FindStringSubmatch(a.text); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d people on %d pages", len(seen), pages)
	}
}

func TestConnectorTellsItsLastSignInAndProblem(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub())
	d.get(t, "/console/connectors").wants(t, 200, "Nobody has signed in by it lately")
	old := d.now
	d.record(
		t,
		audit.Event{At: old.Add(-3 * time.Hour), Kind: audit.SignIn, Connector: "hub", Site: "shop", Person: "first"},
		audit.Event{At: old.Add(-2 * time.Hour), Kind: audit.SignIn, Connector: "hub", Site: "shop", Person: "second"},
		audit.Event{At: old.Add(-time.Hour), Kind: audit.Failure, Connector: "hub", Page: "E-client", Reference: "ref-1"},
		audit.Event{At: old, Kind: audit.Failure, Connector: "hub", Page: "E-cancel", Reference: "ref-2"}, // nothing is wrong
		audit.Event{At: old, Kind: audit.SignIn, Connector: "other", Person: "third"},
	)
	a := d.get(t, "/console/connectors")
	a.wants(t, 200, "2 hours ago", "by second", "The Shop", "Last problem", "1 hour ago", "did not accept the app", "id=ref-1")
	a.lacks(t, "first", "third", "ref-2")
}

func (d *desk) issue(t *testing.T, person, connector string) auth.Holder {
	t.Helper()
	_, h, err := d.handles.Issue(t.Context(), auth.Holder{Site: "shop", Connector: connector, Provider: "github", Origin: "https://shop.example", Person: person}, "refresh-of-"+person)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (d *desk) families(t *testing.T) string {
	t.Helper()
	holders, err := d.handles.Families(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var who []string
	for _, h := range holders {
		who = append(who, h.Person)
	}
	return strings.Join(who, " ")
}

func TestLongSignInsCanBeEnded(t *testing.T) {
	d := openDesk(t)
	d.issue(t, "mara-q", "hub")
	ed := d.issue(t, "ed-x", "hub")
	a := d.get(t, "/console/sign-ins")
	a.wants(t, 200, "mara-q", "ed-x", "by hub", `name="family" value="`+ed.Family+`"`)
	a.lacks(t, "refresh-of")
	for range 2 {
		if a := d.do(t, "POST", "/console/sign-ins/end", url.Values{"family": {ed.Family}}); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/console/sign-ins?done=ended" {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
	}
	d.do(t, "POST", "/console/sign-ins/end", url.Values{}).wants(t, 303)
	a = d.get(t, "/console/sign-ins?done=ended")
	a.wants(t, 200, "not renewed any more", "mara-q")
	a.lacks(t, "ed-x")
}

// What was signed in by a connector must not be renewed by another that takes
// its name, nor at another host.
func TestSignInsEndWithTheirConnector(t *testing.T) {
	d := openDesk(t)
	d.add(t, hub())
	d.issue(t, "mara-q", "hub")
	d.issue(t, "ed-x", "lab")
	form := url.Values{"url": {"https://github.com"}, "client_id": {"Ov23other"}}
	d.do(t, "POST", "/console/connectors/hub", form).wants(t, 303)
	if who := d.families(t); !strings.Contains(who, "mara-q") {
		t.Errorf("an edit that keeps the host ended a sign-in: %s left", who)
	}
	form["url"], form["client_secret"] = []string{"https://hub.example"}, []string{"another"}
	d.do(t, "POST", "/console/connectors/hub", form).wants(t, 303)
	if who := d.families(t); who != "ed-x" {
		t.Errorf("after a move to another host: %s", who)
	}
	d.issue(t, "mara-q", "hub")
	d.do(t, "POST", "/console/connectors/hub/remove", url.Values{}).wants(t, 303)
	if who := d.families(t); who != "ed-x" {
		t.Errorf("after the removal: %s", who)
	}
}
