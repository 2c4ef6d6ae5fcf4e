package connector

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// Set is all connectors. Make one with New. It is safe for use by many
// goroutines.
type Set struct {
	store *store.Store
	file  []Entry
	now   func() time.Time

	write sync.Mutex // between a check against the others and the change
	mu    sync.Mutex // of built
	built map[string]built
}

// Options are what a Set can do without.
type Options struct {
	Now func() time.Time // nil: the real time
}

// New makes a set of the connectors of gatehouse.yaml and of those that are
// stored. The former are to be held against CheckFile first.
func New(st *store.Store, file []Entry, o Options) *Set {
	s := &Set{store: st, now: o.Now, built: map[string]built{}}
	if s.now == nil {
		s.now = time.Now
	}
	for _, e := range file {
		e = tidy(e)
		e.FromFile = true
		s.file = append(s.file, e)
	}
	slices.SortFunc(s.file, byName)
	return s
}

func byName(a, b Entry) int { return cmp.Compare(a.Name, b.Name) }

// List is every connector: those of the file first, then those that are stored,
// by name. A stored one that the file names, too, is hidden.
func (s *Set) List(ctx context.Context) ([]Connector, error) {
	all, err := s.entries(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Connector, len(all))
	for i := range all {
		list[i] = all[i].Shown()
	}
	return list, nil
}

// Get is the connector of a name; NotFound when there is none.
func (s *Set) Get(ctx context.Context, name string) (Connector, error) {
	e, err := s.entry(ctx, name)
	if err != nil {
		return Connector{}, err
	}
	return e.Shown(), nil
}

// For is the connector by which a site's people sign in at a kind of host. It
// is among named; with none named, among those that serve every site, or this
// one. NotFound when there is none of the kind, Conflict when there are several.
func (s *Set) For(ctx context.Context, site, kind string, named []string) (Connector, error) {
	all, err := s.List(ctx)
	if err != nil {
		return Connector{}, err
	}
	fit := slices.DeleteFunc(all, func(c Connector) bool {
		if len(named) > 0 {
			return c.Kind != kind || !slices.Contains(named, c.Name)
		}
		return c.Kind != kind || !c.Serves(site)
	})
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		if len(named) > 0 {
			return Connector{}, fault.New(fault.NotFound, "The connectors of the site %s (%s) hold none of the kind %s. Add one to its connectors in gatehouse.yaml.", site, strings.Join(named, ", "), kind)
		}
		return Connector{}, fault.New(fault.NotFound, "No connector of the kind %s serves the site %s. An operator can add one in the console, or in gatehouse.yaml.", kind, site)
	}
	names := make([]string, len(fit))
	for i, c := range fit {
		names[i] = c.Name
	}
	return Connector{}, fault.New(fault.Conflict, "Several connectors of the kind %s serve the site %s: %s. List the right one in the site's connectors in gatehouse.yaml.", kind, site, strings.Join(names, ", "))
}

// ByCallback is the connector whose callback has a path; NotFound when there is
// none.
func (s *Set) ByCallback(ctx context.Context, path string) (Connector, error) {
	all, err := s.List(ctx)
	if err != nil {
		return Connector{}, err
	}
	for _, c := range all {
		if c.CallbackPath() == path {
			return c, nil
		}
	}
	return Connector{}, fault.New(fault.NotFound, "No connector has the callback path %s.", path)
}

func notFound(name string) error {
	return fault.New(fault.NotFound, "There is no connector named %s.", name)
}

// entry is a connector with its secret.
func (s *Set) entry(ctx context.Context, name string) (Entry, error) {
	for _, e := range s.file {
		if e.Name == name {
			return e, nil
		}
	}
	return s.stored(ctx, name)
}

// entries are all connectors with their secrets, in the order of List.
func (s *Set) entries(ctx context.Context) ([]Entry, error) {
	stored, err := s.allStored(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(s.file)
	for _, e := range stored {
		if err := s.mine(e.Name); err == nil {
			all = append(all, e)
		}
	}
	slices.SortFunc(all[len(s.file):], byName)
	return all, nil
}
