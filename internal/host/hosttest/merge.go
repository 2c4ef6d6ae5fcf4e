package hosttest

import (
	"slices"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/host"
)

// pins are the options of a merge of cms/posts/a as things stand.
func pins(t *testing.T, f Fixture) host.MergeOptions {
	t.Helper()
	return host.MergeOptions{
		HeadCommit: f.Head(t, "cms/posts/a"), BaseCommit: f.Head(t, f.Base), Message: "Publish it\n\nWith a body.",
		Author: host.Person{Name: "Ada Byron", Email: "ada@example.org"}, DeleteHead: true,
	}
}

func mergeCommit(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "draft\n").Number
	f.Commit(t, f.Base, map[string]string{"b.md": "published meanwhile\n"})
	o := pins(t, f)
	commit, err := f.Host.Merge(t.Context(), n, o)
	ok(t, "Merge", err)
	if f.Head(t, f.Base) != commit {
		t.Errorf("%s is at %s, Merge answered %s", f.Base, f.Head(t, f.Base), commit)
	}
	if got := f.Parents(t, commit); !slices.Equal(got, []string{o.BaseCommit, o.HeadCommit}) {
		t.Errorf("parents %v, want base and head", got)
	}
	if a, b := f.File(t, commit, "a.md"), f.File(t, commit, "b.md"); a != "draft\n" || b != "published meanwhile\n" {
		t.Errorf("files %q and %q after the merge", a, b)
	}
	if got := get(t, f, n); got.State != host.Merged {
		t.Errorf("state %q after the merge", got.State)
	}
	if got := f.Head(t, "cms/posts/a"); got != "" {
		t.Errorf("the head branch is still at %s", got)
	}
}

func mergeSquashed(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "one\n").Number
	f.Commit(t, "cms/posts/a", map[string]string{"a.md": "two\n"})
	o := pins(t, f)
	o.Squash = true
	commit, err := f.Host.Merge(t.Context(), n, o)
	ok(t, "Merge", err)
	if got := f.Parents(t, commit); !slices.Equal(got, []string{o.BaseCommit}) {
		t.Errorf("parents %v, want the base alone", got)
	}
	if got := f.File(t, commit, "a.md"); got != "two\n" {
		t.Errorf("a.md is %q", got)
	}
}

func mergeKeepsHead(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	o := pins(t, f)
	o.DeleteHead = false
	_, err := f.Host.Merge(t.Context(), n, o)
	ok(t, "Merge", err)
	if got := f.Head(t, "cms/posts/a"); got != o.HeadCommit {
		t.Errorf("the head branch is at %q, want %q", got, o.HeadCommit)
	}
}

func mergePinnedHead(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "reviewed\n").Number
	o := pins(t, f)
	f.Commit(t, "cms/posts/a", map[string]string{"a.md": "slipped in after the review\n"})
	unmerged(t, f, n, o)
}

func mergePinnedBase(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	o := pins(t, f)
	f.Commit(t, f.Base, map[string]string{"b.md": "b\n"})
	unmerged(t, f, n, o)
}

func mergeConflict(t *testing.T, f Fixture) {
	f.Commit(t, f.Base, map[string]string{"a.md": "before\n"})
	n := draft(t, f, "cms/posts/a", "a.md", "draft\n").Number
	f.Commit(t, f.Base, map[string]string{"a.md": "published meanwhile\n"})
	unmerged(t, f, n, pins(t, f))
}

// unmerged merges, and wants a Conflict after which nothing has changed.
func unmerged(t *testing.T, f Fixture, number int, o host.MergeOptions) {
	t.Helper()
	base, head := f.Head(t, f.Base), f.Head(t, "cms/posts/a")
	_, err := f.Host.Merge(t.Context(), number, o)
	wantKind(t, "Merge", err, fault.Conflict)
	if f.Head(t, f.Base) != base || f.Head(t, "cms/posts/a") != head {
		t.Error("a refused merge moved a branch")
	}
	if got := get(t, f, number); got.State != host.Open {
		t.Errorf("a refused merge left the state %q", got.State)
	}
}

func mergeTwice(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	o := pins(t, f)
	o.DeleteHead = false
	_, err := f.Host.Merge(t.Context(), n, o)
	ok(t, "Merge", err)
	o.BaseCommit = f.Head(t, f.Base)
	_, err = f.Host.Merge(t.Context(), n, o)
	wantKind(t, "a second Merge", err, fault.Conflict)
	wantKind(t, "Reopen of a merged one", f.Host.Reopen(t.Context(), n), fault.Conflict, fault.Invalid)
	if f.Head(t, f.Base) != o.BaseCommit {
		t.Error("a refused merge moved the base")
	}
}
