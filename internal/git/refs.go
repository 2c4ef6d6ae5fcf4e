package git

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/internal/fault"
)

const (
	branchPrefix = "refs/heads/"
	maxRev       = 1200 // bytes of a revision's name
)

// Branch is the short name of HEAD's branch, also when it has no commit yet.
// fault.Unsupported when HEAD names a commit instead.
func (r *Repo) Branch(ctx context.Context) (string, error) {
	// HEAD is a file unless refs are kept in tables; that it can be read spares a
	// process.
	if head, err := os.ReadFile(filepath.Join(r.Dir, "HEAD")); err == nil {
		name, ok := strings.CutPrefix(strings.TrimSpace(string(head)), "ref: "+branchPrefix)
		if ok && CheckBranch(name) == nil {
			return name, nil
		}
	}
	out, err := r.git(ctx, "symbolic-ref", "--quiet", "HEAD")
	if exitCode(err) == 1 {
		return "", fault.New(fault.Unsupported, "No branch is checked out in %s (HEAD is detached): check one out, or name the branch in the settings", r.Dir)
	}
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(strings.TrimSuffix(string(out), "\n"), branchPrefix), nil
}

// Resolve is the commit that rev names: a full ref name, a branch, an object id
// or what else git understands. fault.NotFound when there is none.
func (r *Repo) Resolve(ctx context.Context, rev string) (ID, error) {
	if rev == "" || len(rev) > maxRev || strings.ContainsAny(rev, "\n\x00") {
		return "", fault.New(fault.NotFound, "There is no branch or version %.100q", rev)
	}
	var id ID
	err := r.batch(ctx, "info", []string{rev + "^{commit}"}, func(_ int, a answer, _ io.Reader) error {
		id = a.id
		return nil
	})
	if err == nil && id == "" {
		err = fault.New(fault.NotFound, "There is no branch or version %.100q", rev)
	}
	return id, err
}

// Refs lists the refs whose full name begins with prefix ("refs/heads/cms/"),
// sorted by name. A tag object counts as what it points to.
func (r *Repo) Refs(ctx context.Context, prefix string) ([]Ref, error) {
	if prefix != "" && !strings.HasPrefix(prefix, "refs/") {
		return nil, fault.New(fault.Invalid, "Refs are listed by a prefix that begins with refs/, not %.100q", prefix)
	}
	// git matches whole parts of names, so the last part is left to us.
	pattern := prefix[:strings.LastIndexByte(prefix, '/')+1]
	args := []string{"for-each-ref", "--format=%(objectname) %(*objectname) %(refname)"}
	if pattern != "" {
		args = append(args, "--", pattern)
	}
	out, err := r.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for line := range strings.Lines(string(out)) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		target, name, _ := strings.Cut(rest, " ")
		if target != "" {
			id = target
		}
		if strings.HasPrefix(name, prefix) {
			refs = append(refs, Ref{name, ID(id)})
		}
	}
	return refs, nil
}

// UpdateRefs moves refs, all or none, each from its Old to its New. When it
// returns nil, the refs and all objects written before are on disk.
//
// fault.Conflict: a ref is not at its Old (it moved, it exists, it is gone), or
// its name clashes with another's as a folder does with a file's; then the error
// is also ErrNameClash. fault.Invalid: a name that CheckRef refuses or that is
// given twice, or a commit that is not there.
//
// The branch that a work tree has checked out is refused (fault.Unsupported).
// With UpdateCheckedOut the work tree's files that the move changes come along;
// a local change to one of them is a fault.Conflict with its path, and then
// nothing moves.
//
// A move that has begun is finished, also when ctx ends meanwhile.
func (r *Repo) UpdateRefs(ctx context.Context, updates ...RefUpdate) error {
	if len(updates) == 0 {
		return nil
	}
	if err := r.checkUpdates(updates); err != nil {
		return err
	}
	ctx, done, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	select {
	case r.refs <- struct{}{}:
		defer func() { <-r.refs }()
	case <-ctx.Done():
		return stopped(ctx, "update-ref")
	}
	if err := r.glance(ctx, updates); err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	checkout, err := r.checkedOut(ctx, updates)
	if err != nil {
		return err
	}
	// A caller who leaves must not end what follows: a git that is killed leaves
	// its locks behind, which nobody takes away, and of several refs some moved.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTime)
	defer cancel()
	if checkout == nil {
		err = r.transact(ctx, updates, nil)
	} else {
		err = r.moveWorktree(ctx, *checkout, updates)
	}
	if err != nil {
		return r.diagnose(ctx, updates, err)
	}
	return r.syncRefs(updates)
}

func (r *Repo) checkUpdates(updates []RefUpdate) error {
	seen := make(map[string]bool, len(updates))
	for _, u := range updates {
		if err := CheckRef(u.Name); err != nil {
			return err
		}
		if seen[u.Name] {
			return fault.New(fault.Invalid, "The ref %s is named twice", u.Name)
		}
		seen[u.Name] = true
		for _, id := range []ID{u.Old, u.New} {
			if id == "" {
				continue
			}
			if err := r.hash.check(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// glance finds out cheaply that a ref is not at its old value. The transaction
// looks again, under lock.
func (r *Repo) glance(ctx context.Context, updates []RefUpdate) error {
	names := make([]string, len(updates))
	for i, u := range updates {
		names[i] = u.Name
	}
	return r.batch(ctx, "info", names, func(i int, a answer, _ io.Reader) error {
		if a.id != updates[i].Old {
			return fault.New(fault.Conflict, "%s has changed in the meantime", shortName(updates[i].Name))
		}
		return nil
	})
}

// syncRefs makes the names of loose refs durable: git syncs the files alone.
func (r *Repo) syncRefs(updates []RefUpdate) error {
	dirs := map[string]bool{}
	for _, u := range updates {
		if u.New == "" {
			dirs[r.common] = true // packed-refs is there
		}
		for name := filepath.Dir(u.Name); name != "."; name = filepath.Dir(name) {
			dirs[filepath.Join(r.common, name)] = true
		}
	}
	for dir := range dirs {
		if !isDir(dir) {
			continue // its last ref went
		}
		if err := r.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}
