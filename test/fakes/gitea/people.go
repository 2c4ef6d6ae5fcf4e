package gitea

import (
	"net/http"
	"strconv"
	"time"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountPeople() {
	s.handle("GET /api/v1/user", people, func(c *call) error { return c.json(http.StatusOK, person(c, c.token.Person)) })
	s.handle("GET /login/oauth/userinfo", people, s.userInfo)
	s.route("GET /api/v1/version", people, true, func(c *call) error { return c.json(http.StatusOK, doc{"version": s.Version}) })
	s.route("GET /api/v1/settings/api", people, true, func(c *call) error {
		return c.json(http.StatusOK, doc{
			"max_response_items": 50, "default_paging_num": defaultPage,
			"default_git_trees_per_page": treePage, "default_max_blob_size": maxBlob,
		})
	})
	s.onRepo("GET ", bare.Read, func(c *call) error { return c.json(http.StatusOK, s.render(c, c.repo)) })
}

func person(c *call, p fakes.Person) doc {
	return doc{
		"id": p.ID, "login": p.Login, "login_name": "", "full_name": p.Name, "email": p.Email, "username": p.Login,
		"avatar_url": "http://" + c.r.Host + "/avatars/" + p.Login, "html_url": "http://" + c.r.Host + "/" + p.Login,
		"active": true, "is_admin": false, "restricted": false, "prohibit_login": false, "visibility": "public",
		"created": stamp(time.Unix(0, 0)),
	}
}

func (s *Server) userInfo(c *call) error {
	p := c.token.Person
	return c.json(http.StatusOK, doc{
		"sub": strconv.FormatInt(p.ID, 10), "name": p.Name, "preferred_username": p.Login, "email": p.Email,
		"picture": "http://" + c.r.Host + "/avatars/" + p.Login,
	})
}

func (s *Server) render(c *call, r *bare.Repository) doc {
	owner, ok := s.OAuth.Person(r.Owner())
	if !ok {
		owner = fakes.Person{ID: 9000 + r.ID, Login: r.Owner(), Name: r.Owner()}
	}
	right := r.Right(c.token.Person.Login)
	web := "http://" + c.r.Host + "/" + r.Path
	return doc{
		"id": r.ID, "owner": person(c, owner), "name": r.Name(), "full_name": r.Path, "description": "",
		"empty": false, "private": r.Private, "fork": false, "mirror": false, "archived": false, "size": 0,
		"html_url": web, "clone_url": web + ".git", "default_branch": r.Branch,
		"created_at": stamp(r.Created), "updated_at": stamp(r.Created),
		"permissions": doc{"admin": right >= bare.Admin, "push": right >= bare.Write, "pull": right >= bare.Read},
	}
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// by is the person of the token as an author.
func (c *call) by(now time.Time) git.Signature {
	p := c.token.Person
	name, email := p.Name, p.Email
	if name == "" {
		name = p.Login
	}
	if email == "" {
		email = p.Login + "@users.practice.example"
	}
	return git.Signature{Name: name, Email: email, When: now}
}
