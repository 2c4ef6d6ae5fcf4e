package cms

import (
	"context"
	"fmt"

	"gatehouse/internal/git"
	"gatehouse/internal/store"
)

// Versions remembers which version of a path each reader was served, so that a
// client that does not name its base cannot overwrite what it never saw. It
// lies in the database and survives restarts.
//
// What counts is the oldest version served since the reader's last save of the
// path: a tab opened in the morning still holds it, whatever another tab has
// loaded since. After a conflict the next opening counts.
type Versions struct {
	Store *store.Store
	Site  string // keeps sites apart that share the database
	// Latest lets the version that was served last count instead of the oldest:
	// for one person on a laptop, who edits the files by hand in between.
	Latest bool
}

// shelf is where a reader's versions of one branch, or of one draft, are kept.
type shelf string

func (v *Versions) branch(name string) shelf { return shelf(v.Site + "|" + name) }

// draft keeps drafts apart that had the same branch one after the other.
func (v *Versions) draft(branch string, number int) shelf {
	return shelf(fmt.Sprintf("%s|%s#%d", v.Site, branch, number))
}

// served notes that a reader was given a path's version to edit.
func (v *Versions) served(ctx context.Context, reader string, at shelf, path string, blob git.ID) error {
	if blob == "" {
		return nil // that it is absent is learnt by asking, not by opening it
	}
	if v.Latest {
		return v.saved(ctx, reader, at, path, blob)
	}
	return v.Store.ServedFirst(ctx, reader, string(at), path, string(blob))
}

// base is the version of a path that a reader holds.
func (v *Versions) base(ctx context.Context, reader string, at shelf, path string) (git.ID, bool, error) {
	blob, found, err := v.Store.ServedBase(ctx, reader, string(at), path)
	return git.ID(blob), found, err
}

// saved notes that a reader now holds what they sent.
func (v *Versions) saved(ctx context.Context, reader string, at shelf, path string, blob git.ID) error {
	return v.Store.ServedSaved(ctx, reader, string(at), path, string(blob))
}

// reopen lets the next opening of a path count.
func (v *Versions) reopen(ctx context.Context, reader string, at shelf, path string) error {
	return v.Store.ServedConflict(ctx, reader, string(at), path)
}
