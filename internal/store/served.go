package store

import (
	"context"
	"database/sql"
	"errors"
)

// ServedFirst notes that reader was served blob for path below key. An older
// note stays, because it is what the reader may still hold, unless it ended in
// a conflict: then the reader has opened the path anew. It reads before it
// writes and costs one look-up when nothing changes.
func (s *Store) ServedFirst(ctx context.Context, reader, key, path, blob string) error {
	var conflicted bool
	err := s.read.QueryRowContext(ctx,
		`SELECT conflicted FROM served WHERE reader = $1 AND key = $2 AND path = $3`,
		reader, key, path).Scan(&conflicted)
	if err == nil && !conflicted {
		return nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return failed(err)
	}
	_, err = s.exec(ctx, `
		INSERT INTO served (reader, key, path, blob, conflicted, updated) VALUES ($1, $2, $3, $4, FALSE, $5)
		ON CONFLICT (reader, key, path) DO UPDATE
		SET blob = excluded.blob, conflicted = FALSE, updated = excluded.updated WHERE served.conflicted`,
		reader, key, path, blob, ms(s.Now()))
	return err
}

// ServedBase is the version of path that reader holds, as far as is known.
func (s *Store) ServedBase(ctx context.Context, reader, key, path string) (blob string, found bool, err error) {
	err = s.read.QueryRowContext(ctx,
		`SELECT blob FROM served WHERE reader = $1 AND key = $2 AND path = $3`, reader, key, path).Scan(&blob)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return blob, err == nil, failed(err)
}

// ServedSaved notes that reader saved path and now holds blob, as sent.
func (s *Store) ServedSaved(ctx context.Context, reader, key, path, blob string) error {
	_, err := s.exec(ctx, `
		INSERT INTO served (reader, key, path, blob, conflicted, updated) VALUES ($1, $2, $3, $4, FALSE, $5)
		ON CONFLICT (reader, key, path) DO UPDATE
		SET blob = excluded.blob, conflicted = FALSE, updated = excluded.updated`,
		reader, key, path, blob, ms(s.Now()))
	return err
}

// ServedConflict notes that a save of path was refused, so that the next
// version served becomes the base. Without a note it does nothing.
func (s *Store) ServedConflict(ctx context.Context, reader, key, path string) error {
	_, err := s.exec(ctx,
		`UPDATE served SET conflicted = TRUE, updated = $4 WHERE reader = $1 AND key = $2 AND path = $3`,
		reader, key, path, ms(s.Now()))
	return err
}

// SeenFirst notes the head of site's branch when reader began there. Only the
// first commit is kept.
func (s *Store) SeenFirst(ctx context.Context, reader, site, commit string) error {
	if _, found, err := s.Seen(ctx, reader, site); err != nil || found {
		return err
	}
	_, err := s.exec(ctx, `
		INSERT INTO seen (reader, site, commit_id, updated) VALUES ($1, $2, $3, $4)
		ON CONFLICT (reader, site) DO NOTHING`, reader, site, commit, ms(s.Now()))
	return err
}

// Seen is the commit of SeenFirst.
func (s *Store) Seen(ctx context.Context, reader, site string) (commit string, found bool, err error) {
	err = s.read.QueryRowContext(ctx,
		`SELECT commit_id FROM seen WHERE reader = $1 AND site = $2`, reader, site).Scan(&commit)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return commit, err == nil, failed(err)
}
