package identity

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

func TestDisabledIsRefusedAtEveryDoor(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, desk := r.admin(t, "root@example.org", "blog")
	m, err := desk.Add(t.Context(), Draft{Email: "ann@example.org", Password: good, Roles: []string{Editor}, Confirm: true})
	check(t, err)
	issuer, err := auth.NewIssuer(t.Context(), r.Store)
	check(t, err)
	issuer.Now = r.Now
	_, refresh, err := issuer.Start(t.Context(), m.ID, "blog", "", home)
	check(t, err)
	cookie := r.session(t, m.ID, "")
	magic := r.issued(t, KindMagic, m.Email, "blog")
	check(t, desk.Disable(t.Context(), m.ID))
	late := r.session(t, m.ID, "") // by a request that was under way
	_, lateRefresh, err := issuer.Start(t.Context(), m.ID, "blog", "", home)
	check(t, err)
	if r.alive(t, cookie, "blog") || r.alive(t, late, "blog") {
		t.Error("a session lives on")
	}
	for _, token := range []string{refresh, lateRefresh} {
		_, _, err = issuer.Refresh(t.Context(), token, "blog", auth.Client{})
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err = r.SignIn(t.Context(), m.Email, good, home)
	wantKind(t, err, fault.Forbidden)
	_, err = r.SignIn(t.Context(), m.Email, other, home)
	wantKind(t, err, fault.Unauthenticated)
	_, err = r.use(t, "blog", KindMagic, magic, "")
	wantKind(t, err, fault.NotFound)
	_, err = r.use(t, "blog", KindMagic, r.issued(t, KindMagic, m.Email, "blog"), "")
	wantKind(t, err, fault.Forbidden)
	check(t, r.Recover(t.Context(), "blog", m.Email, home))
	if r.count(t, m.Email, mail.Recover) != 0 {
		t.Error("a disabled account is helped to a new password")
	}
	name := "New"
	_, err = r.UpdateSelf(t.Context(), auth.Principal{UserID: m.ID}, "blog", Change{Name: &name})
	wantKind(t, err, fault.Forbidden)

	check(t, desk.Enable(t.Context(), m.ID))
	if r.alive(t, late, "blog") {
		t.Error("a session from before has come back")
	}
	if !r.enters(t, m.Email, good) {
		t.Error("an enabled account does not sign in")
	}
}

func TestRolesOfADeskActAtOnce(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	m, err := desk.Add(t.Context(), Draft{Email: "ann@example.org", Roles: []string{Editor}, Confirm: true})
	check(t, err)
	session := r.session(t, m.ID, "blog")
	check(t, desk.SetRoles(t.Context(), m.ID, []string{Reader}))
	c, err := r.Store.CallerBySession(t.Context(), session, "blog", r.Now())
	check(t, err)
	if !slices.Equal(c.Roles, []string{Reader}) {
		t.Errorf("roles are %v", c.Roles)
	}
	check(t, desk.Remove(t.Context(), m.ID))
	if r.alive(t, session, "blog") {
		t.Error("who was removed is still there")
	}
}

func TestAPendingMembershipGivesNothing(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	_, err := r.Add(t.Context(), NewUser{Email: "x@example.org", Password: good})
	check(t, err)
	in, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Admin}})
	check(t, err)
	session := r.session(t, in.User.ID, "blog")
	c, err := r.Store.CallerBySession(t.Context(), session, "blog", r.Now())
	check(t, err)
	if c.Roles != nil {
		t.Errorf("an invitation that waits gives %v", c.Roles)
	}
	_, err = r.Desk(t.Context(), auth.Principal{UserID: in.User.ID}, "blog")
	wantKind(t, err, fault.Forbidden)
}

func TestSweepRemovesWhatCameToNothing(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, desk := r.admin(t, "root@example.org", "blog")
	for i := range 3 {
		r.signs(t, fmt.Sprintf("stranger%d@example.org", i), good, "blog")
	}
	_, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	check(t, err)
	r.Advance(SignUpLife + 29*24*time.Hour)
	check(t, r.Store.Sweep(t.Context(), r.Now()))
	if n, err := r.Count(t.Context()); err != nil || n != 5 {
		t.Errorf("%d accounts, %v", n, err)
	}
	r.Advance(2 * 24 * time.Hour)
	check(t, r.Store.Sweep(t.Context(), r.Now()))
	if n, err := r.Count(t.Context()); err != nil || n != 2 {
		t.Errorf("%d accounts, %v", n, err)
	}
}

// Their old password is no session, so signing them out must not take it.
func TestSignedOutPeopleKeepTheirOldPasswordFromElsewhere(t *testing.T) {
	r := newRig(t)
	word := crypted(t, "an old password")
	_, err := r.Import(t.Context(), Importing{
		Exports: []Export{exportOf(t, "blog", goTrueUser("1", "ann@example.org", word), goTrueUser("2", "bob@example.org", word))},
		Roles:   []string{Editor}, Apply: true,
	})
	check(t, err)
	_, desk := r.admin(t, "root@example.org", "blog")
	ann, bob := r.account(t, "ann@example.org"), r.account(t, "bob@example.org")
	check(t, desk.EndSessions(t.Context(), ann.ID))
	check(t, desk.Disable(t.Context(), ann.ID))
	check(t, desk.Enable(t.Context(), ann.ID))
	if !r.enters(t, ann.Email, "an old password") {
		t.Error("the old password is gone")
	}
	next := good
	_, err = desk.Change(t.Context(), bob.ID, Edit{Password: &next})
	check(t, err)
	if r.enters(t, bob.Email, "an old password") || !r.enters(t, bob.Email, good) {
		t.Error("the old password lives beside the new one")
	}
}
