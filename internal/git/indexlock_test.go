package git

import (
	"os"
	"path/filepath"
	"testing"
)

// die leaves the index locked, as a server does that is killed in the middle of
// a move.
func die(t *testing.T, r *Repo, old, now ID) {
	t.Helper()
	lock, err := lockIndex(r.Dir, old, now)
	must(t, err)
	must(t, lock.file.Close())
	must(t, r.Close())
}

// A server that is killed while it brings a work tree along left index.lock, and
// no save went through until somebody removed it.
func TestTheIndexLockOfAKilledServerDoesNotBlockForever(t *testing.T) {
	t.Run("before the branch moved", func(t *testing.T) {
		r, dir, old, now := step(t)
		put(t, filepath.Join(dir, "a"), "a2\n") // as far as it came
		die(t, r, old, now)
		copied := filepath.Join(r.Dir, "gatehouse", "index-1234")
		unnamed := filepath.Join(r.Dir, unnamedLock+"1234")
		put(t, copied, "DIRC")
		put(t, unnamed, lockMark)
		next := open(t, dir)
		next.UpdateCheckedOut = true
		for _, left := range []string{copied, unnamed} {
			if got := contents(t, left); got != "(none)" {
				t.Errorf("%s is left", left)
			}
		}
		if got := shell(t, dir, "status", "--porcelain"); got != " M a" {
			t.Errorf("status:\n%s", got)
		}
		must(t, next.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now}))
		if got := shell(t, dir, "status", "--porcelain"); got != "" {
			t.Errorf("status after the same move:\n%s", got)
		}
	})
	t.Run("after the branch moved", func(t *testing.T) {
		r, dir, old, now := step(t)
		put(t, filepath.Join(dir, "keep"), "mine\n") // the developer's, at work
		index := contents(t, filepath.Join(r.Dir, "index"))
		must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now}))
		put(t, filepath.Join(r.Dir, "index"), index)
		die(t, r, old, now)
		next := open(t, dir)
		next.UpdateCheckedOut = true
		if got := shell(t, dir, "status", "--porcelain"); got != " M keep" {
			t.Errorf("status:\n%s", got)
		}
		must(t, next.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", now, old}))
		if got := shell(t, dir, "status", "--porcelain"); got != " M keep" {
			t.Errorf("status after going back:\n%s", got)
		}
	})
	t.Run("when all was done", func(t *testing.T) {
		r, dir, old, now := step(t)
		must(t, r.UpdateRefs(t.Context(), RefUpdate{"refs/heads/main", old, now}))
		die(t, r, old, now)
		open(t, dir)
		if got := shell(t, dir, "status", "--porcelain"); got != "" {
			t.Errorf("status:\n%s", got)
		}
	})
}

func TestALockOfTheIndexThatSomebodyHoldsStays(t *testing.T) {
	for name, hold := range map[string]func(*testing.T, *Repo, string, ID, ID){
		"a git that has just begun": func(t *testing.T, _ *Repo, lock string, _, _ ID) { put(t, lock, "") },
		"a git that writes":         func(t *testing.T, _ *Repo, lock string, _, _ ID) { put(t, lock, "DIRC") },
		"another server": func(t *testing.T, r *Repo, _ string, old, now ID) {
			l, err := lockIndex(r.Dir, old, now)
			must(t, err)
			t.Cleanup(l.release)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir, old, now := step(t)
			lock := filepath.Join(r.Dir, "index.lock")
			hold(t, r, lock, old, now)
			open(t, dir)
			if _, err := os.Stat(lock); err != nil {
				t.Error(err)
			}
		})
	}
}
