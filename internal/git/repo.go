package git

import (
	"context"

	"gatehouse/internal/fault"
)

var errSoon = fault.New(fault.Unsupported, "not written yet")

// Repo is one repository directory. The exported fields are set before the
// first use and not changed after it.
type Repo struct {
	Dir string // the Git directory (bare, or a work tree's .git), absolute

	// CacheBytes bounds the memory for small blobs and trees; 0 is 64 MB.
	CacheBytes int64
	// IndexDir holds what is kept beside the repository (the history index, the
	// private work tree index); empty is Dir + "/gatehouse".
	IndexDir string
	// UpdateCheckedOut lets UpdateRefs move the branch that a work tree has
	// checked out, and bring the work tree along. Off, such a move is refused.
	UpdateCheckedOut bool
}

// Open opens an existing repository: a bare directory, a work tree, or a work
// tree's .git.
func Open(ctx context.Context, dir string) (*Repo, error) { return nil, errSoon }

// Init makes a bare repository whose HEAD is branch (short name).
func Init(ctx context.Context, dir, branch string) (*Repo, error) { return nil, errSoon }

// Close ends the processes of the repository. Reads after it fail.
func (r *Repo) Close() error { return errSoon }
