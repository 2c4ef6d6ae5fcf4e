package identity

import (
	"context"
	"net/netip"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// Recover mails a link that sets a password anew, for a stranger who names an
// address. Whether somebody has it is not told: the answer comes before anybody
// looks. A second mail within a minute, or an eleventh within an hour, is not
// written, and that is not told either.
//
// Invalid for what is no address; TooMany for too many from one network address;
// Unsupported without mail.
func (s *Service) Recover(ctx context.Context, site, email string, from netip.Addr) error {
	return s.mailLink(ctx, KindRecovery, site, email, from)
}

// MagicLink mails a link that signs in; see Recover.
func (s *Service) MagicLink(ctx context.Context, site, email string, from netip.Addr) error {
	return s.mailLink(ctx, KindMagic, site, email, from)
}

func (s *Service) mailLink(ctx context.Context, kind Kind, site, email string, from netip.Addr) error {
	email, err := FoldEmail(email)
	if err != nil {
		return err
	}
	if err := s.needMail(); err != nil {
		return err
	}
	if err := s.placeMails(ctx, from); err != nil {
		return err
	}
	wait, err := s.mayMail(ctx, kind, byStranger, email)
	if err != nil || wait > 0 {
		return err
	}
	return s.later(ctx, string(kind), func(ctx context.Context) error {
		return s.sendLink(ctx, kind, site, email, audit.Event{Address: addressText(from)})
	})
}

// sendLink mails a link to whoever has an address, if anybody does. The
// event is the cause, as far as it is known.
func (s *Service) sendLink(ctx context.Context, kind Kind, site, email string, e audit.Event) error {
	// Most of what is asked for is about nobody; that must not hold up writers.
	if _, err := s.Store.UserByEmail(ctx, email); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	}
	var m mail.Message
	var user store.User
	err := s.Store.ChangeAccount(ctx, store.Which{Email: email}, func(a *store.Account) (err error) {
		if user = a.User; user.ID == "" || !user.Disabled.IsZero() {
			return nil
		}
		m, err = s.linkMail(a, kind, site, content{})
		return err
	})
	if err != nil || m.Kind == "" {
		return err
	}
	e.Site, e.Person, e.Kind = site, email, audit.RecoveryAsked
	if kind == KindMagic {
		e.Kind = audit.MagicLinkAsked
	}
	s.record(ctx, e)
	_, err = s.send(ctx, user, m)
	return err
}
