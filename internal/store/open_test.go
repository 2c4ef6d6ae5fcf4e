package store

import (
	"testing"
)

// A database of an earlier gatehouse gets the tables that are new, and keeps
// what is in the others.
func TestEarlierDatabaseIsBroughtUpToDate(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		s, _ := p.open(t)
		addUser(t, s, "1")
		check(t, s.SetSetting(t.Context(), "x", []byte("y")))
		steps, err := s.migrations()
		check(t, err)
		if _, err := steps.DownTo(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Connectors(t.Context()); err == nil {
			t.Fatal("the tables are still there")
		}
		s, _ = p.open(t)
		check(t, s.AddConnector(t.Context(), fullConnector()))
		if u, err := s.User(t.Context(), "1"); err != nil || u.Email != "1@example.org" {
			t.Errorf("user is %+v (%v)", u, err)
		}
		if v, err := s.Setting(t.Context(), "x"); err != nil || string(v) != "y" {
			t.Errorf("setting is %q (%v)", v, err)
		}
	})
}
