package store

import (
	"context"
	"database/sql"
	"time"

	"gatehouse/internal/fault"
)

// maxOAuthTransactions bounds the table. Beyond it, what has expired goes
// first, then the oldest of those that nobody has gone on with, then the oldest
// that wait for a person at the host: a program can make those up, too, and must
// not keep everybody else out. What has come back from a host stays; when there
// is that much of it, nothing is added.
const maxOAuthTransactions = 10_000

func dropOAuthTransaction(ctx context.Context, tx *sql.Tx, id string, now int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE oauth_transactions SET expires = $2 WHERE id = $1 AND status = 'done' AND expires > $2`, id, now)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM oauth_transactions WHERE id = $1 AND status <> 'done'`, id)
	return err
}

// takeOAuthRoom makes sure that one more row fits. The rows are counted only
// when as many were added as fitted at the last count: what is removed in
// between can but make more room.
func (s *Store) takeOAuthRoom(ctx context.Context, tx *sql.Tx, now int64, bound int) error {
	if s.oauthRoom.Add(-1) >= 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM oauth_transactions WHERE expires <= $1 AND status <> 'done'`, now)
	if err != nil {
		return err
	}
	// When the table is full of what is alive, a hundredth is freed at once,
	// or each insertion would have to count.
	_, err = tx.ExecContext(ctx, `
		DELETE FROM oauth_transactions WHERE id IN (
			SELECT id FROM oauth_transactions WHERE status IN ('new', 'begun')
			ORDER BY CASE status WHEN 'new' THEN 0 ELSE 1 END, created
			LIMIT (SELECT CASE WHEN count(*) >= $1 THEN count(*) - $2 ELSE 0 END FROM oauth_transactions))`,
		bound, bound-max(bound/100, 1))
	if err != nil {
		return err
	}
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM oauth_transactions`).Scan(&n); err != nil {
		return err
	}
	if n >= bound {
		return &fault.Error{
			Kind: fault.TooMany, Message: "Too many sign-ins are under way at this server. Wait a few minutes, then sign in again.",
			RetryAfter: time.Minute,
		}
	}
	s.oauthRoom.Store(int64(bound - n - 1))
	return nil
}

// AbandonedOAuthTransactions are those that ended well, and whose outcome
// nobody has collected in time, at most limit, the longest ago first. Each is
// given once, and forgotten here: its status becomes OAuthWithdrawn.
func (s *Store) AbandonedOAuthTransactions(ctx context.Context, now time.Time, limit int) (all []OAuthTransaction, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		all, err = s.abandoned(ctx, tx, now, limit)
		if err != nil {
			return err
		}
		for i, x := range all {
			x.Status, x.Outcome = OAuthWithdrawn, nil
			if err := s.saveOAuthTransaction(ctx, tx, x, OAuthDone); err != nil {
				return err
			}
			all[i].Status = x.Status
		}
		return nil
	})
	return all, err
}

func (s *Store) abandoned(ctx context.Context, tx *sql.Tx, now time.Time, limit int) ([]OAuthTransaction, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT `+oauthColumns+`, verifier, outcome FROM oauth_transactions
		WHERE status = 'done' AND expires <= $1 ORDER BY expires LIMIT $2`, ms(now), limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []OAuthTransaction
	for rows.Next() {
		x, err := s.openOAuthTransaction(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// How long what has expired is remembered: a transaction, so that somebody who
// comes too late is told so; and an outcome that nobody has asked for.
const (
	oauthAfterlife   = time.Hour
	oauthUncollected = 24 * time.Hour
)

func sweepOAuthTransactions(ctx context.Context, tx *sql.Tx, now time.Time) error {
	err := execEach(ctx, tx, ms(now), `
		UPDATE oauth_transactions SET verifier = '', outcome = ''
		WHERE expires <= $1 AND status <> 'done' AND (verifier <> '' OR outcome <> '')`)
	if err != nil {
		return err
	}
	err = execEach(ctx, tx, ms(now.Add(-oauthAfterlife)), `DELETE FROM oauth_transactions WHERE expires <= $1 AND status <> 'done'`)
	if err != nil {
		return err
	}
	return execEach(ctx, tx, ms(now.Add(-oauthUncollected)), `DELETE FROM oauth_transactions WHERE expires <= $1`)
}
