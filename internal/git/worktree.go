package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// Worktree is the directory of the work tree and the branch checked out in it
// (short name; "" when HEAD is detached). Both are "" for a bare repository.
func (r *Repo) Worktree(ctx context.Context) (dir, branch string, err error) {
	if r.worktree == "" {
		return "", "", nil
	}
	branch, err = r.Branch(ctx)
	if fault.Is(err, fault.Unsupported) {
		err = nil
	}
	return r.worktree, branch, err
}

// Author is whom the git of the person running this program would name as
// author (user.name and user.email, wherever they are set); empty fields when
// nobody is. When is not set.
func (r *Repo) Author(ctx context.Context) (Signature, error) {
	own := []string{"HOME=" + os.Getenv("HOME"), "XDG_CONFIG_HOME=" + os.Getenv("XDG_CONFIG_HOME")}
	out, err := r.run(ctx, command{args: []string{"config", "--null", "--get-regexp", `^user\.(name|email)$`}, env: own, personal: true})
	if exitCode(err) == 1 {
		return Signature{}, nil
	}
	var s Signature
	for setting := range strings.SplitSeq(string(out), "\x00") {
		switch key, value, _ := strings.Cut(setting, "\n"); key { // the last one counts
		case "user.name":
			s.Name = value
		case "user.email":
			s.Email = value
		}
	}
	return s, err
}

// checkedOut finds the update that moves the branch of the work tree; nil when
// none does. It refuses to move branches that must not move.
func (r *Repo) checkedOut(ctx context.Context, updates []RefUpdate) (*RefUpdate, error) {
	if r.worktree == "" && !isDir(filepath.Join(r.common, "worktrees")) {
		return nil, nil
	}
	out, err := r.git(ctx, "worktree", "list", "--porcelain", "-z")
	if err != nil {
		return nil, err
	}
	var mine *RefUpdate
	for i, text := range strings.Split(strings.TrimSuffix(string(out), "\x00\x00"), "\x00\x00") {
		dir, branch := parseWorktree(text)
		n := slices.IndexFunc(updates, func(u RefUpdate) bool { return u.Name == branch && u.Old != u.New })
		if n < 0 {
			continue
		}
		own := r.worktree != "" && (i == 0 && r.Dir == r.common || i > 0 && sameDir(dir, r.worktree))
		if !own || !r.UpdateCheckedOut || updates[n].New == "" {
			return nil, fault.New(fault.Unsupported, "%s is checked out in %s, where the next commit would undo the change: check out another branch there, use a bare repository, or set worktree: update for this site", shortName(branch), dir)
		}
		mine = &updates[n]
	}
	return mine, nil
}

// parseWorktree reads one part of git worktree list. A work tree whose directory
// is gone has no branch.
func parseWorktree(text string) (dir, branch string) {
	for line := range strings.SplitSeq(text, "\x00") {
		switch key, value, _ := strings.Cut(line, " "); key {
		case "worktree":
			dir = value
		case "branch":
			branch = value
		case "prunable":
			return dir, ""
		}
	}
	return dir, branch
}

func sameDir(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// moveWorktree moves refs, and brings the files that one of the moves changes
// into the work tree and its index. Git's own lock of the index is held all the
// while, and the refs are locked before a file is written, so that either all of
// it happens or nothing.
//
//	lock index ─► check files ─► lock refs ─► write files ─► move refs ─► new index
func (r *Repo) moveWorktree(ctx context.Context, u RefUpdate, updates []RefUpdate) error {
	w := worktreeMove{repo: r, old: u.Old, now: u.New}
	if u.Old == "" {
		w.old = r.hash.idOf("tree", nil)
	}
	lock, err := lockIndex(r.Dir, w.old, w.now)
	if err != nil {
		return err
	}
	defer lock.release()
	if w.index, err = r.copyIndex(); err != nil {
		return err
	}
	defer func() { _ = os.Remove(w.index) }()
	if err := w.check(ctx); err != nil {
		return err
	}
	written := false
	err = r.transact(ctx, updates, func() error {
		err := w.readTree(ctx, w.old, w.now)
		written = err == nil
		return err
	})
	if err != nil {
		if written {
			err = errors.Join(err, w.readTree(context.WithoutCancel(ctx), w.now, w.old))
		}
		return err
	}
	return lock.replace(w.index)
}

// worktreeMove brings a work tree from one commit to another, in an index of its
// own.
type worktreeMove struct {
	repo     *Repo
	old, now ID
	index    string
	touched  map[string]Change
}

// git runs a command with the index and the work tree.
func (w *worktreeMove) git(ctx context.Context, stdin string, args ...string) ([]byte, error) {
	return w.repo.inWorktree(ctx, w.index, stdin, args...)
}

func (r *Repo) inWorktree(ctx context.Context, index, stdin string, args ...string) ([]byte, error) {
	return r.run(ctx, command{
		args: args, dir: r.worktree, stdin: strings.NewReader(stdin),
		env: []string{"GIT_INDEX_FILE=" + index, "GIT_WORK_TREE=" + r.worktree},
	})
}

// readTree is git's own way of bringing files along: paths that are the same on
// both sides stay as they are in the index and on disk.
func (w *worktreeMove) readTree(ctx context.Context, from, to ID) error {
	_, err := w.git(ctx, "", "read-tree", "-m", "-u", string(from), string(to))
	return w.explain(err)
}

// check refuses when a path that changes has a local modification, staged or
// not, or when an untracked file is in its way. A file that already is as it
// shall become does not count.
func (w *worktreeMove) check(ctx context.Context) error {
	changes, err := w.repo.Diff(ctx, w.old, w.now)
	if err != nil {
		return err
	}
	w.touched = make(map[string]Change, len(changes))
	for _, c := range changes {
		w.touched[c.Path] = c
	}
	// Exit code 1 says that files are modified, which is found out next.
	if _, err := w.git(ctx, "", "update-index", "-q", "--refresh"); err != nil && exitCode(err) != 1 {
		return err
	}
	dirty, err := w.dirty(ctx)
	if err != nil {
		return err
	}
	if err := w.adopt(ctx, dirty); err != nil {
		return err
	}
	_, err = w.git(ctx, "", "read-tree", "--dry-run", "-m", "-u", string(w.old), string(w.now))
	return w.explain(err)
}

// dirty lists the touched paths that are not as they were at the old commit.
func (w *worktreeMove) dirty(ctx context.Context) ([]string, error) {
	unstaged, err := w.git(ctx, "", "diff-files", "--name-only", "-z")
	if err != nil {
		return nil, err
	}
	staged, err := w.git(ctx, "", "diff-index", "--cached", "--raw", "--no-renames", "--no-abbrev", "-z", string(w.old))
	if err != nil {
		return nil, err
	}
	dirty := map[string]bool{}
	for path := range strings.SplitSeq(string(unstaged), "\x00") {
		dirty[path] = true
	}
	tokens := strings.Split(string(staged), "\x00")
	for i := 0; i+1 < len(tokens); i += 2 {
		path, fields := tokens[i+1], strings.Fields(tokens[i])
		c, ok := w.touched[path]
		if !ok || len(fields) < 4 {
			continue
		}
		if now := ID(fields[3]); now != c.New && (now != w.repo.hash.zero() || c.New != "") {
			return nil, w.inTheWay(path)
		}
		dirty[path] = true
	}
	for path, c := range w.touched {
		if _, err := os.Lstat(filepath.Join(w.repo.worktree, path)); c.Old == "" && err == nil {
			dirty[path] = true
		}
	}
	var list []string
	for path := range dirty {
		if _, ok := w.touched[path]; ok {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list, nil
}

// adopt takes paths into the index as they are on disk, and refuses those that
// are not as they shall become. (A crash may have left them so after the files
// were written and before the branch moved.)
func (w *worktreeMove) adopt(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	if _, err := w.git(ctx, strings.Join(paths, "\x00")+"\x00", "update-index", "--add", "--remove", "-z", "--stdin"); err != nil {
		return errors.Join(w.inTheWay(paths...), err)
	}
	differ, err := w.git(ctx, "", "diff-index", "--cached", "--name-only", "--no-renames", "-z", string(w.now))
	if err != nil {
		return err
	}
	var bad []string
	for path := range strings.SplitSeq(string(differ), "\x00") {
		if _, ok := slices.BinarySearch(paths, path); ok {
			bad = append(bad, path)
		}
	}
	if len(bad) > 0 {
		return w.inTheWay(bad...)
	}
	return nil
}

func (w *worktreeMove) inTheWay(paths ...string) error {
	return &fault.Error{
		Kind: fault.Conflict, Paths: paths,
		Message: fmt.Sprintf("%s has changes in %s that are not committed: commit or undo them there first", paths[0], w.repo.worktree),
	}
}

// explain names the paths over which read-tree stumbled.
func (w *worktreeMove) explain(err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	var paths []string
	for path := range w.touched {
		for at := path; at != "."; at = filepath.Dir(at) {
			if strings.Contains(f.Stderr, "'"+at+"'") {
				paths = append(paths, path)
				break
			}
		}
	}
	if len(paths) == 0 {
		return err
	}
	slices.Sort(paths)
	return errors.Join(w.inTheWay(paths...), err)
}

// copyIndex copies the index of the work tree to a file that a command may
// change.
func (r *Repo) copyIndex() (string, error) {
	path, err := r.beside("")
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join(r.Dir, "index"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	f, err := os.CreateTemp(path, indexCopy+"*")
	if err != nil {
		return "", err
	}
	if len(data) == 0 { // git takes no file for an empty index, but not an empty file
		return f.Name(), errors.Join(f.Close(), os.Remove(f.Name()))
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Close())
}
