package sample

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/local"
	web "gatehouse/web/demo"
)

func now() time.Time { return time.Date(2031, 4, 9, 15, 30, 0, 0, time.UTC) }

func files(t *testing.T, name string) fs.FS {
	t.Helper()
	sub, err := fs.Sub(web.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func build(t *testing.T, site fs.FS, entries int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site.git")
	if err := Build(context.Background(), dir, site, Options{Now: now(), Entries: entries}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func gitOut(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestSamplesAreSoundRepositories(t *testing.T) {
	for _, name := range []string{"journal", "kitchen"} {
		t.Run(name, func(t *testing.T) {
			dir := build(t, files(t, name), 0)
			gitOut(t, dir, "fsck", "--strict", "--full")
			if head := gitOut(t, dir, "symbolic-ref", "HEAD"); head != "refs/heads/main\n" {
				t.Errorf("HEAD is %q", head)
			}
			if bare := gitOut(t, dir, "rev-parse", "--is-bare-repository"); bare != "true\n" {
				t.Errorf("bare is %q", bare)
			}
			authors := strings.Fields(gitOut(t, dir, "log", "--format=%ae", "main"))
			slices.Sort(authors)
			if n := len(slices.Compact(authors)); n < 2 {
				t.Errorf("the history has %d authors", n)
			}
		})
	}
}

func TestTheHistoryEndsWithEveryFileAsItIsInTheTree(t *testing.T) {
	for _, name := range []string{"journal", "kitchen"} {
		site := files(t, name)
		dir := build(t, site, 0)
		have := map[string]bool{}
		for _, p := range strings.Split(strings.TrimSpace(gitOut(t, dir, "ls-tree", "-r", "--name-only", "main")), "\n") {
			have[p] = true
		}
		h, err := readHistory(site)
		if err != nil {
			t.Fatal(err)
		}
		added := map[string]string{}
		for i, c := range h.Commits {
			for _, f := range c.Add {
				added[f] = h.place(f, moment(now(), c.Ago, i))
			}
		}
		tree, err := fs.Sub(site, "tree")
		if err != nil {
			t.Fatal(err)
		}
		err = fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			at, ok := added[p]
			if !ok || !have[at] {
				t.Errorf("%s: tree/%s is in no commit", name, p)
				return nil
			}
			want, err := fs.ReadFile(tree, p)
			if err != nil {
				return err
			}
			got := gitOut(t, dir, "show", "main:"+at)
			if !strings.Contains(string(want), "@now") && !strings.Contains(string(want), "@in ") && got != string(want) {
				t.Errorf("%s: %s has undone changes", name, at)
			}
			if strings.Contains(got, "@now") || strings.Contains(got, "@in ") {
				t.Errorf("%s: %s has moments that were not filled in", name, at)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDraftsAreInEveryColumnByDifferentPeople(t *testing.T) {
	for name, prefix := range map[string]string{"journal": "decap-cms/", "kitchen": "netlify-cms/"} {
		dir := build(t, files(t, name), 0)
		repo, err := git.Open(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = repo.Close() })
		h := &local.Host{Git: repo, Name: name}
		drafts, err := h.ChangeRequests(context.Background(), host.Query{State: host.Open})
		if err != nil {
			t.Fatal(err)
		}
		columns, people := map[host.Status]bool{}, map[string]bool{}
		for _, d := range drafts {
			columns[d.Status] = true
			people[d.Author.Email] = true
			if d.Label != prefix+string(d.Status) || d.Base != Branch || !strings.HasPrefix(d.Head, "cms/") {
				t.Errorf("%s: a draft that the CMS would not see: %+v", name, d)
			}
			tip := strings.TrimSpace(gitOut(t, dir, "log", "-1", "--format=%ae %at", d.Head))
			if author, _, _ := strings.Cut(tip, " "); author != d.Author.Email {
				t.Errorf("%s: %s was opened by %s and written by %s", name, d.Head, d.Author.Email, author)
			}
			if d.Created.After(now()) {
				t.Errorf("%s: %s is from tomorrow: %s", name, d.Head, d.Created)
			}
		}
		if len(columns) != 3 || len(people) < 2 {
			t.Errorf("%s: columns %v, people %v", name, columns, people)
		}
	}
}

func TestGeneratedEntriesComeOnTop(t *testing.T) {
	dir := build(t, files(t, "journal"), 500)
	gitOut(t, dir, "fsck", "--strict")
	plain := build(t, files(t, "journal"), 0)
	count := func(d string) int {
		return strings.Count(gitOut(t, d, "ls-tree", "-r", "--name-only", "main", "content/posts/"), "\n")
	}
	if got := count(dir) - count(plain); got != 500 {
		t.Fatalf("%d posts more, want 500", got)
	}
	again := build(t, files(t, "journal"), 500)
	if a, b := gitOut(t, dir, "rev-parse", "main"), gitOut(t, again, "rev-parse", "main"); a != b {
		t.Error("the same day and number gave different posts")
	}
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	broken := fstest.MapFS{
		"history.yml": {Data: []byte("people: {a: {name: A, email: a@x.example}}\ncommits:\n  - {by: a, ago: 3, message: one, add: [one.md]}\n  - {by: a, ago: 2, message: two, change: [{path: one.md, from: absent, to: x}]}\n")},
		"tree/one.md": {Data: []byte("text\n")},
	}
	err := Build(context.Background(), filepath.Join(parent, "site.git"), broken, Options{Now: now()})
	if err == nil || !strings.Contains(err.Error(), "absent") {
		t.Fatalf("the error does not say what is wrong: %v", err)
	}
	left, err := os.ReadDir(parent)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestAnInterruptedBuildIsBegunAnew(t *testing.T) {
	parent := t.TempDir()
	if err := os.MkdirAll(filepath.Join(parent, ".making-site.git", "objects"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "site.git")
	if err := Build(context.Background(), dir, files(t, "kitchen"), Options{Now: now()}); err != nil {
		t.Fatal(err)
	}
	gitOut(t, dir, "fsck", "--strict")
}
