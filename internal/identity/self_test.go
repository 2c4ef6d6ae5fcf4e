package identity

import (
	"strings"
	"testing"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

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
