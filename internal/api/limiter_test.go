package api_test

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/api"
)

func TestLimiterCountsByAddress(t *testing.T) {
	now := time.Unix(1000, 0)
	l := api.NewLimiter(3, 0, func() time.Time { return now })
	ann, bob := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range 3 {
		if _, ok := l.Take(ann); !ok {
			t.Fatal("refused below the limit")
		}
	}
	if wait, ok := l.Take(ann); ok || wait < 19*time.Second || wait > 20*time.Second {
		t.Errorf("one too many: %v, wait %v", ok, wait)
	}
	if wait, full := l.Full(ann); !full || wait < 19*time.Second || wait > 20*time.Second {
		t.Errorf("full: %v, wait %v", full, wait)
	}
	if _, ok := l.Take(bob); !ok {
		t.Error("another address suffers")
	}
	now = now.Add(21 * time.Second)
	if _, full := l.Full(ann); full {
		t.Error("full after the wait")
	}
	if _, ok := l.Take(ann); !ok {
		t.Error("refused after the wait")
	}
	if _, ok := l.Take(ann); ok {
		t.Error("a refused one was waited for, and yet two are allowed")
	}
}

func TestLimiterAsksWithoutCounting(t *testing.T) {
	l := api.NewLimiter(1, 0, nil)
	ann := netip.MustParseAddr("192.0.2.1")
	for range 10 {
		if _, full := l.Full(ann); full {
			t.Fatal("asking counts")
		}
	}
	if _, ok := l.Take(ann); !ok {
		t.Error("asking counts")
	}
}

// A client with IPv6 has a network full of addresses.
func TestLimiterTakesANetworkForOneClient(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b string
		same bool
	}{
		"one network":     {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		"two networks":    {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		"IPv4":            {"192.0.2.1", "192.0.2.2", false},
		"mapped IPv4":     {"192.0.2.1", "::ffff:192.0.2.1", true},
		"mapped, another": {"::ffff:192.0.2.2", "::ffff:192.0.2.1", false},
		"zones":           {"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		l := api.NewLimiter(1, 0, func() time.Time { return time.Unix(0, 0) })
		l.Take(netip.MustParseAddr(tt.a))
		if _, ok := l.Take(netip.MustParseAddr(tt.b)); ok == tt.same {
			t.Errorf("%s: %s and %s: allowed is %v", name, tt.a, tt.b, ok)
		}
	}
	l := api.NewLimiter(1, 0, nil)
	l.Take(netip.Addr{})
	if _, ok := l.Take(netip.Addr{}); ok {
		t.Error("connections without an address are not counted")
	}
}

func TestLimiterForgetsTheQuietest(t *testing.T) {
	l := api.NewLimiter(1, 2, func() time.Time { return time.Unix(0, 0) })
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	l.Take(a)
	l.Take(b)
	l.Take(a) // refused, but heard of again
	l.Take(c) // b has to go
	if _, full := l.Full(a); !full {
		t.Error("the one that was heard of lately is forgotten")
	}
	if _, full := l.Full(b); full {
		t.Error("the quietest is remembered: memory has no bound")
	}
}

func TestLimiterUnderLoad(t *testing.T) {
	l := api.NewLimiter(10, 0, func() time.Time { return time.Unix(0, 0) })
	var allowed atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, ok := l.Take(netip.MustParseAddr("192.0.2.1")); ok {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	if allowed.Load() != 10 {
		t.Errorf("%d of 100 were allowed, want 10", allowed.Load())
	}
}
