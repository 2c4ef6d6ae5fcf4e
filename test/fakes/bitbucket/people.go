package bitbucket

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountPeople() {
	s.handle("GET /2.0/user", account, func(c *call) error { return c.json(http.StatusOK, me(c)) })
	s.handle("GET /2.0/user/emails", email, s.emails)
	s.handle("GET /2.0/user/permissions/repositories", account, func(*call) error {
		return says(http.StatusGone, "This endpoint was removed. Ask within a workspace instead.")
	})
	s.handle("GET /2.0/user/workspaces/{workspace}/permissions/repositories", account, s.permissions)
	s.route("GET /2.0/repositories/{workspace}", reads, true, s.repositories)
	s.onRepo("GET ", reads, bare.Read, func(c *call) error { return c.json(http.StatusOK, render(c, c.repo)) })
}

// uuid is an id in Bitbucket's shape.
func uuid(kind int, n int64) string { return fmt.Sprintf("{%08x-0000-4000-8000-%012x}", kind, n) }

// person is somebody as others see it.
func person(c *call, p fakes.Person) doc {
	name := p.Name
	if name == "" {
		name = p.Login
	}
	base := "http://" + c.r.Host
	return doc{
		"type": "user", "display_name": name, "nickname": p.Login, "uuid": uuid(1, p.ID), "account_id": fmt.Sprintf("%d:practice", p.ID),
		"links": doc{
			"self":   doc{"href": base + "/2.0/users/" + p.Login},
			"html":   doc{"href": base + "/" + p.Login},
			"avatar": doc{"href": base + "/account/" + p.Login + "/avatar/"},
		},
	}
}

func me(c *call) doc {
	d := person(c, c.token.Person)
	d["username"], d["account_status"], d["created_on"] = c.token.Person.Login, "active", stamp(time.Unix(0, 0))
	return d
}

func (s *Server) emails(c *call) error {
	list := []doc{}
	if to := c.token.Person.Email; to != "" {
		list = append(list, doc{"type": "email", "email": to, "is_primary": true, "is_confirmed": true})
	}
	d, err := pageOf(c, list, true, same)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

// word is a right as Bitbucket names it.
func word(r bare.Right) string { return []string{"none", "read", "write", "admin"}[r] }

// permissions is what one may do in a workspace, one value per repository.
func (s *Server) permissions(c *call) error {
	terms, err := parseQuery(c.query("q"))
	if err != nil {
		return err
	}
	list := []doc{}
	for _, r := range s.Repos.All() {
		given := r.Given(c.token.Person.Login)
		d := doc{
			"type": "repository_permission", "permission": word(given), "repository": short(c, r),
			"user": person(c, c.token.Person),
		}
		if given > bare.None && strings.EqualFold(r.Owner(), c.r.PathValue("workspace")) && fits(d, terms) {
			list = append(list, d)
		}
	}
	d, err := pageOf(c, list, true, same)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

// repositories are those of a workspace; role says what one must be able to do.
func (s *Server) repositories(c *call) error {
	terms, err := parseQuery(c.query("q"))
	if err != nil {
		return err
	}
	need, ok := map[string]bare.Right{"": bare.None, "member": bare.Read, "contributor": bare.Write, "admin": bare.Admin, "owner": bare.Admin}[c.query("role")]
	if !ok {
		return says(http.StatusBadRequest, "The role is not known.")
	}
	list := []doc{}
	for _, r := range s.Repos.All() {
		login := c.token.Person.Login
		d := render(c, r)
		if strings.EqualFold(r.Owner(), c.r.PathValue("workspace")) && r.Right(login) >= bare.Read && r.Given(login) >= need && fits(d, terms) {
			list = append(list, d)
		}
	}
	d, err := pageOf(c, list, true, same)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

// api is the address of a repository in the API.
func api(c *call, r *bare.Repository) string {
	return "http://" + c.r.Host + "/2.0/repositories/" + r.Path
}

func short(c *call, r *bare.Repository) doc {
	return doc{
		"type": "repository", "name": r.Name(), "full_name": r.Path, "uuid": uuid(2, r.ID),
		"links": doc{"self": doc{"href": api(c, r)}, "html": doc{"href": "http://" + c.r.Host + "/" + r.Path}},
	}
}

func render(c *call, r *bare.Repository) doc {
	d := short(c, r)
	d["scm"], d["slug"], d["description"], d["language"] = "git", strings.ToLower(r.Name()), "", ""
	d["is_private"], d["size"], d["has_issues"], d["has_wiki"] = r.Private, 0, false, false
	d["created_on"], d["updated_on"] = stamp(r.Created), stamp(r.Created)
	d["mainbranch"] = doc{"type": "branch", "name": r.Branch}
	d["owner"] = doc{"type": "team", "username": r.Owner(), "display_name": r.Owner(), "uuid": uuid(3, r.ID)}
	d["workspace"] = doc{"type": "workspace", "slug": r.Owner(), "name": r.Owner(), "uuid": uuid(3, r.ID)}
	d["fork_policy"] = "allow_forks"
	return d
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

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
