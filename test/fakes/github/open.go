package github

import (
	"context"

	"gatehouse/internal/git"
)

// OpenRepository adds a repository that is on disk, from an earlier server or
// made by other means: Options.Dir/owner/name.git, bare. Opened in the same
// order, repositories have the same ids as before. Files are not looked at.
func (s *Server) OpenRepository(ctx context.Context, spec Repository) error {
	if spec.Branch == "" {
		spec.Branch = "main"
	}
	r, err := s.reserve(spec.Owner, spec.Name)
	if err != nil {
		return err
	}
	r.private, r.branch = spec.Private, spec.Branch
	if r.git, err = git.Open(ctx, s.dir(r)); err != nil {
		return err
	}
	r.network = newNetwork(r)
	return s.add(r)
}
