package github

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/test/fakes"
)

// Right is what somebody may do with a repository.
type Right int

// The rights, each with all before it.
const (
	None Right = iota
	Read
	Triage
	Write
	Maintain
	Admin
)

// String is the right as answers spell it. Triage and maintain are spelt as what
// they extend, which is what the clients compare with.
func (r Right) String() string {
	return [...]string{"none", "read", "read", "write", "write", "admin"}[r]
}

// address is what commits made for somebody carry.
func address(u fakes.Person) string {
	if u.Email != "" {
		return u.Email
	}
	return fmt.Sprintf("%d+%s@users.noreply.github.com", u.ID, u.Login)
}

// display is the name for commits.
func display(u fakes.Person) string {
	if u.Name != "" {
		return u.Name
	}
	return u.Login
}

// Org is an organisation. Members and what is approved are by login or client id.
type Org struct {
	Login   string
	Owners  []string
	Members []string
	Base    Right // of members, on all repositories

	RestrictApps bool     // only approved OAuth apps see private things or write
	Approved     []string // client ids

	RequireSSO bool     // members' tokens need an authorisation
	Authorized []string // "login client-id"

	id int64
}

// AddOrg makes an organisation. A login that is there is an error.
func (s *Server) AddOrg(o Org) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Login == "" || s.taken(o.Login) {
		return fmt.Errorf("the login %q is empty or taken", o.Login)
	}
	s.next++
	o.id = s.next
	s.orgs[fold(o.Login)] = &o
	return nil
}

// ChangeOrg changes an organisation's settings in place; not its login.
func (s *Server) ChangeOrg(login string, change func(o *Org)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orgs[fold(login)]
	if o == nil {
		return fmt.Errorf("there is no organisation %q", login)
	}
	changed := *o
	changed.Approved, changed.Authorized = slices.Clone(o.Approved), slices.Clone(o.Authorized)
	changed.Owners, changed.Members = slices.Clone(o.Owners), slices.Clone(o.Members)
	change(&changed)
	changed.Login, changed.id = o.Login, o.id
	s.orgs[fold(login)] = &changed
	return nil
}

// Allow gives somebody a right on a repository; None takes it away.
func (s *Server) Allow(repository, login string, right Right) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[fold(repository)]
	if r == nil {
		return errors.New("there is no such repository")
	}
	r.rights[fold(login)] = right
	return nil
}

func (s *Server) taken(login string) bool {
	_, person := s.o.OAuth.Person(login)
	return person || s.orgs[fold(login)] != nil
}

func fold(name string) string { return strings.ToLower(name) }

func among(list []string, login string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, login) })
}

func (s *Server) mountPeople() {
	s.handle("GET /user", s.self)
	s.handle("GET /user/emails", s.emails)
	s.handle("GET /user/repository_invitations", func(c *call) error { return c.reply(http.StatusOK, []any{}) })
	s.handle("GET /users/{login}", s.profile)
	s.handle("GET /avatars/{id}", s.avatar)
	s.handle("GET /rate_limit", func(c *call) error {
		core := doc{"limit": 5000, "used": 1, "remaining": 4999, "reset": s.o.Now().Add(time.Hour).Unix()}
		return c.reply(http.StatusOK, doc{"resources": doc{"core": core}, "rate": core})
	})
	s.handle("GET /repos/{owner}/{repo}", s.repo)
	s.handle("GET /repos/{owner}/{repo}/collaborators/{login}", s.collaborator)
	s.handle("GET /repos/{owner}/{repo}/collaborators/{login}/permission", s.permission)
}

func (s *Server) self(c *call) error {
	if c.who == nil {
		return &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
	}
	return c.reply(http.StatusOK, s.renderProfile(*c.who))
}

func (s *Server) emails(c *call) error {
	if c.who == nil {
		return &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
	}
	if c.app.Slug == "" && !c.token.Has("user", "user:email") {
		return notFound()
	}
	list := []any{}
	if c.who.Email != "" {
		list = append(list, doc{"email": c.who.Email, "primary": true, "verified": true, "visibility": "public"})
	}
	return c.reply(http.StatusOK, list)
}

func (s *Server) profile(c *call) error {
	if u, ok := s.o.OAuth.Person(c.at("login")); ok {
		return c.reply(http.StatusOK, s.renderProfile(u))
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.orgs[fold(c.at("login"))] == nil {
		return notFound()
	}
	return c.reply(http.StatusOK, s.renderUser(c.at("login")))
}

// avatar is a coloured square, so that pages have a picture to show.
func (s *Server) avatar(c *call) error {
	id, err := strconv.Atoi(c.at("id"))
	if err != nil {
		return notFound()
	}
	return c.send(http.StatusOK, "image/svg+xml", fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40" fill="hsl(%d,60%%,50%%)"/></svg>`, id*47%360))
}

func (s *Server) repo(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	s.mu.RLock()
	answer := s.renderRepoWhole(c, r)
	s.mu.RUnlock()
	return c.reply(http.StatusOK, answer)
}

func (s *Server) collaborator(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.right(c.who, r) < Write {
		return &problem{Status: http.StatusForbidden, Message: "Must have push access to view repository collaborators."}
	}
	u, ok := s.o.OAuth.Person(c.at("login"))
	if !ok || s.rightBesidePublic(&u, r) == None {
		return notFound()
	}
	return c.none()
}

func (s *Server) permission(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.right(c.who, r) < Write {
		return &problem{Status: http.StatusForbidden, Message: "Must have push access to view collaborator permission."}
	}
	u, ok := s.o.OAuth.Person(c.at("login"))
	if !ok {
		return notFound()
	}
	right := s.right(&u, r)
	return c.reply(http.StatusOK, doc{"permission": right.String(), "role_name": right.String(), "user": s.renderUser(u.Login)})
}
