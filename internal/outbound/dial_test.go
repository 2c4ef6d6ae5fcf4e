package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server on loopback that tells each question the next of the
// addresses, and the last one for ever.
func names(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var asked atomic.Int32
	go func() {
		for buf := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				i := min(int(asked.Add(1))-1, len(addresses)-1)
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(addresses[i]).As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// The address counts that is dialled, not the one that an earlier look-up gave.
func TestNamesThatLeadInside(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	port := srv.URL[strings.LastIndex(srv.URL, ":"):]
	r := names(t, "203.0.113.7", "127.0.0.1")
	if first, err := r.LookupHost(t.Context(), "rebind.example."); err != nil || first[0] != "203.0.113.7" {
		t.Fatal(first, err)
	}
	for _, host := range []string{"rebind.example.", "localhost.example."} {
		if _, err := (dialer{resolver: r}).dial(t.Context(), "tcp", host+port); !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v", host, err)
		}
	}
	conn, err := dialer{resolver: r, private: true}.dial(t.Context(), "tcp", "rebind.example."+port)
	if err != nil {
		t.Fatal("a host that may be private:", err)
	}
	_ = conn.Close()
	if conn, err = (dialer{}).dial(t.Context(), "tcp", "localhost"+port); err != nil {
		t.Fatal("loopback by its own name:", err)
	}
	_ = conn.Close()
}

func TestPublicAddresses(t *testing.T) {
	for _, ip := range []string{"140.82.121.3", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "100.128.0.1", "2002:808:808::1"} {
		if !public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is refused", ip)
		}
	}
}

func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	t.Setenv("http_proxy", "http://proxy.example:3128")
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	own, ok := c.Transport.(*transport)
	if !ok {
		t.Fatalf("transport is %T", c.Transport)
	}
	if proxy, err := own.next.Proxy(httptest.NewRequest(http.MethodGet, "http://git.example/", nil)); proxy != nil || err != nil {
		t.Errorf("goes by %v (%v)", proxy, err)
	}
}
