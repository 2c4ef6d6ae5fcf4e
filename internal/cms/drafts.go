package cms

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// draft is a draft as found: its change request and where its branch is.
type draft struct {
	request          host.ChangeRequest
	collection, slug string
	head             git.ID
}

// drafts finds the open drafts, newest first. A change request whose branch is
// gone is none; of two for the same entry the newer counts.
func (s *Service) drafts(ctx context.Context, v view) ([]draft, error) {
	requests, err := s.Repo.Host.ChangeRequests(ctx, host.Query{State: host.Open, Base: v.site.Branch})
	if err != nil {
		return nil, err
	}
	heads, err := s.draftHeads(ctx)
	if err != nil {
		return nil, err
	}
	var out []draft
	seen := map[string]bool{}
	for _, r := range requests {
		collection, slug, _ := draftKey(r.Head)
		key := collection + "/" + slug
		head := heads[r.Head]
		if !v.isDraft(r) || head == "" || seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, draft{request: r, collection: collection, slug: slug, head: head})
	}
	return out, nil
}

// draftHeads are the branches below cms/, by short name.
func (s *Service) draftHeads(ctx context.Context) (map[string]git.ID, error) {
	refs, err := s.Repo.Git.Refs(ctx, "refs/heads/"+draftPrefix)
	if err != nil {
		return nil, err
	}
	out := make(map[string]git.ID, len(refs))
	for _, r := range refs {
		out[strings.TrimPrefix(r.Name, "refs/heads/")] = r.ID
	}
	return out, nil
}

// draft finds one draft; NotFound when the entry is not under the workflow.
func (s *Service) draft(ctx context.Context, v view, collection, slug string) (draft, error) {
	all, err := s.drafts(ctx, v)
	if err != nil {
		return draft{}, err
	}
	for _, d := range all {
		raw := strings.TrimPrefix(d.request.Head, draftPrefix+collection+"/")
		if d.collection == collection && (d.slug == slug || raw == slug) {
			return d, nil
		}
	}
	return draft{}, fault.New(fault.NotFound, "There is no draft of “%s” in %s. It may have been published or deleted meanwhile; load the page again.", slug, collection)
}

// Drafts lists all drafts with their texts, newest first, each read as it is
// asked for. They end with the first error. One that changes more files than can
// be listed has none.
func (s *Service) Drafts(ctx context.Context, c Caller) (iter.Seq2[Draft, error], error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := s.drafts(ctx, v)
	if err != nil {
		return nil, err
	}
	return func(yield func(Draft, error) bool) {
		for _, d := range all {
			out, err := s.describe(ctx, v, d, true)
			if fault.Is(err, fault.TooLarge) {
				out, err = d.summary(), nil
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}, nil
}

// DraftKeys names all drafts, newest first: see SplitKey.
func (s *Service) DraftKeys(ctx context.Context, c Caller) ([]string, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := s.drafts(ctx, v)
	keys := make([]string, len(all))
	for i, d := range all {
		keys[i] = d.collection + "/" + d.slug
	}
	return keys, err
}

// Draft is one draft with what it changes. NotFound: the entry is not under the
// editorial workflow.
func (s *Service) Draft(ctx context.Context, c Caller, collection, slug string) (Draft, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return Draft{}, err
	}
	d, err := s.draft(ctx, v, collection, slug)
	if err != nil {
		return Draft{}, err
	}
	return s.describe(ctx, v, d, false)
}

// maxTexts bounds the texts that are read with one draft, in bytes.
const maxTexts = 4 << 20

// summary is a draft without what it changes.
func (d draft) summary() Draft {
	return Draft{
		Collection: d.collection, Slug: d.slug, Status: d.request.Status, Author: d.request.Author,
		Updated: d.request.Updated, Commit: d.head, Number: d.request.Number,
	}
}

func (s *Service) describe(ctx context.Context, v view, d draft, texts bool) (Draft, error) {
	out, room := d.summary(), int64(maxTexts)
	changes, err := s.changes(ctx, v, d)
	if err != nil {
		return Draft{}, err
	}
	for _, c := range current(changes) {
		if !v.readable(c.Path) {
			continue // moved along with an entry; clients would ask for it, and send it back as media
		}
		diff := Diff{Path: c.Path, ID: c.New, Base: c.New, New: c.Old == ""}
		if c.New == "" {
			diff.ID, diff.Removed = c.Old, true
		}
		if diff.Binary, err = s.binary(ctx, v, c.Path, diff.ID); err != nil {
			return Draft{}, err
		}
		if texts && !diff.Binary && !diff.Removed {
			if diff.Data, err = s.short(ctx, diff.ID, room); err != nil {
				return Draft{}, err
			}
			room -= int64(len(diff.Data))
		}
		out.Diffs = append(out.Diffs, diff)
	}
	return out, nil
}

// short reads a text, unless it is longer than room.
func (s *Service) short(ctx context.Context, id git.ID, room int64) ([]byte, error) {
	sizes, err := s.Repo.Git.Sizes(ctx, []git.ID{id})
	if err != nil || sizes[id] > room {
		return nil, err
	}
	return s.Repo.Git.Blob(ctx, id)
}

// changes are what a draft changes, counted from where it left the site's
// branch: what others have published since is not the draft's doing.
func (s *Service) changes(ctx context.Context, v view, d draft) ([]git.Change, error) {
	fork, err := s.Repo.Git.MergeBase(ctx, v.site.Commit, d.head)
	if err != nil {
		return nil, err
	}
	changes, err := s.Repo.Git.Diff(ctx, fork, d.head)
	return slices.DeleteFunc(changes, func(c git.Change) bool { return !editable(c) }), err
}

// editable reports whether both sides of a change are files or nothing.
func editable(c git.Change) bool {
	file := func(id git.ID, m git.Mode) bool {
		return id == "" || m == git.ModeFile || m == git.ModeExecutable
	}
	return file(c.Old, c.OldMode) && file(c.New, c.NewMode)
}

// current leaves out what a draft takes away, unless that is all it does. The
// CMS takes the shortest path for the entry, and would show the old text of an
// entry that was renamed.
func current(changes []git.Change) []git.Change {
	kept := slices.DeleteFunc(slices.Clone(changes), func(c git.Change) bool { return c.New == "" })
	if len(kept) == 0 {
		return changes
	}
	return kept
}

// binary reports whether a file of a draft is media for the CMS rather than
// text: an .svg always is, an entry never.
func (s *Service) binary(ctx context.Context, v view, p string, id git.ID) (bool, error) {
	if _, entry := v.Owner(p); entry {
		return false, nil
	}
	if isPicture(p) {
		return true, nil
	}
	switch strings.ToLower(path.Ext(p)) {
	case ".md", ".markdown", ".html", ".yml", ".yaml", ".toml", ".json", ".txt", ".css", ".js", ".csv":
		return false, nil
	}
	r, _, err := s.Repo.Git.OpenBlob(ctx, id)
	if err != nil {
		return false, err
	}
	start := make([]byte, 8000)
	n, err := io.ReadFull(r, start)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return bytes.IndexByte(start[:n], 0) >= 0, errors.Join(err, r.Close())
}

// DraftFile reads one file as it is on a draft's branch, changed by the draft or
// not, to be edited: see Entry.
func (s *Service) DraftFile(ctx context.Context, c Caller, collection, slug, path string) (Entry, error) {
	path = cleanPath(path)
	v, err := s.view(ctx, c)
	if err != nil {
		return Entry{}, err
	}
	d, err := s.draft(ctx, v, collection, slug)
	if err != nil {
		return Entry{}, err
	}
	if !v.readable(path) {
		return Entry{}, v.unreadable(path)
	}
	e := Entry{Path: path, Updated: d.request.Updated, Author: d.request.Author.Name}
	found, err := s.Repo.Git.StatAll(ctx, d.head, []string{path})
	if err != nil || !isContent(found[path]) {
		return e, err
	}
	e.ID = found[path].ID
	if e.Data, err = s.Repo.Git.Blob(ctx, e.ID); err != nil {
		return Entry{}, err
	}
	if s.remembers(c) {
		err = s.Versions.served(ctx, c.Reader, s.Versions.draft(d.request.Head, d.request.Number), path, e.ID)
	}
	return e, err
}
