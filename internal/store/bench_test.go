package store

import (
	"fmt"
	"testing"
	"time"

	"gatehouse/internal/store/pgtest"
)

// engines runs a benchmark on each engine. tools/postgres.sh turns the syncing of
// its server off, so that writing costs more in earnest.
func engines(b *testing.B, f func(b *testing.B, s *Store)) {
	b.Run("sqlite", func(b *testing.B) {
		s, _ := place{dir: b.TempDir()}.open(b)
		f(b, s)
	})
	if pgtest.Enabled() {
		b.Run("postgres", func(b *testing.B) {
			s, _ := place{dir: b.TempDir(), url: pgtest.Database(b)}.open(b)
			f(b, s)
		})
	}
}

func BenchmarkAddSession(b *testing.B) {
	engines(b, func(b *testing.B, s *Store) {
		addUser(b, s, "1")
		n := 0
		for b.Loop() {
			n++
			check(b, s.AddSession(b.Context(), session(s, fmt.Sprint(n), "1", fmt.Sprint("h", n), time.Hour)))
		}
	})
}

func BenchmarkCallerByCookie(b *testing.B) {
	engines(b, func(b *testing.B, s *Store) {
		addUser(b, s, "1")
		for n := range 1000 {
			check(b, s.AddSession(b.Context(), session(s, fmt.Sprint(n), "1", fmt.Sprint("h", n), time.Hour)))
		}
		for b.Loop() {
			_, err := s.CallerByCookie(b.Context(), "h500", "blog", s.Now())
			check(b, err)
		}
	})
}

func BenchmarkServedFirstAgain(b *testing.B) {
	engines(b, func(b *testing.B, s *Store) {
		check(b, s.ServedFirst(b.Context(), "ann", "blog", "a.md", "v1"))
		for b.Loop() {
			check(b, s.ServedFirst(b.Context(), "ann", "blog", "a.md", "v2"))
		}
	})
}
