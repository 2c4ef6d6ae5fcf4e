package github

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/git"
)

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
