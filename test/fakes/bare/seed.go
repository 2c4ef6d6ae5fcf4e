package bare

import (
	"context"

	"gatehouse/test/fakes"
)

// What Seed makes; the practice GitHub has the same.
const (
	SeedSite    = "meadow/site"  // public
	SeedPrivate = "meadow/notes" // private
	SeedOwner   = "ada"          // may do everything in both
	SeedEditor  = "ben"          // may write to both
	SeedGuest   = "cleo"         // may write to neither
)

// Seed adds three people and two repositories with the same files, or finds
// the repositories on disk from an earlier run.
func Seed(ctx context.Context, s *Store, oauth *fakes.Server, files map[string]string) error {
	oauth.AddPerson(fakes.Person{Login: SeedOwner, Name: "Ada Field", Email: "ada@meadow.example"})
	oauth.AddPerson(fakes.Person{Login: SeedEditor, Name: "Ben Hollow", Email: "ben@meadow.example"})
	oauth.AddPerson(fakes.Person{Login: SeedGuest, Name: "Cleo Bank"})
	data := map[string][]byte{}
	for path, text := range files {
		data[path] = []byte(text)
	}
	for _, path := range []string{SeedSite, SeedPrivate} {
		r, err := s.Add(ctx, Spec{Path: path, Private: path == SeedPrivate, Files: data})
		if err != nil {
			return err
		}
		r.Allow(SeedOwner, Admin)
		r.Allow(SeedEditor, Write)
	}
	return nil
}
