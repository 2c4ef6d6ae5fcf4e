package content_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/internal/git"
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
			if err := rawListing(b, w.repo); err != nil {
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

// rawListing is the least that a listing costs: the tree, the blobs, JSON.
func rawListing(b *testing.B, repo *git.Repo) error {
	head, err := repo.Resolve(b.Context(), "refs/heads/main")
	if err != nil {
		return err
	}
	entries, err := repo.Tree(b.Context(), head, "content/posts", 1)
	if err != nil {
		return err
	}
	ids := make([]git.ID, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	enc := json.NewEncoder(io.Discard)
	for blob, err := range repo.Blobs(b.Context(), ids) {
		if err != nil {
			return err
		}
		if err := enc.Encode(string(blob.Data)); err != nil {
			return err
		}
	}
	return nil
}
