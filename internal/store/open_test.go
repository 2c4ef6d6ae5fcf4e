package store

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
)

// A database of an earlier gatehouse gets the tables that are new, and keeps
// what is in the others.
func TestEarlierDatabaseIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	s, _ := open(t, path)
	addUser(t, s, "1")
	check(t, s.SetSetting(t.Context(), "x", []byte("y")))
	files, err := fs.Sub(migrations, "migrations")
	check(t, err)
	p, err := goose.NewProvider(goose.DialectSQLite3, s.write, files, goose.WithDisableGlobalRegistry(true))
	check(t, err)
	if _, err := p.DownTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Connectors(t.Context()); err == nil {
		t.Fatal("the tables are still there")
	}
	s, _ = open(t, path)
	check(t, s.AddConnector(t.Context(), fullConnector()))
	if u, err := s.User(t.Context(), "1"); err != nil || u.Email != "1@example.org" {
		t.Errorf("user is %+v (%v)", u, err)
	}
	if v, err := s.Setting(t.Context(), "x"); err != nil || string(v) != "y" {
		t.Errorf("setting is %q (%v)", v, err)
	}
}
