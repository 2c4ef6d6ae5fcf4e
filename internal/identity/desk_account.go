package identity

import (
	"context"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// Edit is what an administrator changes about an account. Nil fields stay.
type Edit struct {
	Name     *string
	Language *string
	Email    *string // at once, without a mail to confirm it
	Password *string // ends all sessions
	Confirm  *bool   // true: the address counts as confirmed
	Data     map[string]any
}

// Change changes the account of one of the desk's people. Forbidden for somebody
// who belongs elsewhere, too; Conflict when the address is another's.
//
// A password or an address that comes from a site's administrator is known to
// others than its owner. The account then proves nothing about the person until
// they have come by a link of a mail; another site that invites them has them
// come that way.
func (d *Desk) Change(ctx context.Context, id string, c Edit) (Member, error) {
	u, err := d.User(ctx, id)
	if err != nil {
		return Member{}, err
	}
	change, err := d.checkEdit(ctx, u.Email, c)
	if err != nil {
		return Member{}, err
	}
	was, err := d.change(ctx, id, change)
	if fault.Is(err, fault.Conflict) {
		return Member{}, fault.Wrap(fault.Conflict, err, "That e-mail address belongs to another account.")
	}
	if err != nil {
		return Member{}, err
	}
	d.record(ctx, audit.Event{Kind: audit.Modified, Person: was.Email})
	if c.Password != nil {
		d.record(ctx, audit.Event{Kind: audit.PasswordChanged, Person: was.Email})
		if err := d.s.Store.ClearThrottle(ctx, accountKey(was.Email)); err != nil {
			return Member{}, err
		}
		if !was.Confirmed.IsZero() {
			d.s.tell(ctx, was, mail.Message{Kind: mail.NoticePassword, Site: d.Site})
		}
	}
	now, err := d.User(ctx, id)
	if err == nil && now.Email != was.Email {
		d.record(ctx, audit.Event{Kind: audit.EmailChanged, Person: now.Email, Detail: "was " + was.Email})
		if !was.Confirmed.IsZero() {
			d.s.tell(ctx, was, mail.Message{Kind: mail.NoticeEmail, Site: d.Site, To: was.Email, Data: map[string]string{"new": now.Email}})
		}
	}
	return now, err
}

// checkEdit checks a change and is what makes it.
func (d *Desk) checkEdit(ctx context.Context, email string, c Edit) (func(*store.Account) error, error) {
	if c.Email != nil {
		folded, err := FoldEmail(*c.Email)
		if err != nil {
			return nil, err
		}
		email = folded
	}
	own, err := d.s.ownChange(ctx, email, Change{Name: c.Name, Language: c.Language, Password: c.Password, Data: c.Data})
	if err != nil {
		return nil, err
	}
	return func(a *store.Account) error {
		if c.Email != nil && email != a.User.Email {
			a.User.Email = email
			a.DropTokens(func(store.Token) bool { return true }) // they were mailed to the old address
			d.vouched(a)
		}
		if c.Password != nil {
			d.vouched(a)
		}
		if c.Confirm != nil && *c.Confirm && a.User.Confirmed.IsZero() {
			a.User.Confirmed = d.s.Now()
			d.approve(a)
		}
		return own(a)
	}, nil
}

// vouched notes that somebody else than its owner has a hand in an account. An
// operator is trusted by all sites.
func (d *Desk) vouched(a *store.Account) {
	if !d.operator && a.User.ID != d.by.ID {
		a.User.Proven = time.Time{}
	}
}

// approve takes up what the person has signed up for, for an administrator who
// answers for the address. The password is the one that was chosen then.
func (d *Desk) approve(a *store.Account) {
	m := a.Membership(d.Site)
	if m == nil || m.Pending != store.PendingSignUp {
		return
	}
	m.Pending = ""
	a.DropTokens(func(t store.Token) bool {
		if t.Site != d.Site || Kind(t.Kind) != KindSignUp {
			return false
		}
		if c, err := contentOf(t); err == nil && a.User.Password == "" {
			settlePassword(a, KindSignUp, "", c)
		}
		return true
	})
}

// change lets a function change the account of one of the desk's people, and is
// the user as it was.
func (d *Desk) change(ctx context.Context, id string, change func(*store.Account) error) (was store.User, err error) {
	err = d.s.Store.ChangeAccount(ctx, store.Which{ID: id}, func(a *store.Account) error {
		was = a.User
		if err := d.manages(a); err != nil {
			return err
		}
		a.User.Updated = d.s.Now()
		return change(a)
	})
	return was, unknown(err, "There is no such user.")
}

// Disable shuts an account: nobody signs in to it, and all sessions end. Invalid
// for the caller's own.
func (d *Desk) Disable(ctx context.Context, id string) error {
	if id == d.by.ID {
		return fault.New(fault.Invalid, "You cannot disable your own account.")
	}
	was, err := d.change(ctx, id, func(a *store.Account) error {
		if a.User.Disabled.IsZero() {
			a.User.Disabled = d.s.Now()
		}
		a.EndSessions = true
		a.DropTokens(func(t store.Token) bool { return Kind(t.Kind) != KindInvite && Kind(t.Kind) != KindSignUp })
		return nil
	})
	if err == nil && was.Disabled.IsZero() {
		d.settled(ctx, was, audit.Disabled, mail.NoticeDisabled)
	}
	return err
}

// Enable opens a disabled account again. Its sessions stay ended.
func (d *Desk) Enable(ctx context.Context, id string) error {
	was, err := d.change(ctx, id, func(a *store.Account) error {
		if !a.User.Disabled.IsZero() {
			a.User.Disabled = time.Time{}
			a.EndSessions = true // one may have begun while it was shut
		}
		return nil
	})
	if err == nil && !was.Disabled.IsZero() {
		d.settled(ctx, was, audit.Enabled, mail.NoticeEnabled)
	}
	return err
}

// settled writes down and tells that an account was shut or opened.
func (d *Desk) settled(ctx context.Context, u store.User, event string, kind mail.Kind) {
	d.record(ctx, audit.Event{Kind: event, Person: u.Email})
	if !u.Confirmed.IsZero() {
		d.s.tell(ctx, u, mail.Message{Kind: kind, Site: d.Site, Data: map[string]string{"by": d.greeting()}})
	}
}

// Delete removes an account with all memberships and sessions. Invalid for the
// caller's own.
func (d *Desk) Delete(ctx context.Context, id string) error {
	if id == d.by.ID {
		return fault.New(fault.Invalid, "You cannot delete your own account.")
	}
	was, err := d.change(ctx, id, func(a *store.Account) error {
		a.Delete = true
		return nil
	})
	if err == nil {
		d.record(ctx, audit.Event{Kind: audit.Deleted, Person: was.Email})
	}
	return err
}

// SetOperator makes somebody an operator, or no longer. Operators alone may, and
// not to themselves.
func (d *Desk) SetOperator(ctx context.Context, id string, operator bool) error {
	if !d.operator {
		return fault.New(fault.Forbidden, "Only an operator may make operators.")
	}
	if id == d.by.ID {
		return fault.New(fault.Invalid, "You cannot change that of your own account.")
	}
	was, err := d.change(ctx, id, func(a *store.Account) error {
		a.User.Operator = operator
		return nil
	})
	if err == nil && was.Operator != operator {
		detail := "operator no more"
		if operator {
			detail = "operator"
		}
		d.record(ctx, audit.Event{Kind: audit.RolesChanged, Person: was.Email, Detail: detail})
	}
	return err
}

// SendRecovery mails one of the desk's people a link that sets a password anew.
// The link is not shown. TooMany for a second within a minute.
func (d *Desk) SendRecovery(ctx context.Context, id string) error {
	u, err := d.User(ctx, id)
	if err != nil {
		return err
	}
	if err := d.s.needMail(); err != nil {
		return err
	}
	if !u.Disabled.IsZero() {
		return fault.Wrap(fault.Forbidden, ErrDisabled, "The account %s is disabled.", u.Email)
	}
	wait, err := d.s.mayMail(ctx, KindRecovery, byAdministrator, u.Email)
	if err != nil {
		return err
	}
	if wait > 0 {
		return tooManyMails(wait)
	}
	return d.s.sendLink(ctx, KindRecovery, d.Site, u.Email, audit.Event{Actor: d.name()})
}

// EndSessions signs one of the desk's people out: everywhere, where the account
// is the desk's to manage, else from the site's clients.
func (d *Desk) EndSessions(ctx context.Context, id string) error {
	var user store.User
	err := d.s.Store.ChangeAccount(ctx, store.Which{ID: id}, func(a *store.Account) error {
		if err := d.knows(a); err != nil {
			return err
		}
		user = a.User
		if d.manages(a) == nil {
			a.EndSessions = true
		} else {
			a.EndSite = d.Site
		}
		return nil
	})
	if err == nil {
		d.record(ctx, audit.Event{Kind: audit.SignedOut, Person: user.Email})
	}
	return unknown(err, "There is no such user.")
}
