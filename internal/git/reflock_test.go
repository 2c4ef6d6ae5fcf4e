package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A machine that loses its power, or a container that is killed, ends git in the
// middle of a transaction. Its locks stay, and every later save would answer
// that another program is changing the repository.
func TestLocksOfAGitThatWasKilledDoNotBlockForever(t *testing.T) {
	r := newBare(t)
	a := grow(t, r, "main", map[string]string{"a": "a"})
	b := commitFiles(t, r, a, map[string]string{"a": "b"})
	must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/cms/posts/x", "", a}, RefUpdate{"refs/gatehouse/requests/1", "", a}))
	must(t, r.Close())
	shell(t, r.Dir, "pack-refs", "--all")
	for _, name := range []string{"refs/heads/main.lock", "refs/heads/cms/posts/x.lock", "refs/gatehouse/requests/1.lock", "HEAD.lock", "packed-refs.lock", "packed-refs.new"} {
		lock := filepath.Join(r.Dir, name)
		put(t, lock, "")
		killed := time.Now().Add(-time.Minute)
		must(t, os.Chtimes(lock, killed, killed))
	}
	next := open(t, r.Dir)
	must(t, next.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", a, b},
		RefUpdate{"refs/heads/cms/posts/x", a, ""}, RefUpdate{"refs/gatehouse/requests/1", a, b}))
	fsck(t, next)
}

func TestALockOfAGitAtWorkIsWaitedFor(t *testing.T) {
	r := newBare(t)
	lock := filepath.Join(r.Dir, "refs/heads/main.lock")
	exists := func() bool { _, err := os.Stat(lock); return err == nil }

	put(t, lock, "")
	must(t, r.clearRefLocks(t.Context(), 50*time.Millisecond))
	if exists() {
		t.Error("a lock outlives all patience")
	}

	put(t, lock, "")
	ended := make(chan error, 1)
	go func() { ended <- r.clearRefLocks(t.Context(), time.Hour) }()
	must(t, os.Remove(lock))
	if err := <-ended; err != nil {
		t.Error(err)
	}

	// One from the future, after the clock was put back, is waited for once.
	put(t, lock, "")
	future := time.Now().Add(24 * time.Hour)
	must(t, os.Chtimes(lock, future, future))
	must(t, r.clearRefLocks(t.Context(), 50*time.Millisecond))
	if exists() {
		t.Error("a lock from the future is there for ever")
	}
}

func TestOpeningThatWaitsForALockCanBeEnded(t *testing.T) {
	r := newBare(t)
	put(t, filepath.Join(r.Dir, "HEAD.lock"), "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.clearRefLocks(ctx, time.Hour); !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v", err)
	}
}
