package outbound

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
)

// transport is what all requests have in common.
type transport struct {
	next    *http.Transport
	agent   string
	maxBody int64
	private bool
}

// RoundTrip names us, refuses what a proxy would else be asked to reach, and
// bounds the answer.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if ip, err := netip.ParseAddr(r.URL.Hostname()); err == nil && !t.private && !public(ip) && !ip.Unmap().IsLoopback() {
		return nil, ErrPrivate
	}
	if r.Header.Get("User-Agent") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", t.agent)
	}
	res, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &bounded{body: res.Body, left: t.maxBody}
	return res, nil
}

// CloseIdleConnections is for http.Client's method of that name.
func (t *transport) CloseIdleConnections() { t.next.CloseIdleConnections() }

// bounded is a body that fails instead of going on for ever. What it counts is
// decompressed already.
type bounded struct {
	body io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 { // one more than allowed shows that there is more
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }

// Redact is err without what a URL may hold that is nobody's business: path,
// query, user and password. http.Client puts the whole URL into its errors.
func Redact(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	where := "the address"
	if parsed, err := url.Parse(u.URL); err == nil && parsed.Host != "" {
		where = parsed.Scheme + "://" + parsed.Host
	}
	return &url.Error{Op: u.Op, URL: where, Err: Redact(u.Err)}
}
