package mail

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"gatehouse/internal/fault"
	"gatehouse/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token = "tok3n-of-many-letters"
	link  = "https://cms.example.org/s/blog/invite?token=" + token
)

// clock is a time that only tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// logbook is a log that many may write to.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// office is a Post with all that is around it.
type office struct {
	*Post
	clock *clock
	book  *logbook
}

func newOffice(t testing.TB, smtpURL string) office {
	t.Helper()
	o := office{clock: newClock(), book: &logbook{}}
	o.Post = &Post{
		Store: storetest.Open(t), SMTP: smtpURL, From: "cms@example.org", Host: "cms.example.org", Now: o.clock.Now,
		Brand: func(site string) Brand {
			if site != "blog" {
				return Brand{}
			}
			return Brand{Name: "The Blog", URL: "https://blog.example.org"}
		},
		Slog: slog.New(slog.NewTextHandler(o.book, nil)),
	}
	return o
}

// run delivers everything that is due at the clock's time.
func (o office) run(t testing.TB) (n int) {
	t.Helper()
	check(t, o.ready())
	for {
		m, found := o.take(t.Context())
		if !found {
			return n
		}
		o.try(t.Context(), m)
		n++
	}
}

func (o office) queue(t testing.TB, m Message) string {
	t.Helper()
	id, err := o.Queue(t.Context(), m)
	check(t, err)
	return id
}

func (o office) get(t testing.TB, id string) Mail {
	t.Helper()
	m, err := o.Get(t.Context(), id)
	check(t, err)
	return m
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if !fault.Is(err, k) {
		t.Errorf("error is %v, want one of kind %v", err, k)
	}
}

func invitation() Message {
	return Message{Kind: Invite, Site: "blog", To: "mara@example.org", Name: "Mara", Link: link, Data: map[string]string{"by": "Olga", "roles": "editor"}}
}

// mailbox is a mail server on this machine.
type mailbox struct {
	address string
	// answer decides about each command (MAIL, RCPT, DATA, AUTH) and its
	// argument; nil takes everything.
	answer func(command, argument string) error

	mu  sync.Mutex
	got []received
}

type received struct {
	from, to string
	data     string
	utf8     bool
	hello    string
	secure   bool
}

// open starts a server. With a certificate it offers STARTTLS, or is TLS from
// the start when implicit.
func (b *mailbox) open(t testing.TB, cert *tls.Certificate, implicit bool) *mailbox {
	t.Helper()
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{box: b, conn: c}, nil
	}))
	s.Domain, s.AllowInsecureAuth, s.EnableSMTPUTF8 = "mail.test", true, true
	s.ErrorLog = quiet{}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	b.address = l.Addr().String()
	if cert != nil {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
		if implicit {
			l = tls.NewListener(l, s.TLSConfig)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return b
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (b *mailbox) mails() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.got...)
}

func (b *mailbox) decide(command, argument string) error {
	if b.answer == nil {
		return nil
	}
	return b.answer(command, argument)
}

type session struct {
	box  *mailbox
	conn *smtp.Conn
	now  received
}

func (s *session) Reset()        { s.now = received{} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.now = received{from: from, utf8: o.UTF8, hello: s.conn.Hostname()}
	_, s.now.secure = s.conn.TLSConnectionState()
	return s.box.decide("MAIL", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = to
	return s.box.decide("RCPT", to)
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.now.data = string(data)
	if err := s.box.decide("DATA", s.now.data); err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.got = append(s.box.got, s.now)
	return nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user == "ann" && password == "hunter2hunter2" {
			return nil
		}
		return errors.New("no")
	}), nil
}

// reply is a server's refusal.
func reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
}

// certificate is a new one for this machine, and its authority in PEM.
func certificate(t testing.TB, names ...string) (*tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, DNSNames: names,
	}
	if len(names) == 0 {
		plan.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, &key.PublicKey, key)
	check(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// parsed is a mail as a mail program sees it.
type parsed struct {
	header     netmail.Header
	text, html string
}

func parse(t testing.TB, data string) parsed {
	t.Helper()
	for l := range strings.SplitSeq(data, "\r\n") {
		if len(l) > 998 || strings.ContainsAny(l, "\r\n") {
			t.Errorf("a line of %d bytes, or one with half an end: %.80q", len(l), l)
		}
		if strings.ContainsFunc(l, func(r rune) bool { return r > '~' }) {
			t.Errorf("a line is not ASCII: %q", l)
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(data))
	check(t, err)
	media, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || media != "multipart/alternative" {
		t.Fatalf("content type is %q (%v)", m.Header.Get("Content-Type"), err)
	}
	p := parsed{header: m.Header}
	r := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []string{"text/plain", "text/html"} {
		part, err := r.NextRawPart()
		check(t, err)
		media, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || media != want || !strings.EqualFold(params["charset"], "utf-8") || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("part is %v (%v), want %s", part.Header, err, want)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		check(t, err)
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if want == "text/plain" {
			p.text = text
		} else {
			p.html = text
		}
	}
	if _, err := r.NextPart(); !errors.Is(err, io.EOF) {
		t.Errorf("there are more than two parts: %v", err)
	}
	return p
}

// word decodes a header.
func word(t testing.TB, s string) string {
	t.Helper()
	out, err := new(mime.WordDecoder).DecodeHeader(s)
	check(t, err)
	return out
}

// background runs f until the returned function is called.
func background(f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	return func() { cancel(); <-done }
}
