package git

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "(none)"
	}
	must(t, err)
	return string(data)
}

// step is a work tree whose branch main can move from old to now: a changes, b
// goes, d/new comes, keep stays.
func step(t *testing.T) (r *Repo, dir string, old, now ID) {
	t.Helper()
	r, dir = newWorktree(t, map[string]string{"a": "a1\n", "b": "b1\n", "keep": "k1\n", "x/y": "y1\n"})
	r.UpdateCheckedOut = true
	old, err := r.Resolve(t.Context(), "main")
	must(t, err)
	now = commitFiles(t, r, old, map[string]string{"a": "a2\n", "b": "", "d/new": "n2\n"})
	return r, dir, old, now
}

func TestACheckedOutBranchIsRefusedUnlessTold(t *testing.T) {
	r, dir, old, now := step(t)
	r.UpdateCheckedOut = false
	err := r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now})
	if !fault.Is(err, fault.Unsupported) || !strings.Contains(fault.Message(err), dir) {
		t.Errorf("got %v", err)
	}
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/other", "", now}))
	linked := filepath.Join(t.TempDir(), "linked")
	shell(t, dir, "worktree", "add", "-q", linked, "other")
	r.UpdateCheckedOut = true
	if err := r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/other", now, old}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a linked work tree's branch moves: %v", err)
	}
	if err := r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, ""}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("the checked-out branch is deleted: %v", err)
	}
	must(t, os.RemoveAll(linked))
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/other", now, old}))
	if wdir, branch, err := r.Worktree(t.Context()); wdir != dir || branch != "main" || err != nil {
		t.Errorf("work tree %s %s, %v", wdir, branch, err)
	}
}

func TestTheWorkTreeComesAlong(t *testing.T) {
	r, dir, old, now := step(t)
	// Local changes elsewhere, staged and not, stay.
	put(t, filepath.Join(dir, "keep"), "mine\n")
	put(t, filepath.Join(dir, "x/y"), "staged\n")
	put(t, filepath.Join(dir, "untracked"), "u\n")
	shell(t, dir, "add", "x/y")
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now}))
	for name, want := range map[string]string{"a": "a2\n", "b": "(none)", "d/new": "n2\n", "keep": "mine\n", "x/y": "staged\n", "untracked": "u\n"} {
		if got := contents(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := shell(t, dir, "status", "--porcelain"); got != " M keep\nM  x/y\n?? untracked" {
		t.Errorf("status:\n%s", got)
	}
	if got := shell(t, dir, "rev-parse", "HEAD"); got != string(now) {
		t.Errorf("HEAD is %s", got)
	}
	if left, _ := filepath.Glob(filepath.Join(r.Dir, "gatehouse", "index-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestALocalChangeInTheWayMovesNothing(t *testing.T) {
	tests := map[string]struct {
		spoil func(t *testing.T, dir string)
		paths []string
	}{
		"modified": {func(t *testing.T, dir string) { put(t, filepath.Join(dir, "a"), "mine") }, []string{"a"}},
		"staged":   {func(t *testing.T, dir string) { put(t, filepath.Join(dir, "a"), "mine"); shell(t, dir, "add", "a") }, []string{"a"}},
		"staged, put back": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a"), "mine")
			shell(t, dir, "add", "a")
			put(t, filepath.Join(dir, "a"), "a2\n")
		}, []string{"a"}},
		"removed":         {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "a"))) }, []string{"a"}},
		"removed, staged": {func(t *testing.T, dir string) { shell(t, dir, "rm", "-q", "a") }, []string{"a"}},
		"both": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a"), "mine")
			put(t, filepath.Join(dir, "b"), "mine")
		}, []string{"a", "b"}},
		"untracked": {func(t *testing.T, dir string) { put(t, filepath.Join(dir, "d/new"), "mine") }, []string{"d/new"}},
		"ignored": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "d/new"), "mine")
			put(t, filepath.Join(dir, ".git/info/exclude"), "new\n")
		}, []string{"d/new"}},
		"a folder in the way": {func(t *testing.T, dir string) { put(t, filepath.Join(dir, "d/new/x"), "mine") }, []string{"d/new"}},
		"a file as a folder":  {func(t *testing.T, dir string) { put(t, filepath.Join(dir, "d"), "mine") }, []string{"d/new"}},
		"a link instead": {func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "a")))
			must(t, os.Symlink("keep", filepath.Join(dir, "a")))
		}, []string{"a"}},
		"mode changed": {func(t *testing.T, dir string) { must(t, os.Chmod(filepath.Join(dir, "a"), 0o755)) }, []string{"a"}},
		"intent to add": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "d/new"), "mine")
			shell(t, dir, "add", "-N", "d/new")
		}, []string{"d/new"}},
		"another git is at work": {func(t *testing.T, dir string) { put(t, filepath.Join(dir, ".git/index.lock"), "") }, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, dir, old, now := step(t)
			tt.spoil(t, dir)
			status := shell(t, dir, "status", "--porcelain")
			err := r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now}, RefUpdate{"refs/heads/side", "", now})
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Conflict && f.Kind != fault.Unavailable {
				t.Fatalf("got %v", err)
			}
			if tt.paths != nil && !slices.Equal(f.Paths, tt.paths) {
				t.Errorf("paths %v: %v", f.Paths, err)
			}
			if got := shell(t, dir, "rev-parse", "HEAD"); got != string(old) {
				t.Errorf("HEAD moved to %s", got)
			}
			if got := shell(t, dir, "status", "--porcelain"); got != status {
				t.Errorf("the status changed from\n%s\nto\n%s", status, got)
			}
			if _, err := r.Resolve(t.Context(), "refs/heads/side"); err == nil {
				t.Error("the other ref moved")
			}
		})
	}
}

func TestFilesThatAreAlreadyAsTheyShallBeAreNoConflict(t *testing.T) {
	r, dir, old, now := step(t)
	put(t, filepath.Join(dir, "a"), "a2\n")
	put(t, filepath.Join(dir, "d/new"), "n2\n")
	must(t, os.Remove(filepath.Join(dir, "b")))
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now}))
	if got := shell(t, dir, "status", "--porcelain"); got != "" {
		t.Errorf("status:\n%s", got)
	}
}

func TestAStaleMoveLeavesTheWorkTree(t *testing.T) {
	r, dir, old, now := step(t)
	err := r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now}, RefUpdate{"refs/heads/x", old, now})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	if got := contents(t, filepath.Join(dir, "a")); got != "a1\n" {
		t.Errorf("a is %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git/index.lock")); err == nil {
		t.Error("the index stays locked")
	}
}

func TestAnUnbornBranchFillsTheWorkTree(t *testing.T) {
	dir := t.TempDir()
	shell(t, dir, "init", "-q", "-b", "main")
	r := open(t, dir)
	r.UpdateCheckedOut = true
	id := commitFiles(t, r, "", map[string]string{"a/b": "text\n"})
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", "", id}))
	if got := contents(t, filepath.Join(dir, "a/b")) + shell(t, dir, "status", "--porcelain"); got != "text\n" {
		t.Errorf("got %q", got)
	}
}

func TestSnapshotWorktree(t *testing.T) {
	r, dir := newWorktree(t, map[string]string{"a": "a1\n", "sub/b": "b\n", ".gitignore": "ignored\n"})
	head, err := r.Resolve(t.Context(), "HEAD")
	must(t, err)
	if id, err := r.SnapshotWorktree(t.Context()); id != head || err != nil {
		t.Errorf("a clean work tree is %s, %v", id, err)
	}
	put(t, filepath.Join(dir, "a"), "a2\n")
	put(t, filepath.Join(dir, "new"), "n\n")
	put(t, filepath.Join(dir, "ignored"), "i\n")
	must(t, os.RemoveAll(filepath.Join(dir, "sub")))
	status := shell(t, dir, "status", "--porcelain")
	id, err := r.SnapshotWorktree(t.Context())
	must(t, err)
	list, err := r.Tree(t.Context(), id, "", 0)
	must(t, err)
	var names []string
	for _, e := range list {
		names = append(names, e.Path)
	}
	if got := strings.Join(names, " "); got != ".gitignore a new" {
		t.Errorf("the snapshot has %s", got)
	}
	if again, err := r.SnapshotWorktree(t.Context()); again != id || err != nil {
		t.Errorf("nothing changed, but it is %s, %v", again, err)
	}
	if got := shell(t, dir, "status", "--porcelain"); got != status {
		t.Errorf("the index changed: %s", got)
	}
	put(t, filepath.Join(r.Dir, "gatehouse", snapshotIndex), "broken")
	if _, err := r.SnapshotWorktree(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a broken index: %v", err)
	}
	if again, err := r.SnapshotWorktree(t.Context()); again != id || err != nil {
		t.Errorf("after a broken index it is %s, %v", again, err)
	}
	if _, err := newBare(t).SnapshotWorktree(t.Context()); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a bare repository: %v", err)
	}
}

func TestSnapshotOfAnUnbornBranch(t *testing.T) {
	dir := t.TempDir()
	shell(t, dir, "init", "-q", "-b", "main")
	r := open(t, dir)
	put(t, filepath.Join(dir, "a"), "a\n")
	id, err := r.SnapshotWorktree(t.Context())
	must(t, err)
	if e, err := r.Stat(t.Context(), id, "a"); err != nil || e.ID != r.BlobID([]byte("a\n")) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestWriteWorktree(t *testing.T) {
	r, dir := newWorktree(t, map[string]string{"a": "a1\n", "x/y/z": "z\n", "run": "r\n", "crlf": "one\r\n"})
	must(t, os.Chmod(filepath.Join(dir, "run"), 0o755))
	must(t, os.Symlink("x", filepath.Join(dir, "link")))
	must(t, os.Symlink("/etc/hostname", filepath.Join(dir, "out")))
	put(t, filepath.Join(dir, "module/.git"), "gitdir: elsewhere")
	a1, none, unix := r.BlobID([]byte("a1\n")), ID(""), r.BlobID([]byte("one\n"))
	must(t, r.WriteWorktree(t.Context(), []FileEdit{
		{Path: "a", Data: []byte("a2\n"), Base: &a1},
		{Path: "n/m/o", Data: []byte("new\n"), Base: &none},
		{Path: "x/y/z", Delete: true},
		{Path: "not/there", Delete: true},
		{Path: "run", Data: []byte("r2\n")},
		{Path: "crlf", Data: []byte("two\n"), Base: &unix},
	}))
	for name, want := range map[string]string{"a": "a2\n", "n/m/o": "new\n", "x": "(none)", "run": "r2\n", "crlf": "two\n"} {
		if got := contents(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "run")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("run lost its mode: %v", info.Mode())
	}
	before := shell(t, dir, "status", "--porcelain", "-uall")
	for name, e := range map[string]FileEdit{
		"a stale base":              {Path: "a", Data: []byte("x"), Base: &a1},
		"it is there":               {Path: "a", Data: []byte("x"), Base: &none},
		"it is gone":                {Path: "q", Data: []byte("x"), Base: &a1},
		"through a link":            {Path: "link/f", Data: []byte("x")},
		"over a link":               {Path: "out", Data: []byte("x")},
		"below a file":              {Path: "a/b", Data: []byte("x")},
		"over a folder":             {Path: "n/m", Data: []byte("x")},
		"inside another repository": {Path: "module/f", Data: []byte("x")},
		"delete a link":             {Path: "out", Delete: true},
	} {
		err := r.WriteWorktree(t.Context(), []FileEdit{{Path: "first/one", Data: []byte("x")}, e})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.WriteWorktree(t.Context(), []FileEdit{{Path: ".git/config", Data: nil}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("into .git: %v", err)
	}
	if got := shell(t, dir, "status", "--porcelain", "-uall"); got != before {
		t.Errorf("refused edits left %s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "first")); err == nil {
		t.Error("a refused edit left a folder")
	}
}

func TestAuthorIsWhoTheirGitSays(t *testing.T) {
	r, dir := newWorktree(t, nil)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	if who, err := r.Author(t.Context()); who != (Signature{}) || err != nil {
		t.Errorf("%+v, %v", who, err)
	}
	put(t, filepath.Join(home, ".gitconfig"), "[user]\n\tname = Home\n\temail = home@example.org\n")
	shell(t, dir, "config", "user.email", "repo@example.org")
	if who, err := r.Author(t.Context()); who != (Signature{Name: "Home", Email: "repo@example.org"}) || err != nil {
		t.Errorf("%+v, %v", who, err)
	}
}
