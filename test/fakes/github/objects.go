package github

import (
	"context"
	"regexp"
	"strings"

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
