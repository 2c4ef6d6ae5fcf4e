package cms

import (
	"context"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/mirror"
)

// deletion is a path that goes, if it is still what it was.
func deletion(p string, had git.ID) mirror.Change {
	return mirror.Change{Path: p, Delete: true, Base: &had}
}

// Media lists the files directly in a media folder; an empty folder is the
// site's own.
func (s *Service) Media(ctx context.Context, c Caller, folder string) ([]MediaFile, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return nil, err
	}
	if folder == "" {
		folder = v.MediaFolder
	}
	folder = strings.Trim(path.Clean("/"+folder), "/")
	files, err := s.Repo.Git.Tree(ctx, v.site.Commit, folder, 1)
	if err != nil {
		return nil, err
	}
	out := []MediaFile{}
	var ids []git.ID
	for _, f := range files {
		if isContent(f) && (v.isMedia(f.Path) || isPicture(f.Path)) {
			out = append(out, MediaFile{Path: f.Path, ID: f.ID})
			ids = append(ids, f.ID)
		}
	}
	if len(ids) == 0 {
		return out, nil
	}
	sizes, err := s.Repo.Git.Sizes(ctx, ids)
	for i := range out {
		out[i].Size = sizes[out[i].ID]
	}
	return out, err
}

// MediaFile finds one media file: on the site's branch, else in an open draft.
func (s *Service) MediaFile(ctx context.Context, c Caller, p string) (MediaFile, error) {
	p = cleanPath(p)
	v, err := s.view(ctx, c)
	if err != nil {
		return MediaFile{}, err
	}
	if !v.readable(p) {
		return MediaFile{}, v.unreadable(p)
	}
	commits := []git.ID{v.site.Commit}
	drafts, err := s.drafts(ctx, v)
	if err != nil {
		return MediaFile{}, err
	}
	for _, d := range drafts {
		commits = append(commits, d.head)
	}
	for _, commit := range commits {
		found, err := s.Repo.Git.StatAll(ctx, commit, []string{p})
		if err != nil {
			return MediaFile{}, err
		}
		if e := found[p]; isContent(e) {
			sizes, err := s.Repo.Git.Sizes(ctx, []git.ID{e.ID})
			return MediaFile{Path: p, ID: e.ID, Size: sizes[e.ID]}, err
		}
	}
	return MediaFile{}, fault.New(fault.NotFound, "There is no file %s, neither published nor in a draft.", p)
}

// SaveMedia puts one file into the media library, straight on the site's
// branch. One of the same name is replaced; the client has asked about that.
func (s *Service) SaveMedia(ctx context.Context, c Caller, a Asset, message string) (MediaFile, error) {
	a.Path = cleanPath(a.Path)
	v, err := s.view(ctx, c)
	if err != nil {
		return MediaFile{}, err
	}
	if err := git.CheckPath(a.Path); err != nil {
		return MediaFile{}, err
	}
	if !v.isMedia(a.Path) || v.isConfig(a.Path) {
		return MediaFile{}, forbidden(a.Path, "%s is in no media folder of the site, so it was not saved.", a.Path)
	}
	if message == "" {
		message = v.message(msgUpload, messageFields{Path: a.Path, Caller: c})
	}
	err = s.writeSite(ctx, v, message, []mirror.Change{{Path: a.Path, Data: notNil(a.Data)}}, []Ask{{Action: Media}})
	if err != nil {
		return MediaFile{}, err
	}
	return MediaFile{Path: a.Path, ID: s.Repo.Git.BlobID(a.Data), Size: int64(len(a.Data))}, nil
}

// writeSite commits to the site's branch what the asks permit, and nothing else.
func (s *Service) writeSite(ctx context.Context, v view, message string, changes []mirror.Change, asks []Ask) error {
	permit := func(ctx context.Context) error {
		for _, a := range asks {
			if err := v.caller.ask(ctx, a); err != nil {
				return err
			}
		}
		return nil
	}
	if err := permit(ctx); err != nil {
		return err
	}
	_, err := s.Repo.Save(ctx, mirror.Save{
		Author: s.author(v.caller), Message: message, Changes: changes,
		Check: func(ctx context.Context, m mirror.Move) error {
			for _, change := range m.Changes {
				planned := slices.ContainsFunc(changes, func(c mirror.Change) bool { return c.Path == change.Path })
				if !planned || !editable(change) {
					return forbidden(change.Path, "%s would be changed too, though it is no part of this. Nothing was saved.", change.Path)
				}
			}
			return permit(ctx)
		},
	})
	return err
}

// Delete deletes entries and media from the site's branch, in one commit. Paths
// that are gone already are passed over; NotFound when that is all of them.
func (s *Service) Delete(ctx context.Context, c Caller, paths []string, message string) error {
	v, err := s.view(ctx, c)
	if err != nil {
		return err
	}
	clean := make([]string, len(paths))
	for i, p := range paths {
		clean[i] = cleanPath(p)
	}
	slices.Sort(clean)
	clean = slices.Compact(clean)
	asks := map[Ask]bool{}
	for _, p := range clean {
		if err := v.mayDelete(p, asks); err != nil {
			return err
		}
	}
	changes, err := s.deletions(ctx, v, clean)
	if err != nil {
		return err
	}
	if message == "" {
		message = v.deleteMessage(changes[0].Path)
	}
	err = s.writeSite(ctx, v, message, changes, slices.Collect(maps.Keys(asks)))
	if err != nil {
		return s.conflicted(ctx, c, []shelf{s.siteShelf(v)}, err)
	}
	return s.noteDeleted(ctx, v, changes)
}

// noteDeleted notes that the caller holds nothing of the paths any more: an
// entry that is unpublished is deleted, and saved as a draft right after.
func (s *Service) noteDeleted(ctx context.Context, v view, changes []mirror.Change) error {
	if !s.remembers(v.caller) {
		return nil
	}
	for _, change := range changes {
		if err := s.Versions.saved(ctx, v.caller.Reader, s.siteShelf(v), change.Path, ""); err != nil {
			return err
		}
		if err := s.Versions.reopen(ctx, v.caller.Reader, s.siteShelf(v), change.Path); err != nil {
			return err
		}
	}
	return nil
}

// mayDelete finds out what right a deletion needs; a path that no collection
// and no media folder has is refused.
func (v view) mayDelete(p string, asks map[Ask]bool) error {
	if err := git.CheckPath(p); err != nil {
		return err
	}
	places := v.places(p)
	switch {
	case v.isConfig(p) || len(places) == 0 && !v.isMedia(p):
		return forbidden(p, "%s belongs to no collection and to no media folder, so it was not deleted.", p)
	case len(places) == 0:
		asks[Ask{Action: Media}] = true
	}
	for _, at := range places {
		if !at.Collection.Delete {
			return forbidden(p, "Entries of %s are not deleted here; its collection says so (delete: false).", at.Collection.Label)
		}
		asks[Ask{Action: Delete, Collection: at.Collection.Name, Slug: at.Slug}] = true
	}
	return nil
}

// deletions are the paths that are there. An entry that changed since the caller
// opened it is not deleted.
func (s *Service) deletions(ctx context.Context, v view, paths []string) ([]mirror.Change, error) {
	found, err := s.Repo.Git.StatAll(ctx, v.site.Commit, paths)
	if err != nil {
		return nil, err
	}
	var out []mirror.Change
	for _, p := range paths {
		e := found[p]
		if !isContent(e) {
			continue
		}
		had := e.ID
		if _, entry := v.Owner(p); entry && s.remembers(v.caller) {
			served, known, err := s.Versions.base(ctx, v.caller.Reader, s.siteShelf(v), p)
			if err != nil {
				return nil, err
			}
			if known {
				had = served
			}
		}
		out = append(out, deletion(p, had))
	}
	if len(out) == 0 {
		return nil, fault.New(fault.NotFound, "There is no file %s any more.", strings.Join(paths, ", "))
	}
	return out, nil
}

func (v view) deleteMessage(p string) string {
	if at, ok := v.Owner(p); ok {
		return v.message(msgDelete, messageFields{Collection: at.Collection, Slug: at.Slug, Path: p, Caller: v.caller})
	}
	return v.message(msgDeleteMedia, messageFields{Path: p, Caller: v.caller})
}

// reach is which blobs may be handed out by their id: the content of the site's
// branch and of all drafts' branches, at one moment.
type reach struct {
	at    string // the commits it was gathered from
	until time.Time
	ids   map[git.ID]struct{}
}

// reachFor is how long what was gathered is believed without looking again.
const reachFor = 5 * time.Second

// Blob opens a file by its id, if the id is content of the site's branch or of
// an open draft; NotFound otherwise. The reader must be closed.
func (s *Service) Blob(ctx context.Context, c Caller, id git.ID) (io.ReadCloser, int64, error) {
	s.state.mu.Lock()
	_, known := s.state.reach.ids[id]
	fresh := s.now().Before(s.state.reach.until)
	s.state.mu.Unlock()
	if !known || !fresh {
		now, err := s.gather(ctx, c)
		if err != nil {
			return nil, 0, err
		}
		if _, known = now.ids[id]; !known {
			return nil, 0, fault.New(fault.NotFound, "There is no such file, or not any more.")
		}
	}
	return s.Repo.Git.OpenBlob(ctx, id)
}

// gather finds all blobs that may be handed out; nothing is read again when no
// branch has moved.
func (s *Service) gather(ctx context.Context, c Caller) (reach, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return reach{}, err
	}
	drafts, err := s.drafts(ctx, v)
	if err != nil {
		return reach{}, err
	}
	at := string(v.site.Commit)
	for _, d := range drafts {
		at += " " + string(d.head)
	}
	s.state.mu.Lock()
	now := s.state.reach
	s.state.mu.Unlock()
	if now.at != at {
		if now.ids, err = s.reachable(ctx, v, drafts); err != nil {
			return reach{}, err
		}
	}
	now.at, now.until = at, s.now().Add(reachFor)
	s.state.mu.Lock()
	s.state.reach = now
	s.state.mu.Unlock()
	return now, nil
}

func (s *Service) reachable(ctx context.Context, v view, drafts []draft) (map[git.ID]struct{}, error) {
	ids := map[git.ID]struct{}{}
	files, err := s.Repo.Git.Tree(ctx, v.site.Commit, "", 0)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if isContent(f) && v.readable(f.Path) {
			ids[f.ID] = struct{}{}
		}
	}
	for _, d := range drafts {
		changes, err := s.changes(ctx, v, d)
		if err != nil && !fault.Is(err, fault.TooLarge) { // that one is not shown anywhere
			return nil, err
		}
		for _, c := range changes {
			if c.New != "" && v.readable(c.Path) {
				ids[c.New] = struct{}{}
			}
		}
	}
	return ids, nil
}
