package git

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func TestTreeListsByDepth(t *testing.T) {
	r := newBare(t)
	id := grow(t, r, "main", map[string]string{
		"a.md": "1", "posts/a.md": "2", "posts/a/b.md": "3", "posts/a/c/d.md": "4", "posts/a.b": "5", "posts2/x": "6",
	})
	tests := []struct {
		dir   string
		depth int
		want  string
	}{
		{"", 1, "a.md"},
		{"", 0, "a.md posts/a.b posts/a.md posts/a/b.md posts/a/c/d.md posts2/x"},
		{"posts", 1, "posts/a.b posts/a.md"},
		{"posts", 2, "posts/a.b posts/a.md posts/a/b.md"},
		{"posts", 0, "posts/a.b posts/a.md posts/a/b.md posts/a/c/d.md"},
		{"posts/a", 1, "posts/a/b.md"},
		{"missing", 0, ""},
		{"a.md", 0, ""},
		{"posts/a.md/x", 0, ""},
		{"post", 0, ""},
	}
	for range 2 { // from git, then from memory
		for _, tt := range tests {
			list, err := r.Tree(t.Context(), id, tt.dir, tt.depth)
			must(t, err)
			var got []string
			for _, e := range list {
				got = append(got, e.Path)
				if e.Mode != ModeFile || e.ID == "" {
					t.Errorf("%+v", e)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%q depth %d: %s", tt.dir, tt.depth, diff)
			}
		}
	}
	if _, err := r.Tree(t.Context(), r.BlobID([]byte("?")), "", 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing version: %v", err)
	}
	if list, err := r.Tree(t.Context(), "", "", 0); len(list) != 0 || err != nil {
		t.Errorf("no version: %v, %v", list, err)
	}
	var paths []string
	for i := range 20 {
		paths = append(paths, fmt.Sprintf("posts/none%d", i))
	}
	found, err := r.StatAll(t.Context(), id, append(paths, "posts/a", "posts/a/c/d.md", "a.md", "posts//a", "/a.md", ""))
	must(t, err)
	if len(found) != 3 || found["posts/a"].Mode != ModeDir || found["posts/a/c/d.md"].Path != "posts/a/c/d.md" {
		t.Errorf("found %v", found)
	}
	if _, err := r.Stat(t.Context(), id, "posts/none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestBlobsComeInOrderWhateverTheirSize(t *testing.T) {
	r := newBare(t)
	r.CacheBytes = 1 << 20
	var ids []ID
	var want [][]byte
	for i := range 40 {
		data := bytes.Repeat([]byte{byte(i)}, i*i*4001) // 117 MB in all, more than a window
		id, err := r.WriteBlob(t.Context(), data)
		must(t, err)
		ids, want = append(ids, id), append(want, data)
		if i%3 == 0 { // the same again
			ids, want = append(ids, id), append(want, data)
		}
	}
	n := 0
	for b, err := range r.Blobs(t.Context(), ids) {
		must(t, err)
		if b.ID != ids[n] || !bytes.Equal(b.Data, want[n]) {
			t.Fatalf("blob %d is wrong", n)
		}
		n++
	}
	if n != len(ids) {
		t.Errorf("%d blobs, not %d", n, len(ids))
	}
	if r.cache.used > 1<<20 {
		t.Errorf("the cache has %d bytes", r.cache.used)
	}
}

func TestBlobsEndAtTheFirstError(t *testing.T) {
	r := newBare(t)
	head := grow(t, r, "main", map[string]string{"a": "a", "b": "b"})
	a, b := r.BlobID([]byte("a")), r.BlobID([]byte("b"))
	for _, bad := range []ID{r.BlobID([]byte("missing")), head, "short", ID(strings.Repeat("G", 40)), "", a + "\n"} {
		var got []ID
		var last error
		for blob, err := range r.Blobs(t.Context(), []ID{a, b, bad, a}) {
			if last = err; err == nil {
				got = append(got, blob.ID)
			}
		}
		if len(got) != 2 || last == nil || fault.KindOf(last) == fault.Internal {
			t.Errorf("%.10q: %v, %v", bad, got, last)
		}
	}
	for range r.Blobs(t.Context(), []ID{a, b}) {
		break // must not hang
	}
	if _, err := r.Blob(t.Context(), "nope"); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}

func TestADeadProcessIsReplaced(t *testing.T) {
	r := newBare(t)
	r.CacheBytes = -1
	grow(t, r, "main", map[string]string{"a": "a"})
	for range 3 {
		data, err := r.Blob(t.Context(), r.BlobID([]byte("a")))
		if err != nil || string(data) != "a" {
			t.Fatalf("%q, %v", data, err)
		}
		r.readers.mu.Lock()
		for _, rd := range r.readers.idle {
			must(t, killGroup(rd.cmd))
			_, _ = rd.cmd.Process.Wait()
		}
		r.readers.mu.Unlock()
	}
}

func TestACancelledReadHarmsNobodyElse(t *testing.T) {
	r := newBare(t)
	r.CacheBytes = -1
	small := blob(t, r, "small")
	big, err := r.WriteBlob(t.Context(), bytes.Repeat([]byte("x"), 12<<20))
	must(t, err)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			if i%2 == 0 {
				go cancel()
				for _, err := range r.Blobs(ctx, []ID{big, big, big}) {
					if err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				}
			} else if data, err := r.Blob(ctx, small); err != nil || string(data) != "small" {
				t.Errorf("%q, %v", data, err)
			}
			cancel()
		})
	}
	wg.Wait()
}

func TestOpenBlobStreams(t *testing.T) {
	r := newBare(t)
	data := make([]byte, 9<<20)
	_, _ = rand.Read(data)
	big, err := r.WriteBlob(t.Context(), data)
	must(t, err)
	empty, small := blob(t, r, ""), blob(t, r, "small")
	for id, want := range map[ID][]byte{big: data, empty: {}, small: []byte("small")} {
		s, size, err := r.OpenBlob(t.Context(), id)
		must(t, err)
		got, err := io.ReadAll(s)
		if err != nil || size != int64(len(want)) || !bytes.Equal(got, want) {
			t.Errorf("%d of %d bytes, %v", len(got), size, err)
		}
		must(t, s.Close())
		must(t, s.Close())
	}
	// One that nobody reads to its end, and one that nobody closes.
	s, _, err := r.OpenBlob(t.Context(), big)
	must(t, err)
	must(t, s.Close())
	ctx, cancel := context.WithCancel(t.Context())
	s, _, err = r.OpenBlob(ctx, big)
	must(t, err)
	cancel()
	if n, err := io.Copy(io.Discard, s); err == nil && n == int64(len(data)) {
		t.Log("the blob was read before the context ended")
	}
	_, _, err = r.OpenBlob(t.Context(), big)
	must(t, err)
	if _, _, err := r.OpenBlob(t.Context(), r.BlobID([]byte("?"))); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestReadsSeeWhatOthersWrite(t *testing.T) {
	r, dir := newWorktree(t, map[string]string{"a": "a"})
	if _, err := r.Resolve(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	shell(t, dir, "commit", "-q", "--allow-empty", "-m", "second")
	shell(t, dir, "gc", "-q", "--prune=now")
	id, err := r.Resolve(t.Context(), "main")
	if err != nil || string(id) != shell(t, dir, "rev-parse", "main") {
		t.Errorf("%s, %v", id, err)
	}
	if c, err := r.Commit(t.Context(), id); err != nil || c.Message != "second\n" {
		t.Errorf("%+v, %v", c, err)
	}
	sizes, err := r.Sizes(t.Context(), []ID{r.BlobID([]byte("a")), r.BlobID([]byte("missing")), id})
	if err != nil || len(sizes) != 1 || sizes[r.BlobID([]byte("a"))] != 1 {
		t.Errorf("%v, %v", sizes, err)
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 a\x0001234567890123456789"))
	f.Add([]byte("40000 a\x000123456789012345678940000 b\x0001234567890123456789"))
	f.Add([]byte("1"))
	f.Add([]byte("100644 \x0001234567890123456789"))
	f.Fuzz(func(t *testing.T, data []byte) {
		nodes, err := parseTree(data, 20)
		if err != nil {
			return
		}
		again, err := encodeTree(nodes)
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := parseTree(again, 20); err != nil || !cmp.Equal(parsed, nodes, cmp.AllowUnexported(node{})) {
			t.Errorf("%q is read as %v, then as %v, %v", data, nodes, parsed, err)
		}
	})
}

func FuzzParseCommit(f *testing.F) {
	f.Add([]byte("tree x\nparent y\nauthor A <a@b> 1 +0100\ncommitter B <b@c> 2 -0330\ngpgsig x\n tree z\n\nmessage\n"))
	f.Add([]byte("author A <a@b> 99999999999999999999 +99999\nencoding ISO-8859-1\n\n\xe9"))
	f.Add([]byte("author >< 1\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := parseCommit(data)
		if !strings.EqualFold(strings.ToValidUTF8(c.Message, ""), c.Message) {
			t.Errorf("the message %q is not valid", c.Message)
		}
		_ = c.Author.When.String()
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add("0123 blob 5")
	f.Add("x y missing")
	f.Fuzz(func(t *testing.T, line string) {
		if a, ok := parseAnswer(line); ok && a.size < 0 {
			t.Errorf("%q has the size %d", line, a.size)
		}
	})
}
