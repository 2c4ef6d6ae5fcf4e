package connector

import (
	"context"

	"gatehouse/internal/fault"
)

// stored is a connector that an operator has added.
func (s *Set) stored(_ context.Context, name string) (Entry, error) { return Entry{}, notFound(name) }

func (s *Set) allStored(context.Context) ([]Entry, error) { return nil, nil }

func (s *Set) insert(_ context.Context, e Entry) error {
	return asProblem(fault.New(fault.Unsupported, "Connectors cannot be stored yet."), e.Name)
}

func (s *Set) replace(_ context.Context, e Entry) error { return notFound(e.Name) }

func (s *Set) delete(_ context.Context, name string) error { return notFound(name) }
