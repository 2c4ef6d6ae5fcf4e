package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

func TestADeskIsForAdministrators(t *testing.T) {
	r := newRig(t)
	add := func(n NewUser) auth.Principal {
		u, err := r.Add(t.Context(), n)
		check(t, err)
		// What a caller says of itself counts for nothing.
		return auth.Principal{UserID: u.ID, Operator: true, Roles: []string{Admin}}
	}
	admin := add(NewUser{Email: "a@example.org", Password: good, Roles: map[string][]string{"blog": {Admin}}})
	editor := add(NewUser{Email: "e@example.org", Password: good, Roles: map[string][]string{"blog": {Editor}, "shop": {Admin}}})
	operator := add(NewUser{Email: "o@example.org", Password: good, Operator: true})
	nobody := auth.Principal{UserID: "nobody", Operator: true}
	for _, c := range []struct {
		who  auth.Principal
		site string
		ok   bool
	}{
		{admin, "blog", true},
		{admin, "shop", false},
		{admin, "", false},
		{editor, "blog", false},
		{editor, "shop", true},
		{operator, "blog", true},
		{operator, "", true},
		{nobody, "blog", false},
		{auth.Principal{}, "blog", false},
		{auth.Principal{}, "", false},
	} {
		if _, err := r.Desk(t.Context(), c.who, c.site); c.ok != (err == nil) || err != nil && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s at %q: %v", c.who.UserID, c.site, err)
		}
	}
	o, err := r.Desk(t.Context(), operator, "")
	check(t, err)
	check(t, o.Disable(t.Context(), admin.UserID))
	_, err = r.Desk(t.Context(), admin, "blog")
	wantKind(t, err, fault.Forbidden)
}

// household are people of two sites, by name.
func household(t *testing.T) (r rig, blog, shop, all *Desk, id map[string]string) {
	t.Helper()
	r, id = newRig(t), map[string]string{}
	_, blog = r.admin(t, "blogboss@example.org", "blog")
	_, shop = r.admin(t, "shopboss@example.org", "shop")
	for name, n := range map[string]NewUser{
		"mine":     {Roles: map[string][]string{"blog": {Editor}}},
		"shared":   {Roles: map[string][]string{"blog": {Editor}, "shop": {Reader}}},
		"theirs":   {Roles: map[string][]string{"shop": {Editor}}},
		"operator": {Operator: true, Roles: map[string][]string{"blog": {Admin}}},
	} {
		n.Email, n.Password = name+"@example.org", good
		u, err := r.Add(t.Context(), n)
		check(t, err)
		id[name] = u.ID
	}
	op, err := r.Desk(t.Context(), auth.Principal{UserID: id["operator"]}, "")
	check(t, err)
	return r, blog, shop, op, id
}

func TestASitesAdministratorHasNoSayElsewhere(t *testing.T) {
	r, blog, _, _, id := household(t)
	ctx := t.Context()
	word, address, name, yes := other, "mallory@example.org", "Mallory", true
	acts := map[string]func(id string) error{
		"password": func(id string) error { _, err := blog.Change(ctx, id, Edit{Password: &word}); return err },
		"email":    func(id string) error { _, err := blog.Change(ctx, id, Edit{Email: &address}); return err },
		"name":     func(id string) error { _, err := blog.Change(ctx, id, Edit{Name: &name}); return err },
		"data":     func(id string) error { _, err := blog.Change(ctx, id, Edit{Data: map[string]any{"a": 1}}); return err },
		"confirm":  func(id string) error { _, err := blog.Change(ctx, id, Edit{Confirm: &yes}); return err },
		"disable":  func(id string) error { return blog.Disable(ctx, id) },
		"enable":   func(id string) error { return blog.Enable(ctx, id) },
		"delete":   func(id string) error { return blog.Delete(ctx, id) },
	}
	for what, act := range acts {
		for _, who := range []string{"shared", "operator"} {
			if err := act(id[who]); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s of %s: %v", what, who, err)
			}
		}
		if err := act(id["theirs"]); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of somebody of another site: %v", what, err)
		}
		if err := act("nobody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of nobody: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"roles":    blog.SetRoles(ctx, id["theirs"], []string{Admin}),
		"remove":   blog.Remove(ctx, id["theirs"]),
		"recovery": blog.SendRecovery(ctx, id["theirs"]),
		"sessions": blog.EndSessions(ctx, id["theirs"]),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of somebody of another site: %v", what, err)
		}
	}
	wantKind(t, blog.SetOperator(ctx, id["mine"], true), fault.Forbidden)
	_, err := blog.Add(ctx, Draft{Email: "x@example.org", Operator: true})
	wantKind(t, err, fault.Forbidden)
	for who := range id {
		if u, err := r.User(ctx, id[who]); err != nil || u.Email != who+"@example.org" || u.Name != "" || !u.Disabled.IsZero() || !r.enters(t, u.Email, good) {
			t.Errorf("%s was changed: %+v %v", who, u, err)
		}
	}
}

func TestASitesAdministratorManagesTheirOwn(t *testing.T) {
	r, blog, _, _, id := household(t)
	ctx := t.Context()
	word, address, name := other, "mine2@example.org", "Min E."
	session := r.session(t, id["mine"], "")
	m, err := blog.Change(ctx, id["mine"], Edit{Password: &word, Email: &address, Name: &name, Data: map[string]any{"a": "b"}})
	check(t, err)
	if m.Email != address || m.Name != name || m.Metadata["a"] != "b" || !m.Manageable || m.Elsewhere || r.alive(t, session, "blog") || !r.enters(t, address, other) {
		t.Errorf("%+v", m)
	}
	if r.count(t, "mine@example.org", mail.NoticeEmail) != 1 || r.count(t, "mine@example.org", mail.NoticePassword) != 1 {
		t.Error("nobody told the owner")
	}
	check(t, blog.Disable(ctx, m.ID))
	check(t, blog.Enable(ctx, m.ID))
	check(t, blog.Delete(ctx, m.ID))
	_, err = r.User(ctx, m.ID)
	wantKind(t, err, fault.NotFound)
}

// A site's administrator knows the password of an account and another site
// invites its owner.
func TestAVouchedAccountIsProvenBeforeItJoinsElsewhere(t *testing.T) {
	r, blog, shop, _, id := household(t)
	word := other
	_, err := blog.Change(t.Context(), id["mine"], Edit{Password: &word})
	check(t, err)
	in, err := shop.Invite(t.Context(), Invitation{Email: "mine@example.org", Roles: []string{Admin}})
	check(t, err)
	if in.Joined || in.User.Member("shop") {
		t.Fatal("the other site's administrator may come in")
	}
	// An invitation elsewhere makes it somebody else's business, too.
	_, err = blog.Change(t.Context(), id["mine"], Edit{Email: &word})
	if err == nil {
		t.Error("the address of an invitation was changed under it")
	}
	session := r.session(t, id["mine"], "")
	u, err := r.use(t, "shop", KindInvite, r.token(t, "mine@example.org", mail.Invite), good)
	check(t, err)
	if !u.Member("shop") || r.enters(t, u.Email, other) || r.alive(t, session, "blog") {
		t.Error("who knew the old password is still in")
	}
}

func TestRecoveryProvesAVouchedAccount(t *testing.T) {
	r, blog, shop, _, _ := household(t)
	m, err := blog.Add(t.Context(), Draft{Email: "ann@example.org", Password: other, Roles: []string{Editor}, Confirm: true})
	check(t, err)
	session := r.session(t, m.ID, "")
	check(t, r.MagicLink(t.Context(), "blog", m.Email, home))
	_, err = r.use(t, "blog", KindMagic, r.token(t, m.Email, mail.MagicLink), "")
	check(t, err)
	if r.enters(t, m.Email, other) || r.alive(t, session, "blog") {
		t.Error("a password that others know is still good")
	}
	in, err := shop.Invite(t.Context(), Invitation{Email: m.Email})
	check(t, err)
	if !in.Joined {
		t.Error("a proven account has to prove itself again")
	}
}

func TestRemoveTakesTheAccountWithTheLastSite(t *testing.T) {
	r, blog, shop, _, id := household(t)
	ctx := t.Context()
	at, home := r.session(t, id["shared"], "blog"), r.session(t, id["shared"], "")
	check(t, blog.Remove(ctx, id["shared"]))
	u, err := r.User(ctx, id["shared"])
	check(t, err)
	if u.Member("blog") || !u.Member("shop") || r.alive(t, at, "blog") || !r.alive(t, home, "shop") {
		t.Errorf("%+v", u)
	}
	check(t, shop.Remove(ctx, id["shared"]))
	_, err = r.User(ctx, id["shared"])
	wantKind(t, err, fault.NotFound)
	check(t, blog.Remove(ctx, id["operator"]))
	_, err = r.User(ctx, id["operator"])
	check(t, err)
	wantKind(t, blog.Remove(ctx, id["theirs"]), fault.NotFound)
}

func TestRemoveTakesAnInvitationBack(t *testing.T) {
	r, blog, shop, _, _ := household(t)
	in, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	check(t, err)
	mine := r.token(t, "ann@example.org", mail.Invite)
	r.Advance(2 * time.Minute)
	_, err = shop.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	check(t, err)
	theirs := r.token(t, "ann@example.org", mail.Invite)
	check(t, blog.Remove(t.Context(), in.User.ID))
	_, err = r.use(t, "blog", KindInvite, mine, good)
	wantKind(t, err, fault.NotFound)
	_, err = r.use(t, "shop", KindInvite, theirs, good)
	check(t, err)
}

func TestNobodyShutsThemselvesOut(t *testing.T) {
	r, blog, _, all, id := household(t)
	boss, err := r.ByEmail(t.Context(), "blogboss@example.org")
	check(t, err)
	wantKind(t, blog.Disable(t.Context(), boss.ID), fault.Invalid)
	wantKind(t, blog.Delete(t.Context(), boss.ID), fault.Invalid)
	wantKind(t, all.Disable(t.Context(), id["operator"]), fault.Invalid)
	wantKind(t, all.SetOperator(t.Context(), id["operator"], false), fault.Invalid)
}

func TestOperatorsManageEverybody(t *testing.T) {
	r, _, _, all, id := household(t)
	word := other
	for _, who := range []string{"mine", "shared", "theirs"} {
		_, err := all.Change(t.Context(), id[who], Edit{Password: &word})
		check(t, err)
		if !r.enters(t, who+"@example.org", other) {
			t.Errorf("%s does not sign in", who)
		}
	}
	people, total, err := all.List(t.Context(), Page{Sort: SortEmail})
	check(t, err)
	if total != 6 || len(people) != 6 || people[0].Email != "blogboss@example.org" || !people[0].Manageable {
		t.Errorf("%d people: %+v", total, people)
	}
	check(t, all.SetOperator(t.Context(), id["mine"], true))
	check(t, all.Delete(t.Context(), id["theirs"]))
}

func TestListPages(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "zz@example.org", "blog")
	for i, name := range []string{"Ända", "bob", "Carl_X", "Dora%", "émile!", "Über Franz"} {
		r.Advance(time.Minute)
		_, err := desk.Add(t.Context(), Draft{Email: fmt.Sprintf("p%d@Example.org", 9-i), Name: name, Roles: []string{Editor}, Confirm: true})
		check(t, err)
	}
	_, err := r.Add(t.Context(), NewUser{Email: "other@example.org", Name: "bob too", Password: good, Roles: map[string][]string{"shop": {}}})
	check(t, err)
	emails := func(p Page) (string, int) {
		t.Helper()
		list, total, err := desk.List(t.Context(), p)
		check(t, err)
		var out []string
		for _, m := range list {
			out = append(out, strings.TrimSuffix(m.Email, "@example.org"))
		}
		return strings.Join(out, " "), total
	}
	for name, c := range map[string]struct {
		page  Page
		want  string
		total int
	}{
		"all":               {Page{}, "zz p9 p8 p7 p6 p5 p4", 7},
		"newest":            {Page{Down: true, Per: 2}, "p4 p5", 7},
		"second page":       {Page{Per: 3, Page: 2}, "p7 p6 p5", 7},
		"past the end":      {Page{Per: 3, Page: 9}, "", 7},
		"by address":        {Page{Sort: SortEmail, Per: 2}, "p4 p5", 7},
		"address":           {Page{Filter: "P8@EXAMPLE"}, "p8", 1},
		"name":              {Page{Filter: "BOB"}, "p8", 1},
		"name with accent":  {Page{Filter: "ÉMILE"}, "p5", 1},
		"decomposed accent": {Page{Filter: "U\u0308BER"}, "p4", 1},
		"percent is text":   {Page{Filter: "%"}, "p6", 1},
		"underscore":        {Page{Filter: "_"}, "p7", 1},
		"escape sign":       {Page{Filter: "!"}, "p5", 1},
		"quote":             {Page{Filter: "' OR 1=1 --"}, "", 0},
	} {
		if got, total := emails(c.page); got != c.want || total != c.total {
			t.Errorf("%s: %q of %d, want %q of %d", name, got, total, c.want, c.total)
		}
	}
	for _, bad := range []Page{{Sort: "password"}, {Page: -1}, {Per: -1}, {Filter: strings.Repeat("x", 201)}} {
		_, _, err := desk.List(t.Context(), bad)
		wantKind(t, err, fault.Invalid)
	}
	if list, _, err := desk.List(t.Context(), Page{Per: 1 << 30}); err != nil || len(list) != 7 {
		t.Errorf("%d %v", len(list), err)
	}
}

func TestListShowsWhoHasNotComeYet(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, desk := r.admin(t, "zz@example.org", "blog")
	_, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Editor}})
	check(t, err)
	r.signs(t, "bob@example.org", good, "blog")
	list, _, err := desk.List(t.Context(), Page{Sort: SortEmail})
	check(t, err)
	if len(list) != 3 || !list[0].Pending["blog"].Invited || list[0].Waiting.Until.IsZero() || list[1].Pending["blog"].Invited || list[1].Waiting.Confirmation.IsZero() {
		t.Errorf("%+v", list)
	}
	// An administrator answers for the second.
	yes := true
	m, err := desk.Change(t.Context(), list[1].ID, Edit{Confirm: &yes})
	check(t, err)
	if !m.Member("blog") || m.Confirmed.IsZero() || !r.enters(t, m.Email, good) {
		t.Errorf("%+v", m)
	}
}

func TestSetRolesTellsThePerson(t *testing.T) {
	r, blog, _, _, id := household(t)
	check(t, blog.SetRoles(t.Context(), id["mine"], []string{Publisher}))
	check(t, blog.SetRoles(t.Context(), id["mine"], []string{Publisher}))
	if r.count(t, "mine@example.org", mail.NoticeRoles) != 1 {
		t.Error("one change is one notice")
	}
	events, err := r.Audit.Recent(t.Context(), audit.Filter{Kind: audit.RolesChanged})
	check(t, err)
	if len(events) != 1 || events[0].Actor != "blogboss@example.org" || events[0].Person != "mine@example.org" || events[0].Detail != "roles: publisher" {
		t.Errorf("%+v", events)
	}
	wantKind(t, blog.SetRoles(t.Context(), id["mine"], []string{"no role"}), fault.Invalid)
}

func TestOnlyOperatorsInviteToAClosedSite(t *testing.T) {
	r, blog, _, _, _ := household(t)
	check(t, blog.SetPolicy(t.Context(), Policy{SignUp: SignUpClosed}))
	_, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	wantKind(t, err, fault.Forbidden)
	_, err = r.LocalDesk("blog").Invite(t.Context(), Invitation{Email: "ann@example.org"})
	check(t, err)
}

func TestALinkIsShownOnlyWhereItMustBe(t *testing.T) {
	r, blog, _, all, _ := household(t)
	r.Mail.SMTP, r.Mail.From = "smtp://127.0.0.1:1", "cms@example.org"
	in, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	check(t, err)
	if in.Link != "" {
		t.Error("a site's administrator could come in as the person invited")
	}
	op := *all
	op.Site = "blog"
	in, err = op.Invite(t.Context(), Invitation{Email: "bob@example.org"})
	check(t, err)
	if in.Link == "" {
		t.Error("an operator has nothing to pass on")
	}
}

func TestEndSessionsOfSharedPeopleEndsThoseOfTheSite(t *testing.T) {
	r, blog, _, _, id := household(t)
	here, there := r.session(t, id["shared"], "blog"), r.session(t, id["shared"], "shop")
	mine := r.session(t, id["mine"], "")
	check(t, blog.EndSessions(t.Context(), id["shared"]))
	check(t, blog.EndSessions(t.Context(), id["mine"]))
	if r.alive(t, here, "blog") || !r.alive(t, there, "shop") || r.alive(t, mine, "blog") {
		t.Error("the wrong sessions ended")
	}
}

func TestSendRecovery(t *testing.T) {
	r, blog, _, _, id := household(t)
	check(t, blog.SendRecovery(t.Context(), id["shared"]))
	wantKind(t, blog.SendRecovery(t.Context(), id["shared"]), fault.TooMany)
	_, err := r.use(t, "blog", KindRecovery, r.token(t, "shared@example.org", mail.Recover), other)
	check(t, err)
}

func TestEveryDeedIsWrittenDown(t *testing.T) {
	r, blog, _, all, id := household(t)
	ctx, yes := t.Context(), true
	check(t, blog.Disable(ctx, id["mine"]))
	check(t, blog.Enable(ctx, id["mine"]))
	_, err := blog.Change(ctx, id["mine"], Edit{Confirm: &yes})
	check(t, err)
	_, err = blog.Invite(ctx, Invitation{Email: "ann@example.org"})
	check(t, err)
	check(t, blog.EndSessions(ctx, id["mine"]))
	check(t, blog.Remove(ctx, id["shared"]))
	check(t, all.Delete(ctx, id["mine"]))
	want := []string{audit.Disabled, audit.Enabled, audit.Modified, audit.Invited, audit.SignedOut, audit.Removed, audit.Deleted}
	got := r.events(t)
	if !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("events are %v", got)
	}
	events, err := r.Audit.Recent(ctx, audit.Filter{Limit: len(want)})
	check(t, err)
	for _, e := range events {
		if e.Actor == "" || e.Person == "" || strings.Contains(e.Detail, good) {
			t.Errorf("%+v", e)
		}
	}
}
