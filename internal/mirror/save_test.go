package mirror_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/mirror"
)

const (
	a = "content/posts/a.md"
	b = "content/posts/b.md"
)

func TestSaveIsOneCommitByTheEditor(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n", b: "b\n", "old.md": "old\n"})
	before := d.Head(t, "main")
	var told []git.ID
	r.Moved = func(branch string, old, new git.ID) {
		if branch == "main" {
			told = append(told, old, new)
		}
	}
	image := blobID(t, d, "main", b)
	saved := save(t, r, ada,
		had(blobID(t, d, "main", a), a, "a changed\n"), write("static/x.png", "\x89PNG"),
		mirror.Change{Path: "copy.md", Blob: image}, mirror.Change{Path: "old.md", Delete: true})
	want := map[string]git.ID{a: blobID(t, d, "main", a), "static/x.png": blobID(t, d, "main", "static/x.png"), "copy.md": image}
	if !maps.Equal(saved.Blobs, want) || d.Head(t, "main") != string(saved.Commit) {
		t.Errorf("saved %+v, want blobs %v at the head", saved, want)
	}
	if got := d.Parents(t, "main"); !slices.Equal(got, []string{before}) {
		t.Errorf("parents %v, want %s", got, before)
	}
	if got := d.Git(t, "log", "-1", "--format=%an <%ae> %aI | %cn <%ce> | %s", "main"); got != "Ada Byron <ada@example.org> 2026-11-22T12:04:00+00:00 | Gatehouse <gatehouse@example.org> | Update" {
		t.Errorf("commit: %s", got)
	}
	if got := d.Git(t, "ls-tree", "-r", "--name-only", "main"); got != "content/posts/a.md\ncontent/posts/b.md\ncopy.md\nstatic/x.png" {
		t.Errorf("files: %s", got)
	}
	if !slices.Equal(told, []git.ID{git.ID(before), saved.Commit}) {
		t.Errorf("Moved was told %v", told)
	}
}

func TestSaveOfWhatIsThereMakesNoCommit(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	r.Moved = func(string, git.ID, git.ID) { t.Error("Moved was told of nothing") }
	saved := save(t, r, ada, write(a, "a\n"), mirror.Change{Path: "none.md", Delete: true})
	if string(saved.Commit) != d.Head(t, "main") || d.Git(t, "rev-list", "--count", "main") != "1" || saved.Blobs[a] != blobID(t, d, "main", a) {
		t.Errorf("saved %+v", saved)
	}
}

// TestBase is the heart: what an editor had, what is there now, what comes of it.
func TestBase(t *testing.T) {
	const first = "first\n"
	for _, c := range []struct {
		name    string
		base    string // text that the editor had; "" is a new file
		now     string // text that is there now; "" is no file
		save    string // "" deletes
		phrases []string
	}{
		{name: "as it was", base: first, now: first, save: "mine\n"},
		{name: "new and still free", save: "mine\n"},
		{name: "deleted as it was", base: first, now: first},
		{name: "sent twice", base: first, now: "mine\n", save: "mine\n"},
		{name: "deleted twice", base: first},
		{name: "changed", base: first, now: "theirs\n", save: "mine\n", phrases: []string{"“" + a + "” was changed by Alan Turing (12:04, 22 Nov 2026) after you opened it", "Your text was not saved", "load the entry again"}},
		{name: "deleted", base: first, save: "mine\n", phrases: []string{"was deleted by Alan Turing"}},
		{name: "name taken", now: "theirs\n", save: "mine\n", phrases: []string{"was created by Alan Turing"}},
		{name: "to be deleted, but changed", base: first, now: "theirs\n", phrases: []string{"was changed by Alan Turing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, r := site(t, map[string]string{a: first, "other.md": "o\n"})
			var base git.ID
			if c.base != "" {
				base = blobID(t, d, "main", a)
			}
			if c.now != first {
				save(t, r, alan, change(a, c.now, nil))
			}
			before := d.Head(t, "main")
			_, err := r.Save(t.Context(), mirror.Save{
				Branch: "main", Author: ada, Message: "Mine",
				Changes: []mirror.Change{change(a, c.save, &base), write("other.md", "goes along\n")},
			})
			if c.phrases != nil {
				wantFault(t, err, fault.Conflict, []string{a}, c.phrases...)
				if d.Head(t, "main") != before {
					t.Error("a refused save moved the branch")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := d.File(t, "main", a); got != c.save {
				t.Errorf("%s is %q, want %q", a, got, c.save)
			}
			if got := d.File(t, "main", "other.md"); got != "goes along\n" {
				t.Errorf("other.md is %q", got)
			}
		})
	}
}

func change(path, text string, base *git.ID) mirror.Change {
	if text == "" {
		return mirror.Change{Path: path, Delete: true, Base: base}
	}
	return mirror.Change{Path: path, Data: []byte(text), Base: base}
}

func TestConflictNamesEveryFile(t *testing.T) {
	d, r := site(t, map[string]string{"1": "x\n", "2": "x\n", "3": "x\n", "4": "x\n", "5": "x\n"})
	base := blobID(t, d, "main", "1")
	var theirs, mine []mirror.Change
	for _, p := range []string{"1", "2", "3", "4", "5"} {
		theirs = append(theirs, write(p, "theirs\n"))
		mine = append(mine, had(base, p, "mine\n"))
	}
	save(t, r, alan, theirs...)
	_, err := r.Save(t.Context(), mirror.Save{Branch: "main", Author: ada, Changes: mine})
	wantFault(t, err, fault.Conflict, []string{"1", "2", "3", "4", "5"}, "“3” was changed by Alan Turing", "2 more were changed too", "after you opened them")
}

// The first save of a draft met a change on the site's branch and said "somebody
// else": the draft's branch, which tells who, does not exist yet.
func TestConflictOfAFirstSaveNamesThePerson(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	base := blobID(t, d, "main", a)
	save(t, r, alan, write(a, "theirs\n"))
	_, err := r.Save(t.Context(), mirror.Save{Branch: "cms/posts/a", Start: git.ID(d.Head(t, "main")), Author: ada, Changes: []mirror.Change{had(base, a, "mine\n")}})
	wantFault(t, err, fault.Conflict, []string{a}, "Alan Turing (12:04, 22 Nov 2026)")
}

func TestConflictWithOneself(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	base := blobID(t, d, "main", a)
	save(t, r, ada, write(a, "from another window\n"))
	_, err := r.Save(t.Context(), mirror.Save{Branch: "main", Author: ada, Changes: []mirror.Change{had(base, a, "mine\n")}})
	wantFault(t, err, fault.Conflict, []string{a}, "by you, in another window (12:04, 22 Nov 2026)")
}

func TestSaveRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		save    mirror.Save
		kind    fault.Kind
		paths   []string
		phrases []string
	}{
		{name: "nothing", save: mirror.Save{}, kind: fault.Invalid},
		{name: "a path twice", save: mirror.Save{Changes: []mirror.Change{write(a, "1"), write(a, "2")}}, kind: fault.Invalid, phrases: []string{a, "twice"}},
		{name: "a path that escapes", save: mirror.Save{Changes: []mirror.Change{write("../x", "1")}}, kind: fault.Invalid},
		{name: "git's own directory", save: mirror.Save{Changes: []mirror.Change{write("x/.GIT/hooks/post-update", "1")}}, kind: fault.Invalid},
		{name: "written and deleted", save: mirror.Save{Changes: []mirror.Change{{Path: a, Data: []byte("x"), Delete: true}}}, kind: fault.Invalid},
		{name: "an unknown branch", save: mirror.Save{Branch: "cms/posts/x", Changes: []mirror.Change{write(a, "1")}}, kind: fault.NotFound},
		{name: "a branch name that is none", save: mirror.Save{Branch: "--help", Start: "1", Changes: []mirror.Change{write(a, "1")}}, kind: fault.Invalid},
		{name: "a blob that is not there", save: mirror.Save{Changes: []mirror.Change{{Path: a, Blob: git.ID(strings.Repeat("1", 40))}}}, kind: fault.Invalid},
		{name: "a folder", save: mirror.Save{Changes: []mirror.Change{write("content", "1")}}, kind: fault.Conflict, paths: []string{"content"}},
		{name: "below a file", save: mirror.Save{Changes: []mirror.Change{write(a+"/x.md", "1")}}, kind: fault.Conflict, paths: []string{a + "/x.md"}},
		{name: "through a link", save: mirror.Save{Changes: []mirror.Change{write("link", "1")}}, kind: fault.Conflict, paths: []string{"link"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, r := site(t, map[string]string{a: "a\n"})
			link := d.Git(t, "rev-parse", "main:"+a)
			tree := strings.Fields(d.Git(t, "ls-tree", "main"))[2]
			d.Git(t, "update-ref", "refs/heads/main", d.Git(t, "commit-tree", "-m", "link", mktree(t, d, "120000 blob "+link+"\tlink\n040000 tree "+tree+"\tcontent\n")))
			before := d.Head(t, "main")
			_, err := r.Save(t.Context(), c.save)
			wantFault(t, err, c.kind, c.paths, c.phrases...)
			if d.Head(t, "main") != before {
				t.Error("a refused save moved the branch")
			}
		})
	}
}

func TestCheckSeesTheRealDifferenceAndDecides(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n", b: "b\n"})
	before := git.ID(d.Head(t, "main"))
	no := errors.New("not for you")
	var seen mirror.Move
	s := mirror.Save{
		Author: ada, Changes: []mirror.Change{write(a, "changed\n"), write(b, "b\n"), write("new.md", "n\n")},
		Check: func(_ context.Context, m mirror.Move) error { seen = m; return no },
	}
	if _, err := r.Save(t.Context(), s); !errors.Is(err, no) {
		t.Errorf("error %v, want that of Check", err)
	}
	if git.ID(d.Head(t, "main")) != before {
		t.Error("the branch moved although Check refused")
	}
	var paths []string
	for _, c := range seen.Changes {
		paths = append(paths, c.Path)
	}
	if seen.Branch != "main" || seen.Old != before || seen.New == "" || !slices.Equal(paths, []string{a, "new.md"}) {
		t.Errorf("Check saw %+v", seen)
	}
	s.Branch, s.Start = "cms/posts/a", before
	if _, err := r.Save(t.Context(), s); !errors.Is(err, no) || seen.Branch != "cms/posts/a" || seen.Old != "" || len(seen.Changes) != 2 {
		t.Errorf("for a new branch: %v, %+v", err, seen)
	}
}

func TestStartBeginsABranchAndAlongsideMovesWithIt(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	start := git.ID(d.Head(t, "main"))
	mark := git.RefUpdate{Name: "refs/gatehouse/test/mark", New: start}
	s := mirror.Save{Branch: "cms/posts/a", Start: start, Author: ada, Changes: []mirror.Change{write(a, "draft\n")}, Alongside: []git.RefUpdate{mark}}
	saved, err := r.Save(t.Context(), s)
	if err != nil || d.Head(t, "cms/posts/a") != string(saved.Commit) || d.Ref(t, mark.Name) != string(start) {
		t.Fatalf("%+v, %v; mark at %q", saved, err, d.Ref(t, mark.Name))
	}
	// The mark must not exist, so a second time neither moves.
	s.Changes = []mirror.Change{write(a, "second\n")}
	_, err = r.Save(t.Context(), s)
	wantFault(t, err, fault.Conflict, nil)
	if d.Head(t, "cms/posts/a") != string(saved.Commit) {
		t.Error("the branch moved without what goes alongside")
	}
}

// TestADraftWithoutAChangeStillGetsItsBranch: its change request needs one.
func TestADraftWithoutAChangeStillGetsItsBranch(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	if _, err := r.Save(t.Context(), mirror.Save{Branch: "cms/posts/a", Start: git.ID(d.Head(t, "main")), Author: ada, Changes: []mirror.Change{write(a, "a\n")}}); err != nil {
		t.Fatal(err)
	}
	if d.Head(t, "cms/posts/a") == "" {
		t.Error("there is no branch")
	}
}

// TestAMoveBetweenIsAppliedOnTop: another process writes another file while
// this save is under way.
func TestAMoveBetweenIsAppliedOnTop(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n", b: "b\n"})
	var checks int
	_, err := r.Save(t.Context(), mirror.Save{
		Author: ada, Changes: []mirror.Change{had(blobID(t, d, "main", a), a, "mine\n")},
		Check: func(context.Context, mirror.Move) error {
			if checks++; checks <= 3 {
				d.Commit(t, "main", map[string]string{b: strings.Repeat("theirs\n", checks)})
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if checks != 4 || d.File(t, "main", a) != "mine\n" || d.File(t, "main", b) != "theirs\ntheirs\ntheirs\n" {
		t.Errorf("%d checks; files %q and %q", checks, d.File(t, "main", a), d.File(t, "main", b))
	}
}

func TestAMoveBetweenToTheSameFileIsAConflict(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	moved := false
	_, err := r.Save(t.Context(), mirror.Save{
		Author: ada, Changes: []mirror.Change{had(blobID(t, d, "main", a), a, "mine\n")},
		Check: func(context.Context, mirror.Move) error {
			if !moved {
				d.Commit(t, "main", map[string]string{a: "theirs\n"})
			}
			moved = true
			return nil
		},
	})
	wantFault(t, err, fault.Conflict, []string{a}, "Grace Hopper (12:04, 22 Nov 2026)")
	if d.File(t, "main", a) != "theirs\n" {
		t.Errorf("the file is %q", d.File(t, "main", a))
	}
}

// TestBranchNamesThatClash: cms/pages/about and cms/pages/about/us cannot both
// be; whoever named them wants to know, so as to choose another name.
func TestBranchNamesThatClash(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	start := head(t, r, "main")
	draft(t, r, "cms/pages/about", start, write("about.md", "x\n"))
	var checks int
	_, err := r.Save(t.Context(), mirror.Save{Branch: "cms/pages/about/us", Start: start, Author: ada, Changes: []mirror.Change{write("us.md", "x\n")}, Check: func(context.Context, mirror.Move) error {
		checks++
		return nil
	}})
	wantFault(t, err, fault.Conflict, nil)
	if !errors.Is(err, git.ErrNameClash) || checks != 1 || d.Head(t, "cms/pages/about/us") != "" {
		t.Errorf("after %d attempts: %v", checks, err)
	}
}

func TestSaveEndsWithItsContext(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := r.Save(ctx, mirror.Save{Author: ada, Changes: []mirror.Change{write(a, "mine\n")}, Check: func(context.Context, mirror.Move) error {
		cancel()
		return nil
	}})
	if err == nil || d.File(t, "main", a) != "a\n" {
		t.Errorf("error %v, file %q", err, d.File(t, "main", a))
	}
}
