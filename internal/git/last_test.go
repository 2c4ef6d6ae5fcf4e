package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

// lastOf is the message of each path's last commit.
func lastOf(t *testing.T, r *Repo, rev ID, paths ...string) string {
	t.Helper()
	found, err := r.LastCommits(t.Context(), rev, paths)
	must(t, err)
	var got []string
	for _, p := range paths {
		got = append(got, p+"="+strings.TrimSpace(found[p].Message))
	}
	return strings.Join(got, " ")
}

// change commits one named change on parents; an empty text deletes.
func change(t *testing.T, r *Repo, name string, parents []ID, files map[string]string) ID {
	t.Helper()
	var edits []Edit
	for path, text := range files {
		e := Edit{Path: path}
		if text != "" {
			e.Blob = blob(t, r, text)
		}
		edits = append(edits, e)
	}
	base := ID("")
	if len(parents) > 0 {
		base = parents[0]
	}
	tree, err := r.WriteTree(t.Context(), base, edits)
	must(t, err)
	id, err := r.WriteCommit(t.Context(), CommitSpec{Tree: tree, Parents: parents, Author: someone, Committer: someone, Message: name})
	must(t, err)
	return id
}

func setMain(t *testing.T, r *Repo, id ID) {
	t.Helper()
	old, _ := r.Resolve(t.Context(), "refs/heads/main")
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, id}))
}

func TestLastCommitsFollowTheBranch(t *testing.T) {
	r := newBare(t)
	one := change(t, r, "one", nil, map[string]string{"a": "1", "b": "1", "d/c": "1"})
	setMain(t, r, one)
	if got := lastOf(t, r, one, "a", "b", "d/c", "none", "d"); got != "a=one b=one d/c=one none= d=" {
		t.Error(got)
	}
	two := change(t, r, "two", []ID{one}, map[string]string{"a": "2", "d/c": ""})
	side := change(t, r, "side", []ID{one}, map[string]string{"b": "2", "new": "1"})
	merge := change(t, r, "merge", []ID{two, side}, map[string]string{"b": "2", "new": "1", "evil": "1"})
	setMain(t, r, merge)
	if got := lastOf(t, r, merge, "a", "b", "d/c", "new", "evil"); got != "a=two b=side d/c= new=side evil=merge" {
		t.Error(got)
	}
	if r.history.tip != merge {
		t.Error("the index did not follow")
	}
	// The draft began before the branch went on; neither it nor the index is disturbed.
	draft := change(t, r, "draft", []ID{one}, map[string]string{"b": "draft"})
	for range 2 {
		if got := lastOf(t, r, draft, "a", "b", "d/c", "new"); got != "a=one b=draft d/c=one new=" {
			t.Error(got)
		}
	}
	if r.history.tip != merge {
		t.Error("the index left the branch for a draft")
	}
	// The branch goes back.
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", merge, two}))
	back := change(t, r, "back", []ID{two}, map[string]string{"x": "1"})
	setMain(t, r, back)
	if got := lastOf(t, r, back, "a", "b", "new", "x", "d/c"); got != "a=two b=one new= x=back d/c=" {
		t.Error(got)
	}
	if r.history.tip != back {
		t.Error("the index did not go back with the branch")
	}
	if _, err := r.LastCommits(t.Context(), r.BlobID([]byte("?")), []string{"a"}); err == nil {
		t.Error("a missing commit has a history")
	}
}

func TestTheHistoryIsReadAgainFromItsFile(t *testing.T) {
	r := newBare(t)
	tip := change(t, r, "0", nil, map[string]string{"f0": "x"})
	setMain(t, r, tip)
	lastOf(t, r, tip, "f0")
	for i := 1; i <= saveEvery+5; i++ {
		tip = change(t, r, fmt.Sprint(i), []ID{tip}, map[string]string{fmt.Sprintf("f%d", i): "x"})
	}
	setMain(t, r, tip)
	lastOf(t, r, tip, "f0")
	file := filepath.Join(r.Dir, "gatehouse", historyFile)
	data, err := os.ReadFile(file)
	must(t, err)
	for name, spoil := range map[string]func(){
		"as it is":   func() {},
		"torn":       func() { must(t, os.WriteFile(file, data[:len(data)/2], 0o644)) },
		"one bit":    func() { must(t, os.WriteFile(file, append([]byte("G"), data[1:]...), 0o644)) },
		"empty":      func() { must(t, os.WriteFile(file, nil, 0o644)) },
		"missing":    func() { must(t, os.Remove(file)) },
		"other tip":  func() { must(t, os.WriteFile(file, encodeHistory(r.BlobID(nil), map[string]ID{"f0": tip}), 0o644)) },
		"other hash": func() { must(t, os.WriteFile(file, encodeHistory(ID(strings.Repeat("a", 64)), nil), 0o644)) },
	} {
		t.Run(name, func(t *testing.T) {
			spoil()
			again := open(t, r.Dir)
			if got := lastOf(t, again, tip, "f0", "f1", "f69"); got != "f0=0 f1=1 f69=69" {
				t.Error(got)
			}
		})
	}
}

func TestAnImpatientCallerDoesNotStopTheHistory(t *testing.T) {
	r := newBare(t)
	tip := grow(t, r, "main", map[string]string{"a": "1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.LastCommits(ctx, tip, []string{"a"}); err == nil || fault.Is(err, fault.NotFound) {
		t.Logf("the history came at once: %v", err)
	}
	if got := lastOf(t, r, tip, "a"); got != "a=change" {
		t.Error(got)
	}
}

func TestLastCommitsAgreeWithGitLog(t *testing.T) {
	r := newBare(t)
	var stream strings.Builder
	var paths []string
	for i := range 300 {
		path := fmt.Sprintf("d%d/f%d", i%3, i%37)
		if i < 111 {
			path = fmt.Sprintf("d%d/f%d", i%3, i)
			paths = append(paths, path)
		}
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter T <t@example.org> %d +0000\ndata 1\n%d\nM 100644 inline %s\ndata <<E\n%d\nE\n\n", 1_600_000_000+i, i%10, path, i)
	}
	shellInput(t, r.Dir, stream.String(), "fast-import", "--quiet")
	for _, back := range []int{250, 200, 0, 100, 40, 5} {
		rev, err := r.Resolve(t.Context(), fmt.Sprintf("main~%d", back))
		must(t, err)
		found, err := r.LastCommits(t.Context(), rev, paths)
		must(t, err)
		for i, p := range paths {
			if i%4 != back/5%4 {
				continue
			}
			if want := shell(t, r.Dir, "log", "-1", "--format=%H", string(rev), "--", p); string(found[p].ID) != want {
				t.Fatalf("%s at main~%d: %s, git says %s", p, back, found[p].ID, want)
			}
		}
	}
}

func FuzzParseHistory(f *testing.F) {
	id := ID(strings.Repeat("0a", 20))
	whole := encodeHistory(id, map[string]ID{"a/b": id, "c": id})
	f.Add(string(whole[:len(whole)-32]))
	f.Add(historyMagic + string(id) + "\n99999999\n")
	f.Add(historyMagic + string(id) + "\n1\n" + string(id) + "\n-1 x\x00")
	f.Fuzz(func(t *testing.T, text string) {
		tip, last, ok := parseHistory(text, sha1Format)
		if !ok {
			return
		}
		tip2, last2, ok := decodeHistory(encodeHistory(tip, last), sha1Format)
		if !ok || tip2 != tip || len(last2) != len(last) {
			t.Errorf("%q does not survive", text)
		}
	})
}

func FuzzReadWalk(f *testing.F) {
	f.Add("\x01abc\x00\n:000000 100644 0 1 A\x00a\x00:0 D\x00b\x00\x00\x01def\x00")
	f.Add(":x")
	f.Fuzz(func(t *testing.T, text string) {
		w := walk{visit: func(string, touch) bool { return true }}
		_ = w.read(strings.NewReader(text))
	})
}
