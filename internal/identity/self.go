package identity

import (
	"context"
	"net/netip"
	"slices"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// Change is what people change about themselves. Nil fields stay.
type Change struct {
	Name     *string
	Language *string        // a tag; empty: no longer known
	Password *string        // ends all other sessions
	Email    *string        // begins a change of the address; see ChangeEmail
	Data     map[string]any // put over what there is; null takes a key away
	// EmailToken ends a change of the address: the token of a mail to it.
	EmailToken *string
	From       netip.Addr // where the change comes from; zero: not known
}

// UpdateSelf changes the caller's own account, at a site (it names the mails).
// Invalid when something will not do; then nothing is changed.
func (s *Service) UpdateSelf(ctx context.Context, who auth.Principal, site string, c Change) (User, error) {
	if c.EmailToken != nil {
		if err := s.takeEmail(ctx, who, site, *c.EmailToken, c.From); err != nil {
			return User{}, err
		}
	}
	before, err := s.User(ctx, who.UserID)
	if err != nil {
		return User{}, err
	}
	change, err := s.ownChange(ctx, before.Email, c)
	if err != nil {
		return User{}, err
	}
	var begin func() error
	if c.Email != nil {
		if begin, err = s.emailChange(ctx, who.UserID, site, *c.Email); err != nil {
			return User{}, err
		}
	}
	var was store.User
	err = s.Store.ChangeAccount(ctx, store.Which{ID: who.UserID}, func(a *store.Account) error {
		was = a.User
		if !was.Disabled.IsZero() {
			return disabled()
		}
		a.KeepSession, a.User.Updated = who.Session, s.Now()
		return change(a)
	})
	if err != nil {
		return User{}, unknown(err, "There is no such user.")
	}
	if c.Name != nil || c.Language != nil || c.Data != nil {
		s.record(ctx, audit.Event{Kind: audit.Modified, Site: site, Person: was.Email, Address: addressText(c.From)})
	}
	if c.Password != nil {
		if err := s.Store.ClearThrottle(ctx, accountKey(was.Email)); err != nil {
			return User{}, err
		}
		s.passwordChanged(ctx, site, was, addressText(c.From))
	}
	if begin != nil {
		if err := begin(); err != nil {
			return User{}, err
		}
	}
	return s.User(ctx, who.UserID)
}

// ownChange checks a change and is what makes it.
func (s *Service) ownChange(ctx context.Context, email string, c Change) (func(*store.Account) error, error) {
	var name, language, hash string
	var err error
	if c.Name != nil {
		if name, err = cleanName(*c.Name); err != nil {
			return nil, err
		}
	}
	if c.Language != nil {
		if language, err = cleanLanguage(*c.Language); err != nil {
			return nil, err
		}
	}
	if c.Email != nil {
		if _, err := FoldEmail(*c.Email); err != nil {
			return nil, err
		}
	}
	if c.Password != nil {
		if err := CheckPassword(email, *c.Password); err != nil {
			return nil, err
		}
		if hash, err = s.Hasher.Hash(ctx, *c.Password); err != nil {
			return nil, err
		}
	}
	return func(a *store.Account) (err error) {
		if c.Name != nil {
			a.User.Name = name
		}
		if c.Language != nil {
			a.User.Language = language
		}
		if c.Password != nil {
			setPassword(a, hash)
		}
		if c.Data != nil {
			a.User.Metadata, err = mergeData(a.User.Metadata, c.Data)
		}
		return err
	}, nil
}

// ChangeEmail begins a change of a person's address: a link goes to the new one,
// a notice to the old, which stays until the link is used. When the new address
// is another account's, the answer is the same, and its holder gets no mail that
// could be taken for one of theirs. TooMany for a second within a minute.
func (s *Service) ChangeEmail(ctx context.Context, userID, site, email string) error {
	begin, err := s.emailChange(ctx, userID, site, email)
	if err != nil || begin == nil {
		return err
	}
	return begin()
}

// emailChange checks a change of address and is what begins it; nil when the
// address is that already.
func (s *Service) emailChange(ctx context.Context, userID, site, email string) (begin func() error, err error) {
	if email, err = FoldEmail(email); err != nil {
		return nil, err
	}
	u, err := s.Store.User(ctx, userID)
	if err != nil {
		return nil, unknown(err, "There is no such user.")
	}
	if u.Email == email {
		return nil, nil //nolint:nilnil // there is nothing to do, which is no failure
	}
	if err := s.needMail(); err != nil {
		return nil, err
	}
	for _, address := range []string{u.Email, email} {
		wait, err := s.mayMail(ctx, KindEmail, byStranger, address)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			return nil, tooManyMails(wait)
		}
	}
	return func() error {
		s.record(ctx, audit.Event{Kind: audit.EmailAsked, Site: site, Person: u.Email, Detail: "to " + email})
		return s.later(ctx, string(KindEmail), func(ctx context.Context) error {
			return s.sendEmailChange(ctx, u, site, email)
		})
	}, nil
}

func (s *Service) sendEmailChange(ctx context.Context, u store.User, site, email string) error {
	_, err := s.Store.UserByEmail(ctx, email)
	if !fault.Is(err, fault.NotFound) {
		return err // taken: nothing goes out
	}
	var m mail.Message
	err = s.Store.ChangeAccount(ctx, store.Which{ID: u.ID}, func(a *store.Account) (err error) {
		m, err = s.linkMail(a, KindEmail, site, content{Email: email})
		return err
	})
	if err != nil {
		return err
	}
	m.Data = map[string]string{"old": u.Email}
	_, err = s.send(ctx, u, m)
	return err
}

// takeEmail uses the token of a change of address that must be the caller's own.
func (s *Service) takeEmail(ctx context.Context, who auth.Principal, site, token string, from netip.Addr) error {
	p := Proof{Site: site, Kinds: []Kind{KindEmail}, Token: token, From: from}
	seen, err := s.Peek(ctx, p)
	if err != nil {
		return err
	}
	if seen.User.ID != who.UserID {
		return noToken()
	}
	_, _, err = s.Verify(ctx, p)
	return err
}

// EndOtherSessions ends all sessions of the caller but this one, and says how
// many there were.
func (s *Service) EndOtherSessions(ctx context.Context, who auth.Principal) (int, error) {
	list, err := s.Sessions(ctx, who.UserID)
	if err != nil {
		return 0, err
	}
	others := slices.DeleteFunc(list, func(x auth.Session) bool { return x.ID == who.Session })
	err = s.Store.ChangeAccount(ctx, store.Which{ID: who.UserID}, func(a *store.Account) error {
		a.EndSessions, a.KeepSession = true, who.Session
		return nil
	})
	return len(others), unknown(err, "There is no such user.")
}
