package mirror_test

import (
	"fmt"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host/hosttest"
)

func TestSnapshotFindsTheBranch(t *testing.T) {
	d, r := site(t, map[string]string{"a.md": "a\n"})
	draft := d.Commit(t, "cms/posts/b", map[string]string{"b.md": "b\n"})
	for _, c := range []struct{ ask, branch, commit string }{
		{"main", "main", d.Head(t, "main")},
		{"", "main", d.Head(t, "main")},
		{"master", "main", d.Head(t, "main")}, // what a client asks for that was told no branch
		{"cms/posts/b", "cms/posts/b", draft},
	} {
		got, err := r.Snapshot(t.Context(), c.ask)
		if err != nil || got.Branch != c.branch || got.Commit != git.ID(c.commit) || got.Age != 0 {
			t.Errorf("%q: %+v, %v; want %s at %s", c.ask, got, err, c.branch, c.commit)
		}
	}
	own := d.Commit(t, "master", map[string]string{"c.md": "c\n"})
	if got, err := r.Snapshot(t.Context(), "master"); err != nil || got.Commit != git.ID(own) {
		t.Errorf("a real master: %+v, %v", got, err)
	}
}

func TestSnapshotOfAnUnknownBranchNamesThoseThereAre(t *testing.T) {
	d, r := site(t, map[string]string{"a.md": "a\n"})
	_, err := r.Snapshot(t.Context(), "staging")
	wantFault(t, err, fault.NotFound, nil, "“staging”", "“main”")
	_, err = r.Snapshot(t.Context(), "a..b")
	wantFault(t, err, fault.Invalid, nil)
	for i := range 25 {
		d.Git(t, "update-ref", fmt.Sprintf("refs/heads/b%02d", i), "refs/heads/main")
	}
	_, err = r.Snapshot(t.Context(), "staging")
	wantFault(t, err, fault.NotFound, nil, "“b19” and 6 more")
}

func TestDefaultBranchWhenNoneIsNamed(t *testing.T) {
	d := hosttest.NewDirectory(t, "trunk", map[string]string{"a.md": "a\n"})
	r := open(t, d)
	r.Branch = ""
	if got, err := r.Snapshot(t.Context(), "master"); err != nil || got.Branch != "trunk" {
		t.Errorf("%+v, %v; want trunk", got, err)
	}
}

func TestAnEmptyRepositoryBeginsWithTheFirstSave(t *testing.T) {
	d, r := site(t, nil)
	s, err := r.Snapshot(t.Context(), "")
	if err != nil || s.Branch != "main" || s.Commit != "" {
		t.Fatalf("snapshot %+v, %v; want main without a commit", s, err)
	}
	if _, err := r.Snapshot(t.Context(), "other"); !fault.Is(err, fault.NotFound) {
		t.Errorf("another branch: %v", err)
	}
	saved := save(t, r, ada, had("", "content/posts/a.md", "first\n"))
	if d.Head(t, "main") != string(saved.Commit) || len(d.Parents(t, "main")) != 0 || d.File(t, "main", "content/posts/a.md") != "first\n" {
		t.Error("the first save is not the root commit of main")
	}
}
