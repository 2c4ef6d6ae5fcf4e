package identity

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

func TestMailsToOneAddressAreBounded(t *testing.T) {
	r := newRig(t)
	_, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	ask := func() { check(t, r.Recover(t.Context(), "blog", "ann@example.org", netip.Addr{})) }
	for range 5 {
		ask()
	}
	if n := r.count(t, "ann@example.org", mail.Recover); n != 1 {
		t.Errorf("%d mails in a minute", n)
	}
	for range 30 {
		r.Advance(61 * time.Second)
		ask()
	}
	if n := r.count(t, "ann@example.org", mail.Recover); n != mailsPerHour {
		t.Errorf("%d mails in an hour", n)
	}
	r.Advance(time.Hour)
	ask()
	if n := r.count(t, "ann@example.org", mail.Recover); n != mailsPerHour+1 {
		t.Errorf("%d mails after an hour: the address is shut for good", n)
	}
}

func TestStrangersCannotUseUpAnAdministratorsMails(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, desk := r.admin(t, "root@example.org", "blog")
	for range 2 * mailsPerHour {
		_, _ = r.SignUp(t.Context(), "blog", NewAccount{Email: "ann@example.org", Password: good}, netip.Addr{})
		check(t, r.Recover(t.Context(), "blog", "ann@example.org", netip.Addr{}))
		r.Advance(61 * time.Second)
	}
	r.Wait()
	_, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org"})
	check(t, err)
}

func TestMailsFromOnePlaceAreBounded(t *testing.T) {
	r := newRig(t)
	ask := func(i int, from string) error {
		return r.Recover(t.Context(), "blog", fmt.Sprintf("a%d@example.org", i), netip.MustParseAddr(from))
	}
	for i := range mailsFromPlace {
		check(t, ask(i, "2001:db8::1"))
	}
	err := ask(99, "2001:db8::2") // the same network
	wantKind(t, err, fault.TooMany)
	check(t, ask(99, "2001:db8:0:1::2"))
	r.Advance(time.Hour)
	check(t, ask(100, "2001:db8::1"))
	r.Wait()
}

func TestAFullQueueTellsNothing(t *testing.T) {
	r := newRig(t)
	_, err := r.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	for range afterSlots {
		r.after.slots <- struct{}{}
	}
	for i := range afterQueue {
		check(t, r.Recover(t.Context(), "blog", fmt.Sprintf("a%d@example.org", i), netip.Addr{}))
	}
	for _, email := range []string{"ann@example.org", "unknown@example.org"} {
		wantKind(t, r.Recover(t.Context(), "blog", email, netip.Addr{}), fault.TooMany)
	}
	for range afterSlots {
		<-r.after.slots
	}
	r.Wait()
}

func TestWithoutMailNothingIsPretended(t *testing.T) {
	s, _ := service(t)
	check(t, s.LocalDesk("blog").SetPolicy(t.Context(), Policy{SignUp: SignUpOpen}))
	_, err := s.SignUp(t.Context(), "blog", NewAccount{Email: "ann@example.org", Password: good}, home)
	wantKind(t, err, fault.Unsupported)
	wantKind(t, s.Recover(t.Context(), "blog", "ann@example.org", home), fault.Unsupported)
	u, err := s.Add(t.Context(), NewUser{Email: "ann@example.org", Password: good})
	check(t, err)
	address := "new@example.org"
	_, err = s.UpdateSelf(t.Context(), auth.Principal{UserID: u.ID}, "blog", Change{Email: &address})
	wantKind(t, err, fault.Unsupported)
}
