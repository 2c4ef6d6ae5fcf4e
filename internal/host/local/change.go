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

// Open makes a change request with its status.
func (h *Host) Open(ctx context.Context, n host.NewChangeRequest) (host.ChangeRequest, error) {
	r := record{
		State: host.Open, Title: n.Title, Body: n.Body, Head: n.Head, Base: n.Base,
		Author: person(n.Author), Created: h.now(), Updated: h.now(),
	}
	if n.Status != "" {
		if err := r.label(n.Status, n.LabelPrefix); err != nil {
			return host.ChangeRequest{}, err
		}
	}
	if n.Head == n.Base {
		return host.ChangeRequest{}, fault.New(fault.Invalid, "A change request needs two branches; both are named “%s”.", n.Head)
	}
	h.writes.Lock()
	defer h.writes.Unlock()
	for range attempts {
		opened, err := h.open(ctx, r)
		if err == nil || !overtaken(err) {
			return opened.changeRequest(), err
		}
		if _, err := h.unopened(ctx, r.Head); err != nil {
			return host.ChangeRequest{}, err
		}
	}
	return host.ChangeRequest{}, busy()
}

// open is one attempt. The sequence ref is read before the listing and must
// not have moved at the end, so that two processes neither take one number nor
// open one head twice.
func (h *Host) open(ctx context.Context, r record) (record, error) {
	for _, branch := range []string{r.Head, r.Base} {
		if _, err := h.branch(ctx, branch); err != nil {
			return record{}, err
		}
	}
	last, err := h.last(ctx)
	if err != nil {
		return record{}, err
	}
	highest, err := h.unopened(ctx, r.Head)
	if err != nil {
		return record{}, err
	}
	r.Number = max(highest, last.record.Number) + 1
	commit, err := h.write(ctx, r, "", h.signature(host.Person(r.Author)), "Open")
	if err != nil {
		return record{}, err
	}
	return r, h.Git.UpdateRefs(ctx,
		git.RefUpdate{Name: r.ref(), New: commit},
		git.RefUpdate{Name: sequence, Old: last.ref.ID, New: commit})
}

// last is the change request opened last, as the sequence ref has it: numbers
// are not given twice even where somebody deleted refs.
func (h *Host) last(ctx context.Context) (stored, error) {
	id, err := h.Git.Resolve(ctx, sequence)
	if fault.Is(err, fault.NotFound) {
		return stored{}, nil
	}
	if err != nil {
		return stored{}, err
	}
	out := stored{ref: git.Ref{Name: sequence, ID: id}}
	e, err := h.Git.Stat(ctx, id, fileName)
	if err != nil {
		if ours(err) {
			return stored{}, err
		}
		return out, nil
	}
	sizes, err := h.Git.Sizes(ctx, []git.ID{e.ID})
	if err != nil {
		return stored{}, err
	}
	if size, ok := sizes[e.ID]; !ok || size > maxRecord {
		return out, nil
	}
	data, err := h.Git.Blob(ctx, e.ID)
	if err != nil {
		return stored{}, err
	}
	out.record.Number = claimed(data)
	return out, nil
}

// unopened makes sure that no open change request has the head, and answers
// the highest number in use.
func (h *Host) unopened(ctx context.Context, head string) (highest int, err error) {
	all, err := h.Git.Refs(ctx, refs)
	if err != nil {
		return 0, err
	}
	for _, ref := range all {
		if n, _, ok := numbered(ref.Name); ok {
			highest = max(highest, n)
		}
	}
	found, err := h.load(ctx, all)
	if err != nil {
		return 0, err
	}
	for _, f := range found {
		if f.record.State == host.Open && f.record.Head == head {
			return 0, fault.New(fault.Conflict, "The branch “%s” has an open change request already: number %d.", head, f.record.Number)
		}
	}
	if highest >= maxNumber {
		return 0, fault.New(fault.Unsupported, "This repository has a ref below %s with the highest number there is. Delete it, then try again.", refs)
	}
	return highest, nil
}

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
			updates = []git.RefUpdate{{Name: was.ref.Name, Old: was.ref.ID}, {Name: now.ref(), New: commit}}
		}
		err = h.Git.UpdateRefs(ctx, append(updates, alongside...)...)
		if err == nil || !overtaken(err) {
			return err
		}
	}
	return busy()
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

// overtaken reports whether a transaction failed only because somebody else's
// came first or is under way. A conflict about paths is the work tree's.
func overtaken(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && len(f.Paths) == 0 && (f.Kind == fault.Conflict || f.Kind == fault.Unavailable)
}

func busy() error {
	return fault.New(fault.Unavailable, "The repository is being written to by others at this moment. Nothing was changed; try again.")
}
