package provider

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"unicode"

	"gatehouse/internal/outbound"
)

// Refusal is an error of this package that has a reason. Its text holds no
// token, code or secret, and may be logged.
type Refusal struct {
	Reason Reason
	Link   string // at the host's own address, where the person can do something about it; may be empty
	Login  string // who is signed in there, when known
	Detail string // for the operator: what the host said, one line, at most 200 characters
	Guess  bool   // the host has only said that there is no such repository; the reason is the likeliest
}

func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }

// Dead reports whether the refresh token is worth nothing any more.
func (r *Refusal) Dead() bool { return r.Reason == Dead }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// maxDetail is how many characters of Detail are kept.
const maxDetail = 200

// tidy is the last thing done to an error: a refusal's text becomes one line,
// loses the secrets of the call, and is cut, in this order, for half a secret
// is not found any more. Anything else than a refusal or the end of ctx would
// be a mistake of ours; it counts as Upstream, and its text is kept back.
func (p *Provider) tidy(ctx context.Context, err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var r *Refusal
	if !errors.As(err, &r) {
		r = refuse(Upstream, "the exchange with %s did not end well", p.URL)
	}
	tidied := *r
	tidied.Login = oneLine(r.Login, maxDetail)
	tidied.Detail = oneLine(without(r.Detail, append(secrets, p.ClientSecret)...), maxDetail)
	return &tidied
}

// without is text without the secrets, as they are and as a URL spells them.
func without(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) < 4 { // no secret, and it would tear words apart
			continue
		}
		text = strings.NewReplacer(s, "…", url.QueryEscape(s), "…").Replace(text)
	}
	return text
}

// oneLine is text that is fit for a log and a page: printable, no line breaks
// of any alphabet, no marks that turn text around, at most n characters.
func oneLine(text string, n int) string {
	printable := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	line := []rune(strings.Join(strings.Fields(printable), " "))
	if len(line) > n {
		line = append(line[:n-1], '…')
	}
	return string(line)
}

// unreachable is a failed exchange in our own words. Those of the libraries
// name URLs, and quote what the other side has sent.
func (p *Provider) unreachable(err error) *Refusal {
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	what := "the connection failed"
	switch {
	case errors.Is(err, outbound.ErrPrivate):
		what = outbound.ErrPrivate.Error() + ", and the connector does not say that it may (private)"
	case errors.Is(err, outbound.ErrTooLarge), errors.Is(err, errTooLarge):
		what = outbound.ErrTooLarge.Error()
	case errors.As(err, &dns) && !dns.IsTimeout:
		what = "its name is not known"
	case errors.As(err, &timeout) && timeout.Timeout():
		what = "no answer in time"
	case errors.As(err, &unknown):
		what = "its certificate is of an authority that is not trusted here"
	case errors.As(err, &name):
		what = "its certificate is for another name"
	case errors.As(err, &invalid):
		what = "its certificate is not valid"
	case errors.Is(err, syscall.ECONNREFUSED):
		what = "nothing listens there"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		what = "it broke the connection off"
	}
	return refuse(Upstream, "%s: %s", p.URL, what)
}
