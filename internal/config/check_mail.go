package config

import (
	"crypto/x509"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"

	"golang.org/x/text/language"

	"gatehouse/internal/outbound"
)

func (d *decoder) checkMail(m *Mail) {
	if m.From != "" {
		if _, err := netmail.ParseAddress(m.From); err != nil || strings.ContainsAny(m.From, "\r\n") {
			d.add("mail.from", "%q is no sender: write an address, cms@example.org, or a name and an address, The Blog <cms@example.org>", m.From)
		}
	}
	if !m.SMTP.Empty() {
		if _, err := outbound.ParseMailServer(m.SMTP.Reveal()); err != nil {
			d.add("mail.smtp", "%v", err)
		}
		if m.From == "" {
			d.add("mail.from", "with smtp there has to be a sender: write its address")
		}
	}
	if m.Templates = d.abs(m.Templates); m.Templates != "" && !isDir(m.Templates) {
		d.add("mail.templates", "there is no directory %s", m.Templates)
	}
	if m.CA = d.abs(m.CA); m.CA == "" {
		return
	}
	pem, err := os.ReadFile(m.CA)
	switch {
	case err != nil:
		d.add("mail.ca", "the file cannot be read: %v", err)
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		d.add("mail.ca", "there is no certificate (PEM) in %s", m.CA)
	case m.SMTP.Empty():
		d.add("mail.ca", "ca goes with smtp: name the mail server, or remove this")
	}
}

func (d *decoder) checkSiteMail(m *SiteMail, path string) {
	if strings.ContainsAny(m.Sender, "\r\n") || len(m.Sender) > 200 {
		d.add(path+".sender", "a sender's name is one line of at most 200 letters")
	}
	if m.Logo != "" {
		u, err := url.Parse(m.Logo)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			d.add(path+".logo", "%q is no picture that a mail can show: write its whole address, https://…", m.Logo)
		}
	}
	if m.Language != "" {
		if _, err := language.Parse(m.Language); err != nil {
			d.add(path+".language", "%q is no language: write en, de, fr", m.Language)
		}
	}
}
