package mirror

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

const (
	// attempts bounds how often a write starts again because another process
	// moved the branch; writers of this process wait in a lane instead.
	attempts = 40
	// pause bounds the wait before an attempt.
	pause = 40 * time.Millisecond
)

// errMoved says that the branch moved under an attempt, which may start again.
var errMoved = errors.New("the branch moved")

// Save writes changes to a branch as one commit on its newest state and answers
// when they are on disk.
//
//	Invalid      a path, name or blob that cannot be; nothing to save
//	NotFound     the branch, and no Start is given
//	Conflict     a path is not what the editor had (with Paths); a file is
//	             where a folder is needed; a ref of Alongside has moved; the
//	             work tree has local changes in the way (with Paths); the new
//	             branch's name clashes with another's (also git.ErrNameClash)
//	Unsupported  the branch is checked out in a work tree and may not be moved
//	Unavailable  too many others write at this moment
//
// Errors of Check are returned as they are. When nothing differs from what is
// there, no commit is made and the present head is the answer.
func (r *Repository) Save(ctx context.Context, s Save) (Saved, error) {
	if err := check(s.Changes); err != nil {
		return Saved{}, err
	}
	t, err := r.start(ctx, s)
	if err != nil {
		return Saved{}, err
	}
	if t.live {
		return r.saveOnDisk(ctx, t.name, s)
	}
	edits, err := r.store(ctx, s.Changes) // outside the lane: uploads do not wait for each other
	if err != nil {
		return Saved{}, err
	}
	var saved Saved
	err = r.repeat(ctx, t.name, func() error {
		t, err := r.start(ctx, s)
		if err != nil {
			return err
		}
		saved, err = r.save(ctx, t, s, edits)
		return err
	})
	return saved, err
}

// repeat runs attempt in the branch's lane until it does not answer errMoved.
func (r *Repository) repeat(ctx context.Context, branch string, attempt func() error) error {
	leave, err := r.lanes.enter(ctx, branch)
	if err != nil {
		return err
	}
	defer leave()
	for n := range attempts {
		if err = attempt(); !errors.Is(err, errMoved) {
			return err
		}
		timer := time.NewTimer(rand.N(min(pause, time.Duration(n+1)*time.Millisecond))) //nolint:gosec // jitter, not a secret
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return fault.Wrap(fault.Unavailable, err, "Others are writing to “%s” at this moment. Nothing was changed; try again.", branch)
}

// start is the branch that a Save writes to; its head is empty when the commit
// will be the first.
func (r *Repository) start(ctx context.Context, s Save) (tip, error) {
	t, err := r.tip(ctx, s.Branch)
	if s.Start != "" && fault.Is(err, fault.NotFound) {
		return tip{name: s.Branch}, nil
	}
	return t, err
}

// save is one attempt.
func (r *Repository) save(ctx context.Context, t tip, s Save, edits []git.Edit) (Saved, error) {
	from := t.head
	if from == "" {
		from = s.Start
	}
	if err := r.compare(ctx, t, from, s, edits); err != nil {
		return Saved{}, err
	}
	saved := Saved{Commit: t.head, Blobs: blobs(edits)}
	tree, err := r.Git.WriteTree(ctx, from, edits)
	if err != nil {
		return Saved{}, err
	}
	same, err := r.unchanged(ctx, t.head, tree)
	if err != nil {
		return Saved{}, err
	}
	updates := s.Alongside
	if !same {
		saved.Commit, err = r.commit(ctx, tree, from, s)
		if err != nil {
			return Saved{}, err
		}
		if err := r.ask(ctx, s.Check, t, saved.Commit, from); err != nil {
			return Saved{}, err
		}
		updates = append([]git.RefUpdate{{Name: heads + t.name, Old: t.head, New: saved.Commit}}, s.Alongside...)
	}
	if len(updates) > 0 {
		if err := r.Git.UpdateRefs(ctx, updates...); err != nil {
			return Saved{}, r.refused(ctx, err, t, s.Alongside)
		}
	}
	r.moved(t.name, t.head, saved.Commit)
	return saved, nil
}

// unchanged reports whether head has the tree already.
func (r *Repository) unchanged(ctx context.Context, head, tree git.ID) (bool, error) {
	if head == "" {
		return false, nil
	}
	c, err := r.Git.Commit(ctx, head)
	return c.Tree == tree, err
}

func (r *Repository) commit(ctx context.Context, tree, parent git.ID, s Save) (git.ID, error) {
	spec := git.CommitSpec{Tree: tree, Author: r.author(s.Author), Committer: r.committer(), Message: s.Message}
	if parent != "" {
		spec.Parents = []git.ID{parent}
	}
	if spec.Message == "" {
		spec.Message = "Update content"
	}
	return r.Git.WriteCommit(ctx, spec)
}

// ask puts the real difference between from and now before whoever decides.
func (r *Repository) ask(ctx context.Context, check func(context.Context, Move) error, t tip, now, from git.ID) error {
	if check == nil {
		return nil
	}
	changes, err := r.Git.Diff(ctx, from, now)
	if err != nil {
		return err
	}
	return check(ctx, Move{Branch: t.name, Old: t.head, New: now, Changes: changes})
}

// refused says what a failed move of t means: errMoved when it is worth another
// attempt, else the error itself.
func (r *Repository) refused(ctx context.Context, err error, t tip, alongside []git.RefUpdate) error {
	var f *fault.Error
	switch {
	case !errors.As(err, &f), f.Kind != fault.Conflict, len(f.Paths) > 0, errors.Is(err, git.ErrNameClash):
		return err
	case len(alongside) == 0:
		return again(err)
	}
	now, headErr := r.head(ctx, t.name)
	if headErr != nil {
		return headErr
	}
	if now != t.head {
		return again(err)
	}
	return err
}

// again asks repeat for another attempt, because of err.
func again(err error) error { return fmt.Errorf("%w: %w", errMoved, err) }

// check refuses what no branch could take.
func check(changes []Change) error {
	if len(changes) == 0 {
		return fault.New(fault.Invalid, "There is nothing to save.")
	}
	seen := make(map[string]bool, len(changes))
	for _, c := range changes {
		if err := git.CheckPath(c.Path); err != nil {
			return err
		}
		if seen[c.Path] {
			return fault.New(fault.Invalid, "“%s” is in this save twice. Save each file once.", c.Path)
		}
		seen[c.Path] = true
		if c.Delete && (c.Blob != "" || c.Data != nil) {
			return fault.New(fault.Invalid, "“%s” is both written and deleted in this save.", c.Path)
		}
	}
	return nil
}

// store writes the blobs.
func (r *Repository) store(ctx context.Context, changes []Change) ([]git.Edit, error) {
	edits := make([]git.Edit, len(changes))
	for i, c := range changes {
		edits[i] = git.Edit{Path: c.Path, Blob: c.Blob}
		if c.Delete || c.Blob != "" {
			continue
		}
		id, err := r.Git.WriteBlob(ctx, c.Data)
		if err != nil {
			return nil, err
		}
		edits[i].Blob = id
	}
	return edits, nil
}

// blobs is what each path is after the edits.
func blobs(edits []git.Edit) map[string]git.ID {
	out := make(map[string]git.ID, len(edits))
	for _, e := range edits {
		if e.Blob != "" {
			out[e.Path] = e.Blob
		}
	}
	return out
}
