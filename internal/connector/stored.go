package connector

import (
	"context"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// stored is a connector that an operator has added, with its secret.
func (s *Set) stored(ctx context.Context, name string) (Entry, error) {
	row, err := s.store.Connector(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return Entry{}, notFound(name)
	}
	return entryOf(row), err
}

func (s *Set) allStored(ctx context.Context) ([]Entry, error) {
	rows, err := s.store.Connectors(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Entry, len(rows))
	for i, row := range rows {
		all[i] = entryOf(row)
	}
	return all, nil
}

func entryOf(r store.Connector) Entry {
	return Entry{Secret: r.Secret, Connector: Connector{
		Name: r.Name, Kind: r.Kind, URL: r.URL, API: r.API, ClientID: r.ClientID, Slug: r.Slug, Scope: r.Scope,
		Sites: r.Sites, Callback: r.Callback, CA: r.CA, Proxy: r.Proxy,
		Private: r.Private, NoPKCE: r.NoPKCE, Launcher: r.Launcher, Updated: r.Updated,
	}}
}

func rowOf(e *Entry) store.Connector {
	return store.Connector{
		Name: e.Name, Kind: e.Kind, URL: e.URL, API: e.API, ClientID: e.ClientID, Secret: e.Secret, Slug: e.Slug, Scope: e.Scope,
		Sites: e.Sites, Callback: e.Callback, CA: e.CA, Proxy: e.Proxy,
		Private: e.Private, NoPKCE: e.NoPKCE, Launcher: e.Launcher, Updated: e.Updated,
	}
}
