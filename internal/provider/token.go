package provider

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Exchange redeems a code. The repository narrows a GitHub App's token when its
// ID is known. BadCode when the host does not take the code, BadClient when it
// does not take the app.
func (p *Provider) Exchange(ctx context.Context, code, verifier, redirect string, repo Repository) (Grant, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}}
	if p.PKCE && verifier != "" {
		form.Set("code_verifier", verifier)
	}
	g, err := p.grant(ctx, form, repo, BadCode)
	if err == nil && p.isApp() {
		g.RepositoryID = repo.ID
	}
	return g, p.tidy(ctx, err, code, verifier)
}

// Refresh redeems a refresh token; Dead when the host does not know it any
// more. The grant's refresh token is the one to use next, whether or not it is
// a new one. The redirect is the one of the sign-in. A GitHub App's new token
// has to go through Narrow: that a refresh keeps a token narrow is nowhere
// promised, although it is asked for.
func (p *Provider) Refresh(ctx context.Context, refresh, redirect string, repo Repository) (Grant, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	if p.dialect.redirect {
		form.Set("redirect_uri", redirect)
	}
	g, err := p.grant(ctx, form, repo, Dead)
	if err == nil && g.RefreshToken == "" {
		g.RefreshToken = refresh
	}
	return g, p.tidy(ctx, err, refresh)
}

// grant calls the token endpoint. The reason unknown is for a code or token
// that the host does not take.
func (p *Provider) grant(ctx context.Context, form url.Values, repo Repository, unknown Reason) (Grant, error) {
	if p.isApp() && repo.ID != 0 {
		form.Set("repository_id", strconv.FormatInt(repo.ID, 10))
	}
	a, err := p.tokenCall(ctx, p.dialect.redeem, form)
	if err != nil {
		return Grant{}, err
	}
	return p.parseGrant(a, unknown, time.Now())
}

// tokenCall posts a form with the app's credentials.
func (p *Provider) tokenCall(ctx context.Context, path string, form url.Values) (answer, error) {
	if !p.dialect.basic {
		form.Set("client_id", p.ClientID)
		if p.ClientSecret != "" {
			form.Set("client_secret", p.ClientSecret)
		}
	}
	req, err := p.request(ctx, http.MethodPost, p.link(path), form)
	if err != nil {
		return answer{}, err
	}
	if p.dialect.basic {
		req.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret))
	}
	return p.send(ctx, req, maxToken)
}

// parseGrant reads what the token endpoint has answered. An error in it counts
// whatever the status is.
func (p *Provider) parseGrant(a answer, unknown Reason, now time.Time) (Grant, error) {
	t, err := parseToken(a.header.Get("Content-Type"), a.body)
	switch {
	case err == nil && t.failed && !a.passing():
		return Grant{}, refuse(p.tokenReason(t, unknown), "the token endpoint says %s", said(t.code, t.description))
	case a.status/100 == 3:
		return Grant{}, refuse(Upstream, "the token endpoint answered %d, a redirect, which is not followed", a.status)
	case a.status/100 != 2:
		return Grant{}, refuse(Upstream, "the token endpoint answered %d", a.status)
	case err != nil:
		return Grant{}, refuse(Upstream, "the token endpoint's answer %s", err)
	}
	g := Grant{AccessToken: t.access, RefreshToken: t.refresh, Scope: t.scope}
	if t.life > 0 {
		g.Expires = now.Add(t.life)
	}
	return g, nil
}

// tokenReason is what an error of the token endpoint means.
func (p *Provider) tokenReason(t token, unknown Reason) Reason {
	if p.dialect.reason != nil {
		switch r := p.dialect.reason(t.code, t.description); r {
		case "":
		case BadCode:
			return unknown
		default:
			return r
		}
	}
	switch t.code {
	case "invalid_grant", "bad_verification_code", "bad_refresh_token", "expired_token":
		return unknown
	case "invalid_client", unauthorised, "incorrect_client_credentials", "redirect_uri_mismatch",
		"application_suspended", "unsupported_grant_type", "invalid_scope":
		return BadClient
	}
	return Upstream
}

// Check asks the host who the token belongs to and whether that person may
// push. The asked scope is what Scope decided. Nobody may who is not known to.
func (p *Provider) Check(ctx context.Context, g Grant, asked string, repo Repository) (Access, error) {
	whole, cancel := context.WithTimeout(ctx, 3*p.patience)
	defer cancel()
	if !validPath(repo.Path) {
		return Access{}, p.tidy(ctx, refuse(NoWrite, "the site's repository is called %q, which no host would have", repo.Path))
	}
	a, err := p.dialect.check(whole, p, g, asked, repo)
	if err != nil {
		return Access{}, p.tidy(ctx, err, g.AccessToken, g.RefreshToken)
	}
	for _, text := range []*string{&a.Profile.ID, &a.Profile.Login, &a.Profile.Name, &a.Profile.Email} {
		*text = oneLine(*text, maxDetail)
	}
	return a, nil
}

// Narrow swaps a GitHub App's token for one that is good for the repository
// alone; the refresh token stays. A token that is known to be narrow already,
// a repository without ID, and other kinds of apps: g comes back unchanged.
func (p *Provider) Narrow(ctx context.Context, g Grant, repo Repository) (Grant, error) {
	if !p.isApp() || repo.ID == 0 || g.RepositoryID == repo.ID {
		return g, nil
	}
	narrow, err := p.narrow(ctx, g, repo)
	if err != nil {
		return Grant{}, p.tidy(ctx, err, g.AccessToken, g.RefreshToken)
	}
	return narrow, nil
}

// Revoke ends a token that was never delivered. Nil where the host has no way.
func (p *Provider) Revoke(ctx context.Context, g Grant) error {
	if p.dialect.revoke == nil || g.AccessToken == "" {
		return nil
	}
	return p.tidy(ctx, p.dialect.revoke(ctx, p, g), g.AccessToken, g.RefreshToken)
}
