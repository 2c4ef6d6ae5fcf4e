package github

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

func (s *Server) readTree(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	id, err := treeOf(c.ctx(), r, c.at("tree"))
	if err != nil {
		return err
	}
	return s.replyTree(c, r, id, http.StatusOK, c.query("recursive") != "")
}

// entry is one line of a tree, with folders and sizes.
type entry struct {
	path, mode, kind string
	id               git.ID
	size             int64
}

// entries lists a tree as git does. The engine lists files alone.
func entries(ctx context.Context, r *repository, id git.ID, deep bool) ([]entry, error) {
	args := []string{"ls-tree", "-z", "--long", "--full-tree"}
	if deep {
		args = append(args, "-r", "-t")
	}
	out, err := run(ctx, r, append(args, "--end-of-options", string(id))...)
	if err != nil {
		return nil, notFound()
	}
	var list []entry
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		head, name, ok := strings.Cut(line, "\t")
		f := strings.Fields(head)
		if !ok || len(f) != 4 {
			continue
		}
		size, _ := strconv.ParseInt(f[3], 10, 64)
		list = append(list, entry{path: name, mode: f[0], kind: f[1], id: git.ID(f[2]), size: size})
	}
	return list, nil
}

func (s *Server) replyTree(c *call, r *repository, id git.ID, status int, deep bool) error {
	list, err := entries(c.ctx(), r, id, deep)
	if err != nil {
		return err
	}
	tree := []any{}
	for _, e := range list {
		d := doc{"path": e.path, "mode": e.mode, "type": e.kind, "sha": e.id}
		switch e.kind {
		case "blob":
			d["size"] = e.size
			d["url"] = s.api("/repos/%s/git/blobs/%s", r.full(), e.id)
		case "tree":
			d["url"] = s.api("/repos/%s/git/trees/%s", r.full(), e.id)
		}
		tree = append(tree, d)
	}
	return c.reply(status, doc{
		"sha": id, "url": s.api("/repos/%s/git/trees/%s", r.full(), id), "tree": tree, "truncated": false,
	})
}

// treeEdit is one line of a tree to make. A sha that is there and null deletes.
type treeEdit struct {
	Path    string   `json:"path"`
	Mode    string   `json:"mode"`
	Type    string   `json:"type"`
	SHA     nullable `json:"sha"`
	Content *string  `json:"content"`
}

// nullable tells null from a value that is not there.
type nullable struct {
	given bool
	value string
}

func (n *nullable) UnmarshalJSON(b []byte) error {
	n.given = true
	if string(b) != "null" {
		n.value = strings.Trim(string(b), `"`)
	}
	return nil
}

func (s *Server) writeTree(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	var in struct {
		Base string     `json:"base_tree"`
		Tree []treeEdit `json:"tree"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	base := git.ID("")
	if in.Base != "" {
		if base, err = treeOf(c.ctx(), r, in.Base); err != nil {
			return notFound()
		}
	}
	edits, err := s.edits(c.ctx(), r, base, in.Tree)
	if err != nil {
		return err
	}
	id, err := r.git.WriteTree(c.ctx(), base, edits)
	if fault.Is(err, fault.NotFound) {
		return unprocessable("base_tree is not a valid tree oid")
	}
	if err != nil {
		return unprocessable("tree.path contains a malformed path component, or tree.sha is not a valid blob")
	}
	return s.replyTree(c, r, id, http.StatusCreated, false)
}

// edits turns lines of a tree into the engine's. Of two lines for a path the
// later counts, and deleting what is not there is refused, as at the original.
func (s *Server) edits(ctx context.Context, r *repository, base git.ID, lines []treeEdit) ([]git.Edit, error) {
	var edits []git.Edit
	at := map[string]int{}
	var gone []string
	for _, l := range lines {
		e := git.Edit{Path: l.Path, Blob: git.ID(l.SHA.value)}
		if mode, err := strconv.ParseUint(l.Mode, 8, 32); err == nil {
			e.Mode = git.Mode(mode)
		}
		switch {
		case l.SHA.given && l.SHA.value == "":
			gone = append(gone, l.Path)
			e.Mode = 0
		case l.SHA.given && !hexID.MatchString(l.SHA.value):
			return nil, unprocessable("tree.sha %s is not a valid blob", l.SHA.value)
		case l.SHA.given:
		case l.Content != nil:
			id, err := r.git.WriteBlob(ctx, []byte(*l.Content))
			if err != nil {
				return nil, err
			}
			e.Blob = id
		default:
			return nil, unprocessable("Must supply either tree.sha or tree.content.")
		}
		if i, twice := at[l.Path]; twice {
			edits[i] = e
			continue
		}
		at[l.Path] = len(edits)
		edits = append(edits, e)
	}
	if len(gone) > 0 {
		there, err := r.git.StatAll(ctx, base, gone)
		if err != nil {
			return nil, err
		}
		for _, p := range gone {
			if _, ok := there[p]; !ok {
				return nil, unprocessable("GitRPC::BadObjectState")
			}
		}
	}
	return edits, nil
}
