package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
)

// Bounds of one delivery.
const (
	dialTime    = 15 * time.Second
	deliverTime = 2 * time.Minute
	maxReplies  = 1 << 20 // bytes that a server may say
)

// step is how far a delivery came.
type step int

const (
	stepDial step = iota
	stepGreet
	stepTLS
	stepAuth
	stepFrom
	stepTo
	stepData
)

// refusal is a delivery that failed.
type refusal struct {
	step step
	err  error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// errors of our own in a conversation.
var (
	errNoTLS  = errors.New("no STARTTLS is offered")
	errNoAuth = errors.New("no authentication is offered")
	errNoUTF8 = errors.New("no SMTPUTF8 is offered")
	errTalk   = errors.New("the server talks without end")
)

// deliver hands an envelope over and returns what the server answered. A nil
// error means that the server has taken responsibility for it.
func (p *Post) deliver(ctx context.Context, e envelope) (answer string, failed *refusal) {
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	config, err := p.tlsConfig()
	if err != nil {
		return "", &refusal{stepDial, err}
	}
	conn, failed := p.dial(ctx, config)
	if failed != nil {
		return "", failed
	}
	defer func() { _ = conn.Close() }() // closed already after a whole conversation
	// Whatever the conversation waits for, it ends with ctx.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, err := smtp.NewClient(conn, p.server.Host)
	if err != nil {
		return "", &refusal{stepGreet, ended(ctx, err)}
	}
	answer, failed = p.converse(c, e, config)
	if failed != nil {
		failed.err = ended(ctx, failed.err)
	}
	return answer, failed
}

// ended names the end of the context instead of the closed connection that it
// looked like.
func ended(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	return err
}

func (p *Post) dial(ctx context.Context, config *tls.Config) (net.Conn, *refusal) {
	d := net.Dialer{Timeout: dialTime}
	raw, err := d.DialContext(ctx, "tcp", p.server.Address())
	if err != nil {
		return nil, &refusal{stepDial, err}
	}
	conn := &meteredConn{Conn: raw, left: maxReplies}
	if p.server.Encryption != outbound.ImplicitTLS {
		return conn, nil
	}
	secure := tls.Client(conn, config)
	hello, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if err := secure.HandshakeContext(hello); err != nil {
		_ = raw.Close() // the handshake is what failed
		return nil, &refusal{stepTLS, err}
	}
	return secure, nil
}

// converse is the whole of SMTP that there is.
func (p *Post) converse(c *smtp.Client, e envelope, config *tls.Config) (string, *refusal) {
	if err := c.Hello(p.host(e.from)); err != nil {
		return "", &refusal{stepGreet, err}
	}
	if p.server.Encryption == outbound.StartTLS {
		if offered, _ := c.Extension("STARTTLS"); !offered {
			return "", &refusal{stepTLS, errNoTLS}
		}
		if err := c.StartTLS(config); err != nil {
			return "", &refusal{stepTLS, err}
		}
	}
	if err := p.authenticate(c); err != nil {
		return "", &refusal{stepAuth, err}
	}
	// SMTPUTF8 is asked for only when the address needs it: not every server on
	// the way understands it.
	c.SkipSMTPUTF8(ascii(e.to))
	if offered, _ := c.Extension("SMTPUTF8"); !offered && !ascii(e.to) {
		return "", &refusal{stepTo, errNoUTF8}
	}
	if err := c.Mail("<" + e.from + ">"); err != nil {
		return "", &refusal{stepFrom, err}
	}
	if err := c.Rcpt("<" + e.to + ">"); err != nil {
		return "", &refusal{stepTo, err}
	}
	answer, err := send(c, e.data)
	if err != nil {
		return "", &refusal{stepData, err}
	}
	// The mail is theirs now: how the goodbye goes does not matter.
	_ = c.Quit()
	return answer, nil
}

func send(c *smtp.Client, data []byte) (string, error) {
	w, err := c.Data()
	if err != nil {
		return "", err
	}
	if _, err := w.Write(data); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	answer := ""
	if d, ok := w.(*smtp.DataCloser); ok {
		answer = d.ServerResponse()
	}
	return answer, nil
}

// authenticate signs in with the strongest of what is offered. The password
// itself crosses only an encrypted connection, or none but this machine's.
func (p *Post) authenticate(c *smtp.Client) error {
	s := p.server
	if s.User == "" {
		return nil
	}
	_, offer := c.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(offer))
	for _, way := range []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(s.User, s.Password)},
		{"PLAIN", smtp.PlainAuth("", s.User, s.Password, s.Host, s.Encryption == outbound.NoTLS)},
		{"LOGIN", smtp.LoginAuth(s.User, s.Password, s.Host, s.Encryption == outbound.NoTLS)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(s.User, s.Password)},
	} {
		if slices.Contains(offered, way.name) {
			return c.Auth(way.auth)
		}
	}
	return errNoAuth
}

func (p *Post) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: p.server.Host, MinVersion: tls.VersionTLS12}
	if len(p.CA) == 0 {
		return config, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(p.CA) {
		return nil, fault.New(fault.Invalid, "The certificate authority for the mail server holds no certificate (PEM).")
	}
	config.RootCAs = pool
	return config, nil
}

// meteredConn is a connection that hears so much and no more.
type meteredConn struct {
	net.Conn
	left int
}

func (c *meteredConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalk
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}
