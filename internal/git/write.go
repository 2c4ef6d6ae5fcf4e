package git

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// WriteTree stores base (a commit or tree; empty: an empty tree) with edits made
// to it, and answers the new tree. Deleting what is not there changes nothing;
// a folder goes with its last file.
//
// fault.Invalid: a path that CheckPath refuses, named twice, or a blob that is
// not there. fault.Conflict, with the path: a path that is a folder, a link or a
// submodule, or lies below a file, a link or a submodule.
func (r *Repo) WriteTree(ctx context.Context, base ID, edits []Edit) (ID, error) {
	w := treeWriter{repo: r}
	top, err := r.root(ctx, base)
	if err != nil {
		return "", err
	}
	if err := w.check(ctx, edits); err != nil {
		return "", err
	}
	id, err := w.apply(ctx, top, "", edits)
	if err != nil {
		return "", err
	}
	if id == "" { // nothing is left: the empty tree must be there all the same
		if id, err = w.keep(nil); err != nil {
			return "", err
		}
	}
	_, done, err := r.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return id, r.store(ctx, w.written)
}

// treeWriter collects the new tree objects of one WriteTree.
type treeWriter struct {
	repo    *Repo
	written []object
}

func (w *treeWriter) check(ctx context.Context, edits []Edit) error {
	seen := make(map[string]bool, len(edits))
	var blobs []ID
	for _, e := range edits {
		if err := CheckPath(e.Path); err != nil {
			return err
		}
		if seen[e.Path] {
			return fault.New(fault.Invalid, "The path %s is named twice", e.Path)
		}
		seen[e.Path] = true
		if e.Mode != 0 && e.Mode != ModeFile && e.Mode != ModeExecutable {
			return fault.New(fault.Invalid, "%s cannot be written: only files can", e.Path)
		}
		if e.Blob != "" {
			blobs = append(blobs, e.Blob)
		}
	}
	return w.repo.expect(ctx, "blob", blobs)
}

// expect refuses ids that are not objects of a kind. It asks git and no memory:
// an object that nothing refers to may have been collected since.
func (r *Repo) expect(ctx context.Context, kind string, ids []ID) error {
	names := make([]string, len(ids))
	for i, id := range ids {
		if err := r.hash.check(id); err != nil {
			return err
		}
		names[i] = string(id)
	}
	return r.batch(ctx, "info", names, func(i int, a answer, _ io.Reader) error {
		if a.kind != kind {
			return fault.New(fault.Invalid, "%s is no %s of the repository: send the content again", names[i], kind)
		}
		return nil
	})
}

// apply makes edits, whose paths begin with prefix, to one tree. It answers ""
// when nothing is left of it.
func (w *treeWriter) apply(ctx context.Context, tree ID, prefix string, edits []Edit) (ID, error) {
	trees, err := w.repo.trees(ctx, []ID{tree})
	if err != nil {
		return "", err
	}
	nodes := make(map[string]node, len(trees[tree])+len(edits))
	for _, n := range trees[tree] {
		nodes[n.name] = n
	}
	var files []Edit
	below := map[string][]Edit{}
	for _, e := range edits {
		name, _, deeper := strings.Cut(e.Path[len(prefix):], "/")
		if deeper {
			below[name] = append(below[name], e)
		} else {
			files = append(files, e)
		}
	}
	// A file may give way to a folder of its name, and a folder to a file: first
	// what goes, then what is below, then what comes.
	changed, err := removeFiles(nodes, files)
	if err != nil {
		return "", err
	}
	for name, edits := range below {
		did, err := w.applyBelow(ctx, nodes, name, prefix+name, edits)
		if err != nil {
			return "", err
		}
		changed = changed || did
	}
	did, err := addFiles(nodes, files)
	switch {
	case err != nil:
		return "", err
	case len(nodes) == 0:
		return "", nil
	case !changed && !did:
		return tree, nil
	}
	return w.keep(nodes)
}

func removeFiles(nodes map[string]node, files []Edit) (changed bool, err error) {
	for _, e := range files {
		name := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
		n, ok := nodes[name]
		if e.Blob != "" || !ok {
			continue
		}
		if !n.isFile() {
			return false, inTheWay(e.Path, e.Path, n)
		}
		delete(nodes, name)
		changed = true
	}
	return changed, nil
}

func addFiles(nodes map[string]node, files []Edit) (changed bool, err error) {
	for _, e := range files {
		if e.Blob == "" {
			continue
		}
		name := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
		n, ok := nodes[name]
		if ok && !n.isFile() {
			return false, inTheWay(e.Path, e.Path, n)
		}
		next := node{name, e.Mode, e.Blob}
		if e.Mode == 0 {
			if next.mode = ModeFile; ok {
				next.mode = n.mode
			}
		}
		if next != n {
			nodes[name] = next
			changed = true
		}
	}
	return changed, nil
}

// applyBelow makes edits to the folder name of nodes.
func (w *treeWriter) applyBelow(ctx context.Context, nodes map[string]node, name, path string, edits []Edit) (changed bool, err error) {
	n, ok := nodes[name]
	if ok && !n.isDir() {
		if slices.IndexFunc(edits, func(e Edit) bool { return e.Blob != "" }) < 0 {
			return false, nil // nothing lies below a file, so nothing is deleted
		}
		return false, inTheWay(edits[0].Path, path, n)
	}
	id, err := w.apply(ctx, n.id, path+"/", edits)
	if err != nil {
		return false, err
	}
	switch id {
	case n.id:
		return false, nil
	case "":
		delete(nodes, name)
	default:
		nodes[name] = node{name, ModeDir, id}
	}
	return true, nil
}

// keep notes a tree object to be written.
func (w *treeWriter) keep(nodes map[string]node) (ID, error) {
	sorted := make([]node, 0, len(nodes))
	for _, n := range nodes {
		sorted = append(sorted, n)
	}
	slices.SortFunc(sorted, compareNodes)
	data, err := encodeTree(sorted)
	if err != nil {
		return "", err
	}
	o := w.repo.newObject("tree", data)
	w.written = append(w.written, o)
	return o.id, nil
}

func inTheWay(path, at string, n node) error {
	what := "a folder"
	switch {
	case n.mode == ModeSymlink:
		what = "a symbolic link"
	case n.mode == ModeSubmodule:
		what = "a submodule"
	case n.isFile():
		what = "a file"
	}
	return &fault.Error{
		Kind: fault.Conflict, Paths: []string{path},
		Message: path + " cannot be changed, because " + at + " is " + what,
	}
}

// WriteCommit stores a commit. No ref moves. Line feeds, angle brackets and
// what else would break a commit's head are taken out of names; a message ends
// with one line feed. fault.Invalid: the tree or a parent is not there, or
// nobody is named.
func (r *Repo) WriteCommit(ctx context.Context, c CommitSpec) (ID, error) {
	if err := errors.Join(r.expect(ctx, "tree", []ID{c.Tree}), r.expect(ctx, "commit", c.Parents)); err != nil {
		return "", err
	}
	data, err := encodeCommit(c)
	if err != nil {
		return "", err
	}
	_, done, err := r.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	o := r.newObject("commit", data)
	return o.id, r.store(ctx, []object{o})
}
