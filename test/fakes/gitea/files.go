package gitea

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/git"
	"gatehouse/test/fakes/bare"
)

const (
	treePage    = 1000     // entries of a tree in one answer
	defaultPage = 30       // of everything else
	maxBlob     = 10 << 20 // bytes in one answer
)

func (s *Server) mountFiles() {
	s.onRepo("GET /git/trees/{spec...}", bare.Read, s.tree)
	s.onRepo("GET /git/blobs/{sha}", bare.Read, s.blob)
	s.onRepo("GET /git/blobs", bare.Read, s.blobs)
	s.onRepo("GET /media/{path...}", bare.Read, s.raw)
	s.onRepo("GET /raw/{path...}", bare.Read, s.raw)
	s.onRepo("POST /file-contents", bare.Read, s.fileContents)
}

func (c *call) rev(name string) (git.ID, error) {
	if name == "" {
		name = c.repo.Branch
	}
	id, err := c.repo.Resolve(c.r.Context(), name)
	if err != nil {
		return "", says(http.StatusNotFound, "object does not exist [id: , rel_path: "+name+"]")
	}
	return id, nil
}

type item struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
	Type string `json:"type"`
	Size int64  `json:"size"`
	SHA  git.ID `json:"sha"`
	URL  string `json:"url"`
}

// tree answers a commit's tree, or with rev:folder a folder's. What is not
// there is 400 here, not 404.
func (s *Server) tree(c *call) error {
	name, dir, _ := strings.Cut(c.r.PathValue("spec"), ":")
	missing := says(http.StatusBadRequest, "sha not found ["+c.r.PathValue("spec")+"]")
	rev, err := c.repo.Resolve(c.r.Context(), name)
	if err != nil {
		return missing
	}
	deep := c.query("recursive") == "1" || c.query("recursive") == "true"
	list, err := c.items(rev, strings.Trim(dir, "/"), deep)
	if err != nil {
		return err
	}
	if len(list) == 0 && dir != "" {
		return missing
	}
	number, size := atoi(c.query("page"), 1), min(atoi(c.query("per_page"), treePage), treePage)
	from := min((number-1)*size, len(list))
	to := min(from+size, len(list))
	return c.json(http.StatusOK, doc{
		"sha": rev, "url": c.api() + "/git/trees/" + string(rev), "tree": append([]item{}, list[from:to]...),
		"truncated": to < len(list), "page": number, "total_count": len(list),
	})
}

func (c *call) api() string { return "http://" + c.r.Host + "/api/v1/repos/" + c.repo.Path }

func (c *call) items(rev git.ID, dir string, deep bool) ([]item, error) {
	ctx := c.r.Context()
	files, err := c.repo.Git.Tree(ctx, rev, dir, 0)
	if err != nil {
		return nil, err
	}
	var ids []git.ID
	for _, f := range files {
		ids = append(ids, f.ID)
	}
	sizes, err := c.repo.Git.Sizes(ctx, ids)
	if err != nil {
		return nil, err
	}
	var list []item
	seen := map[string]bool{}
	for _, f := range files {
		below := strings.TrimPrefix(strings.TrimPrefix(f.Path, dir), "/")
		parts := strings.Split(below, "/")
		for i := 1; i < len(parts) && (deep || i == 1); i++ {
			folder := path.Join(parts[:i]...)
			if seen[folder] {
				continue
			}
			seen[folder] = true
			entry, err := c.repo.Git.Stat(ctx, rev, path.Join(dir, folder))
			if err != nil {
				return nil, err
			}
			list = append(list, item{folder, "040000", "tree", 0, entry.ID, c.api() + "/git/trees/" + string(entry.ID)})
		}
		if deep || len(parts) == 1 {
			list = append(list, item{below, fmt.Sprintf("%06o", f.Mode), "blob", sizes[f.ID], f.ID, c.api() + "/git/blobs/" + string(f.ID)})
		}
	}
	slices.SortFunc(list, func(a, b item) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

func atoi(text string, usual int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1e6 {
		return usual
	}
	return n
}

// renderBlob is a blob's content, which JSON has in base64.
func (c *call) renderBlob(id git.ID) (doc, error) {
	data, err := c.repo.Git.Blob(c.r.Context(), id)
	if err != nil {
		return nil, says(http.StatusNotFound, "blob does not exist [sha: "+string(id)+"]")
	}
	d := doc{"sha": id, "size": len(data), "encoding": "base64", "content": data, "url": c.api() + "/git/blobs/" + string(id)}
	if len(data) > maxBlob {
		d["content"], d["encoding"] = nil, nil
	}
	return d, nil
}

func (s *Server) blob(c *call) error {
	d, err := c.renderBlob(git.ID(c.r.PathValue("sha")))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

// blobs is Forgejo's way to read many.
func (s *Server) blobs(c *call) error {
	list := []doc{}
	for sha := range strings.SplitSeq(c.query("shas"), ",") {
		if len(list) == defaultPage {
			break
		}
		d, err := c.renderBlob(git.ID(sha))
		if err != nil {
			return err
		}
		list = append(list, d)
	}
	return c.json(http.StatusOK, list)
}

// raw answers a file of ref/path or, with ?ref=, of path.
func (s *Server) raw(c *call) error {
	ctx := c.r.Context()
	name, file := c.query("ref"), c.r.PathValue("path")
	rev, err := c.rev(name)
	if err != nil {
		return err
	}
	if first, rest, ok := strings.Cut(file, "/"); ok && name == "" {
		if id, err := c.repo.Resolve(ctx, first); err == nil {
			rev, file = id, rest
		}
	}
	entry, err := c.repo.Git.Stat(ctx, rev, file)
	if err != nil || entry.Mode == git.ModeDir {
		return says(http.StatusNotFound, "The target couldn't be found.")
	}
	data, err := c.repo.Git.Blob(ctx, entry.ID)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("ETag", `"`+string(entry.ID)+`"`)
	_, err = c.w.Write(data)
	_ = err // the client went away
	return nil
}

// fileContents is Gitea's way to read many: in the order asked for, null where
// there is none.
func (s *Server) fileContents(c *call) error {
	var in struct {
		Files []string `json:"files"`
	}
	if err := json.NewDecoder(c.r.Body).Decode(&in); err != nil {
		return says(http.StatusUnprocessableEntity, "The body is no JSON object.")
	}
	rev, err := c.rev(c.query("ref"))
	if err != nil {
		return err
	}
	in.Files = in.Files[:min(len(in.Files), defaultPage)]
	there, err := c.repo.Git.StatAll(c.r.Context(), rev, in.Files)
	if err != nil {
		return err
	}
	list := []any{}
	for _, file := range in.Files {
		entry, ok := there[file]
		if !ok || entry.Mode == git.ModeDir {
			list = append(list, nil)
			continue
		}
		d, err := c.renderFile(entry)
		if err != nil {
			return err
		}
		list = append(list, d)
	}
	return c.json(http.StatusOK, list)
}

func (c *call) renderFile(entry git.Entry) (doc, error) {
	d, err := c.renderBlob(entry.ID)
	if err != nil {
		return nil, err
	}
	d["name"], d["path"], d["type"] = path.Base(entry.Path), entry.Path, "file"
	return d, nil
}
