package mail

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store/storetest"
)

func TestTriesAndTheirPauses(t *testing.T) {
	up := false
	var mu sync.Mutex
	box := (&mailbox{answer: func(command, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		if command == "RCPT" && !up {
			return reply(450, "come back later")
		}
		return nil
	}}).open(t, nil, false)
	o := newOffice(t, "smtp://"+box.address)
	id := o.queue(t, invitation())
	for try := 1; try <= 9; try++ {
		if n := o.run(t); n != 1 {
			t.Fatalf("try %d: %d mails", try, n)
		}
		m := o.get(t, id)
		if m.Status != Waiting || m.Tries != try || !strings.Contains(m.Error, "450 4.0.0 come back later") {
			t.Fatalf("try %d: %+v", try, m)
		}
		wait := m.Next.Sub(o.clock.Now())
		if least, most := waits[try-1]*8/10, waits[try-1]*12/10; wait < least || wait > most {
			t.Errorf("after try %d: %v, want %v to %v", try, wait, least, most)
		}
		o.clock.Advance(wait - time.Millisecond)
		if n := o.run(t); n != 0 {
			t.Errorf("it is tried too early")
		}
		o.clock.Advance(time.Millisecond)
	}
	o.run(t)
	if m := o.get(t, id); m.Status != Failed || m.Tries != 10 || !m.Next.IsZero() {
		t.Fatalf("after ten tries: %+v", m)
	}
	o.clock.Advance(24 * time.Hour)
	if n := o.run(t); n != 0 {
		t.Error("a mail that was given up is tried")
	}

	mu.Lock()
	up = true
	mu.Unlock()
	check(t, o.Resend(t.Context(), id))
	o.run(t)
	if m := o.get(t, id); m.Status != Sent || m.Tries != 1 || m.Error != "" {
		t.Errorf("sent again: %+v", m)
	}
}

func TestPausesDiffer(t *testing.T) {
	seen := map[time.Duration]bool{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		seen[pause(id, 5)] = true
	}
	if len(seen) < 4 {
		t.Errorf("mails that failed together come back together: %v", seen)
	}
}

func TestMailIsNotSentAfterItsLinkEnded(t *testing.T) {
	box := (&mailbox{answer: func(command, _ string) error { return map[string]error{"MAIL": reply(451, "busy")}[command] }}).open(t, nil, false)
	o := newOffice(t, "smtp://"+box.address)
	m := invitation()
	m.Expires = o.clock.Now().Add(time.Hour)
	id := o.queue(t, m)
	o.run(t)
	o.clock.Advance(time.Hour)
	if n := o.run(t); n != 0 {
		t.Errorf("%d were tried", n)
	}
	if got := o.get(t, id); got.Status != Expired {
		t.Errorf("%+v", got)
	}
	wantKind(t, o.Resend(t.Context(), id), fault.Invalid)
	_, err := o.Link(t.Context(), id)
	wantKind(t, err, fault.Invalid)
}

// What a process has taken when it dies is sent by the next one.
func TestRestartInTheMiddle(t *testing.T) {
	box := (&mailbox{}).open(t, nil, false)
	o := newOffice(t, "smtp://"+box.address)
	place := storetest.New(t)
	o.Store = place.Open(t)
	for range 5 {
		o.queue(t, invitation())
	}
	if _, found := o.take(t.Context()); !found {
		t.Fatal("nothing is due")
	}
	check(t, o.Store.Close()) // with one mail taken

	next := &Post{Store: place.Open(t), SMTP: o.SMTP, From: o.From, Now: o.Now}
	defer func() { check(t, next.Store.Close()) }()
	again := office{Post: next, clock: o.clock, book: o.book}
	if n := again.run(t); n != 4 {
		t.Errorf("%d were tried, want those that nobody had taken", n)
	}
	o.clock.Advance(takeTime)
	if n := again.run(t); n != 1 {
		t.Errorf("%d were tried, want the one that was taken", n)
	}
	ids := map[string]bool{}
	for _, got := range box.mails() {
		ids[parse(t, got.data).header.Get("Message-Id")] = true
	}
	if len(ids) != 5 || len(box.mails()) != 5 {
		t.Errorf("%d mails, %d of them different", len(box.mails()), len(ids))
	}
}

// A process that was away so long that another took its mail has no say in it.
func TestSlowProcessDoesNotUndo(t *testing.T) {
	box := (&mailbox{}).open(t, nil, false)
	o := newOffice(t, "smtp://"+box.address)
	id := o.queue(t, invitation())
	slow, _ := o.take(t.Context())
	o.clock.Advance(takeTime)
	o.run(t)
	o.settle(t.Context(), slow, o.outcome(slow, "late", &refusal{stepDial, net.ErrClosed}))
	if m := o.get(t, id); m.Status != Sent {
		t.Errorf("%+v", m)
	}
}

// Two processes on one database send each mail once, a few at a time.
func TestManyProcessesSendEachMailOnce(t *testing.T) {
	const number = 24
	var mu sync.Mutex
	now, most := 0, 0
	arrived := make(chan struct{}, number+1)
	box := (&mailbox{answer: func(command, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		switch command {
		case "MAIL":
			now++
			most = max(most, now)
		case "DATA":
			now--
			arrived <- struct{}{}
		}
		return nil
	}}).open(t, nil, false)
	o := newOffice(t, "smtp://"+box.address)
	o.Now = time.Now
	for range number {
		o.queue(t, invitation())
	}
	other := &Post{Store: o.Store, SMTP: o.SMTP, From: o.From}
	stopOne, stopTwo := background(o.Run), background(other.Run)
	for range number {
		<-arrived
	}
	stopOne()
	stopTwo()
	if got := len(box.mails()); got != number || most > 2*atOnce {
		t.Errorf("%d mails, %d at once", got, most)
	}
	if list, err := o.List(t.Context(), Filter{Status: Sent}); err != nil || len(list) != number {
		t.Errorf("%d are written down as sent (%v)", len(list), err)
	}
}

func TestRunWakesForWhatIsQueued(t *testing.T) {
	arrived := make(chan struct{}, 2)
	box := (&mailbox{answer: func(command, _ string) error {
		if command == "DATA" {
			arrived <- struct{}{}
		}
		return nil
	}}).open(t, nil, false)
	o := newOffice(t, "smtp://"+box.address)
	o.Now = time.Now
	stop := background(o.Run)
	defer stop()
	for range 3 {
		o.queue(t, invitation())
		<-arrived
	}
}

func TestWithoutAServerMailIsKept(t *testing.T) {
	o := newOffice(t, "")
	stop := background(o.Run)
	defer stop()
	id := o.queue(t, invitation())
	if m := o.get(t, id); m.Status != Kept {
		t.Errorf("%+v", m)
	}
	if got, err := o.Link(t.Context(), id); got != link || err != nil {
		t.Errorf("link is %q (%v)", got, err)
	}
	wantKind(t, o.Resend(t.Context(), id), fault.Unsupported)
	_, err := o.Test(t.Context(), invitation())
	wantKind(t, err, fault.Unsupported)
	list, err := o.List(t.Context(), Filter{Site: "blog"})
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("%+v %v", list, err)
	}

	// A server that is set up later gets it when somebody says so.
	box := (&mailbox{}).open(t, nil, false)
	later := office{Post: &Post{Store: o.Store, SMTP: "smtp://" + box.address, From: o.From, Now: o.Now}, clock: o.clock, book: o.book}
	if n := later.run(t); n != 0 {
		t.Errorf("%d kept mails were sent by themselves", n)
	}
	check(t, later.Resend(t.Context(), id))
	later.run(t)
	if len(box.mails()) != 1 {
		t.Error("it was not sent")
	}
	_, err = later.Link(t.Context(), id)
	wantKind(t, err, fault.Conflict)
}

func TestSettingsThatCannotWork(t *testing.T) {
	for name, change := range map[string]func(*Post){
		"smtp": func(p *Post) { p.SMTP = "mail.example.org" },
		"from": func(p *Post) { p.From = "" },
		"ca":   func(p *Post) { p.CA = []byte("nothing") },
	} {
		o := newOffice(t, "smtp://127.0.0.1:1")
		change(o.Post)
		wantKind(t, o.Check(), fault.Invalid)
		stop := background(o.Run)
		if _, err := o.Queue(t.Context(), invitation()); err != nil {
			t.Errorf("%s: the caller is troubled: %v", name, err)
		}
		stop()
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	o := newOffice(t, "")
	for name, change := range map[string]func(*Message){
		"no kind":      func(m *Message) { m.Kind = "" },
		"no link":      func(m *Message) { m.Link = "" },
		"path":         func(m *Message) { m.Link = "/invite?token=" + token },
		"script":       func(m *Message) { m.Link = "javascript:alert('" + token + "')" },
		"two lines":    func(m *Message) { m.Link = link + "\r\nx" },
		"user in it":   func(m *Message) { m.Link = "https://cms.example.org@evil.example/" + token },
		"no address":   func(m *Message) { m.To = "mara" },
		"two":          func(m *Message) { m.To = "a@example.org, b@example.org" },
		"name as well": func(m *Message) { m.To = "Mara <a@example.org>" },
		"line break":   func(m *Message) { m.To = "a@example.org\r\nBcc: b@example.org" },
		"quoted":       func(m *Message) { m.To = "\"a\r\n b\"@example.org" },
		"literal":      func(m *Message) { m.To = "a@[127.0.0.1]" },
		"long":         func(m *Message) { m.To = strings.Repeat("a", 65) + "@example.org" },
	} {
		m := invitation()
		change(&m)
		_, err := o.Queue(t.Context(), m)
		if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMailsGoAfterFourteenDays(t *testing.T) {
	o := newOffice(t, "")
	id := o.queue(t, Message{Kind: Test, To: "mara@example.org"})
	o.clock.Advance(14*24*time.Hour - time.Minute)
	check(t, o.Sweep(t.Context()))
	o.get(t, id)
	o.clock.Advance(time.Minute)
	check(t, o.Sweep(t.Context()))
	_, _, _, err := o.Read(t.Context(), id)
	wantKind(t, err, fault.NotFound)
	_, err = o.Link(t.Context(), id)
	wantKind(t, err, fault.NotFound)
}
