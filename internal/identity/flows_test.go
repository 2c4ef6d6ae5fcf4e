package identity

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

func TestSignUpConfirmSignIn(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	u, err := r.SignUp(t.Context(), "blog", NewAccount{
		Email: " Ann@Example.org ", Password: good, Data: map[string]any{"full_name": "Ann Lee", "shoe": 39.0}, Language: "de-AT",
	}, home)
	check(t, err)
	if u.Email != "ann@example.org" || !u.Confirmed.IsZero() || u.Metadata["full_name"] != "Ann Lee" {
		t.Errorf("answer is %+v", u)
	}
	if r.enters(t, "ann@example.org", good) {
		t.Error("an account whose address is not confirmed signs in")
	}
	token := r.token(t, "ann@example.org", mail.Confirm)
	seen, err := r.Peek(t.Context(), Proof{Site: "blog", Kinds: []Kind{KindSignUp, KindInvite}, Token: token})
	check(t, err)
	if seen.Kind != KindSignUp || seen.Email != "ann@example.org" || seen.NeedsPassword || !slices.Equal(seen.User.Pending["blog"].Roles, []string{Editor}) {
		t.Errorf("the page sees %+v", seen)
	}
	got, err := r.use(t, "blog", KindSignUp, token, "")
	check(t, err)
	if got.Name != "Ann Lee" || got.Metadata["shoe"] != 39.0 || got.Language != "de-AT" || got.Confirmed.IsZero() || !slices.Equal(got.Roles["blog"], []string{Editor}) || len(got.Pending) != 0 {
		t.Errorf("confirmed as %+v", got)
	}
	if !r.enters(t, "ann@example.org", good) {
		t.Error("the confirmed account does not sign in")
	}
	if got := r.events(t); !slices.Equal(got, []string{audit.PolicyChanged, audit.SignUp, audit.Confirmed, audit.Login}) {
		t.Errorf("events are %v", got)
	}
}

func TestInviteAcceptedWithAPassword(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	in, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Publisher, Editor}, Data: map[string]any{"full_name": "Ann"}})
	check(t, err)
	if in.Joined || in.Mail == "" || in.User.Invited.IsZero() || !in.User.Pending["blog"].Invited || in.User.Waiting.Until.Sub(r.Now()) != InviteLife {
		t.Errorf("invited: %+v", in)
	}
	token := r.token(t, "ann@example.org", mail.Invite)
	if !strings.HasSuffix(in.Link, "/blog/invite#"+token) {
		t.Errorf("the link is %q", in.Link)
	}
	_, err = r.use(t, "blog", KindInvite, token, "")
	wantKind(t, err, fault.Invalid)
	_, err = r.use(t, "blog", KindInvite, token, "short")
	wantKind(t, err, fault.Invalid)
	u, err := r.use(t, "blog", KindInvite, token, good)
	check(t, err)
	if !slices.Equal(u.Roles["blog"], []string{Editor, Publisher}) || u.Confirmed.IsZero() || u.Name != "Ann" {
		t.Errorf("came as %+v", u)
	}
	if !r.enters(t, u.Email, good) {
		t.Error("the password of the invitation does not sign in")
	}
	_, err = desk.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	if r.Advance(2 * time.Minute); err == nil {
		t.Error("invited twice in a minute")
	}
	_, err = desk.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	wantKind(t, err, fault.Conflict)
}

func TestReinviteKeepsTheRolesAndEndsTheOldLink(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	in, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Editor}})
	check(t, err)
	old := r.token(t, "ann@example.org", mail.Invite)
	_, err = desk.Reinvite(t.Context(), in.User.ID)
	wantKind(t, err, fault.TooMany)
	r.Advance(2 * time.Minute)
	again, err := desk.Reinvite(t.Context(), in.User.ID)
	check(t, err)
	if again.User.ID != in.User.ID || !slices.Equal(again.User.Pending["blog"].Roles, []string{Editor}) {
		t.Errorf("asked again: %+v", again.User)
	}
	_, err = r.use(t, "blog", KindInvite, old, good)
	wantKind(t, err, fault.NotFound)
	_, err = r.use(t, "blog", KindInvite, r.token(t, "ann@example.org", mail.Invite), good)
	check(t, err)
}

func TestBothInvitationsStayGood(t *testing.T) {
	r := newRig(t)
	_, blog := r.admin(t, "b@example.org", "blog")
	_, shop := r.admin(t, "s@example.org", "shop")
	_, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Editor}})
	check(t, err)
	first := r.token(t, "ann@example.org", mail.Invite)
	r.Advance(2 * time.Minute)
	_, err = shop.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Reader}})
	check(t, err)
	second := r.token(t, "ann@example.org", mail.Invite)
	u, err := r.use(t, "blog", KindInvite, first, good)
	check(t, err)
	if u.Member("shop") {
		t.Error("the first invitation brought the second site")
	}
	seen, err := r.Peek(t.Context(), Proof{Site: "shop", Kinds: []Kind{KindInvite}, Token: second})
	check(t, err)
	if seen.NeedsPassword {
		t.Error("a person with a password is asked for another")
	}
	u, err = r.use(t, "shop", KindInvite, second, "")
	check(t, err)
	if !u.Member("shop") || !u.Member("blog") || !r.enters(t, u.Email, good) {
		t.Errorf("in the end: %+v", u)
	}
}

func TestAKnownPersonJoinsAtOnceWithANotice(t *testing.T) {
	r := newRig(t)
	_, blog := r.admin(t, "b@example.org", "blog")
	_, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good, Roles: map[string][]string{"shop": {Editor}}})
	check(t, err)
	in, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org", Name: "Not Her Name", Roles: []string{Reader}})
	check(t, err)
	if !in.Joined || in.Link != "" || !slices.Equal(in.User.Roles["blog"], []string{Reader}) || in.User.Name != "" {
		t.Errorf("%+v", in)
	}
	if _, ok := in.User.Roles["shop"]; ok {
		t.Error("the desk of one site tells of another")
	}
	if r.count(t, "ann@example.org", mail.NoticeRoles) != 1 {
		t.Error("nobody told her")
	}
}

func TestRecoverSetsAPassword(t *testing.T) {
	r := newRig(t)
	u, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good, Roles: map[string][]string{"blog": {Editor}}})
	check(t, err)
	session := r.session(t, u.ID, "")
	check(t, r.Recover(t.Context(), "blog", "ANN@example.org", home))
	token := r.token(t, u.Email, mail.Recover)
	check(t, r.MagicLink(t.Context(), "blog", u.Email, home))
	magic := r.token(t, u.Email, mail.MagicLink)
	_, err = r.use(t, "blog", KindRecovery, token, other)
	check(t, err)
	if r.alive(t, session, "blog") || r.enters(t, u.Email, good) || !r.enters(t, u.Email, other) {
		t.Error("sessions or the old password live on")
	}
	_, err = r.use(t, "blog", KindMagic, magic, "")
	wantKind(t, err, fault.NotFound)
	if r.count(t, u.Email, mail.NoticePassword) != 1 {
		t.Error("nobody told her")
	}
}

// As GoTrue's clients do it: the link signs in, and the password follows.
func TestRecoverWithoutAPasswordSignsIn(t *testing.T) {
	r := newRig(t)
	u, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	check(t, r.Recover(t.Context(), "blog", u.Email, home))
	got, err := r.use(t, "blog", KindRecovery, r.token(t, u.Email, mail.Recover), "")
	check(t, err)
	if got.ID != u.ID || !r.enters(t, u.Email, good) {
		t.Error("the password went away before there was another")
	}
	mine, theirs, family := r.session(t, u.ID, "blog"), r.session(t, u.ID, ""), r.session(t, u.ID, "shop")
	word := other
	_, err = r.UpdateSelf(t.Context(), auth.Principal{UserID: u.ID, Session: mine}, "blog", Change{Password: &word})
	check(t, err)
	if !r.alive(t, mine, "blog") || r.alive(t, theirs, "blog") || r.alive(t, family, "shop") {
		t.Error("a change of password must end all sessions but the caller's")
	}
}

func TestMagicLinkSignsIn(t *testing.T) {
	r := newRig(t)
	u, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	check(t, r.MagicLink(t.Context(), "blog", u.Email, home))
	token := r.token(t, u.Email, mail.MagicLink)
	got, err := r.use(t, "blog", KindMagic, token, "")
	check(t, err)
	if got.ID != u.ID || !got.LastSignIn.Equal(r.Now()) || !got.Seen.Equal(r.Now()) {
		t.Errorf("%+v", got)
	}
}
