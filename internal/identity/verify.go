package identity

import (
	"context"
	"errors"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// Verify uses a one-time token, and is whose it was. Of many at once one
// succeeds. The caller may then start a session, but for KindEmail, where the
// link may have been opened by anybody who has that mailbox.
//
// The holder of a token has shown to own the address, so the account is
// confirmed, and a membership at that site that waited begins. As long as nobody
// had shown that, others may know the password: an administrator who chose it, a
// stranger who signed up with the address. It is then replaced by that of the
// proof, or erased, and all sessions end.
//
// It fails with ErrToken (NotFound) for a token that is unknown, used, replaced
// or of another kind or site, with ErrTokenExpired, with Invalid when a password
// is needed or will not do, with Forbidden for a disabled account, with Conflict
// when the new address has become another's, and with TooMany. Only success uses
// the token up.
func (s *Service) Verify(ctx context.Context, p Proof) (User, Kind, error) {
	t, settle, err := s.token(ctx, p)
	if err != nil {
		return User{}, "", err
	}
	u, err := s.verifyKnown(ctx, p, t)
	if !errors.Is(err, ErrToken) {
		err = errors.Join(err, settle(ctx))
	}
	if err != nil {
		return User{}, "", err
	}
	return u, Kind(t.Kind), nil
}

// verifyKnown is Verify for a token that exists and fits.
func (s *Service) verifyKnown(ctx context.Context, p Proof, t store.Token) (User, error) {
	hash, err := s.newHash(ctx, p, t)
	if err != nil {
		return User{}, err
	}
	var was store.User
	now := s.Now()
	err = s.Store.ChangeAccount(ctx, store.Which{Token: t.Hash}, func(a *store.Account) error {
		was = a.User
		return use(a, t.Hash, hash, p, now)
	})
	switch {
	case fault.Is(err, fault.Conflict):
		return User{}, fault.Wrap(fault.Conflict, err, "That address belongs to another account now. Nothing was changed.")
	case fault.Is(err, fault.NotFound) && !errors.Is(err, ErrToken):
		return User{}, noToken() // used while we looked
	case err != nil:
		return User{}, err
	}
	if err := s.Store.ClearThrottle(ctx, accountKey(was.Email)); err != nil {
		return User{}, err
	}
	u, err := s.User(ctx, was.ID)
	if err != nil {
		return User{}, err
	}
	s.proved(ctx, p, Kind(t.Kind), was, u, hash != "")
	return u, nil
}

// newHash checks the password of a proof and hashes it; empty when the proof has
// none, or one that means nothing.
func (s *Service) newHash(ctx context.Context, p Proof, t store.Token) (string, error) {
	if kind := Kind(t.Kind); kind != KindInvite && kind != KindRecovery {
		return "", nil
	}
	if p.Password != "" {
		u, err := s.Store.User(ctx, t.UserID)
		if err != nil {
			return "", err
		}
		if err := CheckPassword(u.Email, p.Password); err != nil {
			return "", err
		}
		return s.Hasher.Hash(ctx, p.Password)
	}
	needs, err := s.needsPassword(ctx, t)
	if err == nil && needs {
		err = fault.New(fault.Invalid, "Choose a password to take the invitation up.")
	}
	return "", err
}

// needsPassword reports whether a token is of no use without a password.
func (s *Service) needsPassword(ctx context.Context, t store.Token) (bool, error) {
	if Kind(t.Kind) != KindInvite {
		return false, nil
	}
	u, err := s.Store.User(ctx, t.UserID)
	if err != nil || !u.Proven.IsZero() {
		return false, err
	}
	policy, err := s.Policy(ctx, t.Site)
	return !policy.PasswordOff, err
}

// use makes the change that a token stands for, and takes it away.
func use(a *store.Account, hash, password string, p Proof, now time.Time) error {
	var t store.Token
	a.DropTokens(func(x store.Token) bool {
		if x.Hash == hash {
			t = x
		}
		return x.Hash == hash
	})
	if t.Hash == "" {
		return noToken()
	}
	if err := p.fits(t, now); err != nil {
		return err
	}
	if !a.User.Disabled.IsZero() {
		return disabled()
	}
	c, err := contentOf(t)
	if err != nil {
		return err
	}
	a.User.Updated = now
	if Kind(t.Kind) == KindEmail {
		a.User.Email = c.Email
		a.DropTokens(func(store.Token) bool { return true }) // they were mailed to the old address
		return nil
	}
	settlePassword(a, Kind(t.Kind), password, c)
	if a.User.Confirmed.IsZero() {
		a.User.Confirmed = now
	}
	a.User.Proven, a.User.LastSignIn, a.User.Seen = now, now, now
	if m := a.Membership(t.Site); m != nil && m.Pending != "" {
		m.Pending, m.Updated = "", now
		a.DropTokens(func(x store.Token) bool {
			return x.Site == t.Site && (Kind(x.Kind) == KindSignUp || Kind(x.Kind) == KindInvite)
		})
	}
	return nil
}

// settlePassword says which password an account has from now on.
func settlePassword(a *store.Account, kind Kind, password string, c content) {
	switch unproven := a.User.Proven.IsZero(); {
	case password != "":
		setPassword(a, password)
	case !unproven:
		return
	case kind == KindSignUp && c.Password != "":
		setPassword(a, c.Password)
		a.User.Name, a.User.Metadata = c.Name, c.Data
		if c.Language != "" {
			a.User.Language = c.Language
		}
	default:
		setPassword(a, "")
	}
}

// setPassword changes the hash of an account. All sessions end, and the links
// that were mailed to set another.
func setPassword(a *store.Account, hash string) {
	a.User.Password, a.NewPassword = hash, true
	a.EndSessions = true
	a.DropTokens(func(t store.Token) bool {
		kind := Kind(t.Kind)
		return kind == KindRecovery || kind == KindMagic || kind == KindEmail
	})
}

// proved writes down what became of a token, and tells the person what they
// should know.
func (s *Service) proved(ctx context.Context, p Proof, kind Kind, was store.User, u User, password bool) {
	e := audit.Event{Site: p.Site, Person: u.Email, Address: addressText(p.From)}
	switch kind {
	case KindSignUp:
		if e.Kind = audit.Confirmed; !was.Confirmed.IsZero() {
			e.Kind = audit.Joined
		}
	case KindInvite:
		e.Kind = audit.InviteAccepted
	case KindEmail:
		e.Kind, e.Detail = audit.EmailChanged, "was "+was.Email
		s.tell(ctx, was, mail.Message{Kind: mail.NoticeEmail, Site: p.Site, To: was.Email, Data: map[string]string{"new": u.Email}})
	case KindRecovery, KindMagic:
		e.Kind = audit.Recovered
	}
	s.record(ctx, e)
	if password && !was.Proven.IsZero() {
		s.passwordChanged(ctx, p.Site, was, e.Address)
	}
}

func (s *Service) passwordChanged(ctx context.Context, site string, u store.User, from string) {
	s.record(ctx, audit.Event{Kind: audit.PasswordChanged, Site: site, Person: u.Email, Address: from})
	s.tell(ctx, u, mail.Message{Kind: mail.NoticePassword, Site: site})
}

// ErrDisabled is in the chain of an error because the account is disabled, and
// ErrUnconfirmed because its address is not confirmed.
var (
	ErrDisabled    = errors.New("the account is disabled")
	ErrUnconfirmed = errors.New("the address is not confirmed")
)

func disabled() error {
	return fault.Wrap(fault.Forbidden, ErrDisabled, "This account is disabled. Ask an administrator of the site.")
}
