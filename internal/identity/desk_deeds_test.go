package identity

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

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

func TestWithoutMailTheLinkIsReturned(t *testing.T) {
	r := newRig(t)
	r.Mail = nil
	_, desk := r.admin(t, "root@example.org", "blog")
	in, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Editor}})
	check(t, err)
	_, token, ok := strings.Cut(in.Link, "#")
	if !ok || in.Mail != "" {
		t.Fatalf("%+v", in)
	}
	_, err = r.use(t, "blog", KindInvite, token, good)
	check(t, err)
	wantKind(t, desk.SendRecovery(t.Context(), in.User.ID), fault.Unsupported)
}
