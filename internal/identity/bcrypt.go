package identity

import (
	"context"
	"crypto/subtle"
	"runtime"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/errgroup"

	"gatehouse/internal/store"
)

// maxBcryptCost bounds what a hash from elsewhere may ask for: some two seconds.
const maxBcryptCost = 14

// isBcrypt reports whether a hash is one of bcrypt that is worth checking.
func isBcrypt(stored string) bool {
	if len(stored) != 60 || stored[:2] != "$2" || stored[3] != '$' {
		return false
	}
	cost, err := bcrypt.Cost([]byte(stored))
	return err == nil && cost <= maxBcryptCost
}

// fitsBcrypt never takes the empty password: GoTrue has hashes of it for accounts
// that were made without one.
func fitsBcrypt(stored, password string) bool {
	return password != "" && bcrypt.CompareHashAndPassword([]byte(stored), []byte(password)) == nil
}

// usableHash is a hash that Verify can check; empty when it cannot.
func usableHash(stored string) string {
	if _, err := parsePHC(stored); err == nil || isBcrypt(stored) {
		return stored
	}
	return ""
}

// ofEmpty reports whether a usable hash is that of the empty password.
func ofEmpty(stored string) bool {
	if p, err := parsePHC(stored); err == nil {
		return subtle.ConstantTimeCompare(p.derive(""), p.hash) == 1
	}
	return bcrypt.CompareHashAndPassword([]byte(stored), nil) == nil
}

// hashesOf are the hashes that a user's password may fit: the account's own, or,
// as long as there is none, those from where the person came. There is always
// one, so that nobody costs less work than others.
func (s *Service) hashesOf(ctx context.Context, u store.User) ([]string, error) {
	if u.ID == "" || u.Password != "" {
		return []string{u.Password}, nil
	}
	aliases, err := s.Store.Aliases(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	var hashes []string
	for _, a := range aliases {
		if a.Password != "" {
			hashes = append(hashes, a.Password)
		}
	}
	if len(hashes) == 0 {
		hashes = []string{""}
	}
	return hashes, nil
}

// dropEmptyHashes takes the hashes of empty passwords away from a batch. To know
// one costs as much as a sign-in, so those that were looked at before are not.
func (r *importRun) dropEmptyHashes(ctx context.Context) error {
	ids := make([]string, len(r.batch))
	for n, x := range r.batch {
		ids[n] = x.ID
	}
	settled, err := r.s.Store.SettledHashes(ctx, r.site, ids...)
	if err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for n := range r.batch {
		x := &r.batch[n]
		if hash, ok := settled[x.ID]; x.Hash == "" || ok && (hash == "" || hash == x.Hash) {
			continue
		}
		work.Go(func() error {
			if ctx.Err() == nil && ofEmpty(x.Hash) {
				x.Hash = ""
			}
			return ctx.Err()
		})
	}
	return work.Wait()
}
