package gitea

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes/bare"
)

func (s *Server) mountCommits() {
	s.onRepo("GET /branches", bare.Read, s.branches)
	s.onRepo("GET /branches/{branch...}", bare.Read, s.branch)
	s.onRepo("GET /commits", bare.Read, s.commits)
	s.onRepo("POST /contents", bare.Write, s.commit)
}

func (s *Server) renderCommit(c *call, m git.Commit) doc {
	sign := func(g git.Signature) doc { return doc{"name": g.Name, "email": g.Email, "date": stamp(g.When)} }
	parents := []doc{}
	for _, p := range m.Parents {
		parents = append(parents, doc{"sha": p, "url": c.api() + "/git/commits/" + string(p)})
	}
	var author any
	for _, p := range s.OAuth.People() {
		if p.Email != "" && strings.EqualFold(p.Email, m.Author.Email) {
			author = person(c, p)
		}
	}
	return doc{
		"sha": m.ID, "url": c.api() + "/git/commits/" + string(m.ID), "html_url": "http://" + c.r.Host + "/" + c.repo.Path + "/commit/" + string(m.ID),
		"created": stamp(m.Committer.When), "author": author, "committer": author, "parents": parents,
		"commit": doc{"message": m.Message, "author": sign(m.Author), "committer": sign(m.Committer), "tree": doc{"sha": m.Tree}},
	}
}

func (s *Server) renderBranch(c *call, name string, id git.ID) (doc, error) {
	m, err := c.repo.Git.Commit(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return doc{
		"name": name, "protected": false, "user_can_push": c.repo.Right(c.token.Person.Login) >= bare.Write, "user_can_merge": true,
		"commit": doc{"id": m.ID, "message": m.Message, "timestamp": stamp(m.Committer.When), "author": doc{"name": m.Author.Name, "email": m.Author.Email}},
	}, nil
}

func (s *Server) branches(c *call) error {
	refs, err := c.repo.Branches(c.r.Context())
	if err != nil {
		return err
	}
	list := []doc{}
	for _, r := range refs {
		d, err := s.renderBranch(c, r.Name, r.ID)
		if err != nil {
			return err
		}
		list = append(list, d)
	}
	return c.json(http.StatusOK, list)
}

func (s *Server) branch(c *call) error {
	name := c.r.PathValue("branch")
	id, err := c.repo.Head(c.r.Context(), name)
	if err != nil {
		return says(http.StatusNotFound, "branch does not exist [name: "+name+"]")
	}
	d, err := s.renderBranch(c, name, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

func (s *Server) commits(c *call) error {
	rev, err := c.rev(c.query("sha"))
	if err != nil {
		return err
	}
	const enough = 1000
	log, err := c.repo.Git.Log(c.r.Context(), rev, strings.Trim(c.query("path"), "/"), enough)
	if err != nil {
		return err
	}
	number, size := atoi(c.query("page"), 1), min(atoi(c.query("limit"), defaultPage), 100)
	from := min((number-1)*size, len(log))
	to := min(from+size, len(log))
	c.w.Header().Set("X-Total-Count", strconv.Itoa(len(log)))
	c.w.Header().Set("X-HasMore", strconv.FormatBool(to < len(log)))
	list := []doc{}
	for _, m := range log[from:to] {
		list = append(list, s.renderCommit(c, m))
	}
	return c.json(http.StatusOK, list)
}

// operation is one file of a commit to make.
type operation struct {
	Operation string `json:"operation"`
	Path      string `json:"path"`
	Content   string `json:"content"` // base64
	SHA       git.ID `json:"sha"`
	From      string `json:"from_path"`
}

type identity struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (i identity) or(usual git.Signature, when time.Time) git.Signature {
	if i.Name != "" && i.Email != "" {
		usual.Name, usual.Email = i.Name, i.Email
	}
	if !when.IsZero() {
		usual.When = when
	}
	return usual
}

// commit is POST contents: several files in one commit. What was opened is
// given by its sha, and what changed meanwhile is refused.
func (s *Server) commit(c *call) error {
	var in struct {
		Branch    string   `json:"branch"`
		NewBranch string   `json:"new_branch"`
		Message   string   `json:"message"`
		Author    identity `json:"author"`
		Dates     struct {
			Author time.Time `json:"author"`
		} `json:"dates"`
		Files []operation `json:"files"`
	}
	if err := json.NewDecoder(c.r.Body).Decode(&in); err != nil {
		return says(http.StatusUnprocessableEntity, "The body is no JSON object of this shape.")
	}
	ctx := c.r.Context()
	if in.Branch == "" {
		in.Branch = c.repo.Branch
	}
	if in.Message == "" {
		in.Message = "Change files"
	}
	head, err := c.repo.Head(ctx, in.Branch)
	if err != nil {
		return says(http.StatusNotFound, "branch does not exist [name: "+in.Branch+"]")
	}
	spec := bare.Commit{Branch: in.Branch, Message: in.Message, Author: in.Author.or(c.by(s.now()), in.Dates.Author)}
	if in.NewBranch != "" && in.NewBranch != in.Branch {
		spec.Branch, spec.Start = in.NewBranch, head
	}
	spec.Changes = func(ctx context.Context, head git.ID) ([]bare.Change, error) {
		return changes(ctx, c.repo, head, in.Files)
	}
	id, err := c.repo.Commit(ctx, spec)
	if fault.Is(err, fault.Conflict) {
		return says(http.StatusConflict, "branch already exists [name: "+spec.Branch+"]")
	}
	if err != nil {
		return err
	}
	return s.committed(c, id, in.Files)
}

func (s *Server) committed(c *call, id git.ID, operations []operation) error {
	ctx := c.r.Context()
	m, err := c.repo.Git.Commit(ctx, id)
	if err != nil {
		return err
	}
	files := []any{}
	for _, o := range operations {
		entry, err := c.repo.Git.Stat(ctx, id, o.Path)
		if err != nil || o.Operation == "delete" {
			files = append(files, nil)
			continue
		}
		d, err := c.renderFile(entry)
		if err != nil {
			return err
		}
		files = append(files, d)
	}
	d := s.renderCommit(c, m)
	d["message"] = m.Message
	return c.json(http.StatusCreated, doc{
		"files": files, "commit": d,
		"verification": doc{"verified": false, "reason": "gpg.error.not_signed_commit", "signature": "", "payload": ""},
	})
}

// changes are the operations as files, each checked against what is there.
func changes(ctx context.Context, r *bare.Repository, head git.ID, operations []operation) ([]bare.Change, error) {
	var paths []string
	for _, o := range operations {
		paths = append(paths, o.Path, o.From)
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return p == "" })
	there, err := r.Git.StatAll(ctx, head, paths)
	if err != nil {
		return nil, err
	}
	var list []bare.Change
	for _, o := range operations {
		more, err := o.changes(there)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

func (o operation) changes(there map[string]git.Entry) ([]bare.Change, error) {
	refuse := func(message string) ([]bare.Change, error) { return nil, says(http.StatusUnprocessableEntity, message) }
	data, err := base64.StdEncoding.DecodeString(o.Content)
	if err != nil {
		return refuse("The content of " + o.Path + " is not base64.")
	}
	before := o.Path
	if o.From != "" {
		before = o.From
	}
	entry, exists := there[before]
	switch o.Operation {
	case "create":
		if _, taken := there[o.Path]; taken {
			return refuse("repository file already exists [path: " + o.Path + "]")
		}
		return []bare.Change{{Path: o.Path, Data: data}}, nil
	case "update", "delete", "rename":
		if !exists {
			return refuse("repository file does not exist [path: " + before + "]")
		}
		if o.SHA == "" {
			return refuse("a SHA must be provided when updating a file")
		}
		if o.SHA != entry.ID {
			return refuse("sha does not match [given: " + string(o.SHA) + ", expected: " + string(entry.ID) + "]")
		}
	case "upload":
	default:
		return refuse("invalid operation: " + o.Operation)
	}
	if o.Operation == "delete" {
		return []bare.Change{{Path: o.Path, Delete: true}}, nil
	}
	list := []bare.Change{{Path: o.Path, Data: data}}
	if exists && before != o.Path {
		list = append(list, bare.Change{Path: before, Delete: true})
	}
	return list, nil
}
