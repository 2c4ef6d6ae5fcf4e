package github

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

var hexID = regexp.MustCompile(`^[0-9a-f]{40}$`)

func (s *Server) mountObjects() {
	s.handle("GET /repos/{owner}/{repo}/git/trees/{tree...}", s.readTree)
	s.handle("POST /repos/{owner}/{repo}/git/trees", s.writeTree)
	s.handle("GET /repos/{owner}/{repo}/git/blobs/{sha}", s.readBlob)
	s.handle("POST /repos/{owner}/{repo}/git/blobs", s.writeBlob)
	s.handle("GET /repos/{owner}/{repo}/contents/{path...}", s.contents)
}

// commitOf is the commit that a name means: an id, a branch, a tag, HEAD or a
// full ref name.
func commitOf(ctx context.Context, r *repository, name string) (git.ID, error) {
	if hexID.MatchString(name) {
		if _, err := r.git.Commit(ctx, git.ID(name)); err != nil {
			return "", notFound()
		}
		return git.ID(name), nil
	}
	tries := []string{"refs/heads/" + name, "refs/tags/" + name}
	switch {
	case name == "" || name == "HEAD":
		tries = []string{"refs/heads/" + r.branch}
	case strings.HasPrefix(name, "refs/"):
		tries = append(tries, name)
	case strings.HasPrefix(name, "heads/"), strings.HasPrefix(name, "tags/"):
		tries = append(tries, "refs/"+name)
	}
	for _, try := range tries {
		if git.CheckRef(try) != nil {
			continue
		}
		id, err := r.git.Resolve(ctx, try)
		if err == nil || !fault.Is(err, fault.NotFound) {
			return id, err
		}
	}
	return "", notFound()
}

// treeOf is the tree that "rev" or "rev:folder" means; rev may also be a tree's id.
func treeOf(ctx context.Context, r *repository, expression string) (git.ID, error) {
	name, dir, _ := strings.Cut(expression, ":")
	dir = strings.Trim(dir, "/")
	root := git.ID(name)
	if commit, err := commitOf(ctx, r, name); err == nil {
		g, err := r.git.Commit(ctx, commit)
		if err != nil {
			return "", err
		}
		root = g.Tree
	} else if !hexID.MatchString(name) {
		return "", err
	}
	if dir == "" {
		return root, nil
	}
	e, err := r.git.Stat(ctx, root, dir)
	if err != nil || e.Mode != git.ModeDir {
		return "", notFound()
	}
	return e.ID, nil
}

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

// wantsRaw reports whether the caller asks for the bytes themselves.
func wantsRaw(c *call) bool {
	accept := c.r.Header.Get("Accept")
	return strings.Contains(accept, "application/vnd.github") && strings.Contains(accept, "raw")
}

// replyRaw sends the bytes of a file. Clients tell text by the type.
func replyRaw(c *call, data []byte) error {
	kind := "application/octet-stream"
	if isText(data) {
		kind = "application/vnd.github.raw; charset=utf-8"
	}
	return c.send(http.StatusOK, kind, data)
}

func isText(data []byte) bool {
	return utf8.Valid(data) && !bytes.Contains(data[:min(len(data), 8000)], []byte{0})
}

func (s *Server) readBlob(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	if !hexID.MatchString(c.at("sha")) {
		return notFound()
	}
	id := git.ID(c.at("sha"))
	data, err := r.git.Blob(c.ctx(), id)
	if err != nil {
		return err
	}
	if wantsRaw(c) {
		return replyRaw(c, data)
	}
	return c.reply(http.StatusOK, doc{
		"sha": id, "node_id": node("B", fmt.Sprint(r.id, ":", id)), "size": len(data),
		"url": s.api("/repos/%s/git/blobs/%s", r.full(), id), "content": base64Lines(data), "encoding": "base64",
	})
}

// base64Lines breaks the text every 60 characters, as the original does.
func base64Lines(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(text) > 60 {
		b.WriteString(text[:60])
		b.WriteByte('\n')
		text = text[60:]
	}
	b.WriteString(text)
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *Server) writeBlob(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	var in struct {
		Content  string `json:"content"`
		Encoding string `json:"encoding"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	data := []byte(in.Content)
	if in.Encoding == "base64" {
		data, err = base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(in.Content))
		if err != nil {
			return unprocessable("content is not valid Base64")
		}
	}
	id, err := r.git.WriteBlob(c.ctx(), data)
	if err != nil {
		return err
	}
	url := s.api("/repos/%s/git/blobs/%s", r.full(), id)
	c.w.Header().Set("Location", url)
	return c.reply(http.StatusCreated, doc{"sha": id, "url": url})
}

// contents reads one file, or lists a folder, by path.
func (s *Server) contents(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	rev, err := commitOf(c.ctx(), r, c.query("ref"))
	if err != nil {
		return notFound()
	}
	name := strings.Trim(c.at("path"), "/")
	if name == "" {
		return s.folder(c, r, rev, name)
	}
	e, err := r.git.Stat(c.ctx(), rev, name)
	if err != nil {
		return err
	}
	if e.Mode == git.ModeDir {
		return s.folder(c, r, rev, name)
	}
	data, err := r.git.Blob(c.ctx(), e.ID)
	if err != nil {
		return err
	}
	if wantsRaw(c) {
		return replyRaw(c, data)
	}
	d := s.renderContent(r, name, "file", e.ID, int64(len(data)))
	d["content"], d["encoding"] = base64Lines(data), "base64"
	return c.reply(http.StatusOK, d)
}

func (s *Server) folder(c *call, r *repository, rev git.ID, dir string) error {
	id, err := treeOf(c.ctx(), r, string(rev)+":"+dir)
	if err != nil {
		return err
	}
	list, err := entries(c.ctx(), r, id, false)
	if err != nil {
		return err
	}
	out := []any{}
	for _, e := range list {
		kind := map[string]string{"blob": "file", "tree": "dir", "commit": "submodule"}[e.kind]
		out = append(out, s.renderContent(r, path.Join(dir, e.path), kind, e.id, e.size))
	}
	return c.reply(http.StatusOK, out)
}

func (s *Server) renderContent(r *repository, name, kind string, id git.ID, size int64) doc {
	return doc{
		"name": path.Base(name), "path": name, "sha": id, "size": size, "type": kind,
		"url": s.api("/repos/%s/contents/%s", r.full(), name), "html_url": s.web("/%s/blob/%s/%s", r.full(), r.branch, name),
		"git_url": s.api("/repos/%s/git/blobs/%s", r.full(), id), "download_url": nil,
	}
}
