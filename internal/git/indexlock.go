package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gatehouse/internal/fault"
)

const (
	lockMark    = "gatehouse "       // begins the content of our index locks; git's begin otherwise
	unnamedLock = "index.gatehouse-" // begins the name of a lock that has not got its own yet
	indexCopy   = "index-"           // begins the name of a copy of the index to work on
)

// indexLock is git's own lock of a work tree's index: while it is held, no
// other git changes the index. Its content says that it is ours and which move
// it is for, and the file itself is locked as long as this process lives. So
// the lock of a server that was killed is known from all others.
type indexLock struct {
	index string
	file  *os.File
}

// lockIndex takes the lock for a move of the work tree between two commits (or
// trees); fault.Unavailable when another git has it. The lock gets its name when
// all of it is written, so that none is ever without its mark.
func lockIndex(gitDir string, from, to ID) (*indexLock, error) {
	f, err := os.CreateTemp(gitDir, unnamedLock+"*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	l := &indexLock{filepath.Join(gitDir, "index"), f}
	_, err = fmt.Fprintf(f, "%s%s %s\n", lockMark, from, to)
	if err = errors.Join(err, flock(f), f.Sync()); err == nil {
		err = claim(f.Name(), l.index+lockSuffix)
	}
	if err == nil {
		return l, nil
	}
	_ = f.Close()
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.Wrap(fault.Unavailable, err, "Another git is at work in the work tree; try again. (If none is, remove %s)", l.index+lockSuffix)
	}
	return nil, err
}

// claim gives a file a name that nobody has.
func claim(file, name string) error {
	err := os.Link(file, name)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) {
		return err
	}
	first, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600) // this file system has no second names
	if err != nil {
		return err
	}
	return errors.Join(first.Close(), os.Rename(file, name))
}

func flock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// abandonedLock takes over the lock of a server that was killed, and says what
// move it was for; nil when there is none.
func abandonedLock(gitDir string) (l *indexLock, from, to ID) {
	index := filepath.Join(gitDir, "index")
	f, err := os.OpenFile(index+lockSuffix, os.O_RDWR, 0)
	if err != nil {
		return nil, "", ""
	}
	content := make([]byte, 200)
	n, _ := f.Read(content)
	move, ours := strings.CutPrefix(string(content[:n]), lockMark)
	if !ours || flock(f) != nil || !isAt(f, index+lockSuffix) {
		_ = f.Close()
		return nil, "", ""
	}
	a, b, _ := strings.Cut(strings.TrimSpace(move), " ")
	return &indexLock{index, f}, ID(a), ID(b)
}

// isAt reports whether an open file is still what its name means.
func isAt(f *os.File, path string) bool {
	is, err := f.Stat()
	now, nowErr := os.Lstat(path)
	return err == nil && nowErr == nil && os.SameFile(is, now)
}

// replace puts the content of another file in the index's place.
func (l *indexLock) replace(with string) error {
	data, err := os.ReadFile(with)
	if err != nil {
		return err
	}
	next := l.index + ".gatehouse"
	f, err := os.Create(next)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, l.index)
}

// release ends the lock. It goes before the file is closed, so that nobody
// takes it for abandoned.
func (l *indexLock) release() {
	_ = os.Remove(l.index + lockSuffix)
	_ = l.file.Close()
}

// recoverIndex ends the lock of a server that was killed while it brought the
// work tree along. When the branch had moved already, the files are there too,
// and the index follows: else the developer's next commit would undo the move.
// When it had not, the files that were written show as changed, and saving the
// same once more takes them for what they are.
//
// What cannot be brought in order is left to the developer's git to show.
func (r *Repo) recoverIndex(ctx context.Context) {
	eachNamed(r.Dir, unnamedLock, removeAbandoned)
	lock, from, to := abandonedLock(r.Dir)
	if lock == nil {
		return
	}
	defer lock.release()
	if dir, err := r.beside(""); err == nil {
		eachNamed(dir, indexCopy, func(path string) { _ = os.Remove(path) })
	}
	head, err := r.Resolve(ctx, "HEAD")
	if err != nil || head != to || r.hash.check(from) != nil {
		return
	}
	index, err := r.copyIndex()
	if err != nil {
		return
	}
	defer func() { _ = os.Remove(index) }()
	if _, err := r.inWorktree(ctx, index, "", "read-tree", "-i", "-m", string(from), string(to)); err != nil {
		return
	}
	// A file that was written just now is compared once, here; exit code 1 says
	// that others are modified.
	if _, err := r.inWorktree(ctx, index, "", "update-index", "-q", "--refresh"); err == nil || exitCode(err) == 1 {
		_ = lock.replace(index)
	}
}

// eachNamed calls do for the files of a directory whose names begin with prefix.
func eachNamed(dir, prefix string, do func(path string)) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			do(filepath.Join(dir, e.Name()))
		}
	}
}

// removeAbandoned removes a file that no living process has locked.
func removeAbandoned(path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	if flock(f) == nil {
		_ = os.Remove(path)
	}
	_ = f.Close()
}
