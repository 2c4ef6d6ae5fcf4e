package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gatehouse/internal/fault"
)

// Mail is one message to one person. Content lies sealed in the database.
type Mail struct {
	ID        string
	Site      string // empty: none
	Kind      string
	Recipient string // address
	Subject   string
	Content   []byte // nil in lists
	Status    MailStatus
	Turn      int64  // decided by the store: counts how often it was taken or put back
	Tries     int    // since it was queued, or put back
	Error     string // why the last try failed
	Created   time.Time
	Expires   time.Time // of its link; zero: it has none that ends
	Next      time.Time // waiting: when to try; sending: until when it is taken
	Settled   time.Time // zero: not yet
}

// MailStatus is where a mail stands.
//
//	kept ──┐                    ┌─► sent
//	       ├─► waiting ─► sending ─► failed
//	       │      ▲  │      │   └─► waiting, later
//	       │      │  └──────┴─────► expired
//	       └──────┴── put back by hand, from any but sending and expired
type MailStatus string

// The values of MailStatus. A mail is settled unless it is waiting or sending.
const (
	MailKept    MailStatus = "kept"    // there was no server to send it by
	MailWaiting MailStatus = "waiting" // for its first or next try
	MailSending MailStatus = "sending" // a process has taken it, until Next
	MailSent    MailStatus = "sent"
	MailFailed  MailStatus = "failed"  // given up
	MailExpired MailStatus = "expired" // its link ended before it could be sent
)

// MailFilter says which mails are meant. Zero fields stand for any.
type MailFilter struct {
	Site   string
	Status MailStatus
	Limit  int // how many at most
}

const mailColumns = `id, site, kind, recipient, subject, status, turn, tries, error, created, expires, next, settled`

// AddMail writes a mail down. Conflict when its id is taken.
func (s *Store) AddMail(ctx context.Context, m Mail) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return s.insertMail(ctx, tx, m) })
}

func (s *Store) insertMail(ctx context.Context, tx *sql.Tx, m Mail) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO mails (`+mailColumns+`, content) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, $13)`,
		m.ID, m.Site, m.Kind, m.Recipient, m.Subject, string(m.Status), m.Tries, m.Error, ms(m.Created), ms(m.Expires), ms(m.Next), ms(m.Settled),
		s.sealText(mailSeal(m.ID), string(m.Content)))
	return err
}

// Mail is the mail with an id. NotFound when there is none, or none any more.
func (s *Store) Mail(ctx context.Context, id string) (Mail, error) {
	return s.scanWholeMail(s.read.QueryRowContext(ctx, `SELECT `+mailColumns+`, content FROM mails WHERE id = $1`, id))
}

// Mails are those that f asks for, without their content, the newest first.
func (s *Store) Mails(ctx context.Context, f MailFilter) ([]Mail, error) {
	where, args := "created >= 0", []any{f.Limit}
	add := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND "+condition+" $%d", len(args))
	}
	if f.Site != "" {
		add("site =", f.Site)
	}
	if f.Status != "" {
		add("status =", string(f.Status))
	}
	rows, err := s.read.QueryContext(ctx, `SELECT `+mailColumns+` FROM mails WHERE `+where+` ORDER BY created DESC, id LIMIT $1`, args...) //nolint:gosec // columns and numbers alone
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []Mail
	for rows.Next() {
		m, err := scanMail(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, failed(rows.Err())
}

// mailDue is the condition that a mail may be taken at the time $1: it waits for
// that, or whoever has taken it is overdue.
const mailDue = `(status = 'waiting' OR status = 'sending') AND next <= $1`

// takeMail takes what a condition finds. Of two processes that found the same,
// the second finds the condition broken when the first is done.
const takeMail = `UPDATE mails SET status = 'sending', next = $2, turn = turn + 1, tries = tries + 1, settled = 0 WHERE `

// TakeMail takes, until a time, the mail that has been due the longest. NotFound
// when none is due at now.
func (s *Store) TakeMail(ctx context.Context, now, until time.Time) (m Mail, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		m, err = s.scanWholeMail(tx.QueryRowContext(ctx, takeMail+`
			id = (SELECT id FROM mails WHERE `+mailDue+` ORDER BY next, id LIMIT 1) AND `+mailDue+`
			RETURNING `+mailColumns+`, content`, ms(now), ms(until)))
		return err
	})
	return m, err
}

// TakeMailByID takes one mail, whether or not it is due. Conflict when another
// has taken it, NotFound when there is none.
func (s *Store) TakeMailByID(ctx context.Context, id string, now, until time.Time) (m Mail, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		m, err = s.scanWholeMail(tx.QueryRowContext(ctx, takeMail+`
			id = $3 AND (status <> 'sending' OR next <= $1) RETURNING `+mailColumns+`, content`, ms(now), ms(until), id))
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT id FROM mails WHERE id = $1`, id).Scan(&id); err != nil {
			return err
		}
		return busyMail()
	})
	return m, err
}

func busyMail() error { return fault.New(fault.Conflict, "This mail is being sent at this moment.") }

// MailResult is how a try ended.
type MailResult struct {
	Status  MailStatus
	Error   string    // empty: the former one is forgotten
	Untried bool      // it does not count as a try
	Next    time.Time // waiting: when to try again
	Settled time.Time // zero: not yet
}

// SettleMail writes down how a try ended. turn is the mail's when it was taken;
// Conflict when somebody else has taken it or put it back since.
func (s *Store) SettleMail(ctx context.Context, id string, turn int64, r MailResult) error {
	less := 0
	if r.Untried {
		less = 1
	}
	n, err := s.exec(ctx, `
		UPDATE mails SET status = $3, error = $4, next = $5, settled = $6, tries = tries - $7
		WHERE id = $1 AND turn = $2 AND status = 'sending'`,
		id, turn, string(r.Status), r.Error, ms(r.Next), ms(r.Settled), less)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "This mail was taken by another process in the meantime.")
	}
	return err
}

// PutBackMail lets a mail wait for now again, with all its tries before it.
// Conflict when it is being sent, NotFound when there is none.
func (s *Store) PutBackMail(ctx context.Context, id string, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		m, err := scanMail(tx.QueryRowContext(ctx, `SELECT `+mailColumns+` FROM mails WHERE id = $1`, id))
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE mails SET status = 'waiting', tries = 0, next = $2, settled = 0, turn = turn + 1
			WHERE id = $1 AND turn = $3 AND (status <> 'sending' OR next <= $2)`, id, ms(now), m.Turn)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return busyMail()
	})
}

// ExpireMails ends those that wait though their link has ended at now. It says
// how many there were.
func (s *Store) ExpireMails(ctx context.Context, now time.Time) (int, error) {
	n, err := s.exec(ctx, `
		UPDATE mails SET status = 'expired', settled = $1
		WHERE (status = 'waiting' OR status = 'sending' AND next <= $1) AND expires > 0 AND expires <= $1`, ms(now))
	return int(n), err
}

// NextMail is when a mail is due next. NotFound when none waits.
func (s *Store) NextMail(ctx context.Context) (time.Time, error) {
	var next int64
	err := s.read.QueryRowContext(ctx, `
		SELECT next FROM mails WHERE status = 'waiting' OR status = 'sending' ORDER BY next LIMIT 1`).Scan(&next)
	return at(next), failed(err)
}

// How long mails are kept: after they have come to their end, and in any case.
const (
	mailAfterlife = 14 * 24 * time.Hour
	mailLife      = 90 * 24 * time.Hour
)

// SweepMails removes old mails, as Sweep does among others.
func (s *Store) SweepMails(ctx context.Context, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return sweepMails(ctx, tx, now) })
}

// sweepMails removes old mails. One that was not sent stays as long as its link
// is good, since the link can be passed on by hand.
func sweepMails(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		DELETE FROM mails WHERE settled > 0 AND settled <= $1 AND (status = 'sent' OR expires <= $2)`,
		ms(now.Add(-mailAfterlife)), ms(now))
	if err != nil {
		return err
	}
	return execEach(ctx, tx, ms(now.Add(-mailLife)), `DELETE FROM mails WHERE created <= $1`)
}

func scanMail(row scanner, more ...any) (Mail, error) {
	var m Mail
	var created, expires, next, settled int64
	err := row.Scan(append([]any{
		&m.ID, &m.Site, &m.Kind, &m.Recipient, &m.Subject, &m.Status, &m.Turn, &m.Tries, &m.Error, &created, &expires, &next, &settled,
	}, more...)...)
	if err != nil {
		return Mail{}, failed(err)
	}
	m.Created, m.Expires, m.Next, m.Settled = at(created), at(expires), at(next), at(settled)
	return m, nil
}

// scanWholeMail reads a mail with its content.
func (s *Store) scanWholeMail(row scanner) (Mail, error) {
	var sealed string
	m, err := scanMail(row, &sealed)
	if err != nil {
		return Mail{}, err
	}
	content, err := s.openText(mailSeal(m.ID), sealed)
	if err != nil {
		return Mail{}, err
	}
	m.Content = []byte(content)
	return m, nil
}

func mailSeal(id string) string { return "mail " + id }
