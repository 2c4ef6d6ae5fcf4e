package gitlab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/git"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountFiles() {
	s.onProject("GET /repository/tree", bare.Read, s.tree)
	s.onProject("GET /repository/files/{path}/raw", bare.Read, s.raw)
	// A pattern for GET takes HEAD, too.
	s.onProject("GET /repository/files/{path}", bare.Read, s.file)
	s.onProject("GET /repository/blobs/{sha}/raw", bare.Read, s.blob)
}

// item is a file or folder of a listing.
type item struct {
	ID   git.ID `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	Path string `json:"path"`
	Mode string `json:"mode"`
}

// items lists dir: folders first, as GitLab does. deep goes into folders.
func items(ctx context.Context, r *bare.Repository, rev git.ID, dir string, deep bool) ([]item, error) {
	files, err := r.Git.Tree(ctx, rev, dir, 0)
	if err != nil {
		return nil, err
	}
	var folders, list []item
	seen := map[string]bool{}
	for _, f := range files {
		for at := path.Dir(f.Path); at != dir && at != "." && !seen[at]; at = path.Dir(at) {
			seen[at] = true
			if !deep && path.Dir(at) != dir && (path.Dir(at) != "." || dir != "") {
				continue
			}
			folder, err := r.Git.Stat(ctx, rev, at)
			if err != nil {
				return nil, err
			}
			folders = append(folders, item{folder.ID, path.Base(at), "tree", at, "040000"})
		}
		parent := path.Dir(f.Path)
		if parent == "." {
			parent = ""
		}
		if deep || parent == dir {
			list = append(list, item{f.ID, path.Base(f.Path), "blob", f.Path, fmt.Sprintf("%06o", f.Mode)})
		}
	}
	slices.SortFunc(folders, func(a, b item) int { return strings.Compare(a.Path, b.Path) })
	return append(folders, list...), nil
}

func (c *call) rev(name string) (git.ID, error) {
	if name == "" || name == "HEAD" {
		name = c.repo.Branch
	}
	id, err := c.repo.Resolve(c.r.Context(), name)
	if err != nil {
		return "", says(http.StatusNotFound, "404 Commit Not Found")
	}
	return id, nil
}

func (s *Server) tree(c *call) error {
	rev, err := c.rev(c.query("ref"))
	if err != nil {
		return says(http.StatusNotFound, "404 Tree Not Found")
	}
	dir := strings.Trim(c.query("path"), "/")
	list, err := items(c.r.Context(), c.repo, rev, dir, c.query("recursive") == "true")
	if err != nil {
		return err
	}
	if len(list) == 0 && dir != "" {
		return says(http.StatusNotFound, "404 invalid revision or path Not Found")
	}
	return c.json(http.StatusOK, page(c, list))
}

// find is the file of the path, with its content; the headers are set.
func (s *Server) find(c *call) (git.Entry, []byte, error) {
	ctx := c.r.Context()
	missing := says(http.StatusNotFound, "404 File Not Found")
	rev, err := c.rev(c.query("ref"))
	if err != nil {
		return git.Entry{}, nil, err
	}
	entry, err := c.repo.Git.Stat(ctx, rev, c.r.PathValue("path"))
	if err != nil || entry.Mode == git.ModeDir || entry.Mode == git.ModeSubmodule {
		return git.Entry{}, nil, missing
	}
	data, err := c.repo.Git.Blob(ctx, entry.ID)
	if err != nil {
		return git.Entry{}, nil, err
	}
	sum := sha256.Sum256(data)
	h := c.w.Header()
	h.Set("X-Gitlab-Blob-Id", string(entry.ID))
	h.Set("X-Gitlab-Commit-Id", string(rev))
	h.Set("X-Gitlab-Content-Sha256", hex.EncodeToString(sum[:]))
	h.Set("X-Gitlab-Encoding", "base64")
	h.Set("X-Gitlab-File-Name", path.Base(entry.Path))
	h.Set("X-Gitlab-File-Path", entry.Path)
	h.Set("X-Gitlab-Ref", c.query("ref"))
	h.Set("X-Gitlab-Size", strconv.Itoa(len(data)))
	if last, err := c.repo.Git.LastCommits(ctx, rev, []string{entry.Path}); err == nil {
		h.Set("X-Gitlab-Last-Commit-Id", string(last[entry.Path].ID))
	}
	return entry, data, nil
}

func (s *Server) raw(c *call) error {
	_, data, err := s.find(c)
	if err != nil {
		return err
	}
	return c.plain(data)
}

// plain answers text whatever it is, so that no browser runs it.
func (c *call) plain(data []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, err := c.w.Write(data)
	_ = err // the client went away
	return nil
}

func (s *Server) file(c *call) error {
	entry, data, err := s.find(c)
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodHead {
		c.w.WriteHeader(http.StatusOK)
		return nil
	}
	h := c.w.Header()
	return c.json(http.StatusOK, doc{
		"file_name": path.Base(entry.Path), "file_path": entry.Path, "size": len(data), "encoding": "base64",
		"content": data, "content_sha256": h.Get("X-Gitlab-Content-Sha256"), "ref": c.query("ref"),
		"blob_id": entry.ID, "commit_id": h.Get("X-Gitlab-Commit-Id"), "last_commit_id": h.Get("X-Gitlab-Last-Commit-Id"),
	})
}

func (s *Server) blob(c *call) error {
	data, err := c.repo.Git.Blob(c.r.Context(), git.ID(c.r.PathValue("sha")))
	if err != nil {
		return says(http.StatusNotFound, "404 Blob Not Found")
	}
	return c.plain(data)
}
