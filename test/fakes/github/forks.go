package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/internal/git"
)

func (s *Server) mountForks() {
	s.handle("POST /repos/{owner}/{repo}/forks", s.fork)
	s.handle("POST /repos/{owner}/{repo}/merge-upstream", s.mergeUpstream)
	s.handle("POST /repos/{owner}/{repo}/dispatches", s.dispatch)
}

// fork copies a repository to the caller's account. A fork that is there is the
// answer, too.
func (s *Server) fork(c *call) error {
	parent, err := s.open(c, Read)
	if err != nil {
		return err
	}
	if c.who == nil {
		return &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
	}
	if strings.EqualFold(c.who.Login, parent.owner) {
		return &problem{Status: http.StatusForbidden, Message: "You cannot fork your own repository."}
	}
	parent.network.mu.Lock()
	defer parent.network.mu.Unlock()
	s.mu.RLock()
	err = s.mayFork(c, parent)
	r := parent.sibling(c.who.Login)
	name := s.free(c.who.Login, parent.name)
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	if r == nil {
		if r, err = s.copy(context.WithoutCancel(c.ctx()), parent, c.who.Login, name); err != nil {
			return err
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return c.reply(http.StatusAccepted, s.renderRepoWhole(c, r))
}

// mayFork is whether the token is good for making repositories.
func (s *Server) mayFork(c *call, r *repository) error {
	if c.app.Slug != "" {
		own := &repository{owner: c.who.Login}
		if !s.installed(c.token.App, own) {
			return &problem{Status: http.StatusForbidden, Message: "Resource not accessible by integration"}
		}
		return nil
	}
	return s.mayUse(c, r, Write)
}

// free is a name that the account has no repository of. Server.mu is held.
func (s *Server) free(owner, name string) string {
	for n, try := 1, name; ; n++ {
		if s.repos[fold(owner+"/"+try)] == nil {
			return try
		}
		try = fmt.Sprintf("%s-%d", name, n)
	}
}

// copy makes the fork. It shares the store of objects with the whole network.
func (s *Server) copy(ctx context.Context, parent *repository, owner, name string) (*repository, error) {
	r, err := s.reserve(owner, name)
	if err != nil {
		return nil, unprocessable("%v", err)
	}
	r.private, r.branch, r.parent, r.network = parent.private, parent.branch, parent, parent.network
	empty, err := git.Init(ctx, s.dir(r), parent.branch)
	if err != nil {
		return nil, err
	}
	objects := filepath.Join(empty.Dir, "objects")
	err = errors.Join(empty.Close(), os.RemoveAll(objects), os.Symlink(filepath.Join(parent.git.Dir, "objects"), objects))
	if err != nil {
		return nil, err
	}
	if r.git, err = git.Open(ctx, empty.Dir); err != nil {
		return nil, err
	}
	refs, err := parent.git.Refs(ctx, "refs/heads/")
	if err == nil {
		var updates []git.RefUpdate
		for _, ref := range refs {
			updates = append(updates, git.RefUpdate{Name: ref.Name, New: ref.ID})
		}
		err = r.git.UpdateRefs(ctx, updates...)
	}
	if err != nil {
		return nil, errors.Join(err, r.git.Close())
	}
	return r, s.add(r)
}

// mergeUpstream brings a branch of a fork up to its parent.
func (s *Server) mergeUpstream(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	var in struct{ Branch string }
	if err := c.body(&in); err != nil {
		return err
	}
	if r.parent == nil {
		return unprocessable("This repository is not a fork")
	}
	r.network.mu.Lock()
	defer r.network.mu.Unlock()
	ref := "refs/heads/" + in.Branch
	ours, err := value(c.ctx(), r, ref)
	if err != nil {
		return err
	}
	theirs, err := value(c.ctx(), r.parent, ref)
	if err != nil {
		return err
	}
	if ours == "" || theirs == "" {
		return &problem{Status: http.StatusNotFound, Message: "Branch not found"}
	}
	upstream := r.parent.owner + ":" + in.Branch
	answer := func(kind, text string) error {
		return c.reply(http.StatusOK, doc{"message": text, "merge_type": kind, "base_branch": upstream})
	}
	behind, err := r.git.IsAncestor(c.ctx(), theirs, ours)
	if err != nil {
		return err
	}
	if behind {
		return answer("none", "This branch is not behind the upstream "+upstream+".")
	}
	forward, err := r.git.IsAncestor(c.ctx(), ours, theirs)
	if err != nil {
		return err
	}
	to, kind, text := theirs, "fast-forward", "Successfully fetched and fast-forwarded from upstream "+upstream+"."
	if !forward {
		merged, err := r.git.Merge(c.ctx(), ours, theirs)
		if err != nil || len(merged.Conflicts) > 0 {
			return &problem{Status: http.StatusConflict, Message: "There are merge conflicts"}
		}
		by := s.by(*c.who)
		to, err = r.git.WriteCommit(c.ctx(), git.CommitSpec{
			Tree: merged.Tree, Parents: []git.ID{ours, theirs}, Author: by, Committer: by,
			Message: "Merge branch '" + upstream + "' into " + in.Branch,
		})
		if err != nil {
			return err
		}
		kind, text = "merge", "Successfully fetched and merged from upstream "+upstream+"."
	}
	if err := s.moveRefLocked(c.ctx(), r, move{ref: ref, to: to}); err != nil {
		return err
	}
	return answer(kind, text)
}

// dispatch takes an event for workflows, of which there are none.
func (s *Server) dispatch(c *call) error {
	if _, err := s.open(c, Write); err != nil {
		return err
	}
	return c.none()
}
