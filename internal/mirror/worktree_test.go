package mirror_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/hosttest"
	"gatehouse/internal/mirror"
)

// desk is a developer's directory: a work tree with main checked out.
func desk(t *testing.T, files map[string]string) (hosttest.Directory, *mirror.Repository) {
	t.Helper()
	d := hosttest.Directory{Path: t.TempDir()}
	d.Git(t, "init", "--quiet", "--initial-branch", "main")
	if len(files) > 0 {
		put(t, d, files)
		d.Git(t, "add", "--all")
		d.Git(t, "commit", "--quiet", "--message", "Begin")
	}
	return d, open(t, d)
}

// put writes files to the disk, as the developer's editor does.
func put(t *testing.T, d hosttest.Directory, files map[string]string) {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(d.Path, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// disk is a file on the disk; "" when there is none.
func disk(t *testing.T, d hosttest.Directory, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(d.Path, path))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheCheckedOutBranchIsRefused(t *testing.T) {
	d, r := desk(t, map[string]string{a: "a\n"})
	before := d.Head(t, "main")
	_, err := r.Save(t.Context(), mirror.Save{Author: ada, Changes: []mirror.Change{write(a, "mine\n")}})
	wantFault(t, err, fault.Unsupported, nil, "worktree: update")
	n := draft(t, r, "cms/posts/a", git.ID(before), write(a, "draft\n"))
	_, err = publish(t, r, n)
	wantFault(t, err, fault.Unsupported, nil, "worktree: update")
	if d.Head(t, "main") != before || disk(t, d, a) != "a\n" || d.Head(t, "cms/posts/a") == "" {
		t.Error("something moved")
	}
}

func TestTheWorkTreeComesAlong(t *testing.T) {
	d, r := desk(t, map[string]string{a: "a\n", b: "b\n"})
	r.Git.UpdateCheckedOut = true
	put(t, d, map[string]string{b: "the developer is at work\n"})
	save(t, r, ada, write(a, "mine\n"), write("content/new.md", "new\n"))
	if disk(t, d, a) != "mine\n" || disk(t, d, "content/new.md") != "new\n" || disk(t, d, b) != "the developer is at work\n" {
		t.Error("the work tree is not what it should be")
	}
	if got := d.Git(t, "status", "--porcelain"); got != " M "+b {
		t.Errorf("git status says %q, want the developer's change alone", got)
	}
	n := draft(t, r, "cms/posts/a", head(t, r, "main"), write(a, "draft\n"))
	if _, err := publish(t, r, n); err != nil {
		t.Fatal(err)
	}
	if disk(t, d, a) != "draft\n" || d.Git(t, "status", "--porcelain") != " M "+b {
		t.Error("publishing left the work tree behind")
	}
}

func TestALocalChangeInTheWayIsAConflict(t *testing.T) {
	d, r := desk(t, map[string]string{a: "a\n"})
	r.Git.UpdateCheckedOut = true
	n := draft(t, r, "cms/posts/a", head(t, r, "main"), write(a, "draft\n"))
	put(t, d, map[string]string{a: "the developer is at work\n"})
	before := d.Head(t, "main")
	_, err := r.Save(t.Context(), mirror.Save{Author: ada, Changes: []mirror.Change{write(a, "mine\n"), write(b, "b\n")}})
	wantFault(t, err, fault.Conflict, []string{a}, a)
	_, err = publish(t, r, n)
	wantFault(t, err, fault.Conflict, []string{a}, a)
	if d.Head(t, "main") != before || disk(t, d, a) != "the developer is at work\n" || disk(t, d, b) != "" || d.Head(t, "cms/posts/a") == "" {
		t.Error("something moved")
	}
}

// live is a desk in local mode.
func live(t *testing.T, files map[string]string) (hosttest.Directory, *mirror.Repository) {
	t.Helper()
	d, r := desk(t, files)
	r.Live = true
	return d, r
}

func text(t *testing.T, r *mirror.Repository, branch, path string) string {
	t.Helper()
	e, err := r.Git.Stat(t.Context(), head(t, r, branch), path)
	if fault.Is(err, fault.NotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.Git.Blob(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLiveReadsWhatIsOnDisk(t *testing.T) {
	d, r := live(t, map[string]string{a: "a\n", ".gitignore": "secret\n"})
	put(t, d, map[string]string{a: "not committed\n", "content/new.md": "untracked\n", "secret": "x\n"})
	for path, want := range map[string]string{a: "not committed\n", "content/new.md": "untracked\n", "secret": ""} {
		if got := text(t, r, "", path); got != want {
			t.Errorf("%s reads %q, want %q", path, got, want)
		}
	}
	if first, second := head(t, r, "main"), head(t, r, "master"); first != second {
		t.Errorf("two snapshots of one state differ: %s, %s", first, second)
	}
}

// TestLiveSnapshotsDescend: from HEAD, and from each other, so that every draft
// has its merge base wherever it was begun.
func TestLiveSnapshotsDescend(t *testing.T) {
	d, r := live(t, map[string]string{a: "a\n"})
	clean := head(t, r, "")
	if string(clean) != d.Head(t, "main") || d.Ref(t, "refs/gatehouse/worktree") != "" {
		t.Errorf("a clean work tree is %s, not HEAD", clean)
	}
	snapshots := []git.ID{clean}
	look := func() { snapshots = append(snapshots, head(t, r, ""), git.ID(d.Head(t, "main"))) }
	put(t, d, map[string]string{a: "changed\n"})
	look()
	d.Git(t, "commit", "--quiet", "--all", "--message", "What was on disk")
	look()
	put(t, d, map[string]string{a: "changed again\n"})
	look()
	d.Git(t, "checkout", "--quiet", "--", ".")
	look()
	last := head(t, r, "")
	for i, id := range snapshots {
		if yes, err := r.Git.IsAncestor(t.Context(), id, last); err != nil || !yes {
			t.Errorf("snapshot %d does not lead to the last one: %v", i, err)
		}
	}
	if again := head(t, r, ""); again != last {
		t.Error("nothing changed, and yet there is a new snapshot")
	}
	if by, err := r.Git.Log(t.Context(), last, a, 1); err != nil || len(by) != 1 || by[0].Message != "What was on disk\n" {
		t.Errorf("the history of a committed file begins with %+v, %v", by, err)
	}
}

func TestLiveSaveWritesFilesAndCommitsNothing(t *testing.T) {
	d, r := live(t, map[string]string{a: "a\n", b: "b\n"})
	before := d.Head(t, "main")
	base := blobID(t, d, "main", a)
	saved := save(t, r, ada, had(base, a, "mine\n"), had("", "static/x.png", "\x89PNG"), mirror.Change{Path: b, Delete: true})
	if disk(t, d, a) != "mine\n" || disk(t, d, "static/x.png") != "\x89PNG" || disk(t, d, b) != "" {
		t.Error("the files are not on the disk")
	}
	if d.Head(t, "main") != before || d.Git(t, "diff", "--cached", "--name-only") != "" {
		t.Error("something was committed or staged")
	}
	if saved.Blobs[a] != git.ID(d.GitInput(t, "mine\n", "hash-object", "--stdin")) {
		t.Errorf("saved %+v", saved)
	}
	save(t, r, ada, had(saved.Blobs[a], a, "mine again\n"))
	if disk(t, d, a) != "mine again\n" {
		t.Error("the second save is not on the disk")
	}
}

func TestLiveSaveRefuses(t *testing.T) {
	d, r := live(t, map[string]string{a: "a\n", ".gitignore": "secret\n"})
	base := blobID(t, d, "main", a)
	put(t, d, map[string]string{a: "changed in the editor\n", "secret": "mine\n"})
	_, err := r.Save(t.Context(), mirror.Save{Author: ada, Changes: []mirror.Change{had(base, a, "from the browser\n"), write(b, "b\n")}})
	wantFault(t, err, fault.Conflict, []string{a}, "“"+a+"” was changed on disk")
	_, err = r.Save(t.Context(), mirror.Save{Author: ada, Changes: []mirror.Change{write("secret", "from the browser\n"), write(b, "b\n")}})
	wantFault(t, err, fault.Conflict, []string{"secret"}, "Git ignores it")
	no := errors.New("no")
	_, err = r.Save(t.Context(), mirror.Save{Author: ada, Changes: []mirror.Change{write(b, "b\n")}, Check: func(context.Context, mirror.Move) error { return no }})
	if !errors.Is(err, no) {
		t.Errorf("error %v, want that of Check", err)
	}
	if disk(t, d, a) != "changed in the editor\n" || disk(t, d, "secret") != "mine\n" || disk(t, d, b) != "" {
		t.Error("a refused save wrote something")
	}
}

// TestLiveDraft: a draft lives in refs, and publishing it writes the files,
// merged with what was done on disk meanwhile.
func TestLiveDraft(t *testing.T) {
	d, r := live(t, map[string]string{a: post, b: "b\n"})
	put(t, d, map[string]string{b: "not committed 1\n"})
	before := d.Head(t, "main")
	n := draft(t, r, "cms/posts/a", head(t, r, ""), write(a, swap("First", "FIRST")), write("static/x.png", "\x89PNG"))
	if disk(t, d, a) != post || disk(t, d, "static/x.png") != "" {
		t.Error("the draft is on the disk already")
	}
	// What was never committed changes on: the draft did not touch it.
	put(t, d, map[string]string{b: "not committed 2\n", a: swap("Fourth", "FOURTH")})
	fork, err := r.Git.MergeBase(t.Context(), head(t, r, ""), git.ID(d.Head(t, "cms/posts/a")))
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := r.Git.Diff(t.Context(), fork, git.ID(d.Head(t, "cms/posts/a"))); err != nil || len(changes) != 2 {
		t.Errorf("the draft changes %+v, %v; want its own two files", changes, err)
	}
	if _, err := publish(t, r, n); err != nil {
		t.Fatal(err)
	}
	if got := disk(t, d, a); got != strings.Replace(swap("First", "FIRST"), "Fourth", "FOURTH", 1) {
		t.Errorf("the post is %q", got)
	}
	if disk(t, d, b) != "not committed 2\n" || disk(t, d, "static/x.png") != "\x89PNG" {
		t.Error("the other files are not what they should be")
	}
	if d.Head(t, "main") != before || d.Head(t, "cms/posts/a") != "" {
		t.Error("main was committed to, or the draft's branch is still there")
	}
	if cr, err := r.Host.ChangeRequest(t.Context(), n); err != nil || cr.State == host.Open {
		t.Errorf("change request %+v, %v", cr, err)
	}
}

func TestLivePublishConflict(t *testing.T) {
	d, r := live(t, map[string]string{a: post})
	n := draft(t, r, "cms/posts/a", head(t, r, ""), write(a, swap("First", "draft")))
	put(t, d, map[string]string{a: swap("First", "disk")})
	_, err := publish(t, r, n)
	wantFault(t, err, fault.Conflict, []string{a}, "was changed on disk", "in the same place")
	if disk(t, d, a) != swap("First", "disk") || d.Head(t, "cms/posts/a") == "" {
		t.Error("something moved")
	}
}

func TestLiveInAnEmptyRepository(t *testing.T) {
	d, r := live(t, nil)
	save(t, r, ada, had("", a, "first\n"))
	if disk(t, d, a) != "first\n" || d.Head(t, "main") != "" {
		t.Error("the first file is not on the disk alone")
	}
}
