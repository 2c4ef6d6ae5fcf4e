package identity

import (
	"context"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

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
		Created: now, Updated: now, Confirmed: now, Proven: now,
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
