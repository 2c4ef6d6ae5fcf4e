package app

import (
	"context"
	"net/url"

	"gatehouse/internal/audit"
	"gatehouse/internal/config"
	"gatehouse/internal/identity"
	"gatehouse/internal/store"
)

// openIdentity gives the accounts what they need to write to people.
func (a *App) openIdentity(cfg *config.Config) {
	a.Identity.Mail, a.Identity.Audit, a.Identity.Slog = a.Mail, a.audit, a.log
	a.Identity.Pages = func(site, page, token string) string {
		now := cfg // still at the start
		if h := a.current(); h != nil {
			now = h.config
		}
		return tokenPage(now.URL, site, page, token)
	}
}

// UseLinks lets accounts that were opened for a command make the links that are
// mailed to people, or passed on by hand.
func UseLinks(people *identity.Service, cfg *config.Config) {
	people.Pages = func(site, page, token string) string { return tokenPage(cfg.URL, site, page, token) }
}

// tokenPage is the address of our page for a token. The token is in the query,
// so that the page works without a script; our log never writes a query.
func tokenPage(base, site, page, token string) string {
	where := base + "/"
	if site != "" {
		where += "s/" + url.PathEscape(site) + "/"
	}
	return where + page + "?token=" + url.QueryEscape(token)
}

// OpenIdentity opens the accounts alone, for commands that need no server. They
// have no Mail; OpenMail makes one.
func OpenIdentity(ctx context.Context, cfg *config.Config) (*identity.Service, *store.Store, error) {
	s, err := OpenStore(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	people := identity.New(s)
	people.Audit = &audit.Log{Store: s}
	people.Pages = func(site, page, token string) string { return tokenPage(cfg.URL, site, page, token) }
	return people, s, nil
}
