package local_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/host"
	"gatehouse/internal/host/hosttest"
	"gatehouse/internal/host/local"
)

// BenchmarkList is the board of a site with 1,000 open drafts: cold is the
// first look of a process, warm every later one.
func BenchmarkList(b *testing.B) {
	d := hosttest.Directory{Path: b.TempDir()}
	d.Git(b, "init", "--quiet", "--bare", "--initial-branch", "main")
	var stream strings.Builder
	for n := range 1000 {
		body := fmt.Sprintf(`{"number":%d,"state":"open","status":"draft","label":"decap-cms/draft","title":"t","head":"cms/posts/%d","base":"main","author":{"name":"Ada","email":"ada@example.org"},"created":"2026-11-22T12:04:00Z","updated":"2026-11-22T12:04:00Z"}`, n+1, n)
		fmt.Fprintf(&stream, "commit refs/gatehouse/requests/%d\ncommitter Ada <ada@example.org> 1795349040 +0000\ndata 1\nx\nM 100644 inline request.json\ndata %d\n%s\n", n+1, len(body), body)
	}
	d.GitInput(b, stream.String(), "fast-import", "--quiet")
	d.Git(b, "pack-refs", "--all")
	list := func(h *local.Host) {
		got, err := h.ChangeRequests(b.Context(), host.Query{State: host.Open})
		if err != nil || len(got) != 1000 {
			b.Fatal(len(got), err)
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			list(newHost(b, d))
		}
	})
	b.Run("warm", func(b *testing.B) {
		h := newHost(b, d)
		list(h)
		for b.Loop() {
			list(h)
		}
	})
}
