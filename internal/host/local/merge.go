package local

import (
	"context"
	"fmt"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// Merge merges an open change request: the base branch moves, the head branch
// goes (when asked), and the request is closed as merged, all at once. When the
// base has everything already, only the request changes.
func (h *Host) Merge(ctx context.Context, number int, o host.MergeOptions) (string, error) {
	var merged git.ID
	committer := h.signature(o.Committer, o.Author)
	err := h.change(ctx, number, committer, "Merge", func(r *record) ([]git.RefUpdate, error) {
		if err := r.mustBe(host.Open); err != nil {
			return nil, err
		}
		head, err := h.pinned(ctx, r.Head, o.HeadCommit)
		if err != nil {
			return nil, err
		}
		base, err := h.pinned(ctx, r.Base, o.BaseCommit)
		if err != nil {
			return nil, err
		}
		merged, err = h.mergeCommit(ctx, *r, base, head, o)
		if err != nil {
			return nil, err
		}
		r.State, r.Commit = host.Merged, merged
		var updates []git.RefUpdate
		if merged != base {
			updates = append(updates, git.RefUpdate{Name: branches + r.Base, Old: base, New: merged})
		}
		if o.DeleteHead {
			updates = append(updates, git.RefUpdate{Name: branches + r.Head, Old: head})
		}
		return updates, nil
	})
	if err != nil {
		return "", err
	}
	return string(merged), nil
}

// pinned is where a branch points, which must be where the caller saw it.
func (h *Host) pinned(ctx context.Context, name, want string) (git.ID, error) {
	id, err := h.branch(ctx, name)
	if err == nil && want != "" && id != git.ID(want) {
		err = fault.New(fault.Conflict, "The branch “%s” has moved in the meantime. Nothing was merged; try again.", name)
	}
	return id, err
}

// mergeCommit writes the commit that base moves to; base itself when there is
// nothing to add.
func (h *Host) mergeCommit(ctx context.Context, r record, base, head git.ID, o host.MergeOptions) (git.ID, error) {
	done, err := h.Git.IsAncestor(ctx, head, base)
	if err != nil || done {
		return base, err
	}
	tree := git.ID(o.Tree)
	if tree == "" {
		m, err := h.Git.Merge(ctx, base, head)
		if err != nil {
			return "", err
		}
		if len(m.Conflicts) > 0 {
			return "", &fault.Error{
				Kind: fault.Conflict, Paths: m.Conflicts,
				Message: fmt.Sprintf("“%s” and “%s” changed the same lines, so they cannot be merged. Nothing was merged.", r.Head, r.Base),
			}
		}
		tree = m.Tree
	}
	spec := git.CommitSpec{
		Tree: tree, Parents: []git.ID{base, head}, Message: o.Message,
		Author: h.signature(o.Author, o.Committer), Committer: h.signature(o.Committer, o.Author),
	}
	if o.Squash {
		spec.Parents = spec.Parents[:1]
	}
	if spec.Message == "" {
		spec.Message = r.Title
	}
	if spec.Message == "" {
		spec.Message = fmt.Sprintf("Merge change request %d", r.Number)
	}
	return h.Git.WriteCommit(ctx, spec)
}
