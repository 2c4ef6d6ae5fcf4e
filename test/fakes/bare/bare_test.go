package bare

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

func ann() git.Signature {
	return git.Signature{Name: "Ann", Email: "ann@example.org", When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func repository(t *testing.T) *Repository {
	t.Helper()
	s := NewStore(t.TempDir())
	t.Cleanup(func() { _ = s.Close() })
	r, err := s.Add(t.Context(), Spec{Path: "Org/Site", Author: ann(), Files: map[string][]byte{
		"a.txt": []byte("one\ntwo\n"), "b/c.txt": []byte("x"), "p.bin": {0, 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Find("org/site"); !ok {
		t.Error("not found by another letter case")
	}
	if found, ok := s.Find("1"); !ok || found != r {
		t.Error("not found by id")
	}
	if _, err := s.Add(t.Context(), Spec{Path: "org/site"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("added twice: %v", err)
	}
	return r
}

func put(path, text string) func(context.Context, git.ID) ([]Change, error) {
	return func(context.Context, git.ID) ([]Change, error) {
		return []Change{{Path: path, Data: []byte(text)}}, nil
	}
}

func read(t *testing.T, r *Repository, branch, path string) string {
	t.Helper()
	head, err := r.Head(t.Context(), branch)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := r.Git.Stat(t.Context(), head, path)
	if err != nil {
		return ""
	}
	data, err := r.Git.Blob(t.Context(), entry.ID)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRights(t *testing.T) {
	t.Parallel()
	r := &Repository{Path: "a/b/c", Private: true}
	if r.Right("ann") != None || r.Owner() != "a/b" || r.Name() != "c" {
		t.Error("a private repository is read by anybody")
	}
	r.Allow("Ann", Write)
	if r.Right("ann") != Write || r.Right("") != None {
		t.Error("rights")
	}
	r.Private = false
	if r.Right("") != Read || r.Given("ben") != None {
		t.Error("public rights")
	}
}

func TestBranchCommitMerge(t *testing.T) {
	t.Parallel()
	r, ctx := repository(t), t.Context()
	head, _ := r.Head(ctx, "main")
	if _, err := r.Commit(ctx, Commit{Branch: "cms/x", Changes: put("n.txt", "n"), Author: ann(), Message: "m"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a branch that is not there: %v", err)
	}
	draft := Commit{Branch: "cms/x", Start: head, Changes: put("n.txt", "n\n"), Author: ann(), Message: "m"}
	if _, err := r.Commit(ctx, draft); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(ctx, draft); !fault.Is(err, fault.Conflict) {
		t.Errorf("a new branch that is there: %v", err)
	}
	if _, err := r.Commit(ctx, Commit{Branch: "main", Changes: put("a.txt", "three\n"), Author: ann(), Message: "m"}); err != nil {
		t.Fatal(err)
	}
	source, _ := r.Head(ctx, "cms/x")
	target, _ := r.Head(ctx, "main")
	changes, err := r.Diff(ctx, target, source)
	if err != nil || len(changes) != 1 || changes[0].Path != "n.txt" {
		t.Fatalf("Diff: %v %v", changes, err)
	}
	if text, binary, err := r.Patch(ctx, changes[0]); err != nil || binary || text != "@@ -0,0 +1,1 @@\n+n\n" {
		t.Errorf("Patch: %q %v %v", text, binary, err)
	}
	if err := r.Rebase(ctx, "cms/x", "main", ann()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, r, "cms/x", "a.txt"); got != "three\n" {
		t.Errorf("after the rebase: %q", got)
	}
	if _, err := r.Merge(ctx, Join{Source: "cms/x", Target: "main", Message: "m", Author: ann(), Squash: true}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, r, "main", "n.txt"); got != "n\n" {
		t.Errorf("after the merge: %q", got)
	}
	if err := r.Delete(ctx, "cms/x"); err != nil {
		t.Fatal(err)
	}
	branches, err := r.Branches(ctx)
	if err != nil || len(branches) != 1 || branches[0].Name != "main" {
		t.Errorf("%v %v", branches, err)
	}
}

func TestMergeThatDoesNotFit(t *testing.T) {
	t.Parallel()
	r, ctx := repository(t), t.Context()
	head, _ := r.Head(ctx, "main")
	for branch, start := range map[string]git.ID{"cms/x": head, "main": ""} {
		if _, err := r.Commit(ctx, Commit{Branch: branch, Start: start, Changes: put("a.txt", branch), Author: ann(), Message: "m"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := r.Merge(ctx, Join{Source: "cms/x", Target: "main", Message: "m", Author: ann()})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if got := read(t, r, "main", "a.txt"); got != "main" {
		t.Errorf("main moved: %q", got)
	}
}

func TestPatch(t *testing.T) {
	t.Parallel()
	r, ctx := repository(t), t.Context()
	head, _ := r.Head(ctx, "main")
	all, err := r.Git.Diff(ctx, "", head)
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) git.Change {
		return all[slices.IndexFunc(all, func(c git.Change) bool { return c.Path == path })]
	}
	if _, binary, _ := r.Patch(ctx, at("p.bin")); !binary {
		t.Error("a zero byte is text")
	}
	c := at("b/c.txt")
	c.Old, c.New = c.New, ""
	if text, _, _ := r.Patch(ctx, c); !strings.HasPrefix(text, "@@ -1,1 +0,0 @@\n-x\n\\ No newline") {
		t.Errorf("%q", text)
	}
}

func TestWritersAtTheSameTimeLoseNothing(t *testing.T) {
	t.Parallel()
	r, ctx := repository(t), t.Context()
	var wg sync.WaitGroup
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		wg.Go(func() {
			if _, err := r.Commit(ctx, Commit{Branch: "main", Changes: put("w/"+name, name), Author: ann(), Message: "m"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		if read(t, r, "main", "w/"+name) != name {
			t.Errorf("w/%s is lost", name)
		}
	}
}

func TestResolveTakesNoExpressions(t *testing.T) {
	t.Parallel()
	r, ctx := repository(t), t.Context()
	head, _ := r.Head(ctx, "main")
	for _, rev := range []string{"main", string(head), string(head[:12])} {
		if id, err := r.Resolve(ctx, rev); err != nil || id != head {
			t.Errorf("%s: %v %v", rev, id, err)
		}
	}
	for _, rev := range []string{"", "main~1", "HEAD", "--all", "main:a.txt", "0123456"} {
		if _, err := r.Resolve(ctx, rev); err == nil {
			t.Errorf("%q is taken", rev)
		}
	}
}
