package git

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// Merge merges the commit theirs into ours, textually, as three-way merges do.
// Nothing moves; the merged tree is stored. Files that both sides changed in the
// same place are conflicts, which are a value and not an error. fault.Conflict:
// the two have no common history. fault.NotFound: one is not there.
func (r *Repo) Merge(ctx context.Context, ours, theirs ID) (Merged, error) {
	base, err := r.MergeBase(ctx, ours, theirs)
	if err != nil {
		return Merged{}, err
	}
	if base == "" {
		return Merged{}, fault.New(fault.Conflict, "The two versions have no common history, so they cannot be merged")
	}
	out, err := r.git(ctx, "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", string(ours), string(theirs))
	m, ok := parseMerge(out, r.hash)
	conflict := exitCode(err) == 1 && ok
	if err != nil && !conflict {
		return Merged{}, r.diskSays(err)
	}
	if conflict != (len(m.Conflicts) > 0) {
		return Merged{}, fmt.Errorf("git merge-tree answered %.200q", out)
	}
	m.Base = base
	if conflict {
		m.Tree = ""
		return m, nil
	}
	return m, r.markMerged(ctx, ours, m.Tree)
}

// parseMerge reads "TREE NUL" and, for a conflict, the paths, each with a NUL.
// The tree's id on the first line is what tells a conflict from a failure: both
// end with code 1.
func parseMerge(out []byte, f format) (Merged, bool) {
	head, rest, ok := bytes.Cut(out, []byte{0})
	if !ok || f.check(ID(head)) != nil {
		return Merged{}, false
	}
	m := Merged{Tree: ID(head)}
	for _, path := range strings.Split(string(rest), "\x00") {
		if path == "" {
			break
		}
		m.Conflicts = append(m.Conflicts, path)
	}
	slices.Sort(m.Conflicts)
	m.Conflicts = slices.Compact(m.Conflicts)
	return m, true
}

// markMerged notes the directories in which git stored the merge's objects: git
// syncs the files but not their names.
func (r *Repo) markMerged(ctx context.Context, ours, tree ID) error {
	d := differ{repo: r}
	if err := d.run(ctx, ours, tree); err != nil {
		return err
	}
	top := filepath.Join(r.common, "objects")
	r.unsynced.add(top)
	for _, id := range d.trees {
		r.unsynced.add(filepath.Join(top, string(id[:2])))
	}
	for _, c := range d.changes {
		if c.New != "" {
			r.unsynced.add(filepath.Join(top, string(c.New[:2])))
		}
	}
	return nil
}

// MergeBase is the best common ancestor of two commits; "" when there is none.
func (r *Repo) MergeBase(ctx context.Context, a, b ID) (ID, error) {
	if err := r.checkBoth(a, b); err != nil {
		return "", err
	}
	if b < a { // of several bases, whoever asks gets the same
		a, b = b, a
	}
	both := a + b
	if base, ok := r.objects().get(cachedBase, both); ok {
		return base.(ID), nil
	}
	out, err := r.git(ctx, "merge-base", string(a), string(b))
	if err != nil && (exitCode(err) != 1 || len(out) > 0) {
		return "", missingCommit(err, a, b)
	}
	base := ID(bytes.TrimSpace(out))
	r.objects().put(cachedBase, both, base, len(both)+len(base))
	return base, nil
}

// IsAncestor reports whether a is b, or one of its ancestors.
func (r *Repo) IsAncestor(ctx context.Context, a, b ID) (bool, error) {
	base, err := r.MergeBase(ctx, a, b)
	return err == nil && base == a, err
}

func (r *Repo) checkBoth(a, b ID) error {
	if err := r.hash.check(a); err != nil {
		return err
	}
	return r.hash.check(b)
}

// missingCommit turns a failure about commits that are not there into one that
// can be shown.
func missingCommit(err error, ids ...ID) error {
	if exitCode(err) != 128 {
		return err
	}
	for _, id := range ids {
		if strings.Contains(err.Error(), string(id)) {
			return fault.Wrap(fault.NotFound, err, "There is no version %s in the repository", id)
		}
	}
	return err
}
