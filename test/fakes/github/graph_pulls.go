package github

import (
	"fmt"
	"slices"
)

// snapshot is an issue as it is now. Server.mu is held.
func snapshot(i *issue) issue {
	at := *i
	at.labels = slices.Clone(i.labels)
	if i.pull != nil {
		p := *i.pull
		at.pull = &p
	}
	return at
}

// state is a pull request's state in the GraphQL API.
func (i *issue) state() string {
	switch {
	case i.open:
		return "OPEN"
	case i.pull != nil && !i.pull.merged.IsZero():
		return "MERGED"
	}
	return "CLOSED"
}

// pullByNode is a pull request's repository, and it as it is now.
func (s *Server) pullByNode(c *call, id string, need Right) (*repository, issue, error) {
	lost := &graphError{"NOT_FOUND", "Could not resolve to a node with the global id of '" + id + "'."}
	kind, what := parseNode(id)
	if kind != "PR" {
		return nil, issue{}, lost
	}
	s.mu.RLock()
	var found *issue
	for _, r := range s.repos {
		for _, i := range r.issues {
			if i.pull != nil && fmt.Sprint(i.id) == what {
				found = i
			}
		}
	}
	if found == nil {
		s.mu.RUnlock()
		return nil, issue{}, lost
	}
	at := snapshot(found)
	s.mu.RUnlock()
	r, err := s.openNamed(c, at.repo.full(), need)
	return r, at, err
}

func (s *Server) pullList(c *call, r *repository, args map[string]any) *object {
	states, labels := texts(args, "states"), texts(args, "labels")
	head, base := text(args, "headRefName"), text(args, "baseRefName")
	order := inner(args, "orderBy")
	var list []issue
	s.mu.RLock()
	for _, i := range r.issues {
		switch {
		case i.pull == nil,
			len(states) > 0 && !slices.Contains(states, i.state()),
			len(labels) > 0 && !slices.ContainsFunc(i.labels, func(l string) bool { return slices.Contains(labels, l) }),
			head != "" && i.pull.head != head, base != "" && i.pull.base != base:
			continue
		}
		list = append(list, snapshot(i))
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b issue) int {
		if d := a.changed.Compare(b.changed); d != 0 && text(order, "field") == "UPDATED_AT" {
			return d
		}
		return a.number - b.number
	})
	if text(order, "direction") == "DESC" {
		slices.Reverse(list)
	}
	out := []*object{}
	for _, i := range list {
		out = append(out, s.pullObject(c, i))
	}
	return connection("PullRequest", out, args)
}

func (s *Server) pullObject(c *call, i issue) *object {
	p, r := i.pull, i.repo
	user := func(login string) resolve {
		return func(map[string]any) (any, error) { return s.userObject(login), nil }
	}
	return &object{"PullRequest", map[string]any{
		"id": node("PR", i.id), "databaseId": i.id, "number": i.number, "title": i.title, "body": i.body,
		"url": s.web("/%s/pull/%d", r.full(), i.number), "state": i.state(), "isDraft": p.draft, "merged": !p.merged.IsZero(),
		"closed": !i.open, "isCrossRepository": p.from != r,
		"createdAt": stamp(i.made), "updatedAt": stamp(i.changed), "mergedAt": stamp(p.merged), "closedAt": stamp(i.closed),
		"headRefName": p.head, "headRefOid": p.headID, "baseRefName": p.base, "baseRefOid": p.baseID,
		"author": user(i.author), "headRepositoryOwner": user(p.from.owner),
		"repository":     resolve(func(map[string]any) (any, error) { return s.repoObject(c, r), nil }),
		"headRepository": resolve(func(map[string]any) (any, error) { return s.repoObject(c, p.from), nil }),
		"baseRef":        resolve(func(map[string]any) (any, error) { return s.refNamed(c, r, p.base) }),
		"headRef":        resolve(func(map[string]any) (any, error) { return s.refNamed(c, p.from, p.head) }),
		"labels": resolve(func(args map[string]any) (any, error) {
			list := []*object{}
			s.mu.RLock()
			defer s.mu.RUnlock()
			for _, name := range i.labels {
				l := r.labels[name]
				list = append(list, &object{"Label", map[string]any{"id": node("LA", l.id), "name": name, "color": l.colour}}) //nolint:misspell // the host's spelling
			}
			return connection("Label", list, args), nil
		}),
		"files": resolve(func(args map[string]any) (any, error) {
			changes, err := s.pullChanges(c.ctx(), r, *p)
			if err != nil {
				return nil, err
			}
			list := []*object{}
			for _, ch := range changes {
				kind := map[string]string{"added": "ADDED", "removed": "DELETED", "renamed": "RENAMED"}[ch.status]
				if kind == "" {
					kind = "MODIFIED"
				}
				list = append(list, &object{"PullRequestChangedFile", map[string]any{
					"path": ch.path, "changeType": kind, "additions": ch.added, "deletions": ch.removed,
				}})
			}
			return connection("PullRequestChangedFile", list, args), nil
		}),
	}}
}
