package bitbucket

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"path"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountSource() {
	s.onRepo("GET /src", reads, bare.Read, s.source)
	s.onRepo("GET /src/{rest...}", reads, bare.Read, s.source)
	s.onRepo("POST /src", writes, bare.Write, s.commit)
}

// split finds where the name of a branch, which may have slashes, ends and the
// path begins.
func (c *call) split(rest string) (rev git.ID, file string, err error) {
	if rest == "" {
		rest = c.repo.Branch
	}
	parts := strings.Split(rest, "/")
	for i := range parts {
		rev, err = c.repo.Resolve(c.r.Context(), strings.Join(parts[:i+1], "/"))
		if err == nil {
			return rev, strings.Trim(strings.Join(parts[i+1:], "/"), "/"), nil
		}
	}
	return "", "", says(http.StatusNotFound, "Commit not found")
}

// source answers a file as it is, or lists a folder.
func (s *Server) source(c *call) error {
	ctx := c.r.Context()
	rev, file, err := c.split(c.r.PathValue("rest"))
	if err != nil {
		return err
	}
	missing := says(http.StatusNotFound, "No such file or directory: "+file)
	if file == "" {
		return s.folder(c, rev, file)
	}
	entry, err := c.repo.Git.Stat(ctx, rev, file)
	switch {
	case fault.Is(err, fault.NotFound):
		return missing
	case err != nil:
		return err
	case entry.Mode == git.ModeDir:
		return s.folder(c, rev, file)
	}
	data, err := c.repo.Git.Blob(ctx, entry.ID)
	if err != nil {
		return missing
	}
	h := c.w.Header()
	h.Set("Content-Type", guess(file))
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Cache-Control", "max-age=86400")
	h.Set("ETag", `"`+string(entry.ID)+`"`)
	_, err = c.w.Write(data)
	_ = err // the client went away
	return nil
}

// guess is the type of a file by its name.
func guess(file string) string {
	kind := mime.TypeByExtension(path.Ext(file))
	if kind == "" || strings.HasPrefix(kind, "text/html") {
		return "text/plain"
	}
	return kind
}

func (s *Server) folder(c *call, rev git.ID, dir string) error {
	ctx := c.r.Context()
	depth := atoi(c.query("max_depth"), 1)
	files, err := c.repo.Git.Tree(ctx, rev, dir, 0)
	if err != nil {
		return err
	}
	var list []doc
	seen := map[string]bool{}
	for _, f := range files {
		below := strings.TrimPrefix(strings.TrimPrefix(f.Path, dir), "/")
		parts := strings.Split(below, "/")
		for i := 1; i < len(parts) && i <= depth; i++ {
			folder := path.Join(dir, path.Join(parts[:i]...))
			if !seen[folder] {
				seen[folder] = true
				list = append(list, s.entry(c, rev, "commit_directory", folder, git.Entry{}))
			}
		}
		if len(parts) <= depth {
			list = append(list, s.entry(c, rev, "commit_file", f.Path, f))
		}
	}
	page, err := pageOf(c, list, false, same)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, page)
}

func (s *Server) entry(c *call, rev git.ID, kind, file string, f git.Entry) doc {
	base := api(c, c.repo)
	d := doc{
		"type": kind, "path": file,
		"commit": doc{"type": "commit", "hash": rev, "links": doc{"self": doc{"href": base + "/commit/" + string(rev)}}},
		"links": doc{
			"self":    doc{"href": base + "/src/" + string(rev) + "/" + file},
			"history": doc{"href": base + "/filehistory/" + string(rev) + "/" + file},
		},
	}
	if kind == "commit_file" {
		size := int64(0)
		if sizes, err := c.repo.Git.Sizes(c.r.Context(), []git.ID{f.ID}); err == nil {
			size = sizes[f.ID]
		}
		d["attributes"], d["size"], d["mimetype"], d["escaped_path"] = []string{}, size, nil, file
		if kind := mime.TypeByExtension(path.Ext(file)); kind != "" {
			d["mimetype"] = kind
		}
	}
	return d
}

// form is a commit as it comes in: a part with a file name is a file, whatever
// its name is, and a field called files deletes one.
type form struct {
	message, branch, parents, author string
	changes                          []bare.Change
}

func readCommit(r *http.Request) (form, error) {
	var f form
	reader, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		return readPlain(r)
	}
	if err != nil {
		return f, says(http.StatusBadRequest, "The form cannot be read.")
	}
	written := map[string]bool{}
	var gone []string
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, says(http.StatusBadRequest, "The form cannot be read.")
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return f, says(http.StatusBadRequest, "The form cannot be read.")
		}
		name := strings.TrimPrefix(part.FormName(), "/")
		switch {
		case isFile(part):
			written[name] = true
			f.changes = append(f.changes, bare.Change{Path: name, Data: data})
		case name == "files":
			gone = append(gone, strings.TrimPrefix(string(data), "/"))
		default:
			f.field(name, string(data))
		}
	}
	for _, file := range gone {
		if !written[file] {
			f.changes = append(f.changes, bare.Change{Path: file, Delete: true})
		}
	}
	return f, nil
}

func isFile(part *multipart.Part) bool {
	_, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	_, ok := parameters["filename"]
	return err == nil && ok
}

// readPlain reads a form without files: every other field is a path.
func readPlain(r *http.Request) (form, error) {
	var f form
	if err := r.ParseForm(); err != nil {
		return f, says(http.StatusBadRequest, "The form cannot be read.")
	}
	for name, values := range r.PostForm {
		switch name {
		case "message", "branch", "parents", "author":
			f.field(name, values[0])
		case "files":
			for _, file := range values {
				if !r.PostForm.Has(file) && !r.PostForm.Has("/"+file) {
					f.changes = append(f.changes, bare.Change{Path: strings.TrimPrefix(file, "/"), Delete: true})
				}
			}
		default:
			f.changes = append(f.changes, bare.Change{Path: strings.TrimPrefix(name, "/"), Data: []byte(values[0])})
		}
	}
	return f, nil
}

func (f *form) field(name, value string) {
	switch name {
	case "message":
		f.message = value
	case "branch":
		f.branch = value
	case "parents":
		f.parents = value
	case "author":
		f.author = value
	}
}

// commit makes a commit of a form. Without parents it goes on top of the
// branch; a branch that is not there begins at them, or at the default branch.
func (s *Server) commit(c *call) error {
	ctx := c.r.Context()
	f, err := readCommit(c.r)
	if err != nil {
		return err
	}
	spec := bare.Commit{Branch: f.branch, Message: f.message, Author: c.by(s.now())}
	if spec.Branch == "" {
		spec.Branch = c.repo.Branch
	}
	if spec.Message == "" {
		spec.Message = "Change files"
	}
	if a, err := mail.ParseAddress(f.author); err == nil {
		spec.Author.Name, spec.Author.Email = a.Name, a.Address
	}
	wrong := says(http.StatusBadRequest, "Something went wrong")
	head, err := c.repo.Head(ctx, spec.Branch)
	if err == nil && f.parents != "" && f.parents != string(head) {
		return wrong
	}
	if err != nil {
		if spec.Start, err = c.start(f.parents); err != nil {
			return wrong
		}
	}
	spec.Changes = func(context.Context, git.ID) ([]bare.Change, error) { return f.changes, nil }
	id, err := c.repo.Commit(ctx, spec)
	if fault.Is(err, fault.Conflict) && spec.Start != "" {
		return wrong
	}
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Location", api(c, c.repo)+"/commit/"+string(id))
	h.Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

func (c *call) start(parents string) (git.ID, error) {
	if parents == "" {
		return c.repo.Head(c.r.Context(), c.repo.Branch)
	}
	return c.repo.Resolve(c.r.Context(), parents)
}
