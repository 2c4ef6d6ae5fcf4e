package github

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"gatehouse/internal/git"
)

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Repository is a repository to make.
type Repository struct {
	Owner, Name string
	Private     bool
	Branch      string            // the default one; empty: main
	Files       map[string]string // of the first commit; empty: no commit
}

// AddRepository makes a repository and answers its directory.
func (s *Server) AddRepository(ctx context.Context, spec Repository) (dir string, err error) {
	if spec.Branch == "" {
		spec.Branch = "main"
	}
	r, err := s.reserve(spec.Owner, spec.Name)
	if err != nil {
		return "", err
	}
	r.private, r.branch = spec.Private, spec.Branch
	dir = s.dir(r)
	if r.git, err = git.Init(ctx, dir, spec.Branch); err != nil {
		return "", err
	}
	r.network = newNetwork(r)
	if len(spec.Files) > 0 {
		if err := s.firstCommit(ctx, r, spec.Files); err != nil {
			return "", errors.Join(err, r.git.Close())
		}
	}
	return dir, s.add(r)
}

// Dir is the directory of a repository (owner/name); "" when there is none.
func (s *Server) Dir(repository string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.repos[fold(repository)]; r != nil {
		return r.git.Dir
	}
	return ""
}

// RepositoryID is the id of a repository (owner/name); 0 when there is none.
func (s *Server) RepositoryID(repository string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.repos[fold(repository)]; r != nil {
		return r.id
	}
	return 0
}

func (s *Server) dir(r *repository) string { return filepath.Join(s.o.Dir, r.owner, r.name+".git") }

// reserve checks the name of a new repository and gives it an id.
func (s *Server) reserve(owner, name string) (*repository, error) {
	if !validName.MatchString(owner) || !validName.MatchString(name) {
		return nil, fmt.Errorf("%s/%s is no name for a repository", owner, name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.taken(owner):
		return nil, fmt.Errorf("there is no account %q", owner)
	case s.repos[fold(owner+"/"+name)] != nil:
		return nil, fmt.Errorf("%s/%s is there already", owner, name)
	case len(s.repos) >= maxRepos:
		return nil, errors.New("there are too many repositories")
	}
	s.next++
	return &repository{
		id: s.next, owner: owner, name: name, created: s.o.Now(),
		rights: map[string]Right{}, labels: map[string]*label{}, issues: map[int]*issue{},
		comments: map[int64]*comment{}, statuses: map[git.ID][]status{},
	}, nil
}

// add lets a repository be seen.
func (s *Server) add(r *repository) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repos[fold(r.full())] != nil {
		return errors.Join(fmt.Errorf("%s is there already", r.full()), r.git.Close())
	}
	s.repos[fold(r.full())] = r
	if r.parent != nil {
		r.network.repos = append(r.network.repos, r)
	}
	return nil
}

func (s *Server) firstCommit(ctx context.Context, r *repository, files map[string]string) error {
	var edits []git.Edit
	for path, text := range files {
		id, err := r.git.WriteBlob(ctx, []byte(text))
		if err != nil {
			return err
		}
		edits = append(edits, git.Edit{Path: path, Blob: id})
	}
	tree, err := r.git.WriteTree(ctx, "", edits)
	if err != nil {
		return err
	}
	by := git.Signature{Name: "Practice host", Email: "practice@example.invalid", When: s.o.Now()}
	if p, ok := s.o.OAuth.Person(r.owner); ok {
		by = s.by(p)
	}
	id, err := r.git.WriteCommit(ctx, git.CommitSpec{Tree: tree, Author: by, Committer: by, Message: "Initial commit"})
	if err != nil {
		return err
	}
	return r.git.UpdateRefs(ctx, git.RefUpdate{Name: "refs/heads/" + r.branch, New: id})
}
