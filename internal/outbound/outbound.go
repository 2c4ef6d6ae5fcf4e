// Package outbound makes the HTTP clients for everything that leaves the
// process: time-outs, no redirects, bounded answers, a proxy and a private
// certificate authority where they are wanted, and a guard against addresses
// that a public name must not lead to.
//
// The guard looks at the address that is dialled, after the name was resolved:
// a name that changes its mind between two look-ups gains nothing.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// Options say how a client reaches its servers. The zero value is right for a
// server on the public internet.
type Options struct {
	// Timeout is for a whole exchange, the body included. 0: 10 s.
	Timeout time.Duration
	// MaxBody is how many bytes of an answer are read, after decompression;
	// more is an error. 0: 1 MiB.
	MaxBody int64
	// CA holds certificates (PEM) that are trusted beside the system's.
	CA []byte
	// Proxy is an HTTP or HTTPS proxy, user and password included. Nil: none,
	// whatever the environment says. It may be at a private address, and what
	// it reaches is its own affair; loopback is never asked of it.
	Proxy *url.URL
	// Private admits servers at loopback, private and link-local addresses.
	// Without it a host name that resolves to one is refused at the dial; an
	// address written literally as loopback is what it says it is.
	Private bool
	// Agent is the User-Agent. Empty: Gatehouse.
	Agent string
}

// What a client refuses. errors.Is finds them in the errors of its Do and of
// reading its answers.
var (
	ErrTooLarge = errors.New("the answer is larger than is read")
	ErrPrivate  = errors.New("the host leads to a loopback, private or link-local address")
)

// maxHeader is how large the header of an answer may be.
const maxHeader = 64 << 10

// New makes a client. It follows no redirect: the answer that asks for one is
// what the caller gets. A CA without a certificate, or a proxy that is neither
// http nor https, is fault.Invalid.
//
// The errors of http.Client name the whole URL: see Redact.
func New(o Options) (*http.Client, error) {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.Agent == "" {
		o.Agent = "Gatehouse"
	}
	tlsConfig, err := trust(o.CA)
	if err != nil {
		return nil, err
	}
	if o.Proxy != nil && (o.Proxy.Scheme != "http" && o.Proxy.Scheme != "https" || o.Proxy.Hostname() == "") {
		return nil, fault.New(fault.Invalid, "This is not the address of a proxy: write http://host:port.")
	}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &transport{
			agent: o.Agent, maxBody: o.MaxBody, private: o.Private,
			next: &http.Transport{
				Proxy:                  through(o.Proxy),
				DialContext:            dialer{private: o.Private, proxy: o.Proxy}.dial,
				TLSClientConfig:        tlsConfig,
				TLSHandshakeTimeout:    o.Timeout,
				ForceAttemptHTTP2:      true,
				MaxIdleConnsPerHost:    4,
				MaxConnsPerHost:        32,
				IdleConnTimeout:        time.Minute,
				MaxResponseHeaderBytes: maxHeader,
			},
		},
	}, nil
}

func trust(pem []byte) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(pem) == 0 {
		return c, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil { // a system without authorities: ours alone, then
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "There is no certificate in the CA: it has to be in PEM form, -----BEGIN CERTIFICATE-----.")
	}
	c.RootCAs = pool
	return c, nil
}

// through chooses the proxy of a request.
func through(proxy *url.URL) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if isLoopback(r.URL.Hostname()) {
			return nil, nil
		}
		return proxy, nil
	}
}

// isLoopback reports whether a host is written as this machine: localhost, or
// a loopback address. A name that merely resolves to one is not.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
