// Package outbound makes the HTTP clients for everything that leaves the
// process: time-outs, no redirects, bounded answers, a proxy and a private
// certificate authority where they are wanted, and a guard against addresses
// that a public name must not lead to.
package outbound

import (
	"net/url"
	"time"
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
	// whatever the environment says.
	Proxy *url.URL
	// Private admits servers at loopback, private and link-local addresses.
	// Without it a host name that resolves to one is refused at the dial; an
	// address written literally as loopback is what it says it is.
	Private bool
	// Agent is the User-Agent. Empty: Gatehouse.
	Agent string
}
