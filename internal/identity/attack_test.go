package identity

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

// characters are addresses of every kind that a stranger may try.
func characters(t *testing.T, r rig) []string {
	t.Helper()
	r.open(t, "blog")
	r.open(t, "shop")
	_, blog := r.admin(t, "root@example.org", "blog")
	_, shop := r.admin(t, "boss@example.org", "shop")
	for _, n := range []NewUser{
		{Email: "member@example.org", Password: good, Roles: map[string][]string{"blog": {Editor}}},
		{Email: "elsewhere@example.org", Password: good, Roles: map[string][]string{"shop": {Editor}}},
		{Email: "operator@example.org", Password: good, Operator: true},
	} {
		_, err := r.Add(t.Context(), n)
		check(t, err)
	}
	_, err := blog.Invite(t.Context(), Invitation{Email: "invited@example.org", Roles: []string{Admin}})
	check(t, err)
	_, err = shop.Invite(t.Context(), Invitation{Email: "invited-elsewhere@example.org"})
	check(t, err)
	m, err := blog.Add(t.Context(), Draft{Email: "disabled@example.org", Password: good, Roles: []string{Editor}, Confirm: true})
	check(t, err)
	check(t, blog.Disable(t.Context(), m.ID))
	r.signs(t, "waiting@example.org", good, "blog")
	r.Wait()
	r.Advance(2 * time.Minute)
	return []string{
		"unknown@example.org", "member@example.org", "elsewhere@example.org", "operator@example.org", "invited@example.org",
		"invited-elsewhere@example.org", "disabled@example.org", "waiting@example.org",
	}
}

// trace is what a stranger can see of an answer, and the work that was done
// before it.
type trace struct {
	Answer User
	Fault  string
	Hashes int64
	Mails  int
}

func (r rig) allMails(t *testing.T) int {
	t.Helper()
	all, err := r.Mail.List(t.Context(), mail.Filter{Limit: 1000})
	check(t, err)
	return len(all)
}

func (r rig) trace(t *testing.T, email string, f func(email string) (User, error)) trace {
	t.Helper()
	hashes, mails := r.Hasher.done.Load(), r.allMails(t)
	u, err := f(email)
	x := trace{Answer: u, Hashes: r.Hasher.done.Load() - hashes, Mails: r.allMails(t) - mails}
	if err != nil {
		x.Fault = fault.KindOf(err).String() + ": " + fault.Message(err)
	}
	if x.Answer.ID != "" {
		if _, err := r.User(t.Context(), u.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: the answer has the id of an account", email)
		}
		x.Answer.ID, x.Answer.Email = "an id", "the address"
	}
	return x
}

// same fails for an address about which something can be learned.
func (r rig) same(t *testing.T, who []string, f func(email string) (User, error)) {
	t.Helper()
	first := r.trace(t, who[0], f)
	for _, email := range who[1:] {
		if d := cmp.Diff(first, r.trace(t, email, f)); d != "" {
			t.Errorf("%s can be told from %s:\n%s", email, who[0], d)
		}
	}
	// And again, when all of them have been asked for once.
	first = r.trace(t, who[0], f)
	for _, email := range who[1:] {
		if d := cmp.Diff(first, r.trace(t, email, f)); d != "" {
			t.Errorf("the second time, %s can be told from %s:\n%s", email, who[0], d)
		}
	}
}

func TestEnumerationBySignUp(t *testing.T) {
	r := newRig(t)
	who := characters(t, r)
	r.same(t, who, func(email string) (User, error) {
		return r.SignUp(t.Context(), "blog", NewAccount{Email: email, Password: other, Name: "Eve", Data: map[string]any{"a": "b"}}, netip.Addr{})
	})
	r.Advance(2 * time.Minute)
	r.same(t, who, func(email string) (User, error) {
		return r.SignUp(t.Context(), "blog", NewAccount{Email: email, Password: other}, netip.Addr{})
	})
	for _, email := range who {
		if r.enters(t, email, other) {
			t.Errorf("%s: a stranger's password signs in", email)
		}
	}
}

func TestEnumerationByRecovery(t *testing.T) {
	for _, kind := range []Kind{KindRecovery, KindMagic} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig(t)
			who := characters(t, r)
			// What is done later must not begin before the answer is counted.
			for range afterSlots {
				r.after.slots <- struct{}{}
			}
			r.same(t, who, func(email string) (User, error) {
				return User{}, r.mailLink(t.Context(), kind, "blog", email, netip.Addr{})
			})
			for range afterSlots {
				<-r.after.slots
			}
			for email, want := range map[string]int{"unknown@example.org": 0, "member@example.org": 1, "disabled@example.org": 0, "invited@example.org": 1} {
				if got := r.count(t, email, kind.mail()); got != want {
					t.Errorf("%d mails to %s, want %d", got, email, want)
				}
			}
		})
	}
}

func TestEnumerationBySignIn(t *testing.T) {
	r := newRig(t)
	who := characters(t, r)
	r.same(t, who, func(email string) (User, error) {
		return r.SignIn(t.Context(), email, "wrong password, and long", netip.Addr{})
	})
}

// Whoever signs up with an address and then tries the password must not learn
// whether the address was new.
func TestEnumerationBySignUpAndSignIn(t *testing.T) {
	r := newRig(t)
	who := characters(t, r)
	for _, email := range who {
		_, err := r.SignUp(t.Context(), "blog", NewAccount{Email: email, Password: other}, netip.Addr{})
		check(t, err)
	}
	r.same(t, who, func(email string) (User, error) { return r.SignIn(t.Context(), email, other, netip.Addr{}) })
}

func TestKindsAreNotInterchangeable(t *testing.T) {
	all := []Kind{KindSignUp, KindInvite, KindRecovery, KindEmail, KindMagic}
	for _, made := range all {
		r := newRig(t)
		token := r.issued(t, made, "ann@example.org", "blog")
		for _, asked := range all {
			if asked == made {
				continue
			}
			_, err := r.use(t, "blog", asked, token, good)
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("a token for %s as one for %s: %v", made, asked, err)
			}
		}
		if _, err := r.use(t, "blog", made, token, good); err != nil {
			t.Errorf("%s: %v", made, err)
		}
	}
}

func TestTokensOfAnotherSiteAreRefused(t *testing.T) {
	r := newRig(t)
	for _, kind := range []Kind{KindSignUp, KindInvite, KindRecovery, KindEmail, KindMagic} {
		token := r.issued(t, kind, "ann@example.org", "blog")
		for _, site := range []string{"shop", "", "BLOG"} {
			_, err := r.use(t, site, kind, token, good)
			wantKind(t, err, fault.NotFound)
			_, err = r.Peek(t.Context(), Proof{Site: site, Kinds: []Kind{kind}, Token: token})
			wantKind(t, err, fault.NotFound)
		}
	}
}

func TestTokenGuessingIsThrottled(t *testing.T) {
	r := newRig(t)
	token := r.issued(t, KindMagic, "ann@example.org", "blog")
	guess := func(token string, from netip.Addr) error {
		_, err := r.Peek(t.Context(), Proof{Site: "blog", Kinds: []Kind{KindMagic}, Token: token, From: from})
		return err
	}
	for i := range freePerAddress {
		if err := guess(auth.NewToken(), home); !fault.Is(err, fault.NotFound) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	wantKind(t, guess(token, home), fault.TooMany)
	check(t, guess(token, netip.MustParseAddr("192.0.2.99")))
	r.Advance(2 * time.Second)
	check(t, guess(token, home))
}

func TestRightTokensCountForNothing(t *testing.T) {
	r := newRig(t)
	token := r.issued(t, KindRecovery, "ann@example.org", "blog")
	p := Proof{Site: "blog", Kinds: []Kind{KindRecovery}, Token: token, From: home}
	for range 3 * freePerAddress {
		_, err := r.Peek(t.Context(), p)
		check(t, err)
		short := p
		short.Password = "short"
		_, _, err = r.Verify(t.Context(), short)
		wantKind(t, err, fault.Invalid)
	}
	r.Advance(RecoveryLife)
	for range 3 * freePerAddress {
		_, err := r.Peek(t.Context(), p)
		wantKind(t, err, fault.Invalid)
	}
}
