package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"gatehouse/internal/fault"
)

// indexLock is git's own lock of a work tree's index: while it is held, no
// other git changes the index.
type indexLock struct {
	index string
	file  *os.File
}

// lockIndex takes the lock; fault.Unavailable when another git has it.
func lockIndex(gitDir string) (*indexLock, error) {
	index := filepath.Join(gitDir, "index")
	f, err := os.OpenFile(index+lockSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // as git makes it: the umask decides
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.Wrap(fault.Unavailable, err, "Another git is at work in the work tree; try again. (If none is, remove %s)", index+lockSuffix)
	}
	return &indexLock{index, f}, err
}

// replace puts the content of another file in the index's place and ends the
// lock.
func (l *indexLock) replace(with string) error {
	data, err := os.ReadFile(with)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(data); err != nil {
		return err
	}
	if err := errors.Join(l.file.Sync(), l.file.Close()); err != nil {
		return err
	}
	l.file = nil
	return os.Rename(l.index+lockSuffix, l.index)
}

// release ends the lock and leaves the index as it is. After replace it does
// nothing.
func (l *indexLock) release() {
	if l.file == nil {
		return
	}
	_ = l.file.Close()
	_ = os.Remove(l.index + lockSuffix)
}
