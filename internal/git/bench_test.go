package git

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// entries is how many files of 2 KB the benchmarks' folder has.
const entries = 10_000

func bigFolder(b *testing.B) *Repo {
	r := newBare(b)
	var stream strings.Builder
	text := strings.Repeat("Some words of an entry, which is about as long as most are.\n", 35)
	stream.WriteString("commit refs/heads/main\ncommitter T <t@example.org> 1600000000 +0000\ndata 1\nx\n")
	for i := range entries {
		body := fmt.Sprintf("---\ntitle: Entry %d\n---\n%s", i, text)
		fmt.Fprintf(&stream, "M 100644 inline content/posts/entry-%d.md\ndata %d\n%s\n", i, len(body), body)
	}
	shellInput(b, r.Dir, stream.String(), "fast-import", "--quiet")
	return r
}

// rawRead is what git alone takes to read all entries.
func rawRead(b *testing.B, r *Repo, ids []ID) time.Duration {
	b.Helper()
	var list strings.Builder
	for _, id := range ids {
		list.WriteString(string(id) + "\n")
	}
	began := time.Now()
	cmd := exec.Command("git", "cat-file", "--batch", "--buffer")
	cmd.Env = append(os.Environ(), "GIT_DIR="+r.Dir)
	cmd.Stdin = strings.NewReader(list.String())
	cmd.Stdout = struct{ io.Writer }{io.Discard} // through a pipe, as whoever reads must
	must(b, cmd.Run())
	return time.Since(began)
}

// readFolder reads the folder with all contents.
func readFolder(b *testing.B, r *Repo) []ID {
	b.Helper()
	rev, err := r.Resolve(b.Context(), "refs/heads/main")
	must(b, err)
	files, err := r.Tree(b.Context(), rev, "content/posts", 1)
	must(b, err)
	ids := make([]ID, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	n := 0
	for _, err := range r.Blobs(b.Context(), ids) {
		must(b, err)
		n++
	}
	if n != entries {
		b.Fatalf("%d entries", n)
	}
	return ids
}

// BenchmarkListFirst lists with nothing in memory and no process running.
func BenchmarkListFirst(b *testing.B) {
	r := bigFolder(b)
	ids := readFolder(b, r)
	var ours, raw time.Duration
	for b.Loop() {
		raw += rawRead(b, r, ids)
		began := time.Now()
		fresh := open(b, r.Dir)
		readFolder(b, fresh)
		ours += time.Since(began)
	}
	b.ReportMetric(float64(ours)/float64(raw), "x-of-cat-file")
}

// BenchmarkListAgain lists what has not changed since.
func BenchmarkListAgain(b *testing.B) {
	r := bigFolder(b)
	ids := readFolder(b, r)
	var ours, raw time.Duration
	for b.Loop() {
		raw += rawRead(b, r, ids)
		began := time.Now()
		readFolder(b, r)
		ours += time.Since(began)
	}
	b.ReportMetric(float64(ours)/float64(raw), "x-of-cat-file")
}

// BenchmarkCommit changes one file of the folder, durably.
func BenchmarkCommit(b *testing.B) {
	r := bigFolder(b)
	readFolder(b, r)
	var ours, raw time.Duration
	for i := 0; b.Loop(); i++ {
		body := fmt.Sprintf("text %d", i)
		began := time.Now()
		fastImport(b, r, body)
		raw += time.Since(began)
		began = time.Now()
		grow(b, r, "main", map[string]string{fmt.Sprintf("content/posts/entry-%d.md", i%entries): body})
		ours += time.Since(began)
	}
	b.ReportMetric(float64(ours)/float64(raw), "x-of-fast-import")
}

// fastImport makes the same commit with git alone, as durable.
func fastImport(b *testing.B, r *Repo, body string) {
	b.Helper()
	stream := fmt.Sprintf("commit refs/heads/raw\ncommitter T <t@example.org> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main\nM 100644 inline content/posts/entry-1.md\ndata %d\n%s\n", len(body), body)
	shellInput(b, r.Dir, stream, "-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync", "fast-import", "--quiet", "--force")
}

// BenchmarkLastCommits asks for all entries' last commits once more.
func BenchmarkLastCommits(b *testing.B) {
	r := bigFolder(b)
	rev, err := r.Resolve(b.Context(), "refs/heads/main")
	must(b, err)
	files, err := r.Tree(b.Context(), rev, "", 0)
	must(b, err)
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	for b.Loop() {
		found, err := r.LastCommits(b.Context(), rev, paths)
		must(b, err)
		if len(found) != entries {
			b.Fatalf("%d entries", len(found))
		}
	}
}
