// Package mirror is a site's repository: fresh reads, compare-and-swap writes,
// conflicts per path.
//
// A reader takes a Snapshot and reads everything from its one commit. A writer
// hands over a Save; it becomes one commit on the newest state of the branch:
//
//	resolve the head ─→ compare the base of each path ─→ blobs, tree, commit
//	      ↑                     │ differs: Conflict            │
//	      │                     ▼                              ▼
//	      └──── the head has moved meanwhile ←──── Check, then move the ref
//
// Other people's changes to other files therefore never stand in the way, and
// a change to the same file is never written over. What Save or Publish has
// answered is on disk.
//
// Live is the local mode of a laptop: the site's branch is then the work tree
// as it is on disk, and writing to it writes files and commits nothing.
package mirror

import (
	"context"
	"time"

	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// Repository is one site's repository. All fields are set before use and not
// changed after. Whether the branch that a work tree has checked out may be
// written to is git.Repo.UpdateCheckedOut.
type Repository struct {
	Git       *git.Repo
	Host      host.Host
	Branch    string                                                    // the site's branch, short name; empty: the repository's default branch
	Live      bool                                                      // the site's branch is the work tree on disk; see the package
	Committer git.Signature                                             // who commits, beside the author; When is ignored
	Moved     func(branch string, old, new git.ID)                      // told after a branch moved (new empty: it is gone); may be nil; must not block
	Validate  func(ctx context.Context, path string, data []byte) error // of a merged text, before it is accepted; may be nil
	Now       func() time.Time                                          // nil: time.Now

	lanes lanes
}

// Snapshot is a branch at one commit.
type Snapshot struct {
	Branch string
	Commit git.ID        // empty: the repository has no commit yet
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
	Old, New git.ID       // Old empty: a new branch. New empty: the branch goes; of a merge it is the tree, as the commit comes last
	Changes  []git.Change // the real difference; of a branch that goes: what it had changed
}

// Save is a set of changes to one branch, as one commit.
type Save struct {
	Branch  string        // short name; empty: the site's branch
	Start   git.ID        // where a branch that does not exist yet begins; empty: it must exist
	Author  git.Signature // When zero: now
	Message string
	Changes []Change // at most one for each path
	// Check is called on the final difference of each attempt, before a ref
	// moves; its error ends the save. May be nil.
	Check func(ctx context.Context, m Move) error
	// Alongside are further ref updates in the same transaction. May be nil.
	Alongside []git.RefUpdate
}

// Saved is the outcome of a Save.
type Saved struct {
	Commit git.ID            // the head of the branch with the changes in it
	Blobs  map[string]git.ID // per path as it is now; deleted paths are absent
}

// PublishRequest is a change request to merge into the site's branch.
type PublishRequest struct {
	Number    int
	Squash    bool          // one commit with one parent
	Message   string        // of the merge; empty: the change request's title
	Author    git.Signature // When is ignored
	Committer git.Signature // zero: Repository.Committer
	// Check is called on the merge's real difference to the site's branch; its
	// error ends the publishing. May be nil.
	Check func(ctx context.Context, m Move) error
}

func (r *Repository) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// committer is who commits, at this moment.
func (r *Repository) committer() git.Signature {
	c := r.Committer
	if c.Name == "" && c.Email == "" {
		c.Name, c.Email = "Gatehouse", "gatehouse@localhost"
	}
	c.When = r.now()
	return c
}

// author is the person given, or the committer.
func (r *Repository) author(a git.Signature) git.Signature {
	if a.Name == "" && a.Email == "" {
		return r.committer()
	}
	if a.When.IsZero() {
		a.When = r.now()
	}
	return a
}

func (r *Repository) moved(branch string, old, new git.ID) {
	if r.Moved != nil && old != new {
		r.Moved(branch, old, new)
	}
}
