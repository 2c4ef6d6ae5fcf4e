package outbound

import (
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func TestMailServers(t *testing.T) {
	for raw, want := range map[string]MailServer{
		"smtp://mail.example.org":                      {Host: "mail.example.org", Port: "587", Encryption: StartTLS},
		"smtp://ann:s3cret@mail.example.org:2525":      {Host: "mail.example.org", Port: "2525", User: "ann", Password: "s3cret", Encryption: StartTLS},
		"smtps://ann%40example.org:a%2Fb%23@m.example": {Host: "m.example", Port: "465", User: "ann@example.org", Password: "a/b#", Encryption: ImplicitTLS},
		"smtp://10.0.0.1:25?tls=none":                  {Host: "10.0.0.1", Port: "25", Encryption: NoTLS},
		"smtp://127.0.0.1:25":                          {Host: "127.0.0.1", Port: "25", Encryption: NoTLS},
		"smtp://[::1]:25/":                             {Host: "::1", Port: "25", Encryption: NoTLS},
		"smtp://u:p@localhost":                         {Host: "localhost", Port: "587", User: "u", Password: "p", Encryption: NoTLS},
		"smtp://localhost:25?tls=starttls":             {Host: "localhost", Port: "25", Encryption: StartTLS},
	} {
		if got, err := ParseMailServer(raw); got != want {
			t.Errorf("%s is %+v (%v), want %+v", raw, got, err, want)
		}
	}
	if a := (MailServer{Host: "::1", Port: "25"}).Address(); a != "[::1]:25" {
		t.Errorf("address is %s", a)
	}
}

func TestMailServersThatAreRefused(t *testing.T) {
	for raw, says := range map[string]string{
		"":                                        "smtp://",
		"mail.example.org:587":                    "smtp",
		"https://u:hunter2@mail.example.org":      "does not begin with smtp",
		"smtp://":                                 "names no mail server",
		"smtp://u:hunter2@":                       "names no mail server",
		"smtp://u:hunter2@bücher.example":         "xn--",
		"smtp://u:hunter2@mail.example:0":         "port",
		"smtp://u:hunter2@mail.example:99999":     "port",
		"smtp://u:hun/ter2@mail.example":          "%2F",
		"smtp://u:hun#ter2@mail.example":          "%2F",
		"smtp://u:hun%zzter2@mail.example":        "%2F",
		"smtp://u:hunter2@mail.example/inbox":     "Nothing but ?tls=",
		"smtp://u@mail.example":                   "needs a password",
		"smtp://:hunter2@mail.example":            "needs a password",
		"smtp://u:hunter2%0d%0ax@mail.example":    "needs a password",
		"smtp://u:hunter2@mail.example:465":       "smtps://",
		"smtps://u:hunter2@mail.example?tls=none": "no ?",
		"smtp://u:hunter2@mail.example?tls=yes":   "tls=none or tls=starttls",
		"smtp://u:hunter2@mail.example?auth=x":    "tls=none or tls=starttls",
		"smtp://u:hunter2@mail.example?tls=none":  "in the clear",
	} {
		_, err := ParseMailServer(raw)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want one that says %q", raw, err, says)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2")) {
			t.Errorf("%s: the error has the password: %v", raw, err)
		}
	}
}

func FuzzMailServer(f *testing.F) {
	f.Add("smtp://u:p@mail.example:587?tls=none")
	f.Add("smtps://[::1]:465")
	f.Add("smtp://%0a:%0d@x")
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := ParseMailServer(raw)
		if err != nil {
			return
		}
		if m.Host == "" || m.Port == "" || strings.ContainsAny(m.Host+m.Port+m.User+m.Password, "\r\n\x00") {
			t.Fatalf("%q is %+v", raw, m)
		}
		if m.Password != "" && m.Encryption == NoTLS && !isLoopback(m.Host) {
			t.Fatalf("%q would send a password in the clear", raw)
		}
	})
}
