package github

import (
	"encoding/base64"
	"fmt"
	"strings"

	"gatehouse/internal/fault"
)

// parseNode is a node id of this server: its kind and what it names.
func parseNode(id string) (kind, what string) {
	kind, rest, _ := strings.Cut(id, "_")
	b, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return "", ""
	}
	return kind, string(b)
}

func (s *Server) queries(c *call) *object {
	return &object{"Query", map[string]any{
		"viewer": resolve(func(map[string]any) (any, error) { return s.userObject(c.who.Login), nil }),
		"repository": resolve(func(args map[string]any) (any, error) {
			name := text(args, "owner") + "/" + text(args, "name")
			r, err := s.openNamed(c, name, Read)
			if err != nil {
				return nil, missing(err, "Could not resolve to a Repository with the name '%s'.", name)
			}
			return s.repoObject(c, r), nil
		}),
		"node": resolve(func(args map[string]any) (any, error) {
			_, i, err := s.pullByNode(c, text(args, "id"), Read)
			if err == nil {
				return s.pullObject(c, i), nil
			}
			r, err := s.repoByNode(c, text(args, "id"), Read)
			if err != nil {
				return nil, err
			}
			return s.repoObject(c, r), nil
		}),
	}}
}

// missing words a 404 as the GraphQL API does; other errors stay.
func missing(err error, format string, args ...any) error {
	if fault.Is(err, fault.NotFound) || asProblem(err).Status == 404 {
		return &graphError{"NOT_FOUND", fmt.Sprintf(format, args...)}
	}
	return err
}

func (s *Server) repoByNode(c *call, id string, need Right) (*repository, error) {
	kind, what := parseNode(id)
	name, ok := s.nameOf(what)
	if kind != "R" || !ok {
		return nil, &graphError{"NOT_FOUND", "Could not resolve to a node with the global id of '" + id + "'."}
	}
	return s.openNamed(c, name, need)
}

// refByNode is the repository and the full name of a ref.
func (s *Server) refByNode(c *call, id string, need Right) (*repository, string, error) {
	kind, what := parseNode(id)
	number, ref, _ := strings.Cut(what, ":")
	name, ok := s.nameOf(number)
	if kind != "REF" || !ok {
		return nil, "", &graphError{"NOT_FOUND", "Could not resolve to a node with the global id of '" + id + "'."}
	}
	r, err := s.openNamed(c, name, need)
	return r, ref, err
}

func (s *Server) userObject(login string) *object {
	s.mu.RLock()
	d := s.renderUser(login)
	s.mu.RUnlock()
	o := &object{"User", map[string]any{
		"id": d["node_id"], "databaseId": d["id"], "login": d["login"], "avatarUrl": d["avatar_url"], "url": d["html_url"],
		"name": nil, "email": "",
	}}
	if kind, ok := d["type"].(string); ok {
		o.kind = kind
	}
	if p, ok := s.o.OAuth.Person(login); ok {
		o.fields["name"], o.fields["email"] = orNull(p.Name), p.Email
	}
	return o
}

func (s *Server) repoObject(c *call, r *repository) *object {
	s.mu.RLock()
	right := s.right(c.who, r)
	s.mu.RUnlock()
	return &object{"Repository", map[string]any{
		"id": node("R", r.id), "databaseId": r.id, "name": r.name, "nameWithOwner": r.full(), "isFork": r.parent != nil,
		"isPrivate": r.private, "url": s.web("/%s", r.full()),
		"owner": resolve(func(map[string]any) (any, error) { return s.userObject(r.owner), nil }),
		"viewerPermission": map[Right]string{
			Read: "READ", Triage: "TRIAGE", Write: "WRITE", Maintain: "MAINTAIN", Admin: "ADMIN",
		}[right],
		"defaultBranchRef": resolve(func(map[string]any) (any, error) { return s.refNamed(c, r, r.branch) }),
		"ref":              resolve(func(args map[string]any) (any, error) { return s.refNamed(c, r, text(args, "qualifiedName")) }),
		"refs":             resolve(func(args map[string]any) (any, error) { return s.refList(c, r, args) }),
		"object": resolve(func(args map[string]any) (any, error) {
			return s.gitObject(c.ctx(), r, text(args, "oid")+text(args, "expression"))
		}),
		"pullRequest": resolve(func(args map[string]any) (any, error) {
			n, _ := args["number"].(float64)
			s.mu.RLock()
			defer s.mu.RUnlock()
			i, err := r.find(int(n), true)
			if err != nil {
				return nil, missing(err, "Could not resolve to a PullRequest with the number of %d.", int(n))
			}
			return s.pullObject(c, snapshot(i)), nil
		}),
		"pullRequests": resolve(func(args map[string]any) (any, error) { return s.pullList(c, r, args), nil }),
		"forks":        resolve(func(args map[string]any) (any, error) { return s.forkList(c, r, args), nil }),
	}}
}

// forkList is the caller's own forks, or all that can be seen.
func (s *Server) forkList(c *call, r *repository, args map[string]any) *object {
	var seen []*repository
	s.mu.RLock()
	for _, o := range r.network.repos {
		own := strings.EqualFold(o.owner, c.who.Login)
		if o.parent == r && s.right(c.who, o) >= Read && (own || len(texts(args, "ownerAffiliations")) == 0) {
			seen = append(seen, o)
		}
	}
	s.mu.RUnlock()
	var list []*object
	for _, o := range seen {
		list = append(list, s.repoObject(c, o))
	}
	return connection("Repository", list, args)
}
