package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"gatehouse/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOpenFindsTheGitDirectory(t *testing.T) {
	r, dir := newWorktree(t, map[string]string{"a.md": "a"})
	if r.Dir != filepath.Join(dir, ".git") || r.worktree != dir {
		t.Errorf("opened %s, work tree %s", r.Dir, r.worktree)
	}
	if inner := open(t, filepath.Join(dir, ".git")); inner.Dir != r.Dir || inner.worktree != dir {
		t.Errorf("opened .git as %s, work tree %s", inner.Dir, inner.worktree)
	}
	linked := filepath.Join(t.TempDir(), "linked")
	shell(t, dir, "worktree", "add", "-q", linked, "-b", "side")
	l := open(t, linked)
	if l.common != r.Dir || l.worktree != linked || l.Dir == r.Dir {
		t.Errorf("opened the linked work tree as %s of %s, work tree %s", l.Dir, l.common, l.worktree)
	}
	if b, err := l.Branch(t.Context()); b != "side" || err != nil {
		t.Errorf("branch of the linked work tree: %q, %v", b, err)
	}
	if bare := newBare(t); bare.worktree != "" {
		t.Errorf("a bare directory has the work tree %s", bare.worktree)
	}
}

func TestOpenRefuses(t *testing.T) {
	bare := func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "r.git")
		shell(t, t.TempDir(), "init", "-q", "--bare", dir)
		return dir
	}
	tests := map[string]struct {
		dir  func(t *testing.T) string
		kind fault.Kind
		says string
	}{
		"a missing directory": {func(t *testing.T) string { return filepath.Join(t.TempDir(), "no") }, fault.NotFound, "There is no directory"},
		"an ordinary directory": {func(t *testing.T) string {
			return t.TempDir()
		}, fault.NotFound, "is not a Git repository"},
		"a folder inside of a work tree": {func(t *testing.T) string {
			_, dir := newWorktree(t, map[string]string{"sub/a.md": "a"})
			return filepath.Join(dir, "sub")
		}, fault.NotFound, "is not a Git repository"},
		"a shallow clone": {func(t *testing.T) string {
			_, from := newWorktree(t, map[string]string{"a.md": "a"})
			shell(t, from, "commit", "-q", "--allow-empty", "-m", "second")
			dir := filepath.Join(t.TempDir(), "shallow.git")
			shell(t, from, "clone", "-q", "--bare", "--depth=1", "file://"+from, dir)
			return dir
		}, fault.Unsupported, "git fetch --unshallow"},
		"a partial clone": {func(t *testing.T) string {
			dir := bare(t)
			shell(t, dir, "config", "remote.origin.promisor", "true")
			return dir
		}, fault.Unsupported, "partial clone"},
		"a directory of Gitea": {func(t *testing.T) string {
			dir := bare(t)
			put(t, filepath.Join(dir, "hooks/update.d/gitea"), "#!/bin/sh\n")
			return dir
		}, fault.Unsupported, "Gitea"},
		"a broken HEAD": {func(t *testing.T) string {
			dir := bare(t)
			put(t, filepath.Join(dir, "HEAD"), "nonsense")
			return dir
		}, fault.Unsupported, "git fsck"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), tt.dir(t))
			if !fault.Is(err, tt.kind) || !strings.Contains(fault.Message(err), tt.says) {
				t.Errorf("got %v: %v", fault.KindOf(err), err)
			}
		})
	}
}

func TestOpenOfSomebodyElsesRepository(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	dir := filepath.Join(t.TempDir(), "r.git")
	shell(t, t.TempDir(), "init", "-q", "--bare", "-b", "main", dir)
	must(t, os.Chown(dir, 12345, 12345))
	r := open(t, dir)
	grow(t, r, "main", map[string]string{"a.md": "a"})
}

func TestInitKeepsAwayFromFullDirectories(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a"), "a")
	if _, err := Init(t.Context(), dir, "main"); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	r := newBare(t)
	if b, err := r.Branch(t.Context()); b != "main" || err != nil {
		t.Errorf("branch %q, %v", b, err)
	}
	if _, err := r.Resolve(t.Context(), "main"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unborn branch resolves: %v", err)
	}
}

func TestHooksAndConfigurationOfThePersonDoNotCount(t *testing.T) {
	home := t.TempDir()
	put(t, filepath.Join(home, ".gitconfig"), "[core]\n\tbroken = [\n[")
	t.Setenv("HOME", home)
	t.Setenv("GIT_DIR", "/nowhere")
	t.Setenv("GIT_OBJECT_DIRECTORY", "/nowhere")
	r := newBare(t)
	hook := filepath.Join(r.Dir, "hooks", "reference-transaction")
	put(t, hook, "#!/bin/sh\ntouch "+home+"/ran\nexit 1\n")
	must(t, os.Chmod(hook, 0o755))
	grow(t, r, "main", map[string]string{"a.md": "a"})
	if _, err := os.Stat(filepath.Join(home, "ran")); err == nil {
		t.Error("a hook ran")
	}
}

func TestAClosedRepositoryAnswersNothing(t *testing.T) {
	r := newBare(t)
	id := grow(t, r, "main", map[string]string{"a.md": "a"})
	if _, err := r.Tree(t.Context(), id, "", 0); err != nil {
		t.Fatal(err)
	}
	must(t, r.Close())
	must(t, r.Close())
	if _, err := r.Resolve(t.Context(), "main"); err == nil {
		t.Error("a closed repository resolves")
	}
	if _, err := r.WriteBlob(t.Context(), []byte("x")); err == nil {
		t.Error("a closed repository writes")
	}
}
