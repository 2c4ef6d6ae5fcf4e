package identity

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
	"gatehouse/internal/store/storetest"
)

const other = "amber canoe nine rivers"

// rig is a service that keeps its mails, with a clock that tests move.
type rig struct {
	*Service
	*clock
}

func newRig(t testing.TB) rig { return mailRig(storetest.Open(t)) }

func mailRig(st *store.Store) rig {
	s, c := over(st)
	s.Hasher.cost = phc{memory: 64, time: 1, threads: 1} // what a hash costs is tested elsewhere
	s.Mail = &mail.Post{Store: st, Now: c.Now}
	s.Pages = func(site, page, token string) string {
		return "https://cms.example/s/" + site + "/" + page + "#" + token
	}
	s.Audit = &audit.Log{Store: st, Now: c.Now}
	return rig{s, c}
}

// Now is the clock's.
func (r rig) Now() time.Time { return r.clock.Now() }

// open lets strangers sign up at a site as editors.
func (r rig) open(t testing.TB, site string, change ...func(*Policy)) {
	t.Helper()
	p := Policy{SignUp: SignUpOpen, DefaultRoles: []string{Editor}}
	for _, f := range change {
		f(&p)
	}
	check(t, r.LocalDesk(site).SetPolicy(t.Context(), p))
}

// admin is an administrator of a site, with their desk there.
func (r rig) admin(t testing.TB, email, site string) (auth.Principal, *Desk) {
	t.Helper()
	m, err := r.LocalDesk(site).Add(t.Context(), Draft{Email: email, Roles: []string{Admin}, Confirm: true})
	check(t, err)
	p := auth.Principal{UserID: m.ID, Email: m.Email}
	d, err := r.Desk(t.Context(), p, site)
	check(t, err)
	return p, d
}

// post is what was mailed to an address, the newest first.
func (r rig) post(t testing.TB, to string) []mail.Mail {
	t.Helper()
	r.Wait()
	all, err := r.Mail.List(t.Context(), mail.Filter{Limit: 1000})
	check(t, err)
	return slices.DeleteFunc(all, func(m mail.Mail) bool { return m.To != to })
}

// token is that of the newest mail of a kind to an address.
func (r rig) token(t testing.TB, to string, kind mail.Kind) string {
	t.Helper()
	for _, m := range r.post(t, to) {
		if m.Kind != kind {
			continue
		}
		link, err := r.Mail.Link(t.Context(), m.ID)
		check(t, err)
		_, token, _ := strings.Cut(link, "#")
		return token
	}
	t.Fatalf("no mail of the kind %s to %s", kind, to)
	return ""
}

// count is how many mails of a kind went to an address.
func (r rig) count(t testing.TB, to string, kind mail.Kind) int {
	t.Helper()
	n := 0
	for _, m := range r.post(t, to) {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

func (r rig) signs(t testing.TB, email, password, site string) {
	t.Helper()
	_, err := r.SignUp(t.Context(), site, NewAccount{Email: email, Password: password}, netip.Addr{})
	check(t, err)
	r.Advance(2 * time.Minute)
}

func (r rig) use(t testing.TB, site string, kind Kind, token, password string) (User, error) {
	t.Helper()
	r.Advance(time.Second)
	u, _, err := r.Verify(t.Context(), Proof{Site: site, Kinds: []Kind{kind}, Token: token, Password: password})
	return u, err
}

// enters reports whether a password signs in.
func (r rig) enters(t testing.TB, email, password string) bool {
	t.Helper()
	check(t, r.Store.ClearThrottle(t.Context(), accountKey(email)))
	_, err := r.SignIn(t.Context(), email, password, netip.Addr{})
	if err != nil && fault.KindOf(err) != fault.Unauthenticated && fault.KindOf(err) != fault.Forbidden {
		t.Fatal(err)
	}
	return err == nil
}

// session begins one for a user.
func (r rig) session(t testing.TB, userID, site string) string {
	t.Helper()
	id := newUUID()
	x := store.Session{ID: id, UserID: userID, Site: site, Created: r.Now(), Seen: r.Now(), Expires: r.Now().Add(time.Hour)}
	if site == "" {
		x.TokenHash = id
	}
	check(t, r.Store.AddSession(t.Context(), x))
	return id
}

func (r rig) alive(t testing.TB, session, site string) bool {
	t.Helper()
	_, err := r.Store.CallerBySession(t.Context(), session, site, r.Now())
	if err != nil {
		wantKind(t, err, fault.NotFound)
	}
	return err == nil
}

func (r rig) events(t testing.TB) []string {
	t.Helper()
	list, err := r.Audit.Recent(t.Context(), audit.Filter{})
	check(t, err)
	var kinds []string
	for _, e := range list {
		kinds = append(kinds, e.Kind)
	}
	slices.Reverse(kinds)
	return kinds
}
