package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store/storetest"
)

func TestImportKeepsPasswords(t *testing.T) {
	r := newRig(t)
	word := crypted(t, "an old password")
	users := make([]map[string]any, 1000)
	for n := range users {
		users[n] = goTrueUser(fmt.Sprintf("id-%04d", n), fmt.Sprintf("Person%d@Example.org", n), word,
			with("user_metadata", map[string]any{"full_name": fmt.Sprintf("Person %d", n), "avatar_url": "https://example.org/p.png", "shoe": 42}))
	}
	users[7] = goTrueUser("id-0007", "person7@example.org", crypted(t, "another old one"), rolesThere("publisher", "Bad Role"))
	done, err := r.Import(t.Context(), Importing{Exports: []Export{exportOf(t, "blog", users...)}, Roles: []string{Editor}, Apply: true})
	check(t, err)
	if report := done.Exports[0]; report.New != 1000 || report.WithPassword != 1000 || report.Roles[Editor] != 999 || report.Roles[Publisher] != 1 || fmt.Sprint(report.LeftOut) != "[Bad Role]" {
		t.Errorf("the report is %+v", report)
	}
	for _, n := range []int{0, 199, 200, 999} {
		email := fmt.Sprintf("person%d@example.org", n)
		if r.enters(t, email, "An old password") || r.enters(t, email, "") || !r.enters(t, email, "an old password") {
			t.Errorf("%s does not come in by the old password alone", email)
		}
	}
	u := r.account(t, "person999@example.org")
	if u.Name != "Person 999" || u.Metadata["avatar_url"] != "https://example.org/p.png" || u.Metadata["shoe"] != 42.0 {
		t.Errorf("the data is %q, %v", u.Name, u.Metadata)
	}
	if want := time.Date(2024, 2, 29, 10, 0, 0, 0, time.UTC); !u.Created.Equal(want) || u.Confirmed.IsZero() || u.Operator {
		t.Errorf("the account is of %v, confirmed %v, operator %t", u.Created, u.Confirmed, u.Operator)
	}
	wantRoles(t, u, "blog", Editor)
	row, err := r.Store.User(t.Context(), u.ID)
	check(t, err)
	if !strings.HasPrefix(row.Password, "$argon2id$") {
		t.Error("the password was not hashed anew at its first use")
	}
	if !r.enters(t, u.Email, "an old password") {
		t.Error("it is not good for a second time")
	}
	old, err := r.Store.UserByAlias(t.Context(), "blog", "id-0999")
	if err != nil || old.ID != u.ID {
		t.Errorf("the old id leads to %q (%v)", old.ID, err)
	}
}

func TestImportOfOverlappingExports(t *testing.T) {
	r := newRig(t)
	blog := exportOf(t, "blog",
		goTrueUser("1", "Ann@example.org", crypted(t, "ann at the blog"), rolesThere("editor")),
		goTrueUser("2", "bob@example.org", crypted(t, "bob at the blog"), with("role", "admin")))
	shop := exportOf(t, "shop",
		goTrueUser("1", "ANN@EXAMPLE.ORG", crypted(t, "ann at the shop"), with("is_super_admin", true)),
		goTrueUser("3", "ann@example.org", crypted(t, "ann the second")))
	reports := r.takes(t, Importing{Exports: []Export{blog, shop}})
	if b, s := reports[0], reports[1]; b.New != 2 || s.Merged != 1 || s.New != 0 || s.Skipped[0].Reason != SkipTwice || s.Skipped[0].Entries[0] != 2 {
		t.Errorf("the reports are %+v", reports)
	}
	ann := r.account(t, "ann@example.org")
	wantRoles(t, ann, "blog", Editor)
	wantRoles(t, ann, "shop", Admin)
	wantRoles(t, r.account(t, "bob@example.org"), "blog", Admin)
	if ann.Operator {
		t.Error("an import made an operator")
	}
	// Whichever is used first becomes the password.
	if r.enters(t, ann.Email, "ann the second") || !r.enters(t, ann.Email, "ann at the shop") {
		t.Error("she does not come in by the password of the second export")
	}
	if r.enters(t, ann.Email, "ann at the blog") {
		t.Error("the other old password is still good")
	}
	for _, a := range must(r.Store.Aliases(t.Context(), ann.ID))(t) {
		if a.Password != "" {
			t.Errorf("the hash of %s/%s is still kept", a.Site, a.OldID)
		}
	}
}

// The store sees both as the account's first sign-in.
func TestOfTwoOldPasswordsAtTheSameMomentOneWins(t *testing.T) {
	r := newRig(t)
	_, err := r.Import(t.Context(), Importing{Apply: true, Exports: []Export{
		exportOf(t, "blog", goTrueUser("1", "ann@example.org", crypted(t, "ann at the blog"))),
		exportOf(t, "shop", goTrueUser("1", "ann@example.org", crypted(t, "ann at the shop"))),
	}})
	check(t, err)
	before, rehash, ok, err := r.verify(t.Context(), "ann@example.org", "ann at the blog")
	if err != nil || !ok || rehash == "" {
		t.Fatalf("the old password does not fit: %v", err)
	}
	if !r.enters(t, "ann@example.org", "ann at the shop") {
		t.Fatal("nor does the other")
	}
	wantKind(t, r.signedIn(t.Context(), before, "ann at the blog", rehash, r.Now()), fault.Unauthenticated)
	check(t, r.signedIn(t.Context(), before, "ann at the shop", rehash, r.Now()))
	if r.enters(t, "ann@example.org", "ann at the blog") || !r.enters(t, "ann@example.org", "ann at the shop") {
		t.Error("the password that lost is good")
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func TestImportLeavesAccountsAsTheyAre(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "boss@example.org", "blog")
	here := add(t, r.Service, "ann@example.org")
	_, err := desk.Invite(t.Context(), Invitation{Email: "asked@example.org", Roles: []string{Reader}})
	check(t, err)
	op, err := r.Add(t.Context(), NewUser{Email: "root@example.org", Password: good, Operator: true})
	check(t, err)
	disabled := add(t, r.Service, "gone@example.org")
	check(t, r.LocalDesk("").Disable(t.Context(), disabled.ID))
	old := crypted(t, "an old password")
	var users []map[string]any
	for n, email := range []string{"ann@example.org", "asked@example.org", "root@example.org", "gone@example.org"} {
		users = append(users, goTrueUser(fmt.Sprint(n), email, old, rolesThere("publisher")))
	}
	report := r.takes(t, Importing{Exports: []Export{exportOf(t, "blog", users...), exportOf(t, "shop", users...)}})
	if report[0].Merged != 4 || report[0].OwnPassword != 4 || report[1].OwnPassword != 4 {
		t.Errorf("the report is %+v", report)
	}
	for _, email := range []string{"ann@example.org", "asked@example.org", "root@example.org", "gone@example.org"} {
		if r.enters(t, email, "an old password") {
			t.Errorf("the import opened a way into %s", email)
		}
	}
	ann := r.account(t, here.Email)
	wantRoles(t, ann, "blog", Editor, Publisher)
	wantRoles(t, ann, "shop", Publisher)
	if ann.ID != here.ID || ann.Name != "" || !r.enters(t, ann.Email, good) || !r.enters(t, op.Email, good) {
		t.Errorf("the account has changed: %+v", ann)
	}
	asked := r.account(t, "asked@example.org")
	if len(asked.Roles) > 0 || !asked.Pending["blog"].Invited || !asked.Pending["shop"].Invited {
		t.Errorf("who was invited and has not come is %+v", asked)
	}
	if n := must(r.Unasked(t.Context(), "blog"))(t) + must(r.Unasked(t.Context(), "shop"))(t); n != 0 {
		t.Errorf("%d of them would be mailed", n)
	}
}

func TestImportTakesWhatAnAdministratorDidLater(t *testing.T) {
	r := newRig(t)
	in := Importing{Apply: true, Exports: []Export{exportOf(t, "blog", goTrueUser("1", "ann@example.org", crypted(t, "an old password"), rolesThere("admin")))}}
	_, err := r.Import(t.Context(), in)
	check(t, err)
	ann := r.account(t, "ann@example.org")
	check(t, r.SetRoles(t.Context(), ann.ID, "blog", []string{Reader}))
	check(t, r.ResetPassword(t.Context(), ann.ID, good))
	_, err = r.Import(t.Context(), in)
	check(t, err)
	wantRoles(t, r.account(t, "ann@example.org"), "blog", Reader)
	if r.enters(t, ann.Email, "an old password") || !r.enters(t, ann.Email, good) {
		t.Error("a second import undid a new password")
	}
}

func TestImportOfEmptyPasswords(t *testing.T) {
	r := newRig(t)
	report := r.takes(t, Importing{Exports: []Export{exportOf(t, "blog",
		goTrueUser("1", "empty@example.org", crypted(t, "")),
		goTrueUser("2", "none@example.org", ""),
		goTrueUser("3", "strange@example.org", "$fbscrypt$v=1,n=14$abc"),
		goTrueUser("4", "dear@example.org", "$2a$31$"+strings.Repeat("a", 53)))}})[0]
	if report.New != 4 || report.WithoutPassword != 4 {
		t.Errorf("the report is %+v", report)
	}
	for _, email := range []string{"empty@example.org", "none@example.org", "strange@example.org"} {
		if r.enters(t, email, "") || r.enters(t, email, "$fbscrypt$v=1,n=14$abc") {
			t.Errorf("%s comes in without a password", email)
		}
	}
}

func TestImportOfPeopleWhoAreNotConfirmed(t *testing.T) {
	r := newRig(t)
	old := crypted(t, "an old password")
	report := r.takes(t, Importing{Exports: []Export{exportOf(t, "blog",
		goTrueUser("1", "signed@example.org", old, unconfirmed),
		goTrueUser("2", "invited@example.org", "", invitedThere, rolesThere("publisher")),
		goTrueUser("3", "banned@example.org", old, with("banned_until", "2999-01-01T00:00:00Z")),
		goTrueUser("4", "disabled@example.org", old, with("disabled", true)),
		goTrueUser("5", "twice@example.org", old, unconfirmed),
		goTrueUser("6", "Twice@example.org", crypted(t, "the second is real")))}})[0]
	if report.New != 3 || report.Merged != 1 || report.Unconfirmed != 2 || report.WithoutPassword != 1 || report.WithPassword != 1 || report.Skipped[0].Count != 2 {
		t.Errorf("the report is %+v", report)
	}
	signed := r.account(t, "signed@example.org")
	if r.enters(t, signed.Email, "an old password") || !signed.Confirmed.IsZero() || len(signed.Roles) > 0 {
		t.Errorf("an address that was never confirmed is good: %+v", signed)
	}
	if !r.enters(t, "twice@example.org", "the second is real") || r.enters(t, "twice@example.org", "an old password") {
		t.Error("of two rows with an address the confirmed one should count")
	}
	if _, err := r.ByEmail(t.Context(), "banned@example.org"); err == nil {
		t.Error("who was banned has an account")
	}
	// An invitation goes on here.
	n, err := r.AskForPasswords(t.Context(), []string{"blog"}, nil)
	if n != 1 || err != nil {
		t.Fatalf("%d mails (%v)", n, err)
	}
	u, err := r.use(t, "blog", KindInvite, r.token(t, "invited@example.org", mail.Invite), good)
	check(t, err)
	wantRoles(t, u, "blog", Publisher)
}

// A stranger who signed up here first must neither gain what somebody had
// elsewhere nor keep them from it.
func TestImportOvertakesSignUpsOfStrangers(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	r.signs(t, "ann@example.org", "chosen by a stranger", "blog")
	link := r.token(t, "ann@example.org", mail.Confirm)
	r.takes(t, Importing{Exports: []Export{exportOf(t, "blog", goTrueUser("1", "ann@example.org", crypted(t, "an old password"), rolesThere("admin")))}})
	if _, err := r.use(t, "blog", KindSignUp, link, ""); !errors.Is(err, ErrToken) {
		t.Errorf("the stranger's sign-up is still good: %v", err)
	}
	if r.enters(t, "ann@example.org", "chosen by a stranger") || !r.enters(t, "ann@example.org", "an old password") {
		t.Error("the old password should be the one that is good")
	}
}

func TestImportFoldsAddresses(t *testing.T) {
	r := newRig(t)
	report := r.takes(t, Importing{Exports: []Export{
		exportOf(t, "blog",
			goTrueUser("1", " Zo\u00eb@Example.org ", crypted(t, "composed words")),
			goTrueUser("2", "ZOE\u0308@example.org", crypted(t, "decomposed words")),
			goTrueUser("3", "", ""), goTrueUser("4", "   ", ""),
			goTrueUser("5", "Ann <ann@example.org>", ""), goTrueUser("6", "no address", ""),
			goTrueUser("1", "other@example.org", ""),
			goTrueUser("", "noid@example.org", ""),
			goTrueUser("a\x00b", "nul@example.org", ""),
			goTrueUser("9", "big@example.org", "", with("user_metadata", map[string]any{"x": strings.Repeat("y", maxData)}))),
		exportOf(t, "shop", goTrueUser("7", "zoe\u0308@example.org", "")),
	}})
	want := map[string]int{SkipTwice: 2, SkipNoEmail: 2, SkipBadEmail: 2, SkipBadID: 1, SkipData: 1}
	for _, s := range report[0].Skipped {
		if want[s.Reason] != s.Count {
			t.Errorf("%d skipped as %q, want %d", s.Count, s.Reason, want[s.Reason])
		}
		delete(want, s.Reason)
	}
	if len(want) > 0 || report[0].New != 2 || report[1].Merged != 1 {
		t.Errorf("not skipped: %v; %+v", want, report)
	}
	if !r.enters(t, "zo\u00eb@example.org", "composed words") {
		t.Error("she does not come in")
	}
}

func TestImportDiesInTheMiddleAndGoesOn(t *testing.T) {
	place := storetest.New(t)
	st := place.Open(t)
	r := mailRig(st)
	var users []map[string]any
	for n := range 700 {
		users = append(users, goTrueUser(fmt.Sprint(n), fmt.Sprintf("p%d@example.org", n), ""))
	}
	in := Importing{Apply: true, Exports: []Export{exportOf(t, "blog", users...)}}
	ctx, cancel := context.WithCancel(t.Context())
	in.Progress = func(_, done, _ int) {
		if done == 400 {
			cancel()
		}
	}
	if _, err := r.Import(ctx, in); !errors.Is(err, context.Canceled) {
		t.Fatalf("it went on: %v", err)
	}
	check(t, st.Close())
	st = place.Open(t)
	defer func() { check(t, st.Close()) }()
	r = mailRig(st)
	if n := must(r.Count(t.Context()))(t); n != 400 {
		t.Errorf("%d people, want two whole batches", n)
	}
	in.Progress = nil
	report, err := r.Import(t.Context(), in)
	check(t, err)
	if e := report.Exports[0]; e.Unchanged != 400 || e.New != 300 || must(r.Count(t.Context()))(t) != 700 {
		t.Errorf("the second run: %+v", e)
	}
}

func TestImportOfABrokenFileChangesNothing(t *testing.T) {
	r := newRig(t)
	whole := exportOf(t, "shop", goTrueUser("1", "ann@example.org", ""))
	_, err := r.Import(t.Context(), Importing{Apply: true, Exports: []Export{whole, textExport("blog", `{"users":[{"id":"1","email":"bob@example.org"},{"id":"2"`)}})
	if err == nil || !strings.Contains(err.Error(), "blog.json: The file ends in the middle, at entry 2") {
		t.Errorf("the error is %v", err)
	}
	if n := must(r.Count(t.Context()))(t); n != 0 {
		t.Errorf("%d people came in spite of it", n)
	}
}
