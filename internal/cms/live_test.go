package cms_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/local"
	"gatehouse/internal/mirror"
	"gatehouse/internal/store"
)

// laptop is a site whose branch is the work tree on disk.
func laptop(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	for path, data := range files() {
		writeFile(t, dir, path, data)
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"add", "-A"},
		{"-c", "user.name=Dev", "-c", "user.email=dev@example.org", "commit", "-q", "-m", "Begin"},
	} {
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	repo, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	r := &mirror.Repository{Git: repo, Host: &local.Host{Git: repo}, Live: true}
	s := &site{t: t, dir: dir, Service: &cms.Service{Repo: r, Versions: &cms.Versions{Store: openStore(t, store.Memory), Site: "local"}}}
	r.Validate = s.Validate
	return s
}

func writeFile(t *testing.T, dir, path, data string) {
	t.Helper()
	full := filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *site) onDisk(path string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, path))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(data)
}

func TestOnALaptopFilesAreReadAndWrittenAsTheyAreOnDisk(t *testing.T) {
	s, ctx, ada := laptop(t), t.Context(), person("Ada")
	head := s.git("rev-parse", "main")
	writeFile(t, s.dir, "content/posts/unsaved.md", text("Not committed"))
	all, err := listed(s.Entries(ctx, ada, "content/posts", "md", 1))
	if err != nil || len(all) != 4 {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	s.open(ada, "content/posts/unsaved.md")
	s.save(ada, direct(with(noBase("posts", "unsaved", "content/posts/unsaved.md", text("By Ada")), "static/uploads/x.png")))
	if got := s.onDisk("content/posts/unsaved.md"); got != text("By Ada") {
		t.Errorf("on disk: %q", got)
	}
	writeFile(t, s.dir, "content/posts/unsaved.md", text("By the editor"))
	_, err = s.Save(ctx, ada, direct(noBase("posts", "unsaved", "content/posts/unsaved.md", text("By Ada again"))))
	wantFault(t, err, fault.Conflict, "content/posts/unsaved.md")
	if m, err := s.MediaFile(ctx, ada, "static/uploads/x.png"); err != nil || m.ID == "" {
		t.Errorf("%+v, %v", m, err)
	} else if r, _, err := s.Blob(ctx, ada, m.ID); err != nil {
		t.Error(err)
	} else {
		_ = r.Close()
	}
	if err := s.Delete(ctx, ada, []string{"static/uploads/x.png"}, ""); err != nil {
		t.Fatal(err)
	}
	if got := s.onDisk("static/uploads/x.png"); got != "" {
		t.Errorf("on disk: %q", got)
	}
	if now := s.git("rev-parse", "main"); now != head {
		t.Error("something was committed")
	}
}

func TestOnALaptopADraftIsPublishedToDisk(t *testing.T) {
	s, ctx, ada := laptop(t), t.Context(), person("Ada")
	writeFile(t, s.dir, postB, text("B, not committed"))
	s.save(ada, with(fresh("posts", "n", "content/posts/n.md", text("N")), "static/uploads/n.png"))
	if got := s.onDisk("content/posts/n.md"); got != "" {
		t.Errorf("a draft is on disk: %q", got)
	}
	writeFile(t, s.dir, postA, text("A, changed by hand"))
	if d := s.draft("posts", "n"); len(d.Diffs) != 2 {
		t.Errorf("the draft: %+v", d.Diffs)
	}
	s.save(ada, with(noBase("posts", "n", "content/posts/n.md", text("N2")), "static/uploads/n.png"))
	if err := s.SetStatus(ctx, ada, "posts", "n", host.PendingPublish); err != nil {
		t.Fatal(err)
	}
	s.publish(ada, "posts", "n")
	for path, want := range map[string]string{"content/posts/n.md": text("N2"), postA: text("A, changed by hand"), postB: text("B, not committed")} {
		if got := s.onDisk(path); got != want {
			t.Errorf("%s on disk: %q", path, got)
		}
	}
	s.save(ada, fresh("posts", "m", "content/posts/m.md", text("M")))
	if err := s.Discard(ctx, ada, "posts", "m"); err != nil {
		t.Fatal(err)
	}
}

func TestOnALaptopARenameMovesTheFolder(t *testing.T) {
	s, ada := laptop(t), person("Ada")
	e := noBase("pages", "x/index", "content/pages/x/index.md", text("Moved"))
	e.Files[0].NewPath = "content/pages/moved/index.md"
	s.save(ada, direct(e))
	if s.onDisk("content/pages/x/y/z.md") != "" || s.onDisk("content/pages/moved/y/z.md") != text("Z") || s.onDisk("content/pages/moved/index.md") != text("Moved") {
		t.Error("the folder did not move")
	}
}
