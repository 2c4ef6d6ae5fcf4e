package hosttest

import (
	"slices"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/host"
)

func access(t *testing.T, f Fixture) {
	a, err := f.Host.Access(t.Context())
	ok(t, "Access", err)
	if !a.Read || !a.Write || a.DefaultBranch != f.Base || a.Repository == "" {
		t.Errorf("Access = %+v, want read and write, a name, and default branch %q", a, f.Base)
	}
}

func opens(t *testing.T, f Fixture) {
	opened := draft(t, f, "cms/posts/größe-1", "a.md", "a\n")
	got := get(t, f, opened.Number)
	if got.Number < 1 || got.State != host.Open || got.Status != host.Draft || got.Label != prefix+"draft" ||
		got.Title != "Create a.md" || got.Body != "Made by a test" || got.Head != "cms/posts/größe-1" || got.Base != f.Base {
		t.Errorf("read back %+v", got)
	}
	if got.Author == (host.Person{}) || got.Created.IsZero() || got.Updated.Before(got.Created) {
		t.Errorf("author and times of %+v", got)
	}
	if opened != got {
		t.Errorf("Open answered\n%+v, then it reads\n%+v", opened, got)
	}
}

func openTwice(t *testing.T, f Fixture) {
	first := draft(t, f, "cms/posts/a", "a.md", "a\n")
	n := host.NewChangeRequest{Title: "again", Head: "cms/posts/a", Base: f.Base, Status: host.Draft, LabelPrefix: prefix}
	_, err := f.Host.Open(t.Context(), n)
	wantKind(t, "a second one for the same head", err, fault.Conflict)
	ok(t, "Close", f.Host.Close(t.Context(), first.Number))
	_, err = f.Host.Open(t.Context(), n)
	ok(t, "Open after the first was closed", err)
}

func openWrong(t *testing.T, f Fixture) {
	f.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	for name, n := range map[string]host.NewChangeRequest{
		"no such head":  {Title: "x", Head: "cms/posts/none", Base: f.Base},
		"no such base":  {Title: "x", Head: "cms/posts/a", Base: "none"},
		"one branch":    {Title: "x", Head: f.Base, Base: f.Base},
		"not a status":  {Title: "x", Head: "cms/posts/a", Base: f.Base, Status: "ready", LabelPrefix: prefix},
		"not a branch":  {Title: "x", Head: "a..b", Base: f.Base},
		"no head named": {Title: "x", Base: f.Base},
	} {
		_, err := f.Host.Open(t.Context(), n)
		wantKind(t, name, err, fault.NotFound, fault.Invalid)
	}
	all, err := f.Host.ChangeRequests(t.Context(), host.Query{})
	ok(t, "ChangeRequests", err)
	if len(all) != 0 {
		t.Errorf("a refused Open left %v", numbersOf(all))
	}
}

func list(t *testing.T, f Fixture) {
	a := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	b := draft(t, f, "cms/posts/b", "b.md", "b\n").Number
	c := draft(t, f, "cms/posts/c", "c.md", "c\n").Number
	d := draft(t, f, "cms/posts/d", "d.md", "d\n").Number
	ok(t, "SetStatus", f.Host.SetStatus(t.Context(), b, host.PendingReview, prefix))
	ok(t, "Close", f.Host.Close(t.Context(), c))
	_, err := f.Host.Merge(t.Context(), d, host.MergeOptions{
		HeadCommit: f.Head(t, "cms/posts/d"), BaseCommit: f.Head(t, f.Base), Message: "Publish d", DeleteHead: true,
	})
	ok(t, "Merge", err)
	for _, q := range []struct {
		query host.Query
		want  []int // newest update first
	}{
		{host.Query{State: host.Open}, []int{b, a}},
		{host.Query{State: host.Closed}, []int{c}},
		{host.Query{State: host.Merged}, []int{d}},
		{host.Query{}, []int{d, c, b, a}},
		{host.Query{Head: "cms/posts/b"}, []int{b}},
		{host.Query{Head: "cms/posts"}, nil},
		{host.Query{State: host.Open, Base: f.Base}, []int{b, a}},
		{host.Query{Base: "elsewhere"}, nil},
	} {
		got, err := f.Host.ChangeRequests(t.Context(), q.query)
		ok(t, "ChangeRequests", err)
		if !slices.Equal(numbersOf(got), q.want) {
			t.Errorf("%+v lists %v, want %v", q.query, numbersOf(got), q.want)
		}
	}
}

func absent(t *testing.T, f Fixture) {
	for _, n := range []int{-1, 0, 1, 4711} {
		_, err := f.Host.ChangeRequest(t.Context(), n)
		wantKind(t, "ChangeRequest", err, fault.NotFound)
		_, err = f.Host.Merge(t.Context(), n, host.MergeOptions{HeadCommit: f.Head(t, f.Base), BaseCommit: f.Head(t, f.Base)})
		wantKind(t, "Merge", err, fault.NotFound)
		wantKind(t, "Close", f.Host.Close(t.Context(), n), fault.NotFound)
		wantKind(t, "Reopen", f.Host.Reopen(t.Context(), n), fault.NotFound)
		wantKind(t, "SetStatus", f.Host.SetStatus(t.Context(), n, host.Draft, prefix), fault.NotFound)
	}
}

func status(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	for _, s := range []host.Status{host.PendingReview, host.PendingPublish, host.PendingPublish, host.Draft} {
		ok(t, "SetStatus", f.Host.SetStatus(t.Context(), n, s, prefix))
		if got := get(t, f, n); got.Status != s || got.Label != prefix+string(s) {
			t.Errorf("after %s: status %q, label %q", s, got.Status, got.Label)
		}
	}
	wantKind(t, "a status that is none", f.Host.SetStatus(t.Context(), n, "ready", prefix), fault.Invalid)
	if got := get(t, f, n); got.Status != host.Draft {
		t.Errorf("a refused status left %q", got.Status)
	}
}

func otherLabels(t *testing.T, f Fixture) {
	if f.AddLabel == nil {
		t.Skip("this host has no other labels")
	}
	n := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	f.AddLabel(t, n, "urgent")
	ok(t, "SetStatus", f.Host.SetStatus(t.Context(), n, host.PendingReview, prefix))
	got := f.Labels(t, n)
	slices.Sort(got)
	if want := []string{prefix + "pending_review", "urgent"}; !slices.Equal(got, want) {
		t.Errorf("labels %q, want %q", got, want)
	}
}

func closeReopen(t *testing.T, f Fixture) {
	n := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	head := f.Head(t, "cms/posts/a")
	wantKind(t, "Reopen of an open one", f.Host.Reopen(t.Context(), n), fault.Conflict, fault.Invalid)
	ok(t, "Close", f.Host.Close(t.Context(), n))
	if got := get(t, f, n); got.State != host.Closed {
		t.Errorf("state %q after Close", got.State)
	}
	if f.Head(t, "cms/posts/a") != head {
		t.Error("Close moved the head branch")
	}
	ok(t, "Reopen", f.Host.Reopen(t.Context(), n))
	if got := get(t, f, n); got.State != host.Open || got.Status != host.Draft {
		t.Errorf("%+v after Reopen", got)
	}
}

func numbers(t *testing.T, f Fixture) {
	first := draft(t, f, "cms/posts/a", "a.md", "a\n").Number
	ok(t, "Close", f.Host.Close(t.Context(), first))
	second := draft(t, f, "cms/posts/b", "b.md", "b\n").Number
	if second <= first {
		t.Errorf("number %d after %d", second, first)
	}
}

func commitStatuses(t *testing.T, f Fixture) {
	commit := f.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	got, err := f.Host.CommitStatuses(t.Context(), commit)
	ok(t, "CommitStatuses", err)
	if len(got) != 0 {
		t.Errorf("a new commit has statuses %+v", got)
	}
	want := host.CommitStatus{Context: "deploy/preview", State: "success", URL: "https://preview.example/" + commit}
	f.SetCommitStatus(t, commit, want)
	got, err = f.Host.CommitStatuses(t.Context(), commit)
	ok(t, "CommitStatuses", err)
	if !slices.Equal(got, []host.CommitStatus{want}) {
		t.Errorf("statuses %+v, want %+v", got, want)
	}
}
