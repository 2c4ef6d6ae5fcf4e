package api

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter counts what clients do, by their address, and says when it is too
// much: so many at once, and as many again each minute. IPv6 clients count by
// their network of 64 bits, since one client has all of its addresses. The
// addresses that were quiet for longest are forgotten first, so that memory
// stays bounded. Make one with NewLimiter.
type Limiter struct {
	perMinute int
	size      int
	now       func() time.Time

	mu      sync.Mutex
	buckets map[netip.Addr]*list.Element
	recent  *list.List // of *bucket, the latest first
}

type bucket struct {
	key   netip.Addr
	limit *rate.Limiter
}

// NewLimiter lets every address do a thing so many times a minute. It remembers
// size addresses; 0 is 10 000. A nil now is time.Now.
func NewLimiter(perMinute, size int, now func() time.Time) *Limiter {
	if size == 0 {
		size = 10_000
	}
	if now == nil {
		now = time.Now
	}
	return &Limiter{perMinute: perMinute, size: size, now: now, buckets: map[netip.Addr]*list.Element{}, recent: list.New()}
}

// Take counts one. When it is one too many, it is not counted, and wait says
// when to try again.
func (l *Limiter) Take(from netip.Addr) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.bucket(from), l.now()
	if b.limit.AllowN(now, 1) {
		return 0, true
	}
	return l.wait(b, now), false
}

// Full asks, and counts nothing: it is for things that count only when they
// fail.
func (l *Limiter) Full(from netip.Addr) (wait time.Duration, full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.buckets[keyOf(from)]
	if !known {
		return 0, false
	}
	b, now := at.Value.(*bucket), l.now()
	if b.limit.TokensAt(now) >= 1 {
		return 0, false
	}
	return l.wait(b, now), true
}

// wait is how long it takes until one more is allowed.
func (l *Limiter) wait(b *bucket, now time.Time) time.Duration {
	missing := 1 - b.limit.TokensAt(now)
	return time.Duration(missing * float64(time.Minute) / float64(l.perMinute))
}

func (l *Limiter) bucket(from netip.Addr) *bucket {
	key := keyOf(from)
	if at, known := l.buckets[key]; known {
		l.recent.MoveToFront(at)
		return at.Value.(*bucket)
	}
	if l.recent.Len() >= l.size {
		oldest := l.recent.Back()
		delete(l.buckets, l.recent.Remove(oldest).(*bucket).key)
	}
	b := &bucket{key, rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)}
	l.buckets[key] = l.recent.PushFront(b)
	return b
}

// keyOf is what an address counts as. Connections without one share a key.
func keyOf(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return a
}
