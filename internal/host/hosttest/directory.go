package hosttest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Directory is a repository on disk that a test looks at and changes from the
// outside, with the git command alone.
type Directory struct {
	Path string // of the bare repository, or of a work tree
}

// NewDirectory makes a bare repository with one commit on branch that holds
// files. Without files there is no commit.
func NewDirectory(t *testing.T, branch string, files map[string]string) Directory {
	t.Helper()
	d := Directory{Path: filepath.Join(t.TempDir(), "site.git")}
	if err := os.Mkdir(d.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	d.Git(t, "init", "--quiet", "--bare", "--initial-branch", branch)
	if len(files) > 0 {
		d.Commit(t, branch, files)
	}
	return d
}

// Git runs git in the directory and answers its output without the last newline.
func (d Directory) Git(t testing.TB, args ...string) string {
	t.Helper()
	return d.git(t, nil, "", args...)
}

// GitInput is Git with standard input.
func (d Directory) GitInput(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	return d.git(t, nil, stdin, args...)
}

func (d Directory) git(t testing.TB, env []string, stdin string, args ...string) string {
	t.Helper()
	out, err := d.try(env, stdin, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (d Directory) try(env []string, stdin string, args ...string) (string, error) {
	cmd := exec.Command("git", args...) //nolint:noctx // a test's own short command
	cmd.Dir = d.Path
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + d.Path, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Grace Hopper", "GIT_AUTHOR_EMAIL=grace@example.org", "GIT_AUTHOR_DATE=2026-11-22T12:04:00Z",
		"GIT_COMMITTER_NAME=Grace Hopper", "GIT_COMMITTER_EMAIL=grace@example.org", "GIT_COMMITTER_DATE=2026-11-22T12:04:00Z",
	}, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return stderr.String(), err
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// Commit puts files (path to content; empty deletes) on top of branch and
// answers the commit. A new branch begins at HEAD's, where that has a commit.
func (d Directory) Commit(t *testing.T, branch string, files map[string]string) string {
	t.Helper()
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(t.TempDir(), "index")}
	parent := d.Head(t, branch)
	if parent == "" {
		parent, _ = d.try(nil, "", "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	}
	var lines strings.Builder
	for path, content := range files {
		if content == "" {
			lines.WriteString("0 " + strings.Repeat("0", 40) + "\t" + path + "\x00")
			continue
		}
		lines.WriteString("100644 " + d.git(t, nil, content, "hash-object", "-w", "--stdin") + "\t" + path + "\x00")
	}
	commit := []string{"commit-tree", "-m", "Made outside"}
	if parent != "" {
		d.git(t, index, "", "read-tree", parent)
		commit = append(commit, "-p", parent)
	}
	d.git(t, index, lines.String(), "update-index", "-z", "--index-info")
	id := d.Git(t, append(commit, d.git(t, index, "", "write-tree"))...)
	d.Git(t, "update-ref", "refs/heads/"+branch, id)
	return id
}

// Head is where a branch points; "" when there is none.
func (d Directory) Head(t *testing.T, branch string) string {
	t.Helper()
	return d.Ref(t, "refs/heads/"+branch)
}

// Ref is where a ref points; "" when there is none.
func (d Directory) Ref(t *testing.T, name string) string {
	t.Helper()
	id, err := d.try(nil, "", "rev-parse", "--verify", "--quiet", name)
	if err != nil {
		return ""
	}
	return id
}

// Parents are the ids of a commit's parents.
func (d Directory) Parents(t *testing.T, commit string) []string {
	t.Helper()
	return strings.Fields(d.Git(t, "log", "-1", "--format=%P", commit))
}

// File is a file's content in a commit or branch; "" when there is none.
func (d Directory) File(t *testing.T, commit, path string) string {
	t.Helper()
	cmd := exec.Command("git", "cat-file", "blob", commit+":"+path) //nolint:noctx // a test's own short command
	cmd.Dir = d.Path
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// Fsck checks every object of the repository.
func (d Directory) Fsck(t *testing.T) {
	t.Helper()
	if out, err := d.try(nil, "", "fsck", "--full", "--strict", "--no-dangling"); err != nil {
		t.Errorf("git fsck: %v\n%s", err, out)
	}
}
