package bare

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// tries is how often a commit is made anew when the branch moved meanwhile.
const tries = 10

// Change is one file of a commit.
type Change struct {
	Path   string
	Data   []byte
	Delete bool
}

// Commit is changes to put on a branch.
type Commit struct {
	Branch string
	// Start is where a new branch begins. Empty: the branch has to be there.
	// Otherwise it must not be.
	Start   git.ID
	Message string
	Author  git.Signature
	// Changes are made of the head that they will lie on, which may be asked
	// for more than once. An error of it ends the commit and is returned as is.
	Changes func(ctx context.Context, head git.ID) ([]Change, error)
}

// Head is the commit that a branch is at; fault.NotFound without one.
func (r *Repository) Head(ctx context.Context, branch string) (git.ID, error) {
	if err := git.CheckBranch(branch); err != nil {
		return "", &fault.Error{Kind: fault.NotFound, Message: "There is no such branch.", Err: err}
	}
	return r.Git.Resolve(ctx, ref(branch))
}

// Resolve is the commit of a branch's short name or of a commit's id.
func (r *Repository) Resolve(ctx context.Context, rev string) (git.ID, error) {
	if id, err := r.Head(ctx, rev); err == nil {
		return id, nil
	}
	if len(rev) < 7 || strings.Trim(rev, "0123456789abcdef") != "" {
		return "", &fault.Error{Kind: fault.NotFound, Message: "There is no such branch or commit."}
	}
	return r.Git.Resolve(ctx, rev)
}

// Branches are the short names of all branches and their heads.
func (r *Repository) Branches(ctx context.Context) ([]git.Ref, error) {
	refs, err := r.Git.Refs(ctx, "refs/heads/")
	for i := range refs {
		refs[i].Name = strings.TrimPrefix(refs[i].Name, "refs/heads/")
	}
	return refs, err
}

// Commit puts changes on a branch. The error is a fault: Conflict for a new
// branch that exists or whose name clashes with another's, NotFound for a
// branch that is missing, Invalid for a path that cannot be.
func (r *Repository) Commit(ctx context.Context, c Commit) (git.ID, error) {
	if err := git.CheckBranch(c.Branch); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for try := 1; ; try++ {
		id, err := r.commit(ctx, c)
		if fault.Is(err, fault.Conflict) && c.Start == "" && try < tries {
			continue // somebody pushed
		}
		return id, err
	}
}

func (r *Repository) commit(ctx context.Context, c Commit) (git.ID, error) {
	head, old := c.Start, git.ID("")
	if head == "" {
		var err error
		if head, err = r.Head(ctx, c.Branch); err != nil {
			return "", err
		}
		old = head
	}
	changes, err := c.Changes(ctx, head)
	if err != nil {
		return "", err
	}
	edits, err := r.edits(ctx, changes)
	if err != nil {
		return "", err
	}
	tree, err := r.Git.WriteTree(ctx, head, edits)
	if err != nil {
		return "", err
	}
	return r.point(ctx, c.Branch, old, git.CommitSpec{
		Tree: tree, Parents: []git.ID{head}, Author: c.Author, Committer: c.Author, Message: c.Message,
	})
}

// point writes a commit and moves the branch to it.
func (r *Repository) point(ctx context.Context, branch string, old git.ID, spec git.CommitSpec) (git.ID, error) {
	id, err := r.Git.WriteCommit(ctx, spec)
	if err != nil {
		return "", err
	}
	return id, r.Git.UpdateRefs(ctx, git.RefUpdate{Name: ref(branch), Old: old, New: id})
}

func (r *Repository) edits(ctx context.Context, changes []Change) ([]git.Edit, error) {
	var edits []git.Edit
	for _, c := range changes {
		edit := git.Edit{Path: c.Path}
		if !c.Delete {
			id, err := r.Git.WriteBlob(ctx, c.Data)
			if err != nil {
				return nil, err
			}
			edit.Blob = id
		}
		edits = append(edits, edit)
	}
	return edits, nil
}

// Delete removes a branch; fault.NotFound when there is none.
func (r *Repository) Delete(ctx context.Context, branch string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	head, err := r.Head(ctx, branch)
	if err != nil {
		return err
	}
	return r.Git.UpdateRefs(ctx, git.RefUpdate{Name: ref(branch), Old: head})
}

// Join is a branch to bring into another one.
type Join struct {
	Source, Target string // branches
	Message        string
	Author         git.Signature
	Squash         bool // one commit without the branch's own
}

// Merge brings a branch into another and answers the commit; fault.Conflict
// with the paths when they do not fit.
func (r *Repository) Merge(ctx context.Context, j Join) (git.ID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	theirs, err := r.Head(ctx, j.Source)
	if err != nil {
		return "", err
	}
	return r.merge(ctx, j.Target, theirs, j)
}

// Rebase puts the target's new commits into the source branch, by a merge: the
// content is what a rebase would make, and only the log tells the difference.
func (r *Repository) Rebase(ctx context.Context, source, target string, author git.Signature) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	theirs, err := r.Head(ctx, target)
	if err != nil {
		return err
	}
	ours, err := r.Head(ctx, source)
	if err != nil {
		return err
	}
	if in, err := r.Git.IsAncestor(ctx, theirs, ours); err != nil || in {
		return err
	}
	_, err = r.merge(ctx, source, theirs, Join{Message: "Bring in " + target, Author: author})
	return err
}

func (r *Repository) merge(ctx context.Context, branch string, theirs git.ID, j Join) (git.ID, error) {
	ours, err := r.Head(ctx, branch)
	if err != nil {
		return "", err
	}
	merged, err := r.Git.Merge(ctx, ours, theirs)
	if err != nil {
		return "", err
	}
	if len(merged.Conflicts) > 0 {
		return "", &fault.Error{Kind: fault.Conflict, Message: "The branches do not fit together.", Paths: merged.Conflicts}
	}
	parents := []git.ID{ours, theirs}
	if j.Squash {
		parents = parents[:1]
	}
	return r.point(ctx, branch, ours, git.CommitSpec{
		Tree: merged.Tree, Parents: parents, Author: j.Author, Committer: j.Author, Message: j.Message,
	})
}

// Diff is what is in source and not in target: from where the two parted.
func (r *Repository) Diff(ctx context.Context, target, source git.ID) ([]git.Change, error) {
	base, err := r.Git.MergeBase(ctx, target, source)
	if err != nil {
		return nil, err
	}
	changes, err := r.Git.Diff(ctx, base, source)
	return slices.DeleteFunc(changes, func(c git.Change) bool {
		return c.OldMode == git.ModeSubmodule || c.NewMode == git.ModeSubmodule
	}), err
}

// Patch is the text of one change: hunks as git prints them, except that all
// the old lines go and all the new ones come. binary is true when there is no
// text to show.
func (r *Repository) Patch(ctx context.Context, c git.Change) (text string, binary bool, err error) {
	old, err := r.content(ctx, c.Old)
	if err != nil {
		return "", false, err
	}
	now, err := r.content(ctx, c.New)
	if err != nil {
		return "", false, err
	}
	if bytes.IndexByte(old, 0) >= 0 || bytes.IndexByte(now, 0) >= 0 {
		return "", true, nil
	}
	minus, gone := lines('-', old)
	plus, come := lines('+', now)
	if gone+come == 0 {
		return "", false, nil
	}
	return "@@ -" + span(gone) + " +" + span(come) + " @@\n" + minus + plus, false, nil
}

func (r *Repository) content(ctx context.Context, id git.ID) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	return r.Git.Blob(ctx, id)
}

func span(n int) string {
	if n == 0 {
		return "0,0"
	}
	return "1," + strconv.Itoa(n)
}

func lines(sign byte, data []byte) (text string, n int) {
	var b strings.Builder
	for line := range bytes.Lines(data) {
		n++
		b.WriteByte(sign)
		b.Write(line)
		if line[len(line)-1] != '\n' {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
	return b.String(), n
}
