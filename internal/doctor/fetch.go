package doctor

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/internal/outbound"
)

// maxBody is how much of an answer is looked at.
const maxBody = 2 << 20

// answer is what a server has said.
type answer struct {
	url    *url.URL // that was asked
	status int
	header http.Header
	body   []byte
}

// send makes one request. An answer that breaks off is an error.
func (x *exam) send(req *http.Request) (*answer, error) {
	res, err := x.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read as far as it will be
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, err
	}
	return &answer{url: req.URL, status: res.StatusCode, header: res.Header, body: body}, nil
}

// get asks once and follows nothing.
func (x *exam) get(address string) (*answer, error) {
	req, err := http.NewRequestWithContext(x.ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	return x.send(req)
}

// maxHops is how many redirects are followed.
const maxHops = 5

var errHops = errors.New("there are more than five redirects")

// follow asks and goes where redirects lead, with nothing from one address to
// the next.
func (x *exam) follow(address string) (*answer, error) {
	for range maxHops + 1 {
		a, err := x.get(address)
		if err != nil {
			return nil, err
		}
		next := a.redirect()
		if next == nil {
			return a, nil
		}
		address = next.String()
	}
	return nil, errHops
}

// redirect is where the answer leads; nil: nowhere.
func (a *answer) redirect() *url.URL {
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	next, err := a.url.Parse(a.header.Get("Location"))
	if err != nil || next.Host == "" || next.Scheme != "http" && next.Scheme != "https" || next.String() == a.url.String() {
		return nil
	}
	next.Fragment = ""
	return next
}

// isHTML reports whether the answer is a page, whatever its type says.
func (a *answer) isHTML() bool {
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(a.body, []byte("\ufeff")), " \t\r\n"))
	return bytes.HasPrefix(start, []byte("<!doctype")) || bytes.HasPrefix(start, []byte("<html")) || bytes.HasPrefix(start, []byte("<head"))
}

// why says in a few words why a request failed, without repeating its URL.
func why(err error) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var cert x509.CertificateInvalidError
	var timeout interface{ Timeout() bool }
	var op *net.OpError
	switch {
	case errors.Is(err, outbound.ErrPrivate):
		return "its name leads to a private address"
	case errors.Is(err, outbound.ErrTooLarge):
		return "its answer is too large"
	case errors.Is(err, errHops):
		return "it redirects without end"
	case errors.As(err, &dns):
		return "there is no such host"
	case errors.As(err, &unknown):
		return "its certificate comes from an authority that is not known here"
	case errors.As(err, &name):
		return "its certificate is for another name"
	case errors.As(err, &cert):
		return "its certificate is not valid (expired, perhaps)"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	case errors.As(err, &op) && op.Op == "dial":
		return "the connection is refused"
	}
	return "it broke off the answer, or speaks something else than HTTP"
}

// originOf is scheme://host[:port] as browsers send it.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// isLoopback reports whether a host name is this machine by its form.
func isLoopback(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Loopback reports whether an address, as people write it, is this machine's
// own.
func Loopback(raw string) bool {
	u, err := startURL(raw)
	return err == nil && isLoopback(u.Hostname())
}
