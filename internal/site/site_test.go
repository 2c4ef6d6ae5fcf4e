package site

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/mirror"
)

// repository makes a bare one with branches that all point to one commit.
func repository(t *testing.T, branches ...string) *git.Repo {
	t.Helper()
	ctx := t.Context()
	repo, err := git.Init(ctx, filepath.Join(t.TempDir(), "r.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := repo.Close(); err != nil {
			t.Error(err)
		}
	})
	blob, err := repo.WriteBlob(ctx, []byte("x\n"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.WriteTree(ctx, "", []git.Edit{{Path: "a.md", Blob: blob}})
	if err != nil {
		t.Fatal(err)
	}
	who := git.Signature{Name: "Ann", Email: "ann@example.org", When: time.Unix(0, 0)}
	commit, err := repo.WriteCommit(ctx, git.CommitSpec{Tree: tree, Author: who, Committer: who, Message: "m"})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range branches {
		if err := repo.UpdateRefs(ctx, git.RefUpdate{Name: "refs/heads/" + b, New: commit}); err != nil {
			t.Fatal(err)
		}
	}
	return repo
}

func TestCheckBranch(t *testing.T) {
	plain := repository(t, "main", "dev", "cms/posts/a")
	old := repository(t, "main", "master")
	tests := []struct {
		repo               *git.Repo
		site, asked, fails string
	}{
		{plain, "main", "", ""},
		{plain, "main", "main", ""},
		{plain, "", "main", ""}, // nobody named one: the repository's default
		{plain, "main", "master", ""},
		{plain, "main", "dev", `is edited on the branch "main", and this page asks for "dev"`},
		{plain, "main", "trunk", `has no branch "trunk". It has: dev, main. Set backend.branch to "main"`},
		{old, "main", "master", `this page asks for "master"`},
		{old, "master", "main", `this page asks for "main"`},
	}
	for _, tt := range tests {
		s := &Site{Name: "blog", Branch: tt.site, Repo: &mirror.Repository{Git: tt.repo}}
		err := s.CheckBranch(context.Background(), tt.asked)
		switch {
		case tt.fails == "" && err != nil:
			t.Errorf("site on %q, asked for %q: %v", tt.site, tt.asked, err)
		case tt.fails != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), tt.fails)):
			t.Errorf("site on %q, asked for %q: %v, want %q", tt.site, tt.asked, err, tt.fails)
		}
	}
}

func TestOpenFolder(t *testing.T) {
	plain := t.TempDir()
	write(t, filepath.Join(plain, "content", "a.md"), "hello\n")
	write(t, filepath.Join(plain, "node_modules", "big", "index.md"), "package\n")
	f, err := OpenFolder(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	if f.Workflow {
		t.Error("a folder without Git claims to keep drafts")
	}
	commit, err := f.Repo.SnapshotWorktree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := f.Repo.Tree(t.Context(), commit, "", 0)
	if err != nil || len(files) != 1 || files[0].Path != "content/a.md" {
		t.Errorf("files of the folder: %v, %v", files, err)
	}
	if err := f.Repo.WriteWorktree(t.Context(), []git.FileEdit{{Path: "content/b.md", Data: []byte("new\n")}}); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(plain, "content", "b.md")); err != nil || string(data) != "new\n" {
		t.Errorf("what was written: %q, %v", data, err)
	}
	private := f.private
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(private); !os.IsNotExist(err) {
		t.Errorf("the private repository stays behind: %v", err)
	}
	if _, err := os.Stat(filepath.Join(plain, ".git")); !os.IsNotExist(err) {
		t.Errorf("the folder got a .git: %v", err)
	}
}

func TestOpenFolderWantsADirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "x")
	for _, path := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "file")} {
		if _, err := OpenFolder(t.Context(), path); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
