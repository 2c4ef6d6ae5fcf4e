package app

import (
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// openMail makes the server's outgoing mail. Run sends it.
func (a *App) openMail(cfg *config.Config) (err error) {
	a.Mail, err = OpenMail(cfg, a.Store, a.log, func() *config.Config {
		if h := a.current(); h != nil {
			return h.config
		}
		return cfg // still at the start
	})
	return err
}

// OpenMail is the outgoing mail of a configuration, for the server and for
// commands. current is the configuration whose sites the mails are about, which
// a reload may change.
func OpenMail(cfg *config.Config, s *store.Store, log *slog.Logger, current func() *config.Config) (*mail.Post, error) {
	p := &mail.Post{
		Store: s, SMTP: cfg.Mail.SMTP.Reveal(), From: cfg.Mail.From, Host: mailHost(cfg.URL), Slog: log,
		Brand: func(site string) mail.Brand { return brand(current(), site) },
	}
	if cfg.Mail.Templates != "" {
		p.Templates = os.DirFS(cfg.Mail.Templates)
	}
	if cfg.Mail.CA != "" {
		var err error
		if p.CA, err = os.ReadFile(cfg.Mail.CA); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "The certificate authority of the mail server cannot be read: %v.", err)
		}
	}
	return p, p.Check()
}

// mailHost is a name of this server that a mail server can do something with;
// empty when there is none.
func mailHost(address string) string {
	u, err := url.Parse(address)
	if err != nil || net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".") {
		return ""
	}
	return u.Hostname()
}

// brand is how the mails of a site look; mails of no site, and those of one that
// is gone meanwhile, are plain.
func brand(cfg *config.Config, name string) mail.Brand {
	for i := range cfg.Sites {
		s := &cfg.Sites[i]
		if s.Name != name || name == "" {
			continue
		}
		b := mail.Brand{Sender: s.Mail.Sender, Name: siteOf(s).DisplayName(), Logo: s.Mail.Logo, Language: s.Mail.Language, URL: cfg.URL + "/s/" + name + "/"}
		if len(s.Origins) > 0 {
			b.URL = s.Origins[0]
		}
		return b
	}
	return mail.Brand{URL: cfg.URL}
}
