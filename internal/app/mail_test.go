package app_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"gatehouse/internal/app"
	"gatehouse/internal/mail"
)

// letterbox is a mail server that passes on what it takes.
type letterbox struct{ got chan string }

func (b letterbox) NewSession(*smtp.Conn) (smtp.Session, error) { return b, nil }
func (b letterbox) Reset()                                      {}
func (b letterbox) Logout() error                               { return nil }
func (b letterbox) Mail(string, *smtp.MailOptions) error        { return nil }
func (b letterbox) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (b letterbox) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	b.got <- string(data)
	return err
}

func TestServeDeliversWhatIsQueued(t *testing.T) {
	box := letterbox{make(chan string, 1)}
	server := smtp.NewServer(box)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	defer func() { _ = server.Close(); <-served }()

	dir := plan(t)
	log := &buffer{}
	cfg := load(t, dir, `mail: {from: cms@example.org, smtp: "smtp://`+l.Addr().String()+`"}`+twoSites)
	web, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Log: logTo(log), Version: "test", Listener: web})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	_, err = a.Mail.Queue(t.Context(), mail.Message{Kind: mail.Invite, Site: "shop", To: "mara@example.org", Link: "https://cms.example/invite?token=abc"})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-box.got; !strings.Contains(got, `From: "The Shop" <cms@example.org>`) || !strings.Contains(got, "https://shop.example") {
		t.Errorf("arrived:\n%s", got)
	}
}

// A mail server that is not there troubles mail alone.
func TestHealthDoesNotAskTheMailServer(t *testing.T) {
	b := build(t, `mail: {from: cms@example.org, smtp: "smtp://127.0.0.1:1"}`+twoSites)
	if a := b.ask(t, "GET", "/readyz", ""); a.status != 200 {
		t.Errorf("readyz: %d %s", a.status, a.text)
	}
	cfg := load(t, b.dir, `mail: {from: other@example.org, smtp: "smtp://127.0.0.1:1"}`+twoSites)
	if err := b.Reload(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "mail has changed") {
		t.Errorf("reload: %v", err)
	}
}
