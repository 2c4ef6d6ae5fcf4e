package mirror

import (
	"context"
	"fmt"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

const (
	heads = "refs/heads/"
	lost  = "refs/gatehouse/lost/"
	// listed bounds the branches that an unknown one is answered with.
	listed = 20
)

// Snapshot is where a branch is now. An empty name is the site's branch, and so
// is "master" where there is none. An unknown branch is NotFound and the
// message lists those there are. In a repository without a commit the site's
// branch has an empty Commit: reads give nothing and the first Save is the root.
func (r *Repository) Snapshot(ctx context.Context, branch string) (Snapshot, error) {
	t, err := r.tip(ctx, branch)
	if err != nil {
		return Snapshot{}, err
	}
	if t.live {
		t.head, err = r.onDisk(ctx)
	}
	return Snapshot{Branch: t.name, Commit: t.head}, err
}

// tip is a branch by its real name.
type tip struct {
	name string
	head git.ID // empty: no commit yet
	live bool   // the work tree on disk; head is not looked up
}

func (r *Repository) tip(ctx context.Context, branch string) (tip, error) {
	site, err := r.site(ctx)
	if err != nil {
		return tip{}, err
	}
	if branch == "" {
		branch = site
	}
	if branch == site && r.Live {
		return tip{name: site, live: true}, nil
	}
	head, err := r.head(ctx, branch)
	if err != nil || head != "" {
		return tip{name: branch, head: head}, err
	}
	if branch == "master" && site != "master" {
		return r.tip(ctx, site)
	}
	return r.absent(ctx, branch, site)
}

// site is the name of the site's branch.
func (r *Repository) site(ctx context.Context) (string, error) {
	if r.Branch != "" {
		return r.Branch, nil
	}
	return r.Git.Branch(ctx)
}

// head is where a branch is; empty when there is no such branch.
func (r *Repository) head(ctx context.Context, branch string) (git.ID, error) {
	if err := git.CheckBranch(branch); err != nil {
		return "", err
	}
	return r.optional(ctx, heads+branch)
}

// absent is the answer for a branch that is not there: the beginning of an
// empty repository, or NotFound.
func (r *Repository) absent(ctx context.Context, branch, site string) (tip, error) {
	all, err := r.Git.Refs(ctx, heads)
	if err != nil {
		return tip{}, err
	}
	if len(all) == 0 && branch == site {
		return tip{name: branch}, nil
	}
	var names []string
	for _, ref := range all[:min(len(all), listed)] {
		names = append(names, "“"+strings.TrimPrefix(ref.Name, heads)+"”")
	}
	there := "there are " + strings.Join(names, ", ")
	switch {
	case len(all) == 0:
		there = "the repository has no branches yet"
	case len(all) > listed:
		there = fmt.Sprintf("%s and %d more", there, len(all)-listed)
	}
	return tip{}, fault.New(fault.NotFound, "There is no branch “%s” in this repository; %s.", branch, there)
}
