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
// the same work, and is throttled the same. So it is with all that strangers may
// ask for: to sign up, to set a password anew, to get a link that signs in.
//
// An account comes to be by a command or the console (Add), by an invitation or
// by signing up; a mail then proves that the address is the person's:
//
//	Desk.Invite ─► invited ───┐  pending membership, one-time token ─► mail
//	SignUp ──────► signed up ─┤
//	                          └─► Verify (password, for invitations) ─► member
//	Recover, MagicLink ─► mail ─► Verify ─► signed in
//	Import ──────► with the old password, or mail ─► Verify ─► signed in
//	UpdateSelf ─► mail to the new address ─► Verify ─► the address is changed
//
// One-time tokens are 256 random bits, of which the hash is kept; each is good
// for one kind of step, at one site, once, and for a limited time, and there is
// one of a kind for a person at a site.
//
// Administrators work at a Desk, which knows who they are and what is theirs: at
// a site's desk nothing can be done to the account of somebody who belongs
// elsewhere, too.
package identity

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

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
	Seen       time.Time // last use, to some minutes; zero: never
	Invited    time.Time // for the last time; zero: never
	Disabled   time.Time // zero: it is not
	Language   string    // of mails and pages, a tag such as de-AT; empty: not known
	// Roles by site. A member without roles has an empty list.
	Roles map[string][]string
	// Pending are memberships that give nothing yet, by site.
	Pending map[string]Pending
	// What was mailed and waits. Lists and what a method returns have it, too.
	Waiting Waiting
}

// Pending is a membership that somebody has not taken up yet.
type Pending struct {
	Invited bool // by an administrator; else the person signed up and has not confirmed the address
	Roles   []string
}

// Waiting is when mails went out whose links have not been used. Zero: none.
type Waiting struct {
	Confirmation time.Time // of an invitation or a sign-up
	Recovery     time.Time
	EmailChange  time.Time
	NewEmail     string    // that EmailChange went to
	Until        time.Time // end of the link in Confirmation; it may have passed
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

// Service is the accounts of all sites. Make it with New; other fields may be
// set before use.
type Service struct {
	Store  *store.Store
	Hasher *Hasher
	Now    func() time.Time
	// Mail takes what is to be mailed. Nil: the links of invitations are
	// returned, and what cannot do without mail is refused.
	Mail *mail.Post
	// Pages is the absolute URL of the page of ours that takes a token: page is
	// one of the constants. Needed with Mail and for invitations.
	Pages func(site, page, token string) string
	Audit *audit.Log   // nil: nothing is written down
	Slog  *slog.Logger // what fails after the answer; nil: not logged

	after *after
}

// The pages that take tokens.
const (
	PageInvite  = "invite"
	PageConfirm = "confirm"
	PageRecover = "recover"
	PageEmail   = "email"
	PageMagic   = "magic"
)

// New is a service over a store, with as many slots for hashing as leave the
// machine a processor for everything else.
func New(s *store.Store) *Service {
	return &Service{Store: s, Hasher: NewHasher(0, 0), Now: time.Now, after: newAfter()}
}

// Wait waits for what was answered already and is still being done. It is for
// the end of the process, and for tests.
func (s *Service) Wait() { s.after.wait() }

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
	of := map[string][]store.Membership{}
	for _, m := range memberships {
		of[m.UserID] = append(of[m.UserID], m)
	}
	list := make([]User, len(rows))
	for i, u := range rows {
		list[i] = userOf(u, of[u.ID])
	}
	return list, nil
}

// Count is how many users there are.
func (s *Service) Count(ctx context.Context) (int, error) { return s.Store.CountUsers(ctx) }

func (s *Service) withRoles(ctx context.Context, u store.User, err error) (User, error) {
	if err != nil {
		return User{}, err
	}
	memberships, err := s.Store.Memberships(ctx, u.ID, "")
	if err != nil {
		return User{}, err
	}
	tokens, err := s.Store.Tokens(ctx, u.ID)
	if err != nil {
		return User{}, err
	}
	user := userOf(u, memberships)
	user.Waiting = waiting(tokens, "", s.Now())
	return user, nil
}

func userOf(u store.User, memberships []store.Membership) User {
	user := User{
		ID: u.ID, Email: u.Email, Name: u.Name, Operator: u.Operator, Metadata: u.Metadata,
		Created: u.Created, Updated: u.Updated, Confirmed: u.Confirmed, LastSignIn: u.LastSignIn,
		Seen: u.Seen, Invited: u.Invited, Disabled: u.Disabled, Language: u.Language,
		Roles: map[string][]string{}, Pending: map[string]Pending{},
	}
	for _, m := range memberships {
		if m.Pending == "" {
			user.Roles[m.Site] = m.Roles
		} else {
			user.Pending[m.Site] = Pending{Invited: m.Pending == store.PendingInvite, Roles: m.Roles}
		}
	}
	return user
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
