package git

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// lockPatience is how long a lock may be there before it counts as left
	// behind: as long as git itself waits for one. A git at work holds it for
	// milliseconds.
	lockPatience = 5 * time.Second
	lockTick     = 20 * time.Millisecond
)

// refLock is a lock of git's: a file beside what it locks.
type refLock struct {
	path string
	made time.Time
}

// clearRefLocks takes away the locks of refs that were left by a git that was
// killed: with the machine, or with the container. Git never does, and every
// write to such a ref would fail from then on. A lock that is younger than
// patience may be held by a git at work, and is waited for.
//
// It is for the opening of a repository, before which no git of ours is at work
// save for what a killed server started last. What cannot be removed stays; the
// write that meets it says why.
func (r *Repo) clearRefLocks(ctx context.Context, patience time.Duration) error {
	tick := time.NewTicker(lockTick)
	defer tick.Stop()
	end := time.Now().Add(patience) // also where a clock was put back
	for left := r.refLocks(); len(left) > 0; {
		var young []refLock
		for _, l := range left {
			switch info, err := os.Lstat(l.path); {
			case err != nil || !info.ModTime().Equal(l.made): // it is gone, or another one
			case time.Since(l.made) < patience && time.Now().Before(end):
				young = append(young, l)
			default:
				_ = os.Remove(l.path)
			}
		}
		if left = young; len(left) == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return stopped(ctx, "opening")
		}
	}
	return nil
}

// refLocks lists the locks that a transaction of refs may meet, and the new
// packed-refs that git begins anew only where there is none.
func (r *Repo) refLocks() []refLock {
	var found []refLock
	note := func(path string, info fs.FileInfo, err error) {
		if err == nil && info.Mode().IsRegular() {
			found = append(found, refLock{path, info.ModTime()})
		}
	}
	packed := filepath.Join(r.common, "packed-refs")
	for _, path := range []string{filepath.Join(r.Dir, "HEAD"+lockSuffix), packed + lockSuffix, packed + ".new"} {
		info, err := os.Lstat(path)
		note(path, info, err)
	}
	_ = filepath.WalkDir(filepath.Join(r.common, "refs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, lockSuffix) {
			info, err := e.Info()
			note(path, info, err)
		}
		return nil // what cannot be read has no lock that could be removed
	})
	return found
}
