package app

import (
	"crypto/tls"
	"errors"
	"sync/atomic"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
)

// certificates holds the certificate in use; a reload replaces it.
type certificates struct {
	current atomic.Pointer[tls.Certificate]
}

// load reads the files that t names, if any. On failure the former certificate
// stays.
func (c *certificates) load(t config.TLS) error {
	if !t.Enabled() {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "The certificate %s cannot be used.", t.Cert)
	}
	c.current.Store(&cert)
	return nil
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if cert := c.current.Load(); cert != nil {
				return cert, nil
			}
			return nil, errors.New("no certificate is loaded")
		},
	}
}
