package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/mail"
	"gatehouse/internal/store/storetest"
)

func TestPeopleWithoutPasswordsAreAskedOnce(t *testing.T) {
	place := storetest.New(t)
	st := place.Open(t)
	r := mailRig(st)
	var users []map[string]any
	for n := range 1000 {
		users = append(users, goTrueUser(fmt.Sprintf("%04d", n), fmt.Sprintf("p%d@example.org", n), "", rolesThere("editor")))
	}
	users = append(users, goTrueUser("x", "old@example.org", crypted(t, "an old password")), goTrueUser("y", "never@example.org", "", unconfirmed))
	_, err := r.Import(t.Context(), Importing{Apply: true, Exports: []Export{exportOf(t, "blog", users...), exportOf(t, "shop", users[:10]...)}})
	check(t, err)
	if n := must(r.Unasked(t.Context(), "blog"))(t); n != 1000 {
		t.Fatalf("%d are to be asked", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = r.AskForPasswords(ctx, []string{"blog", "shop"}, func(done int) {
		if done == 400 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("it went on: %v", err)
	}
	check(t, st.Close())
	st = place.Open(t)
	defer func() { check(t, st.Close()) }()
	r = mailRig(st)
	n, err := r.AskForPasswords(t.Context(), []string{"blog", "shop"}, nil)
	if n != 600 || err != nil {
		t.Errorf("%d were asked by the second run (%v), want 600", n, err)
	}
	if n, err := r.AskForPasswords(t.Context(), []string{"blog", "shop"}, nil); n != 0 || err != nil {
		t.Errorf("a third run asked %d (%v)", n, err)
	}
	mails, err := r.Mail.List(t.Context(), mail.Filter{Limit: 2000})
	check(t, err)
	to := map[string]int{}
	for _, m := range mails {
		if to[m.To]++; to[m.To] > 1 || m.Kind != mail.Moved {
			t.Errorf("%s got mail %d, of the kind %s", m.To, to[m.To], m.Kind)
		}
	}
	if len(to) != 1000 || to["old@example.org"] != 0 || to["never@example.org"] != 0 {
		t.Errorf("mails went to %d people", len(to))
	}
	u, err := r.use(t, "blog", KindRecovery, r.token(t, "p3@example.org", mail.Moved), good)
	check(t, err)
	wantRoles(t, u, "blog", Editor)
	wantRoles(t, u, "shop", Editor)
	if !r.enters(t, u.Email, good) {
		t.Error("the new password is not good")
	}
}

func TestMailsOfAnImportBecomeDueInBatches(t *testing.T) {
	r := newRig(t)
	r.Mail = &mail.Post{Store: r.Store, Now: r.clock.Now, SMTP: "smtp://127.0.0.1:1", From: "cms@example.org"}
	var users []map[string]any
	for n := range askBatch + 1 {
		users = append(users, goTrueUser(fmt.Sprintf("%03d", n), fmt.Sprintf("p%d@example.org", n), ""))
	}
	_, err := r.Import(t.Context(), Importing{Apply: true, Exports: []Export{exportOf(t, "blog", users...)}})
	check(t, err)
	_, err = r.AskForPasswords(t.Context(), []string{"blog"}, nil)
	check(t, err)
	due := func() (n int) {
		for {
			now := r.Now()
			if _, err := r.Store.TakeMail(t.Context(), now, now.Add(askLife)); err != nil {
				return n
			}
			n++
		}
	}
	if n := due(); n != askBatch {
		t.Errorf("%d mails are due at once", n)
	}
	r.Advance(askEvery)
	if n := due(); n != 1 {
		t.Errorf("%d mails are due a minute later", n)
	}
}

func TestLinksToPassOnByHand(t *testing.T) {
	r := newRig(t)
	_, err := r.Import(t.Context(), Importing{Apply: true, Exports: []Export{
		exportOf(t, "blog", goTrueUser("1", "ann@example.org", ""), goTrueUser("2", "bob@example.org", crypted(t, "an old password"))),
		exportOf(t, "shop", goTrueUser("1", "ann@example.org", "")),
	}})
	check(t, err)
	links := func() (list []string) {
		check(t, r.PasswordLinks(t.Context(), []string{"blog", "shop"}, func(email, link string) { list = append(list, email+" "+link) }))
		return list
	}
	first, second := links(), links()
	if len(first) != 1 || len(second) != 1 || first[0] == second[0] || !strings.HasPrefix(second[0], "ann@example.org https://cms.example/s/blog/recover#") {
		t.Fatalf("the links are %v, then %v", first, second)
	}
	_, old, _ := strings.Cut(first[0], "#")
	if _, err := r.use(t, "blog", KindRecovery, old, good); !errors.Is(err, ErrToken) {
		t.Errorf("the former link is still good: %v", err)
	}
	_, token, _ := strings.Cut(second[0], "#")
	_, err = r.use(t, "blog", KindRecovery, token, good)
	check(t, err)
	if len(links()) != 0 {
		t.Error("who has chosen a password gets a link")
	}
	if r.count(t, "ann@example.org", mail.Moved) != 0 {
		t.Error("a mail was written, too")
	}
}
