package identity

import (
	"context"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// Invitation is whom to ask to a site.
type Invitation struct {
	Email    string
	Name     string         // empty: "full_name" of Data
	Language string         // of the mail; empty: the site's
	Roles    []string       // nil: those of an invitation before, else none
	Data     map[string]any // what clients keep; for a new account alone
}

// Invited is what became of an invitation.
type Invited struct {
	User Member
	// Joined: the person was known, so that they belong to the site now, and a
	// notice has gone out; nothing has to be accepted.
	Joined bool
	// Link takes the invitation up. It is given where it has to be passed on by
	// hand, and to operators: whoever has it can be that person.
	Link string
	Mail string // id of the mail; empty: none was written
}

// Invite asks somebody to the desk's site, or asks again: an earlier link of the
// same site ends, those of other sites stay good. Conflict for who belongs to
// the site already; Forbidden when the site takes nobody, or the account is
// disabled; TooMany for a second within a minute.
func (d *Desk) Invite(ctx context.Context, n Invitation) (Invited, error) {
	n, err := d.checkInvitation(ctx, n)
	if err != nil {
		return Invited{}, err
	}
	wait, err := d.s.mayMail(ctx, KindInvite, byAdministrator, n.Email)
	if err != nil {
		return Invited{}, err
	}
	if wait > 0 {
		return Invited{}, tooManyMails(wait)
	}
	var m mail.Message
	var user store.User
	err = d.s.Store.ChangeAccount(ctx, store.Which{Email: n.Email}, func(a *store.Account) (err error) {
		m, err = d.ask(a, n)
		user = a.User
		return err
	})
	if err != nil {
		return Invited{}, err
	}
	out := Invited{Joined: m.Kind == mail.NoticeRoles}
	d.record(ctx, audit.Event{Kind: audit.Invited, Person: n.Email, Detail: "roles: " + m.Data["roles"]})
	if user.Language == "" {
		user.Language = n.Language
	}
	if out.Mail, err = d.s.send(ctx, user, m); err != nil {
		return Invited{}, err
	}
	if d.operator || d.s.Mail == nil || d.s.Mail.SMTP == "" {
		out.Link = m.Link
	}
	out.User, err = d.User(ctx, user.ID)
	return out, err
}

func (d *Desk) checkInvitation(ctx context.Context, n Invitation) (_ Invitation, err error) {
	if d.Site == "" {
		return Invitation{}, fault.New(fault.Invalid, "Name the site of the invitation.")
	}
	policy, err := d.s.Policy(ctx, d.Site)
	if err != nil {
		return Invitation{}, err
	}
	if policy.SignUp == SignUpClosed && !d.operator {
		return Invitation{}, fault.New(fault.Forbidden, "This site takes nobody new. Only an operator may invite.")
	}
	if n.Email, err = FoldEmail(n.Email); err != nil {
		return Invitation{}, err
	}
	if n.Roles != nil {
		if n.Roles, err = cleanRoles(n.Roles); err != nil {
			return Invitation{}, err
		}
	}
	if n.Name == "" {
		n.Name = nameIn(n.Data)
	}
	if n.Name, err = cleanName(n.Name); err != nil {
		return Invitation{}, err
	}
	if n.Language, err = cleanLanguage(n.Language); err != nil {
		return Invitation{}, err
	}
	n.Data, err = mergeData(nil, n.Data)
	return n, err
}

// ask makes of an account what follows an invitation, and is the mail about it.
func (d *Desk) ask(a *store.Account, n Invitation) (mail.Message, error) {
	now := d.s.Now()
	if a.User.ID == "" {
		a.User = store.User{ID: newUUID(), Email: n.Email, Created: now, Updated: now}
	}
	if !a.User.Disabled.IsZero() {
		return mail.Message{}, fault.Wrap(fault.Forbidden, ErrDisabled, "The account %s is disabled. Ask an operator to enable it.", n.Email)
	}
	here := a.Membership(d.Site)
	if here != nil && here.Pending == "" {
		return mail.Message{}, fault.New(fault.Conflict, "%s belongs to this site already.", n.Email)
	}
	if here != nil && here.Pending == store.PendingInvite && n.Roles == nil {
		n.Roles = here.Roles
	}
	membership := store.Membership{Site: d.Site, Roles: n.Roles, Created: now, Updated: now}
	told := map[string]string{"roles": strings.Join(n.Roles, ", "), "by": d.greeting()}
	// A sign-up of this site that waits is overtaken.
	a.DropTokens(func(t store.Token) bool { return t.Site == d.Site && Kind(t.Kind) == KindSignUp })
	if !a.User.Proven.IsZero() {
		a.DropTokens(func(t store.Token) bool { return t.Site == d.Site && Kind(t.Kind) == KindInvite })
		a.SetMembership(membership)
		return mail.Message{Kind: mail.NoticeRoles, Site: d.Site, To: n.Email, Data: told}, nil
	}
	if a.User.Confirmed.IsZero() && a.User.Name == "" {
		a.User.Name, a.User.Metadata = n.Name, n.Data
	}
	membership.Pending = store.PendingInvite
	a.SetMembership(membership)
	a.User.Invited, a.User.Updated = now, now
	m, err := d.s.linkMail(a, KindInvite, d.Site, content{By: d.greeting()})
	m.Data = told
	return m, err
}

// greeting is who invites, in a mail.
func (d *Desk) greeting() string {
	if d.by.Name != "" {
		return d.by.Name
	}
	return d.by.Email
}

// Reinvite sends the invitation of one of the desk's people again, with the
// roles it had. Conflict for who has come already.
func (d *Desk) Reinvite(ctx context.Context, id string) (Invited, error) {
	u, err := d.User(ctx, id)
	if err != nil {
		return Invited{}, err
	}
	return d.Invite(ctx, Invitation{Email: u.Email, Language: u.Language, Roles: u.Pending[d.Site].Roles})
}
