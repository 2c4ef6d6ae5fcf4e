package git

import (
	"context"

	"gatehouse/internal/fault"
)

var errSoon = fault.New(fault.Unsupported, "not written yet")

// Worktree is the directory of the work tree and its branch; "" when bare.
func (r *Repo) Worktree(ctx context.Context) (dir, branch string, err error) {
	return r.worktree, "", nil
}

// SnapshotWorktree is a commit of the work tree as it is on disk, with
// untracked files and without ignored ones. No ref moves and the index stays.
func (r *Repo) SnapshotWorktree(ctx context.Context) (ID, error) { return "", errSoon }

// FileEdit is one file of the work tree to write; Delete removes it.
type FileEdit struct {
	Path   string
	Data   []byte
	Delete bool
}

// WriteWorktree writes files into the work tree. Nothing is committed.
func (r *Repo) WriteWorktree(ctx context.Context, edits []FileEdit) error { return errSoon }

// Author is the person that the work tree's git would name as author
// (user.name, user.email); zero when nobody is configured.
func (r *Repo) Author(ctx context.Context) (Signature, error) { return Signature{}, errSoon }

type (
	snapshot struct{}
	checkout struct{}
)

func (r *Repo) checkedOut(ctx context.Context, updates []RefUpdate) (*checkout, error) {
	return nil, nil
}

func (r *Repo) moveWorktree(ctx context.Context, c checkout, updates []RefUpdate) error { return nil }
