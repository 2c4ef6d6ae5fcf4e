package mail

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// How mail is handed over.
const (
	atOnce   = 4               // connections to the server at the same time
	takeTime = 5 * time.Minute // how long a mail is taken; a delivery is over by then
	pollTime = time.Minute     // how often other processes' mails are looked for
	lastTime = 10 * time.Second
)

// waits are the times between tries. After as many tries and one more a mail has
// failed.
var waits = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

// Run hands over what is due, and what becomes due or is queued while it runs,
// until ctx ends; deliveries that are under way then get some seconds to finish.
// Several processes can run it on one database: each mail is sent by one of them.
// Without a mail server it only waits.
//
// It never fails: what goes wrong is logged, written beside the mail and tried
// again.
func (p *Post) Run(ctx context.Context) {
	if err := p.Check(); err != nil || p.SMTP == "" {
		if err != nil {
			p.log().Error("mail cannot be sent: "+fault.Message(err), "setting", "mail")
		}
		<-ctx.Done()
		return
	}
	// What is under way outlives ctx, for a while.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	defer func() {
		last := time.AfterFunc(lastTime, cancel)
		running.Wait()
		last.Stop()
		cancel()
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		m, found := p.take(ctx)
		if found {
			running.Go(func() {
				defer func() { <-slots }()
				p.try(work, m)
			})
			continue
		}
		<-slots
		if !p.sleep(ctx) {
			return
		}
	}
}

// take takes the next mail that is due.
func (p *Post) take(ctx context.Context) (store.Mail, bool) {
	now := p.now()
	n, err := p.Store.ExpireMails(ctx, now)
	if n > 0 {
		p.log().WarnContext(ctx, "mails were not sent: their links have ended", "number", n)
	}
	var m store.Mail
	if err == nil {
		m, err = p.Store.TakeMail(ctx, now, now.Add(takeTime))
	}
	if err != nil && !fault.Is(err, fault.NotFound) && ctx.Err() == nil {
		p.log().ErrorContext(ctx, "looking for mail to send", "error", err)
	}
	return m, err == nil
}

// sleep waits until a mail is queued or due, or ctx ends: false then. It looks
// for itself once in a while, for what other processes have queued.
func (p *Post) sleep(ctx context.Context) bool {
	pause := pollTime
	if next, err := p.Store.NextMail(ctx); err == nil {
		pause = min(pause, max(next.Sub(p.now()), time.Second))
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-p.wake:
	case <-t.C:
	}
	return true
}

// try delivers a mail that was taken and writes down how it went.
func (p *Post) try(ctx context.Context, m store.Mail) {
	_, said, failed := p.attempt(ctx, m)
	p.settle(ctx, m, p.outcome(m, said, failed))
}

// attempt delivers a mail; said is the refusal in words.
func (p *Post) attempt(ctx context.Context, m store.Mail) (answer, said string, failed *refusal) {
	var c content
	err := json.Unmarshal(m.Content, &c)
	var e envelope
	if err == nil {
		e, err = p.envelope(m, c)
	}
	if err != nil {
		p.log().ErrorContext(ctx, "a mail cannot be put together", "mail", m.ID, "error", err)
		return "", "The mail cannot be put together.", &refusal{stepData, err}
	}
	if answer, failed = p.deliver(ctx, e); failed != nil {
		said = p.explain(failed, c.Link)
	}
	return line(p.hide(answer, c.Link), maxData), said, failed
}

// outcome decides what becomes of a mail.
func (p *Post) outcome(m store.Mail, said string, failed *refusal) store.MailResult {
	now := p.now()
	switch {
	case failed == nil:
		return store.MailResult{Status: store.MailSent, Settled: now}
	case errors.Is(failed.err, context.Canceled):
		// We were stopped: that is nobody's refusal.
		return store.MailResult{Status: store.MailWaiting, Error: m.Error, Untried: true, Next: now}
	case failed.forever(), m.Tries > len(waits):
		return store.MailResult{Status: store.MailFailed, Error: said, Settled: now}
	}
	return store.MailResult{Status: store.MailWaiting, Error: said, Next: now.Add(pause(m.ID, m.Tries))}
}

// pause is how long to wait after so many tries: a fifth more or less than waits
// says, so that mails that failed together do not come back together. A mail's
// share follows from its id.
func pause(id string, tries int) time.Duration {
	wait := waits[min(max(tries, 1), len(waits))-1]
	h := fnv.New32a()
	_, _ = h.Write([]byte{byte(tries)}) // a hash takes everything
	_, _ = h.Write([]byte(id))
	share := float64(h.Sum32())/float64(1<<32)*0.4 - 0.2
	return wait + time.Duration(share*float64(wait))
}

// settle writes an outcome down and logs it, also when ctx has ended meanwhile.
func (p *Post) settle(ctx context.Context, m store.Mail, r store.MailResult) {
	err := p.record(ctx, m, r)
	log := p.log().With("mail", m.ID, "kind", m.Kind, "site", m.Site, "try", m.Tries)
	switch {
	case err != nil:
		log.ErrorContext(ctx, "it could not be written down how a mail went", "status", string(r.Status), "error", err)
	case r.Status == store.MailSent:
		log.InfoContext(ctx, "mail sent")
	case r.Status == store.MailFailed:
		log.ErrorContext(ctx, "mail failed", "reason", r.Error)
	case !r.Untried:
		log.WarnContext(ctx, "mail not sent yet", "reason", r.Error, "again", r.Next.UTC())
	}
}

// record is settle without a word.
func (p *Post) record(ctx context.Context, m store.Mail, r store.MailResult) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer cancel()
	return p.Store.SettleMail(ctx, m.ID, m.Turn, r)
}
