package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"time"
)

const (
	historyTime  = 10 * time.Minute // the longest that reading a whole history may take
	maxIndexed   = 300_000          // paths that the index may have
	maxAhead     = 1000             // commits left behind, above which the index is built anew
	maxRefill    = 500              // paths that are looked up one by one rather than the index built anew
	saveEvery    = 64               // commits after which the file is written again
	sidesKept    = 16               // commits beside the index whose difference is remembered
	historyFile  = "history"
	historyPerms = 0o644
)

// history is the index of the commit that last changed each path, as of one
// commit (tip). It is built by one walk through the history, then follows the
// branch by walking what is new. Commits beside the branch, such as drafts, are
// answered by their difference to it.
//
//	LastCommits(rev): tip == rev ─► look up
//	                  no tip     ─► build at rev
//	                  rev is on HEAD's branch, or tip is not ─► advance to rev
//	                  else       ─► difference of rev, kept for a while
type history struct {
	lock   chan struct{} // held by whoever reads or changes what follows
	loaded bool
	tip    ID
	last   map[string]ID
	dirty  int // commits since the file was written
	sides  map[ID]*side
}

// side is a commit as it differs from the index.
type side struct {
	touched map[string]touch // by the commits that the index has not
	ahead   map[ID]bool      // commits of the index that it has not
	found   map[string]ID    // looked up one by one
}

// load reads the file. One that is missing, broken or about another history
// counts as none.
func (r *Repo) loadHistory(ctx context.Context) error {
	h := &r.history
	if h.loaded {
		return nil
	}
	path, err := r.beside(historyFile)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if tip, last, ok := decodeHistory(data, r.hash); ok {
		if _, err := r.Resolve(ctx, string(tip)); err == nil {
			h.tip, h.last = tip, last
		}
	}
	h.loaded = true
	return ctx.Err()
}

// saveHistory writes the file. It may be lost or torn: a checksum tells, and
// then it is built anew.
func (r *Repo) saveHistory() error {
	path, err := r.beside(historyFile)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(strings.TrimSuffix(path, historyFile), historyFile+"-*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(encodeHistory(r.history.tip, r.history.last))
	err = errors.Join(err, f.Chmod(historyPerms), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("save the history index: %w", err), os.Remove(f.Name()))
	}
	r.history.dirty = 0
	return nil
}

// follow brings the index to rev, or answers how rev differs from it.
func (r *Repo) follow(ctx context.Context, rev ID) (*side, error) {
	h := &r.history
	if err := r.loadHistory(ctx); err != nil {
		return nil, err
	}
	switch s, ok := h.sides[rev]; {
	case h.tip == "":
		return nil, r.buildHistory(ctx, rev)
	case h.tip == rev:
		return nil, nil
	case ok:
		return s, nil
	}
	s, seen, err := r.compareHistory(ctx, rev)
	if err != nil || len(s.ahead) > maxAhead {
		// The tip may have been thrown away after the branch was moved by force.
		return nil, r.buildHistory(ctx, rev)
	}
	advance, err := r.shouldAdvance(ctx, rev)
	if err != nil {
		return nil, err
	}
	if advance {
		return nil, r.advance(ctx, rev, s, seen)
	}
	if h.sides == nil || len(h.sides) >= sidesKept {
		h.sides = make(map[ID]*side)
	}
	h.sides[rev] = s
	return s, nil
}

// shouldAdvance keeps the index on HEAD's branch once it is there.
func (r *Repo) shouldAdvance(ctx context.Context, rev ID) (bool, error) {
	head, err := r.Resolve(ctx, "HEAD")
	if err != nil {
		return true, ctx.Err() // HEAD's branch has no commit
	}
	if on, err := r.IsAncestor(ctx, rev, head); on || err != nil {
		return on, err
	}
	on, err := r.IsAncestor(ctx, r.history.tip, head)
	return !on, err
}

// buildHistory makes the index anew. The walk ends when every file has its
// commit, which is often long before the first commit.
func (r *Repo) buildHistory(ctx context.Context, rev ID) error {
	files, err := r.Tree(ctx, rev, "", 0)
	if err != nil {
		return err
	}
	last := make(map[string]ID, len(files))
	if len(files) <= maxIndexed {
		paths := make([]string, len(files))
		for i, f := range files {
			paths[i] = f.Path
		}
		if last, err = r.newest(ctx, walk{from: rev, time: historyTime}, paths); err != nil {
			return err
		}
	}
	h := &r.history
	h.tip, h.last, h.sides = rev, last, nil
	return r.saveHistory()
}

// newest finds the newest commit of a walk for each of paths.
func (r *Repo) newest(ctx context.Context, w walk, paths []string) (map[string]ID, error) {
	found := make(map[string]ID, len(paths))
	wanted := make(map[string]bool, len(paths))
	for _, p := range paths {
		wanted[p] = true
	}
	if len(wanted) == 0 {
		return found, nil
	}
	w.visit = func(path string, t touch) bool {
		if wanted[path] {
			delete(wanted, path)
			found[path] = t.commit
		}
		return len(wanted) > 0
	}
	return found, r.walk(ctx, &w)
}

// compareHistory finds how rev differs from the index, and how many commits the
// index has not.
func (r *Repo) compareHistory(ctx context.Context, rev ID) (*side, int, error) {
	s := &side{touched: map[string]touch{}, ahead: map[ID]bool{}, found: map[string]ID{}}
	w := walk{from: rev, not: r.history.tip, time: historyTime, visit: func(path string, t touch) bool {
		if _, ok := s.touched[path]; !ok {
			s.touched[path] = t
		}
		return true
	}}
	if err := r.walk(ctx, &w); err != nil {
		return nil, 0, err
	}
	out, err := r.git(ctx, "rev-list", fmt.Sprintf("--max-count=%d", maxAhead+1), string(r.history.tip), "^"+string(rev), "--")
	if err != nil {
		return nil, 0, err
	}
	for line := range strings.Lines(string(out)) {
		s.ahead[ID(strings.TrimSuffix(line, "\n"))] = true
	}
	return s, w.commits, nil
}

// advance moves the index to rev, which differs from it by s.
func (r *Repo) advance(ctx context.Context, rev ID, s *side, commits int) error {
	h := &r.history
	var stale, gone []string
	for path, id := range h.last {
		if _, ok := s.touched[path]; !ok && s.ahead[id] {
			stale = append(stale, path)
		}
	}
	if len(stale) > maxRefill {
		return r.buildHistory(ctx, rev)
	}
	found, err := r.newest(ctx, walk{from: rev, paths: stale, time: historyTime}, stale)
	if err != nil {
		return err
	}
	for path, t := range s.touched {
		if found[path] = t.commit; t.removed {
			gone = append(gone, path)
		}
	}
	// A path may be removed by the newest commit that touched it and still be
	// there, when another side of a merge kept it.
	there, err := r.StatAll(ctx, rev, gone)
	if err != nil {
		return err
	}
	for _, path := range gone {
		if _, ok := there[path]; !ok {
			delete(found, path)
		}
	}
	for _, path := range append(stale, gone...) {
		delete(h.last, path)
	}
	maps.Copy(h.last, found)
	h.tip, h.sides = rev, nil
	if h.dirty += commits; h.dirty < saveEvery {
		return nil
	}
	return r.saveHistory()
}
