package git

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Diff is what differs from a to b (commits or trees; empty: nothing), sorted by
// path. A path that turns from a file into a folder is removed, and the files of
// the folder are added.
func (r *Repo) Diff(ctx context.Context, a, b ID) ([]Change, error) {
	d := differ{repo: r}
	if err := d.run(ctx, a, b); err != nil {
		return nil, err
	}
	slices.SortFunc(d.changes, func(x, y Change) int { return strings.Compare(x.Path, y.Path) })
	return d.changes, nil
}

// differ compares two trees level by level, so that each level is one batch.
type differ struct {
	repo    *Repo
	changes []Change
	trees   []ID // the trees of the new side that the old side has not at that place
}

// pair is one folder on both sides; an empty ID is no folder.
type pair struct {
	path     string // with a slash at its end, "" at the root
	old, new ID
}

func (d *differ) run(ctx context.Context, a, b ID) error {
	old, err := d.repo.root(ctx, a)
	if err != nil {
		return err
	}
	now, err := d.repo.root(ctx, b)
	if err != nil {
		return err
	}
	level := []pair{{"", old, now}}
	for len(level) > 0 {
		var ids []ID
		for _, p := range level {
			ids = append(ids, p.old, p.new)
		}
		trees, err := d.repo.trees(ctx, ids)
		if err != nil {
			return err
		}
		var deeper []pair
		for _, p := range level {
			if p.old == p.new {
				continue
			}
			if p.new != "" {
				d.trees = append(d.trees, p.new)
			}
			deeper = append(deeper, d.compare(p.path, trees[p.old], trees[p.new])...)
		}
		if len(d.changes) > maxEntries || len(deeper) > maxEntries {
			return tooMany()
		}
		level = deeper
	}
	return nil
}

// compare notes the files that differ, and answers the folders that do.
func (d *differ) compare(prefix string, old, now []node) (deeper []pair) {
	for i, j := 0, 0; i < len(old) || j < len(now); {
		var before, after node
		switch {
		case j == len(now):
			before, i = old[i], i+1
		case i == len(old):
			after, j = now[j], j+1
		default:
			switch c := compareNodes(old[i], now[j]); {
			case c < 0:
				before, i = old[i], i+1
			case c > 0:
				after, j = now[j], j+1
			default:
				before, after, i, j = old[i], now[j], i+1, j+1
			}
		}
		if before == after {
			continue
		}
		p := pair{path: prefix + before.name + "/"}
		if before.name == "" {
			p.path = prefix + after.name + "/"
		}
		c := Change{Path: strings.TrimSuffix(p.path, "/")}
		if before.isDir() {
			p.old = before.id
		} else if before.name != "" {
			c.Old, c.OldMode = before.id, before.entry("").Mode
		}
		if after.isDir() {
			p.new = after.id
		} else if after.name != "" {
			c.New, c.NewMode = after.id, after.entry("").Mode
		}
		if p.old != p.new {
			deeper = append(deeper, p)
		}
		if c.Old != c.New || c.OldMode != c.NewMode {
			d.changes = append(d.changes, c)
		}
	}
	return deeper
}

// Log is the newest n commits from rev on that touch path, a file or folder
// ("": all commits), as git log shows them; n below 1 is all.
func (r *Repo) Log(ctx context.Context, rev ID, path string, n int) ([]Commit, error) {
	if err := r.hash.check(rev); err != nil {
		return nil, err
	}
	args := []string{"rev-list"}
	if n > 0 {
		args = append(args, "--max-count="+strconv.Itoa(n))
	}
	args = append(args, string(rev), "--")
	if path != "" {
		args = append(args, path)
	}
	out, err := r.git(ctx, args...)
	if err != nil {
		return nil, missingCommit(err, rev)
	}
	var ids []ID
	for _, line := range strings.Fields(string(out)) {
		ids = append(ids, ID(line))
	}
	found, err := r.commits(ctx, ids)
	if err != nil {
		return nil, err
	}
	log := make([]Commit, len(ids))
	for i, id := range ids {
		log[i] = found[id]
	}
	return log, nil
}
