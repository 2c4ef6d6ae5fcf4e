package mirror

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// Publish merges a change request into the site's branch, deletes its head
// branch, and answers the commit that the site's branch then points to. Both
// branches are pinned: what is checked is what is merged. When one moves
// meanwhile, the merge is made anew.
//
//	NotFound     the change request or its branch
//	Conflict     the change request is not open, or not for the site's branch;
//	             both sides changed the same lines of a file, or the merged
//	             text does not pass Validate (both with Paths)
//	Unavailable  too many others write at this moment
//
// Errors of Check are returned as they are. Nothing is changed with any error.
func (r *Repository) Publish(ctx context.Context, p PublishRequest) (git.ID, error) {
	site, err := r.site(ctx)
	if err != nil {
		return "", err
	}
	var published git.ID
	err = r.repeat(ctx, site, func() error {
		c, err := r.candidate(ctx, site, p)
		if err != nil {
			return err
		}
		if r.Live {
			published, err = r.publishOnDisk(ctx, c, p)
			return err
		}
		published, err = r.publish(ctx, c, p)
		return err
	})
	return published, err
}

// candidate is a merge that is ready to be made.
type candidate struct {
	request    host.ChangeRequest
	base, head git.ID
	tree       git.ID
	changes    []git.Change // from base to tree
}

// candidate merges without moving anything.
func (r *Repository) candidate(ctx context.Context, site string, p PublishRequest) (candidate, error) {
	request, err := r.Host.ChangeRequest(ctx, p.Number)
	if err != nil {
		return candidate{}, err
	}
	if request.State != host.Open {
		return candidate{}, fault.New(fault.Conflict, "“%s” is %s already. Load the page again to see where it stands.", request.Title, request.State)
	}
	if request.Base != site {
		return candidate{}, fault.New(fault.Conflict, "“%s” is for the branch “%s”, not for the site's branch “%s”. Nothing was published.", request.Title, request.Base, site)
	}
	c := candidate{request: request}
	base, err := r.Snapshot(ctx, site)
	if err != nil {
		return candidate{}, err
	}
	c.base = base.Commit
	if c.head, err = r.head(ctx, request.Head); err != nil {
		return candidate{}, err
	}
	if c.head == "" || c.base == "" {
		return candidate{}, fault.New(fault.NotFound, "The branch “%s” is not in the repository any more. Nothing was published.", request.Head)
	}
	return c, r.merge(ctx, &c, p)
}

// merge fills in the tree and the changes of c.
func (r *Repository) merge(ctx context.Context, c *candidate, p PublishRequest) error {
	m, err := r.Git.Merge(ctx, c.base, c.head)
	if err != nil {
		return err
	}
	if len(m.Conflicts) > 0 {
		return r.unmerged(ctx, *c, p, m.Conflicts, "in the same place, after this draft was begun")
	}
	c.tree = m.Tree
	if c.changes, err = r.Git.Diff(ctx, c.base, c.tree); err != nil {
		return err
	}
	return r.validate(ctx, *c, p, m.Base)
}

// validate parses what neither side wrote: the result for a path that both
// sides changed. Lines that go together well may make a text that does not.
func (r *Repository) validate(ctx context.Context, c candidate, p PublishRequest, fork git.ID) error {
	if r.Validate == nil || fork == c.base {
		return nil
	}
	drafted, err := r.Git.Diff(ctx, fork, c.head)
	if err != nil {
		return err
	}
	theirs := make(map[string]git.ID, len(drafted))
	for _, change := range drafted {
		theirs[change.Path] = change.New
	}
	var broken []string
	for _, change := range c.changes { // what is as on the site's branch is not among them
		if change.New == "" || change.New == theirs[change.Path] {
			continue
		}
		data, err := r.Git.Blob(ctx, change.New)
		if err != nil {
			return err
		}
		if err := r.Validate(ctx, change.Path, data); err != nil {
			broken = append(broken, change.Path)
		}
	}
	if len(broken) > 0 {
		return r.unmerged(ctx, c, p, broken, "after this draft was begun, and both texts together do not make a valid file")
	}
	return nil
}

// unmerged is the Conflict that says who else changed the paths.
func (r *Repository) unmerged(ctx context.Context, c candidate, p PublishRequest, paths []string, how string) error {
	var told []string
	for _, path := range paths[:min(len(paths), spelled)] {
		told = append(told, fmt.Sprintf("“%s” was changed %s", path, r.by(ctx, tip{head: c.base, live: r.Live}, path, p.Author)))
	}
	if more := len(paths) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("%d more files were changed too", more))
	}
	return &fault.Error{
		Kind: fault.Conflict, Paths: paths,
		Message: fmt.Sprintf("%s, %s. Nothing was published, and the draft is as it was. Keep a copy of the draft's text, delete the draft, open the published entry, and put the changes in there.",
			strings.Join(told, "; "), how),
	}
}

// publish makes the merge.
func (r *Repository) publish(ctx context.Context, c candidate, p PublishRequest) (git.ID, error) {
	if p.Check != nil {
		if err := p.Check(ctx, Move{Branch: c.request.Base, Old: c.base, New: c.tree, Changes: c.changes}); err != nil {
			return "", err
		}
	}
	committer := p.Committer
	if committer.Name == "" && committer.Email == "" {
		committer = r.committer()
	}
	author := r.author(p.Author)
	commit, err := r.Host.Merge(ctx, c.request.Number, host.MergeOptions{
		HeadCommit: string(c.head), BaseCommit: string(c.base), Tree: string(c.tree),
		Squash: p.Squash, Message: cmp.Or(p.Message, c.request.Title), DeleteHead: true,
		Author:    host.Person{Name: author.Name, Email: author.Email},
		Committer: host.Person{Name: committer.Name, Email: committer.Email},
	})
	if err != nil {
		return "", r.overtaken(ctx, err, c)
	}
	r.moved(c.request.Base, c.base, git.ID(commit))
	r.moved(c.request.Head, c.head, "")
	return git.ID(commit), nil
}

// overtaken is errMoved when a branch of the merge is no longer where it was.
func (r *Repository) overtaken(ctx context.Context, err error, c candidate) error {
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	for branch, was := range map[string]git.ID{c.request.Base: c.base, c.request.Head: c.head} {
		now, headErr := r.head(ctx, branch)
		if headErr != nil {
			return headErr
		}
		if now != was {
			return again(err)
		}
	}
	return err
}
