package store

import (
	"context"
	"time"
)

// Policy is the JSON that was kept for a site; NotFound when there is none.
func (s *Store) Policy(ctx context.Context, site string) (string, error) {
	var policy string
	err := s.read.QueryRowContext(ctx, `SELECT policy FROM policies WHERE site = $1`, site).Scan(&policy)
	return policy, failed(err)
}

// SetPolicy keeps the JSON of a site's policy.
func (s *Store) SetPolicy(ctx context.Context, site, policy string, now time.Time) error {
	_, err := s.exec(ctx, `
		INSERT INTO policies (site, policy, updated) VALUES ($1, $2, $3)
		ON CONFLICT (site) DO UPDATE SET policy = excluded.policy, updated = excluded.updated`, site, policy, ms(now))
	return err
}
