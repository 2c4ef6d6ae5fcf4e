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

// tokenPage is the address of our page for a token. The token is in the
// fragment, which no server and no log sees.
func tokenPage(base, site, page, token string) string {
	where := "/account/" + page
	if site != "" {
		where = "/s/" + url.PathEscape(site) + where
	}
	return base + where + "#token=" + url.QueryEscape(token)
}
