package identity

import (
	"context"
	"net/netip"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// NewAccount is what a person says who signs up.
type NewAccount struct {
	Email    string
	Password string
	Name     string         // empty: "full_name" of Data
	Language string         // a tag; empty: not known
	Data     map[string]any // what clients keep; small
}

// SignUp begins an account at a site, for a stranger at a network address. The
// password and the data are those of the account when the address is confirmed
// by the mail that goes out, and not before: the token has them with it, so that
// whoever signed up before or after with the same address cannot slip in theirs.
//
// The answer is the same, and takes the same work, whether the address has an
// account or not; who has one gets another mail. So the User is an echo: its ID
// is worth nothing unless the site confirms by itself (Policy.Autoconfirm).
//
// Forbidden when the site takes nobody, or nobody from that domain; Invalid for
// an address or a password that will not do; TooMany.
func (s *Service) SignUp(ctx context.Context, site string, n NewAccount, from netip.Addr) (User, error) {
	policy, err := s.Policy(ctx, site)
	if err != nil {
		return User{}, err
	}
	n, err = policy.check(n)
	if err != nil {
		return User{}, err
	}
	if !policy.Autoconfirm {
		if err := s.needMail(); err != nil {
			return User{}, err
		}
	}
	if err := s.placeMails(ctx, from); err != nil {
		return User{}, err
	}
	// Before the count by address: a full queue must not use the mail up.
	hash, err := s.Hasher.Hash(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	wait, err := s.mayMail(ctx, KindSignUp, byStranger, n.Email)
	if err != nil {
		return User{}, err
	}
	if wait > 0 {
		return User{}, tooManyMails(wait)
	}
	return s.signUp(ctx, site, policy, n, hash, from)
}

// check is what a person may say at a site, made fit.
func (p Policy) check(n NewAccount) (_ NewAccount, err error) {
	if !p.Open() {
		return NewAccount{}, fault.New(fault.Forbidden, "Nobody can sign up here. Ask an administrator of the site to invite you.")
	}
	if n.Email, err = FoldEmail(n.Email); err != nil {
		return NewAccount{}, err
	}
	if !p.admits(n.Email) {
		return NewAccount{}, fault.New(fault.Forbidden, "Addresses at %s cannot sign up here. Ask an administrator of the site to invite you.", domainOf(n.Email))
	}
	if err := CheckPassword(n.Email, n.Password); err != nil {
		return NewAccount{}, err
	}
	if n.Name == "" {
		n.Name = nameIn(n.Data)
	}
	if n.Name, err = cleanName(n.Name); err != nil {
		return NewAccount{}, err
	}
	if n.Language, err = cleanLanguage(n.Language); err != nil {
		n.Language = "" // a browser's fancy; not worth a refusal
	}
	n.Data, err = mergeData(nil, n.Data)
	return n, err
}

// signUp is SignUp after its checks.
func (s *Service) signUp(ctx context.Context, site string, policy Policy, n NewAccount, hash string, from netip.Addr) (User, error) {
	var m mail.Message
	var user store.User
	var event string
	err := s.Store.ChangeAccount(ctx, store.Which{Email: n.Email}, func(a *store.Account) (err error) {
		m, event, err = s.wish(a, site, policy, n, hash)
		user = a.User
		return err
	})
	if err != nil {
		return User{}, err
	}
	s.record(ctx, audit.Event{Kind: event, Site: site, Person: n.Email, Address: addressText(from)})
	echo := s.echo(n, policy)
	if m.Kind == "" {
		return s.User(ctx, user.ID)
	}
	if user.Language == "" {
		user.Language = n.Language
	}
	_, err = s.send(ctx, user, m)
	return echo, err
}

// wish makes of an account what follows a sign-up at a site, and says which mail
// goes out.
func (s *Service) wish(a *store.Account, site string, policy Policy, n NewAccount, hash string) (m mail.Message, event string, err error) {
	now := s.Now()
	here := a.Membership(site)
	fresh := a.User.ID == ""
	if fresh {
		a.User = store.User{ID: newUUID(), Email: n.Email, Created: now, Updated: now}
	}
	switch {
	case !a.User.Disabled.IsZero():
		return mail.Message{Kind: mail.NoticeDisabled, Site: site}, audit.SignUp, nil
	case here != nil && here.Pending != store.PendingSignUp, a.User.Operator:
		// At home here, or invited. An invitation stays as it is: a stranger
		// must not take its roles, nor end it.
		m, err = s.linkMail(a, KindRecovery, site, content{})
		m.Data = map[string]string{"known": "yes"}
		return m, audit.RecoveryAsked, err
	case policy.Autoconfirm && (fresh || bare(a, site)):
		a.User.Password, a.User.Name, a.User.Metadata, a.User.Language = hash, n.Name, n.Data, n.Language
		a.User.Confirmed, a.User.Updated = now, now
		a.SetMembership(store.Membership{Site: site, Roles: policy.DefaultRoles, Created: now, Updated: now})
		a.DropTokens(func(store.Token) bool { return true })
		return mail.Message{}, audit.SignUp, nil
	}
	a.SetMembership(store.Membership{Site: site, Roles: policy.DefaultRoles, Pending: store.PendingSignUp, Created: now, Updated: now})
	m, err = s.linkMail(a, KindSignUp, site, content{Password: hash, Name: n.Name, Language: n.Language, Data: n.Data})
	return m, audit.SignUp, err
}

// bare reports whether an account is nothing but a wish to belong to a site.
func bare(a *store.Account, site string) bool {
	for _, m := range a.Memberships {
		if m.Site != site || m.Pending != store.PendingSignUp {
			return false
		}
	}
	return a.User.Confirmed.IsZero() && a.User.Password == "" && a.User.Invited.IsZero()
}

// linkMail issues a token and is the mail that brings it.
func (s *Service) linkMail(a *store.Account, kind Kind, site string, c content) (mail.Message, error) {
	to := a.User.Email
	if kind == KindEmail {
		to = c.Email
	}
	token, expires, err := s.issue(a, kind, site, to, c)
	return mail.Message{Kind: kind.mail(), Site: site, To: to, Link: s.link(kind, site, token), Expires: expires}, err
}

// echo is what a person is told who signed up: what they said.
func (s *Service) echo(n NewAccount, policy Policy) User {
	now := s.Now()
	u := User{
		ID: newUUID(), Email: n.Email, Name: n.Name, Language: n.Language, Metadata: n.Data, Created: now, Updated: now,
		Roles: map[string][]string{}, Pending: map[string]Pending{},
	}
	if policy.Autoconfirm {
		u.Confirmed = now
	} else {
		u.Waiting.Confirmation = now
	}
	return u
}
