package gitlab

import (
	"net/http"
	"strconv"
	"strings"

	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountPeople() {
	s.handle("GET /api/v4/user", s.user)
	s.route("GET /api/v4/avatar", true, func(c *call) error { return c.json(http.StatusOK, doc{"avatar_url": nil}) })
	s.handle("GET /oauth/token/info", s.tokenInfo)
	s.handle("GET /oauth/userinfo", s.userInfo)
	s.route("GET /api/v4/version", false, func(c *call) error {
		return c.json(http.StatusOK, doc{"version": "18.5.0-ee", "revision": "practice"})
	})
	s.onProject("GET ", bare.Read, s.project)
	s.onProject("GET /users", bare.Read, s.members)
	s.onProject("GET /service_accounts", bare.Read, func(c *call) error { return c.json(http.StatusOK, []doc{}) })
	s.onProject("GET /deployments", bare.Read, func(c *call) error { return c.json(http.StatusOK, []doc{}) })
	s.onProject("GET /issues", bare.Read, func(c *call) error { return c.json(http.StatusOK, []doc{}) })
}

// short is a person as others see it.
func short(c *call, p fakes.Person) doc {
	name := p.Name
	if name == "" {
		name = p.Login
	}
	return doc{
		"id": p.ID, "name": name, "username": p.Login, "state": "active", "avatar_url": nil,
		"web_url": "http://" + c.r.Host + "/" + p.Login,
	}
}

func (s *Server) user(c *call) error {
	me := short(c, c.token.Person)
	me["email"] = c.token.Person.Email
	me["commit_email"] = c.token.Person.Email
	me["bot"] = false
	me["locked"] = false
	me["two_factor_enabled"] = false
	me["can_create_project"] = true
	me["created_at"] = "2026-01-01T00:00:00.000Z"
	return c.json(http.StatusOK, me)
}

func (s *Server) tokenInfo(c *call) error {
	left := int64(c.token.Expires.Sub(s.now()).Seconds())
	return c.json(http.StatusOK, doc{
		"resource_owner_id": c.token.Person.ID, "scope": c.token.Scopes, "expires_in": left,
		"application": doc{"uid": c.token.App}, "created_at": s.now().Unix(),
	})
}

func (s *Server) userInfo(c *call) error {
	p := c.token.Person
	return c.json(http.StatusOK, doc{
		"sub": strconv.FormatInt(p.ID, 10), "name": p.Name, "nickname": p.Login, "preferred_username": p.Login,
		"email": p.Email, "email_verified": true,
	})
}

func (s *Server) project(c *call) error {
	return c.json(http.StatusOK, s.renderProject(c, c.repo))
}

func (s *Server) renderProject(c *call, r *bare.Repository) doc {
	web := "http://" + c.r.Host + "/" + r.Path
	visibility := "public"
	if r.Private {
		visibility = "private"
	}
	d := doc{
		"id": r.ID, "description": "", "name": r.Name(), "path": r.Name(),
		"name_with_namespace": strings.ReplaceAll(r.Path, "/", " / "), "path_with_namespace": r.Path,
		"created_at": stamp(r.Created), "default_branch": r.Branch, "visibility": visibility,
		"web_url": web, "http_url_to_repo": web + ".git", "archived": false, "empty_repo": false,
		"merge_method": "merge", "shared_with_groups": []doc{},
		"namespace": doc{"name": r.Owner(), "path": r.Owner(), "full_path": r.Owner(), "kind": "group"},
	}
	if c.token.Value == "" {
		return d
	}
	permissions := doc{"project_access": nil, "group_access": nil}
	if given := r.Given(c.token.Person.Login); given > bare.None {
		permissions["project_access"] = doc{"access_level": level(given), "notification_level": 3}
	}
	d["permissions"] = permissions
	return d
}

// members are the people who were given a right.
func (s *Server) members(c *call) error {
	search := strings.ToLower(c.query("search"))
	found := []doc{}
	for _, p := range s.OAuth.People() {
		if c.repo.Given(p.Login) > bare.None && strings.Contains(strings.ToLower(p.Login+" "+p.Name), search) {
			found = append(found, short(c, p))
		}
	}
	return c.json(http.StatusOK, page(c, found))
}
