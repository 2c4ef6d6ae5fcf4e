package local

import (
	"context"
	"errors"
	"strconv"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

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
	var overtaken error
	for n := range attempts {
		opened, err := h.open(ctx, r, n > 0)
		if err == nil {
			return opened.changeRequest(), nil
		}
		if overtaken = err; !errors.Is(err, errOvertaken) {
			return host.ChangeRequest{}, err
		}
	}
	return host.ChangeRequest{}, busy(overtaken)
}

// open is one attempt. The sequence ref is read before the listing and must
// not have moved at the end, so that two processes neither take one number nor
// open one head twice. The sequence knows the highest number; thorough looks at
// all refs, in case somebody changed it.
func (h *Host) open(ctx context.Context, r record, thorough bool) (record, error) {
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
	if thorough || last.record.Number == 0 {
		ended, err := h.Git.Refs(ctx, closed)
		if err != nil {
			return record{}, err
		}
		highest = max(highest, highestOf(ended))
	}
	r.Number = max(highest, last.record.Number) + 1
	if r.Number > maxNumber {
		return record{}, fault.New(fault.Unsupported, "The numbers for change requests are used up: a ref below %s has the highest there is. Delete that ref, then try again.", refs)
	}
	commit, err := h.write(ctx, r, "", h.signature(host.Person(r.Author)), "Open")
	if err != nil {
		return record{}, err
	}
	return r, h.update(ctx,
		git.RefUpdate{Name: r.ref(), New: commit},
		git.RefUpdate{Name: closed + strconv.Itoa(r.Number)}, // must not exist
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
// the highest number among the open ones.
func (h *Host) unopened(ctx context.Context, head string) (highest int, err error) {
	all, err := h.Git.Refs(ctx, open)
	if err != nil {
		return 0, err
	}
	found, err := h.load(ctx, all)
	if err != nil {
		return 0, err
	}
	for _, f := range found {
		if f.record.Head == head {
			return 0, fault.New(fault.Conflict, "The branch “%s” has an open change request already: number %d.", head, f.record.Number)
		}
	}
	return highestOf(all), nil
}

func highestOf(all []git.Ref) (highest int) {
	for _, ref := range all {
		if n, _, ok := numbered(ref.Name); ok {
			highest = max(highest, n)
		}
	}
	return highest
}
