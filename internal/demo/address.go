package demo

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"gatehouse/internal/fault"
)

// CheckAddr refuses an address that others could reach: the start page shows
// passwords.
func CheckAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return fault.Wrap(fault.Invalid, orInvalid(err), "--addr is a host and a port, such as 127.0.0.1:8484.")
	}
	if !loopbackName(host) {
		return fault.New(fault.Invalid, "The demo does not listen on %s: its start page shows passwords, so it stays on this machine. Use 127.0.0.1:%s, or run 'gatehouse serve' with a configuration of your own.", addr, port)
	}
	return nil
}

func orInvalid(err error) error {
	if err == nil {
		return fault.New(fault.Invalid, "no port")
	}
	return err
}

func loopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// loopbackOnly refuses requests that came under another name, which is how a
// page elsewhere would read this server through its own name (DNS rebinding).
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !loopbackName(host) {
			http.Error(w, "The demo answers on this machine only: open it as http://127.0.0.1 with its port.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
