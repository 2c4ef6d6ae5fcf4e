package identity

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// SetRoles gives one of the desk's people just these roles at its site. An
// operator may so make anybody a member.
func (d *Desk) SetRoles(ctx context.Context, id string, roles []string) error {
	m, err := d.s.membership(id, d.Site, roles)
	if err != nil {
		return err
	}
	var user store.User
	changed := false
	err = d.s.Store.ChangeAccount(ctx, store.Which{ID: id}, func(a *store.Account) error {
		if err := d.knows(a); err != nil {
			return err
		}
		user = a.User
		if old := a.Membership(d.Site); old != nil {
			m.Pending = old.Pending
			changed = !slices.Equal(old.Roles, m.Roles)
		} else {
			changed = true
		}
		a.SetMembership(m)
		return nil
	})
	if err != nil || !changed {
		return unknown(err, "There is no such user.")
	}
	told := strings.Join(m.Roles, ", ")
	d.record(ctx, audit.Event{Kind: audit.RolesChanged, Person: user.Email, Detail: "roles: " + told})
	if m.Pending == "" && !user.Confirmed.IsZero() {
		d.s.tell(ctx, user, mail.Message{Kind: mail.NoticeRoles, Site: d.Site, Data: map[string]string{"roles": told, "by": d.greeting()}})
	}
	return nil
}

// Remove takes one of the desk's people from its site, or an invitation back.
// The account goes with the last membership, unless it is an operator's or the
// caller's own.
func (d *Desk) Remove(ctx context.Context, id string) error {
	if d.Site == "" {
		return d.Delete(ctx, id)
	}
	var user store.User
	gone := false
	err := d.s.Store.ChangeAccount(ctx, store.Which{ID: id}, func(a *store.Account) error {
		user = a.User
		if a.Membership(d.Site) == nil {
			return fault.New(fault.NotFound, "There is no such user.")
		}
		a.Memberships = slices.DeleteFunc(a.Memberships, func(m store.Membership) bool { return m.Site == d.Site })
		a.DropTokens(func(t store.Token) bool { return t.Site == d.Site })
		a.EndSite = d.Site
		gone = len(a.Memberships) == 0 && !a.User.Operator && a.User.ID != d.by.ID
		a.Delete = gone
		return nil
	})
	if err != nil {
		return unknown(err, "There is no such user.")
	}
	d.record(ctx, audit.Event{Kind: audit.Removed, Person: user.Email})
	if gone {
		d.record(ctx, audit.Event{Kind: audit.Deleted, Person: user.Email})
	}
	return nil
}

// Draft is an account that an administrator makes.
type Draft struct {
	Email    string
	Password string // empty: there is none to sign in with
	Name     string // empty: "full_name" of Data
	Language string
	Roles    []string // at the desk's site
	Operator bool     // operators alone may
	Confirm  bool     // the account can be used at once
	Data     map[string]any
}

// Add makes an account, at the desk's site if it has one. No mail goes out; what
// an administrator of a site makes is proven by its owner later, by any link of
// a mail. Conflict when there is such an account: invite that person instead.
func (d *Desk) Add(ctx context.Context, n Draft) (Member, error) {
	email, err := FoldEmail(n.Email)
	if err != nil {
		return Member{}, err
	}
	if n.Operator && !d.operator {
		return Member{}, fault.New(fault.Forbidden, "Only an operator may make operators.")
	}
	c := Edit{Name: &n.Name, Language: &n.Language, Data: n.Data}
	if n.Name == "" {
		name := nameIn(n.Data)
		c.Name = &name
	}
	if n.Password != "" {
		c.Password = &n.Password
	}
	change, err := d.checkEdit(ctx, email, c)
	if err != nil {
		return Member{}, err
	}
	roles, err := cleanRoles(n.Roles)
	if err != nil {
		return Member{}, err
	}
	now := d.s.Now()
	var id string
	err = d.s.Store.ChangeAccount(ctx, store.Which{Email: email}, func(a *store.Account) error {
		if a.User.ID != "" {
			return fault.New(fault.Conflict, "There is already a user %s. Invite them, or change their roles.", email)
		}
		a.User = store.User{ID: newUUID(), Email: email, Operator: n.Operator, Created: now, Updated: now}
		id = a.User.ID
		if n.Confirm {
			a.User.Confirmed = now
			if d.operator {
				a.User.Proven = now
			}
		}
		if d.Site != "" {
			a.SetMembership(store.Membership{Site: d.Site, Roles: roles, Created: now, Updated: now})
		}
		return change(a)
	})
	if err != nil {
		return Member{}, err
	}
	d.record(ctx, audit.Event{Kind: audit.Added, Person: email, Detail: "roles: " + strings.Join(roles, ", ")})
	return d.User(ctx, id)
}
