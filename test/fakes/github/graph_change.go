package github

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"gatehouse/internal/git"
)

// mutations are run in the order in which a document has them, each whatever
// became of the one before.
func (s *Server) mutations(c *call) *object {
	fields := map[string]any{}
	for name, do := range map[string]func(*call, map[string]any) (map[string]any, error){
		"createRef": s.graphCreateRef, "updateRef": s.graphUpdateRef, "deleteRef": s.graphDeleteRef,
		"createCommitOnBranch": s.graphCommit, "createPullRequest": s.graphCreatePull,
		"closePullRequest":              s.graphState("closed"),
		"reopenPullRequest":             s.graphState("open"),
		"convertPullRequestToDraft":     s.graphDraft(true),
		"markPullRequestReadyForReview": s.graphDraft(false),
	} {
		fields[name] = resolve(func(args map[string]any) (any, error) {
			in := inner(args, "input")
			out, err := do(c, in)
			if err != nil {
				return nil, worded(err)
			}
			out["clientMutationId"] = orNull(text(in, "clientMutationId"))
			return &object{strings.ToUpper(name[:1]) + name[1:] + "Payload", out}, nil
		})
	}
	return &object{"Mutation", fields}
}

// worded gives an error of the REST API the words of this one.
func worded(err error) error {
	var p *problem
	if !errors.As(err, &p) {
		return err
	}
	if len(p.Errors) > 0 {
		if e, ok := p.Errors[0].(doc); ok {
			if m, ok := e["message"].(string); ok {
				return &graphError{"UNPROCESSABLE", m}
			}
			return &graphError{"UNPROCESSABLE", fmt.Sprintf("%v %v is %v", e["resource"], e["field"], e["code"])}
		}
	}
	if p.Status == 404 {
		return &graphError{"FORBIDDEN", "Resource not accessible: you do not have permission to do this."}
	}
	return err
}

func (s *Server) graphCreateRef(c *call, in map[string]any) (map[string]any, error) {
	r, err := s.repoByNode(c, text(in, "repositoryId"), Write)
	if err != nil {
		return nil, err
	}
	name := text(in, "name")
	if !strings.HasPrefix(name, "refs/") || git.CheckRef(name) != nil {
		return nil, &graphError{"UNPROCESSABLE", name + " is not a valid ref name."}
	}
	switch err := s.moveRef(c.ctx(), r, move{ref: name, to: git.ID(text(in, "oid")), create: true}); {
	case errors.Is(err, errRefExists):
		return nil, &graphError{"UNPROCESSABLE", fmt.Sprintf("A ref named %q already exists in the repository.", name)}
	case errors.Is(err, errRefBlocked):
		return nil, &graphError{"UNPROCESSABLE", "Ref cannot be created."}
	case err != nil:
		return nil, err
	}
	ref, err := s.refNamed(c, r, name)
	return map[string]any{"ref": ref}, err
}

func (s *Server) graphUpdateRef(c *call, in map[string]any) (map[string]any, error) {
	r, name, err := s.refByNode(c, text(in, "refId"), Write)
	if err != nil {
		return nil, err
	}
	force, _ := in["force"].(bool)
	if err := s.moveRef(c.ctx(), r, move{ref: name, to: git.ID(text(in, "oid")), force: force}); err != nil {
		return nil, err
	}
	ref, err := s.refNamed(c, r, name)
	return map[string]any{"ref": ref}, err
}

func (s *Server) graphDeleteRef(c *call, in map[string]any) (map[string]any, error) {
	r, name, err := s.refByNode(c, text(in, "refId"), Write)
	if err != nil {
		return nil, err
	}
	if name == "refs/heads/"+r.branch {
		return nil, &graphError{"UNPROCESSABLE", "Cannot delete the default branch"}
	}
	err = s.moveRef(c.ctx(), r, move{ref: name})
	if errors.Is(err, errRefGone) {
		err = &graphError{"NOT_FOUND", "Could not resolve to a node with the global id of '" + text(in, "refId") + "'."}
	}
	return map[string]any{}, err
}

func (s *Server) graphCreatePull(c *call, in map[string]any) (map[string]any, error) {
	r, err := s.repoByNode(c, text(in, "repositoryId"), Read)
	if err != nil {
		return nil, err
	}
	draft, _ := in["draft"].(bool)
	i, err := s.openPull(c, r, pullSpec{
		Title: text(in, "title"), Body: text(in, "body"), Head: strings.TrimPrefix(text(in, "headRefName"), "refs/heads/"),
		Base: strings.TrimPrefix(text(in, "baseRefName"), "refs/heads/"), Draft: draft,
	})
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	at := snapshot(i)
	s.mu.RUnlock()
	return map[string]any{"pullRequest": s.pullObject(c, at)}, nil
}

func (s *Server) graphState(state string) func(*call, map[string]any) (map[string]any, error) {
	return func(c *call, in map[string]any) (map[string]any, error) {
		r, at, err := s.pullByNode(c, text(in, "pullRequestId"), Read)
		if err != nil {
			return nil, err
		}
		i, err := s.changeIssue(c, r, at.number, issueChange{State: &state}, true)
		if err != nil {
			return nil, err
		}
		s.mu.RLock()
		at = snapshot(i)
		s.mu.RUnlock()
		return map[string]any{"pullRequest": s.pullObject(c, at)}, nil
	}
}

func (s *Server) graphDraft(draft bool) func(*call, map[string]any) (map[string]any, error) {
	return func(c *call, in map[string]any) (map[string]any, error) {
		r, at, err := s.pullByNode(c, text(in, "pullRequestId"), Read)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		i := r.issues[at.number]
		err = s.mayChange(c, r, i, false)
		if err == nil {
			i.pull.draft, i.changed = draft, s.o.Now()
			at = snapshot(i)
		}
		s.mu.Unlock()
		return map[string]any{"pullRequest": s.pullObject(c, at)}, err
	}
}

// graphCommit is createCommitOnBranch: one commit, if the branch is still where
// the caller believes it to be.
func (s *Server) graphCommit(c *call, in map[string]any) (map[string]any, error) {
	r, ref, err := s.branchOf(c, inner(in, "branch"))
	if err != nil {
		return nil, err
	}
	expected := git.ID(text(in, "expectedHeadOid"))
	stale := &graphError{"STALE_DATA", fmt.Sprintf("Expected branch to point to %q but it did not. Pull and try again.", expected)}
	if at, err := value(c.ctx(), r, ref); err != nil || at == "" || at != expected {
		return nil, stale
	}
	edits, err := s.fileChanges(c, r, expected, inner(in, "fileChanges"))
	if err != nil {
		return nil, err
	}
	tree, err := r.git.WriteTree(c.ctx(), expected, edits)
	if err != nil {
		return nil, err
	}
	words := inner(in, "message")
	id, err := r.git.WriteCommit(c.ctx(), git.CommitSpec{
		Tree: tree, Parents: []git.ID{expected}, Author: s.by(*c.who),
		Committer: git.Signature{Name: "GitHub", Email: "noreply@github.com", When: s.o.Now()},
		Message:   strings.TrimSpace(text(words, "headline") + "\n\n" + text(words, "body")),
	})
	if err != nil {
		return nil, err
	}
	if err := s.moveRef(c.ctx(), r, move{ref: ref, to: id, expected: expected}); errors.Is(err, errRefMoved) {
		return nil, stale
	} else if err != nil {
		return nil, err
	}
	commit, err := s.commitObject(c.ctx(), r, id)
	if err != nil {
		return nil, err
	}
	now, err := s.refNamed(c, r, ref)
	return map[string]any{"commit": commit, "ref": now}, err
}

// branchOf is the branch that a commit is for: by its node id, or by names.
func (s *Server) branchOf(c *call, in map[string]any) (*repository, string, error) {
	if id := text(in, "id"); id != "" {
		return s.refByNode(c, id, Write)
	}
	r, err := s.openNamed(c, text(in, "repositoryNameWithOwner"), Write)
	return r, "refs/heads/" + strings.TrimPrefix(text(in, "branchName"), "refs/heads/"), err
}

// fileChanges turns additions and deletions into the engine's edits. A path in
// both is added.
func (s *Server) fileChanges(c *call, r *repository, at git.ID, in map[string]any) ([]git.Edit, error) {
	byPath := map[string]git.Edit{}
	gone, _ := in["deletions"].([]any)
	for _, v := range gone {
		m, _ := v.(map[string]any)
		path := text(m, "path")
		if _, err := r.git.Stat(c.ctx(), at, path); err != nil {
			return nil, &graphError{"UNPROCESSABLE", fmt.Sprintf("A path was requested for deletion which does not exist as of commit oid `%s`", at)}
		}
		byPath[path] = git.Edit{Path: path}
	}
	added, _ := in["additions"].([]any)
	for _, v := range added {
		m, _ := v.(map[string]any)
		data, err := base64.StdEncoding.DecodeString(text(m, "contents"))
		if err != nil {
			return nil, &graphError{"UNPROCESSABLE", "contents is not valid Base64"}
		}
		id, err := r.git.WriteBlob(c.ctx(), data)
		if err != nil {
			return nil, err
		}
		byPath[text(m, "path")] = git.Edit{Path: text(m, "path"), Blob: id}
	}
	edits := []git.Edit{}
	for _, e := range byPath {
		edits = append(edits, e)
	}
	return edits, nil
}
