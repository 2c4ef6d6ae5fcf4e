package github

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"gatehouse/test/fakes"
)

// What the original says to members of organisations.
const (
	restricted = "Although you appear to have the correct authorization credentials, " +
		"the `%s` organization has enabled OAuth App access restrictions, " + //nolint:misspell // the host's spelling
		"meaning that data access to third-parties is limited. " +
		"For more information on these restrictions, including how to enable this app, visit " +
		"https://docs.github.com/articles/restricting-access-to-your-organization-s-data/"
	protected = "Resource protected by organization SAML enforcement. " + //nolint:misspell // the host's spelling
		"You must grant your OAuth token access to this organization." //nolint:misspell // the host's spelling
)

// identify finds out who calls. A bad token is refused even where none is needed.
func (s *Server) identify(c *call) error {
	t, err := s.o.OAuth.Authenticate(c.r)
	if errors.Is(err, fakes.NoToken) {
		return nil
	}
	if err != nil {
		return &problem{Status: http.StatusUnauthorized, Message: "Bad credentials"}
	}
	c.who, c.token = &t.Person, t
	c.app, _ = s.o.OAuth.App(t.App)
	if c.app.Slug == "" {
		c.w.Header().Set("X-OAuth-Scopes", strings.Join(t.Scopes, ", "))
		c.w.Header().Set("X-OAuth-Client-Id", t.App)
		c.w.Header().Set("X-Accepted-OAuth-Scopes", "")
	}
	return nil
}

// right is what u (nil: anybody) may do with r. Server.mu is held.
func (s *Server) right(u *fakes.Person, r *repository) Right {
	right := None
	if !r.private {
		right = Read
	}
	return max(right, s.rightBesidePublic(u, r))
}

// rightBesidePublic leaves out what everybody may do with a public repository.
func (s *Server) rightBesidePublic(u *fakes.Person, r *repository) Right {
	if u == nil {
		return None
	}
	if strings.EqualFold(u.Login, r.owner) {
		return Admin
	}
	right := r.rights[fold(u.Login)]
	if o := s.orgs[fold(r.owner)]; o != nil {
		switch {
		case among(o.Owners, u.Login):
			return Admin
		case among(o.Members, u.Login):
			right = max(right, o.Base)
		}
	}
	return right
}

// open finds the repository of the path and makes sure that the caller may do
// with it what need says. What somebody may not see is not there.
func (s *Server) open(c *call, need Right) (*repository, error) {
	return s.openNamed(c, c.at("owner")+"/"+c.at("repo"), need)
}

func (s *Server) openNamed(c *call, name string, need Right) (*repository, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.repos[fold(name)]
	if r == nil {
		return nil, notFound()
	}
	right := s.right(c.who, r)
	if right < Read {
		return nil, notFound()
	}
	if err := s.mayUse(c, r, need); err != nil {
		return nil, err
	}
	if right < need {
		// What the clients get at the original, too: not 403.
		return nil, notFound()
	}
	return r, nil
}

// mayUse says whether the token is good for the repository, whatever its user
// may do there.
func (s *Server) mayUse(c *call, r *repository, need Right) error {
	if c.who == nil {
		if need > Read {
			return &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
		}
		return nil
	}
	if err := s.singleSignOn(c, r); err != nil {
		return err
	}
	if c.app.Slug != "" {
		return s.mayUseApp(c, r, need)
	}
	if c.token.App != "" && (r.private || need > Read) {
		if o := s.orgs[fold(r.owner)]; o != nil && o.RestrictApps && !slices.Contains(o.Approved, c.token.App) {
			return &problem{Status: http.StatusForbidden, Message: fmt.Sprintf(restricted, o.Login)}
		}
	}
	switch {
	case r.private && !c.token.Has("repo"), need > Read && !c.token.Has("repo", "public_repo"):
		c.w.Header().Set("X-Accepted-OAuth-Scopes", "repo")
		return notFound()
	}
	return nil
}

// singleSignOn holds back a member's token that the organisation does not know.
func (s *Server) singleSignOn(c *call, r *repository) error {
	o := s.orgs[fold(r.owner)]
	if o == nil || !o.RequireSSO || (!among(o.Members, c.who.Login) && !among(o.Owners, c.who.Login)) ||
		slices.Contains(o.Authorized, c.who.Login+" "+c.token.App) {
		return nil
	}
	c.w.Header().Set("X-GitHub-SSO", fmt.Sprintf("required; url=%s/orgs/%s/sso?authorization_request=%s%d", s.o.Web, o.Login, "AZ", o.id))
	return &problem{
		Status:  http.StatusForbidden,
		Message: protected,
	}
}

// nameOf is the full name of the repository with the id.
func (s *Server) nameOf(id string) (string, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return "", false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.repos {
		if r.id == n {
			return r.full(), true
		}
	}
	return "", false
}
