package cms

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/mirror"
)

// plan is an entry to save after the path firewall: every path in it belongs to
// the collection, or to the media folders of its entry.
type plan struct {
	SaveEntry
	collection *Collection
	slug       string
}

// byteOrderMark is what old clients leave in the middle of typed text.
const byteOrderMark = "\ufeff"

// plan checks what a client wants to save.
func (v view) plan(e SaveEntry) (plan, error) {
	if len(e.Files) == 0 {
		return plan{}, fault.New(fault.Invalid, "There is no file to save in this entry.")
	}
	p := plan{SaveEntry: e}
	p.Files, p.Assets = slices.Clone(e.Files), slices.Clone(e.Assets)
	if err := v.chooseCollection(&p); err != nil {
		return plan{}, err
	}
	targets := map[string]bool{}
	for i := range p.Files {
		f := &p.Files[i]
		f.Path, f.NewPath = cleanPath(f.Path), cleanPath(f.NewPath)
		if f.NewPath == f.Path {
			f.NewPath = ""
		}
		f.Data = bytes.ReplaceAll(f.Data, []byte(byteOrderMark), nil)
		if err := v.mayWrite(p.collection, f.Path); err != nil {
			return plan{}, err
		}
		if err := v.mayWrite(p.collection, f.target()); err != nil {
			return plan{}, err
		}
		if targets[f.target()] {
			return plan{}, fault.New(fault.Invalid, "Two files of this entry would be saved as %s. Give the translations different paths.", f.target())
		}
		targets[f.target()] = true
	}
	p.slug = strings.Trim(e.Files[0].Slug, "/")
	if p.slug == "" {
		at, _ := p.collection.Place(p.Files[0].Path)
		p.slug = at.Slug
	}
	if err := git.CheckBranch(draftBranch(p.Collection, p.slug, false)); err != nil && p.Workflow {
		return plan{}, fault.Wrap(fault.Invalid, err, "A draft cannot be named %.60q; give the entry a shorter name, of letters, digits and hyphens.", p.slug)
	}
	return p, v.planAssets(&p, targets)
}

func (v view) chooseCollection(p *plan) error {
	if p.Collection == "" {
		at, ok := v.Owner(cleanPath(p.Files[0].Path))
		if !ok {
			return v.unreadable(p.Files[0].Path)
		}
		p.Collection = at.Collection.Name
	}
	p.collection = v.Collection(p.Collection)
	if p.collection == nil {
		return fault.New(fault.Invalid, "There is no collection %q in %s. Load the page again to work with the present one.", p.Collection, v.file)
	}
	return nil
}

// target is where a file will be.
func (f DataFile) target() string {
	if f.NewPath != "" {
		return f.NewPath
	}
	return f.Path
}

// mayWrite refuses a path that is no entry of the collection.
func (v view) mayWrite(x *Collection, p string) error {
	if err := git.CheckPath(p); err != nil {
		return err
	}
	at, ok := x.Place(p)
	if !ok || at.File == nil && v.isConfig(p) {
		return forbidden(p, "%s does not belong to the collection %s, so it was not saved. Its entries are %s.", p, x.Name, x.whereabouts())
	}
	return nil
}

// whereabouts says where a collection's entries are.
func (x *Collection) whereabouts() string {
	if !x.IsFolder() {
		return "the files listed in it"
	}
	return "." + x.Extension + " files in " + strings.TrimPrefix(x.Folder+"/", "/")
}

// isConfig reports whether a path is the config.yml, or a place where one would
// take its place, and no collection lists it.
func (v view) isConfig(p string) bool {
	if !slices.Contains(v.rules, p) {
		return false
	}
	at, ok := v.Owner(p)
	return !ok || at.File == nil
}

func (v view) planAssets(p *plan, targets map[string]bool) error {
	at, _ := p.collection.Place(p.Files[0].Path)
	for i := range p.Assets {
		a := &p.Assets[i]
		a.Path = cleanPath(a.Path)
		if err := git.CheckPath(a.Path); err != nil {
			return err
		}
		of := slices.ContainsFunc(p.Files, func(f DataFile) bool {
			return v.isMediaOf(at, f.Path, a.Path) || v.isMediaOf(at, f.target(), a.Path)
		})
		if !of || v.isConfig(a.Path) {
			return forbidden(a.Path, "%s is in no media folder of the collection %s, so it was not saved.", a.Path, p.Collection)
		}
		if targets[a.Path] {
			return fault.New(fault.Invalid, "%s is in this save twice.", a.Path)
		}
		targets[a.Path] = true
	}
	return nil
}

// changeSet gathers changes, one for each path; a later write wins over a
// deletion, since a file may move to where another one leaves.
type changeSet struct {
	list []mirror.Change
	at   map[string]int
}

func (c *changeSet) has(p string) bool {
	_, ok := c.at[p]
	return ok
}

func (c *changeSet) add(m mirror.Change) {
	i, taken := c.at[m.Path]
	switch {
	case !taken:
		if c.at == nil {
			c.at = map[string]int{}
		}
		c.at[m.Path] = len(c.list)
		c.list = append(c.list, m)
	case c.list[i].Delete && !m.Delete:
		m.Base = c.list[i].Base // it is what leaves, not what comes, that must be as it was
		c.list[i] = m
	case m.Delete && !c.list[i].Delete:
		c.list[i].Base = m.Base
	}
}

// planned turns a plan into changes to rev. Media come first.
func (s *Service) planned(ctx context.Context, v view, p plan, rev git.ID, base func(DataFile) (*git.ID, error)) (*changeSet, error) {
	set := &changeSet{}
	for _, a := range p.Assets {
		set.add(mirror.Change{Path: a.Path, Data: notNil(a.Data)})
	}
	for _, f := range p.Files {
		had, err := base(f)
		if err != nil {
			return nil, err
		}
		if f.NewPath == "" {
			set.add(mirror.Change{Path: f.Path, Data: notNil(f.Data), Base: had})
			continue
		}
		set.add(mirror.Change{Path: f.Path, Delete: true, Base: had})
		set.add(mirror.Change{Path: f.NewPath, Data: notNil(f.Data), Base: new(git.ID)})
	}
	if !p.Subfolders {
		return set, nil
	}
	for _, f := range p.Files {
		if f.NewPath != "" {
			if err := s.moveAlong(ctx, v, p, f, rev, set); err != nil {
				return nil, err
			}
		}
	}
	return set, nil
}

// notNil is data that counts as written, even if there is none.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// moveAlong moves everything below a renamed entry's directory. The
// collection's own folder stays where it is, a listed file moves alone, and
// nothing becomes a config.yml.
func (s *Service) moveAlong(ctx context.Context, v view, p plan, f DataFile, rev git.ID, set *changeSet) error {
	if !p.collection.IsFolder() {
		return nil
	}
	from, to := path.Dir(f.Path), path.Dir(f.NewPath)
	at, _ := p.collection.Place(f.Path)
	if from == to || from == "." || from == p.collection.Folder || at.Locale != "" && from == path.Join(p.collection.Folder, at.Locale) {
		return nil
	}
	files, err := s.Repo.Git.Tree(ctx, rev, from, 0)
	if err != nil {
		return err
	}
	for _, e := range files {
		target := path.Join(to, strings.TrimPrefix(e.Path, from+"/"))
		if !isContent(e) || set.has(e.Path) && set.list[set.at[e.Path]].Delete || e.Path == f.Path || v.isConfig(e.Path) || v.isConfig(target) {
			continue
		}
		id := e.ID
		set.add(mirror.Change{Path: e.Path, Delete: true, Base: &id})
		set.add(mirror.Change{Path: target, Blob: id, Base: new(git.ID)})
	}
	return nil
}
