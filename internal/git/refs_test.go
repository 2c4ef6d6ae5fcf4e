package git

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func TestUpdateRefsIsAllOrNothing(t *testing.T) {
	r := newBare(t)
	a := grow(t, r, "main", map[string]string{"a": "a"})
	b := commitFiles(t, r, a, map[string]string{"a": "b"})
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/cms/pages/about", "", a}))
	tests := map[string]struct {
		updates []RefUpdate
		kind    fault.Kind
		clash   bool
	}{
		"a stale old value":     {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/main", b, a}}, fault.Conflict, false},
		"it exists":             {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/main", "", b}}, fault.Conflict, false},
		"it is gone":            {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/old", a, b}}, fault.Conflict, false},
		"a deleted one moved":   {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/main", b, ""}}, fault.Conflict, false},
		"below another":         {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/cms/pages/about/us", "", b}}, fault.Conflict, true},
		"above another":         {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/cms/pages", "", b}}, fault.Conflict, true},
		"clash among the new":   {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/new/er", "", b}}, fault.Conflict, true},
		"a commit not there":    {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/x", "", r.BlobID([]byte("?"))}}, fault.Invalid, false},
		"a blob":                {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/x", "", blob(t, r, "x")}}, fault.Invalid, false},
		"named twice":           {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/new", "", b}}, fault.Invalid, false},
		"a bad name":            {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/a..b", "", b}}, fault.Invalid, false},
		"HEAD":                  {[]RefUpdate{{"HEAD", a, b}}, fault.Invalid, false},
		"a short id":            {[]RefUpdate{{"refs/heads/new", "", b[:10]}}, fault.Invalid, false},
		"must be absent, is":    {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/main", "", ""}}, fault.Conflict, false},
		"must be at b, is at a": {[]RefUpdate{{"refs/heads/new", "", b}, {"refs/heads/main", b, b}}, fault.Conflict, false},
	}
	before, err := r.Refs(t.Context(), "")
	must(t, err)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := r.UpdateRefs(t.Context(), tt.updates...)
			if !fault.Is(err, tt.kind) || errors.Is(err, ErrNameClash) != tt.clash {
				t.Errorf("got %v: %v", fault.KindOf(err), err)
			}
			after, err := r.Refs(t.Context(), "")
			must(t, err)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("refs moved: %s", diff)
			}
		})
	}
	must(t, r.UpdateRefs(t.Context(),
		RefUpdate{"refs/heads/main", a, b}, RefUpdate{"refs/heads/cms/pages/about", a, ""},
		RefUpdate{"refs/gatehouse/requests/1", "", b}, RefUpdate{"refs/heads/absent", "", ""}))
	after, err := r.Refs(t.Context(), "refs/")
	must(t, err)
	if diff := cmp.Diff([]Ref{{"refs/gatehouse/requests/1", b}, {"refs/heads/main", b}}, after); diff != "" {
		t.Error(diff)
	}
}

func TestADeletedPackedRefIsGone(t *testing.T) {
	r := newBare(t)
	a := grow(t, r, "main", map[string]string{"a": "a"})
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/x/y", "", a}))
	shell(t, r.Dir, "pack-refs", "--all", "--prune")
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/x/y", a, ""}))
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/x", "", a}))
}

func TestALockedRefIsUnavailable(t *testing.T) {
	r := newBare(t)
	a := grow(t, r, "main", map[string]string{"a": "a"})
	b := commitFiles(t, r, a, map[string]string{"a": "b"})
	put(t, filepath.Join(r.Dir, "refs/heads/main.lock"), "")
	err := r.transactWithin(t.Context(), RefUpdate{"refs/heads/main", a, b})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

// transactWithin is UpdateRefs without git's patience for locks.
func (r *Repo) transactWithin(ctx context.Context, u RefUpdate) error {
	r.more = []string{"GIT_CONFIG_PARAMETERS='core.filesreflocktimeout'='0'"}
	return r.UpdateRefs(ctx, u)
}

func TestFiftyWritersLoseNothing(t *testing.T) {
	r := newBare(t)
	grow(t, r, "main", map[string]string{"start": "x"})
	const writers = 50
	second := open(t, r.Dir) // shares nothing with the first but the directory
	var wg sync.WaitGroup
	for i := range writers {
		r := []*Repo{r, second}[i%2]
		wg.Go(func() {
			for {
				old, err := r.Resolve(t.Context(), "refs/heads/main")
				if err != nil {
					t.Error(err)
					return
				}
				next := commitFiles(t, r, old, map[string]string{fmt.Sprintf("file%d", i): "text"})
				err = r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, next})
				if err == nil {
					return
				}
				if !fault.Is(err, fault.Conflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	tip, err := r.Resolve(t.Context(), "main")
	must(t, err)
	list, err := r.Tree(t.Context(), tip, "", 0)
	must(t, err)
	if len(list) != writers+1 {
		t.Errorf("%d files, not %d", len(list), writers+1)
	}
	if n := shell(t, r.Dir, "rev-list", "--count", "main"); n != fmt.Sprint(writers+1) {
		t.Errorf("%s commits, not %d", n, writers+1)
	}
	fsck(t, r)
}

func TestABranchIsMovedOnlyWhenAllIsOnDisk(t *testing.T) {
	r := newBare(t)
	first := grow(t, r, "main", map[string]string{"a/b/c": "one"})
	before := r.syncs.Load()
	second := commitFiles(t, r, first, map[string]string{"a/b/c": "two"})
	files := r.syncs.Load() - before
	if files != 5 { // blob, three trees, commit
		t.Errorf("%d objects were synced, not 5", files)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	r.more = []string{"GIT_TRACE2_EVENT=" + trace}
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", first, second}))
	if len(r.unsynced.dirs) != 0 {
		t.Errorf("directories of objects are not synced: %v", r.unsynced.dirs)
	}
	dirs := r.syncs.Load() - before - files
	// Up to five fan-out directories and their parent, and refs/heads, refs.
	if dirs < 4 || dirs > 8 {
		t.Errorf("%d directories were synced", dirs)
	}
	if n := flushes(t, trace); n != 1 {
		t.Errorf("git synced %d refs, not 1", n)
	}
	merged := grow(t, r, "main", map[string]string{"a/other": "x"})
	side := commitFiles(t, r, second, map[string]string{"a/side": "y"})
	must(t, os.Truncate(trace, 0))
	m, err := r.Merge(t.Context(), merged, side)
	must(t, err)
	if n := flushes(t, trace); n != 2 {
		t.Errorf("git synced %d trees of the merge, not 2", n)
	}
	folder, err := r.Stat(t.Context(), m.Tree, "a")
	must(t, err)
	for _, id := range []ID{m.Tree, folder.ID} {
		if dir := filepath.Join(r.common, "objects", string(id[:2])); !r.unsynced.dirs[dir] {
			t.Errorf("the merge's directory %s is not going to be synced", dir)
		}
	}
}

// flushes adds up the syncs that git processes noted in a trace.
func flushes(t *testing.T, trace string) int {
	t.Helper()
	log, err := os.ReadFile(trace)
	must(t, err)
	sum := 0
	for line := range strings.Lines(string(log)) {
		var event struct{ Category, Key, Value string }
		if strings.Contains(line, `"hardware-flush"`) || strings.Contains(line, `fsync/hardware-flush`) {
			must(t, json.Unmarshal([]byte(line), &event))
			n, err := strconv.Atoi(event.Value)
			must(t, err)
			sum += n
		}
	}
	return sum
}

func TestResolve(t *testing.T) {
	r := newBare(t)
	id := grow(t, r, "main", map[string]string{"a": "a"})
	shell(t, r.Dir, "tag", "-a", "v1", "-m", "x", "main")
	for _, rev := range []string{"main", "refs/heads/main", "HEAD", "v1", string(id), string(id[:12])} {
		if got, err := r.Resolve(t.Context(), rev); got != id || err != nil {
			t.Errorf("%s: %s, %v", rev, got, err)
		}
	}
	for _, rev := range []string{"", "no such branch", "--all", "main\nmain", "main:a", "\x00", strings.Repeat("x", 5000)} {
		if _, err := r.Resolve(t.Context(), rev); !fault.Is(err, fault.NotFound) {
			t.Errorf("%.20q: %v", rev, err)
		}
	}
	if refs, err := r.Refs(t.Context(), "refs/tags/v"); err != nil || len(refs) != 1 || refs[0].ID != id {
		t.Errorf("a tag is listed as %v, %v", refs, err)
	}
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/cms/a", "", id}, RefUpdate{"refs/heads/cms2", "", id}))
	refs, err := r.Refs(t.Context(), "refs/heads/cms/")
	if err != nil || len(refs) != 1 {
		t.Errorf("%v, %v", refs, err)
	}
	refs, err = r.Refs(t.Context(), "refs/heads/cm")
	if err != nil || len(refs) != 2 {
		t.Errorf("%v, %v", refs, err)
	}
	if _, err := r.Refs(t.Context(), "--all"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a prefix like an option: %v", err)
	}
}

// The browser that is closed in the middle of a save ends the request's context.
// A git that is killed then leaves refs/heads/main.lock, and nobody can save any
// more until somebody removes it by hand.
func TestACallerWhoLeavesInMidTransactionLeavesNoLock(t *testing.T) {
	r := newBare(t)
	a := grow(t, r, "main", map[string]string{"a": "a"})
	b := commitFiles(t, r, a, map[string]string{"a": "b"})
	dir := t.TempDir()
	begun, goOn := filepath.Join(dir, "begun"), filepath.Join(dir, "go-on")
	must(t, errors.Join(syscall.Mkfifo(begun, 0o600), syscall.Mkfifo(goOn, 0o600)))
	path := os.Getenv("PATH")
	fakeGit(t, fmt.Sprintf(`case "$*" in *update-ref*) echo >%s; read _ <%s;; esac; PATH=%s exec git "$@"`, begun, goOn, path))
	pipe := func(name string) *os.File {
		f, err := os.OpenFile(name, os.O_RDWR, 0) // both ends, so that nobody waits for the other to come
		must(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	in, out := pipe(begun), pipe(goOn)
	ctx, leave := context.WithCancel(t.Context())
	moved, atWork := make(chan error, 1), make(chan error, 1)
	go func() { moved <- r.UpdateRefs(ctx, RefUpdate{"refs/heads/main", a, b}) }()
	go func() {
		_, err := in.Read(make([]byte, 1))
		atWork <- err
	}()
	select {
	case err := <-atWork:
		must(t, err)
	case err := <-moved:
		t.Fatalf("the move ended before git was at work: %v", err)
	}
	leave()
	_, err := out.WriteString("\n")
	must(t, err)
	if err := <-moved; err != nil {
		t.Errorf("a move that had begun: %v", err)
	}
	if got := shell(t, r.Dir, "rev-parse", "main"); got != string(b) {
		t.Errorf("main is %s, not %s", got, b)
	}
	t.Setenv("PATH", path)
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", b, a}))
}

// What is full may have room for the objects and none for the ref; git then says
// that it "couldn't write", and no more.
func TestADiskThatIsFullAtTheRefIsExplained(t *testing.T) {
	for says, want := range map[string]string{
		"couldn't write '/srv/blog.git/refs/heads/main.lock'":                                          "disk is full",
		"Unable to create '/srv/blog.git/refs/heads/main.lock': No space left on device":               "disk is full",
		"Unable to create '/srv/blog.git/refs/heads/main.lock': Permission denied":                     "writable",
		"Unable to create '/srv/blog.git/refs/heads/main.lock': Read-only file system":                 "writable",
		"Unable to create '/srv/blog.git/refs/heads/main.lock': File exists.\n\nAnother git process …": "try again",
	} {
		t.Run(says, func(t *testing.T) {
			r := newBare(t)
			a := grow(t, r, "main", map[string]string{"a": "a"})
			b := commitFiles(t, r, a, map[string]string{"a": "b"})
			path := os.Getenv("PATH")
			fakeGit(t, fmt.Sprintf(`case "$*" in *update-ref*) echo "fatal: prepare: cannot update ref 'refs/heads/main': %s" >&2; exit 128;; esac; PATH=%s exec git "$@"`, says, path))
			err := r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", a, b})
			if got := fault.Message(err); !strings.Contains(got, want) {
				t.Errorf("%q: %v", got, err)
			}
		})
	}
}
