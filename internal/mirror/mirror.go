// Package mirror is a site's repository: fresh reads, compare-and-swap writes,
// conflicts per path.
package mirror

import (
	"context"
	"time"

	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// Repository is one site's repository. All fields are set before use and not
// changed after.
type Repository struct {
	Git       *git.Repo
	Host      host.Host
	Branch    string                                                    // the site's branch, short name
	Committer git.Signature                                             // who commits, beside the author; When is ignored
	Moved     func(branch string, old, new git.ID)                      // told after a branch moved; may be nil; must not block
	Validate  func(ctx context.Context, path string, data []byte) error // of a merged text, before it is accepted; may be nil
	Now       func() time.Time                                          // nil: time.Now
	// unexported state follows
}

// Snapshot is a branch at one commit.
type Snapshot struct {
	Branch string
	Commit git.ID
	Age    time.Duration // since it was known to be the truth; 0 for plain Git
}

// Change is one path of a Save.
type Change struct {
	Path   string
	Data   []byte // new content; nil with Delete
	Delete bool
	Blob   git.ID  // instead of Data: an object that is already there
	Base   *git.ID // the version the editor had ("" = absent); nil: whatever is there now
}

// Move is what a write is about to do; Check decides on it.
type Move struct {
	Branch   string       // short name of the branch that moves
	Old, New git.ID       // Old empty: a new branch
	Changes  []git.Change // the real difference
}

// Save is a set of changes to one branch, as one commit.
type Save struct {
	Branch  string // short name
	Start   git.ID // where a branch that does not exist yet begins; empty: it must exist
	Author  git.Signature
	Message string
	Changes []Change
	// Check is called on the final difference of each attempt, before a ref
	// moves; its error ends the save. May be nil.
	Check func(ctx context.Context, m Move) error
	// Alongside are further ref updates in the same transaction. May be nil.
	Alongside []git.RefUpdate
}

// Saved is the outcome of a Save.
type Saved struct {
	Commit git.ID
	Blobs  map[string]git.ID // per path as it is now; deleted paths are absent
}
