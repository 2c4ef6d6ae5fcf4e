package git

import (
	"bytes"
	"context"
	"errors"
	"os"
	"time"

	"gatehouse/internal/fault"
)

// snapshotIndex is the index that snapshots are made with. It stays, because it
// knows which files have not changed since.
const snapshotIndex = "worktree-index"

// snapshot remembers the last commit made of the work tree.
type snapshot struct {
	lock       chan struct{}
	head, tree ID
	commit     ID
}

// SnapshotWorktree is a commit of the work tree as it is on disk, on top of the
// checked-out commit, with untracked files and without ignored ones. While
// nothing changes it is the same commit; when the files are as committed, it is
// the checked-out commit itself. No ref moves and the index of the work tree
// stays as it is.
func (r *Repo) SnapshotWorktree(ctx context.Context) (ID, error) {
	if r.worktree == "" {
		return "", fault.New(fault.Unsupported, "%s is a bare repository: it has no files on disk", r.Dir)
	}
	s := &r.snapshot
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return "", stopped(ctx, "add")
	}
	head, err := r.Resolve(ctx, "HEAD")
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	tree, err := r.snapshotTree(ctx)
	if err != nil {
		return "", err
	}
	if committed, err := r.root(ctx, head); err != nil || committed == tree {
		return head, err
	}
	if s.commit != "" && s.head == head && s.tree == tree {
		return s.commit, nil
	}
	if err := r.markMerged(ctx, head, tree); err != nil {
		return "", err
	}
	spec, err := r.snapshotSpec(ctx, head, tree)
	if err != nil {
		return "", err
	}
	commit, err := r.WriteCommit(ctx, spec)
	if err == nil {
		s.head, s.tree, s.commit = head, tree, commit
	}
	return commit, err
}

func (r *Repo) snapshotSpec(ctx context.Context, head, tree ID) (CommitSpec, error) {
	who, err := r.Author(ctx)
	if err != nil {
		return CommitSpec{}, err
	}
	if who.Name == "" && who.Email == "" {
		who.Name = "Work tree"
	}
	who.When = time.Now()
	spec := CommitSpec{Tree: tree, Author: who, Committer: who, Message: "The work tree as it is on disk"}
	if head != "" {
		spec.Parents = []ID{head}
	}
	return spec, nil
}

// snapshotTree stores the files on disk.
func (r *Repo) snapshotTree(ctx context.Context) (ID, error) {
	index, err := r.beside(snapshotIndex)
	if err != nil {
		return "", err
	}
	_ = os.Remove(index + lockSuffix) // of a git that was killed: nobody else uses this index
	if _, err := os.Stat(index); err != nil {
		first, err := r.copyIndex() // knows the committed files already
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(first); err == nil {
			if err := os.Rename(first, index); err != nil {
				return "", err
			}
		}
	}
	if _, err := r.inWorktree(ctx, index, "", "add", "--all"); err != nil {
		// It may be the index: the next call begins with a new one.
		err = errors.Join(err, os.RemoveAll(index))
		return "", fault.Wrap(fault.Unavailable, err, "The files in %s cannot be read; try again", r.worktree)
	}
	out, err := r.inWorktree(ctx, index, "", "write-tree")
	return ID(bytes.TrimSpace(out)), err
}
