package gitlab

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountCommits() {
	s.onProject("GET /repository/commits", bare.Read, s.commits)
	s.onProject("POST /repository/commits", bare.Write, s.commit)
	s.onProject("GET /repository/commits/{sha}", bare.Read, s.oneCommit)
	s.onProject("GET /repository/commits/{sha}/refs", bare.Read, s.refsWith)
	s.onProject("GET /repository/commits/{sha}/statuses", bare.Read, s.listStatuses)
	s.onProject("POST /statuses/{sha}", bare.Write, s.setStatus)
	s.onProject("GET /repository/compare", bare.Read, s.compare)
	s.onProject("GET /repository/branches", bare.Read, s.branches)
	s.onProject("GET /repository/branches/{branch}", bare.Read, s.branch)
	s.onProject("DELETE /repository/branches/{branch}", bare.Write, s.deleteBranch)
}

func (c *call) renderCommit(m git.Commit) doc {
	title, _, _ := strings.Cut(m.Message, "\n")
	return doc{
		"id": m.ID, "short_id": m.ID[:8], "created_at": stamp(m.Committer.When), "parent_ids": append([]git.ID{}, m.Parents...),
		"title": title, "message": m.Message,
		"author_name": m.Author.Name, "author_email": m.Author.Email, "authored_date": stamp(m.Author.When),
		"committer_name": m.Committer.Name, "committer_email": m.Committer.Email, "committed_date": stamp(m.Committer.When),
		"web_url": "http://" + c.r.Host + "/" + c.repo.Path + "/-/commit/" + string(m.ID),
	}
}

func (s *Server) commits(c *call) error {
	rev, err := c.rev(c.query("ref_name"))
	if err != nil {
		return err
	}
	const enough = 1000
	log, err := c.repo.Git.Log(c.r.Context(), rev, strings.Trim(c.query("path"), "/"), enough)
	if err != nil {
		return err
	}
	list := []doc{}
	for _, m := range page(c, log) {
		list = append(list, c.renderCommit(m))
	}
	// GitLab does not count commits.
	c.w.Header().Del("X-Total")
	c.w.Header().Del("X-Total-Pages")
	return c.json(http.StatusOK, list)
}

func (s *Server) oneCommit(c *call) error {
	rev, err := c.rev(c.r.PathValue("sha"))
	if err != nil {
		return err
	}
	m, err := c.repo.Git.Commit(c.r.Context(), rev)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.renderFull(m))
}

func (c *call) renderFull(m git.Commit) doc {
	d := c.renderCommit(m)
	d["stats"] = doc{"additions": 0, "deletions": 0, "total": 0}
	d["status"], d["last_pipeline"], d["project_id"] = nil, nil, c.repo.ID
	return d
}

func (s *Server) refsWith(c *call) error {
	ctx := c.r.Context()
	rev, err := c.rev(c.r.PathValue("sha"))
	if err != nil {
		return err
	}
	branches, err := c.repo.Branches(ctx)
	if err != nil {
		return err
	}
	list := []doc{}
	for _, b := range branches {
		in, err := c.repo.Git.IsAncestor(ctx, rev, b.ID)
		if err != nil {
			return err
		}
		if in {
			list = append(list, doc{"type": "branch", "name": b.Name})
		}
	}
	return c.json(http.StatusOK, page(c, list))
}

func (s *Server) branches(c *call) error {
	refs, err := c.repo.Branches(c.r.Context())
	if err != nil {
		return err
	}
	list := []doc{}
	for _, b := range page(c, refs) {
		d, err := s.renderBranch(c, b.Name, b.ID)
		if err != nil {
			return err
		}
		list = append(list, d)
	}
	return c.json(http.StatusOK, list)
}

func (s *Server) renderBranch(c *call, name string, id git.ID) (doc, error) {
	m, err := c.repo.Git.Commit(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return doc{
		"name": name, "commit": c.renderCommit(m), "merged": false, "protected": false, "default": name == c.repo.Branch,
		"developers_can_push": true, "developers_can_merge": true, "can_push": c.repo.Right(c.token.Person.Login) >= bare.Write,
		"web_url": "http://" + c.r.Host + "/" + c.repo.Path + "/-/tree/" + name,
	}, nil
}

func (s *Server) branch(c *call) error {
	name := c.r.PathValue("branch")
	id, err := c.repo.Head(c.r.Context(), name)
	if err != nil {
		return says(http.StatusNotFound, "404 Branch Not Found")
	}
	d, err := s.renderBranch(c, name, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

func (s *Server) deleteBranch(c *call) error {
	name := c.r.PathValue("branch")
	if name == c.repo.Branch {
		return says(http.StatusForbidden, "403 Forbidden - The default branch stays")
	}
	if err := c.repo.Delete(c.r.Context(), name); err != nil {
		return says(http.StatusNotFound, "404 Branch Not Found")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.state(c.repo).requests {
		if m.source == name && m.state == opened {
			m.state = closed
		}
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// action is one file of a commit to make.
type action struct {
	Action   string `json:"action"`
	Path     string `json:"file_path"`
	Previous string `json:"previous_path"`
	Content  string `json:"content"`
	Encoding string `json:"encoding"`
	hasText  bool
}

// UnmarshalJSON tells a move that keeps its content from one that empties it.
func (a *action) UnmarshalJSON(data []byte) error {
	type plain action
	if err := json.Unmarshal(data, (*plain)(a)); err != nil {
		return err
	}
	var seen struct {
		Content *string `json:"content"`
	}
	err := json.Unmarshal(data, &seen)
	a.hasText = seen.Content != nil
	return err
}

func (s *Server) commit(c *call) error {
	var in struct {
		Branch  string   `json:"branch"`
		Start   string   `json:"start_branch"`
		Message string   `json:"commit_message"`
		Name    string   `json:"author_name"`
		Email   string   `json:"author_email"`
		Actions []action `json:"actions"`
	}
	if err := json.NewDecoder(c.r.Body).Decode(&in); err != nil {
		return says(http.StatusBadRequest, "400 Bad request - the body is no JSON object")
	}
	if in.Branch == "" || in.Message == "" {
		return &problem{http.StatusBadRequest, doc{"error": "branch is missing, commit_message is missing"}}
	}
	ctx := c.r.Context()
	spec := bare.Commit{Branch: in.Branch, Message: in.Message, Author: c.by(s.now())}
	if in.Name != "" && in.Email != "" {
		spec.Author.Name, spec.Author.Email = in.Name, in.Email
	}
	if in.Start != "" {
		if _, err := c.repo.Head(ctx, in.Branch); err == nil {
			return says(http.StatusBadRequest, "A branch called '"+in.Branch+"' already exists. Switch to that branch in order to make changes")
		}
		var err error
		if spec.Start, err = c.repo.Head(ctx, in.Start); err != nil {
			return says(http.StatusBadRequest, "The start branch is missing")
		}
	}
	spec.Changes = func(ctx context.Context, head git.ID) ([]bare.Change, error) {
		return changes(ctx, c.repo, head, in.Actions)
	}
	id, err := c.repo.Commit(ctx, spec)
	switch {
	case fault.Is(err, fault.NotFound):
		return says(http.StatusBadRequest, "You can only create or edit files when you are on a branch")
	case fault.Is(err, fault.Conflict):
		return says(http.StatusBadRequest, "Could not update "+in.Branch+". Please refresh and try again.")
	case err != nil:
		return err
	}
	m, err := c.repo.Git.Commit(ctx, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.renderFull(m))
}

// changes are the actions as files, each checked against what is there.
func changes(ctx context.Context, r *bare.Repository, head git.ID, actions []action) ([]bare.Change, error) {
	var paths []string
	for _, a := range actions {
		paths = append(paths, a.Path, a.Previous)
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return p == "" })
	there, err := r.Git.StatAll(ctx, head, paths)
	if err != nil {
		return nil, err
	}
	var list []bare.Change
	for _, a := range actions {
		more, err := a.changes(ctx, r, there)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

func (a action) changes(ctx context.Context, r *bare.Repository, there map[string]git.Entry) ([]bare.Change, error) {
	data := []byte(a.Content)
	if a.Encoding == "base64" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(a.Content); err != nil {
			return nil, says(http.StatusBadRequest, "The content of "+a.Path+" is not base64")
		}
	}
	_, exists := there[a.Path]
	missing := says(http.StatusBadRequest, "A file with this name doesn't exist")
	switch a.Action {
	case "create":
		if exists {
			return nil, says(http.StatusBadRequest, "A file with this name already exists")
		}
		return []bare.Change{{Path: a.Path, Data: data}}, nil
	case "update":
		if !exists {
			return nil, missing
		}
		return []bare.Change{{Path: a.Path, Data: data}}, nil
	case "delete":
		if !exists {
			return nil, missing
		}
		return []bare.Change{{Path: a.Path, Delete: true}}, nil
	case "move":
		from, ok := there[a.Previous]
		if !ok {
			return nil, missing
		}
		if !a.hasText {
			var err error
			if data, err = r.Git.Blob(ctx, from.ID); err != nil {
				return nil, err
			}
		}
		if a.Previous == a.Path {
			return []bare.Change{{Path: a.Path, Data: data}}, nil
		}
		return []bare.Change{{Path: a.Previous, Delete: true}, {Path: a.Path, Data: data}}, nil
	}
	return nil, says(http.StatusBadRequest, "actions[action] does not have a valid value")
}

func (s *Server) compare(c *call) error {
	ctx := c.r.Context()
	from, err := c.rev(c.query("from"))
	if err != nil {
		return says(http.StatusNotFound, "404 Ref Not Found")
	}
	to, err := c.rev(c.query("to"))
	if err != nil {
		return says(http.StatusNotFound, "404 Ref Not Found")
	}
	diffs, err := c.diffs(from, to)
	if err != nil {
		return err
	}
	m, err := c.repo.Git.Commit(ctx, to)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, doc{
		"commit": c.renderCommit(m), "commits": []doc{c.renderCommit(m)}, "diffs": diffs,
		"compare_timeout": false, "compare_same_ref": from == to,
	})
}

// diffs is what is in to and not in from.
func (c *call) diffs(from, to git.ID) ([]doc, error) {
	ctx := c.r.Context()
	changes, err := c.repo.Diff(ctx, from, to)
	if err != nil {
		return nil, err
	}
	list := []doc{}
	for _, ch := range changes {
		text, binary, err := c.repo.Patch(ctx, ch)
		if err != nil {
			return nil, err
		}
		if binary {
			text = "Binary files a/" + ch.Path + " and b/" + ch.Path + " differ\n"
		}
		list = append(list, doc{
			"old_path": ch.Path, "new_path": ch.Path, "a_mode": mode(ch.OldMode), "b_mode": mode(ch.NewMode),
			"new_file": ch.Old == "", "deleted_file": ch.New == "", "renamed_file": false, "diff": text,
		})
	}
	return list, nil
}

func mode(m git.Mode) string {
	switch m {
	case 0:
		return "0"
	case git.ModeExecutable:
		return "100755"
	}
	return "100644"
}
