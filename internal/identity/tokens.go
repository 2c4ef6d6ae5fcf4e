package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// Kind says what a one-time token is for.
type Kind string

// The kinds.
const (
	KindSignUp   Kind = "signup"       // confirms the address of somebody who signed up
	KindInvite   Kind = "invite"       // takes an invitation up
	KindRecovery Kind = "recovery"     // sets a password anew
	KindEmail    Kind = "email_change" // confirms a new address
	KindMagic    Kind = "magic"        // signs in
)

// How long tokens live.
const (
	SignUpLife   = 24 * time.Hour
	InviteLife   = 7 * 24 * time.Hour
	RecoveryLife = 24 * time.Hour
	EmailLife    = 24 * time.Hour
	MagicLife    = 15 * time.Minute
)

func (k Kind) life() time.Duration {
	switch k {
	case KindInvite:
		return InviteLife
	case KindMagic:
		return MagicLife
	case KindSignUp:
		return SignUpLife
	case KindRecovery:
		return RecoveryLife
	case KindEmail:
		return EmailLife
	}
	return 0
}

func (k Kind) page() string {
	switch k {
	case KindInvite:
		return PageInvite
	case KindRecovery:
		return PageRecover
	case KindEmail:
		return PageEmail
	case KindMagic:
		return PageMagic
	case KindSignUp:
	}
	return PageConfirm
}

func (k Kind) mail() mail.Kind {
	switch k {
	case KindInvite:
		return mail.Invite
	case KindRecovery:
		return mail.Recover
	case KindEmail:
		return mail.EmailChange
	case KindMagic:
		return mail.MagicLink
	case KindSignUp:
	}
	return mail.Confirm
}

// What is in the chain of an error about a token besides the fault.
var (
	ErrToken        = errors.New("no such one-time token") // or used, replaced, of another kind or site
	ErrTokenExpired = errors.New("the one-time token is too old")
)

func noToken() error {
	return fault.Wrap(fault.NotFound, ErrToken, "This link is not valid, or has been used already. Ask for a new one.")
}

func oldToken() error {
	return fault.Wrap(fault.Invalid, ErrTokenExpired, "This link has expired. Ask for a new one.")
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte("gatehouse one-time token\x00" + token))
	return hex.EncodeToString(sum[:])
}

// content is what the use of a token brings about; it depends on the kind.
type content struct {
	Password string         `json:"password,omitempty"` // hash, of a sign-up
	Name     string         `json:"name,omitempty"`
	Language string         `json:"language,omitempty"`
	Data     map[string]any `json:"data,omitempty"`
	Email    string         `json:"email,omitempty"` // the new one, folded
	By       string         `json:"by,omitempty"`    // who invites, in words
}

func contentOf(t store.Token) (c content, err error) {
	err = json.Unmarshal(t.Content, &c)
	return c, fault.Wrap(fault.Internal, err, "what a one-time token stands for cannot be read")
}

// issue makes a token for an account; an earlier one of the kind at the site
// ends. It is mailed to the address to.
func (s *Service) issue(a *store.Account, kind Kind, site, to string, c content) (token string, expires time.Time, err error) {
	data, err := json.Marshal(c) //nolint:gosec // the password is a hash, and the store seals it
	if err != nil {
		return "", time.Time{}, fault.Wrap(fault.Invalid, err, "The data of the account cannot be kept.")
	}
	now := s.Now()
	token, expires = auth.NewToken(), now.Add(kind.life())
	a.SetToken(store.Token{
		Hash: hashToken(token), Kind: string(kind), Site: site, Email: to, Content: data, Created: now, Expires: expires,
	})
	return token, expires, nil
}

// Proof is a one-time token, as it comes back from a mail.
type Proof struct {
	Site     string
	Kinds    []Kind // which it may be
	Token    string
	Password string     // the new one, for invitations and recoveries
	From     netip.Addr // where it comes from; zero: not known
}

// Peeked is what a token would do.
type Peeked struct {
	User    User
	Kind    Kind
	Email   string // that it was mailed to
	Expires time.Time
	By      string // who invites, in words; empty: not known
	// NeedsPassword: Verify refuses it without one.
	NeedsPassword bool
}

// Peek says whom a token is for, and uses it not: for the page that asks for a
// password. It fails as Verify does.
func (s *Service) Peek(ctx context.Context, p Proof) (Peeked, error) {
	t, settle, err := s.token(ctx, p)
	if err == nil {
		err = settle(ctx)
	}
	if err != nil {
		return Peeked{}, err
	}
	u, err := s.User(ctx, t.UserID)
	if err != nil {
		return Peeked{}, err
	}
	c, err := contentOf(t)
	if err != nil {
		return Peeked{}, err
	}
	needs, err := s.needsPassword(ctx, t)
	return Peeked{User: u, Kind: Kind(t.Kind), Email: t.Email, Expires: t.Expires, By: c.By, NeedsPassword: needs}, err
}

// token looks a token up. Whoever comes with one that is none is slowed down, as
// one who guesses passwords; settle takes that back for the others.
func (s *Service) token(ctx context.Context, p Proof) (t store.Token, settle func(context.Context) error, err error) {
	now := s.Now()
	settle = func(context.Context) error { return nil }
	if p.From.IsValid() {
		charge := addressCharge(p.From)
		wait, err := s.Store.ChargeAttempt(ctx, now, charge)
		if err != nil {
			return store.Token{}, nil, err
		}
		if wait > 0 {
			return store.Token{}, nil, tooMany(wait)
		}
		settle = func(ctx context.Context) error {
			return s.Store.RefundAttempt(context.WithoutCancel(ctx), charge.Key, now)
		}
	}
	if len(p.Token) != auth.TokenLength {
		return store.Token{}, nil, noToken()
	}
	t, err = s.Store.Token(ctx, hashToken(p.Token))
	switch {
	case fault.Is(err, fault.NotFound):
		return store.Token{}, nil, noToken()
	case err != nil:
		return store.Token{}, nil, errors.Join(err, settle(ctx)) // no verdict
	}
	if err := p.fits(t, now); errors.Is(err, ErrTokenExpired) {
		return store.Token{}, nil, errors.Join(err, settle(ctx)) // it was the right one, once
	} else if err != nil {
		return store.Token{}, nil, err
	}
	return t, settle, nil
}

// fits reports why a token that exists is not good for the proof.
func (p Proof) fits(t store.Token, now time.Time) error {
	switch {
	case t.Site != p.Site || !slices.Contains(p.Kinds, Kind(t.Kind)):
		return noToken()
	case !t.Expires.After(now):
		return oldToken()
	}
	return nil
}

// waiting is what tokens say of an account, at one site or at all ("").
func waiting(tokens []store.Token, site string, now time.Time) (w Waiting) {
	for _, t := range tokens {
		if site != "" && t.Site != site {
			continue
		}
		switch Kind(t.Kind) {
		case KindSignUp, KindInvite:
			w.Confirmation, w.Until = t.Created, t.Expires
		case KindRecovery:
			if t.Expires.After(now) {
				w.Recovery = t.Created
			}
		case KindEmail:
			if t.Expires.After(now) {
				w.EmailChange, w.NewEmail = t.Created, t.Email
			}
		case KindMagic:
		}
	}
	return w
}
