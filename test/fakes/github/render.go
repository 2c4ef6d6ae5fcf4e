package github

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
)

// node is an object's id in the GraphQL API, which the REST API tells, too.
func node(kind string, id any) string {
	return kind + "_" + base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprint(id)))
}

func (s *Server) api(format string, args ...any) string {
	return s.o.API + fmt.Sprintf(format, args...)
}

func (s *Server) web(format string, args ...any) string {
	return s.o.Web + fmt.Sprintf(format, args...)
}

// renderUser is an account as other answers name it. Server.mu is held.
func (s *Server) renderUser(login string) doc {
	kind, id := "User", int64(0)
	if o := s.orgs[fold(login)]; o != nil {
		kind, id, login = "Organization", o.id, o.Login //nolint:misspell // the host's spelling
	} else if p, ok := s.o.OAuth.Person(login); ok {
		id, login = p.ID, p.Login
	}
	return account(s, kind, login, id)
}

func account(s *Server, kind, login string, id int64) doc {
	return doc{
		"login": login, "id": id, "node_id": node("U", id), "avatar_url": s.api("/avatars/%d", id), "gravatar_id": "",
		"url": s.api("/users/%s", login), "html_url": s.web("/%s", login),
		"repos_url": s.api("/users/%s/repos", login), "type": kind, "site_admin": false,
	}
}

// renderProfile is an account as /user tells it.
func (s *Server) renderProfile(p fakes.Person) doc {
	d := account(s, "User", p.Login, p.ID)
	for _, empty := range []string{"company", "blog", "location", "hireable", "bio", "twitter_username"} {
		d[empty] = nil
	}
	d["name"], d["email"] = orNull(p.Name), orNull(p.Email)
	d["public_repos"], d["public_gists"], d["followers"], d["following"] = 0, 0, 0, 0
	d["created_at"], d["updated_at"] = "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
	return d
}

// renderRepo is a repository as lists and other answers name it. Server.mu is held.
func (s *Server) renderRepo(c *call, r *repository) doc {
	right := s.right(c.who, r)
	made := stamp(r.created)
	open := 0
	for _, i := range r.issues {
		if i.open {
			open++
		}
	}
	return doc{
		"id": r.id, "node_id": node("R", r.id), "name": r.name, "full_name": r.full(), "private": r.private,
		"owner": s.renderUser(r.owner), "html_url": s.web("/%s", r.full()), "description": nil, "fork": r.parent != nil,
		"url": s.api("/repos/%s", r.full()), "created_at": made, "updated_at": made, "pushed_at": made,
		"clone_url": s.web("/%s.git", r.full()), "homepage": nil, "size": 0, "language": nil, "license": nil,
		"has_issues": r.parent == nil, "has_projects": false, "has_wiki": false, "has_pages": false,
		"archived": false, "disabled": false, "allow_forking": true, "is_template": false, "topics": []any{},
		"visibility":  visibility(r),
		"forks_count": 0, "stargazers_count": 0, "watchers_count": 0, "forks": 0, "watchers": 0,
		"open_issues_count": open, "open_issues": open, "default_branch": r.branch,
		"permissions": doc{
			"admin": right >= Admin, "maintain": right >= Maintain, "push": right >= Write,
			"triage": right >= Triage, "pull": right >= Read,
		},
	}
}

func visibility(r *repository) string {
	if r.private {
		return "private"
	}
	return "public"
}

// renderRepoWhole is a repository as its own address tells it. Server.mu is held.
func (s *Server) renderRepoWhole(c *call, r *repository) doc {
	d := s.renderRepo(c, r)
	if s.right(c.who, r) >= Write {
		d["allow_squash_merge"], d["allow_merge_commit"] = true, true
		d["allow_rebase_merge"], d["delete_branch_on_merge"] = false, false
	}
	d["temp_clone_token"], d["network_count"], d["subscribers_count"] = "", len(r.network.repos)-1, 0
	if r.parent != nil {
		d["parent"], d["source"] = s.renderRepo(c, r.parent), s.renderRepo(c, r.network.repos[0])
	}
	if o := s.orgs[fold(r.owner)]; o != nil {
		d["organization"] = d["owner"] //nolint:misspell // the host's spelling
	}
	return d
}

// person is the account behind a commit's address, or nil.
func (s *Server) person(email string) any {
	if p, ok := s.personBy(email); ok {
		return account(s, "User", p.Login, p.ID)
	}
	return nil
}

func (s *Server) personBy(email string) (fakes.Person, bool) {
	people := s.o.OAuth.People()
	at := slices.IndexFunc(people, func(p fakes.Person) bool { return strings.EqualFold(address(p), email) })
	if at < 0 {
		return fakes.Person{}, false
	}
	return people[at], true
}

func signature(g git.Signature) doc {
	return doc{"name": g.Name, "email": g.Email, "date": stamp(g.When)}
}

// message is a commit's message as the API tells it: without the line feed that
// ends it in the object.
func message(c git.Commit) string { return strings.TrimSuffix(c.Message, "\n") }

func unsigned() doc {
	return doc{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

// renderCommit is a commit of the repository's history.
func (s *Server) renderCommit(r *repository, g git.Commit) doc {
	parents := []any{}
	for _, p := range g.Parents {
		parents = append(parents, doc{
			"sha": p, "url": s.api("/repos/%s/commits/%s", r.full(), p), "html_url": s.web("/%s/commit/%s", r.full(), p),
		})
	}
	return doc{
		"sha": g.ID, "node_id": node("C", fmt.Sprint(r.id, ":", g.ID)),
		"commit": doc{
			"author": signature(g.Author), "committer": signature(g.Committer), "message": message(g),
			"tree": doc{"sha": g.Tree, "url": s.api("/repos/%s/git/trees/%s", r.full(), g.Tree)},
			"url":  s.api("/repos/%s/git/commits/%s", r.full(), g.ID), "comment_count": 0, "verification": unsigned(),
		},
		"url": s.api("/repos/%s/commits/%s", r.full(), g.ID), "html_url": s.web("/%s/commit/%s", r.full(), g.ID),
		"comments_url": s.api("/repos/%s/commits/%s/comments", r.full(), g.ID),
		"author":       s.person(g.Author.Email), "committer": s.person(g.Committer.Email), "parents": parents,
	}
}

// renderGitCommit is a commit as an object of Git.
func (s *Server) renderGitCommit(r *repository, g git.Commit) doc {
	d := s.renderCommit(r, g)
	inner, _ := d["commit"].(doc)
	return doc{
		"sha": g.ID, "node_id": d["node_id"], "url": inner["url"], "html_url": d["html_url"],
		"author": inner["author"], "committer": inner["committer"], "tree": inner["tree"],
		"message": inner["message"], "parents": d["parents"], "verification": unsigned(),
	}
}

func (s *Server) renderRef(r *repository, name string, id git.ID) doc {
	return doc{
		"ref": name, "node_id": node("REF", fmt.Sprint(r.id, ":", name)),
		"url":    s.api("/repos/%s/git/%s", r.full(), name),
		"object": doc{"sha": id, "type": "commit", "url": s.api("/repos/%s/git/commits/%s", r.full(), id)},
	}
}
