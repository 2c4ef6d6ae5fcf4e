// Package bare keeps the repositories of a practice host: real bare
// repositories on disk, who may do what with each, and the few operations that
// the hosts' APIs have in common.
//
//	Store ── owner/name ──► Repository ──► git.Repo
//	                          Commit   changes on top of a branch, or as a new one
//	                          Merge    a branch into another
//	                          Diff     what one side has that the other has not
package bare

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// Right is what somebody may do with a repository.
type Right int

// The rights; each holds the ones before it.
const (
	None Right = iota
	Read
	Write
	Admin
)

// Store is the repositories of one host.
type Store struct {
	dir string

	mu    sync.RWMutex
	repos map[string]*Repository // by the path in lower case
}

// NewStore keeps its repositories below dir, which is made when it is missing.
func NewStore(dir string) *Store {
	return &Store{dir: dir, repos: map[string]*Repository{}}
}

// Repository is one repository. All methods may be called at any time.
type Repository struct {
	ID      int64
	Path    string // owner/name; GitLab has groups in it
	Branch  string // the default branch
	Private bool   // for those with a right alone
	Created time.Time
	Git     *git.Repo

	mu     sync.Mutex // one writer at a time
	rights sync.Map   // login in lower case → Right
}

// Spec is a repository to add.
type Spec struct {
	Path    string // owner/name
	Branch  string // empty: main
	Private bool
	Files   map[string][]byte // of the first commit; there has to be one
	Author  git.Signature     // of the first commit; what is missing is filled in
}

// Add makes a repository with one commit, or opens the one that is on disk
// already.
func (s *Store) Add(ctx context.Context, spec Spec) (*Repository, error) {
	if spec.Branch == "" {
		spec.Branch = "main"
	}
	if spec.Author.Name == "" {
		spec.Author.Name, spec.Author.Email = "Practice", "practice@example.org"
	}
	if spec.Author.When.IsZero() {
		spec.Author.When = time.Now()
	}
	if err := git.CheckPath(spec.Path); err != nil || !strings.Contains(spec.Path, "/") {
		return nil, &fault.Error{Kind: fault.Invalid, Message: "A repository's path is owner/name.", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(spec.Path)
	if s.repos[key] != nil {
		return nil, &fault.Error{Kind: fault.Conflict, Message: "There is a repository " + spec.Path + " already."}
	}
	r := &Repository{
		ID: int64(len(s.repos) + 1), Path: spec.Path, Branch: spec.Branch, Private: spec.Private, Created: spec.Author.When,
	}
	dir := filepath.Join(s.dir, filepath.FromSlash(key)+".git")
	var err error
	if r.Git, err = git.Open(ctx, dir); err != nil {
		if r.Git, err = git.Init(ctx, dir, spec.Branch); err != nil {
			return nil, err
		}
	}
	if _, err = r.Head(ctx, r.Branch); err != nil {
		if err = r.first(ctx, spec); err != nil {
			return nil, errors.Join(err, r.Git.Close())
		}
	}
	s.repos[key] = r
	return r, nil
}

// first writes the first commit.
func (r *Repository) first(ctx context.Context, spec Spec) error {
	var changes []Change
	for _, path := range slices.Sorted(maps.Keys(spec.Files)) {
		changes = append(changes, Change{Path: path, Data: spec.Files[path]})
	}
	edits, err := r.edits(ctx, changes)
	if err != nil {
		return err
	}
	tree, err := r.Git.WriteTree(ctx, "", edits)
	if err != nil {
		return err
	}
	id, err := r.Git.WriteCommit(ctx, git.CommitSpec{Tree: tree, Author: spec.Author, Committer: spec.Author, Message: "Begin"})
	if err != nil {
		return err
	}
	return r.Git.UpdateRefs(ctx, git.RefUpdate{Name: ref(spec.Branch), New: id})
}

// Find is the repository with a path, in any letter case, or with an id in
// decimal digits.
func (s *Store) Find(name string) (*Repository, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		for _, r := range s.repos {
			if r.ID == id {
				return r, true
			}
		}
		return nil, false
	}
	r, ok := s.repos[strings.ToLower(name)]
	return r, ok
}

// All are the repositories, by path.
func (s *Store) All() []*Repository {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []*Repository
	for _, key := range slices.Sorted(maps.Keys(s.repos)) {
		all = append(all, s.repos[key])
	}
	return all
}

// Close ends the processes of the repositories.
func (s *Store) Close() error {
	var errs []error
	for _, r := range s.All() {
		errs = append(errs, r.Git.Close())
	}
	return errors.Join(errs...)
}

// Owner is the path without its last part.
func (r *Repository) Owner() string { return r.Path[:strings.LastIndexByte(r.Path, '/')] }

// Name is the last part of the path.
func (r *Repository) Name() string { return r.Path[strings.LastIndexByte(r.Path, '/')+1:] }

// Allow gives somebody a right; None takes it away.
func (r *Repository) Allow(login string, right Right) {
	r.rights.Store(strings.ToLower(login), right)
}

// Right is what somebody may do. Everybody may read what is not private. An
// empty login is nobody.
func (r *Repository) Right(login string) Right {
	right := r.Given(login)
	if !r.Private {
		right = max(right, Read)
	}
	return right
}

// Given is the right that somebody was given, without what everybody has.
func (r *Repository) Given(login string) Right {
	v, _ := r.rights.Load(strings.ToLower(login))
	right, _ := v.(Right)
	return right
}

func ref(branch string) string { return "refs/heads/" + branch }
