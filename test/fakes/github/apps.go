package github

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// installation is a GitHub App that an account lets at its repositories. The
// list of repositories is replaced, never changed.
type installation struct {
	id      int64
	client  string
	account string
	all     bool
	repos   []int64
}

// Install lets a GitHub App at repositories of one account: at the named ones
// (owner/name), or at all, also later ones, when none is named. It replaces what
// the account had installed of the app.
func (s *Server) Install(client, account string, repositories ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.o.OAuth.App(client); !ok || a.Slug == "" {
		return errors.New("there is no such GitHub App")
	}
	if !s.taken(account) {
		return fmt.Errorf("there is no account %q", account)
	}
	i := &installation{client: client, account: account, all: len(repositories) == 0}
	for _, name := range repositories {
		r := s.repos[fold(name)]
		if r == nil || !strings.EqualFold(r.owner, account) {
			return fmt.Errorf("%s has no repository %q", account, name)
		}
		i.repos = append(i.repos, r.id)
	}
	s.uninstall(client, account)
	s.next++
	i.id = s.next
	s.installs[i.id] = i
	return nil
}

// Uninstall takes a GitHub App off an account.
func (s *Server) Uninstall(client, account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uninstall(client, account)
}

func (s *Server) uninstall(client, account string) {
	for id, i := range s.installs {
		if i.client == client && strings.EqualFold(i.account, account) {
			delete(s.installs, id)
		}
	}
}

func (i *installation) covers(r *repository) bool {
	return strings.EqualFold(i.account, r.owner) && (i.all || slices.Contains(i.repos, r.id))
}

func (s *Server) installed(client string, r *repository) bool {
	for _, i := range s.installs {
		if i.client == client && i.covers(r) {
			return true
		}
	}
	return false
}

// mayUseApp is mayUse for a GitHub App's token.
func (s *Server) mayUseApp(c *call, r *repository, need Right) error {
	ok := s.installed(c.token.App, r) && (c.token.Repositories == nil || slices.Contains(c.token.Repositories, r.id))
	switch {
	case ok:
		return nil
	case r.private:
		return notFound()
	case need > Read:
		return &problem{Status: http.StatusForbidden, Message: "Resource not accessible by integration"}
	}
	return nil
}

func (s *Server) mountApps() {
	s.handle("GET /user/installations", s.installations)
	s.handle("GET /user/installations/{id}/repositories", s.installedRepositories)
	s.handleApp("POST /applications/{client}/token", s.checkToken)
	s.handleApp("DELETE /applications/{client}/token", s.revokeToken)
	s.handleApp("DELETE /applications/{client}/grant", s.revokeGrant)
	s.handleApp("POST /applications/{client}/token/scoped", s.scopeToken)
}

// reachable is the installations of the caller's app that the caller has to do with.
func (s *Server) reachable(c *call) ([]*installation, error) {
	switch {
	case c.who == nil:
		return nil, &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
	case c.app.Slug == "":
		return nil, &problem{
			Status:  http.StatusForbidden,
			Message: "You must authenticate with an access token authorized to a GitHub App in order to list installations",
		}
	}
	var list []*installation
	for _, i := range s.installs {
		if i.client == c.token.App && len(s.seen(c, i)) > 0 {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b *installation) int { return int(a.id - b.id) })
	return list, nil
}

// seen is the repositories of an installation that the caller may see, in the
// order of their making.
func (s *Server) seen(c *call, i *installation) []*repository {
	var list []*repository
	for _, r := range s.repos {
		narrowed := c.token.Repositories != nil && !slices.Contains(c.token.Repositories, r.id)
		if i.covers(r) && !narrowed && s.rightBesidePublic(c.who, r) >= Read {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *repository) int { return int(a.id - b.id) })
	return list
}

func (s *Server) installations(c *call) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list, err := s.reachable(c)
	if err != nil {
		return err
	}
	out := []any{}
	for _, i := range page(s, c, nil, list) {
		out = append(out, s.renderInstallation(i))
	}
	return c.reply(http.StatusOK, doc{"total_count": len(list), "installations": out})
}

func (s *Server) installedRepositories(c *call) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list, err := s.reachable(c)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(i *installation) bool { return i.id == int64(c.number("id")) })
	if at < 0 {
		return notFound()
	}
	repos := s.seen(c, list[at])
	out := []any{}
	for _, r := range page(s, c, nil, repos) {
		out = append(out, s.renderRepo(c, r))
	}
	return c.reply(http.StatusOK, doc{"total_count": len(repos), "repository_selection": chosen(list[at]), "repositories": out})
}

func chosen(i *installation) string {
	if i.all {
		return "all"
	}
	return "selected"
}

func (s *Server) renderInstallation(i *installation) doc {
	app, _ := s.o.OAuth.App(i.client)
	account := s.renderUser(i.account)
	return doc{
		"id": i.id, "client_id": i.client, "app_slug": app.Slug, "account": account,
		"target_type": account["type"], "target_id": account["id"], "repository_selection": chosen(i),
		"permissions": doc{"contents": "write", "pull_requests": "write", "metadata": "read"},
		"html_url":    fmt.Sprintf("%s/settings/installations/%d", s.o.Web, i.id), "suspended_at": nil,
	}
}
