package git

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// FileEdit is one file of the work tree to write, or with Delete to remove.
type FileEdit struct {
	Path   string
	Data   []byte
	Delete bool
	// Base, when not nil, is the version that must be on disk now ("": no file).
	// Line ends do not count.
	Base *ID
}

// WriteWorktree writes files into the work tree; nothing is staged or committed.
// New files are whole before they take the place of old ones. Removing what is
// not there changes nothing, and a folder goes with its last file.
//
// fault.Conflict, with the path: the file is not at its Base, or a folder, a
// link or another repository is in the way; then nothing is written.
func (r *Repo) WriteWorktree(ctx context.Context, edits []FileEdit) error {
	if r.worktree == "" {
		return fault.New(fault.Unsupported, "%s is a bare repository: it has no files on disk", r.Dir)
	}
	seen := map[string]bool{}
	for _, e := range edits {
		if err := CheckPath(e.Path); err != nil {
			return err
		}
		if seen[e.Path] {
			return fault.New(fault.Invalid, "The path %s is named twice", e.Path)
		}
		seen[e.Path] = true
	}
	select {
	case r.snapshot.lock <- struct{}{}: // a snapshot must not see what is half done
		defer func() { <-r.snapshot.lock }()
	case <-ctx.Done():
		return stopped(ctx, "write")
	}
	root, err := os.OpenRoot(r.worktree)
	if err != nil {
		return err
	}
	w := fileWriter{repo: r, root: root}
	err = w.write(ctx, edits)
	return errors.Join(err, root.Close())
}

// fileWriter writes below one directory. Its root keeps links from leading out
// of it, whoever makes them while it works.
type fileWriter struct {
	repo *Repo
	root *os.Root
	temp []string // beside each edit, "" for a removal
}

func (w *fileWriter) write(ctx context.Context, edits []FileEdit) error {
	for _, e := range edits {
		if err := w.check(e); err != nil {
			return err
		}
	}
	w.temp = make([]string, len(edits))
	defer w.clear()
	for i, e := range edits {
		if err := ctx.Err(); err != nil {
			return stopped(ctx, "write")
		}
		if err := w.prepare(i, e); err != nil {
			return err
		}
	}
	for _, e := range edits { // again, as late as can be
		if err := w.check(e); err != nil {
			return err
		}
	}
	for i, e := range edits {
		if err := w.finish(i, e); err != nil {
			return err
		}
	}
	return w.syncDirs(edits)
}

// check refuses an edit that something on disk does not allow.
func (w *fileWriter) check(e FileEdit) error {
	for dir := range parents(e.Path) {
		info, err := w.root.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return w.refuse(e.Path, dir+" is a file or a link")
		}
		if _, err := w.root.Lstat(dir + "/.git"); err == nil {
			return w.refuse(e.Path, dir+" is another repository")
		}
	}
	info, err := w.root.Lstat(e.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if e.Base != nil && *e.Base != "" {
			return w.refuse(e.Path, "it has been removed in the meantime")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return w.refuse(e.Path, "it is a folder or a link")
	}
	return w.checkBase(e)
}

// checkBase refuses an edit of a file that is not at its base.
func (w *fileWriter) checkBase(e FileEdit) error {
	if e.Base == nil {
		return nil
	}
	data, err := w.root.ReadFile(e.Path)
	if err != nil {
		return err
	}
	unix := bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if w.repo.BlobID(data) != *e.Base && w.repo.BlobID(unix) != *e.Base {
		return w.refuse(e.Path, "it has changed in the meantime")
	}
	return nil
}

func (w *fileWriter) refuse(path, why string) error {
	return &fault.Error{
		Kind: fault.Conflict, Paths: []string{path},
		Message: fmt.Sprintf("%s cannot be written in the work tree: %s", path, why),
	}
}

// parents yields the folders above a path, outermost first.
func parents(p string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(p) {
			if p[i] == '/' && !yield(p[:i]) {
				return
			}
		}
	}
}

// prepare writes the new content beside its place.
func (w *fileWriter) prepare(i int, e FileEdit) error {
	if e.Delete {
		return nil
	}
	perm := fs.FileMode(0o644)
	if info, err := w.root.Lstat(e.Path); err == nil {
		perm = info.Mode().Perm()
	}
	dir := path.Dir(e.Path)
	if err := w.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := path.Join(dir, ".gatehouse-"+strings.ToLower(rand.Text())+".tmp")
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	w.temp[i] = name
	_, err = f.Write(e.Data)
	return errors.Join(err, f.Chmod(perm), w.repo.sync(f), f.Close())
}

func (w *fileWriter) finish(i int, e FileEdit) error {
	if !e.Delete {
		err := w.root.Rename(w.temp[i], e.Path)
		if err == nil {
			w.temp[i] = ""
		}
		return err
	}
	if err := w.root.Remove(e.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.prune(e.Path)
	return nil
}

// prune removes the folders above a path that are empty.
func (w *fileWriter) prune(p string) {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if w.root.Remove(dir) != nil {
			return // not empty
		}
	}
}

// clear removes what prepare left, and the folders it made for nothing.
func (w *fileWriter) clear() {
	for _, name := range w.temp {
		if name == "" {
			continue
		}
		_ = w.root.Remove(name)
		w.prune(name)
	}
}

func (w *fileWriter) syncDirs(edits []FileEdit) error {
	dirs := []string{"."}
	for _, e := range edits {
		dirs = slices.AppendSeq(dirs, parents(e.Path))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		f, err := w.root.Open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(w.repo.sync(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
