// Package identity keeps the accounts of people: who they are, which password
// proves it, and which roles they have at which site.
//
// There is one pool of users. A membership is a user, a site and roles;
// "operator" is a flag of the user and means everything at every site. Access
// is looked up at each request, so that a change of roles acts at once.
//
// Signing in is made expensive for guessers and dull for everybody else:
//
//	attempt ─► throttle (account, address) ─► a slot for hashing ─► Argon2id ─► session
//	              │ waiting: TooMany               │ none free: TooMany
//
// The answer to a wrong password and to an unknown address is the same, takes
// the same work, and is throttled the same.
package identity

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// The built-in roles of a site. Other names are allowed and give no right by
// themselves.
const (
	Admin       = "admin"       // people and settings of the site, everything on content
	Publisher   = "publisher"   // everything on content
	Editor      = "editor"      // all but publishing and deleting what is published
	Contributor = "contributor" // own drafts only
	Reader      = "reader"      // looks, touches nothing
)

// BuiltinRoles are the roles that mean something without a rule, the mightiest
// first.
func BuiltinRoles() []string { return []string{Admin, Publisher, Editor, Contributor, Reader} }

// User is a person with an account.
type User struct {
	ID         string
	Email      string // folded
	Name       string
	Operator   bool
	Metadata   map[string]any // what clients keep there; never nil
	Created    time.Time
	Updated    time.Time
	Confirmed  time.Time // zero: the address is not confirmed
	LastSignIn time.Time // zero: never
	// Roles by site. A member without roles has an empty list.
	Roles map[string][]string
}

// Member reports whether the user belongs to a site.
func (u User) Member(site string) bool {
	_, ok := u.Roles[site]
	return ok || u.Operator
}

// RolesAt are the roles that clients are told of at a site, never nil. An
// operator counts as an admin everywhere, since clients know roles alone.
func (u User) RolesAt(site string) []string {
	roles := append([]string{}, u.Roles[site]...)
	if u.Operator && !slices.Contains(roles, Admin) {
		roles = append(roles, Admin)
		slices.Sort(roles)
	}
	return roles
}

// Service is the accounts of all sites. Make it with New.
type Service struct {
	Store  *store.Store
	Hasher *Hasher
	Now    func() time.Time
}

// New is a service over a store, with as many slots for hashing as leave the
// machine a processor for everything else.
func New(s *store.Store) *Service {
	return &Service{Store: s, Hasher: NewHasher(0, 0), Now: time.Now}
}

// NewUser is a person to add.
type NewUser struct {
	Email    string
	Name     string
	Password string
	Operator bool
	Roles    map[string][]string // by site
}

// Add makes a user with a confirmed address. Invalid when the address, the
// password or a role will not do; Conflict when there is such a user.
func (s *Service) Add(ctx context.Context, n NewUser) (User, error) {
	email, err := FoldEmail(n.Email)
	if err != nil {
		return User{}, err
	}
	if err := CheckPassword(email, n.Password); err != nil {
		return User{}, err
	}
	name, err := cleanName(n.Name)
	if err != nil {
		return User{}, err
	}
	now := s.Now()
	u := store.User{
		ID: newUUID(), Email: email, Name: name, Operator: n.Operator,
		Created: now, Updated: now, Confirmed: now,
	}
	var memberships []store.Membership
	for site, roles := range n.Roles {
		m, err := s.membership(u.ID, site, roles)
		if err != nil {
			return User{}, err
		}
		memberships = append(memberships, m)
	}
	if u.Password, err = s.Hasher.Hash(ctx, n.Password); err != nil {
		return User{}, err
	}
	err = s.Store.AddUser(ctx, u, memberships...)
	if fault.Is(err, fault.Conflict) {
		return User{}, fault.Wrap(fault.Conflict, err, "There is already a user %s.", email)
	}
	if err != nil {
		return User{}, err
	}
	return s.User(ctx, u.ID)
}

// User is the user with an id.
func (s *Service) User(ctx context.Context, id string) (User, error) {
	u, err := s.Store.User(ctx, id)
	return s.withRoles(ctx, u, unknown(err, "There is no such user."))
}

// ByEmail is the user with an e-mail address, in any spelling of its case.
func (s *Service) ByEmail(ctx context.Context, email string) (User, error) {
	folded, err := FoldEmail(email)
	if err != nil {
		return User{}, err
	}
	u, err := s.Store.UserByEmail(ctx, folded)
	return s.withRoles(ctx, u, unknown(err, "There is no user "+folded+"."))
}

// List are all users, by e-mail address.
func (s *Service) List(ctx context.Context) ([]User, error) {
	rows, err := s.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	memberships, err := s.Store.Memberships(ctx, "", "")
	if err != nil {
		return nil, err
	}
	roles := map[string]map[string][]string{}
	for _, m := range memberships {
		if roles[m.UserID] == nil {
			roles[m.UserID] = map[string][]string{}
		}
		roles[m.UserID][m.Site] = m.Roles
	}
	list := make([]User, len(rows))
	for i, u := range rows {
		list[i] = userOf(u, roles[u.ID])
	}
	return list, nil
}

// Count is how many users there are.
func (s *Service) Count(ctx context.Context) (int, error) { return s.Store.CountUsers(ctx) }

// SetRoles makes a user a member of a site with just these roles.
func (s *Service) SetRoles(ctx context.Context, id, site string, roles []string) error {
	m, err := s.membership(id, site, roles)
	if err != nil {
		return err
	}
	return unknown(s.Store.SetMembership(ctx, m), "There is no such user.")
}

// Leave takes a user's membership of a site away.
func (s *Service) Leave(ctx context.Context, id, site string) error {
	return unknown(s.Store.DeleteMembership(ctx, id, site), "The user is no member of "+site+".")
}

// SetOperator makes a user an operator, or no longer.
func (s *Service) SetOperator(ctx context.Context, id string, operator bool) error {
	return s.update(ctx, id, func(u *store.User) { u.Operator = operator })
}

// Rename changes the name that a user writes under.
func (s *Service) Rename(ctx context.Context, id, name string) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	return s.update(ctx, id, func(u *store.User) { u.Name = name })
}

// ResetPassword gives a user a new password, ends all sessions and refresh
// tokens, and forgets failed attempts.
func (s *Service) ResetPassword(ctx context.Context, id, password string) error {
	u, err := s.User(ctx, id)
	if err != nil {
		return err
	}
	if err := CheckPassword(u.Email, password); err != nil {
		return err
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.Store.SetPassword(ctx, id, hash, s.Now()); err != nil {
		return unknown(err, "There is no such user.")
	}
	return s.Store.ClearThrottle(ctx, accountKey(u.Email))
}

// Remove deletes a user with all memberships and sessions.
func (s *Service) Remove(ctx context.Context, id string) error {
	return unknown(s.Store.DeleteUser(ctx, id), "There is no such user.")
}

// Sessions are a user's live sessions, the one last seen first.
func (s *Service) Sessions(ctx context.Context, id string) ([]auth.Session, error) {
	return s.sessions().List(ctx, id)
}

// EndSession ends one session of a user. NotFound when there is none such.
func (s *Service) EndSession(ctx context.Context, id, session string) error {
	return s.sessions().Revoke(ctx, id, session)
}

// EndSessions ends all sessions of a user and says how many there were.
func (s *Service) EndSessions(ctx context.Context, id string) (int, error) {
	return s.sessions().RevokeAll(ctx, id)
}

func (s *Service) sessions() *auth.Sessions { return &auth.Sessions{Store: s.Store, Now: s.Now} }

func (s *Service) update(ctx context.Context, id string, change func(*store.User)) error {
	return unknown(s.Store.UpdateUser(ctx, id, func(u *store.User) {
		change(u)
		u.Updated = s.Now()
	}), "There is no such user.")
}

func (s *Service) membership(id, site string, roles []string) (store.Membership, error) {
	if site == "" {
		return store.Membership{}, fault.New(fault.Invalid, "Name the site that the roles are for.")
	}
	clean := make([]string, 0, len(roles))
	for _, r := range roles {
		if !validRole(r) {
			return store.Membership{}, fault.New(fault.Invalid, "%q cannot be a role. A role has 1 to 64 letters, digits, hyphens and underscores; the built-in ones are %s.", r, strings.Join(BuiltinRoles(), ", "))
		}
		clean = append(clean, r)
	}
	slices.Sort(clean)
	now := s.Now()
	return store.Membership{UserID: id, Site: site, Roles: slices.Compact(clean), Created: now, Updated: now}, nil
}

func validRole(r string) bool {
	return r != "" && len(r) <= 64 && !strings.ContainsFunc(r, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	})
}

func (s *Service) withRoles(ctx context.Context, u store.User, err error) (User, error) {
	if err != nil {
		return User{}, err
	}
	memberships, err := s.Store.Memberships(ctx, u.ID, "")
	if err != nil {
		return User{}, err
	}
	roles := map[string][]string{}
	for _, m := range memberships {
		roles[m.Site] = m.Roles
	}
	return userOf(u, roles), nil
}

func userOf(u store.User, roles map[string][]string) User {
	if roles == nil {
		roles = map[string][]string{}
	}
	return User{
		ID: u.ID, Email: u.Email, Name: u.Name, Operator: u.Operator, Metadata: u.Metadata,
		Created: u.Created, Updated: u.Updated, Confirmed: u.Confirmed, LastSignIn: u.LastSignIn, Roles: roles,
	}
}

// unknown gives a NotFound of the store the words of this package.
func unknown(err error, message string) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.NotFound, err, "%s", message)
	}
	return err
}

// newUUID is a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
