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
// old counters of failures, what was served to readers whose session is gone (a
// reader is the id of a session), sign-ins at Git hosts past their time with what
// was remembered of them, links of mails that ended long ago with the accounts
// that came to nothing, old mails and old events. It is to be run now and then;
// nothing depends on when.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		err := execEach(ctx, tx, ms(now),
			`DELETE FROM sessions WHERE expires <= $1`,
			`DELETE FROM refresh_tokens WHERE expires <= $1`)
		if err != nil {
			return err
		}
		err = execEach(ctx, tx, ms(now.Add(-readerGrace)),
			`DELETE FROM served WHERE updated < $1 AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = served.reader)`,
			`DELETE FROM seen WHERE updated < $1 AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = seen.reader)`)
		if err != nil {
			return err
		}
		if err := sweepAccounts(ctx, tx, now); err != nil {
			return err
		}
		if err := sweepThrottles(ctx, tx, now.Add(-throttleLife), maxThrottles); err != nil {
			return err
		}
		if err := sweepOAuthTransactions(ctx, tx, now); err != nil {
			return err
		}
		if err := sweepHandles(ctx, tx, now); err != nil {
			return err
		}
		if err := sweepMails(ctx, tx, now); err != nil {
			return err
		}
		return sweepEvents(ctx, tx, now)
	})
}

// execEach runs statements about the same time.
func execEach(ctx context.Context, tx *sql.Tx, at int64, queries ...string) error {
	for _, query := range queries {
		if _, err := tx.ExecContext(ctx, query, at); err != nil {
			return err
		}
	}
	return nil
}
