// Package storetest opens stores for the tests of packages that need one: on
// SQLite, or on Postgres when GATEHOUSE_TEST_POSTGRES names a server, so that a
// whole suite runs on either.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/store"
	"gatehouse/internal/store/pgtest"
)

// Place is where the database of one test lies. It can be opened again, as after
// a restart, and twice at the same time, as by two processes.
type Place struct {
	// Dir has the key file, and the database when it is SQLite's.
	Dir string

	url string // empty: SQLite
}

// New is a place with nothing in it, which goes with the test.
func New(t testing.TB) Place {
	t.Helper()
	p := Place{Dir: t.TempDir()}
	if pgtest.Enabled() {
		p.url = pgtest.Database(t)
	}
	return p
}

// Open opens the place's store. The caller closes it.
func (p Place) Open(t testing.TB) *store.Store {
	t.Helper()
	ctx := context.Background() // it may be opened at the test's end
	var s *store.Store
	var err error
	if p.url != "" {
		s, err = store.OpenPostgres(ctx, p.url, filepath.Join(p.Dir, store.KeyFile))
	} else {
		s, err = store.Open(ctx, filepath.Join(p.Dir, "gatehouse.db"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Contents is all that the place's database keeps, to look for secrets in.
func (p Place) Contents(t testing.TB) string {
	t.Helper()
	if p.url != "" {
		return pgtest.Contents(t, p.url)
	}
	files, err := filepath.Glob(filepath.Join(p.Dir, "gatehouse.db*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}

// Open is a store of the test's own, closed at its end. With SQLite it lies in
// memory.
func Open(t testing.TB) *store.Store {
	t.Helper()
	var s *store.Store
	if pgtest.Enabled() {
		s = New(t).Open(t)
	} else {
		var err error
		if s, err = store.Open(context.Background(), store.Memory); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
