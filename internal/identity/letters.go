package identity

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// How many mails people may cause.
const (
	mailEvery      = time.Minute // of one kind to one address
	mailsPerHour   = 10          // to one address, by strangers; and as many by administrators
	mailsFromPlace = 30          // in an hour, by strangers at one network address
)

// cause says who has caused a mail. Strangers must not use up what
// administrators need.
type cause string

const (
	byStranger      cause = "stranger"
	byAdministrator cause = "administrator"
)

// mayMail counts a mail to a folded address, whether somebody has it or not, and
// says how long it must wait.
func (s *Service) mayMail(ctx context.Context, kind Kind, by cause, email string) (time.Duration, error) {
	sum := sha256.Sum256([]byte(email))
	who := string(by) + " " + hex.EncodeToString(sum[:16])
	return s.Store.ChargeAttempt(ctx, s.Now(),
		store.Charge{
			Key: "mail " + string(kind) + " " + who, Forget: time.Hour, Max: mailEvery,
			Delay: func(int) time.Duration { return mailEvery },
		},
		s.hourly("mails "+who, mailsPerHour))
}

// placeMails counts a mail that a stranger at a network address causes. It is
// TooMany beyond the bound, which says nothing of any account.
func (s *Service) placeMails(ctx context.Context, from netip.Addr) error {
	if !from.IsValid() {
		return nil
	}
	wait, err := s.Store.ChargeAttempt(ctx, s.Now(), s.hourly("mails from "+placeOf(from), mailsFromPlace))
	if err == nil && wait > 0 {
		return tooManyMails(wait)
	}
	return err
}

// hourly is a counter that takes n in each hour of the clock.
func (s *Service) hourly(key string, n int) store.Charge {
	now := s.Now()
	end := now.Truncate(time.Hour).Add(time.Hour)
	return store.Charge{
		Key: key + " " + strconv.FormatInt(now.Unix()/3600, 10), Forget: 2 * time.Hour, Max: time.Hour,
		Delay: func(count int) time.Duration {
			if count < n {
				return 0
			}
			return end.Sub(now)
		},
	}
}

func tooManyMails(wait time.Duration) error {
	return &fault.Error{
		Kind: fault.TooMany, RetryAfter: time.Duration(math.Ceil(wait.Seconds())) * time.Second,
		Message: "A mail was asked for just now, or too many were. Look into the mailbox, or try again in " + inWords(wait) + ".",
	}
}

// needMail refuses what cannot do without mail.
func (s *Service) needMail() error {
	if s.Mail == nil || s.Pages == nil {
		return fault.New(fault.Unsupported, "This server sends no mail. Ask an administrator to help you.")
	}
	return nil
}

// link is where a mail leads; empty when nobody has said where the pages are.
func (s *Service) link(kind Kind, site, token string) string {
	if s.Pages == nil {
		return ""
	}
	return s.Pages(site, kind.page(), token)
}

// send queues a mail to a person. Without Mail it does nothing.
func (s *Service) send(ctx context.Context, u store.User, m mail.Message) (id string, err error) {
	if s.Mail == nil {
		return "", nil
	}
	m.To, m.Name = cmp.Or(m.To, u.Email), u.Name
	if m.Language = u.Language; m.Language == "" && m.Site != "" {
		p, err := s.Policy(ctx, m.Site)
		if err != nil {
			return "", err
		}
		m.Language = p.Language
	}
	return s.Mail.Queue(ctx, m)
}

// tell queues a notice, which nothing depends on.
func (s *Service) tell(ctx context.Context, u store.User, m mail.Message) {
	if _, err := s.send(context.WithoutCancel(ctx), u, m); err != nil && s.Slog != nil {
		s.Slog.ErrorContext(ctx, "a notice could not be written", "kind", m.Kind, "user", u.ID, "error", err)
	}
}

// record writes an event down, if anything does.
func (s *Service) record(ctx context.Context, e audit.Event) {
	if s.Audit == nil {
		return
	}
	if e.At.IsZero() {
		e.At = s.Now()
	}
	s.Audit.Record(ctx, e)
}

func addressText(from netip.Addr) string {
	if !from.IsValid() {
		return ""
	}
	return from.Unmap().WithZone("").String()
}
