package git

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

// counted counts what is read of a cat-file process.
type counted struct {
	io.Reader
	n *int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += int64(n)
	return n, err
}

// Each window used to ask for all that remained, so that a folder of large
// files was read again for every 16 MB of it.
func TestLargeBlobsWereReadManyTimes(t *testing.T) {
	r := newBare(t)
	r.CacheBytes = -1
	const size, count = 400 << 10, 200
	var stream strings.Builder
	stream.WriteString("commit refs/heads/main\ncommitter T <t@example.org> 1600000000 +0000\ndata 1\nx\n")
	for i := range count {
		fmt.Fprintf(&stream, "M 100644 inline f%d\ndata %d\n%0*d\n", i, size, size, i)
	}
	shellInput(t, r.Dir, stream.String(), "fast-import", "--quiet")
	var read int64
	start := r.readers.start
	r.readers.start = func() (*reader, error) {
		rd, err := start()
		if err == nil {
			rd.out = bufio.NewReaderSize(counted{rd.out, &read}, readBuffer)
		}
		return rd, err
	}
	rev, err := r.Resolve(t.Context(), "refs/heads/main")
	must(t, err)
	files, err := r.Tree(t.Context(), rev, "", 1)
	must(t, err)
	ids := make([]ID, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	n := 0
	for b, err := range r.Blobs(t.Context(), ids) {
		must(t, err)
		if b.ID != ids[n] || len(b.Data) != size {
			t.Fatalf("blob %d is %s with %d bytes", n, b.ID, len(b.Data))
		}
		n++
	}
	if n != count {
		t.Errorf("%d blobs of %d", n, count)
	}
	if read > size*count*5/4 {
		t.Errorf("%d MB were read for %d MB", read>>20, size*count>>20)
	}
}

// A few trees that hold each other many times over stand for billions of
// folders. Without a file in them nothing was counted, and listing them did not
// end.
func TestFoldersInFoldersWithoutFilesEndTheListing(t *testing.T) {
	r := newBare(t)
	tree := shellInput(t, r.Dir, "", "mktree")
	for range 40 {
		var lines strings.Builder
		for i := range 10 {
			fmt.Fprintf(&lines, "040000 tree %s\td%d\n", tree, i)
		}
		tree = shellInput(t, r.Dir, lines.String(), "mktree")
	}
	if _, err := r.Tree(t.Context(), ID(tree), "", 0); !fault.Is(err, fault.TooLarge) {
		t.Errorf("listing: %v", err)
	}
}

// A name longer than the buffer ended the walk through the history, and with it
// every listing of the site.
func TestALongNameInTheHistoryHidesNoDates(t *testing.T) {
	r := newBare(t)
	blob := shellInput(t, r.Dir, "x", "hash-object", "-w", "--stdin")
	lines := fmt.Sprintf("100644 blob %[1]s\ta.md\n100644 blob %[1]s\t%[2]s\n100644 blob %[1]s\tz.md\n", blob, strings.Repeat("long", 20_000))
	rev := ID(shell(t, r.Dir, "commit-tree", "-m", "first", shellInput(t, r.Dir, lines, "mktree")))
	last, err := r.LastCommits(t.Context(), rev, []string{"a.md", "z.md"})
	must(t, err)
	if len(last) != 2 {
		t.Errorf("dates of %v", last)
	}
}

// What nothing was written as was taken for what is not there, and looked for
// again and again.
func TestABlobWrittenAsNothingIsRead(t *testing.T) {
	r := newBare(t)
	id, err := r.WriteBlob(t.Context(), nil)
	must(t, err)
	data, err := r.Blob(t.Context(), id)
	if must(t, err); len(data) != 0 {
		t.Errorf("%q", data)
	}
}

// A commit with a message of any length stopped every save on top of it.
func TestACommitWithALongMessageIsRead(t *testing.T) {
	r := newBare(t)
	tree := shellInput(t, r.Dir, "", "mktree")
	id := shellInput(t, r.Dir, "Title\n\n"+strings.Repeat("long ", 1<<20), "commit-tree", tree)
	c, err := r.Commit(t.Context(), ID(id))
	if must(t, err); c.Tree != ID(tree) || !strings.HasPrefix(c.Message, "Title\n") || len(c.Message) > maxCommit {
		t.Errorf("tree %s, %d bytes of message", c.Tree, len(c.Message))
	}
	if c, err = r.Commit(t.Context(), ID(shell(t, r.Dir, "commit-tree", "-m", "next", tree))); err != nil || c.Message != "next\n" {
		t.Errorf("the next answer: %+v, %v", c, err)
	}
}
