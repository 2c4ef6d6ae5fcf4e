package identity

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
	"gatehouse/internal/store/storetest"
)

const other = "amber canoe nine rivers"

// rig is a service that keeps its mails, with a clock that tests move.
type rig struct {
	*Service
	*clock
}

func newRig(t testing.TB) rig { return mailRig(storetest.Open(t)) }

func mailRig(st *store.Store) rig {
	s, c := over(st)
	s.Hasher.cost = phc{memory: 64, time: 1, threads: 1} // what a hash costs is tested elsewhere
	s.Mail = &mail.Post{Store: st, Now: c.Now}
	s.Pages = func(site, page, token string) string {
		return "https://cms.example/s/" + site + "/" + page + "#" + token
	}
	s.Audit = &audit.Log{Store: st, Now: c.Now}
	return rig{s, c}
}

// Now is the clock's.
func (r rig) Now() time.Time { return r.clock.Now() }

// open lets strangers sign up at a site as editors.
func (r rig) open(t testing.TB, site string, change ...func(*Policy)) {
	t.Helper()
	p := Policy{SignUp: SignUpOpen, DefaultRoles: []string{Editor}}
	for _, f := range change {
		f(&p)
	}
	check(t, r.LocalDesk(site).SetPolicy(t.Context(), p))
}

// admin is an administrator of a site, with their desk there.
func (r rig) admin(t testing.TB, email, site string) (auth.Principal, *Desk) {
	t.Helper()
	m, err := r.LocalDesk(site).Add(t.Context(), Draft{Email: email, Roles: []string{Admin}, Confirm: true})
	check(t, err)
	p := auth.Principal{UserID: m.ID, Email: m.Email}
	d, err := r.Desk(t.Context(), p, site)
	check(t, err)
	return p, d
}

// post is what was mailed to an address, the newest first.
func (r rig) post(t testing.TB, to string) []mail.Mail {
	t.Helper()
	r.Wait()
	all, err := r.Mail.List(t.Context(), mail.Filter{Limit: 1000})
	check(t, err)
	return slices.DeleteFunc(all, func(m mail.Mail) bool { return m.To != to })
}

// token is that of the newest mail of a kind to an address.
func (r rig) token(t testing.TB, to string, kind mail.Kind) string {
	t.Helper()
	for _, m := range r.post(t, to) {
		if m.Kind != kind {
			continue
		}
		link, err := r.Mail.Link(t.Context(), m.ID)
		check(t, err)
		_, token, _ := strings.Cut(link, "#")
		return token
	}
	t.Fatalf("no mail of the kind %s to %s", kind, to)
	return ""
}

// count is how many mails of a kind went to an address.
func (r rig) count(t testing.TB, to string, kind mail.Kind) int {
	t.Helper()
	n := 0
	for _, m := range r.post(t, to) {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

func (r rig) signs(t testing.TB, email, password, site string) {
	t.Helper()
	_, err := r.SignUp(t.Context(), site, NewAccount{Email: email, Password: password}, netip.Addr{})
	check(t, err)
	r.Advance(2 * time.Minute)
}

func (r rig) use(t testing.TB, site string, kind Kind, token, password string) (User, error) {
	t.Helper()
	r.Advance(time.Second)
	u, _, err := r.Verify(t.Context(), Proof{Site: site, Kinds: []Kind{kind}, Token: token, Password: password})
	return u, err
}

// enters reports whether a password signs in.
func (r rig) enters(t testing.TB, email, password string) bool {
	t.Helper()
	check(t, r.Store.ClearThrottle(t.Context(), accountKey(email)))
	_, err := r.SignIn(t.Context(), email, password, netip.Addr{})
	if err != nil && fault.KindOf(err) != fault.Unauthenticated && fault.KindOf(err) != fault.Forbidden {
		t.Fatal(err)
	}
	return err == nil
}

// session begins one for a user.
func (r rig) session(t testing.TB, userID, site string) string {
	t.Helper()
	id := newUUID()
	x := store.Session{ID: id, UserID: userID, Site: site, Created: r.Now(), Seen: r.Now(), Expires: r.Now().Add(time.Hour)}
	if site == "" {
		x.TokenHash = id
	}
	check(t, r.Store.AddSession(t.Context(), x))
	return id
}

func (r rig) alive(t testing.TB, session, site string) bool {
	t.Helper()
	_, err := r.Store.CallerBySession(t.Context(), session, site, r.Now())
	if err != nil {
		wantKind(t, err, fault.NotFound)
	}
	return err == nil
}

func (r rig) events(t testing.TB) []string {
	t.Helper()
	list, err := r.Audit.Recent(t.Context(), audit.Filter{})
	check(t, err)
	var kinds []string
	for _, e := range list {
		kinds = append(kinds, e.Kind)
	}
	slices.Reverse(kinds)
	return kinds
}

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

func TestChangeEmail(t *testing.T) {
	r := newRig(t)
	u, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	who, next := auth.Principal{UserID: u.ID, Session: r.session(t, u.ID, "")}, "New@Example.net"
	got, err := r.UpdateSelf(t.Context(), who, "blog", Change{Email: &next})
	check(t, err)
	if got.Email != "ann@example.org" {
		t.Error("the address changed before it was confirmed")
	}
	token := r.token(t, "new@example.net", mail.EmailChange)
	if got, err = r.User(t.Context(), u.ID); err != nil || got.Waiting.NewEmail != "new@example.net" {
		t.Errorf("waiting: %+v %v", got.Waiting, err)
	}
	check(t, r.Recover(t.Context(), "blog", "ann@example.org", home))
	old := r.token(t, "ann@example.org", mail.Recover)
	got, err = r.UpdateSelf(t.Context(), who, "blog", Change{EmailToken: &token})
	check(t, err)
	if got.Email != "new@example.net" || !r.enters(t, "new@example.net", good) {
		t.Errorf("%+v", got)
	}
	if r.count(t, "ann@example.org", mail.NoticeEmail) != 1 {
		t.Error("the old address was not told")
	}
	if _, err := r.use(t, "blog", KindRecovery, old, other); !fault.Is(err, fault.NotFound) {
		t.Errorf("a link in the old mailbox still opens the account: %v", err)
	}
}

func TestChangeEmailToAnothersAddress(t *testing.T) {
	r := newRig(t)
	u, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	_, err = r.Add(t.Context(), NewUser{Email: "bob@example.org", Password: good})
	check(t, err)
	check(t, r.ChangeEmail(t.Context(), u.ID, "blog", "bob@example.org"))
	if len(r.post(t, "bob@example.org")) != 0 {
		t.Error("somebody else's mailbox was written to")
	}
	r.Advance(2 * time.Minute)
	// The address is taken between the mail and its use.
	check(t, r.ChangeEmail(t.Context(), u.ID, "blog", "carl@example.org"))
	r.Wait()
	r.Advance(2 * time.Minute)
	check(t, r.ChangeEmail(t.Context(), u.ID, "blog", "carl@example.org"))
	token := r.token(t, "carl@example.org", mail.EmailChange)
	_, err = r.Add(t.Context(), NewUser{Email: "carl@example.org", Password: good})
	check(t, err)
	_, err = r.use(t, "blog", KindEmail, token, "")
	wantKind(t, err, fault.Conflict)
	if got, err := r.User(t.Context(), u.ID); err != nil || got.Email != "ann@example.org" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAChangeOfAddressIsItsOwners(t *testing.T) {
	r := newRig(t)
	ann, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	bob, err := r.Add(t.Context(), NewUser{Email: "bob@example.org", Password: good})
	check(t, err)
	check(t, r.ChangeEmail(t.Context(), ann.ID, "blog", "new@example.org"))
	token := r.token(t, "new@example.org", mail.EmailChange)
	_, err = r.UpdateSelf(t.Context(), auth.Principal{UserID: bob.ID}, "blog", Change{EmailToken: &token})
	wantKind(t, err, fault.NotFound)
}

func TestUpdateSelfMergesData(t *testing.T) {
	r := newRig(t)
	u, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	who, name, tongue := auth.Principal{UserID: u.ID}, "Ann", "fr"
	_, err = r.UpdateSelf(t.Context(), who, "blog", Change{Name: &name, Language: &tongue, Data: map[string]any{"a": 1.0, "b": "x"}})
	check(t, err)
	got, err := r.UpdateSelf(t.Context(), who, "blog", Change{Data: map[string]any{"a": nil, "c": true}})
	check(t, err)
	if len(got.Metadata) != 2 || got.Metadata["b"] != "x" || got.Metadata["c"] != true || got.Name != "Ann" || got.Language != "fr" {
		t.Errorf("%+v", got)
	}
	_, err = r.UpdateSelf(t.Context(), who, "blog", Change{Data: map[string]any{"big": strings.Repeat("x", maxData)}})
	wantKind(t, err, fault.TooLarge)
}
