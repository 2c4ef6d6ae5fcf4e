package identity

import (
	"context"
	"slices"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// Desk is the administration of a site's people by one administrator, or of all
// people by an operator (Site empty). What it may is looked up when it is opened,
// so make one for each request:
//
//	                        at a site's desk        an operator, at any
//	see, invite, roles      of the site's people    of all
//	remove                  from the site           from the site
//	account, password, …    of who belongs          of all
//	                        nowhere else
//
// Somebody who is not the site's does not exist there.
type Desk struct {
	Site string

	s        *Service
	by       User // the zero User: whoever has the command line
	operator bool
}

// Desk opens a site's desk for a caller: an administrator of that site, or an
// operator, who may leave the site empty. Forbidden for anybody else.
func (s *Service) Desk(ctx context.Context, by auth.Principal, site string) (*Desk, error) {
	refused := fault.New(fault.Forbidden, "This is for administrators of the site.")
	u, err := s.User(ctx, by.UserID)
	if fault.Is(err, fault.NotFound) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	if !u.Disabled.IsZero() || !u.Operator && (site == "" || !slices.Contains(u.Roles[site], Admin)) {
		return nil, refused
	}
	return &Desk{Site: site, s: s, by: u, operator: u.Operator}, nil
}

// LocalDesk is an operator's desk for whoever has the command line.
func (s *Service) LocalDesk(site string) *Desk { return &Desk{Site: site, s: s, operator: true} }

// Page is a part of a list of people. The zero Page is the first, the oldest
// accounts first.
type Page struct {
	Page   int    // counts from 1; 0 is the first
	Per    int    // on a page; 0: 50, and never more than 1000
	Sort   string // SortCreated, SortEmail or SortName; empty: SortCreated
	Down   bool   // the last first
	Filter string // in the address or the name, whatever the case; empty: all
}

// The columns that lists are sorted by.
const (
	SortCreated = "created_at"
	SortEmail   = "email"
	SortName    = "name"
)

// Bounds of a page.
const (
	defaultPer = 50
	maxPer     = 1000
	maxFilter  = 200
)

// List are the people of the desk's site, also those who have not come yet, with
// how many there are on all pages. At a site's desk they have the roles of that
// site alone. Invalid for a sort or a page that there is not.
func (d *Desk) List(ctx context.Context, p Page) ([]Member, int, error) {
	f, err := p.filter(d.Site)
	if err != nil {
		return nil, 0, err
	}
	people, total, err := d.s.Store.People(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	ids := make([]string, len(people))
	for i, x := range people {
		ids[i] = x.User.ID
	}
	memberships, err := d.s.Store.MembershipsOf(ctx, ids...)
	if err != nil {
		return nil, 0, err
	}
	tokens, err := d.s.Store.Tokens(ctx, ids...)
	if err != nil {
		return nil, 0, err
	}
	accounts := make(map[string]*store.Account, len(people))
	for _, x := range people {
		accounts[x.User.ID] = &store.Account{User: x.User}
	}
	for _, m := range memberships {
		a := accounts[m.UserID]
		a.Memberships = append(a.Memberships, m)
	}
	for _, t := range tokens {
		a := accounts[t.UserID]
		a.Tokens = append(a.Tokens, t)
	}
	list := make([]Member, len(people))
	for i, x := range people {
		list[i] = d.member(*accounts[x.User.ID])
	}
	return list, total, nil
}

func (p Page) filter(site string) (store.PeopleFilter, error) {
	columns := map[string]string{"": "created", SortCreated: "created", SortEmail: "email", SortName: "folded_name"}
	column, ok := columns[p.Sort]
	if !ok {
		return store.PeopleFilter{}, fault.New(fault.Invalid, "There is no sorting by %q. Choose %s, %s or %s.", p.Sort, SortCreated, SortEmail, SortName)
	}
	if p.Page < 0 || p.Per < 0 || p.Page > 1<<20 {
		return store.PeopleFilter{}, fault.New(fault.Invalid, "Pages count from 1.")
	}
	if len(p.Filter) > maxFilter {
		return store.PeopleFilter{}, fault.New(fault.Invalid, "The text to look for is too long.")
	}
	per := min(p.Per, maxPer)
	if per == 0 {
		per = defaultPer
	}
	return store.PeopleFilter{
		Site: site, Text: fold(p.Filter), Sort: column, Down: p.Down,
		Limit: per, Offset: (max(p.Page, 1) - 1) * per,
	}, nil
}

// Member is a person as a desk sees one.
type Member struct {
	User
	// Elsewhere: belongs to another site, too, or is an operator, so that a
	// site's desk has no say in the account.
	Elsewhere bool
	// Manageable: this desk may change the account itself, not the membership
	// alone.
	Manageable bool
}

// User is one of the desk's people. NotFound when there is no such person.
func (d *Desk) User(ctx context.Context, id string) (Member, error) {
	u, err := d.s.Store.User(ctx, id)
	if err != nil {
		return Member{}, unknown(err, "There is no such user.")
	}
	a := store.Account{User: u}
	if a.Memberships, err = d.s.Store.Memberships(ctx, id, ""); err != nil {
		return Member{}, err
	}
	if err := d.knows(&a); err != nil {
		return Member{}, err
	}
	a.Tokens, err = d.s.Store.Tokens(ctx, id)
	return d.member(a), err
}

// knows is NotFound for somebody who is not the desk's.
func (d *Desk) knows(a *store.Account) error {
	if a.User.ID == "" || d.Site != "" && a.Membership(d.Site) == nil && !d.operator {
		return fault.New(fault.NotFound, "There is no such user.")
	}
	return nil
}

// elsewhere reports whether others than the desk's site have a say in an
// account. That somebody has signed up elsewhere with the address means nothing.
func (d *Desk) elsewhere(a *store.Account) bool {
	return a.User.Operator || slices.ContainsFunc(a.Memberships, func(m store.Membership) bool {
		return m.Site != d.Site && m.Pending != store.PendingSignUp
	})
}

// manages is Forbidden when the account itself is none of the desk's business.
func (d *Desk) manages(a *store.Account) error {
	if err := d.knows(a); err != nil {
		return err
	}
	if !d.operator && d.elsewhere(a) {
		return fault.New(fault.Forbidden, "%s belongs to more than this site, so that only an operator may change the account. Roles at this site, and removing from it, are yours.", a.User.Email)
	}
	return nil
}

func (d *Desk) member(a store.Account) Member {
	u := userOf(a.User, a.Memberships)
	u.Waiting = waiting(a.Tokens, d.Site, d.s.Now())
	m := Member{Elsewhere: d.elsewhere(&a), Manageable: d.manages(&a) == nil}
	if d.Site != "" && !d.operator {
		u.Roles, u.Pending = here(u.Roles, d.Site), here(u.Pending, d.Site)
	}
	m.User = u
	return m
}

// here is what a map has of one site.
func here[T any](all map[string]T, site string) map[string]T {
	if v, ok := all[site]; ok {
		return map[string]T{site: v}
	}
	return map[string]T{}
}

// record writes an event down with who did it.
func (d *Desk) record(ctx context.Context, e audit.Event) {
	e.Actor = d.name()
	if e.Site == "" {
		e.Site = d.Site
	}
	d.s.record(ctx, e)
}

func (d *Desk) name() string {
	if d.by.ID == "" {
		return "command line"
	}
	return d.by.Email
}

// SetPolicy says how people come to the desk's site from now on.
func (d *Desk) SetPolicy(ctx context.Context, p Policy) error {
	if d.Site == "" {
		return fault.New(fault.Invalid, "Name the site.")
	}
	p, err := p.clean()
	if err != nil {
		return err
	}
	if err := d.s.setPolicy(ctx, d.Site, p); err != nil {
		return err
	}
	d.record(ctx, audit.Event{Kind: audit.PolicyChanged, Detail: "sign-up: " + p.SignUp})
	return nil
}
