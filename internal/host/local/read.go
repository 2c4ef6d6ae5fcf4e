package local

import (
	"context"
	"errors"
	"strconv"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// maxCached bounds the memory of parsed records.
const maxCached = 20_000

// stored is a change request and the commit that its ref points to.
type stored struct {
	record record
	ref    git.Ref
}

// cached is what one commit says for one ref name; nil: nothing that reads as
// a change request. The name matters, as it says number and state.
type cached struct {
	ref    string
	record *record
}

// list reads the change requests below prefix. Those that do not parse are
// skipped.
func (h *Host) list(ctx context.Context, prefix string) ([]stored, error) {
	all, err := h.Git.Refs(ctx, prefix)
	if err != nil {
		return nil, err
	}
	return h.load(ctx, all)
}

// find reads one change request by number.
func (h *Host) find(ctx context.Context, number int) (stored, error) {
	for _, prefix := range []string{open, closed} {
		name := prefix + strconv.Itoa(number)
		id, err := h.Git.Resolve(ctx, name)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return stored{}, err
		}
		found, err := h.load(ctx, []git.Ref{{Name: name, ID: id}})
		if err != nil {
			return stored{}, err
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	return stored{}, fault.New(fault.NotFound, "There is no change request %d in this repository.", number)
}

// load reads what the refs point to: the cache first, then the rest in one batch.
func (h *Host) load(ctx context.Context, all []git.Ref) ([]stored, error) {
	h.reads.Lock()
	defer h.reads.Unlock()
	if h.cache == nil || len(h.cache) > maxCached {
		h.cache = make(map[git.ID]cached)
	}
	if err := h.fill(ctx, all); err != nil {
		return nil, err
	}
	var out []stored
	for _, ref := range all {
		if c := h.cache[ref.ID]; c.ref == ref.Name && c.record != nil {
			out = append(out, stored{record: *c.record, ref: ref})
		}
	}
	return out, nil
}

// fill puts into the cache what is not in it.
func (h *Host) fill(ctx context.Context, all []git.Ref) error {
	blobs := make(map[git.ID][]git.Ref) // request.json → refs whose commit holds it
	var ids []git.ID
	for _, ref := range all {
		if _, _, ok := numbered(ref.Name); !ok || h.cache[ref.ID].ref == ref.Name {
			continue
		}
		h.cache[ref.ID] = cached{ref: ref.Name}
		e, err := h.Git.Stat(ctx, ref.ID, fileName)
		if err != nil && ours(err) {
			delete(h.cache, ref.ID)
			return err
		}
		if err != nil || e.Mode != git.ModeFile {
			continue
		}
		ids = append(ids, e.ID)
		blobs[e.ID] = append(blobs[e.ID], ref)
	}
	err := h.parseAll(ctx, ids, blobs)
	if err != nil { // nothing is known about them
		for _, refs := range blobs {
			for _, ref := range refs {
				delete(h.cache, ref.ID)
			}
		}
	}
	return err
}

func (h *Host) parseAll(ctx context.Context, ids []git.ID, refs map[git.ID][]git.Ref) error {
	if len(ids) == 0 {
		return nil
	}
	sizes, err := h.Git.Sizes(ctx, ids)
	if err != nil {
		return err
	}
	var small []git.ID
	for _, id := range ids {
		if size, ok := sizes[id]; ok && size <= maxRecord {
			small = append(small, id)
		}
	}
	for blob, err := range h.Git.Blobs(ctx, small) {
		if err != nil {
			return err
		}
		for _, ref := range refs[blob.ID] {
			number, isOpen, _ := numbered(ref.Name)
			if r, err := parse(number, isOpen, blob.Data); err == nil {
				h.cache[ref.ID] = cached{ref: ref.Name, record: &r}
			}
		}
	}
	return nil
}

// ours reports whether a failure to read says nothing about the object read:
// the process died, or the caller went away.
func ours(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid)
}
