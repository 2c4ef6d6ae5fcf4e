package mail

import (
	"context"
	"encoding/json"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// Status is where a mail stands.
type Status = store.MailStatus

// The values of Status.
const (
	Kept    = store.MailKept    // there was no mail server; its link is for passing on
	Waiting = store.MailWaiting // for its first or next try
	Sending = store.MailSending // at this moment
	Sent    = store.MailSent
	Failed  = store.MailFailed  // given up; Error says why
	Expired = store.MailExpired // its link had ended before it could be sent
)

// Mail is one that was queued, as it may be shown.
type Mail struct {
	ID      string
	Site    string // empty: none
	Kind    Kind
	To      string
	Subject string
	Status  Status
	Tries   int
	Error   string    // why the last try failed, for people; empty: it did not
	Created time.Time // when it was queued
	Next    time.Time // when it is tried again; zero: it is not
	Expires time.Time // when its link ends; zero: it does not
	Sent    time.Time // zero: it was not
}

// Filter says which mails are meant. Zero fields stand for any.
type Filter struct {
	Site   string
	Status Status
	Limit  int // how many at most; 0: 100
}

func shown(m store.Mail) Mail {
	x := Mail{
		ID: m.ID, Site: m.Site, Kind: Kind(m.Kind), To: m.Recipient, Subject: m.Subject, Status: m.Status,
		Tries: m.Tries, Error: m.Error, Created: m.Created, Expires: m.Expires,
	}
	switch m.Status {
	case store.MailWaiting:
		x.Next = m.Next
	case store.MailSent:
		x.Sent = m.Settled
	}
	return x
}

// List are the mails that f asks for, the newest first. They are known until 14
// days after they came to their end.
func (p *Post) List(ctx context.Context, f Filter) ([]Mail, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	rows, err := p.Store.Mails(ctx, store.MailFilter(f))
	if err != nil {
		return nil, err
	}
	list := make([]Mail, len(rows))
	for i, m := range rows {
		list[i] = shown(m)
	}
	return list, nil
}

// Get is the mail with an id. NotFound when there is none, or none any more.
func (p *Post) Get(ctx context.Context, id string) (Mail, error) {
	m, err := p.find(ctx, id)
	return shown(m), err
}

// Read is a mail with all its words; the links in it are as good as in the
// recipient's mailbox. NotFound as with Get.
func (p *Post) Read(ctx context.Context, id string) (m Mail, text, html string, err error) {
	row, c, err := p.open(ctx, id)
	return shown(row), c.Text, c.HTML, err
}

// Link is the link of a mail that was not sent, for somebody to pass on by hand.
// NotFound when the mail has none, Conflict when it was sent or is being sent,
// Invalid when the link has ended.
func (p *Post) Link(ctx context.Context, id string) (string, error) {
	m, c, err := p.open(ctx, id)
	switch {
	case err != nil:
		return "", err
	case c.Link == "":
		return "", fault.New(fault.NotFound, "There is no link in this mail.")
	case m.Status == store.MailSent, m.Status == store.MailSending:
		return "", fault.New(fault.Conflict, "This mail was sent: the link is in the mailbox of %s.", m.Recipient)
	case p.over(m):
		return "", linkEnded()
	}
	return c.Link, nil
}

// Resend lets a mail be tried anew, with all its tries before it, whether it
// failed, was kept, waits, or was sent and did not arrive. Unsupported without a
// mail server, Conflict while it is being sent, Invalid when its link has ended.
func (p *Post) Resend(ctx context.Context, id string) error {
	if err := p.ready(); err != nil {
		return err
	}
	m, err := p.find(ctx, id)
	switch {
	case err != nil:
		return err
	case p.over(m):
		return linkEnded()
	}
	if err := p.Store.PutBackMail(ctx, id, p.now()); err != nil {
		return err
	}
	select {
	case p.wake <- struct{}{}:
	default: // it is awake already
	}
	return nil
}

// Test sends a mail at once, without others before it and without further
// tries, and returns what the mail server answered. Its fault says in words what
// went wrong: Unsupported without a mail server, Unavailable when it was not
// taken.
func (p *Post) Test(ctx context.Context, m Message) (answer string, err error) {
	if err := p.ready(); err != nil {
		return "", err
	}
	// A kept mail is not taken by a process that runs beside this one.
	kept, err := p.compose(m, store.MailKept)
	if err != nil {
		return "", err
	}
	if err := p.Store.AddMail(ctx, kept); err != nil {
		return "", err
	}
	now := p.now()
	row, err := p.Store.TakeMailByID(ctx, kept.ID, now, now.Add(takeTime))
	if err != nil {
		return "", err
	}
	answer, said, failed := p.attempt(ctx, row)
	if failed == nil {
		return answer, p.record(ctx, row, store.MailResult{Status: store.MailSent, Settled: p.now()})
	}
	if err := p.record(ctx, row, store.MailResult{Status: store.MailFailed, Error: said, Settled: p.now()}); err != nil {
		return "", err
	}
	return "", fault.New(fault.Unavailable, "%s", said)
}

// Sweep removes mails that came to their end 14 days ago. The store's own Sweep
// does it, too.
func (p *Post) Sweep(ctx context.Context) error { return p.Store.SweepMails(ctx, p.now()) }

// ready says why nothing can be sent.
func (p *Post) ready() error {
	if err := p.Check(); err != nil {
		return err
	}
	if p.SMTP == "" {
		return fault.New(fault.Unsupported, "There is no mail server: name one in gatehouse.yaml (mail.smtp and mail.from). Until then links are passed on by hand.")
	}
	return nil
}

// over reports whether the link of a mail has ended.
func (p *Post) over(m store.Mail) bool {
	return m.Status == store.MailExpired || !m.Expires.IsZero() && !p.now().Before(m.Expires)
}

func linkEnded() error {
	return fault.New(fault.Invalid, "The link in this mail has ended. Do again what the mail was about: that makes a new one.")
}

func (p *Post) find(ctx context.Context, id string) (store.Mail, error) {
	m, err := p.Store.Mail(ctx, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.Wrap(fault.NotFound, err, "There is no such mail; mails are kept for 14 days.")
	}
	return m, err
}

func (p *Post) open(ctx context.Context, id string) (store.Mail, content, error) {
	m, err := p.find(ctx, id)
	if err != nil {
		return store.Mail{}, content{}, err
	}
	var c content
	err = json.Unmarshal(m.Content, &c)
	return m, c, fault.Wrap(fault.Internal, err, "mail")
}
