package cms

import (
	"context"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/mirror"
)

// SetStatus moves a draft to another step of the workflow.
func (s *Service) SetStatus(ctx context.Context, c Caller, collection, slug string, to host.Status) error {
	if !to.Valid() {
		return fault.New(fault.Invalid, "The status %q is not known; it is draft, pending_review or pending_publish.", to)
	}
	v, d, err := s.find(ctx, c, Submit, collection, slug)
	if err != nil || d.request.Status == to {
		return err
	}
	return s.Repo.Host.SetStatus(ctx, d.request.Number, to, v.keptPrefix(d.request))
}

// keptPrefix is what a draft's next label begins with: the site's prefix, else
// what its present label has.
func (v view) keptPrefix(r host.ChangeRequest) string {
	own, _ := strings.CutSuffix(r.Label, string(r.Status))
	return v.labelPrefix(own)
}

// find is a draft that the caller may do something with.
func (s *Service) find(ctx context.Context, c Caller, a Action, collection, slug string) (view, draft, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return view{}, draft{}, err
	}
	d, err := s.draft(ctx, v, collection, slug)
	if err != nil {
		return view{}, draft{}, err
	}
	return v, d, c.ask(ctx, d.ask(a))
}

// ask is the question whether something may be done with the draft.
func (d draft) ask(a Action) Ask {
	return Ask{Action: a, Collection: d.collection, Slug: d.slug, Draft: true, DraftAuthor: d.request.Author}
}

// Publish merges a draft into the site's branch, as the site's squash_merges
// says, and answers the commit that the branch then points to. Conflict names
// the paths that others changed in the same place.
func (s *Service) Publish(ctx context.Context, c Caller, collection, slug string) (git.ID, error) {
	v, d, err := s.find(ctx, c, Publish, collection, slug)
	if err != nil {
		return "", err
	}
	if x := v.Collection(collection); x != nil && !x.Publish {
		return "", fault.New(fault.Forbidden, "Drafts of %s are not published here: its collection says publish: false. Ask the site's developers to merge it.", x.Label)
	}
	var paths []string
	id, err := s.Repo.Publish(ctx, mirror.PublishRequest{
		Number: d.request.Number, Squash: v.Backend.SquashMerges, Message: publishMessage(d), Author: s.author(c),
		Check: func(ctx context.Context, m mirror.Move) error {
			paths = changedPaths(m.Changes)
			return v.checkPublish(ctx, c, d, m.Changes)
		},
	})
	if err == nil {
		err = s.reopen(ctx, c, s.siteShelf(v), paths)
	}
	return id, err
}

// publishMessage is the merge's message: its title, and where it comes from.
func publishMessage(d draft) string {
	title, _, _ := strings.Cut(strings.TrimSpace(d.request.Title), "\n")
	if title == "" {
		title = "Publish " + d.collection + " “" + d.slug + "”"
	}
	return title + "\n\nMerges the draft " + d.request.Head + "\n"
}

// checkPublish goes by what the merge really changes: all of it must be
// content, and each of its collections must permit it.
func (v view) checkPublish(ctx context.Context, c Caller, d draft, changes []git.Change) error {
	moves := v.moves(changes)
	asked := map[Ask]bool{}
	for _, change := range changes {
		at, held := v.Owner(change.Path)
		content := held || v.isMedia(change.Path) || moves.beside(v, change)
		if !content || !editable(change) || v.isConfig(change.Path) {
			return forbidden(change.Path, "This draft also changes %s, which is not content of the CMS. Ask the site's developers to merge it.", change.Path)
		}
		if held && !at.Collection.Publish {
			return forbidden(change.Path, "This draft also changes %s, and its collection says publish: false. Ask the site's developers to merge it.", change.Path)
		}
		if !held {
			continue
		}
		a := d.ask(Publish)
		a.Collection = at.Collection.Name
		if change.New == "" && !moves.entry(at) {
			a = Ask{Action: Delete, Collection: at.Collection.Name, Slug: at.Slug}
		}
		if asked[a] {
			continue
		}
		asked[a] = true
		if err := c.ask(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// moves tells a file that went elsewhere from one that is gone.
type moves struct {
	added, removed map[*Collection]int
	come, gone     map[git.ID]bool
}

func (v view) moves(changes []git.Change) moves {
	m := moves{added: map[*Collection]int{}, removed: map[*Collection]int{}, come: map[git.ID]bool{}, gone: map[git.ID]bool{}}
	for _, c := range changes {
		at, held := v.Owner(c.Path)
		switch {
		case c.Old == "":
			m.come[c.New] = true
		case c.New == "":
			m.gone[c.Old] = true
		}
		if held && c.Old == "" {
			m.added[at.Collection]++
		}
		if held && c.New == "" {
			m.removed[at.Collection]++
		}
	}
	return m
}

// entry reports whether what goes from a place's collection comes back in it.
func (m moves) entry(at Place) bool { return m.removed[at.Collection] <= m.added[at.Collection] }

// beside reports whether a change belongs to a directory that moved along with
// its entry: a file of a nested collection that kept its content.
func (m moves) beside(v view, c git.Change) bool {
	left, came := c.New == "" && m.come[c.Old], c.Old == "" && m.gone[c.New]
	if !left && !came {
		return false
	}
	for _, x := range v.Collections {
		if _, in := below(x.Folder, c.Path); in && x.Nested != nil {
			return true
		}
	}
	return false
}

func changedPaths(changes []git.Change) []string {
	out := make([]string, len(changes))
	for i, c := range changes {
		out[i] = c.Path
	}
	return out
}

// Discard ends a draft without publishing it. Its branch goes.
func (s *Service) Discard(ctx context.Context, c Caller, collection, slug string) error {
	v, d, err := s.find(ctx, c, Submit, collection, slug)
	if err != nil {
		return err
	}
	var paths []string
	err = s.Repo.Discard(ctx, d.request.Number, func(_ context.Context, m mirror.Move) error {
		paths = changedPaths(m.Changes)
		return nil
	})
	if err != nil {
		return err
	}
	return s.reopen(ctx, c, s.siteShelf(v), paths)
}

// Preview is where a draft can be looked at: what a build system says of its
// commit, else the site's own preview address. Nil: nowhere, or not yet.
func (s *Service) Preview(ctx context.Context, c Caller, collection, slug string) (*Preview, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return nil, err
	}
	d, err := s.draft(ctx, v, collection, slug)
	if err != nil || !v.ShowPreviewLinks {
		return nil, err
	}
	statuses, err := s.Repo.Host.CommitStatuses(ctx, string(d.head))
	if err != nil {
		return nil, err
	}
	p := &Preview{}
	if status, ok := pickStatus(statuses, v.Backend.PreviewContext); ok && status.URL != "" {
		p.URL, p.Ready = status.URL, status.State == "success"
	} else if s.PreviewURL != "" {
		p.URL, p.Ready = previewURL(s.PreviewURL, d), true
	} else {
		return nil, nil //nolint:nilnil // no preview is an answer
	}
	p.Page, err = s.page(ctx, v, d, p.URL)
	return p, err
}

// page is the draft's entry below a preview's address.
func (s *Service) page(ctx context.Context, v view, d draft, base string) (string, error) {
	x := v.Collection(d.collection)
	if x == nil {
		return base, nil
	}
	entry, err := s.entryPath(ctx, v, d, x)
	if err != nil || entry == "" {
		return base, err
	}
	found, err := s.Repo.Git.StatAll(ctx, d.head, []string{entry})
	if err != nil || !isContent(found[entry]) {
		return base, err
	}
	raw, err := s.Repo.Git.Blob(ctx, found[entry].ID)
	return v.previewPage(base, x, d.slug, entry, raw), err
}

// entryPath is the draft's entry: the shortest path that it changes in its
// collection, else where its slug says.
func (s *Service) entryPath(ctx context.Context, v view, d draft, x *Collection) (string, error) {
	changes, err := s.changes(ctx, v, d)
	if err != nil {
		return "", err
	}
	entry := ""
	for _, c := range current(changes) {
		at, ok := x.Place(c.Path)
		preferred := ok && (x.I18n == nil || at.Locale == "" || at.Locale == x.I18n.Default)
		if preferred && c.New != "" && (entry == "" || len(c.Path) < len(entry)) {
			entry = c.Path
		}
	}
	if entry == "" {
		if paths := x.EntryPaths(d.slug); len(paths) > 0 {
			entry = paths[0]
		}
	}
	return entry, nil
}
