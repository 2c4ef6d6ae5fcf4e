package app

import (
	"crypto/tls"
	"errors"
	"sync/atomic"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
)

// certificates holds the certificate in use; a reload replaces it.
type certificates struct {
	current atomic.Pointer[tls.Certificate]  // from files
	acme    atomic.Pointer[autocert.Manager] // goes before it
}

// order has certificates made by Let's Encrypt, for these domains alone, when
// they are first asked for.
func (c *certificates) order(t config.TLS) {
	c.acme.Store(&autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(t.Cache), Email: t.Email,
		HostPolicy: autocert.HostWhitelist(t.Domains...),
	})
}

// load reads the files that t names, if any. On failure the former certificate
// stays.
func (c *certificates) load(t config.TLS) error {
	if len(t.Domains) > 0 {
		c.order(t)
		return nil
	}
	if !t.Enabled() {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "The certificate %s cannot be used.", t.Cert)
	}
	c.current.Store(&cert)
	c.acme.Store(nil)
	return nil
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}, // the last: proof that the domain is ours
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if m := c.acme.Load(); m != nil {
				return m.GetCertificate(hello)
			}
			if cert := c.current.Load(); cert != nil {
				return cert, nil
			}
			return nil, errors.New("no certificate is loaded")
		},
	}
}
