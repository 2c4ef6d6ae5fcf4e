package identity

import (
	"slices"
	"strings"
	"testing"
	"time"

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
