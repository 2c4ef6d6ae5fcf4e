package cms

import (
	"context"
	"errors"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/mirror"
)

// Save saves an entry with its media as one commit: to its draft, which is made
// when there is none, or straight to the site's branch.
//
//	Invalid    nothing that could be saved
//	Forbidden  a path outside of the collection and its media folders (with
//	           Paths), or what the caller may not do
//	Conflict   a file is not what the caller had (with Paths); after opening it
//	           again, the caller may go on
func (s *Service) Save(ctx context.Context, c Caller, e SaveEntry) (Saved, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return Saved{}, err
	}
	p, err := v.plan(e)
	if err != nil {
		return Saved{}, err
	}
	if p.Workflow {
		return s.saveDraft(ctx, v, p)
	}
	return s.savePublished(ctx, v, p)
}

// savePublished saves straight to the site's branch.
func (s *Service) savePublished(ctx context.Context, v view, p plan) (Saved, error) {
	if v.Workflow && !p.collection.Publish {
		return Saved{}, fault.New(fault.Forbidden, "Entries of %s are not published here: its collection says publish: false. Save it as a draft.", p.collection.Label)
	}
	w := write{plan: p, rev: v.site.Commit, shelves: []shelf{s.siteShelf(v)}}
	saved, err := s.commit(ctx, v, w)
	if err != nil {
		return Saved{}, err
	}
	return saved, s.note(ctx, v.caller, p, saved, w.shelves...)
}

func (s *Service) siteShelf(v view) shelf {
	if s.Versions == nil {
		return ""
	}
	return s.Versions.branch(v.site.Branch)
}

// write is one commit to make.
type write struct {
	plan
	draft   *draft  // that it goes to; nil: the site's branch, or a new draft
	branch  string  // short name; empty: the site's
	rev     git.ID  // what it is written on, as of now
	fork    git.ID  // of a draft's branch that is there: where it left the site's
	adopt   bool    // the branch is there, but no change request speaks of it
	shelves []shelf // where the caller's versions are, the first that knows counts
}

func (w write) toDraft() bool { return w.branch != "" }

// commit builds the changes, has them checked and makes the commit.
func (s *Service) commit(ctx context.Context, v view, w write) (Saved, error) {
	exists, err := s.exists(ctx, w.plan, v.site.Commit, w.rev)
	if err != nil {
		return Saved{}, err
	}
	if !exists && w.collection.IsFolder() && !w.collection.Create {
		return Saved{}, fault.New(fault.Forbidden, "The collection %s takes no new entries; its config says so (create: false).", w.collection.Label)
	}
	if err := s.mayEdit(ctx, v.caller, w, exists); err != nil {
		return Saved{}, err
	}
	set, err := s.planned(ctx, v, w.plan, w.rev, func(f DataFile) (*git.ID, error) { return s.base(ctx, v, w, f) })
	if err != nil {
		return Saved{}, err
	}
	if w.draft != nil {
		if err := s.dropRemoved(ctx, v, w, set); err != nil {
			return Saved{}, err
		}
	}
	save := mirror.Save{
		Branch: w.branch, Author: s.author(v.caller), Changes: set.list, Message: w.message(v, exists),
		Check: func(ctx context.Context, m mirror.Move) error {
			return s.checkSave(ctx, v.caller, w, set, m.Changes, exists)
		},
	}
	if w.draft == nil {
		save.Start = v.site.Commit
	}
	saved, err := s.Repo.Save(ctx, save)
	if w.draft != nil && fault.Is(err, fault.NotFound) {
		return Saved{}, fault.Wrap(fault.Conflict, err, "The draft of “%s” was published or deleted while you were writing. Keep a copy of your text, load the page again, and put your changes in there.", w.slug)
	}
	if err != nil {
		return Saved{}, s.conflicted(ctx, v.caller, w.shelves, err)
	}
	out := Saved{Commit: saved.Commit, Bases: map[string]git.ID{}}
	for _, f := range w.Files {
		out.Bases[f.target()] = s.Repo.Git.BlobID(f.Data)
	}
	return out, nil
}

func (w write) message(v view, exists bool) string {
	if w.Message != "" {
		return w.Message
	}
	key := msgUpdate
	if !exists {
		key = msgCreate
	}
	return v.message(key, messageFields{Collection: w.collection, Slug: w.slug, Path: w.Files[0].Path, Caller: v.caller})
}

// exists reports whether any file of the entry is there already.
func (s *Service) exists(ctx context.Context, p plan, revs ...git.ID) (bool, error) {
	var paths []string
	for _, f := range p.Files {
		at, _ := p.collection.Place(f.Path)
		paths = append(append(paths, f.Path), p.collection.EntryPaths(at.Slug)...)
	}
	for _, rev := range revs {
		found, err := s.Repo.Git.StatAll(ctx, rev, paths)
		if err != nil {
			return false, err
		}
		for _, e := range found {
			if isContent(e) {
				return true, nil
			}
		}
	}
	return false, nil
}

// mayEdit asks whether the caller may make or change the entry, and without a
// draft whether they may publish.
func (s *Service) mayEdit(ctx context.Context, c Caller, w write, exists bool) error {
	a := Ask{Action: Edit, Collection: w.Collection, Slug: w.slug, Draft: w.toDraft()}
	if !exists {
		a.Action = Create
	}
	if w.draft != nil {
		a.DraftAuthor = w.draft.request.Author
	}
	if err := c.ask(ctx, a); err != nil || w.toDraft() {
		return err
	}
	a.Action = Publish
	return c.ask(ctx, a)
}

// checkSave goes by the real difference: nothing but what was planned, and
// what the caller may do in the collection.
func (s *Service) checkSave(ctx context.Context, c Caller, w write, set *changeSet, changes []git.Change, exists bool) error {
	for _, change := range changes {
		if !set.has(change.Path) || !editable(change) {
			return forbidden(change.Path, "%s would be changed by this save, though it is no part of it. Nothing was saved.", change.Path)
		}
		if _, held := w.collection.Place(change.Path); held && change.Old != "" {
			exists = true
		}
	}
	return s.mayEdit(ctx, c, w, exists)
}

// base is the version of a file that the caller had: what the client says, else
// what it was served, else what the site was when it came. Nil: unknown.
func (s *Service) base(ctx context.Context, v view, w write, f DataFile) (*git.ID, error) {
	had := f.Base
	if had == nil {
		var err error
		if had, err = s.remembered(ctx, v, w, f); err != nil {
			return nil, err
		}
	}
	if !w.adopt || had == nil {
		return had, nil
	}
	// The branch is what a crash left of a save that was never answered: its
	// content is the caller's own, or nobody has seen it.
	found, err := s.Repo.Git.StatAll(ctx, w.fork, []string{f.Path})
	if err != nil || found[f.Path].ID != *had {
		return had, err
	}
	return nil, nil //nolint:nilnil // no base is an answer
}

func (s *Service) remembered(ctx context.Context, v view, w write, f DataFile) (*git.ID, error) {
	if w.New {
		found, err := s.Repo.Git.StatAll(ctx, w.rev, []string{f.Path})
		if err != nil || !isContent(found[f.Path]) {
			return new(git.ID), err
		}
	}
	if s.remembers(v.caller) {
		for _, at := range w.shelves {
			if id, found, err := s.Versions.base(ctx, v.caller.Reader, at, f.Path); err != nil || found {
				return &id, err
			}
		}
	}
	if w.New {
		return new(git.ID), nil
	}
	if !s.remembers(v.caller) {
		return nil, nil //nolint:nilnil // no base is an answer
	}
	commit, found, err := s.Versions.Store.Seen(ctx, v.caller.Reader, s.Versions.Site)
	if err != nil || !found {
		return nil, err
	}
	then, err := s.Repo.Git.StatAll(ctx, git.ID(commit), []string{f.Path})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	id := then[f.Path].ID
	return &id, nil
}

// conflicted lets the caller go on after opening the files again.
func (s *Service) conflicted(ctx context.Context, c Caller, shelves []shelf, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Conflict {
		return err
	}
	for _, at := range shelves {
		if noted := s.reopen(ctx, c, at, f.Paths); noted != nil {
			return errors.Join(err, noted)
		}
	}
	return err
}

// reopen lets the caller's next opening of the paths count.
func (s *Service) reopen(ctx context.Context, c Caller, at shelf, paths []string) error {
	if !s.remembers(c) {
		return nil
	}
	for _, p := range paths {
		if err := s.Versions.reopen(ctx, c.Reader, at, p); err != nil {
			return err
		}
	}
	return nil
}

// note records what the caller holds after a save: what they sent.
func (s *Service) note(ctx context.Context, c Caller, p plan, saved Saved, shelves ...shelf) error {
	if !s.remembers(c) {
		return nil
	}
	for _, at := range shelves {
		for path, id := range saved.Bases {
			if err := s.Versions.saved(ctx, c.Reader, at, path, id); err != nil {
				return err
			}
		}
		for _, f := range p.Files {
			if f.NewPath == "" {
				continue
			}
			if err := s.Versions.reopen(ctx, c.Reader, at, f.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// statusOf is the status of a new draft.
func statusOf(s host.Status) host.Status {
	if s.Valid() {
		return s
	}
	return host.Draft
}
