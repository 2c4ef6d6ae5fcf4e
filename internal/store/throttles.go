package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// maxThrottles bounds the table: beyond it, the rows that hold nobody back go
// first, the oldest before the others.
const maxThrottles = 50_000

// sweepEvery is after how many attempts the bound is enforced.
const sweepEvery = 1000

// Charge is one counter that an attempt is charged to.
type Charge struct {
	Key    string
	Forget time.Duration                    // without an attempt for so long, the count begins anew
	Delay  func(failures int) time.Duration // how long the next attempt must wait
	Max    time.Duration                    // Delay's largest: a longer wait comes from a clock set back, and is void
}

// ChargeAttempt counts an attempt as failed, before it is made, on every
// counter, so that many at once cannot slip through together. When one of them
// is still waiting, nothing is counted and wait, above zero, says how long.
func (s *Store) ChargeAttempt(ctx context.Context, now time.Time, charges ...Charge) (wait time.Duration, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		for _, c := range charges {
			var until int64
			err := tx.QueryRowContext(ctx, `SELECT until FROM throttles WHERE key = $1`, c.Key).Scan(&until)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if left := at(until).Sub(now); left <= c.Max {
				wait = max(wait, left)
			}
		}
		if wait > 0 {
			return nil
		}
		for _, c := range charges {
			if err := charge(ctx, tx, now, c); err != nil {
				return err
			}
		}
		if s.attempts.Add(1)%sweepEvery == 0 {
			return sweepThrottles(ctx, tx, now.Add(-throttleLife), maxThrottles)
		}
		return nil
	})
	return wait, err
}

func charge(ctx context.Context, tx *sql.Tx, now time.Time, c Charge) error {
	var failures int
	err := tx.QueryRowContext(ctx, `
		INSERT INTO throttles (key, failures, last, until) VALUES ($1, 1, $2, 0)
		ON CONFLICT (key) DO UPDATE
		SET failures = CASE WHEN throttles.last < $3 THEN 1 ELSE throttles.failures + 1 END, last = $2, until = 0
		RETURNING failures`, c.Key, ms(now), ms(now.Add(-c.Forget))).Scan(&failures)
	if err != nil {
		return err
	}
	delay := c.Delay(failures)
	if delay <= 0 {
		return nil
	}
	_, err = tx.ExecContext(ctx, `UPDATE throttles SET until = $2 WHERE key = $1`, c.Key, ms(now.Add(delay)))
	return err
}

// RefundAttempt takes back what ChargeAttempt counted at a time, on one key.
func (s *Store) RefundAttempt(ctx context.Context, key string, charged time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE throttles SET failures = failures - 1, until = CASE WHEN last = $2 THEN 0 ELSE until END
			WHERE key = $1`, key, ms(charged))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM throttles WHERE key = $1 AND failures <= 0`, key)
		return err
	})
}

// ClearThrottle forgets the failures of a key.
func (s *Store) ClearThrottle(ctx context.Context, key string) error {
	_, err := s.exec(ctx, `DELETE FROM throttles WHERE key = $1`, key)
	return err
}

// sweepThrottles removes counters without an attempt since before, and what is
// over the bound.
func sweepThrottles(ctx context.Context, tx *sql.Tx, before time.Time, bound int) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM throttles WHERE last < $1`, ms(before)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		DELETE FROM throttles WHERE key IN (
			SELECT key FROM throttles ORDER BY until, last
			LIMIT (SELECT CASE WHEN count(*) > $1 THEN count(*) - $1 ELSE 0 END FROM throttles))`, bound)
	return err
}
