package connector

import (
	"context"
	"slices"

	"gatehouse/internal/fault"
)

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
// one there is, unless it could go to another host than before, and a proxy
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
	// server of their own: at another address, or at the same one by a proxy and
	// an authority that vouches for it.
	e.moved = e.Kind != old.Kind || e.URL != old.URL || e.API != old.API || e.CA != "" && e.CA != old.CA
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

// mine refuses names that the file has.
func (s *Set) mine(name string) error {
	if slices.ContainsFunc(s.file, func(e Entry) bool { return e.Name == name }) {
		return fault.New(fault.Forbidden, "The connector %s is in gatehouse.yaml: change it there, and reload.", name)
	}
	return nil
}
