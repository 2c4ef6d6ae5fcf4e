package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strings"
	"syscall"
)

// forever reports whether trying again is of no use: the server has refused the
// recipient or the message itself, and not only for now. What it has against the
// sender or the sign-in can be mended by the operator.
func (r *refusal) forever() bool {
	var reply *textproto.Error
	return (r.step == stepTo || r.step == stepData) && errors.As(r.err, &reply) && reply.Code >= 500 || errors.Is(r.err, errNoUTF8)
}

// explain says in words what failed, and what to do about it. It is kept, logged
// and shown: nothing of the link or of the password may be in it, even when the
// server repeats them.
func (p *Post) explain(r *refusal, link string) string {
	return line(p.hide(p.reason(r), link), maxReason)
}

// maxReason is how long an explanation is at most, in characters.
const maxReason = 500

// hide takes out what must not be said.
func (p *Post) hide(text, link string) string {
	for _, secret := range p.secrets(link) {
		text = strings.ReplaceAll(text, secret, "[…]")
	}
	return text
}

func (p *Post) reason(r *refusal) string {
	server := "The mail server " + p.server.Address()
	var reply *textproto.Error
	if errors.As(r.err, &reply) {
		return fmt.Sprintf("%s %s: %d %s", server, p.objection(r.step), reply.Code, reply.Msg)
	}
	if said := p.own(r, server); said != "" {
		return said
	}
	if said := transportTrouble(r, server); said != "" {
		return said
	}
	return server + " broke off the conversation: " + r.err.Error() + "."
}

// objection is what a server's reply was about.
func (p *Post) objection(at step) string {
	switch at {
	case stepTLS:
		return "did not begin TLS"
	case stepAuth:
		return "does not accept user name and password (mail.smtp)"
	case stepFrom:
		return "does not accept the sender (mail.from)"
	case stepTo:
		return "does not accept the recipient"
	case stepData:
		return "does not accept the message"
	default:
		return "turned us away"
	}
}

// own explains what we ourselves refuse.
func (p *Post) own(r *refusal, server string) string {
	switch {
	case errors.Is(r.err, errNoTLS):
		return server + " does not offer STARTTLS, and nothing is sent in the clear. Is it a server for smtps://? If it is in a network of your own, write ?tls=none behind its address."
	case errors.Is(r.err, errNoAuth):
		return server + " offers none of the ways to sign in that are known here (SCRAM-SHA-256, PLAIN, LOGIN, CRAM-MD5). Leave user name and password out if it wants none."
	case errors.Is(r.err, errNoUTF8):
		return server + " does not take addresses with other than ASCII letters before the @."
	case errors.Is(r.err, errTalk):
		return server + " talks without end; it is probably no mail server."
	case errors.Is(r.err, context.DeadlineExceeded), errors.Is(r.err, os.ErrDeadlineExceeded):
		return server + " did not answer in time."
	case errors.Is(r.err, context.Canceled):
		return "Gatehouse was stopped before the mail was handed over."
	}
	return ""
}

// transportTrouble explains what keeps us from a server.
func transportTrouble(r *refusal, server string) string {
	var dns *net.DNSError
	var timeout net.Error
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var protocol textproto.ProtocolError
	switch {
	case errors.As(r.err, &dns) && dns.IsNotFound:
		return server + " does not exist: its name is not known. Look at mail.smtp."
	case errors.As(r.err, &dns):
		return server + " cannot be looked up: the name service does not answer."
	case errors.Is(r.err, syscall.ECONNREFUSED):
		return server + " refuses connections: nothing listens there. Is the port right?"
	case errors.As(r.err, &authority):
		return server + " has a certificate of an authority that is not known here. Name it in mail.ca if it is your own."
	case errors.As(r.err, &name):
		return server + " has a certificate for another name. Write the name that the certificate is for in mail.smtp."
	case errors.As(r.err, &invalid):
		return server + " has a certificate that is not valid: " + invalid.Error() + "."
	case errors.As(r.err, &record):
		return server + " does not speak TLS at this port. Use smtp:// instead of smtps:// for STARTTLS."
	case errors.As(r.err, &protocol):
		return server + " answers with something else than SMTP. Is the port right? (465 wants smtps://, 587 smtp://.)"
	case errors.As(r.err, &timeout) && timeout.Timeout():
		return server + " did not answer in time. Is the port closed by a firewall?"
	case r.step == stepDial:
		return server + " cannot be reached: " + r.err.Error() + "."
	}
	return ""
}

// How long a part of a link is that may be a token, and a password that does not
// turn up in any sentence by chance.
const (
	minToken    = 12
	minPassword = 4
)

// secrets are the texts that must not be said: the link, what in it may be a
// token, and the password.
func (p *Post) secrets(link string) []string {
	var all []string
	if link != "" {
		all = append(all, link)
		_, rest, _ := strings.Cut(link, "://")
		_, rest, _ = strings.Cut(rest, "/")
		for _, part := range strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("/?&=#.", r) }) {
			if len(part) >= minToken {
				all = append(all, part)
			}
		}
	}
	if s := p.server; len(s.Password) >= minPassword {
		code := base64.StdEncoding.EncodeToString
		all = append(all, s.Password, code([]byte(s.Password)), code([]byte("\x00"+s.User+"\x00"+s.Password)))
	}
	return all
}
