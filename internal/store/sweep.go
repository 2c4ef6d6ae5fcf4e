package store

import (
	"context"
	"database/sql"
	"time"
)

// readerGrace is how long the notes about a reader without a session stay.
const readerGrace = 7 * 24 * time.Hour

// throttleLife is how long a counter of failures may matter.
const throttleLife = 24 * time.Hour

// Sweep removes what has ended: sessions and refresh tokens past their time,
// old counters of failures, and what was served to readers whose session is
// gone (a reader is the id of a session). It is to be run now and then; nothing
// depends on when.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		for _, query := range []string{
			`DELETE FROM sessions WHERE expires <= $1`,
			`DELETE FROM refresh_tokens WHERE expires <= $1`,
		} {
			if _, err := tx.ExecContext(ctx, query, ms(now)); err != nil {
				return err
			}
		}
		for _, query := range []string{
			`DELETE FROM served WHERE updated < $1 AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = served.reader)`,
			`DELETE FROM seen WHERE updated < $1 AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = seen.reader)`,
		} {
			if _, err := tx.ExecContext(ctx, query, ms(now.Add(-readerGrace))); err != nil {
				return err
			}
		}
		return sweepThrottles(ctx, tx, now.Add(-throttleLife), maxThrottles)
	})
}
