// Package site is one static site: which repository it is, what its roles
// allow, and who of its members may do what.
//
// The roles are built in. A right has a reach: nothing, the person's own
// drafts, or everything.
//
//	             create  edit   submit  media  delete  publish
//	admin          all    all     all    all     all     all
//	publisher      all    all     all    all     all     all
//	editor         all    all     all    all      –       –
//	contributor    own    own     own     –       –       –
//	reader          –      –       –      –       –       –
//
// Creating and editing straight on the site's branch, with no draft between,
// is publishing. Reading is for everyone with a built-in role. Any other role
// gives nothing.
package site

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/mirror"
)

// Site is one static site. Fields are set before use and not changed after.
type Site struct {
	Name    string   // [a-z0-9-]+, the {site} of /s/{site}/
	Title   string   // for people; empty: Name
	Hosts   []string // Host names that select the site
	Origins []string // pages elsewhere that may call with CORS, scheme://host[:port]
	Branch  string   // the site's branch, short name; empty: the repository's default

	Domains        []string           // more names that a CMS page may give as its site_id
	DevOrigins     []string           // of Origins, those for work on a laptop
	PreviewOrigins []string           // patterns of origins, one * in the first label: https://*--shop.example
	Backend        Backend            // where the CMS page works by itself
	Connectors     []string           // names of the connectors that the site may use; empty: those of its kind
	CMS            *cms.Service       // its content
	Repo           *mirror.Repository // its repository
}

// DisplayName is the site's name for people.
func (s *Site) DisplayName() string {
	if s.Title != "" {
		return s.Title
	}
	return s.Name
}

// CheckBranch decides whether a request that names branch is meant for this
// site. An empty name is the site's branch, and so is "master" where the
// repository has no branch of that name. Anything else is Invalid, with the
// branch to name instead.
func (s *Site) CheckBranch(ctx context.Context, branch string) error {
	if branch == "" || branch == s.Branch {
		return nil
	}
	own, err := s.branch(ctx)
	if err != nil || branch == own {
		return err
	}
	branches, err := s.branches(ctx)
	if err != nil {
		return err
	}
	switch {
	case slices.Contains(branches, branch):
		return fault.New(fault.Invalid, "%s is edited on the branch %q, and this page asks for %q. Set backend.branch to %q in the CMS's config.yml.", s.DisplayName(), own, branch, own)
	case branch == "master":
		return nil
	}
	return fault.New(fault.Invalid, "The repository of %s has no branch %q. It has: %s. Set backend.branch to %q in the CMS's config.yml.", s.DisplayName(), branch, strings.Join(branches, ", "), own)
}

// branch is the site's branch, also where nobody named it.
func (s *Site) branch(ctx context.Context) (string, error) {
	if s.Branch != "" {
		return s.Branch, nil
	}
	return s.Repo.Git.Branch(ctx)
}

// branches lists the short names of the repository's branches, without drafts.
func (s *Site) branches(ctx context.Context) ([]string, error) {
	refs, err := s.Repo.Git.Refs(ctx, "refs/heads/")
	if err != nil {
		return nil, err
	}
	return branchNames(refs), nil
}

func branchNames(refs []git.Ref) []string {
	var names []string
	for _, r := range refs {
		name := strings.TrimPrefix(r.Name, "refs/heads/")
		if !strings.HasPrefix(name, "cms/") {
			names = append(names, name)
		}
	}
	return names
}
