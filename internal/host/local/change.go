package local

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// attempts bounds how often a change starts again because another process
// moved a ref in between.
const attempts = 8

// SetStatus replaces the status label and leaves other labels alone.
func (h *Host) SetStatus(ctx context.Context, number int, s host.Status, labelPrefix string) error {
	return h.change(ctx, number, h.signature(), "Set status of", func(r *record) ([]git.RefUpdate, error) {
		if err := r.mustBe(host.Open); err != nil {
			return nil, err
		}
		return nil, r.label(s, labelPrefix)
	})
}

// Close ends a change request without a merge. The head branch stays.
func (h *Host) Close(ctx context.Context, number int) error {
	return h.change(ctx, number, h.signature(), "Close", func(r *record) ([]git.RefUpdate, error) {
		if err := r.mustBe(host.Open); err != nil {
			return nil, err
		}
		r.State = host.Closed
		return nil, nil
	})
}

// Reopen undoes Close. The head branch must still be there.
func (h *Host) Reopen(ctx context.Context, number int) error {
	return h.change(ctx, number, h.signature(), "Reopen", func(r *record) ([]git.RefUpdate, error) {
		if err := r.mustBe(host.Closed); err != nil {
			return nil, err
		}
		if _, err := h.branch(ctx, r.Head); err != nil {
			return nil, err
		}
		if _, err := h.unopened(ctx, r.Head); err != nil {
			return nil, err
		}
		r.State = host.Open
		return nil, nil
	})
}

// change reads a change request, lets edit change it, and writes it together
// with the ref updates that edit answers, starting again when a ref moved.
func (h *Host) change(ctx context.Context, number int, who git.Signature, verb string, edit func(*record) ([]git.RefUpdate, error)) error {
	h.writes.Lock()
	defer h.writes.Unlock()
	var overtaken error
	for range attempts {
		was, err := h.find(ctx, number)
		if err != nil {
			return err
		}
		now := was.record
		alongside, err := edit(&now)
		if err != nil {
			return err
		}
		now.Updated = h.now()
		commit, err := h.write(ctx, now, was.ref.ID, who, verb)
		if err != nil {
			return err
		}
		updates := []git.RefUpdate{{Name: was.ref.Name, Old: was.ref.ID, New: commit}}
		if now.ref() != was.ref.Name {
			left, err := h.left(ctx, now.ref())
			if err != nil {
				return err
			}
			updates = []git.RefUpdate{{Name: was.ref.Name, Old: was.ref.ID}, {Name: now.ref(), Old: left, New: commit}}
		}
		overtaken = h.update(ctx, append(updates, alongside...)...)
		if !errors.Is(overtaken, errOvertaken) {
			return overtaken
		}
	}
	return busy(overtaken)
}

// left is what the ref that a record moves to points to already: something only
// when git was killed between the steps of the transaction that made it, as by a
// power cut. The record is where it was then, and is moved once more.
func (h *Host) left(ctx context.Context, ref string) (git.ID, error) {
	id, err := h.Git.Resolve(ctx, ref)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return id, err
}

// write stores the record as a commit on top of parent. No ref moves.
func (h *Host) write(ctx context.Context, r record, parent git.ID, who git.Signature, verb string) (git.ID, error) {
	data, err := r.render()
	if err != nil {
		return "", err
	}
	blob, err := h.Git.WriteBlob(ctx, data)
	if err != nil {
		return "", err
	}
	tree, err := h.Git.WriteTree(ctx, "", []git.Edit{{Path: fileName, Blob: blob, Mode: git.ModeFile}})
	if err != nil {
		return "", err
	}
	spec := git.CommitSpec{Tree: tree, Author: who, Committer: who, Message: fmt.Sprintf("%s change request %d", verb, r.Number)}
	if parent != "" {
		spec.Parents = []git.ID{parent}
	}
	return h.Git.WriteCommit(ctx, spec)
}

// branch is where a branch points; NotFound names it.
func (h *Host) branch(ctx context.Context, name string) (git.ID, error) {
	if err := git.CheckBranch(name); err != nil {
		return "", err
	}
	id, err := h.Git.Resolve(ctx, branches+name)
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.NotFound, "There is no branch “%s” in this repository.", name)
	}
	return id, err
}

// label sets the status.
func (r *record) label(s host.Status, prefix string) error {
	if !s.Valid() {
		return fault.New(fault.Invalid, "“%s” is not a status. It is one of draft, pending_review, pending_publish.", s)
	}
	if prefix == "" {
		return fault.New(fault.Invalid, "The prefix of the status label is missing, for example “decap-cms/”.")
	}
	r.Status, r.Label = s, prefix+string(s)
	return nil
}

// mustBe is a Conflict unless the change request is in the state.
func (r *record) mustBe(s host.State) error {
	if r.State == s {
		return nil
	}
	return fault.New(fault.Conflict, "Change request %d is %s, not %s. Load the page again to see where it stands.", r.Number, r.State, s)
}

// errOvertaken says that a transaction failed only because somebody else's came
// first.
var errOvertaken = errors.New("another change came first")

// update is UpdateRefs whose error is errOvertaken where it is worth another
// look. A conflict about paths is the work tree's, and stays.
func (h *Host) update(ctx context.Context, updates ...git.RefUpdate) error {
	err := h.Git.UpdateRefs(ctx, updates...)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Conflict && len(f.Paths) == 0 {
		return fmt.Errorf("%w: %w", errOvertaken, err)
	}
	return err
}

func busy(cause error) error {
	return fault.Wrap(fault.Unavailable, cause, "The repository is being written to by others at this moment. Nothing was changed; try again.")
}
