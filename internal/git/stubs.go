package git

import (
	"context"
	"io"
	"iter"
)

// CheckPath refuses (fault.Invalid) a path that must not be written.
func CheckPath(p string) error { return errSoon }

// CheckBranch refuses (fault.Invalid) a short branch name that Git would not take.
func CheckBranch(name string) error { return errSoon }

// CheckRef refuses (fault.Invalid) a full ref name that Git would not take.
func CheckRef(name string) error { return errSoon }

// Branch is the short name of HEAD's branch, also when it has no commit yet.
func (r *Repo) Branch(ctx context.Context) (string, error) { return "", errSoon }

// Resolve is the commit that rev names; fault.NotFound when there is none.
func (r *Repo) Resolve(ctx context.Context, rev string) (ID, error) { return "", errSoon }

// Refs lists the refs whose full name begins with prefix, sorted by name.
func (r *Repo) Refs(ctx context.Context, prefix string) ([]Ref, error) { return nil, errSoon }

// Tree lists files below dir ("" is the root), sorted by path. Depth 1 is the
// files directly in dir, 0 is all. A missing dir has none.
func (r *Repo) Tree(ctx context.Context, rev ID, dir string, depth int) ([]Entry, error) {
	return nil, errSoon
}

// Stat is the entry at path; fault.NotFound when there is none.
func (r *Repo) Stat(ctx context.Context, rev ID, path string) (Entry, error) { return Entry{}, errSoon }

// StatAll is Stat for many; absent paths are absent.
func (r *Repo) StatAll(ctx context.Context, rev ID, paths []string) (map[string]Entry, error) {
	return nil, errSoon
}

// Blob reads one blob whole.
func (r *Repo) Blob(ctx context.Context, id ID) ([]byte, error) { return nil, errSoon }

// Blobs reads many in one batch, in the order of ids.
func (r *Repo) Blobs(ctx context.Context, ids []ID) iter.Seq2[Blob, error] {
	return func(yield func(Blob, error) bool) { yield(Blob{}, errSoon) }
}

// OpenBlob streams one blob of any size, and says its length.
func (r *Repo) OpenBlob(ctx context.Context, id ID) (io.ReadCloser, int64, error) {
	return nil, 0, errSoon
}

// Sizes are the lengths of blobs; missing ones are absent.
func (r *Repo) Sizes(ctx context.Context, ids []ID) (map[ID]int64, error) { return nil, errSoon }

// BlobID is the id that data would have as a blob.
func (r *Repo) BlobID(data []byte) ID { return "" }

// WriteBlob stores data.
func (r *Repo) WriteBlob(ctx context.Context, data []byte) (ID, error) { return "", errSoon }

// WriteTree stores base (a commit or tree; empty: nothing) with edits.
func (r *Repo) WriteTree(ctx context.Context, base ID, edits []Edit) (ID, error) { return "", errSoon }

// WriteCommit stores a commit. No ref moves.
func (r *Repo) WriteCommit(ctx context.Context, c CommitSpec) (ID, error) { return "", errSoon }

// Commit reads a commit.
func (r *Repo) Commit(ctx context.Context, id ID) (Commit, error) { return Commit{}, errSoon }

// UpdateRefs moves refs, all or none; fault.Conflict when an Old does not
// match. The checked-out branch of a work tree is refused
// (fault.Unsupported), or with UpdateCheckedOut the work tree's changed paths
// come along, and a local change in the way is a fault.Conflict with Paths.
func (r *Repo) UpdateRefs(ctx context.Context, updates ...RefUpdate) error { return errSoon }

// Merge merges two commits without moving anything.
func (r *Repo) Merge(ctx context.Context, ours, theirs ID) (Merged, error) {
	return Merged{}, errSoon
}

// MergeBase is the best common ancestor; empty when there is none.
func (r *Repo) MergeBase(ctx context.Context, a, b ID) (ID, error) { return "", errSoon }

// IsAncestor reports whether a is b or an ancestor of b.
func (r *Repo) IsAncestor(ctx context.Context, a, b ID) (bool, error) { return false, errSoon }

// Diff is what differs from a to b (commits or trees; empty: nothing), sorted by path.
func (r *Repo) Diff(ctx context.Context, a, b ID) ([]Change, error) { return nil, errSoon }

// Log is the newest n commits from rev that touch path ("": all).
func (r *Repo) Log(ctx context.Context, rev ID, path string, n int) ([]Commit, error) {
	return nil, errSoon
}

// LastCommits is the commit that last changed each path, as of rev.
func (r *Repo) LastCommits(ctx context.Context, rev ID, paths []string) (map[string]Commit, error) {
	return nil, errSoon
}

// Worktree is the directory of the work tree and its branch; "" when bare.
func (r *Repo) Worktree(ctx context.Context) (dir, branch string, err error) { return "", "", errSoon }

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
