package github

import (
	"net/http"
	"slices"
	"strings"

	"gatehouse/test/fakes"
)

// tokenRequest is what an app sends about a token of its own.
type tokenRequest struct {
	Token        string   `json:"access_token"`
	Target       string   `json:"target"`
	TargetID     int64    `json:"target_id"`
	Repositories []string `json:"repositories"`
	IDs          []int64  `json:"repository_ids"`
}

// asked is the token of a request by an app that proved to be itself.
func (s *Server) asked(c *call) (tokenRequest, fakes.Token, error) {
	var in tokenRequest
	app, ok := s.o.OAuth.Client(c.r)
	if !ok {
		return in, fakes.Token{}, &problem{Status: http.StatusUnauthorized, Message: "Bad credentials"}
	}
	if app.ID != c.at("client") {
		return in, fakes.Token{}, notFound()
	}
	if err := c.body(&in); err != nil {
		return in, fakes.Token{}, err
	}
	t, ok := s.o.OAuth.Lookup(in.Token)
	if !ok || t.App != app.ID || t.Revoked || t.Expired(s.o.Now()) {
		return in, fakes.Token{}, notFound()
	}
	return in, t, nil
}

func (s *Server) checkToken(c *call) error {
	_, t, err := s.asked(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, s.renderToken(t))
}

func (s *Server) revokeToken(c *call) error {
	_, t, err := s.asked(c)
	if err != nil {
		return err
	}
	s.o.OAuth.Revoke(t.Value)
	return c.none()
}

func (s *Server) revokeGrant(c *call) error {
	_, t, err := s.asked(c)
	if err != nil {
		return err
	}
	s.o.OAuth.RevokeGrant(t.App, t.Person.Login)
	return c.none()
}

// scopeToken makes a GitHub App's token for some of an account's repositories.
// The token it is made from stays good.
func (s *Server) scopeToken(c *call) error {
	in, t, err := s.asked(c)
	if err != nil {
		return err
	}
	account, ids, err := s.scoped(in, t)
	if err != nil {
		return err
	}
	narrow, ok := s.o.OAuth.Narrow(t.App, t.Value, ids)
	if !ok {
		return notFound()
	}
	answer := s.renderToken(narrow)
	s.mu.RLock()
	answer["installation"] = doc{
		"account": s.renderUser(account), "repository_selection": "selected",
		"permissions": doc{"contents": "write", "pull_requests": "write", "metadata": "read"},
	}
	s.mu.RUnlock()
	return c.reply(http.StatusOK, answer)
}

// scoped is the account and the repositories that a token may be narrowed to.
func (s *Server) scoped(in tokenRequest, t fakes.Token) (account string, ids []int64, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.repos {
		if !slices.Contains(in.IDs, r.id) && !slices.ContainsFunc(in.Repositories, func(name string) bool {
			return strings.EqualFold(name, r.name) && strings.EqualFold(in.Target, r.owner)
		}) {
			continue
		}
		if account = r.owner; s.installed(t.App, r) && s.rightBesidePublic(&t.Person, r) >= Read &&
			(t.Repositories == nil || slices.Contains(t.Repositories, r.id)) &&
			(in.Target == "" || strings.EqualFold(in.Target, r.owner)) {
			ids = append(ids, r.id)
		}
	}
	if len(ids) == 0 || len(ids) != len(in.IDs)+len(in.Repositories) {
		return "", nil, unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
	}
	return account, ids, nil
}

func (s *Server) renderToken(t fakes.Token) doc {
	app, _ := s.o.OAuth.App(t.App)
	s.mu.RLock()
	defer s.mu.RUnlock()
	scopes := t.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	return doc{
		"id": 1, "url": s.o.API + "/authorizations/1", "token": t.Value, "token_last_eight": t.Value[max(0, len(t.Value)-8):],
		"scopes": scopes, "app": doc{"name": app.Name, "url": s.o.Web, "client_id": app.ID}, "note": nil, "note_url": nil,
		"created_at": stamp(s.o.Now()), "updated_at": stamp(s.o.Now()), "expires_at": stamp(t.Expires), "fingerprint": nil,
		"user": s.renderUser(t.Person.Login),
	}
}
