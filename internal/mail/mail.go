// Package mail writes to people: invitations, links to confirm an address or to
// set a password anew, notices about their account, and drafts that wait for
// review. It writes in English, German and French, as text and as HTML.
//
// A mail is first written down, whole and sealed, in the database; the person
// who caused it never waits for a mail server and never sees it fail. A process
// that runs Post.Run then hands it over:
//
//	Queue ─► waiting ─► sending ─► sent
//	           ▲           │
//	           ├───────────┤ the server is not there, or says "later":
//	           │           │ after 1 minute … 8 hours, 10 times
//	           │           ├─► failed    it says "never", or that was the tenth
//	        Resend         └─► expired   the link in it has ended
//
// Without a mail server a mail is kept instead, and its link is for somebody to
// pass on (Link). Whoever dies while sending leaves a mail that is taken again
// after some minutes: nothing is lost, and in the worst case a mail arrives
// twice, with the same Message-ID.
//
// The words are files (templates/KIND.LANGUAGE.txt), and operators can put their
// own in their place; see Post.Templates. A link that lets somebody in is in the
// mail and nowhere else: not in the log, and not in what is said of failures.
package mail

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
	"gatehouse/internal/store"
)

// Post is outgoing mail. Fields are set before use and not changed after; Store
// is the one that must be.
type Post struct {
	Store *store.Store

	// SMTP is the mail server as a URL; outbound.ParseMailServer says what it may
	// be. Empty: mails are kept and shown, not sent.
	SMTP string
	// From is the sender's address, with or without a name: "Blog
	// <cms@example.org>". Needed with SMTP.
	From string
	// CA holds certificates (PEM) that are trusted beside the system's.
	CA []byte
	// Host is this server's name, for greeting mail servers and in Message-IDs.
	// Empty: the domain of From.
	Host string
	// Templates holds the operator's own words: KIND.LANGUAGE.txt and
	// KIND.LANGUAGE.html. Files that cannot be used are logged, and ours are
	// used. Nil: there are none.
	Templates fs.FS
	// Brand says how the mails of a site look, or those of no site (""). Nil:
	// plain.
	Brand func(site string) Brand

	Slog *slog.Logger     // nil: nothing is logged
	Now  func() time.Time // nil: time.Now

	once   sync.Once
	set    *letters
	server outbound.MailServer
	broken error         // why nothing can be sent though SMTP is set
	wake   chan struct{} // a mail was queued
}

// Brand is how the mails of a site look.
type Brand struct {
	Sender   string // the sender's name; empty: that of From, else Name
	Name     string // of the site; empty: Gatehouse
	Logo     string // URL of a picture, https only; empty: none
	URL      string // of the site; empty: none is named
	Language string // when a person's is not known; empty: English
}

// Message is a mail as its cause sees it.
type Message struct {
	Kind     Kind
	Site     string // empty: none
	To       string // an e-mail address
	Name     string // the recipient's; may be empty
	Language string // the recipient's, as a tag such as de-AT; may be empty
	// Link is where the mail leads: the absolute URL of a page of ours. Some
	// kinds need one.
	Link string
	// Expires is when Link ends: the mail is not sent after that. Zero: it does
	// not.
	Expires time.Time
	// Data is what the kind's words tell; see the constants of Kind. A line each.
	Data map[string]string
}

// content is what lies sealed in the database.
type content struct {
	Name     string `json:"name"`
	Sender   string `json:"sender"`
	Language string `json:"language"`
	Text     string `json:"text"`
	HTML     string `json:"html"`
	Link     string `json:"link"`
}

// Queue writes a mail down, to be sent by whoever runs Run, and returns its id.
// It talks to no mail server. Invalid when the message lacks what its kind needs
// or the address is none.
//
// A caller whose own change the mail is about commits that change first: a mail
// cannot be called back.
func (p *Post) Queue(ctx context.Context, m Message) (id string, err error) {
	row, err := p.Compose(m, p.now())
	if err != nil {
		return "", err
	}
	if err := p.Store.AddMail(ctx, row); err != nil {
		return "", err
	}
	select {
	case p.wake <- struct{}{}:
	default: // it is awake already
	}
	return row.ID, nil
}

// Compose is Queue for callers who write the mail down themselves, together with
// what it is about. It is sent after a time, by a Run that looks for mail at
// least every minute.
func (p *Post) Compose(m Message, after time.Time) (store.Mail, error) {
	p.prepare()
	status := store.MailWaiting
	if p.SMTP == "" {
		status = store.MailKept
	}
	row, err := p.compose(m, status)
	if status == store.MailWaiting {
		row.Next = after
	}
	return row, err
}

func (p *Post) compose(m Message, status store.MailStatus) (store.Mail, error) {
	to, err := recipient(m.To)
	if err != nil {
		return store.Mail{}, err
	}
	if err := m.check(); err != nil {
		return store.Mail{}, err
	}
	now := p.now()
	l, c := p.write(m, to, now)
	data, err := json.Marshal(c)
	if err != nil {
		return store.Mail{}, fault.Wrap(fault.Internal, err, "mail")
	}
	row := store.Mail{
		ID: rand.Text(), Site: m.Site, Kind: string(m.Kind), Recipient: to, Subject: l.subject, Content: data,
		Status: status, Created: now, Expires: m.Expires, Next: now,
	}
	if status == store.MailKept {
		row.Settled = now
	}
	return row, nil
}

// Check says what is wrong with the settings of the mail server; nil also when
// there is none. It reads the operator's templates and logs what is wrong with
// them.
func (p *Post) Check() error {
	p.prepare()
	return p.broken
}

// prepare reads what the fields say, once.
func (p *Post) prepare() {
	p.once.Do(func() {
		p.wake = make(chan struct{}, 1)
		p.set = newLetters(p.Templates, p.log())
		if p.SMTP == "" {
			return
		}
		if p.server, p.broken = outbound.ParseMailServer(p.SMTP); p.broken != nil {
			return
		}
		if _, err := ParseSender(p.From); err != nil {
			p.broken = err
			return
		}
		_, p.broken = p.tlsConfig()
	})
}

func (p *Post) brand(site string) Brand {
	var b Brand
	if p.Brand != nil {
		b = p.Brand(site)
	}
	b.Name = line(b.Name, maxName)
	if b.Name == "" {
		b.Name = "Gatehouse"
	}
	b.Sender = line(b.Sender, maxName)
	if !isLink(b.URL) {
		b.URL = ""
	}
	if !isSecureLink(b.Logo) {
		b.Logo = ""
	}
	return b
}

func (p *Post) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

func (p *Post) log() *slog.Logger {
	if p.Slog == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Slog
}
