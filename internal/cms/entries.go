package cms

import (
	"context"
	"iter"
	"path"
	"slices"
	"strings"

	"gatehouse/internal/git"
)

// Entries lists the files of a folder with an extension, down to a depth
// (1: directly in it), with the author and date of their last change.
func (s *Service) Entries(ctx context.Context, c Caller, folder, ext string, depth int) (Entries, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := s.list(ctx, v, folder, ext, depth)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, v, all), nil
}

// Page is a part of Entries, by path. A number outside the listing is brought
// into it; a size below 1 is 20.
func (s *Service) Page(ctx context.Context, c Caller, folder, ext string, depth, number, size int) (Page, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return Page{}, err
	}
	all, err := s.list(ctx, v, folder, ext, depth)
	if err != nil {
		return Page{}, err
	}
	if size < 1 {
		size = 20
	}
	p := Page{Count: len(all), Pages: max(1, (len(all)+size-1)/size)}
	p.Number = min(max(1, number), p.Pages)
	first := (p.Number - 1) * size
	p.Entries = s.read(ctx, v, all[first:min(first+size, len(all))])
	return p, nil
}

// list finds the entries of a folder, without their content.
func (s *Service) list(ctx context.Context, v view, folder, ext string, depth int) ([]Entry, error) {
	folder = strings.Trim(path.Clean("/"+folder), "/")
	ext = strings.TrimPrefix(ext, ".")
	files, err := s.Repo.Git.Tree(ctx, v.site.Commit, folder, max(1, depth))
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, f := range files {
		_, held := v.Owner(f.Path)
		if held && isContent(f) && (ext == "" || strings.HasSuffix(f.Path, "."+ext)) {
			all = append(all, Entry{Path: f.Path, ID: f.ID})
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// Files reads the files named by their paths and keeps their labels. One that
// does not exist has an empty ID.
func (s *Service) Files(ctx context.Context, c Caller, files []Entry) (Entries, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.files(ctx, v, files)
}

// Entry reads one file to be edited: the version answered is the one that the
// caller's next save of it counts from. An absent file has an empty ID.
func (s *Service) Entry(ctx context.Context, c Caller, path string) (Entry, error) {
	v, err := s.view(ctx, c)
	if err != nil {
		return Entry{}, err
	}
	all, err := s.files(ctx, v, []Entry{{Path: path}})
	if err != nil {
		return Entry{}, err
	}
	var e Entry
	for e, err = range all {
		break // there is one
	}
	if err == nil && s.remembers(c) {
		err = s.Versions.served(ctx, c.Reader, s.Versions.branch(v.site.Branch), e.Path, e.ID)
	}
	return e, err
}

func (s *Service) files(ctx context.Context, v view, files []Entry) (Entries, error) {
	out := make([]Entry, len(files))
	paths := make([]string, len(files))
	for i, f := range files {
		out[i] = Entry{Path: cleanPath(f.Path), Label: f.Label}
		paths[i] = out[i].Path
		if !v.readable(paths[i]) {
			return nil, v.unreadable(paths[i])
		}
	}
	found, err := s.Repo.Git.StatAll(ctx, v.site.Commit, paths)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if e := found[out[i].Path]; isContent(e) {
			out[i].ID = e.ID
		}
	}
	return s.read(ctx, v, out), nil
}

// read adds content, author and date. What is known of the last changes is
// gathered while the first contents are read.
func (s *Service) read(ctx context.Context, v view, entries []Entry) Entries {
	return func(yield func(Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		found := make(chan map[string]git.Commit, 1)
		go func() { found <- s.lastChanges(ctx, v, entries) }()
		next, stop := iter.Pull2(s.Repo.Git.Blobs(ctx, contents(entries)))
		defer stop()
		var b git.Blob
		var last map[string]git.Commit
		for _, e := range entries {
			if e.ID != "" && e.ID != b.ID {
				var err error
				if b, err, _ = next(); err != nil {
					yield(Entry{}, err)
					return
				}
			}
			if last == nil {
				last = <-found
			}
			if e.ID != "" {
				e.Data = b.Data
			}
			if c, ok := last[e.Path]; ok {
				e.Author, e.Updated = c.Author.Name, c.Author.When
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// contents are the blobs of entries in order; entries beside each other that
// have the same one share it.
func contents(entries []Entry) []git.ID {
	var ids []git.ID
	for _, e := range entries {
		if e.ID != "" && (len(ids) == 0 || ids[len(ids)-1] != e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// lastChanges are the commits that changed entries last, by path, never nil. A
// history that git cannot walk does not hide the content: then they are unknown.
func (s *Service) lastChanges(ctx context.Context, v view, entries []Entry) map[string]git.Commit {
	var paths []string
	for _, e := range entries {
		if e.ID != "" {
			paths = append(paths, e.Path)
		}
	}
	if len(paths) == 0 {
		return map[string]git.Commit{}
	}
	last, err := s.Repo.Git.LastCommits(ctx, v.site.Commit, paths)
	if err != nil {
		return map[string]git.Commit{}
	}
	return last
}

// cleanPath is a path as the repository has it: clients put a slash in front.
func cleanPath(p string) string { return strings.TrimPrefix(p, "/") }

// readable reports whether a path is content: a collection's, or a media file.
func (v view) readable(p string) bool {
	_, held := v.Owner(p)
	return held || v.isMedia(p) || isPicture(p)
}

func (v view) unreadable(p string) error {
	return forbidden(p, "%s is not part of the site's content: no collection in %s has it, and it is in no media folder.", p, v.file)
}

// isPicture reports whether a file may be shown in a page wherever it is, since
// entries name pictures outside of the media folders too.
func isPicture(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg", ".ico", ".bmp", ".tif", ".tiff",
		".mp3", ".ogg", ".wav", ".flac", ".m4a", ".mp4", ".webm", ".mov", ".ogv",
		".woff", ".woff2", ".ttf", ".otf", ".pdf":
		return true
	}
	return false
}
