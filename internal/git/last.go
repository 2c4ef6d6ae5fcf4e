package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
)

// LastCommits is, for each of paths, the commit that last changed it, as of the
// commit rev. A change that came in by a merge counts as the commit that made
// it, not as the merge. Paths without one are absent.
//
// The first call reads the history once, which may take seconds; see IndexDir
// for where the result is kept. When ctx ends, that goes on for the next caller.
func (r *Repo) LastCommits(ctx context.Context, rev ID, paths []string) (map[string]Commit, error) {
	if err := r.hash.check(rev); err != nil {
		return nil, err
	}
	ids, err := r.lastIDs(ctx, rev, paths)
	if err != nil {
		return nil, err
	}
	unique := make([]ID, 0, len(ids))
	for _, id := range ids {
		unique = append(unique, id)
	}
	slices.Sort(unique)
	commits, err := r.commits(ctx, slices.Compact(unique))
	if err != nil {
		return nil, err
	}
	found := make(map[string]Commit, len(ids))
	for path, id := range ids {
		found[path] = commits[id]
	}
	return found, nil
}

// lastIDs looks paths up under the lock of the history, apart from the caller's
// context: a half-built index would help nobody.
func (r *Repo) lastIDs(ctx context.Context, rev ID, paths []string) (map[string]ID, error) {
	_, done, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case r.history.lock <- struct{}{}:
	case <-ctx.Done():
		done()
		return nil, stopped(ctx, "log")
	}
	type result struct {
		ids map[string]ID
		err error
	}
	results := make(chan result, 1)
	go func() {
		defer done()
		defer func() { <-r.history.lock }()
		ids, err := r.lookUp(context.WithoutCancel(ctx), rev, paths)
		results <- result{ids, err}
	}()
	select {
	case res := <-results:
		return res.ids, missingCommit(res.err, rev)
	case <-ctx.Done():
		return nil, stopped(ctx, "log")
	}
}

// lookUp answers from the index, and searches for what it has not.
func (r *Repo) lookUp(ctx context.Context, rev ID, paths []string) (map[string]ID, error) {
	s, err := r.follow(ctx, rev)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]ID, len(paths))
	var missing []string
	for _, path := range paths {
		if id, ok := r.history.find(s, path); ok {
			ids[path] = id
		} else {
			missing = append(missing, path)
		}
	}
	more, err := r.search(ctx, rev, missing)
	for path, id := range more {
		ids[path] = id
		if s != nil {
			s.found[path] = id
		} else {
			r.history.last[path] = id
		}
	}
	return ids, err
}

func (h *history) find(s *side, path string) (ID, bool) {
	if s != nil {
		if t, ok := s.touched[path]; ok {
			return t.commit, true
		}
		if id, ok := s.found[path]; ok {
			return id, true
		}
	}
	id, ok := h.last[path]
	return id, ok && (s == nil || !s.ahead[id])
}

// search walks the history for single paths that are there at rev: those whose
// newest commit is not in rev's history, and those that only a merge brought.
func (r *Repo) search(ctx context.Context, rev ID, paths []string) (map[string]ID, error) {
	there, err := r.StatAll(ctx, rev, paths)
	if err != nil {
		return nil, err
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return there[p].Mode == 0 || there[p].Mode == ModeDir })
	found := map[string]ID{}
	for chunk := range slices.Chunk(paths, maxRefill) {
		for _, merges := range []bool{false, true} {
			more, err := r.newest(ctx, walk{from: rev, paths: chunk, merges: merges, time: historyTime}, chunk)
			if err != nil {
				return nil, err
			}
			for path, id := range more {
				found[path] = id
			}
			chunk = slices.DeleteFunc(slices.Clone(chunk), func(p string) bool { return found[p] != "" })
		}
	}
	return found, nil
}

// The file is text: a line that says what it is, the tip, the number of commits,
// a line for each commit, "NUMBER PATH NUL" for each path, and the SHA-256 of all
// before it.
const historyMagic = "gatehouse history 1\n"

func encodeHistory(tip ID, last map[string]ID) []byte {
	var head, body bytes.Buffer
	numbers := map[ID]int{}
	for path, id := range last {
		n, ok := numbers[id]
		if !ok {
			n = len(numbers)
			numbers[id] = n
			head.WriteString(string(id) + "\n")
		}
		body.WriteString(strconv.Itoa(n))
		body.WriteByte(' ')
		body.WriteString(path)
		body.WriteByte(0)
	}
	var b bytes.Buffer
	b.WriteString(historyMagic + string(tip) + "\n" + strconv.Itoa(len(numbers)) + "\n")
	b.Write(head.Bytes())
	b.Write(body.Bytes())
	sum := sha256.Sum256(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

func decodeHistory(data []byte, f format) (tip ID, last map[string]ID, ok bool) {
	n := len(data) - sha256.Size
	if n < len(historyMagic) || sha256.Sum256(data[:n]) != [sha256.Size]byte(data[n:]) {
		return "", nil, false
	}
	return parseHistory(string(data[:n]), f)
}

// parseHistory reads the file without its checksum.
func parseHistory(text string, f format) (tip ID, last map[string]ID, ok bool) {
	text, ok = strings.CutPrefix(text, historyMagic)
	if !ok {
		return "", nil, false
	}
	first, text, _ := strings.Cut(text, "\n")
	count, text, _ := strings.Cut(text, "\n")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > len(text) || f.check(ID(first)) != nil {
		return "", nil, false
	}
	ids := make([]ID, n)
	for i := range ids {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if ids[i] = ID(line); f.check(ids[i]) != nil {
			return "", nil, false
		}
	}
	last = make(map[string]ID, strings.Count(text, "\x00"))
	for text != "" {
		var line string
		if line, text, ok = strings.Cut(text, "\x00"); !ok {
			return "", nil, false
		}
		number, path, _ := strings.Cut(line, " ")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= n || path == "" {
			return "", nil, false
		}
		last[path] = ids[i]
	}
	return ID(first), last, true
}
