package identity

import (
	"net/netip"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

func TestAudienceCannotBeChosenByVisitors(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, err := r.SignUp(t.Context(), "shop", NewAccount{Email: "ann@example.org", Password: good}, home)
	wantKind(t, err, fault.Forbidden)
}

func TestSignUpIsBoundedToDomains(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog", func(p *Policy) { p.Domains = []string{"Example.org", "@bücher.example"} })
	for email, ok := range map[string]bool{
		"ann@example.org": true, "ann@EXAMPLE.ORG": true, "ann@bücher.example": true,
		"ann@example.org.evil.example": false, "ann@evilexample.org": false, "ann@sub.example.org": false, "ann@example.com": false,
	} {
		_, err := r.SignUp(t.Context(), "blog", NewAccount{Email: email, Password: good}, netip.Addr{})
		if r.Advance(2 * time.Minute); ok != (err == nil) || err != nil && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", email, err)
		}
	}
}

func TestPolicyRefusesNonsense(t *testing.T) {
	r := newRig(t)
	for name, p := range map[string]Policy{
		"sign-up": {SignUp: "maybe"}, "domain": {Domains: []string{"a b"}}, "no domain": {Domains: []string{"localhost"}},
		"role": {DefaultRoles: []string{"a b"}}, "language": {Language: "not a language"},
	} {
		if err := r.LocalDesk("blog").SetPolicy(t.Context(), p); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantKind(t, r.LocalDesk("").SetPolicy(t.Context(), Policy{}), fault.Invalid)
}

func TestAutoconfirm(t *testing.T) {
	r := newRig(t)
	r.open(t, "shop", func(p *Policy) { p.Autoconfirm = true })
	_, blog := r.admin(t, "b@example.org", "blog")
	r.signs(t, "ann@example.org", other, "shop") // a stranger
	if !r.enters(t, "ann@example.org", other) {
		t.Fatal("not let in at once")
	}
	u, err := r.ByEmail(t.Context(), "ann@example.org")
	check(t, err)
	if !u.Member("shop") {
		t.Errorf("%+v", u)
	}
	// Nobody has shown that the address is theirs, so another site's invitation
	// does not trust it.
	session := r.session(t, u.ID, "")
	in, err := blog.Invite(t.Context(), Invitation{Email: u.Email, Roles: []string{Editor}})
	check(t, err)
	if in.Joined || in.User.Roles["blog"] != nil {
		t.Fatal("a stranger is a member of another site")
	}
	_, err = r.use(t, "blog", KindInvite, r.token(t, u.Email, mail.Invite), good)
	check(t, err)
	if r.enters(t, u.Email, other) || r.alive(t, session, "blog") {
		t.Error("the stranger comes in with her")
	}
}

func TestAutoconfirmLeavesInvitationsAlone(t *testing.T) {
	r := newRig(t)
	_, blog := r.admin(t, "b@example.org", "blog")
	_, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Admin}})
	check(t, err)
	for _, site := range []string{"blog", "shop"} {
		r.open(t, site, func(p *Policy) { p.Autoconfirm = true })
		r.signs(t, "ann@example.org", other, site)
		if r.enters(t, "ann@example.org", other) {
			t.Errorf("a stranger signs in at %s as the person invited", site)
		}
	}
}

func TestWithoutPasswordsAnInvitationNeedsNone(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	check(t, desk.SetPolicy(t.Context(), Policy{PasswordOff: true}))
	_, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Editor}})
	check(t, err)
	token := r.token(t, "ann@example.org", mail.Invite)
	seen, err := r.Peek(t.Context(), Proof{Site: "blog", Kinds: []Kind{KindInvite}, Token: token})
	check(t, err)
	if seen.NeedsPassword {
		t.Error("a password is asked for that nobody can use")
	}
	u, err := r.use(t, "blog", KindInvite, token, "")
	check(t, err)
	if !u.Member("blog") || r.enters(t, u.Email, "") {
		t.Errorf("%+v", u)
	}
}
