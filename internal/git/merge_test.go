package git

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func TestMerge(t *testing.T) {
	r := newBare(t)
	long := strings.Repeat("line\n", 20)
	base := commitFiles(t, r, "", map[string]string{"a": "top\n" + long + "end\n", "b": "b\n", "dir/c": "c\n", "dir/d": "d\n"})
	ours := commitFiles(t, r, base, map[string]string{"a": "TOP\n" + long + "end\n"})
	theirs := commitFiles(t, r, base, map[string]string{"a": "top\n" + long + "END\n", "new": "n\n"})
	m, err := r.Merge(t.Context(), ours, theirs)
	must(t, err)
	e, err := r.Stat(t.Context(), m.Tree, "a")
	must(t, err)
	if want := r.BlobID([]byte("TOP\n" + long + "END\n")); e.ID != want || m.Base != base || m.Conflicts != nil {
		t.Errorf("merged %+v, a is %s", m, e.ID)
	}
	clash := commitFiles(t, r, base, map[string]string{"a": "Top\n" + long + "end\n", "b": "", "z": "z\n"})
	edited := commitFiles(t, r, ours, map[string]string{"b": "changed\n"})
	m, err = r.Merge(t.Context(), edited, clash)
	must(t, err)
	if diff := cmp.Diff(Merged{Base: base, Conflicts: []string{"a", "b"}}, m); diff != "" {
		t.Error(diff)
	}
	// A folder that one side renamed must not take the other side's new file along.
	renamed := commitFiles(t, r, base, map[string]string{"dir/c": "", "dir/d": "", "moved/c": "c\n", "moved/d": "d\n"})
	added := commitFiles(t, r, base, map[string]string{"dir/e": "e\n"})
	m, err = r.Merge(t.Context(), renamed, added)
	must(t, err)
	if _, err := r.Stat(t.Context(), m.Tree, "dir/e"); err != nil {
		t.Errorf("the new file was moved: %v", err)
	}
	stranger := commitFiles(t, r, "", map[string]string{"q": "q"})
	if _, err := r.Merge(t.Context(), ours, stranger); !fault.Is(err, fault.Conflict) {
		t.Errorf("unrelated histories: %v", err)
	}
	if _, err := r.Merge(t.Context(), ours, r.BlobID([]byte("?"))); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing commit: %v", err)
	}
	if got, err := r.MergeBase(t.Context(), ours, stranger); got != "" || err != nil {
		t.Errorf("merge base of strangers: %s, %v", got, err)
	}
	for _, tt := range []struct {
		a, b ID
		want bool
	}{{base, ours, true}, {ours, ours, true}, {ours, base, false}, {ours, stranger, false}} {
		if got, err := r.IsAncestor(t.Context(), tt.a, tt.b); got != tt.want || err != nil {
			t.Errorf("%s in %s: %v, %v", tt.a, tt.b, got, err)
		}
	}
	if _, err := r.IsAncestor(t.Context(), ours, r.BlobID([]byte("?"))); !fault.Is(err, fault.NotFound) {
		t.Errorf("ancestor of a missing commit: %v", err)
	}
}

// A missing object makes merge-tree end with code 1, as a conflict does.
func TestAFailureIsNotTakenForAConflict(t *testing.T) {
	r := newBare(t)
	base := commitFiles(t, r, "", map[string]string{"a": "1\n2\n3\n4\n5\n6\n"})
	ours := commitFiles(t, r, base, map[string]string{"a": "1x\n2\n3\n4\n5\n6\n"})
	theirs := commitFiles(t, r, base, map[string]string{"a": "1\n2\n3\n4\n5\n6x\n"})
	gone := string(r.BlobID([]byte("1x\n2\n3\n4\n5\n6\n")))
	shell(t, r.Dir, "update-ref", "refs/heads/x", string(base)) // so that git takes it as a repository with content
	remove(t, r, gone)
	if m, err := r.Merge(t.Context(), ours, theirs); err == nil {
		t.Errorf("merged without an object: %+v", m)
	}
}

func TestDiff(t *testing.T) {
	r, dir := newWorktree(t, map[string]string{
		"a": "1", "b": "1", "dir/x": "1", "dir/y": "1", "file": "1", "folder/f": "1", "same/s": "1",
	})
	for _, args := range [][]string{{"rm", "-q", "b"}, {"rm", "-q", "file"}, {"rm", "-rq", "folder"}, {"update-index", "--chmod=+x", "a"}} {
		shell(t, dir, args...)
	}
	put(t, dir+"/file/inner", "2")
	put(t, dir+"/folder", "2")
	put(t, dir+"/dir/x", "2")
	put(t, dir+"/new/deep/n", "2")
	shell(t, dir, "add", "file", "folder", "dir", "new")
	shell(t, dir, "commit", "-q", "-m", "second")
	a, err := r.Resolve(t.Context(), "main~1")
	must(t, err)
	b, err := r.Resolve(t.Context(), "main")
	must(t, err)
	for _, pair := range [][2]ID{{a, b}, {b, a}, {a, a}} {
		changes, err := r.Diff(t.Context(), pair[0], pair[1])
		must(t, err)
		var got []string
		for _, c := range changes {
			got = append(got, fmt.Sprintf(":%06o %06o %s %s %s", c.OldMode, c.NewMode, orZero(c.Old), orZero(c.New), c.Path))
		}
		var want []string
		for line := range strings.Lines(shell(t, dir, "diff-tree", "-r", "--no-renames", "--no-abbrev", string(pair[0]), string(pair[1]))) {
			f := strings.Fields(line)
			want = append(want, strings.Join(slices.Delete(f, 4, 5), " "))
		}
		slices.SortFunc(want, func(a, b string) int {
			return strings.Compare(a[strings.LastIndex(a, " "):], b[strings.LastIndex(b, " "):])
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	all, err := r.Diff(t.Context(), "", a)
	if err != nil || len(all) != 7 || all[0].Old != "" || all[0].OldMode != 0 {
		t.Errorf("%v, %v", all, err)
	}
	none, err := r.Diff(t.Context(), a, "")
	if err != nil || len(none) != 7 || none[0].New != "" {
		t.Errorf("%v, %v", none, err)
	}
}

func orZero(id ID) ID {
	if id == "" {
		return sha1Format.zero()
	}
	return id
}

func TestLog(t *testing.T) {
	r := newBare(t)
	one := grow(t, r, "main", map[string]string{"a": "1", "d/b": "1", "*": "star"})
	two := grow(t, r, "main", map[string]string{"d/b": "2"})
	three := grow(t, r, "main", map[string]string{"a": "3"})
	for _, tt := range []struct {
		path string
		n    int
		want []ID
	}{
		{"", 0, []ID{three, two, one}},
		{"", 2, []ID{three, two}},
		{"a", 0, []ID{three, one}},
		{"d", 1, []ID{two}},
		{"*", 0, []ID{one}},
		{"none", 0, nil},
		{"--all", 0, nil},
		{":(top)a", 0, nil},
	} {
		log, err := r.Log(t.Context(), three, tt.path, tt.n)
		must(t, err)
		var got []ID
		for _, c := range log {
			got = append(got, c.ID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q %d: %s", tt.path, tt.n, diff)
		}
	}
	if _, err := r.Log(t.Context(), r.BlobID([]byte("?")), "", 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing commit: %v", err)
	}
}

func FuzzParseMerge(f *testing.F) {
	f.Add([]byte("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\x00a\x00b\x00\x00"))
	f.Add([]byte("error\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		if m, ok := parseMerge(out, sha1Format); ok && sha1Format.check(m.Tree) != nil {
			t.Errorf("%q is merged to %q", out, m.Tree)
		}
	})
}

// Git stores what it merges, and its own words for a full disk were the server's
// failure to whoever published.
func TestAMergeOnAFullDiskIsExplained(t *testing.T) {
	for says, want := range map[string]string{
		"fatal: unable to write loose object file: No space left on device":                                "disk is full",
		"error: insufficient permission for adding an object to repository database /srv/blog.git/objects": "writable",
	} {
		t.Run(says, func(t *testing.T) {
			r := newBare(t)
			a := grow(t, r, "main", map[string]string{"a": "a"})
			b := commitFiles(t, r, a, map[string]string{"b": "b"})
			c := commitFiles(t, r, a, map[string]string{"c": "c"})
			fakeGit(t, `case "$*" in *merge-tree*) echo "`+says+`" >&2; exit 128;; esac; PATH='`+os.Getenv("PATH")+`' exec git "$@"`)
			if _, err := r.Merge(t.Context(), b, c); !strings.Contains(fault.Message(err), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
