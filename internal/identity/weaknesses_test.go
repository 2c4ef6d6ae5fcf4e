package identity

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
	"gatehouse/internal/store/storetest"
)

// What GoTrue gets wrong, each under the name of its failure.

func TestEmptyPasswordLogin(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	m, err := desk.Add(t.Context(), Draft{Email: "ann@example.org", Roles: []string{Editor}, Confirm: true})
	check(t, err)
	if r.enters(t, m.Email, "") {
		t.Error("an account without a password opens to the empty one")
	}
	// As an import may bring it.
	empty, err := r.Hasher.Hash(t.Context(), "")
	check(t, err)
	check(t, r.Store.SetPassword(t.Context(), m.ID, empty, r.Now()))
	if r.enters(t, m.Email, "") || r.enters(t, m.Email, strings.Repeat("x", 5*MaxPassword)) {
		t.Error("the hash of the empty password opens an account")
	}
}

func TestPreHijackByAnEarlierSignUp(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	r.signs(t, "ann@example.org", other, "blog") // a stranger
	stranger := r.token(t, "ann@example.org", mail.Confirm)
	r.signs(t, "ann@example.org", good, "blog") // Ann
	_, err := r.use(t, "blog", KindSignUp, stranger, "")
	wantKind(t, err, fault.NotFound)
	_, err = r.use(t, "blog", KindSignUp, r.token(t, "ann@example.org", mail.Confirm), "")
	check(t, err)
	if r.enters(t, "ann@example.org", other) || !r.enters(t, "ann@example.org", good) {
		t.Error("the stranger's password opens Ann's account")
	}
	if list, err := r.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d accounts, %v", len(list), err)
	}
}

// Somebody signs up at one site with the address of a person who comes to
// another.
func TestPreHijackByASignUpElsewhere(t *testing.T) {
	r := newRig(t)
	r.open(t, "shop")
	_, blog := r.admin(t, "b@example.org", "blog")
	r.signs(t, "ann@example.org", other, "shop")
	stranger := r.token(t, "ann@example.org", mail.Confirm)
	_, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Admin}})
	check(t, err)
	invite := r.token(t, "ann@example.org", mail.Invite)
	t.Run("she takes the invitation up", func(t *testing.T) {
		_, err = r.use(t, "blog", KindInvite, invite, good)
		check(t, err)
		u, err := r.use(t, "shop", KindSignUp, stranger, "")
		check(t, err)
		if r.enters(t, u.Email, other) || !r.enters(t, u.Email, good) {
			t.Error("the stranger's password opens Ann's account")
		}
	})
}

func TestPreHijackEndsWithTheInvitation(t *testing.T) {
	r := newRig(t)
	r.open(t, "shop")
	_, blog := r.admin(t, "b@example.org", "blog")
	r.signs(t, "ann@example.org", other, "shop")
	_, err := blog.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Admin}})
	check(t, err)
	invite := r.token(t, "ann@example.org", mail.Invite)
	// Ann falls for the stranger's mail first.
	u, err := r.use(t, "shop", KindSignUp, r.token(t, "ann@example.org", mail.Confirm), "")
	check(t, err)
	if u.Member("blog") {
		t.Fatal("a mail of one site opened the other")
	}
	session := r.session(t, u.ID, "")
	_, err = r.use(t, "blog", KindInvite, invite, good)
	check(t, err)
	if r.enters(t, u.Email, other) || r.alive(t, session, "blog") {
		t.Error("the stranger comes in with her")
	}
}

func TestSignUpWithTheAddressOfAnAccountChangesNothing(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Name: "Ann", Password: good, Roles: map[string][]string{"blog": {Publisher}}})
	check(t, err)
	r.signs(t, "ann@example.org", other, "blog")
	u, err := r.ByEmail(t.Context(), "ann@example.org")
	check(t, err)
	if u.Name != "Ann" || r.enters(t, u.Email, other) || !r.enters(t, u.Email, good) || !slices.Equal(u.Roles["blog"], []string{Publisher}) {
		t.Errorf("%+v", u)
	}
}

// A person of one site who signs up at another joins it with the password they
// have, when they confirm it.
func TestSignUpOfAKnownPersonElsewhereJoins(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Name: "Ann", Password: good, Roles: map[string][]string{"shop": {Publisher}}})
	check(t, err)
	r.signs(t, "ann@example.org", other, "blog")
	if u, err := r.ByEmail(t.Context(), "ann@example.org"); err != nil || u.Member("blog") {
		t.Fatalf("a stranger made her a member: %+v %v", u, err)
	}
	u, err := r.use(t, "blog", KindSignUp, r.token(t, "ann@example.org", mail.Confirm), "")
	check(t, err)
	if !u.Member("blog") || u.Name != "Ann" || r.enters(t, u.Email, other) || !r.enters(t, u.Email, good) {
		t.Errorf("%+v", u)
	}
}

func TestPendingInviteVoidedByAStrangersSignUp(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, desk := r.admin(t, "root@example.org", "blog")
	_, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Admin}})
	check(t, err)
	invite := r.token(t, "ann@example.org", mail.Invite)
	r.signs(t, "ann@example.org", other, "blog")
	if r.count(t, "ann@example.org", mail.Confirm) != 0 {
		t.Error("a stranger's mail would bring the roles of the invitation")
	}
	u, err := r.use(t, "blog", KindInvite, invite, good)
	check(t, err)
	if !slices.Equal(u.Roles["blog"], []string{Admin}) || r.enters(t, u.Email, other) || !r.enters(t, u.Email, good) {
		t.Errorf("%+v", u)
	}
}

func TestInvitesExpire(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	in, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	check(t, err)
	token := r.token(t, "ann@example.org", mail.Invite)
	r.Advance(InviteLife)
	_, err = r.use(t, "blog", KindInvite, token, good)
	wantKind(t, err, fault.Invalid)
	if err == nil || !strings.Contains(err.Error(), ErrTokenExpired.Error()) {
		t.Errorf("error is %v", err)
	}
	// It can be sent again, and is still listed, also when old tokens are gone.
	r.Advance(100 * 24 * time.Hour)
	check(t, r.Store.Sweep(t.Context(), r.Now()))
	again, err := desk.Reinvite(t.Context(), in.User.ID)
	check(t, err)
	if again.User.ID != in.User.ID {
		t.Error("the invited person is another account now")
	}
}

func TestTokensLiveAsLongAsTheyShould(t *testing.T) {
	for kind, life := range map[Kind]time.Duration{KindSignUp: SignUpLife, KindRecovery: RecoveryLife, KindMagic: MagicLife, KindEmail: EmailLife, KindInvite: InviteLife} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig(t)
			token := r.issued(t, kind, "ann@example.org", "blog")
			r.Advance(life - r.Now().Sub(r.issuedAt(t, token)) - time.Millisecond)
			_, err := r.Peek(t.Context(), Proof{Site: "blog", Kinds: []Kind{kind}, Token: token})
			check(t, err)
			r.Advance(time.Millisecond)
			_, _, err = r.Verify(t.Context(), Proof{Site: "blog", Kinds: []Kind{kind}, Token: token, Password: good})
			wantKind(t, err, fault.Invalid)
		})
	}
}

// issued is a token of a kind for an address.
func (r rig) issued(t testing.TB, kind Kind, email, site string) (token string) {
	t.Helper()
	check(t, r.Store.ChangeAccount(t.Context(), store.Which{Email: email}, func(a *store.Account) (err error) {
		if a.User.ID == "" {
			a.User = store.User{ID: newUUID(), Email: email, Created: r.Now(), Updated: r.Now()}
		}
		token, _, err = r.issue(a, kind, site, email, content{Email: "new." + email})
		return err
	}))
	return token
}

func (r rig) issuedAt(t testing.TB, token string) time.Time {
	t.Helper()
	row, err := r.Store.Token(t.Context(), hashToken(token))
	check(t, err)
	return row.Created
}

func TestDuplicateUsersByParallelSignUps(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	policy, err := r.Policy(t.Context(), "blog")
	check(t, err)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			// Past the throttle, which would let one through.
			_, err := r.signUp(t.Context(), "blog", policy, NewAccount{Email: "ann@example.org"}, "hash", home)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, err := r.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d accounts, %v", len(list), err)
	}
}

// Two processes on one database.
func TestDuplicateUsersByTwoProcesses(t *testing.T) {
	place := storetest.New(t)
	var rigs [2]rig
	for i := range rigs {
		st := place.Open(t)
		t.Cleanup(func() { check(t, st.Close()) })
		rigs[i] = mailRig(st)
	}
	rigs[0].open(t, "blog")
	var all sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for i := range 16 {
		all.Go(func() {
			_, err := rigs[i%2].SignUp(t.Context(), "blog", NewAccount{Email: "ann@example.org", Password: good}, netip.Addr{})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				passed++
			} else if !fault.Is(err, fault.TooMany) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := rigs[1].List(t.Context())
	check(t, err)
	if len(list) != 1 || passed != 1 || rigs[0].count(t, "ann@example.org", mail.Confirm) != 1 {
		t.Errorf("%d accounts, %d sign-ups, want one", len(list), passed)
	}
}

func TestATokenUsedByManyAtOnceWorksOnce(t *testing.T) {
	place := storetest.New(t)
	var rigs [2]rig
	for i := range rigs {
		st := place.Open(t)
		t.Cleanup(func() { check(t, st.Close()) })
		rigs[i] = mailRig(st)
	}
	token := rigs[0].issued(t, KindMagic, "ann@example.org", "blog")
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 16 {
		all.Go(func() {
			_, _, err := rigs[i%2].Verify(t.Context(), Proof{Site: "blog", Kinds: []Kind{KindMagic}, Token: token})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("the token worked %d times", won)
	}
}

func TestAdminsCannotTakeAnAddressThatIsTaken(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "root@example.org", "blog")
	for _, email := range []string{"ann@example.org", "bob@example.org"} {
		_, err := desk.Add(t.Context(), Draft{Email: email, Confirm: true})
		check(t, err)
	}
	bob, err := r.ByEmail(t.Context(), "bob@example.org")
	check(t, err)
	taken := "ANN@example.org"
	_, err = desk.Change(t.Context(), bob.ID, Edit{Email: &taken})
	wantKind(t, err, fault.Conflict)
	_, err = desk.Add(t.Context(), Draft{Email: taken})
	wantKind(t, err, fault.Conflict)
}

func TestTokensAreCaseSensitive(t *testing.T) {
	r := newRig(t)
	token := r.issued(t, KindMagic, "ann@example.org", "blog")
	swapped := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c - 32
		}
		if c >= 'A' && c <= 'Z' {
			return c + 32
		}
		return c
	}, token)
	for _, bad := range []string{swapped, strings.ToLower(token), token + " ", " " + token, token[:42], token + "=", "", hashToken(token)} {
		_, err := r.use(t, "blog", KindMagic, bad, "")
		wantKind(t, err, fault.NotFound)
	}
	_, err := r.use(t, "blog", KindMagic, token, "")
	check(t, err)
	_, err = r.use(t, "blog", KindMagic, token, "")
	wantKind(t, err, fault.NotFound)
}

func TestNoOneTimeTokenLiesInTheDatabase(t *testing.T) {
	place := storetest.New(t)
	st := place.Open(t)
	r := mailRig(st)
	r.open(t, "blog")
	_, desk := r.admin(t, "root@example.org", "blog")
	r.signs(t, "ann@example.org", good, "blog")
	in, err := desk.Invite(t.Context(), Invitation{Email: "bob@example.org"})
	check(t, err)
	_, invite, _ := strings.Cut(in.Link, "#")
	secrets := []string{good, invite, r.token(t, "ann@example.org", mail.Confirm)}
	row, err := st.Token(t.Context(), hashToken(secrets[2]))
	check(t, err)
	c, err := contentOf(row)
	check(t, err)
	secrets = append(secrets, c.Password)
	check(t, st.Close())
	all := place.Contents(t)
	for i, secret := range secrets {
		if secret == "" || strings.Contains(all, secret) {
			t.Errorf("secret %d lies in the database", i)
		}
	}
}

func TestLongPasswords(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	long := strings.Repeat("violet otter ", 20) // 260 bytes
	r.signs(t, "ann@example.org", long, "blog")
	_, err := r.use(t, "blog", KindSignUp, r.token(t, "ann@example.org", mail.Confirm), "")
	check(t, err)
	if !r.enters(t, "ann@example.org", long) || r.enters(t, "ann@example.org", long[:72]) {
		t.Error("only the first 72 bytes count")
	}
}

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
