package git

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func TestWritesWhatGitReads(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "r.git")
			shell(t, t.TempDir(), "init", "-q", "--bare", "-b", "main", "--object-format="+format, dir)
			r := open(t, dir)
			first := grow(t, r, "main", map[string]string{
				"content/a.md": "alpha\n", "content/a/b.md": "beta\n", "content/a-b.md": "gamma\n", "z": "last\n", "é/ü": "umlaut\n",
			})
			if got := shell(t, dir, "show", "main:content/a/b.md"); got != "beta" {
				t.Errorf("git reads %q", got)
			}
			second := grow(t, r, "main", map[string]string{"content/a/b.md": "", "z": "changed\n"})
			files := shell(t, dir, "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", "main")
			if files != "content/a-b.md\ncontent/a.md\nz\né/ü" {
				t.Errorf("git lists %q", files)
			}
			if got := shell(t, dir, "log", "--format=%H %an <%ae> %ad", "--date=raw", "-1", "main"); got != string(second)+" Ada Lovelace <ada@example.org> 1700000000 +0100" {
				t.Errorf("git logs %q", got)
			}
			c, err := r.Commit(t.Context(), second)
			must(t, err)
			if !slices.Equal(c.Parents, []ID{first}) || c.Message != "change\n" || !c.Author.When.Equal(someone.When) || c.Author.Name != someone.Name {
				t.Errorf("read back %+v", c)
			}
			if got := r.BlobID([]byte("alpha\n")); string(got) != shellInput(t, dir, "alpha\n", "hash-object", "--stdin") {
				t.Errorf("a blob is named %s", got)
			}
			fsck(t, r)
		})
	}
}

func TestWriteTreeAgreesWithGitsIndex(t *testing.T) {
	r := newBare(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "b", "a.b", "a-b", "ab", "c", "0", "A"}
	path := func() string {
		var parts []string
		for range 1 + rnd.IntN(3) {
			parts = append(parts, names[rnd.IntN(len(names))])
		}
		return strings.Join(parts, "/")
	}
	content := blob(t, r, "one")
	other := blob(t, r, "two")
	have := map[string]ID{}
	tree := ID("")
	written := 0
	for range 400 {
		edits := map[string]Edit{}
		for range 1 + rnd.IntN(5) {
			e := Edit{Path: path(), Blob: []ID{content, other, ""}[rnd.IntN(3)]}
			edits[e.Path] = e
		}
		var list []Edit
		for _, e := range edits {
			list = append(list, e)
		}
		next, err := r.WriteTree(t.Context(), tree, list)
		if err != nil {
			if !fault.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
			continue // a file where a folder is
		}
		written++
		tree = next
		for _, e := range list {
			if e.Blob == "" {
				delete(have, e.Path)
			}
		}
		for _, e := range list {
			if e.Blob != "" {
				have[e.Path] = e.Blob
			}
		}
		var index strings.Builder
		for p, id := range have {
			fmt.Fprintf(&index, "100644 %s\t%s\n", id, p)
		}
		shell(t, r.Dir, "read-tree", "--empty")
		shellInput(t, r.Dir, index.String(), "update-index", "--index-info")
		if want := shell(t, r.Dir, "write-tree"); want != string(tree) {
			t.Fatalf("tree %s, git has %s", tree, want)
		}
	}
	if written < 50 {
		t.Errorf("only %d trees were written", written)
	}
}

func TestWriteTreeRefuses(t *testing.T) {
	r, dir := newWorktree(t, map[string]string{"folder/a.md": "a", "run.sh": "x"})
	shell(t, dir, "update-index", "--chmod=+x", "run.sh")
	link := shellInput(t, dir, "folder", "hash-object", "-w", "--stdin")
	head := shell(t, dir, "rev-parse", "HEAD")
	shell(t, dir, "update-index", "--add", "--cacheinfo", "120000,"+link+",link", "--cacheinfo", "160000,"+head+",module")
	base := ID(shell(t, dir, "write-tree"))
	text := blob(t, r, "text")
	tests := map[string]struct {
		edits []Edit
		kind  fault.Kind
	}{
		"through a link":          {[]Edit{{Path: "link/a.md", Blob: text}}, fault.Conflict},
		"through a submodule":     {[]Edit{{Path: "module/a.md", Blob: text}}, fault.Conflict},
		"through a file":          {[]Edit{{Path: "run.sh/a.md", Blob: text}}, fault.Conflict},
		"over a link":             {[]Edit{{Path: "link", Blob: text}}, fault.Conflict},
		"over a folder":           {[]Edit{{Path: "folder", Blob: text}}, fault.Conflict},
		"delete a folder":         {[]Edit{{Path: "folder"}}, fault.Conflict},
		"delete a submodule":      {[]Edit{{Path: "module"}}, fault.Conflict},
		"twice":                   {[]Edit{{Path: "n", Blob: text}, {Path: "n", Blob: text}}, fault.Invalid},
		"a file and its folder":   {[]Edit{{Path: "n", Blob: text}, {Path: "n/m", Blob: text}}, fault.Conflict},
		"a path of git":           {[]Edit{{Path: "folder/.GIT/config", Blob: text}}, fault.Invalid},
		"a mode of a link":        {[]Edit{{Path: "n", Blob: text, Mode: ModeSymlink}}, fault.Invalid},
		"a blob that is not here": {[]Edit{{Path: "n", Blob: r.BlobID([]byte("unknown"))}}, fault.Invalid},
		"a tree as a blob":        {[]Edit{{Path: "n", Blob: base}}, fault.Invalid},
		"an id that is none":      {[]Edit{{Path: "n", Blob: "abc"}}, fault.Invalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id, err := r.WriteTree(t.Context(), base, tt.edits)
			if !fault.Is(err, tt.kind) {
				t.Errorf("got %q, %v: %v", id, fault.KindOf(err), err)
			}
		})
	}
	kept, err := r.WriteTree(t.Context(), base, []Edit{{Path: "run.sh", Blob: text}, {Path: "folder/a.md"}, {Path: "gone/x"}, {Path: "link/x"}, {Path: "folder/now.md", Blob: text, Mode: ModeExecutable}})
	must(t, err)
	want := "100755 folder/now.md 120000 link 160000 module 100755 run.sh"
	var got []string
	list, err := r.Tree(t.Context(), kept, "", 0)
	must(t, err)
	for _, e := range list {
		got = append(got, fmt.Sprintf("%o %s", e.Mode, e.Path))
	}
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		t.Error(diff)
	}
	swapped, err := r.WriteTree(t.Context(), base, []Edit{{Path: "folder/a.md"}, {Path: "folder", Blob: text}, {Path: "run.sh"}, {Path: "run.sh/a", Blob: text}})
	must(t, err)
	if e, err := r.Stat(t.Context(), swapped, "run.sh/a"); err != nil || e.ID != text {
		t.Errorf("a file turned into a folder: %+v, %v", e, err)
	}
	if e, err := r.Stat(t.Context(), swapped, "folder"); err != nil || e.Mode != ModeFile {
		t.Errorf("a folder turned into a file: %+v, %v", e, err)
	}
}

func TestDeletingEverythingLeavesTheEmptyTree(t *testing.T) {
	r := newBare(t)
	grow(t, r, "main", map[string]string{"a/b/c": "x"})
	id := grow(t, r, "main", map[string]string{"a/b/c": ""})
	list, err := r.Tree(t.Context(), id, "", 0)
	if len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	fsck(t, r)
}

func TestWriteCommitMendsNamesAndMessages(t *testing.T) {
	r := newBare(t)
	tree, err := r.WriteTree(t.Context(), "", nil)
	must(t, err)
	when := time.Unix(1_600_000_000, 0).In(time.FixedZone("", -(3*3600 + 30*60)))
	id, err := r.WriteCommit(t.Context(), CommitSpec{
		Tree:      tree,
		Author:    Signature{Name: "Eve\n> <evil@example.org> 0 +0000\ncommitter x", Email: "<eve@example.org>\nparent", When: when},
		Committer: Signature{Email: "only@example.org", When: when},
		Message:   "one\r\ntwo\x00\xff\n\n\n",
	})
	must(t, err)
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", "", id}))
	fsck(t, r)
	c, err := r.Commit(t.Context(), id)
	must(t, err)
	want := Commit{
		ID: id, Tree: tree, Message: "one\ntwo\uFFFD\n",
		Author:    Signature{Name: "Eve  evil@example.org 0 +0000 committer x", Email: "eve@example.org parent", When: when},
		Committer: Signature{Name: "only@example.org", Email: "only@example.org", When: when},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	for name, spec := range map[string]CommitSpec{
		"nobody":           {Tree: tree, Author: Signature{When: when}, Committer: someone},
		"no time":          {Tree: tree, Author: Signature{Name: "x"}, Committer: someone},
		"no tree":          {Tree: id, Author: someone, Committer: someone},
		"a missing parent": {Tree: tree, Parents: []ID{tree}, Author: someone, Committer: someone},
	} {
		if _, err := r.WriteCommit(t.Context(), spec); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
