package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
)

// letterbox is a mail server that keeps what it takes.
type letterbox struct{ got []string }

func (b *letterbox) NewSession(*smtp.Conn) (smtp.Session, error) { return b, nil }
func (b *letterbox) Reset()                                      {}
func (b *letterbox) Logout() error                               { return nil }
func (b *letterbox) Mail(string, *smtp.MailOptions) error        { return nil }

func (b *letterbox) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == "nobody@example.org" {
		return &smtp.SMTPError{Code: 550, Message: "no such person here"}
	}
	return nil
}

func (b *letterbox) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	b.got = append(b.got, string(data))
	return errors.Join(err)
}

func TestMailTest(t *testing.T) {
	box := &letterbox{}
	server := smtp.NewServer(box)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	defer func() { _ = server.Close(); <-done }()

	dir := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", "--bare", "-b", "main", filepath.Join(dir, "blog.git")).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v %s", err, out)
	}
	file := filepath.Join(dir, "gatehouse.yaml")
	write := func(mail string) {
		text := mail + `
sites:
  - {name: blog, title: The Blog, backend: {repo: blog.git}, mail: {sender: Olga of The Blog, language: de}}
`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, string, error) {
		root := rootCommand()
		var out, errs bytes.Buffer
		root.SetArgs(append([]string{"--config", file, "mail", "test"}, args...))
		root.SetOut(&out)
		root.SetErr(&errs)
		err := root.ExecuteContext(t.Context())
		return out.String(), errs.String(), err
	}

	write("")
	if _, _, err := run("--to", "mara@example.org"); err == nil || !strings.Contains(err.Error(), "There is no mail server") {
		t.Errorf("without a server: %v", err)
	}
	templates := filepath.Join(dir, "words")
	if err := os.Mkdir(templates, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(templates, "test.de.txt"), []byte("{{.Oops"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(`mail: {from: cms@example.org, templates: words, smtp: "smtp://` + l.Addr().String() + `"}`)
	out, errs, err := run("--to", "mara@example.org", "--site", "blog")
	if err != nil || !strings.Contains(out, "has taken the mail to mara@example.org") || !strings.Contains(errs, "test.de.txt") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	if len(box.got) != 1 || !strings.Contains(box.got[0], `From: "Olga of The Blog" <cms@example.org>`) || !strings.Contains(box.got[0], "Content-Language: de") {
		t.Errorf("arrived: %v", box.got)
	}
	for says, args := range map[string][]string{
		"550 5.0.0 no such person here": {"--to", "nobody@example.org"},
		"is no e-mail address":          {"--to", "mara"},
		"Say with --to":                 {},
		"It has: blog":                  {"--to", "mara@example.org", "--site", "shop"},
	} {
		if _, errs, err := run(args...); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(errs, "mail failed") {
			t.Errorf("%v: %v, want %q\n%s", args, err, says, errs)
		}
	}
}
