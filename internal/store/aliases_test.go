package store

import (
	"testing"
	"time"

	"gatehouse/internal/fault"
)

// newcomer imports one person with an old password, who may have none (empty).
func newcomer(t *testing.T, s *Store, oldID, email, password string) string {
	t.Helper()
	now := time.Now()
	err := s.ImportAccounts(t.Context(), []ImportKey{{Site: "blog", OldID: oldID, Email: email}}, false, func(_ int, i *Import) error {
		i.Account.User = User{ID: "user " + oldID, Email: email, Created: now, Updated: now, Confirmed: now}
		i.Account.SetMembership(Membership{Site: "blog", Created: now, Updated: now})
		i.Alias.Founding, i.Alias.Password, i.Alias.Created = true, password, now
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return "user " + oldID
}

func TestAnyNewPasswordEndsTheOldOnes(t *testing.T) {
	for name, end := range map[string]func(s *Store, id string) error{
		"set": func(s *Store, id string) error { return s.SetPassword(t.Context(), id, "new", time.Now()) },
		"used": func(s *Store, id string) error {
			return s.SignedIn(t.Context(), id, "", "made anew", time.Now())
		},
		"changed": func(s *Store, id string) error {
			return s.ChangeAccount(t.Context(), Which{ID: id}, func(a *Account) error {
				a.User.Password = "new"
				return nil
			})
		},
		"taken away": func(s *Store, id string) error {
			return s.ChangeAccount(t.Context(), Which{ID: id}, func(a *Account) error {
				a.NewPassword = true
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			once(t, func(t *testing.T, s *Store, _ *clock) {
				id := newcomer(t, s, "1", "ann@example.org", "an old hash")
				if list, err := s.Aliases(t.Context(), id); err != nil || len(list) != 1 || list[0].Password != "an old hash" {
					t.Fatalf("the aliases are %+v (%v)", list, err)
				}
				if err := end(s, id); err != nil {
					t.Fatal(err)
				}
				if list, err := s.Aliases(t.Context(), id); err != nil || list[0].Password != "" {
					t.Errorf("the aliases are %+v (%v)", list, err)
				}
				if err := s.SignedIn(t.Context(), id, "", "late", time.Now()); name != "taken away" && !fault.Is(err, fault.NotFound) {
					t.Errorf("a second old password is let in: %v", err)
				}
			})
		})
	}
}

func TestADryImportKeepsNothing(t *testing.T) {
	once(t, func(t *testing.T, s *Store, _ *clock) {
		keys := []ImportKey{{Site: "blog", OldID: "1", Email: "ann@example.org"}}
		err := s.ImportAccounts(t.Context(), keys, true, func(_ int, i *Import) error {
			i.Account.User = User{ID: "1", Email: "ann@example.org"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.CountUsers(t.Context()); n != 0 || err != nil {
			t.Errorf("%d users (%v)", n, err)
		}
	})
}

func TestNobodyIsAskedTwice(t *testing.T) {
	once(t, func(t *testing.T, s *Store, _ *clock) {
		newcomer(t, s, "1", "ann@example.org", "an old hash")
		newcomer(t, s, "2", "ben@example.org", "")
		newcomer(t, s, "3", "cleo@example.org", "")
		people, err := s.Unasked(t.Context(), "blog", "", 10)
		if err != nil || len(people) != 2 || people[0].User.Email != "ben@example.org" {
			t.Fatalf("to be asked are %+v (%v)", people, err)
		}
		now := time.Now()
		batch := make([]Asking, len(people))
		for n, p := range people {
			batch[n] = Asking{
				Unasked: p,
				Token:   Token{Hash: p.OldID, UserID: p.User.ID, Kind: "recovery", Site: "blog", Email: p.User.Email, Content: []byte("{}"), Created: now, Expires: now},
				Mail:    &Mail{ID: "mail " + p.OldID, Recipient: p.User.Email, Status: MailKept, Created: now},
			}
		}
		// Somebody settles it in the meantime.
		if err := s.SetPassword(t.Context(), people[1].User.ID, "new", now); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{1, 0} {
			asked, err := s.Ask(t.Context(), batch, now)
			if err != nil || len(asked) != want {
				t.Errorf("%d were asked (%v), want %d", len(asked), err, want)
			}
		}
		if mails, err := s.Mails(t.Context(), MailFilter{Limit: 10}); err != nil || len(mails) != 1 || mails[0].Recipient != "ben@example.org" {
			t.Errorf("the mails are %+v (%v)", mails, err)
		}
		if n, err := s.CountUnasked(t.Context(), "blog"); n != 0 || err != nil {
			t.Errorf("%d are left (%v)", n, err)
		}
	})
}
