package outbound

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// dialer opens connections to where they may go.
type dialer struct {
	private  bool
	proxy    *url.URL
	resolver *net.Resolver // nil: the system's
}

func (d dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	allowed := public
	switch {
	case d.private, d.proxy != nil && addr == authority(d.proxy):
		allowed = func(netip.Addr) bool { return true }
	case isLoopback(host):
		allowed = netip.Addr.IsLoopback
	}
	dial := net.Dialer{
		Timeout:  10 * time.Second,
		Resolver: d.resolver,
		// Called with the address that is about to be dialled, for each one
		// that the name has.
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !allowed(to.Addr().Unmap()) {
				return ErrPrivate
			}
			return nil
		},
	}
	return dial.DialContext(ctx, network, addr)
}

// authority is the host:port that http.Transport dials for a proxy.
func authority(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// reserved is what is neither on the public internet nor said so by netip.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),      // this network
	netip.MustParsePrefix("100.64.0.0/10"),  // behind a carrier's NAT
	netip.MustParsePrefix("192.0.0.0/24"),   // protocol assignments
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved, broadcast
	netip.MustParsePrefix("64:ff9b:1::/48"), // local NAT64
	netip.MustParsePrefix("2001::/32"),      // Teredo: an IPv4 address in disguise
	netip.MustParsePrefix("fec0::/10"),      // site-local
}

// These carry an IPv4 address that a gateway dials for us.
var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	sixToIn = netip.MustParsePrefix("2002::/16")
)

// public reports whether an address is on the public internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return public(netip.AddrFrom4([4]byte(b[12:16])))
	case sixToIn.Contains(ip):
		return public(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return true
}
