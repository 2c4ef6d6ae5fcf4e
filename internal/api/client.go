package api

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr is the address that a request came from. Behind proxies named in
// trusted it is the last address of X-Forwarded-For that is not such a proxy;
// anybody else's X-Forwarded-For counts for nothing. The zero Addr means that
// the connection has no IP address (a Unix socket).
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := parseAddr(r.RemoteAddr)
	if !within(peer, trusted) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := parseAddr(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			return peer
		}
		if peer = hop; !within(hop, trusted) {
			return hop
		}
	}
	return peer
}

// TrustProxies replaces RemoteAddr by the client's own address, so that what
// lies behind it can call ClientAddr with no proxies.
func TrustProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := ClientAddr(r, trusted); a.IsValid() {
			r.RemoteAddr = net.JoinHostPort(a.String(), "0")
		}
		next.ServeHTTP(w, r)
	})
}

func within(a netip.Addr, nets []netip.Prefix) bool {
	for _, n := range nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr reads "addr", "addr:port" or "[addr]:port".
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
