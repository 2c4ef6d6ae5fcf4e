package git

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
)

const (
	maxTreeObject = 64 << 20  // bytes of one tree object
	maxEntries    = 1_000_000 // files of one listing
)

// node is one line of a tree object.
type node struct {
	name string
	mode Mode
	id   ID
}

func (n node) isDir() bool  { return n.mode&0o170000 == ModeDir }
func (n node) isFile() bool { return n.mode&0o170000 == 0o100000 }

// entry is the node as it is shown, with the mode that git means by odd old ones.
func (n node) entry(prefix string) Entry {
	e := Entry{Path: prefix + n.name, Mode: n.mode, ID: n.id}
	switch {
	case n.isDir():
		e.Mode = ModeDir
	case n.isFile() && n.mode&0o100 != 0:
		e.Mode = ModeExecutable
	case n.isFile():
		e.Mode = ModeFile
	}
	return e
}

// parseTree reads a tree object. All names share one string, and so do all ids.
func parseTree(data []byte, idSize int) ([]node, error) {
	var nodes []node
	var ids strings.Builder
	text := string(data)
	count := 0
	for rest := text; rest != ""; count++ {
		end := strings.IndexByte(rest, 0)
		if end < 0 || len(rest) < end+1+idSize {
			return nil, fmt.Errorf("a tree object is cut off")
		}
		rest = rest[end+1+idSize:]
	}
	nodes = make([]node, 0, count)
	ids.Grow(count * 2 * idSize)
	var buf [64]byte
	for rest := text; rest != ""; {
		end := strings.IndexByte(rest, 0)
		mode, name, ok := strings.Cut(rest[:end], " ")
		m, err := strconv.ParseUint(mode, 8, 32)
		if !ok || err != nil || name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("a tree object has the line %.100q", rest[:end])
		}
		from := len(text) - len(rest) + end + 1
		ids.Write(hex.AppendEncode(buf[:0], data[from:from+idSize]))
		nodes = append(nodes, node{name: name, mode: Mode(m)})
		rest = rest[end+1+idSize:]
	}
	all := ID(ids.String())
	for i := range nodes {
		nodes[i].id = all[i*2*idSize : (i+1)*2*idSize]
	}
	return nodes, nil
}

// encodeTree is the tree object of nodes, which must be in git's order.
func encodeTree(nodes []node) ([]byte, error) {
	var b bytes.Buffer
	for _, n := range nodes {
		raw, err := hex.DecodeString(string(n.id))
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.FormatUint(uint64(n.mode), 8))
		b.WriteByte(' ')
		b.WriteString(n.name)
		b.WriteByte(0)
		b.Write(raw)
	}
	return b.Bytes(), nil
}

// compareNodes is git's order: a directory sorts as if its name ended in a slash.
func compareNodes(a, b node) int {
	n := min(len(a.name), len(b.name))
	if c := strings.Compare(a.name[:n], b.name[:n]); c != 0 {
		return c
	}
	return int(a.next(n)) - int(b.next(n))
}

// next is the byte of the sort key at n.
func (n node) next(i int) byte {
	if i < len(n.name) {
		return n.name[i]
	}
	if n.isDir() {
		return '/'
	}
	return 0
}

// root is the tree of a commit, or of a tree itself. The empty ID has no tree.
func (r *Repo) root(ctx context.Context, rev ID) (ID, error) {
	if rev == "" {
		return "", nil
	}
	if err := r.hash.check(rev); err != nil {
		return "", err
	}
	if id, ok := r.objects().get(cachedRoot, rev); ok {
		return id.(ID), nil
	}
	var tree ID
	err := r.batch(ctx, "contents", []string{string(rev) + "^{tree}"}, func(_ int, a answer, body io.Reader) error {
		if tree = a.id; a.kind == "" {
			return fault.New(fault.NotFound, "There is no version %.70s in the repository", string(rev))
		}
		return r.keepTree(a, body)
	})
	if err != nil {
		return "", err
	}
	r.objects().put(cachedRoot, rev, tree, len(tree))
	return tree, nil
}

// keepTree reads a tree object into the cache.
func (r *Repo) keepTree(a answer, body io.Reader) error {
	_, err := r.readTree(a, body)
	return err
}

func (r *Repo) readTree(a answer, body io.Reader) ([]node, error) {
	if a.kind != "tree" {
		return nil, fmt.Errorf("object %s is missing, or no tree but a %q: run git fsck in %s", a.id, a.kind, r.Dir)
	}
	if a.size > maxTreeObject {
		return nil, fault.New(fault.TooLarge, "A folder of the repository has too many files to be listed")
	}
	data := make([]byte, a.size)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	nodes, err := parseTree(data, r.hash.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.id, err)
	}
	r.cacheTree(a.id, nodes, len(data))
	return nodes, nil
}

func (r *Repo) cacheTree(id ID, nodes []node, size int) {
	r.objects().put(cachedTree, id, nodes, 2*size+48*len(nodes))
}

// trees reads tree objects in one batch. The empty ID is an empty tree.
func (r *Repo) trees(ctx context.Context, ids []ID) (map[ID][]node, error) {
	found := make(map[ID][]node, len(ids))
	var names []string
	for _, id := range ids {
		if _, ok := found[id]; ok || id == "" {
			continue
		}
		if nodes, ok := r.objects().get(cachedTree, id); ok {
			found[id] = nodes.([]node)
			continue
		}
		found[id] = nil
		names = append(names, string(id))
	}
	err := r.batch(ctx, "contents", names, func(i int, a answer, body io.Reader) error {
		id := ID(names[i])
		if a.kind == "" {
			a.id = id
		}
		nodes, err := r.readTree(a, body)
		found[id] = nodes
		return err
	})
	return found, err
}

// Tree lists files below dir ("" is the root) at rev, a commit or tree, sorted
// by path as git sorts. Depth 1 is the files directly in dir, 2 also those one
// folder deeper, 0 all. Symbolic links and submodules are listed, folders are
// not. A missing dir has no files. Size is not filled in: see Sizes.
func (r *Repo) Tree(ctx context.Context, rev ID, dir string, depth int) ([]Entry, error) {
	top, err := r.directory(ctx, rev, dir)
	if err != nil || top == "" {
		return nil, err
	}
	known := map[ID][]node{}
	level := []ID{top}
	count := 0
	for d := 1; len(level) > 0 && (depth <= 0 || d <= depth); d++ {
		read, err := r.trees(ctx, level)
		if err != nil {
			return nil, err
		}
		level = nil
		for id, nodes := range read {
			known[id] = nodes
			for _, n := range nodes {
				if _, ok := known[n.id]; n.isDir() && !ok {
					level = append(level, n.id)
				}
			}
			if count += len(nodes); count > maxEntries {
				return nil, tooMany()
			}
		}
	}
	prefix := ""
	if dir != "" {
		prefix = dir + "/"
	}
	l := lister{known: known, list: make([]Entry, 0, len(known[top]))}
	err = l.add(top, prefix, depth)
	return l.list, err
}

func tooMany() error {
	return fault.New(fault.TooLarge, "The folder has more than %d files, which are too many to be listed", maxEntries)
}

// lister lists the files of a tree whose subtrees are known. A tree may occur in
// many places, so the bound counts again here, and counts folders too: a few
// trees without a file can stand for more folders than can be walked.
type lister struct {
	known map[ID][]node
	list  []Entry
	seen  int
}

// add appends the files of one tree. Beside an error the list is not whole.
func (l *lister) add(id ID, prefix string, depth int) error {
	nodes := l.known[id]
	l.seen += len(nodes)
	if l.seen > maxEntries || strings.Count(prefix, "/") > maxPath/2 {
		l.list = nil
		return tooMany()
	}
	for _, n := range nodes {
		if !n.isDir() {
			l.list = append(l.list, n.entry(prefix))
			continue
		}
		if depth == 1 {
			continue
		}
		if err := l.add(n.id, prefix+n.name+"/", depth-1); err != nil {
			return err
		}
	}
	return nil
}

// directory is the tree object of dir at rev; "" when there is no such folder.
func (r *Repo) directory(ctx context.Context, rev ID, dir string) (ID, error) {
	top, err := r.root(ctx, rev)
	if err != nil || dir == "" {
		return top, err
	}
	found, err := r.StatAll(ctx, top, []string{dir})
	if e, ok := found[dir]; ok && e.Mode == ModeDir {
		return e.ID, err
	}
	return "", err
}

// Stat is the entry at path, which may be a folder (ModeDir); fault.NotFound
// when there is none.
func (r *Repo) Stat(ctx context.Context, rev ID, path string) (Entry, error) {
	found, err := r.StatAll(ctx, rev, []string{path})
	if err != nil {
		return Entry{}, err
	}
	e, ok := found[path]
	if !ok {
		return Entry{}, fault.New(fault.NotFound, "There is no file %s", path)
	}
	return e, nil
}

// StatAll is Stat for many paths at once; those that are not there are absent.
func (r *Repo) StatAll(ctx context.Context, rev ID, paths []string) (map[string]Entry, error) {
	top, err := r.root(ctx, rev)
	if err != nil {
		return nil, err
	}
	type step struct {
		path string // as asked
		rest string // what remains to be found
		tree ID
	}
	found := make(map[string]Entry, len(paths))
	var steps []step
	for _, p := range paths {
		steps = append(steps, step{p, p, top})
	}
	for len(steps) > 0 {
		ids := make([]ID, len(steps))
		for i, s := range steps {
			ids[i] = s.tree
		}
		trees, err := r.trees(ctx, ids)
		if err != nil {
			return nil, err
		}
		var deeper []step
		lookup := finder{}
		for _, s := range steps {
			name, rest, more := strings.Cut(s.rest, "/")
			n, ok := lookup.find(s.tree, trees[s.tree], name)
			switch {
			case ok && !more:
				found[s.path] = n.entry(s.path[:len(s.path)-len(name)])
			case ok && n.isDir():
				deeper = append(deeper, step{s.path, rest, n.id})
			}
		}
		steps = deeper
	}
	return found, nil
}

// finder finds names in trees. Git's order does not allow a plain binary search
// by name, so a tree that is asked often gets a map.
type finder map[ID]*names

type names struct {
	asked  int
	byName map[string]node
}

func (f finder) find(id ID, nodes []node, name string) (node, bool) {
	ns := f[id]
	if ns == nil {
		ns = &names{}
		f[id] = ns
	}
	if ns.asked++; ns.asked < 8 {
		for _, n := range nodes {
			if n.name == name {
				return n, true
			}
		}
		return node{}, false
	}
	if ns.byName == nil {
		ns.byName = make(map[string]node, len(nodes))
		for _, n := range nodes {
			ns.byName[n.name] = n
		}
	}
	n, ok := ns.byName[name]
	return n, ok
}
