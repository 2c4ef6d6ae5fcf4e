package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// How attempts are slowed down. The first failures are free; from then on the
// wait doubles from a second to maxDelay.
const (
	freePerAccount = 5
	freePerAddress = 20
	maxDelay       = 15 * time.Minute // nobody, an operator above all, waits longer
	forgetAccount  = 24 * time.Hour   // without an attempt for so long, all is forgotten
	forgetAddress  = time.Hour        // many people share an office's address
)

// SignIn checks an e-mail address and a password that came from a network
// address (the zero Addr: unknown). It fails with Unauthenticated when they do
// not belong together, whatever the reason; with TooMany and RetryAfter when
// there were too many failures or there is no room to check; else with passing
// failures that count for nothing. Who has the right password for an account that
// cannot be used is told so: ErrDisabled (Forbidden), ErrUnconfirmed
// (Unauthenticated).
func (s *Service) SignIn(ctx context.Context, email, password string, from netip.Addr) (User, error) {
	now := s.Now()
	email = fold(email)
	charges, err := s.charges(ctx, email, from, now)
	if err != nil {
		return User{}, err
	}
	wait, err := s.Store.ChargeAttempt(ctx, now, charges...)
	if err != nil {
		return User{}, err
	}
	if wait > 0 {
		return User{}, tooMany(wait)
	}
	u, rehash, ok, err := s.verify(ctx, email, password)
	if err != nil {
		// No verdict, so no failure: a full queue must lock nobody out.
		for _, c := range charges {
			err = errors.Join(err, s.Store.RefundAttempt(context.WithoutCancel(ctx), c.Key, now))
		}
		return User{}, err
	}
	if !ok {
		return User{}, wrongPassword()
	}
	if err := s.Store.ClearThrottle(ctx, charges[0].Key); err != nil {
		return User{}, err
	}
	for _, c := range charges[1:] {
		if err := s.Store.RefundAttempt(ctx, c.Key, now); err != nil {
			return User{}, err
		}
	}
	// Only who has the password is told.
	if !u.Disabled.IsZero() {
		return User{}, disabled()
	}
	if u.Confirmed.IsZero() {
		return User{}, fault.Wrap(fault.Unauthenticated, ErrUnconfirmed, "Your e-mail address is not confirmed. Use the link that was mailed to you, or have your password set anew.")
	}
	if err := s.signedIn(ctx, u, password, rehash, now); err != nil {
		return User{}, err
	}
	s.record(ctx, audit.Event{Kind: audit.Login, Person: u.Email, Address: addressText(from)})
	return s.User(ctx, u.ID)
}

// signedIn notes a sign-in. Of several old passwords that are used at the same
// moment the first wins; the others are looked at again.
func (s *Service) signedIn(ctx context.Context, u store.User, password, rehash string, now time.Time) error {
	err := s.Store.SignedIn(ctx, u.ID, u.Password, rehash, now)
	if u.Password != "" || !fault.Is(err, fault.NotFound) {
		return err
	}
	u, rehash, ok, err := s.verify(ctx, u.Email, password)
	if err != nil {
		return err
	}
	if !ok || u.Password == "" {
		return wrongPassword()
	}
	return s.Store.SignedIn(ctx, u.ID, u.Password, rehash, now)
}

func wrongPassword() error {
	return fault.New(fault.Unauthenticated, "The e-mail address or the password is wrong.")
}

// verify looks the user up and checks the password. An unknown user costs as
// much as a known one. A rehash, if any, is to take the place of the hash.
func (s *Service) verify(ctx context.Context, email, password string) (u store.User, rehash string, ok bool, err error) {
	u, err = s.Store.UserByEmail(ctx, email)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return store.User{}, "", false, err
	}
	if len(password) > 4*MaxPassword {
		password = "" // too long to be one; not worth its hashing
	}
	hashes, err := s.hashesOf(ctx, u)
	if err != nil {
		return store.User{}, "", false, err
	}
	var stale bool
	for _, hash := range hashes {
		if ok, stale, err = s.Hasher.Verify(ctx, hash, password); ok || err != nil {
			break
		}
	}
	// The hash of the empty password may have come from elsewhere.
	if err != nil || !ok || password == "" {
		return store.User{}, "", false, err
	}
	if stale {
		rehash, err = s.Hasher.Hash(ctx, password)
	}
	return u, rehash, err == nil, err
}

// charges are the counters of an attempt, the account's first. An address where the account has a
// live session counts by itself, so that a stranger who keeps guessing cannot
// keep the owner out.
func (s *Service) charges(ctx context.Context, email string, from netip.Addr, now time.Time) ([]store.Charge, error) {
	account := store.Charge{Key: accountKey(email), Forget: forgetAccount, Delay: doubling(freePerAccount), Max: maxDelay}
	if !from.IsValid() {
		return []store.Charge{account}, nil
	}
	place := placeOf(from)
	known, err := s.Store.SessionAddresses(ctx, email, now)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		if a, err := netip.ParseAddr(k); err == nil && placeOf(a) == place {
			account.Key += " " + place
			break
		}
	}
	return []store.Charge{account, addressCharge(from)}, nil
}

// addressCharge is the counter of all that comes from a network address and may
// be guesswork: passwords, one-time tokens.
func addressCharge(from netip.Addr) store.Charge {
	return store.Charge{Key: "address " + placeOf(from), Forget: forgetAddress, Delay: doubling(freePerAddress), Max: maxDelay}
}

// accountKey names an account's counter. What was typed into the field is
// hashed: people type passwords there.
func accountKey(folded string) string {
	sum := sha256.Sum256([]byte(folded))
	return "account " + hex.EncodeToString(sum[:16])
}

// placeOf is an address as far as one person is bound to it: a whole IPv4
// address, or the network of an IPv6 one, which gives a host 2^64 to choose from.
func placeOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

func doubling(free int) func(failures int) time.Duration {
	return func(failures int) time.Duration {
		if failures < free {
			return 0
		}
		return min(maxDelay, time.Second<<min(failures-free, 20))
	}
}

func tooMany(wait time.Duration) error {
	wait = time.Duration(math.Ceil(wait.Seconds())) * time.Second
	return &fault.Error{
		Kind: fault.TooMany, RetryAfter: wait,
		Message: "Too many attempts to sign in. Try again in " + inWords(wait) + ".",
	}
}

func inWords(wait time.Duration) string {
	switch seconds := int(math.Ceil(wait.Seconds())); {
	case seconds > 60:
		return fmt.Sprintf("%d minutes", int(math.Ceil(wait.Minutes())))
	case seconds > 1:
		return fmt.Sprintf("%d seconds", seconds)
	}
	return "one second"
}
