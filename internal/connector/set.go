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

// Check is what Add, or Update for a name that is there, would find wrong with
// an entry. What is taken from the connector that there is, is not missed.
func (s *Set) Check(ctx context.Context, e Entry, update bool) (Problems, error) {
	e = tidy(e)
	others, err := s.entries(ctx)
	if err != nil {
		return nil, err
	}
	if update {
		if _, err := take(&e, &others); err != nil {
			return nil, err
		}
	}
	return check(&e, others), nil
}

// Add stores a connector. It fails with Invalid, in which Problems are found,
// and with Forbidden for a name that gatehouse.yaml has. Adding the very same
// connector again changes nothing.
func (s *Set) Add(ctx context.Context, e Entry) error {
	e = tidy(e)
	e.FromFile = false
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.mine(e.Name); err != nil {
		return err
	}
	others, err := s.entries(ctx)
	if err != nil {
		return err
	}
	for i := range others {
		if o := &others[i]; o.same(&e.Connector) && o.Secret == e.Secret {
			return nil
		}
	}
	if err := check(&e, others).fault(); err != nil {
		return err
	}
	return s.store.AddConnector(ctx, rowOf(&e))
}

// Update changes the connector of the entry's name. An empty secret keeps the
// one there is, unless it would go to another host than before, and a proxy
// without its password keeps that. When the entry's Updated is not zero and the
// connector has been changed since then, it fails with Conflict; otherwise as
// Add does, and with NotFound.
func (s *Set) Update(ctx context.Context, e Entry) error {
	e = tidy(e)
	e.FromFile = false
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.mine(e.Name); err != nil {
		return err
	}
	others, err := s.entries(ctx)
	if err != nil {
		return err
	}
	old, err := take(&e, &others)
	if err != nil {
		return err
	}
	if old.same(&e.Connector) && old.Secret == e.Secret {
		return nil
	}
	if !e.Updated.IsZero() && !e.Updated.Equal(old.Updated) {
		return fault.New(fault.Conflict, "Somebody has changed the connector %s since you opened it. Open it again, so that you see how it is now.", e.Name)
	}
	if err := check(&e, others).fault(); err != nil {
		return err
	}
	e.Updated = old.Updated
	return s.store.UpdateConnector(ctx, rowOf(&e))
}

// take takes the connector that e is an edit of out of all, and completes e
// with the secrets that it keeps.
func take(e *Entry, all *[]Entry) (Entry, error) {
	at := slices.IndexFunc(*all, func(o Entry) bool { return o.Name == e.Name })
	if at < 0 {
		return Entry{}, notFound(e.Name)
	}
	old := (*all)[at]
	*all = slices.Delete(*all, at, at+1)
	// Whoever may edit a connector must not read its secret by sending it to a
	// server of their own.
	e.moved = e.Kind != old.Kind || e.URL != old.URL || e.API != old.API
	if e.Secret == "" && !e.moved {
		e.Secret = old.Secret
	}
	if e.Proxy == withoutPassword(old.Proxy) {
		e.Proxy = old.Proxy
	}
	return old, nil
}

// Remove forgets a stored connector. Those of gatehouse.yaml are Forbidden.
func (s *Set) Remove(ctx context.Context, name string) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.mine(name); err != nil {
		return err
	}
	switch err := s.store.DeleteConnector(ctx, name); {
	case fault.Is(err, fault.NotFound):
		return notFound(name)
	case err != nil:
		return err
	}
	s.forget(name)
	return s.ForgetLauncher(ctx, name)
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

// mine refuses names that the file has.
func (s *Set) mine(name string) error {
	if slices.ContainsFunc(s.file, func(e Entry) bool { return e.Name == name }) {
		return fault.New(fault.Forbidden, "The connector %s is in gatehouse.yaml: change it there, and reload.", name)
	}
	return nil
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
