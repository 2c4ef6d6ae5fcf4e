package mirror_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/hosttest"
	"gatehouse/internal/host/local"
	"gatehouse/internal/mirror"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var (
	ada  = git.Signature{Name: "Ada Byron", Email: "ada@example.org"}
	alan = git.Signature{Name: "Alan Turing", Email: "alan@example.org"}
	noon = time.Date(2026, 11, 22, 12, 4, 0, 0, time.UTC)
)

// open is a process's view of the directory.
func open(t *testing.T, d hosttest.Directory) *mirror.Repository {
	t.Helper()
	repo, err := git.Open(t.Context(), d.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	now := func() time.Time { return noon }
	return &mirror.Repository{
		Git: repo, Host: &local.Host{Git: repo, Name: "site", Now: now}, Branch: "main", Now: now,
		Committer: git.Signature{Name: "Gatehouse", Email: "gatehouse@example.org"},
	}
}

func site(t *testing.T, files map[string]string) (hosttest.Directory, *mirror.Repository) {
	t.Helper()
	d := hosttest.NewDirectory(t, "main", files)
	return d, open(t, d)
}

func write(path, text string) mirror.Change {
	return mirror.Change{Path: path, Data: []byte(text)}
}

// had is write by an editor who had opened the given version.
func had(base git.ID, path, text string) mirror.Change {
	return mirror.Change{Path: path, Data: []byte(text), Base: &base}
}

func save(t *testing.T, r *mirror.Repository, who git.Signature, changes ...mirror.Change) mirror.Saved {
	t.Helper()
	saved, err := r.Save(t.Context(), mirror.Save{Branch: "main", Author: who, Message: "Update", Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// draft is a branch with one more commit, and its open change request.
func draft(t *testing.T, r *mirror.Repository, branch string, start git.ID, changes ...mirror.Change) int {
	t.Helper()
	if _, err := r.Save(t.Context(), mirror.Save{Branch: branch, Start: start, Author: ada, Message: "Draft", Changes: changes}); err != nil {
		t.Fatal(err)
	}
	cr, err := r.Host.Open(t.Context(), host.NewChangeRequest{
		Title: "Draft of " + branch, Head: branch, Base: "main", Status: host.Draft, LabelPrefix: "decap-cms/",
		Author: host.Person{Name: ada.Name, Email: ada.Email},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cr.Number
}

func head(t *testing.T, r *mirror.Repository, branch string) git.ID {
	t.Helper()
	s, err := r.Snapshot(t.Context(), branch)
	if err != nil {
		t.Fatal(err)
	}
	return s.Commit
}

// wantFault wants a kind, exactly these paths, and the phrases in the message.
func wantFault(t *testing.T, err error, kind fault.Kind, paths []string, phrases ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind {
		t.Fatalf("error %v, want kind %v", err, kind)
	}
	if !slices.Equal(f.Paths, paths) {
		t.Errorf("paths %q, want %q", f.Paths, paths)
	}
	for _, p := range phrases {
		if !strings.Contains(f.Message, p) {
			t.Errorf("message %q does not say %q", f.Message, p)
		}
	}
}

func blobID(t *testing.T, d hosttest.Directory, rev, path string) git.ID {
	t.Helper()
	return git.ID(d.Git(t, "rev-parse", rev+":"+path))
}

func mktree(t *testing.T, d hosttest.Directory, lines string) string {
	t.Helper()
	return d.GitInput(t, lines, "mktree")
}
