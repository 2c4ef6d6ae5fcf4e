package cms

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/mirror"
)

// state is what a Service keeps between calls.
type state struct {
	mu       sync.Mutex
	configID git.ID
	config   *Config
	reach    reach
	opening  sync.Mutex // one draft begins at a time
}

// view is the site at one moment: what every read of one call goes by.
type view struct {
	*Config
	site   mirror.Snapshot
	file   string   // where config.yml is
	rules  []string // where it is, or would count if it were there
	caller Caller
}

// configPaths are where a config.yml is looked for.
func (s *Service) configPaths() []string {
	if s.ConfigPath != "" {
		return []string{s.ConfigPath}
	}
	return []string{"admin/config.yml", "static/admin/config.yml", "public/admin/config.yml", "src/admin/config.yml"}
}

// Config is config.yml at the head of the site's branch. NotFound says where it
// was looked for, Invalid what is wrong with it.
func (s *Service) Config(ctx context.Context) (*Config, error) {
	v, err := s.view(ctx, Caller{})
	if err != nil {
		return nil, err
	}
	return v.Config, nil
}

// view takes a snapshot of the site and reads its config.
func (s *Service) view(ctx context.Context, c Caller) (view, error) {
	snap, err := s.Repo.Snapshot(ctx, "")
	if err != nil {
		return view{}, err
	}
	v := view{site: snap, caller: c}
	paths := s.configPaths()
	found := map[string]git.Entry{}
	if snap.Commit != "" {
		if found, err = s.Repo.Git.StatAll(ctx, snap.Commit, paths); err != nil {
			return view{}, err
		}
	}
	i := slices.IndexFunc(paths, func(p string) bool { return isContent(found[p]) })
	if i < 0 && s.Anywhere {
		v.Config = v.anywhere()
		return v, s.seen(ctx, c, snap.Commit)
	}
	if i < 0 {
		return view{}, fault.New(fault.NotFound, "The branch “%s” has no config.yml for the CMS; it was looked for at %s. Add one of these files, or name another in the site's setting config.", snap.Branch, strings.Join(paths, ", "))
	}
	v.file, v.rules = paths[i], paths
	if v.Config, err = s.parsed(ctx, found[v.file].ID); err != nil {
		return view{}, err
	}
	if s.Anywhere {
		v.Config, v.rules = v.anywhere(), paths[i:i+1]
	}
	return v, s.seen(ctx, c, snap.Commit)
}

// parsed is the config of a blob; the last one is kept.
func (s *Service) parsed(ctx context.Context, id git.ID) (*Config, error) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	if s.state.configID == id {
		return s.state.config, nil
	}
	data, err := s.Repo.Git.Blob(ctx, id)
	if err != nil {
		return nil, err
	}
	c, err := Parse(data)
	if err != nil {
		return nil, err
	}
	s.state.configID, s.state.config = id, c
	return c, nil
}

// seen notes what the site was when a reader came.
func (s *Service) seen(ctx context.Context, c Caller, commit git.ID) error {
	if !s.remembers(c) || commit == "" {
		return nil
	}
	return s.Versions.Store.SeenFirst(ctx, c.Reader, s.Versions.Site, string(commit))
}

// remembers reports whether what c is served is noted.
func (s *Service) remembers(c Caller) bool { return s.Versions != nil && c.Reader != "" }

// Validate is for mirror.Repository: it refuses a merged text that the CMS could
// not read.
func (s *Service) Validate(ctx context.Context, path string, data []byte) error {
	c, err := s.Config(ctx)
	if err != nil {
		return err
	}
	return c.Check(path, data)
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// author is the caller as a commit names them.
func (s *Service) author(c Caller) git.Signature {
	return git.Signature{Name: c.Name, Email: c.Email, When: s.now()}
}

// ask puts a question about rights.
func (c Caller) ask(ctx context.Context, a Ask) error {
	if c.Allow == nil {
		return nil
	}
	return c.Allow(ctx, a)
}

// isContent reports whether a tree entry is a file that people can edit.
func isContent(e git.Entry) bool {
	return e.ID != "" && (e.Mode == git.ModeFile || e.Mode == git.ModeExecutable)
}

// forbidden says which path is not the CMS's to touch.
func forbidden(path, format string, args ...any) error {
	return &fault.Error{Kind: fault.Forbidden, Paths: []string{path}, Message: fault.Message(fault.New(fault.Forbidden, format, args...))}
}
