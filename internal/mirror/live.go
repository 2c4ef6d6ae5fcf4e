package mirror

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// diskRef is the work tree as it was when it was last looked at and not as
// committed. Each commit has HEAD as first parent and the former commit of the
// ref as second, so that a draft begun on what was never committed still has its
// merge base, and the history of a committed file is HEAD's.
const diskRef = "refs/gatehouse/worktree"

// onDisk is a commit of the work tree as it is now: HEAD itself, as long as
// nothing else was ever seen, and the same one as before when nothing differs.
func (r *Repository) onDisk(ctx context.Context) (git.ID, error) {
	var now git.ID
	err := r.repeat(ctx, diskRef, func() error {
		id, err := r.Git.SnapshotWorktree(ctx)
		if err != nil {
			return err
		}
		now, err = r.chain(ctx, id)
		return err
	})
	return now, err
}

// chain puts a snapshot on top of the former one.
func (r *Repository) chain(ctx context.Context, id git.ID) (git.ID, error) {
	head, err := r.optional(ctx, "HEAD")
	if err != nil {
		return "", err
	}
	last, err := r.optional(ctx, diskRef)
	if err != nil || last == "" && id == head {
		return id, err
	}
	c, err := r.Git.Commit(ctx, id)
	if err != nil {
		return "", err
	}
	spec := git.CommitSpec{Tree: c.Tree, Author: c.Author, Committer: c.Committer, Message: "The work tree as it is on disk"}
	if head != "" {
		spec.Parents = []git.ID{head}
	}
	if last != "" {
		before, err := r.Git.Commit(ctx, last)
		if err != nil {
			return "", err
		}
		if before.Tree == c.Tree && (head == "" || slices.Index(before.Parents, head) == 0) {
			return last, nil
		}
		spec.Parents = append(spec.Parents, last)
	}
	now, err := r.Git.WriteCommit(ctx, spec)
	if err != nil {
		return "", err
	}
	err = r.Git.UpdateRefs(ctx, git.RefUpdate{Name: diskRef, Old: last, New: now})
	if fault.Is(err, fault.Conflict) {
		return "", again(err)
	}
	return now, err
}

// optional is Resolve, with an empty answer for what is not there.
func (r *Repository) optional(ctx context.Context, rev string) (git.ID, error) {
	id, err := r.Git.Resolve(ctx, rev)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return id, err
}

// saveOnDisk is Save to the work tree: files are written, nothing is committed.
func (r *Repository) saveOnDisk(ctx context.Context, site string, s Save) (Saved, error) {
	leave, err := r.lanes.enter(ctx, site)
	if err != nil {
		return Saved{}, err
	}
	defer leave()
	from, err := r.onDisk(ctx)
	if err != nil {
		return Saved{}, err
	}
	edits, err := r.store(ctx, s.Changes)
	if err != nil {
		return Saved{}, err
	}
	t := tip{name: site, head: from, live: true}
	if err := r.compare(ctx, t, from, s, edits); err != nil {
		return Saved{}, err
	}
	tree, err := r.Git.WriteTree(ctx, from, edits)
	if err != nil {
		return Saved{}, err
	}
	commit, err := r.commit(ctx, tree, from, s)
	if err != nil {
		return Saved{}, err
	}
	if err := r.ask(ctx, s.Check, t, commit, from); err != nil {
		return Saved{}, err
	}
	if err := r.write(ctx, from, commit); err != nil {
		return Saved{}, err
	}
	if len(s.Alongside) > 0 {
		if err := r.Git.UpdateRefs(ctx, s.Alongside...); err != nil {
			return Saved{}, err
		}
	}
	r.moved(site, from, commit)
	return Saved{Commit: commit, Blobs: blobs(edits)}, nil
}

// write brings the work tree from one commit to another, changed paths only.
func (r *Repository) write(ctx context.Context, from, to git.ID) error {
	changes, err := r.Git.Diff(ctx, from, to)
	if err != nil {
		return err
	}
	if err := r.unhidden(ctx, changes); err != nil {
		return err
	}
	edits := make([]git.FileEdit, len(changes))
	for i, c := range changes {
		edits[i] = git.FileEdit{Path: c.Path, Delete: c.New == "", Base: &c.Old}
		if c.New == "" {
			continue
		}
		if edits[i].Data, err = r.Git.Blob(ctx, c.New); err != nil {
			return err
		}
	}
	return r.Git.WriteWorktree(ctx, edits)
}

// unhidden says why a file that Git ignores is not written over: it is in no
// snapshot, so nobody has seen it.
func (r *Repository) unhidden(ctx context.Context, changes []git.Change) error {
	dir, _, err := r.Git.Worktree(ctx)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Old != "" {
			continue
		}
		_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(c.Path)))
		if err == nil {
			return refuse(c.Path, "“%s” exists on disk and Git ignores it, so it was not written over. Move the file away or change .gitignore, then save again.", c.Path)
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return fault.Wrap(fault.Internal, err, "look at %s in the work tree", c.Path)
		}
	}
	return nil
}

// publishOnDisk writes the merged files into the work tree and discards the
// draft. Interrupted between the two, it can be done again: the same merge
// then changes nothing.
func (r *Repository) publishOnDisk(ctx context.Context, c candidate, p PublishRequest) (git.ID, error) {
	commit, err := r.proposed(ctx, c, p)
	if err != nil {
		return "", err
	}
	if p.Check != nil {
		if err := p.Check(ctx, Move{Branch: c.request.Base, Old: c.base, New: commit, Changes: c.changes}); err != nil {
			return "", err
		}
	}
	if err := r.write(ctx, c.base, commit); err != nil {
		return "", err
	}
	r.moved(c.request.Base, c.base, commit)
	if err := r.Host.Close(ctx, c.request.Number); err != nil {
		return "", err
	}
	err = r.repeat(ctx, c.request.Head, func() error {
		head, err := r.head(ctx, c.request.Head)
		if err != nil {
			return err
		}
		return r.bury(ctx, c.request, head)
	})
	return commit, err
}

// proposed is a commit with the merge's tree, as the work tree will be.
func (r *Repository) proposed(ctx context.Context, c candidate, p PublishRequest) (git.ID, error) {
	return r.Git.WriteCommit(ctx, git.CommitSpec{
		Tree: c.tree, Parents: []git.ID{c.base, c.head}, Message: cmp.Or(p.Message, c.request.Title),
		Author: r.author(p.Author), Committer: r.committer(),
	})
}
