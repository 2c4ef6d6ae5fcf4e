package cms

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// saveDraft saves to the entry's draft. A later save is an ordinary commit on
// top of what the draft's branch is now. The branch is never written anew, so
// nothing on it is lost; what the site's branch has gained is merged at publish.
func (s *Service) saveDraft(ctx context.Context, v view, p plan) (Saved, error) {
	d, err := s.draft(ctx, v, p.Collection, p.slug)
	if fault.Is(err, fault.NotFound) {
		return s.beginDraft(ctx, v, p)
	}
	if err != nil {
		return Saved{}, err
	}
	return s.saveOn(ctx, v, p, d)
}

// saveOn saves to a draft that is there.
func (s *Service) saveOn(ctx context.Context, v view, p plan, d draft) (Saved, error) {
	fork, err := s.Repo.Git.MergeBase(ctx, v.site.Commit, d.head)
	if err != nil {
		return Saved{}, err
	}
	w := write{plan: p, draft: &d, branch: d.request.Head, rev: d.head, fork: fork}
	if s.Versions != nil {
		w.shelves = []shelf{s.Versions.draft(d.request.Head, d.request.Number), s.siteShelf(v)}
	}
	saved, err := s.commit(ctx, v, w)
	if err != nil {
		return Saved{}, err
	}
	return saved, s.noteDraft(ctx, v, p, saved, d.request)
}

// beginDraft makes the draft: first its branch with the commit, then the change
// request that makes it one. A crash in between leaves a branch that nobody
// sees and that the next save takes over.
func (s *Service) beginDraft(ctx context.Context, v view, p plan) (Saved, error) {
	s.state.opening.Lock()
	defer s.state.opening.Unlock()
	d, err := s.draft(ctx, v, p.Collection, p.slug)
	if err == nil {
		return s.saveOn(ctx, v, p, d)
	}
	if !fault.Is(err, fault.NotFound) {
		return Saved{}, err
	}
	w, err := s.newBranch(ctx, v, p)
	if err != nil {
		return Saved{}, err
	}
	saved, err := s.commit(ctx, v, w)
	if err != nil {
		return Saved{}, err
	}
	r, err := s.Repo.Host.Open(ctx, host.NewChangeRequest{
		Title: w.title(v), Body: "A draft of the CMS, made by Gatehouse.",
		Head: w.branch, Base: v.site.Branch, Status: statusOf(p.Status), LabelPrefix: v.labelPrefix(p.LabelPrefix),
		Author: host.Person{Name: v.caller.Name, Email: v.caller.Email},
	})
	if err != nil {
		return Saved{}, err
	}
	return saved, s.noteDraft(ctx, v, p, saved, r)
}

// title is a change request's title: the first line of the commit message.
func (w write) title(v view) string {
	first, _, _ := strings.Cut(w.message(v, !w.New), "\n")
	return first
}

// newBranch finds the branch for a new draft: one that a crash left, else the
// first that no other branch stands in the way of.
func (s *Service) newBranch(ctx context.Context, v view, p plan) (write, error) {
	w := write{plan: p, rev: v.site.Commit, shelves: []shelf{s.siteShelf(v)}}
	heads, err := s.draftHeads(ctx)
	if err != nil {
		return write{}, err
	}
	names := draftBranches(p.Collection, p.slug)
	for _, name := range names {
		if heads[name] != "" {
			w.branch = name
			return s.leftover(ctx, v, w, heads[name])
		}
	}
	free := slices.IndexFunc(names, func(name string) bool {
		for other := range heads {
			if clash(name, other) {
				return false
			}
		}
		return true
	})
	w.branch = names[max(0, free)]
	return w, nil
}

// leftover deals with a branch that no draft has: one of a draft that was
// discarded goes, one that no change request speaks of is taken over.
func (s *Service) leftover(ctx context.Context, v view, w write, head git.ID) (write, error) {
	open, err := s.Repo.Host.ChangeRequests(ctx, host.Query{State: host.Open, Head: w.branch})
	if err != nil {
		return write{}, err
	}
	if len(open) > 0 {
		return write{}, fault.New(fault.Conflict, "“%s” is on the branch %s already, under a change request that is no draft of this site (“%s”). Nothing was saved. Give the entry another name, or ask the site's developers to close that one.", w.slug, w.branch, open[0].Title)
	}
	closed, err := s.Repo.Host.ChangeRequests(ctx, host.Query{State: host.Closed, Head: w.branch})
	if err != nil {
		return write{}, err
	}
	if len(closed) > 0 {
		return w, s.Repo.Discard(ctx, closed[0].Number, nil)
	}
	fork, err := s.Repo.Git.MergeBase(ctx, v.site.Commit, head)
	w.rev, w.fork, w.adopt = head, fork, true
	return w, err
}

// noteDraft notes what the caller now holds: for the draft, and for the entry on
// the site's branch, where the draft will come to be. There the next opening
// counts, since the draft may as well be discarded.
func (s *Service) noteDraft(ctx context.Context, v view, p plan, saved Saved, r host.ChangeRequest) error {
	if !s.remembers(v.caller) {
		return nil
	}
	site := s.siteShelf(v)
	if err := s.note(ctx, v.caller, p, saved, site, s.Versions.draft(r.Head, r.Number)); err != nil {
		return err
	}
	return s.reopen(ctx, v.caller, site, slices.Collect(maps.Keys(saved.Bases)))
}

// dropRemoved deletes the media that this draft added and the client no longer
// lists: with each save it sends all that the draft keeps. What is published
// already stays, whoever uses it.
func (s *Service) dropRemoved(ctx context.Context, v view, w write, set *changeSet) error {
	changes, err := s.changes(ctx, v, *w.draft)
	if err != nil {
		return err
	}
	moved := v.moves(changes)
	for _, c := range changes {
		added := c.Old == "" && c.New != "" && !moved.gone[c.New]
		if !added || set.has(c.Path) || !v.isMedia(c.Path) {
			continue
		}
		if slices.ContainsFunc(w.Assets, func(a Asset) bool { return a.Path == c.Path }) {
			continue
		}
		id := c.New
		set.add(deletion(c.Path, id))
	}
	return nil
}
