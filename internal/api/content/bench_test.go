package content_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// manyEntries is a site with n entries of about 2 kB.
func manyEntries(b *testing.B, n int) *world {
	files := baseFiles()
	for i := range n {
		files[fmt.Sprintf("content/posts/post-%05d.md", i)] = fmt.Sprintf("---\ntitle: Post %d\ndate: 2026-01-01\n---\n%s", i, strings.Repeat(fmt.Sprintf("Words of entry %d, \"quoted\" & more.\n", i), 55))
	}
	return newWorld(b, files)
}

// BenchmarkEntries lists 10,000 entries over HTTP, as their text and as raw Git
// beside it: the listing should cost no more than half as much again.
func BenchmarkEntries(b *testing.B) {
	w := manyEntries(b, 10_000)
	server := httptest.NewServer(w.mux)
	defer server.Close()
	b.Run("listing", func(b *testing.B) {
		for b.Loop() {
			status, answer := post(server.URL, "ed", `{"action":"entriesByFolder","params":{"folder":"content/posts","extension":"md","depth":1}}`)
			if status != http.StatusOK {
				b.Fatal(status, answer)
			}
			b.SetBytes(int64(len(answer)))
		}
	})
	b.Run("git", func(b *testing.B) {
		for b.Loop() {
			if err := rawListing(b.Context(), w.repo.Dir); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			if status, answer := post(server.URL, "ed", `{"action":"entriesPage","params":{"folder":"content/posts","extension":"md","depth":1,"page":3}}`); status != http.StatusOK {
				b.Fatal(status, answer)
			}
		}
	})
}

// rawListing is the least that a listing costs without us: git lists the tree,
// git reads the blobs, each is encoded as JSON.
func rawListing(ctx context.Context, dir string) error {
	ids, err := exec.CommandContext(ctx, "git", "--git-dir", dir, "ls-tree", "--format=%(objectname)", "main:content/posts").Output()
	if err != nil {
		return err
	}
	cat := exec.CommandContext(ctx, "git", "--git-dir", dir, "cat-file", "--batch")
	cat.Stdin = bytes.NewReader(ids)
	out, err := cat.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cat.Start(); err != nil {
		return err
	}
	from, to := bufio.NewReaderSize(out, 1<<20), json.NewEncoder(io.Discard)
	for range bytes.Count(ids, []byte("\n")) {
		var id, kind string
		var size int64
		if _, err := fmt.Fscanf(from, "%s %s %d\n", &id, &kind, &size); err != nil {
			return err
		}
		data := make([]byte, size+1)
		if _, err := io.ReadFull(from, data); err != nil {
			return err
		}
		if err := to.Encode(string(data[:size])); err != nil {
			return err
		}
	}
	return cat.Wait()
}
