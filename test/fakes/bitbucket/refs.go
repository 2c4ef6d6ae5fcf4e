package bitbucket

import (
	"net/http"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountRefs() {
	s.onRepo("GET /refs/branches", reads, bare.Read, s.branches)
	s.onRepo("GET /refs/branches/{name...}", reads, bare.Read, s.branch)
	s.onRepo("DELETE /refs/branches/{name...}", writes, bare.Write, s.deleteBranch)
	s.onRepo("GET /commits", reads, bare.Read, s.commits)
	s.onRepo("GET /commits/{rev...}", reads, bare.Read, s.commits)
	s.onRepo("GET /commit/{rev}", reads, bare.Read, s.oneCommit)
	s.onRepo("GET /diff/{spec...}", reads, bare.Read, s.diff)
}

func (s *Server) renderBranch(c *call, name string, id git.ID) (doc, error) {
	m, err := c.repo.Git.Commit(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	base := api(c, c.repo)
	return doc{
		"type": "branch", "name": name, "target": s.renderCommit(c, m),
		"merge_strategies": []string{"merge_commit", "squash", "fast_forward"}, "default_merge_strategy": "merge_commit",
		"links": doc{
			"self":    doc{"href": base + "/refs/branches/" + name},
			"commits": doc{"href": base + "/commits/" + name},
			"html":    doc{"href": "http://" + c.r.Host + "/" + c.repo.Path + "/branch/" + name},
		},
	}, nil
}

// renderCommit is a commit; its author is an account when one has the address.
func (s *Server) renderCommit(c *call, m git.Commit) doc {
	base := api(c, c.repo)
	author := doc{"type": "author", "raw": m.Author.Name + " <" + m.Author.Email + ">"}
	for _, p := range s.OAuth.People() {
		if p.Email != "" && strings.EqualFold(p.Email, m.Author.Email) {
			author["user"] = person(c, p)
		}
	}
	parents := []doc{}
	for _, p := range m.Parents {
		parents = append(parents, doc{"type": "commit", "hash": p, "links": doc{"self": doc{"href": base + "/commit/" + string(p)}}})
	}
	return doc{
		"type": "commit", "hash": m.ID, "date": m.Author.When.UTC().Format("2006-01-02T15:04:05+00:00"),
		"message": m.Message, "author": author, "parents": parents, "repository": short(c, c.repo),
		"summary": text(m.Message), "rendered": doc{"message": text(m.Message)},
		"links": doc{
			"self": doc{"href": base + "/commit/" + string(m.ID)},
			"html": doc{"href": "http://" + c.r.Host + "/" + c.repo.Path + "/commits/" + string(m.ID)},
		},
	}
}

// text is a text as people wrote it.
func text(raw string) doc {
	return doc{"type": "rendered", "raw": raw, "markup": "markdown", "html": ""}
}

func (s *Server) branches(c *call) error {
	refs, err := c.repo.Branches(c.r.Context())
	if err != nil {
		return err
	}
	d, err := pageOf(c, refs, true, func(r git.Ref) (doc, error) { return s.renderBranch(c, r.Name, r.ID) })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

func (s *Server) branch(c *call) error {
	name := c.r.PathValue("name")
	id, err := c.repo.Head(c.r.Context(), name)
	if err != nil {
		return says(http.StatusNotFound, "Branch "+name+" not found")
	}
	d, err := s.renderBranch(c, name, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

func (s *Server) deleteBranch(c *call) error {
	name := c.r.PathValue("name")
	if name == c.repo.Branch {
		return says(http.StatusBadRequest, "The main branch stays.")
	}
	err := c.repo.Delete(c.r.Context(), name)
	if fault.Is(err, fault.NotFound) {
		return says(http.StatusNotFound, "Branch "+name+" not found")
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) commits(c *call) error {
	ctx := c.r.Context()
	name := c.r.PathValue("rev")
	if name == "" {
		name = c.query("include")
	}
	if name == "" {
		name = c.repo.Branch
	}
	rev, err := c.repo.Resolve(ctx, name)
	if err != nil {
		return says(http.StatusNotFound, "Commit not found")
	}
	const enough = 1000
	log, err := c.repo.Git.Log(ctx, rev, strings.Trim(c.query("path"), "/"), enough)
	if err != nil {
		return err
	}
	if c.query("pagelen") == "" {
		q := c.r.URL.Query()
		q.Set("pagelen", "30")
		c.r.URL.RawQuery = q.Encode()
	}
	d, err := pageOf(c, log, true, func(m git.Commit) (doc, error) { return s.renderCommit(c, m), nil })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

func (s *Server) oneCommit(c *call) error {
	rev, err := c.repo.Resolve(c.r.Context(), c.r.PathValue("rev"))
	if err != nil {
		return says(http.StatusNotFound, "Commit not found")
	}
	m, err := c.repo.Git.Commit(c.r.Context(), rev)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, s.renderCommit(c, m))
}

// diff is of a..b what is in a and not in b, the other way round than git says
// it. Either may be a branch with slashes in its name.
func (s *Server) diff(c *call) error {
	ctx := c.r.Context()
	spec := c.r.PathValue("spec")
	at := strings.LastIndex(spec, "..")
	if at < 0 {
		return says(http.StatusBadRequest, "The spec is source..destination.")
	}
	source, err := c.repo.Resolve(ctx, spec[:at])
	if err != nil {
		return says(http.StatusNotFound, "Commit not found")
	}
	target, err := c.repo.Resolve(ctx, spec[at+2:])
	if err != nil {
		return says(http.StatusNotFound, "Commit not found")
	}
	changes, err := c.repo.Diff(ctx, target, source)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, ch := range changes {
		patch, binary, err := c.repo.Patch(ctx, ch)
		if err != nil {
			return err
		}
		writePatch(&out, ch, patch, binary)
	}
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = c.w.Write([]byte(out.String()))
	_ = err // the client went away
	return nil
}

func writePatch(out *strings.Builder, ch git.Change, patch string, binary bool) {
	line := func(parts ...string) { out.WriteString(strings.Join(parts, "") + "\n") }
	line("diff --git a/", ch.Path, " b/", ch.Path)
	old, now := "a/"+ch.Path, "b/"+ch.Path
	switch {
	case ch.Old == "":
		line("new file mode 100644")
		old = "/dev/null"
	case ch.New == "":
		line("deleted file mode 100644")
		now = "/dev/null"
	}
	line("index ", abbreviated(ch.Old), "..", abbreviated(ch.New))
	switch {
	case binary:
		line("Binary files ", old, " and ", now, " differ")
	case patch != "":
		line("--- ", old)
		line("+++ ", now)
		out.WriteString(patch)
	}
}

func abbreviated(id git.ID) string {
	if id == "" {
		return "0000000"
	}
	return string(id[:7])
}

// newest gives a list the other way round.
func newest[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
