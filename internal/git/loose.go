package git

import (
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"gatehouse/internal/fault"
)

// parallelSync is how many files are synced at once: the file system writes
// their journal entries together.
const parallelSync = 4

// object is one object to store.
type object struct {
	id   ID
	kind string
	data []byte
}

// dirtySet are directories whose entries may not be on disk yet. An object is
// in a file that is synced before it gets its name; the name is durable once
// the directory is synced too, which happens once for many objects, before a
// ref may point to them.
type dirtySet struct {
	flushing sync.Mutex // held while directories are synced, so that nobody overtakes
	mu       sync.Mutex
	dirs     map[string]bool
}

func (d *dirtySet) add(dirs ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirs == nil {
		d.dirs = make(map[string]bool)
	}
	for _, dir := range dirs {
		d.dirs[dir] = true
	}
}

// flush makes the names of all objects written so far durable.
func (r *Repo) flush() error {
	d := &r.unsynced
	d.flushing.Lock()
	defer d.flushing.Unlock()
	d.mu.Lock()
	dirs := d.dirs
	d.dirs = nil
	d.mu.Unlock()
	for dir := range dirs {
		if err := r.syncDir(dir); err != nil {
			for dir := range dirs {
				d.add(dir)
			}
			return err
		}
	}
	return nil
}

// syncDir makes the entries of a directory durable. One that is gone has none.
func (r *Repo) syncDir(dir string) error {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = r.sync(f)
	return errors.Join(err, f.Close())
}

func (r *Repo) sync(f *os.File) error {
	r.syncs.Add(1)
	return f.Sync()
}

// store writes objects as loose files, all of them durable but for their names;
// see flush. Objects that are packed are written again: that costs little, and
// keeps a repack at work elsewhere from taking them away.
func (r *Repo) store(ctx context.Context, objects []object) error {
	if err := ctx.Err(); err != nil {
		return stopped(ctx, "write")
	}
	if len(objects) == 1 {
		return r.storeOne(objects[0])
	}
	var g errgroup.Group
	g.SetLimit(parallelSync)
	for _, o := range objects {
		g.Go(func() error { return r.storeOne(o) })
	}
	return g.Wait()
}

func (r *Repo) storeOne(o object) error {
	top := filepath.Join(r.common, "objects")
	dir := filepath.Join(top, string(o.id[:2]))
	path := filepath.Join(dir, string(o.id[2:]))
	info, err := r.fanOut(top, dir)
	if err != nil {
		return r.unwritable(err)
	}
	if r.freshen(path) {
		r.unsynced.add(dir)
		return nil
	}
	if err := r.writeLoose(dir, path, o, info.Mode()); err != nil {
		return r.unwritable(err)
	}
	r.unsynced.add(dir)
	return nil
}

// unwritable explains why a file could not be written.
func (r *Repo) unwritable(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Wrap(fault.Unavailable, err, "The server's disk is full, so nothing was saved: tell the operator")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.Wrap(fault.Unsupported, err, "The server may not write into its repository, so nothing was saved: the operator has to make %s writable for it", r.Dir)
	}
	return fmt.Errorf("store an object: %w", err)
}

// diskSays explains a failure of git whose reason is the disk, by git's words;
// any other stays as it is.
func (r *Repo) diskSays(err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(f.Stderr, text) })
	}
	switch {
	case has("No space left", "quota exceeded"):
		return r.unwritable(errors.Join(syscall.ENOSPC, err))
	case has("Permission denied", "Read-only file system", "insufficient permission"):
		return r.unwritable(errors.Join(fs.ErrPermission, err))
	case has("couldn't write '"): // a ref; git does not say why
		return fault.Wrap(fault.Unavailable, err, "The server's disk is full or failing, so nothing was saved: tell the operator")
	}
	return err
}

// fanOut makes the directory for an object, as open to others as its parent.
func (r *Repo) fanOut(top, dir string) (fs.FileInfo, error) {
	info, err := os.Stat(top)
	if err != nil {
		return nil, err
	}
	switch err := os.Mkdir(dir, 0o777); { //nolint:gosec // becomes as open as its parent, next
	case err == nil:
		r.unsynced.add(top)
		return info, os.Chmod(dir, info.Mode()&(fs.ModePerm|fs.ModeSetgid))
	case errors.Is(err, fs.ErrExist):
		return info, nil
	default:
		return nil, err
	}
}

// freshen reports whether the object is there already. Its new time keeps a
// collection of garbage away from it, and whoever wrote it may not have synced.
func (r *Repo) freshen(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	now := time.Now()
	return os.Chtimes(path, now, now) == nil && r.sync(f) == nil
}

func (r *Repo) writeLoose(dir, path string, o object, top fs.FileMode) (err error) {
	f, err := os.CreateTemp(dir, "tmp_obj_*") // git gc clears such names
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = r.fill(f, o, top.Perm()&0o444)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (r *Repo) fill(f *os.File, o object, perm fs.FileMode) error {
	w, err := zlib.NewWriterLevel(f, zlib.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := w.Write(header(o.kind, len(o.data))); err != nil {
		return err
	}
	if _, err := w.Write(o.data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := f.Chmod(perm); err != nil {
		return err
	}
	return r.sync(f)
}

// newObject names an object.
func (r *Repo) newObject(kind string, data []byte) object {
	return object{r.hash.idOf(kind, data), kind, data}
}

// WriteBlob stores data. It is durable as soon as UpdateRefs moves a ref.
func (r *Repo) WriteBlob(ctx context.Context, data []byte) (ID, error) {
	_, done, err := r.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	o := r.newObject("blob", data)
	if err := r.store(ctx, []object{o}); err != nil {
		return "", err
	}
	r.objects().put(cachedBlob, o.id, append([]byte{}, data...), len(data)) // never nil, which is nothing read
	return o.id, nil
}
