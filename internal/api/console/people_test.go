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
	"gatehouse/internal/identity"
	"gatehouse/internal/mail"
)

func (h *hall) id(email string) string { return h.users[email].ID }

// leads is for an answer that sends the browser on.
func (a answer) leads(t *testing.T, to string) {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != to {
		t.Errorf("%s %s: %d to %q, want %q\n%.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.Header.Get("Location"), to, a.text)
	}
}

func TestPeopleAreForAdministrators(t *testing.T) {
	h := openHall(t)
	h.get(t, "/console/people").leads(t, "/login?next=/console/people")
	ed := h.as(t, "ed@example.org")
	for _, path := range []string{"/console/people", "/console/people?site=blog", "/console/people/" + h.id("bo@example.org") + "?site=blog", "/console/mails"} {
		a := ed.get(t, path+lang(path))
		a.wants(t, 403, "administrators", "To your account")
		a.lacks(t, "bo@example.org")
	}
	ed.get(t, "/console/?lang=en").lacks(t, "/console/people")
	bo := h.as(t, "bo@example.org")
	bo.get(t, "/console/?lang=en").wants(t, 200, `href="/console/people"`)
	a := bo.get(t, "/console/people?lang=en")
	a.wants(t, 200, "People of The &lt;Blog&gt;", "ed@example.org", "both@example.org", ">you<")
	a.lacks(t, "sue@example.org", "olga@example.org", "The Shop", "connectors\"")
	a.lacks(t, "nobody needs an account at a Git host")
	h.as(t, "sue@example.org").get(t, "/console/people?lang=en&q=nobody").wants(t, 200, "Nobody fits")
	if err := h.people.Leave(t.Context(), h.id("both@example.org"), "shop"); err != nil {
		t.Fatal(err)
	}
	// What to do next, as long as nobody else is there.
	h.as(t, "sue@example.org").get(t, "/console/people?lang=en").wants(t, 200, "nobody needs an account at a Git host")
	a = h.as(t, "olga@example.org").get(t, "/console/people?lang=en")
	a.wants(t, 200, "sue@example.org", "The Shop", "All sites")
}

func lang(path string) string {
	if strings.Contains(path, "?") {
		return "&lang=en"
	}
	return "?lang=en"
}

// What Bo does at the blog touches nothing of the shop's.
func TestAnAdministratorOfOneSiteReachesNothingOfAnother(t *testing.T) {
	h := openHall(t)
	bo := h.as(t, "bo@example.org")
	sue, both := h.id("sue@example.org"), h.id("both@example.org")
	for _, site := range []string{"shop", "none", "<x>"} {
		bo.get(t, "/console/people?lang=en&site="+url.QueryEscape(site)).wants(t, 403, "administrators")
		bo.do(t, "POST", "/console/people/invite?lang=en&site="+url.QueryEscape(site), url.Values{"addresses": {"x@example.org"}, "role": {"admin"}}).wants(t, 403)
	}
	for _, act := range []string{"roles", "resend", "remove", "disable", "enable", "sign-out", "recover"} {
		form := url.Values{"role": {"admin"}, "site": {"shop"}}
		bo.do(t, "POST", "/console/people/"+sue+"/"+act+"?site=shop", form).wants(t, 403)
		if a := bo.do(t, "POST", "/console/people/"+sue+"/"+act+"?site=blog", form); a.StatusCode == http.StatusOK || act != "remove" && a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", act, a.StatusCode)
		}
	}
	// Who is at both keeps the account.
	bo.get(t, "/console/people/"+both+"?lang=en&site=blog").wants(t, 200, "belongs to more than this site", "Remove from")
	bo.do(t, "POST", "/console/people/"+both+"/disable?lang=en&site=blog", url.Values{}).wants(t, 403, "belongs to more than this site")
	bo.do(t, "POST", "/console/people/"+both+"/recover?lang=en&site=blog", url.Values{})
	bo.do(t, "POST", "/console/people/"+both+"/remove?site=blog", url.Values{}).leads(t, "/console/people?done=removed&site=blog")
	for email, want := range map[string]string{"sue@example.org": "map[shop:[admin]]", "both@example.org": "map[shop:[editor]]"} {
		u, err := h.people.ByEmail(t.Context(), email)
		if err != nil || fmt.Sprint(u.Roles) != want || !u.Disabled.IsZero() {
			t.Errorf("%s: %v %v", email, u.Roles, err)
		}
	}
	// A mail of the shop is none of his.
	desk := h.people.LocalDesk("shop")
	if _, err := desk.Invite(t.Context(), identity.Invitation{Email: "shopper@example.org"}); err != nil {
		t.Fatal(err)
	}
	list, err := h.post.List(t.Context(), mail.Filter{Site: "shop"})
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	bo.get(t, "/console/mails?lang=en").lacks(t, "shopper@example.org")
	a := bo.do(t, "POST", "/console/mails/"+list[0].ID+"/link?lang=en&site=blog", url.Values{})
	a.wants(t, 404)
	a.lacks(t, "token=")
	bo.do(t, "POST", "/console/mails/"+list[0].ID+"/resend?lang=en&site=blog", url.Values{}).wants(t, 404)
}

func TestManyAreInvitedAtOnceAndEachIsReported(t *testing.T) {
	h := openHall(t)
	bo := h.as(t, "bo@example.org")
	a := bo.do(t, "POST", "/console/people/invite?lang=en&site=blog", url.Values{
		"role": {"contributor"}, "operator": {"1"}, "password": {"x"},
		"addresses": {"\"Example, Ann\" <ann@example.org>, ed@example.org\nsue@example.org; not an address\nAnn@example.org"},
	})
	a.wants(t, 200, "Example, Ann &lt;ann@example.org&gt;", ">invited<", "is there already", ">added<", "not invited", "is no e-mail address", "/s/blog/invite?token=", ">\nnot an address</textarea>")
	if n := strings.Count(a.text, "/s/blog/invite?token="); n != 1 {
		t.Errorf("%d links", n)
	}
	ann, err := h.people.ByEmail(t.Context(), "ann@example.org")
	if err != nil || ann.Name != "Example, Ann" || ann.Operator || fmt.Sprint(ann.Pending) != "map[blog:{true [contributor]}]" {
		t.Errorf("%+v %v", ann, err)
	}
	bo.get(t, "/console/people?lang=en&site=blog").wants(t, 200, ">invited<", "Invite again")
	bo.do(t, "POST", "/console/people/"+ann.ID+"/resend?lang=en&site=blog", url.Values{}).wants(t, 200, "not invited", "mail was asked for just now")
	h.now = h.now.Add(8 * 24 * time.Hour)
	bo = h.as(t, "bo@example.org")
	bo.get(t, "/console/people?lang=en&site=blog").wants(t, 200, "invitation expired")
	bo.do(t, "POST", "/console/people/"+ann.ID+"/resend?lang=en&site=blog", url.Values{}).wants(t, 200, ">invited<", "/s/blog/invite?token=")

	for form, want := range map[string]string{
		"role=editor":                            "Enter at least one",
		"role=editor&addresses=+%2C+":            "Enter at least one",
		"role=operator&addresses=a@x.org":        "Choose a role",
		"addresses=a@x.org":                      "Choose a role",
		"role=editor&addresses=" + manyInvited(): "too many at once",
	} {
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		bo.do(t, "POST", "/console/people/invite?lang=en&site=blog", values).wants(t, 400, want)
	}
}

func manyInvited() string {
	var b strings.Builder
	for i := range 201 {
		fmt.Fprintf(&b, "p%d@example.org%%0A", i)
	}
	return b.String()
}

func TestPeopleAreManaged(t *testing.T) {
	h := openHall(t)
	bo, ed := h.as(t, "bo@example.org"), h.as(t, "ed@example.org")
	base := "/console/people/" + h.id("ed@example.org")
	bo.get(t, base+"?lang=en&site=blog").wants(t, 200, "ed@example.org", `value="editor" checked`, "Disable the account")
	bo.do(t, "POST", base+"/roles?site=blog", url.Values{"role": {"reader"}, "other": {"proofs, night"}, "email": {"x@example.org"}, "name": {"X"}}).
		leads(t, base+"?done=roles&site=blog")
	bo.get(t, base+"?lang=en&done=roles&site=blog").wants(t, 200, "The roles are saved", `value="night, proofs"`)
	bo.do(t, "POST", base+"/roles?lang=en&site=blog", url.Values{"other": {"<b>"}}).wants(t, 400, "cannot be a role")
	u, err := h.people.ByEmail(t.Context(), "ed@example.org")
	if err != nil || u.Name != "Ed" || strings.Join(u.Roles["blog"], " ") != "night proofs reader" {
		t.Errorf("%+v %v", u, err)
	}
	ed.get(t, "/console/").wants(t, 200)
	bo.do(t, "POST", base+"/sign-out?site=blog", url.Values{}).leads(t, base+"?done=signed-out&site=blog")
	ed.get(t, "/console/").wants(t, 303)
	bo.do(t, "POST", base+"/disable?site=blog", url.Values{}).leads(t, base+"?done=disabled&site=blog")
	bo.get(t, base+"?lang=en&site=blog").wants(t, 200, ">disabled<", "Enable the account")
	if a := ed.do(t, "POST", "/login", url.Values{"email": {"ed@example.org"}, "password": {password}}); a.StatusCode == http.StatusSeeOther {
		t.Error("a disabled person signs in")
	}
	bo.do(t, "POST", base+"/enable?site=blog", url.Values{}).leads(t, base+"?done=enabled&site=blog")
	bo.get(t, base+"/remove?lang=en&site=blog").wants(t, 200, "Remove ed@example.org?", "the account is deleted with it")
	for range 2 { // a double click
		bo.do(t, "POST", base+"/remove?site=blog", url.Values{}).leads(t, "/console/people?done=removed&site=blog")
	}
	bo.get(t, base+"?lang=en&site=blog").wants(t, 404, "There is no such user")

	var kinds []string
	events, err := h.audit.Recent(t.Context(), audit.Filter{Site: "blog", Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Actor == "bo@example.org" && e.Person == "ed@example.org" {
			kinds = append(kinds, e.Kind)
		}
	}
	want := "user_deleted user_removed user_enabled user_disabled user_signed_out roles_changed"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("written down: %s", got)
	}
}

func TestNobodyShutsThemselvesOut(t *testing.T) {
	h := openHall(t)
	bo := h.as(t, "bo@example.org")
	base := "/console/people/" + h.id("bo@example.org")
	bo.get(t, base+"?lang=en&site=blog").wants(t, 200, "This is your own account")
	bo.do(t, "POST", base+"/roles?lang=en&site=blog", url.Values{"role": {"editor"}}).wants(t, 400, "shut yourself out")
	bo.do(t, "POST", base+"/disable?lang=en&site=blog", url.Values{}).wants(t, 400, "your own account")
}

// An unlocked screen is not enough to manage people for long.
func TestManagingNeedsARecentSignIn(t *testing.T) {
	h := openHall(t)
	bo := h.as(t, "bo@example.org")
	bo.now = h.now
	h.now = h.now.Add(31 * time.Minute)
	bo.get(t, "/console/people?site=blog&q=ed").leads(t, "/login?again=1&next=%2Fconsole%2Fpeople%3Fsite%3Dblog%26q%3Ded")
	// What was typed meanwhile is not lost.
	bo.do(t, "POST", "/console/people/invite?lang=en&site=blog", url.Values{"addresses": {"late@example.org"}, "role": {"editor"}}).wants(t, 200, ">invited<")
	h.now = h.now.Add(31 * time.Minute)
	bo.do(t, "POST", "/console/people/invite?site=blog", url.Values{"addresses": {"later@example.org"}, "role": {"editor"}}).leads(t, "/login?again=1&next=%2Fconsole%2Fpeople")
	bo.get(t, "/login?lang=en&again=1&next=%2Fconsole%2Fpeople").wants(t, 200, "Once more, please", `value="bo@example.org"`, `name="next" value="/console/people"`)
	bo.do(t, "POST", "/login?lang=en", url.Values{"again": {"1"}, "email": {"bo@example.org"}, "password": {"wrong wrong wrong"}, "next": {"/console/people"}}).wants(t, 401, "Once more, please")
	bo.do(t, "POST", "/login", url.Values{"again": {"1"}, "email": {"bo@example.org"}, "password": {password}, "next": {"/console/people"}}).leads(t, "/console/people")
	bo.get(t, "/console/people?lang=en").wants(t, 200, "ed@example.org")
	bo.get(t, "/login?again=1&next=//evil.example").lacks(t, "evil")
}

func TestPeopleAreFoundAndPaged(t *testing.T) {
	h := openHall(t)
	desk := h.people.LocalDesk("blog")
	for i := range 55 {
		if _, err := desk.Add(t.Context(), identity.Draft{Email: fmt.Sprintf("p%02d@example.net", i), Name: "Person"}); err != nil {
			t.Fatal(err)
		}
	}
	bo := h.as(t, "bo@example.org")
	a := bo.get(t, "/console/people?lang=en&site=blog")
	a.wants(t, 200, `rel="next"`, "58 people in all")
	a.lacks(t, "p54@example.net", `rel="prev"`)
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(a.text)[1]
	a = bo.get(t, strings.ReplaceAll(next, "&amp;", "&")+"&lang=en")
	a.wants(t, 200, "p54@example.net", `rel="prev"`)
	a = bo.get(t, "/console/people?lang=en&site=blog&q=P07")
	a.wants(t, 200, "p07@example.net", `value="P07"`)
	a.lacks(t, "p08@example.net")
	bo.get(t, "/console/people?lang=en&site=blog&q=zzz").wants(t, 200, "Nobody fits", "Show everybody")
	for _, odd := range []string{"page=-1", "page=x", "page=99999999999999999999", "q=" + strings.Repeat("a", 500), "q=%3Cscript%3E"} {
		bo.get(t, "/console/people?lang=en&site=blog&"+odd).lacks(t, "<script>", "Our mistake")
	}
}

func TestMailsThatDidNotGoOut(t *testing.T) {
	h := openHall(t)
	h.invite(t, identity.Invitation{Email: "new@example.org", Roles: []string{"editor"}})
	if a := h.do(t, "POST", "/recover", url.Values{"email": {"both@example.org"}}); a.StatusCode != http.StatusOK {
		t.Fatal(a.text)
	}
	h.people.Wait()
	bo, olga := h.as(t, "bo@example.org"), h.as(t, "olga@example.org")
	a := bo.get(t, "/console/mails?lang=en")
	a.wants(t, 200, "new@example.org", "not sent", "Show the link", "This server sends no mail")
	a.lacks(t, "both@example.org", "token=") // that somebody belongs elsewhere, and asked, is not his to know
	olga.get(t, "/console/mails?lang=en").wants(t, 200, "both@example.org", "new@example.org", "The &lt;Blog&gt;")
	list, err := h.post.List(t.Context(), mail.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		path := "/console/mails/" + m.ID + "/link?lang=en&site=blog"
		switch m.Kind {
		case mail.Recover:
			bo.do(t, "POST", path, url.Values{}).wants(t, 404)
			olga.do(t, "POST", path, url.Values{}).wants(t, 200, "/s/blog/recover?token=")
		case mail.Invite:
			bo.do(t, "POST", path, url.Values{}).wants(t, 200, "/s/blog/invite?token=", "give it to nobody else")
			bo.do(t, "POST", "/console/mails/"+m.ID+"/resend?lang=en&site=blog", url.Values{}).wants(t, 501, "There is no mail server")
		}
	}
	bo.get(t, "/console/mails?lang=en&status=failed").wants(t, 200, "There is no such mail.")
	events, err := h.audit.Recent(t.Context(), audit.Filter{Kind: audit.LinkShown, Limit: 5})
	if err != nil || len(events) != 2 || events[1].Actor == "" {
		t.Errorf("%+v %v", events, err)
	}
}
