package store

import (
	"testing"
	"time"
)

func base(t *testing.T, s *Store, reader, path string) string {
	t.Helper()
	blob, found, err := s.ServedBase(t.Context(), reader, "blog", path)
	check(t, err)
	if found == (blob == "") {
		t.Fatalf("found is %v with blob %q", found, blob)
	}
	return blob
}

func TestServedKeepsTheOldestUntilSaved(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		if got := base(t, s, "ann", "a.md"); got != "" {
			t.Fatalf("nobody was served anything, base is %q", got)
		}
		check(t, s.ServedFirst(ctx, "ann", "blog", "a.md", "v1"))
		c.Advance(time.Minute)
		check(t, s.ServedFirst(ctx, "ann", "blog", "a.md", "v2"))
		check(t, s.ServedFirst(ctx, "bob", "blog", "a.md", "v2"))
		check(t, s.ServedFirst(ctx, "ann", "shop", "a.md", "other"))
		if got := base(t, s, "ann", "a.md"); got != "v1" {
			t.Errorf("base is %q, want the oldest, v1", got)
		}
		if got := base(t, s, "bob", "a.md"); got != "v2" {
			t.Errorf("another reader's base is %q, want v2", got)
		}
		check(t, s.ServedSaved(ctx, "ann", "blog", "a.md", "v3"))
		check(t, s.ServedFirst(ctx, "ann", "blog", "a.md", "v4"))
		if got := base(t, s, "ann", "a.md"); got != "v3" {
			t.Errorf("base is %q, want the one saved, v3", got)
		}
	})
}

func TestServedAfterAConflictIsWhatIsOpenedNext(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		ctx := t.Context()
		check(t, s.ServedConflict(ctx, "ann", "blog", "a.md")) // no note yet: nothing to mark
		check(t, s.ServedFirst(ctx, "ann", "blog", "a.md", "v1"))
		check(t, s.ServedConflict(ctx, "ann", "blog", "a.md"))
		if got := base(t, s, "ann", "a.md"); got != "v1" {
			t.Errorf("base is %q before the entry is opened again, want v1", got)
		}
		check(t, s.ServedFirst(ctx, "ann", "blog", "a.md", "v2"))
		check(t, s.ServedFirst(ctx, "ann", "blog", "a.md", "v3"))
		if got := base(t, s, "ann", "a.md"); got != "v2" {
			t.Errorf("base is %q, want the version opened after the conflict, v2", got)
		}
	})
}

func TestServedWritesNothingWhenNothingChanges(t *testing.T) {
	s, c := open(t, Memory)
	check(t, s.ServedFirst(t.Context(), "ann", "blog", "a.md", "v1"))
	changes := func() (n int) {
		check(t, s.write.QueryRow(`SELECT total_changes()`).Scan(&n))
		return n
	}
	before := changes()
	c.Advance(time.Hour)
	for range 10 {
		check(t, s.ServedFirst(t.Context(), "ann", "blog", "a.md", "v2"))
	}
	if n := changes() - before; n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestSeenKeepsTheFirst(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		ctx := t.Context()
		if _, found, err := s.Seen(ctx, "ann", "blog"); err != nil || found {
			t.Fatalf("found is %v (%v) before anything was seen", found, err)
		}
		check(t, s.SeenFirst(ctx, "ann", "blog", "c1"))
		check(t, s.SeenFirst(ctx, "ann", "blog", "c2"))
		check(t, s.SeenFirst(ctx, "ann", "shop", "c9"))
		if commit, found, err := s.Seen(ctx, "ann", "blog"); err != nil || !found || commit != "c1" {
			t.Errorf("seen is %q, %v, %v; want c1", commit, found, err)
		}
	})
}
