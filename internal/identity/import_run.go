package identity

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/store"
)

// importRun is an import under way.
type importRun struct {
	s       *Service
	in      Importing
	roles   []string
	planned map[addressKey]planned // by a dry run, of all files

	// Of the file at hand:
	site     string
	seen     map[addressKey]seenEntry
	report   *ExportReport
	progress func(done int)
	batch    []newcomer
}

// newcomer is an entry, made fit.
type newcomer struct {
	Exported
	email string // folded
	name  string
	roles []string
}

func (r *importRun) export(ctx context.Context, e Export) error {
	r.site = e.Site
	err := e.read(ctx, func(x Exported) error {
		r.report.People++
		n, reason := r.fit(x)
		if reason != "" {
			r.report.skip(reason, x.Number)
			return nil
		}
		if r.batch = append(r.batch, n); len(r.batch) < importBatch {
			return nil
		}
		return r.flush(ctx)
	})
	if err == nil {
		err = r.flush(ctx)
	}
	r.batch = nil
	return err
}

// fit makes an entry fit, or says why it is left out.
func (r *importRun) fit(x Exported) (n newcomer, reason string) {
	n = newcomer{Exported: x}
	if x.Out {
		return n, SkipOut
	}
	if strings.TrimSpace(x.Email) == "" {
		return n, SkipNoEmail
	}
	var err error
	if n.email, err = FoldEmail(x.Email); err != nil {
		return n, SkipBadEmail
	}
	if n.ID == "" {
		n.ID = "address " + n.email
	}
	if !utf8.ValidString(n.ID) || len(n.ID) > 300 || strings.ContainsFunc(n.ID, unicode.IsControl) {
		return n, SkipBadID
	}
	if n.Data, err = mergeData(nil, x.Data); err != nil {
		return n, SkipData
	}
	if r.twice(n) {
		return n, SkipTwice
	}
	if n.name, err = cleanName(nameIn(x.Data)); err != nil {
		n.name = "" // it stays in the data
	}
	n.roles = r.rolesOf(x.Roles)
	if n.Hash = usableHash(x.Hash); x.Confirmed.IsZero() {
		n.Hash = ""
	}
	return n, ""
}

// twice reports whether the file had this person before. One who confirmed the
// address counts in spite of one who did not.
func (r *importRun) twice(n newcomer) bool {
	address, id := keyOf(n.email), keyOf("id "+n.ID)
	before, ok := r.seen[address]
	_, same := r.seen[id]
	confirmed := !n.Confirmed.IsZero()
	if same || ok && (before.confirmed || !confirmed) {
		return true
	}
	r.seen[address], r.seen[id] = seenEntry{confirmed}, seenEntry{}
	return false
}

// rolesOf are an entry's roles here; names that cannot be roles are noted.
func (r *importRun) rolesOf(theirs []string) []string {
	var roles []string
	for _, name := range theirs {
		switch {
		case validRole(name):
			roles = append(roles, name)
		case len(r.report.LeftOut) < 20 && len(name) <= 64 && !slices.Contains(r.report.LeftOut, name):
			r.report.LeftOut = append(r.report.LeftOut, name)
		}
	}
	if len(roles) == 0 {
		roles = append(roles, r.roles...)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// flush makes the changes of a batch.
func (r *importRun) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return ctx.Err()
	}
	if err := r.dropEmptyHashes(ctx); err != nil {
		return err
	}
	keys := make([]store.ImportKey, len(r.batch))
	for n, x := range r.batch {
		keys[n] = store.ImportKey{Site: r.site, OldID: x.ID, Email: x.email}
	}
	outcomes := make([]outcome, len(r.batch))
	err := r.s.Store.ImportAccounts(ctx, keys, !r.in.Apply, func(n int, i *store.Import) error {
		outcomes[n] = r.merge(r.batch[n], i)
		return nil
	})
	if err != nil {
		return err
	}
	for n, o := range outcomes {
		r.report.count(r.batch[n], o)
	}
	r.batch = r.batch[:0]
	r.progress(r.report.People)
	return nil
}

// outcome is what became of an entry.
type outcome struct {
	fresh, changed bool
	joined         bool // there is a membership by this entry
	way            wayIn
}

// wayIn is how the person comes in from now on.
type wayIn int

const (
	byOldPassword wayIn = iota
	asBefore            // the account is none of ours
	byChoosing          // of a password, by a mail
	notYet              // unconfirmed
)

func (r *ExportReport) count(n newcomer, o outcome) {
	switch {
	case o.fresh:
		r.New++
	case o.changed:
		r.Merged++
	default:
		r.Unchanged++
		return
	}
	switch o.way {
	case byOldPassword:
		r.WithPassword++
	case asBefore:
		r.OwnPassword++
	case byChoosing:
		r.WithoutPassword++
	case notYet:
		r.Unconfirmed++
	}
	if o.joined {
		if len(n.roles) == 0 {
			r.NoRoles++
		}
		for _, role := range n.roles {
			r.Roles[role]++
		}
	}
}

// maxOldPasswords is how many hashes may be tried for one person.
const maxOldPasswords = 8

// merge makes of an account what follows an entry.
func (r *importRun) merge(n newcomer, i *store.Import) (o outcome) {
	now := r.s.Now()
	if !r.in.Apply {
		r.pretend(n, i)
	}
	a := &i.Account
	known := i.Alias.UserID != ""
	o.fresh = a.User.ID == "" || !known && len(i.Others) == 0 && onlyWished(*a)
	if a.User.ID == "" {
		a.User = store.User{ID: newUUID(), Email: n.email, Created: timeOr(n.Created, now)}
	}
	if o.fresh {
		a.User.Name, a.User.Metadata = n.name, n.Data
		a.DropTokens(func(store.Token) bool { return true })
	}
	founding := o.fresh || i.Alias.Founding || slices.ContainsFunc(i.Others, func(b store.Alias) bool { return b.Founding })
	open := founding && untouched(a.User)
	if open && a.User.Confirmed.IsZero() && !n.Confirmed.IsZero() {
		confirm(a, n, now)
		o.changed = true
	}
	if open && takeHash(n, i) {
		o.changed = true
	}
	if !known {
		r.join(a, n, now)
		i.Alias.Founding, i.Alias.Created = founding, now
		o.changed, o.joined = true, true
	}
	if o.changed {
		a.User.Updated = now
	}
	o.way = way(*i, founding)
	if !r.in.Apply {
		r.plan(n, *i)
	}
	return o
}

// onlyWished reports whether an account is nothing but somebody's wish, which no
// mail has confirmed.
func onlyWished(a store.Account) bool {
	return a.User.Confirmed.IsZero() && a.User.Password == "" && a.User.Invited.IsZero() && !a.User.Operator && a.User.Disabled.IsZero() &&
		!slices.ContainsFunc(a.Memberships, func(m store.Membership) bool { return m.Pending != store.PendingSignUp })
}

// untouched reports whether nobody has been in an account that was imported, and
// nobody has settled how it is entered.
func untouched(u store.User) bool {
	return u.Password == "" && u.LastSignIn.IsZero() && !u.Operator && u.Disabled.IsZero()
}

// confirm takes over that the address was confirmed at the former server.
func confirm(a *store.Account, n newcomer, now time.Time) {
	a.User.Confirmed = timeOr(n.Confirmed, now)
	a.User.Proven = a.User.Confirmed
	if a.User.Name == "" {
		a.User.Name, a.User.Metadata = n.name, n.Data
	}
	for k := range a.Memberships {
		if m := &a.Memberships[k]; m.Pending == store.PendingInvite {
			m.Pending, m.Updated = "", now // as for everybody who is known and invited
		}
	}
	a.DropTokens(func(t store.Token) bool { return Kind(t.Kind) == KindSignUp || Kind(t.Kind) == KindInvite })
}

// takeHash keeps the entry's old password, unless it is kept already or there are
// too many.
func takeHash(n newcomer, i *store.Import) bool {
	if n.Hash == "" || n.Hash == i.Alias.Password || i.Account.User.Confirmed.IsZero() {
		return false
	}
	others := 0
	for _, other := range i.Others {
		if other.Password == n.Hash {
			return false
		}
		if other.Password != "" {
			others++
		}
	}
	if others >= maxOldPasswords {
		return false
	}
	i.Alias.Password = n.Hash
	return true
}

// join gives the account the entry's membership.
func (r *importRun) join(a *store.Account, n newcomer, now time.Time) {
	m := store.Membership{Site: r.site, Roles: n.roles, Pending: store.PendingInvite, Created: now, Updated: now}
	confirmed := !n.Confirmed.IsZero()
	proven := !a.User.Proven.IsZero()
	switch {
	case proven && (confirmed || n.Invited):
		m.Pending = ""
	case !confirmed && !n.Invited:
		m.Pending = store.PendingSignUp
	}
	here := a.Membership(r.site)
	if here != nil {
		if m.Pending == store.PendingSignUp {
			return // what is there is more
		}
		if here.Pending != store.PendingSignUp {
			m.Roles = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(here.Roles), m.Roles...))))
		}
		if here.Pending == "" {
			m.Pending = ""
		}
	}
	if m.Pending != store.PendingSignUp {
		a.DropTokens(func(t store.Token) bool { return t.Site == r.site && Kind(t.Kind) == KindSignUp })
	}
	if m.Pending == store.PendingInvite {
		a.User.Invited = now
	}
	a.SetMembership(m)
}

// way is how the person comes in.
func way(i store.Import, founding bool) wayIn {
	u := i.Account.User
	switch {
	case !founding || !untouched(u):
		return asBefore
	case i.Alias.Password != "" || slices.ContainsFunc(i.Others, func(o store.Alias) bool { return o.Password != "" }):
		return byOldPassword
	case u.Confirmed.IsZero() && !slices.ContainsFunc(i.Account.Memberships, func(m store.Membership) bool { return m.Pending == store.PendingInvite }):
		return notYet
	}
	return byChoosing
}

// pretend puts the account there that earlier entries would have made.
func (r *importRun) pretend(n newcomer, i *store.Import) {
	p, ok := r.planned[keyOf(n.email)]
	if !ok || i.Alias.UserID != "" {
		return
	}
	if i.Account.User.ID == "" {
		i.Account.User = store.User{ID: "planned", Email: n.email}
		if p.confirmed {
			i.Account.User.Confirmed = time.UnixMilli(1)
			i.Account.User.Proven = i.Account.User.Confirmed
		}
	}
	i.Others = append(i.Others, store.Alias{Founding: p.founding, Password: p.password})
}

// plan notes what an entry would have made.
func (r *importRun) plan(n newcomer, i store.Import) {
	if i.Alias.UserID != "" {
		return
	}
	key := keyOf(n.email)
	p := r.planned[key]
	p.founding = i.Alias.Founding
	p.confirmed = !i.Account.User.Confirmed.IsZero()
	if i.Alias.Password != "" {
		p.password = "another" // which does not matter
	}
	r.planned[key] = p
}
