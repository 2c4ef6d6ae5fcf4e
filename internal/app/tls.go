package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"reflect"
	"sync/atomic"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
)

// certificates is where certificates come from; a reload replaces it.
type certificates struct{ current atomic.Pointer[source] }

// source hands out the certificates that one configuration means.
type source struct {
	settings config.TLS
	get      func(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// prepare makes the source for t, without putting it into use; nil when TLS is
// ended elsewhere. A source that orders certificates is kept as long as its
// settings are the same, since it goes on renewing them.
func (c *certificates) prepare(t config.TLS) (*source, error) {
	switch now := c.current.Load(); {
	case !t.Enabled():
		return nil, nil
	case len(t.Domains) == 0:
		return readCertificate(t)
	case now != nil && reflect.DeepEqual(now.settings, t):
		return now, nil
	default:
		return orderCertificates(t)
	}
}

// readCertificate reads the files that t names.
func readCertificate(t config.TLS) (*source, error) {
	cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The certificate %s cannot be used.", t.Cert)
	}
	return &source{t, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }}, nil
}

// orderCertificates has certificates made for the domains of t, and for no
// others, when they are first asked for.
func orderCertificates(t config.TLS) (*source, error) {
	client := &acme.Client{DirectoryURL: t.Directory, UserAgent: "gatehouse"}
	if t.CA != "" {
		roots, err := readRoots(t.CA)
		if err != nil {
			return nil, err
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		client.HTTPClient = &http.Client{Transport: transport}
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(t.Cache), Email: t.Email,
		HostPolicy: autocert.HostWhitelist(t.Domains...), Client: client,
	}
	return &source{t, m.GetCertificate}, nil
}

func readRoots(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The file %s of tls.ca cannot be read.", file)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fault.New(fault.Invalid, "The file %s of tls.ca has no certificate in it (PEM).", file)
	}
	return roots, nil
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}, // the last: proof that the domain is ours
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if s := c.current.Load(); s != nil {
				return s.get(hello)
			}
			return nil, errors.New("no certificate is loaded")
		},
	}
}
