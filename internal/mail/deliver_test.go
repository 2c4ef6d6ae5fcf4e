package mail

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestInvitationArrives(t *testing.T) {
	box := (&mailbox{}).open(t, nil, false)
	o := newOffice(t, "smtp://ann:hunter2hunter2@"+box.address)
	m := invitation()
	m.Expires = o.clock.Now().Add(7 * 24 * time.Hour)
	id := o.queue(t, m)
	if got := o.get(t, id); got.Status != Waiting || got.To != "mara@example.org" || got.Subject != "Invitation to The Blog" {
		t.Errorf("queued: %+v", got)
	}
	o.clock.Advance(time.Second)
	if n := o.run(t); n != 1 {
		t.Fatalf("%d were tried", n)
	}
	if got := o.get(t, id); got.Status != Sent || got.Tries != 1 || !got.Sent.Equal(o.clock.Now()) || got.Error != "" {
		t.Errorf("sent: %+v", got)
	}
	all := box.mails()
	if len(all) != 1 || all[0].from != "cms@example.org" || all[0].to != "mara@example.org" || all[0].hello != "cms.example.org" || all[0].utf8 {
		t.Fatalf("the server got %+v", all)
	}
	p := parse(t, all[0].data)
	for name, want := range map[string]string{
		"From":             `"The Blog" <cms@example.org>`,
		"To":               `"Mara" <mara@example.org>`,
		"Subject":          "Invitation to The Blog",
		"Date":             "Sun, 01 Mar 2026 09:00:00 +0000",
		"Message-Id":       "<" + strings.ToLower(id) + "@cms.example.org>",
		"Auto-Submitted":   "auto-generated",
		"Content-Language": "en",
		"Mime-Version":     "1.0",
		"User-Agent":       "",
		"X-Mailer":         "",
	} {
		if got := p.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{"Hello Mara,\n", "Olga invites you to work on The Blog as editor.", "\n" + link + "\n", "good for 7 days and once"} {
		if !strings.Contains(p.text, want) {
			t.Errorf("the text lacks %q:\n%s", want, p.text)
		}
	}
	if !strings.Contains(p.html, `<a href="`+link+`"`) || !strings.Contains(p.html, `lang="en" dir="ltr"`) {
		t.Errorf("the page is\n%s", p.html)
	}
	if strings.Contains(o.book.String(), token) {
		t.Errorf("the log has a token:\n%s", o.book)
	}
}

func TestConnectionsAreEncrypted(t *testing.T) {
	cert, ca := certificate(t)
	other, otherCA := certificate(t, "mail.example.org")
	for name, c := range map[string]struct {
		url  string // with HOST
		box  *mailbox
		ca   []byte
		says string // empty: it is sent
		safe bool
	}{
		"STARTTLS":                {"smtp://ann:hunter2hunter2@HOST?tls=starttls", (&mailbox{}).open(t, cert, false), ca, "", true},
		"from the start":          {"smtps://ann:hunter2hunter2@HOST", (&mailbox{}).open(t, cert, true), ca, "", true},
		"none, by wish":           {"smtp://HOST?tls=none", (&mailbox{}).open(t, nil, false), nil, "", false},
		"unknown authority":       {"smtps://ann:hunter2hunter2@HOST", (&mailbox{}).open(t, cert, true), nil, "mail.ca", false},
		"unknown after STARTTLS":  {"smtp://ann:hunter2hunter2@HOST?tls=starttls", (&mailbox{}).open(t, cert, false), nil, "mail.ca", false},
		"another name":            {"smtps://ann:hunter2hunter2@HOST", (&mailbox{}).open(t, other, true), otherCA, "certificate for another name", false},
		"no STARTTLS":             {"smtp://ann:hunter2hunter2@HOST?tls=starttls", (&mailbox{}).open(t, nil, false), ca, "does not offer STARTTLS", false},
		"STARTTLS, not the start": {"smtps://ann:hunter2hunter2@HOST", (&mailbox{}).open(t, nil, false), ca, "does not speak TLS at this port", false},
		"wrong password":          {"smtp://ann:hunter3hunter3@HOST", (&mailbox{}).open(t, nil, false), nil, "does not accept user name and password", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, strings.Replace(c.url, "HOST", c.box.address, 1))
			o.CA = c.ca
			answer, err := o.Test(t.Context(), Message{Kind: Test, To: "mara@example.org"})
			if c.says != "" {
				if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Message(err), c.says) || strings.Contains(err.Error(), "hunter") {
					t.Errorf("error is %v, want one that says %q", err, c.says)
				}
				if len(c.box.mails()) != 0 {
					t.Error("it was sent all the same")
				}
				return
			}
			if all := c.box.mails(); err != nil || len(all) != 1 || all[0].secure != c.safe || !strings.Contains(answer, "OK") {
				t.Errorf("%q %v %+v", answer, err, all)
			}
		})
	}
}

func TestWhatTheServerRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		code    int
		status  Status
		says    string
	}{
		"greylisting":       {"RCPT", 450, Waiting, "does not accept the recipient: 450"},
		"no such mailbox":   {"RCPT", 550, Failed, "does not accept the recipient: 550"},
		"sender":            {"MAIL", 550, Waiting, "does not accept the sender (mail.from): 550"},
		"content":           {"DATA", 554, Failed, "does not accept the message: 554"},
		"content, just now": {"DATA", 451, Waiting, "does not accept the message: 451"},
	} {
		t.Run(name, func(t *testing.T) {
			box := (&mailbox{answer: func(command, _ string) error {
				if command == c.command {
					return reply(c.code, "go away, hunter2hunter2, with "+link+" or "+token)
				}
				return nil
			}}).open(t, nil, false)
			o := newOffice(t, "smtp://ann:hunter2hunter2@"+box.address)
			id := o.queue(t, invitation())
			o.run(t)
			m := o.get(t, id)
			if m.Status != c.status || !strings.Contains(m.Error, c.says) || m.Tries != 1 {
				t.Errorf("%+v", m)
			}
			if said := m.Error + o.book.String(); strings.Contains(said, token) || strings.Contains(said, "hunter2") || !strings.Contains(said, "[…]") {
				t.Errorf("a secret is told:\n%s\n%s", m.Error, o.book)
			}
		})
	}
}

// talker is a server that says what it says.
func talker(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talk(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestServersThatAreNone(t *testing.T) {
	nobody, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	check(t, nobody.Close())
	for name, c := range map[string]struct {
		address string
		says    string
	}{
		"nobody there": {nobody.Addr().String(), "refuses connections"},
		"web server":   {talker(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "something else than SMTP"},
		"silence":      {talker(t, func(net.Conn) {}), "broke off the conversation"},
		"turned away":  {talker(t, func(c net.Conn) { _, _ = io.WriteString(c, "554 no service here\r\n") }), "turned us away: 554 no service here"},
		"endless": {talker(t, func(c net.Conn) {
			w := bufio.NewWriter(c)
			for range 2 << 20 / 10 {
				if _, err := w.WriteString("220-hello\r\n"); err != nil {
					return
				}
			}
		}), "talks without end"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "smtp://"+c.address)
			if _, err := o.Test(t.Context(), Message{Kind: Test, To: "mara@example.org"}); err == nil || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
		})
	}
}

// A server that hangs must not hold a mail, or the end of the process, for ever.
func TestHangingServerIsCutOff(t *testing.T) {
	connected := make(chan struct{})
	release := make(chan struct{})
	address := talker(t, func(net.Conn) { close(connected); <-release })
	defer close(release)
	o := newOffice(t, "smtp://"+address)
	id := o.queue(t, invitation())
	m, found := o.take(t.Context())
	if !found {
		t.Fatal("nothing is due")
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-connected; cancel() }()
	o.try(ctx, m)
	if got := o.get(t, id); got.Status != Waiting || got.Tries != 0 || got.Error != "" {
		t.Errorf("a mail that we dropped ourselves is %+v", got)
	}
}

func TestNothingGetsIntoTheHeaders(t *testing.T) {
	box := (&mailbox{}).open(t, nil, false)
	evil := "x\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script>"
	o := newOffice(t, "smtp://"+box.address)
	o.Brand = func(string) Brand {
		return Brand{Sender: `The "Blog" ` + evil, Name: "Blog " + evil, URL: "javascript:alert(1)", Logo: "javascript:alert(1)", Language: evil}
	}
	for _, kind := range Kinds() {
		m := Message{Kind: kind, Site: evil, To: "mara@example.org", Name: evil, Language: evil, Link: link, Data: map[string]string{}}
		for _, key := range []string{"by", "roles", "old", "new", "method", "title", "collection"} {
			m.Data[key] = evil + strings.Repeat(" long", 500)
		}
		o.queue(t, m)
	}
	o.run(t)
	all := box.mails()
	if len(all) != len(Kinds()) {
		t.Fatalf("%d of %d arrived", len(all), len(Kinds()))
	}
	for _, got := range all {
		p := parse(t, got.data)
		if p.header.Get("Bcc") != "" || len(p.header["Subject"]) != 1 || strings.ContainsAny(word(t, p.header.Get("Subject")), "\r\n") {
			t.Errorf("headers are %v", p.header)
		}
		from, err := p.header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "cms@example.org" || !strings.HasPrefix(from[0].Name, `The "Blog" x Bcc:`) {
			t.Errorf("from is %v (%v)", from, err)
		}
		if strings.Contains(p.html, "<script") || strings.Contains(p.html, "javascript:") {
			t.Errorf("the page is\n%s", p.html)
		}
	}
}

func TestAddressesOfAllKinds(t *testing.T) {
	box := (&mailbox{}).open(t, nil, false)
	o := newOffice(t, "smtp://"+box.address)
	for to, want := range map[string]string{
		"mara@bücher.example":    "mara@xn--bcher-kva.example",
		"jürgen@example.org":     "jürgen@example.org",
		"o'hara+cms@example.org": "o'hara+cms@example.org",
		"  mara@example.org\n":   "mara@example.org",
		"Mara@EXAMPLE.org":       "Mara@example.org",
	} {
		o.queue(t, Message{Kind: Test, To: to, Name: `Mara "M" O'Hara, PhD (æøå)`})
		o.run(t)
		all := box.mails()
		got := all[len(all)-1]
		if got.to != want || got.utf8 != !ascii(want) {
			t.Errorf("%q went to %q, utf8 %v", to, got.to, got.utf8)
		}
		if !ascii(want) {
			continue // such a header is not ASCII, and cannot be
		}
		list, err := netmail.ParseAddressList(parse(t, got.data).header.Get("To"))
		if err != nil || len(list) != 1 || list[0].Address != want || list[0].Name != `Mara "M" O'Hara, PhD (æøå)` {
			t.Errorf("%q: header is %v (%v)", to, list, err)
		}
	}
}

func TestAddressThatTheServerCannotTake(t *testing.T) {
	address := talker(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		_, _ = fmt.Fprint(c, "220 old\r\n")
		for {
			l, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch l[:4] {
			case "EHLO":
				_, _ = fmt.Fprint(c, "250 old\r\n")
			default:
				_, _ = fmt.Fprint(c, "500 what?\r\n")
			}
		}
	})
	o := newOffice(t, "smtp://"+address)
	id := o.queue(t, Message{Kind: Test, To: "jürgen@example.org"})
	o.run(t)
	if m := o.get(t, id); m.Status != Failed || !strings.Contains(m.Error, "other than ASCII") {
		t.Errorf("%+v", m)
	}
}
