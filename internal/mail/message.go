package mail

import (
	"bytes"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// envelope is a mail as it goes over the wire.
type envelope struct {
	from, to string
	data     []byte // headers and body
}

// envelope writes a stored mail out. It is the same every time, its date and its
// Message-ID too, so that a second copy can be told from a second mail.
func (p *Post) envelope(m store.Mail, c content) (envelope, error) {
	from, err := ParseSender(p.From)
	if err != nil {
		return envelope{}, err
	}
	switch {
	case c.Sender != "":
		from.Name = c.Sender
	case from.Name == "":
		from.Name = p.brand(m.Site).Name
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	msg.FromMailAddress(from)
	msg.ToMailAddress(&netmail.Address{Name: c.Name, Address: m.Recipient})
	msg.Subject(line(m.Subject, maxSubject))
	msg.SetDateWithValue(m.Created.In(time.UTC))
	msg.SetMessageIDWithValue(strings.ToLower(m.ID) + "@" + p.host(from.Address))
	msg.SetBoundary("gatehouse_" + strings.ToLower(m.ID))
	msg.SetGenHeader(gomail.Header("Auto-Submitted"), "auto-generated")
	msg.SetGenHeader(gomail.Header("Content-Language"), c.Language)
	msg.SetBodyString(gomail.TypeTextPlain, c.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, c.HTML)
	var out bytes.Buffer
	if _, err := msg.WriteTo(&out); err != nil {
		return envelope{}, fault.Wrap(fault.Internal, err, "mail")
	}
	return envelope{from: from.Address, to: m.Recipient, data: out.Bytes()}, nil
}

// host is what this server calls itself towards mail servers.
func (p *Post) host(sender string) string {
	if p.Host != "" {
		return p.Host
	}
	_, domain, _ := strings.Cut(sender, "@")
	return domain
}
