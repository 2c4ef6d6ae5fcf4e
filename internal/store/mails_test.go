package store

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func waitingMail(c *clock, id string) Mail {
	return Mail{
		ID: id, Site: "blog", Kind: "invite", Recipient: id + "@example.org", Subject: "Come in",
		Content: []byte("https://cms.example/invite?token=hunter-hunter"), Status: MailWaiting, Created: c.Now(), Next: c.Now(),
	}
}

func TestMailsRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		first := waitingMail(c, "one")
		first.Expires = c.Now().Add(time.Hour)
		check(t, s.AddMail(t.Context(), first))
		wantKind(t, s.AddMail(t.Context(), first), fault.Conflict)
		c.Advance(time.Second)
		second := waitingMail(c, "two")
		second.Site, second.Status, second.Settled = "", MailKept, c.Now()
		check(t, s.AddMail(t.Context(), second))

		got, err := s.Mail(t.Context(), "one")
		if d := cmp.Diff(first, got); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
		_, err = s.Mail(t.Context(), "three")
		wantKind(t, err, fault.NotFound)

		first.Content, second.Content = nil, nil
		for name, x := range map[string]struct {
			f    MailFilter
			want []Mail
		}{
			"all":     {MailFilter{Limit: 9}, []Mail{second, first}},
			"limit":   {MailFilter{Limit: 1}, []Mail{second}},
			"site":    {MailFilter{Site: "blog", Limit: 9}, []Mail{first}},
			"status":  {MailFilter{Status: MailKept, Limit: 9}, []Mail{second}},
			"neither": {MailFilter{Site: "blog", Status: MailKept, Limit: 9}, nil},
		} {
			list, err := s.Mails(t.Context(), x.f)
			if d := cmp.Diff(x.want, list); err != nil || d != "" {
				t.Errorf("%s: %v %s", name, err, d)
			}
		}
	})
}

func TestMailIsTakenByOne(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		for _, id := range []string{"a", "b", "c"} {
			check(t, s.AddMail(t.Context(), waitingMail(c, id)))
		}
		var taken atomic.Int32
		var g sync.WaitGroup
		for range 8 {
			g.Go(func() {
				switch m, err := s.TakeMail(t.Context(), c.Now(), c.Now().Add(time.Minute)); {
				case err == nil && m.Status == MailSending && m.Tries == 1 && m.Turn == 1 && len(m.Content) > 0:
					taken.Add(1)
				case !fault.Is(err, fault.NotFound):
					t.Errorf("%+v %v", m, err)
				}
			})
		}
		g.Wait()
		if taken.Load() != 3 {
			t.Errorf("%d of 3 were taken", taken.Load())
		}
		_, err := s.TakeMailByID(t.Context(), "a", c.Now(), c.Now().Add(time.Minute))
		wantKind(t, err, fault.Conflict)
		wantKind(t, s.PutBackMail(t.Context(), "a", c.Now()), fault.Conflict)
		_, err = s.TakeMailByID(t.Context(), "z", c.Now(), c.Now().Add(time.Minute))
		wantKind(t, err, fault.NotFound)
		wantKind(t, s.PutBackMail(t.Context(), "z", c.Now()), fault.NotFound)
	})
}

// A process that died while it sent must not keep the mail for ever, and one
// that was only slow must not undo what came after.
func TestMailOfADeadProcessIsTakenAgain(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		check(t, s.AddMail(t.Context(), waitingMail(c, "one")))
		slow, err := s.TakeMail(t.Context(), c.Now(), c.Now().Add(time.Minute))
		check(t, err)
		if next, err := s.NextMail(t.Context()); err != nil || !next.Equal(c.Now().Add(time.Minute)) {
			t.Errorf("next is %v (%v)", next, err)
		}
		c.Advance(time.Minute)
		again, err := s.TakeMail(t.Context(), c.Now(), c.Now().Add(time.Minute))
		if err != nil || again.Tries != 2 {
			t.Fatalf("%+v %v", again, err)
		}
		wantKind(t, s.SettleMail(t.Context(), "one", slow.Turn, MailResult{Status: MailFailed}), fault.Conflict)
		check(t, s.SettleMail(t.Context(), "one", again.Turn, MailResult{Status: MailSent, Settled: c.Now()}))
		got, err := s.Mail(t.Context(), "one")
		if err != nil || got.Status != MailSent || !got.Settled.Equal(c.Now()) || got.Tries != 2 {
			t.Errorf("%+v %v", got, err)
		}
		_, err = s.NextMail(t.Context())
		wantKind(t, err, fault.NotFound)
	})
}

func TestMailWaitsAndIsPutBack(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		check(t, s.AddMail(t.Context(), waitingMail(c, "one")))
		m, err := s.TakeMail(t.Context(), c.Now(), c.Now().Add(time.Minute))
		check(t, err)
		check(t, s.SettleMail(t.Context(), "one", m.Turn, MailResult{Status: MailWaiting, Error: "busy", Next: c.Now().Add(time.Hour)}))
		_, err = s.TakeMail(t.Context(), c.Now(), c.Now())
		wantKind(t, err, fault.NotFound)
		check(t, s.PutBackMail(t.Context(), "one", c.Now()))
		m, err = s.TakeMail(t.Context(), c.Now(), c.Now().Add(time.Minute))
		if err != nil || m.Tries != 1 || m.Error != "busy" {
			t.Errorf("%+v %v", m, err)
		}
		check(t, s.SettleMail(t.Context(), "one", m.Turn, MailResult{Status: MailWaiting, Untried: true, Next: c.Now()}))
		if got, err := s.Mail(t.Context(), "one"); err != nil || got.Tries != 0 {
			t.Errorf("%+v %v", got, err)
		}
	})
}

func TestMailsExpire(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		for id, life := range map[string]time.Duration{"short": time.Minute, "long": time.Hour, "endless": 0} {
			m := waitingMail(c, id)
			if life > 0 {
				m.Expires = c.Now().Add(life)
			}
			check(t, s.AddMail(t.Context(), m))
		}
		c.Advance(time.Minute)
		if n, err := s.ExpireMails(t.Context(), c.Now()); n != 1 || err != nil {
			t.Errorf("%d expired (%v)", n, err)
		}
		if m, err := s.Mail(t.Context(), "short"); err != nil || m.Status != MailExpired || m.Settled.IsZero() {
			t.Errorf("%+v %v", m, err)
		}
	})
}

func TestSweepOfMails(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		add := func(id string, status MailStatus, expires time.Duration) {
			m := waitingMail(c, id)
			m.Status = status
			if status != MailWaiting {
				m.Settled = c.Now()
			}
			if expires > 0 {
				m.Expires = c.Now().Add(expires)
			}
			check(t, s.AddMail(t.Context(), m))
		}
		add("sent", MailSent, 30*24*time.Hour)
		add("kept", MailKept, 0)
		add("kept, its link good", MailKept, 30*24*time.Hour)
		add("waiting", MailWaiting, 0)
		want := func(days, n int) {
			t.Helper()
			check(t, s.Sweep(t.Context(), c.Now().Add(time.Duration(days)*24*time.Hour)))
			if list, err := s.Mails(t.Context(), MailFilter{Limit: 9}); err != nil || len(list) != n {
				t.Errorf("after %d days there are %d mails, want %d (%v)", days, len(list), n, err)
			}
		}
		want(13, 4)
		want(14, 2)
		want(30, 1)
		want(90, 0)
	})
}

func TestMailLinksAreNotReadableInTheDatabase(t *testing.T) {
	dir := t.TempDir()
	s, c := open(t, filepath.Join(dir, "gatehouse.db"))
	check(t, s.AddMail(t.Context(), waitingMail(c, "one")))
	if inFiles(t, dir, "hunter") {
		t.Error("a link lies open in the database")
	}
	if !inFiles(t, dir, "one@example.org") {
		t.Error("the test looks at the wrong files")
	}
}
