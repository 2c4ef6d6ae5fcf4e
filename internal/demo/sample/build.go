package sample

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/local"
)

// Branch is the only branch of a sample site, beside its drafts.
const Branch = "main"

// Options say how to build a sample site.
type Options struct {
	Now     time.Time // the day that the history counts back from
	Entries int       // so many generated posts come on top
}

// Build makes the bare repository dir out of site: history.yml, tree/ and
// drafts/. It is built beside dir and renamed when it is whole, so that an
// interrupted start leaves nothing that looks finished.
func Build(ctx context.Context, dir string, site fs.FS, o Options) error {
	h, err := readHistory(site)
	if err != nil {
		return err
	}
	half := filepath.Join(filepath.Dir(dir), ".making-"+filepath.Base(dir))
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	b := &builder{history: h, site: site, now: o.Now, entries: o.Entries, files: map[string]string{}, placed: map[string]string{}}
	if err := b.build(ctx, half); err != nil {
		_ = os.RemoveAll(half) // the error that counts is the first one
		return err
	}
	return os.Rename(half, dir)
}

type builder struct {
	*history
	site    fs.FS
	now     time.Time
	entries int
	files   map[string]string // repository path → text on the site's branch
	placed  map[string]string // file of tree/ → repository path
	trunk   []point
}

// point is a commit of the site's branch.
type point struct {
	mark int
	when time.Time
}

func (b *builder) build(ctx context.Context, dir string) error {
	repo, err := git.Init(ctx, dir, Branch)
	if err != nil {
		return err
	}
	defer func() { _ = repo.Close() }() // nothing of it is held
	if err := fastImport(ctx, dir, b.write); err != nil {
		return err
	}
	return b.open(ctx, repo)
}

func (b *builder) write(s *stream) error {
	for i, c := range b.Commits {
		if err := b.step(s, c, moment(b.now, c.Ago, i)); err != nil {
			return err
		}
		if i == 0 {
			b.archive(s, b.trunk[0].when)
		}
	}
	for i, d := range b.Drafts {
		if err := b.draft(s, d, moment(b.now, d.Ago, i)); err != nil {
			return err
		}
	}
	return nil
}

// step writes one commit of the site's branch.
func (b *builder) step(s *stream, c step, when time.Time) error {
	var touched []string
	for _, name := range c.Add {
		data, err := fs.ReadFile(b.site, path.Join("tree", name))
		if err != nil {
			return err
		}
		at := b.place(name, when)
		b.placed[name] = at
		b.files[at] = string(data)
		if !strings.HasPrefix(name, "static/") {
			b.files[at] = fill(string(data), when, b.now)
		}
		touched = append(touched, at)
	}
	for _, ch := range c.Change {
		at := b.placed[ch.Path]
		if strings.Count(b.files[at], ch.From) != 1 {
			return fmt.Errorf("history.yml: %q does not occur exactly once in %s", ch.From, ch.Path)
		}
		b.files[at] = strings.Replace(b.files[at], ch.From, ch.To, 1)
		if !slices.Contains(touched, at) {
			touched = append(touched, at)
		}
	}
	who, err := b.signature(c.By, when)
	if err != nil {
		return err
	}
	b.extend(s, who, b.message(c), touched)
	return nil
}

// message names entries by the slug under which they are stored.
func (b *builder) message(c step) string {
	for name, at := range b.placed {
		if short, long := slugOf(name), slugOf(at); short != long {
			c.Message = strings.ReplaceAll(c.Message, "“"+short+"”", "“"+long+"”")
		}
	}
	return c.Message
}

// extend commits files, as they are now, on top of the site's branch.
func (b *builder) extend(s *stream, who git.Signature, message string, paths []string) {
	parent := 0
	if n := len(b.trunk); n > 0 {
		parent = b.trunk[n-1].mark
	}
	mark := s.commit(Branch, who, message, parent)
	for _, p := range paths {
		s.file(p, b.files[p])
	}
	b.trunk = append(b.trunk, point{mark, who.When})
}

// draft writes a draft's branch, on top of what the site was at that time.
func (b *builder) draft(s *stream, d draft, when time.Time) error {
	data, err := fs.ReadFile(b.site, path.Join("drafts", d.File))
	if err != nil {
		return err
	}
	who, err := b.signature(d.By, when)
	if err != nil {
		return err
	}
	from := b.trunk[0]
	for _, p := range b.trunk {
		if !p.when.After(when) {
			from = p
		}
	}
	at, slug := b.draftPlace(d, when)
	s.commit("cms/"+d.Collection+"/"+slug, who, strings.ReplaceAll(d.Message, "“"+d.Slug+"”", "“"+slug+"”"), from.mark)
	s.file(at, fill(string(data), when, b.now))
	return nil
}

// draftPlace is a draft's path in the repository and its slug.
func (b *builder) draftPlace(d draft, when time.Time) (at, slug string) {
	at = b.place(d.Path, when)
	if at == d.Path {
		return at, d.Slug
	}
	return at, slugOf(at)
}

// open gives each draft its change request, oldest first.
func (b *builder) open(ctx context.Context, repo *git.Repo) error {
	type dated struct {
		draft
		when time.Time
	}
	var drafts []dated
	for i, d := range b.Drafts {
		drafts = append(drafts, dated{d, moment(b.now, d.Ago, i)})
	}
	slices.SortStableFunc(drafts, func(x, y dated) int { return x.when.Compare(y.when) })
	for _, d := range drafts {
		_, slug := b.draftPlace(d.draft, d.when)
		author := b.People[d.By]
		h := &local.Host{Git: repo, Name: "sample", Now: func() time.Time { return d.when }}
		_, err := h.Open(ctx, host.NewChangeRequest{
			Title: strings.ReplaceAll(d.Message, "“"+d.Slug+"”", "“"+slug+"”"), Body: b.Body,
			Head: "cms/" + d.Collection + "/" + slug, Base: Branch,
			Status: d.Status, LabelPrefix: b.Labels, Author: host.Person{Name: author.Name, Email: author.Email},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func slugOf(p string) string {
	base := path.Base(p)
	return strings.TrimSuffix(base, path.Ext(base))
}
