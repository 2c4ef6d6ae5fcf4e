package auth

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// renewTime bounds a renewal: it goes on when the request that began it has
// ended.
const renewTime = 30 * time.Second

// renew asks the host, and keeps what it says before anybody hears of it.
func (x *Handles) renew(ctx context.Context, state store.HandleState, renew Renew) (Pair, error) {
	ctx = context.WithoutCancel(ctx)
	next, ok := x.unsaved.take(state.ID, state.Generation)
	if !ok {
		var err error
		if next, err = x.askAlone(ctx, state, renew); err != nil {
			return Pair{}, err
		}
	}
	switch err := x.save(ctx, next, state.ID); {
	case err == nil:
		return next.pair, nil
	case fault.Is(err, fault.Conflict):
		return Pair{}, overtaken(err)
	default:
		x.unsaved.keep(state.ID, next)
		return Pair{}, err
	}
}

func overtaken(cause error) error {
	return fault.Wrap(fault.Unavailable, errors.Join(errOvertaken, cause), "This sign-in is being refreshed elsewhere. Try again.")
}

// leaseTime is how long a process may be alone with a host: a renewal and the
// writing of it. One that dies meanwhile keeps the others waiting so long.
const leaseTime = renewTime + finishTime

// askAlone asks while no other process does. Hosts that replace their refresh
// tokens take the second asking for a theft.
func (x *Handles) askAlone(ctx context.Context, state store.HandleState, renew Renew) (renewal, error) {
	now := timeOf(x.Now)
	until := now.Add(leaseTime)
	err := x.brief(ctx, func(ctx context.Context) error {
		return x.Store.LeaseHandleFamily(ctx, state.ID, state.Generation, now, until)
	})
	switch {
	case fault.Is(err, fault.Conflict):
		return renewal{}, overtaken(err)
	case err != nil:
		return renewal{}, err
	}
	next, err := x.ask(ctx, state, renew)
	if err != nil {
		// The next one need not wait. When that cannot be written, it waits.
		_ = x.brief(ctx, func(ctx context.Context) error { return x.Store.ReturnHandleLease(ctx, state.ID, until) })
	}
	return next, err
}

// brief writes something although its request, or the patience with its host,
// may be over.
func (x *Handles) brief(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	return write(ctx)
}

// ask calls renew. When the host says that the refresh token is good no more,
// the family ends; unless another process has replaced the token, for then that
// is why.
func (x *Handles) ask(ctx context.Context, state store.HandleState, renew Renew) (renewal, error) {
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	access, refresh, expires, err := renew(ctx, holderOf(state.HandleFamily), state.Refresh)
	if err == nil && access == "" {
		err = fault.New(fault.Internal, "a refresh without an error and without a token")
	}
	if err != nil {
		var end interface{ Dead() bool }
		if errors.As(err, &end) && end.Dead() {
			lost := x.brief(ctx, func(ctx context.Context) error {
				return x.Store.EndHandleGeneration(ctx, state.ID, state.Generation, timeOf(x.Now))
			})
			if fault.Is(lost, fault.Conflict) {
				return renewal{}, overtaken(err)
			}
			return renewal{}, dead(errors.Join(ErrDead, err, lost))
		}
		if refresh != "" {
			lost := x.brief(ctx, func(ctx context.Context) error {
				return x.Store.KeepRefresh(ctx, state.ID, state.Generation, refresh)
			})
			if lost != nil {
				err = errors.Join(err, lost)
			}
		}
		return renewal{}, err
	}
	if refresh == "" {
		refresh = state.Refresh
	}
	if !expires.IsZero() {
		expires = expires.UTC().Round(0) // as it will be read again
	}
	return renewal{
		generation: state.Generation, refresh: refresh,
		pair: Pair{AccessToken: access, Handle: NewToken(), Expires: expires},
	}, nil
}

// save makes a renewal the newest of its family.
func (x *Handles) save(ctx context.Context, next renewal, family string) error {
	ctx, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	answer, err := json.Marshal(next.pair) //nolint:gosec // the store seals it
	if err != nil {
		return fault.Wrap(fault.Internal, err, "keeping the answer of a refresh")
	}
	now := timeOf(x.Now)
	return x.Store.RenewHandle(ctx, store.HandleRenewal{
		Family: family, Generation: next.generation, Hash: hashOf(next.pair.Handle),
		Refresh: next.refresh, Answer: answer, Repeat: now.Add(x.grace()), Now: now,
	})
}

func (x *Handles) grace() time.Duration {
	if x.Grace == 0 {
		return RefreshGrace
	}
	return x.Grace
}

// renewal is what a host gave in place of the refresh token of a generation.
type renewal struct {
	generation int64
	refresh    string
	pair       Pair
}

// unsaved are renewals, by family, that could not be written: the disk was
// full. The host may know the former refresh token no more, so the next use of
// the same handle tries to write them, and does not ask the host again.
type unsaved struct {
	mu       sync.Mutex
	families map[string]renewal
}

// maxUnsaved bounds what is held in memory. Whoever is beyond it has to sign in
// again, if their host replaces its refresh tokens.
const maxUnsaved = 1000

func (u *unsaved) keep(family string, r renewal) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.families == nil {
		u.families = map[string]renewal{}
	}
	if len(u.families) < maxUnsaved {
		u.families[family] = r
	}
}

// take takes the renewal of a generation out; one of an older generation was
// overtaken and is dropped.
func (u *unsaved) take(family string, generation int64) (renewal, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r, ok := u.families[family]
	delete(u.families, family)
	return r, ok && r.generation == generation
}
