package app

import (
	"net/url"

	"gatehouse/internal/config"
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

// tokenPage is the address of our page for a token. The token is in the query,
// so that the page works without a script; our log never writes a query.
func tokenPage(base, site, page, token string) string {
	where := base + "/"
	if site != "" {
		where += "s/" + url.PathEscape(site) + "/"
	}
	return where + page + "?token=" + url.QueryEscape(token)
}
