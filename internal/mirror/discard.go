package mirror

import (
	"context"
	"fmt"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// Discard closes a change request without a merge and deletes its head branch.
// The branch's last commit is kept under refs/gatehouse/lost/<number>, as what
// was accepted once is never lost. Check is told what the branch had changed;
// its error ends the discarding, and it may be nil.
//
// A closed change request whose branch is still there is what an interrupted
// Discard leaves, and is brought to its end. One that was merged is a Conflict.
func (r *Repository) Discard(ctx context.Context, number int, check func(ctx context.Context, m Move) error) error {
	request, err := r.Host.ChangeRequest(ctx, number)
	if err != nil {
		return err
	}
	return r.repeat(ctx, request.Head, func() error { return r.discard(ctx, number, check) })
}

func (r *Repository) discard(ctx context.Context, number int, check func(context.Context, Move) error) error {
	request, err := r.Host.ChangeRequest(ctx, number)
	if err != nil {
		return err
	}
	head, err := r.head(ctx, request.Head)
	if err != nil {
		return err
	}
	switch request.State {
	case host.Open:
		if err := r.askDiscard(ctx, request, head, check); err != nil {
			return err
		}
		if err := r.Host.Close(ctx, number); err != nil {
			return err
		}
	case host.Closed:
		if head == "" {
			return nil
		}
		if err := r.orphan(ctx, request); err != nil {
			return err
		}
		if err := r.askDiscard(ctx, request, head, check); err != nil {
			return err
		}
	default:
		return fault.New(fault.Conflict, "“%s” was published already, so it cannot be deleted as a draft.", request.Title)
	}
	return r.bury(ctx, request, head)
}

// askDiscard puts what the branch had changed before whoever decides. The site's
// branch is what a draft differs from, whatever its change request says.
func (r *Repository) askDiscard(ctx context.Context, request host.ChangeRequest, head git.ID, check func(context.Context, Move) error) error {
	if check == nil {
		return nil
	}
	m := Move{Branch: request.Head, Old: head}
	site, err := r.Snapshot(ctx, "")
	if err != nil {
		return err
	}
	var fork git.ID
	if head != "" && site.Commit != "" {
		if fork, err = r.Git.MergeBase(ctx, site.Commit, head); err != nil {
			return err
		}
	}
	if m.Changes, err = r.Git.Diff(ctx, fork, head); err != nil {
		return err
	}
	return check(ctx, m)
}

// orphan makes sure that no other change request is open for the branch.
func (r *Repository) orphan(ctx context.Context, request host.ChangeRequest) error {
	others, err := r.Host.ChangeRequests(ctx, host.Query{State: host.Open, Head: request.Head})
	if err == nil && len(others) > 0 {
		err = fault.New(fault.Conflict, "“%s” was deleted already, and there is a new draft in its place.", request.Title)
	}
	return err
}

// bury moves the branch's tip to where nothing looks and nothing is lost: a free
// name, as a change request may be reopened and discarded again.
func (r *Repository) bury(ctx context.Context, request host.ChangeRequest, head git.ID) error {
	if head == "" {
		return nil
	}
	name := fmt.Sprintf("%s%d", lost, request.Number)
	for n := 2; ; n++ {
		old, err := r.optional(ctx, name)
		switch {
		case err != nil:
			return err
		case old == head:
			return r.drop(ctx, request.Head, head)
		case old == "":
			return r.drop(ctx, request.Head, head, git.RefUpdate{Name: name, New: head})
		}
		name = fmt.Sprintf("%s%d-%d", lost, request.Number, n)
	}
}

func (r *Repository) drop(ctx context.Context, branch string, head git.ID, keep ...git.RefUpdate) error {
	err := r.Git.UpdateRefs(ctx, append(keep, git.RefUpdate{Name: heads + branch, Old: head})...)
	if err != nil {
		return r.refused(ctx, err, tip{name: branch, head: head}, nil)
	}
	r.moved(branch, head, "")
	return nil
}
