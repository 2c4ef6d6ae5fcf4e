package git

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var someone = Signature{Name: "Ada Lovelace", Email: "ada@example.org", When: time.Unix(1_700_000_000, 0).In(time.FixedZone("", 3600))}

// shell runs the real git in dir, apart from this package's way of calling it.
func shell(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return shellInput(t, dir, "", args...)
}

func shellInput(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=T", "GIT_AUTHOR_EMAIL=t@example.org", "GIT_COMMITTER_NAME=T", "GIT_COMMITTER_EMAIL=t@example.org")
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

func newBare(t testing.TB) *Repo {
	t.Helper()
	r, err := Init(t.Context(), filepath.Join(t.TempDir(), "site.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

// newWorktree is a repository with a work tree whose branch main has the files.
func newWorktree(t testing.TB, files map[string]string) (*Repo, string) {
	t.Helper()
	dir := t.TempDir()
	shell(t, dir, "init", "-q", "-b", "main")
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	shell(t, dir, "add", "-A")
	shell(t, dir, "commit", "-q", "--allow-empty", "-m", "first")
	return open(t, dir), dir
}

func open(t testing.TB, dir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func put(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// blob stores text.
func blob(t testing.TB, r *Repo, text string) ID {
	t.Helper()
	id, err := r.WriteBlob(t.Context(), []byte(text))
	must(t, err)
	return id
}

// commitFiles stores a commit on parent with files changed; an empty text
// deletes.
func commitFiles(t testing.TB, r *Repo, parent ID, files map[string]string) ID {
	t.Helper()
	var edits []Edit
	for path, text := range files {
		e := Edit{Path: path}
		if text != "" {
			e.Blob = blob(t, r, text)
		}
		edits = append(edits, e)
	}
	tree, err := r.WriteTree(t.Context(), parent, edits)
	must(t, err)
	spec := CommitSpec{Tree: tree, Author: someone, Committer: someone, Message: "change"}
	if parent != "" {
		spec.Parents = []ID{parent}
	}
	id, err := r.WriteCommit(t.Context(), spec)
	must(t, err)
	return id
}

// grow commits files to a branch, and moves it.
func grow(t testing.TB, r *Repo, branch string, files map[string]string) ID {
	t.Helper()
	old, _ := r.Resolve(t.Context(), "refs/heads/"+branch)
	id := commitFiles(t, r, old, files)
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/" + branch, old, id}))
	return id
}

func fsck(t testing.TB, r *Repo) {
	t.Helper()
	if out := shell(t, r.Dir, "fsck", "--strict", "--full", "--no-dangling"); out != "" {
		t.Errorf("git fsck: %s", out)
	}
}

// remove takes a loose object away.
func remove(t testing.TB, r *Repo, id string) {
	t.Helper()
	must(t, os.Remove(filepath.Join(r.common, "objects", id[:2], id[2:])))
}
