package provider

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
)

// bitbucket is Bitbucket Cloud. Scopes belong to the consumer that is
// registered, and there is neither PKCE nor a way to end a token.
func bitbucket() dialect {
	return dialect{
		home:      "https://bitbucket.org",
		authorize: "/site/oauth2/authorize",
		redeem:    "/site/oauth2/access_token",
		api:       bitbucketAPI,
		granted:   "account repository:write",
		covers: map[string][]string{
			"account:write":     {"account", "email"},
			"repository:write":  {"repository"},
			"pullrequest":       {"repository"},
			"pullrequest:write": {"pullrequest", "repository:write", "repository"},
		},
		tooLittle: "privilege scopes",
		basic:     true,
		noPKCE:    true,
		check:     checkBitbucket,
		register:  registerBitbucket,
	}
}

func bitbucketAPI(host string) string {
	if name, of := strings.CutPrefix(host, "https://"); of && name == "bitbucket.org" {
		return "https://api.bitbucket.org/2.0"
	}
	return host + "/2.0"
}

func checkBitbucket(ctx context.Context, p *Provider, g Grant, _ string, repo Repository) (Access, error) {
	var user struct {
		UUID        string `json:"uuid"`
		AccountID   string `json:"account_id"`
		Username    string `json:"username"`
		Nickname    string `json:"nickname"`
		DisplayName string `json:"display_name"`
	}
	if _, err := p.whose(ctx, g, &user); err != nil {
		return Access{}, err
	}
	who := Profile{
		ID:    cmp.Or(user.UUID, user.AccountID),
		Login: cmp.Or(user.Username, user.Nickname, user.DisplayName), // not everybody shows one
		Name:  user.DisplayName,
	}
	if who.ID == "" {
		return Access{}, nameless()
	}
	if !repo.AnyoneMayFork {
		if r := p.lackingRefusal(g.Scope, p.dialect.granted, who.Login); r != nil {
			return Access{}, r
		}
		may, err := p.bitbucketMayPush(ctx, g, who.Login, repo)
		if err != nil || may {
			return Access{Profile: who}, err
		}
	}
	workspace, name, _ := strings.Cut(repo.Path, "/")
	a, err := p.get(ctx, g, "/repositories/"+url.PathEscape(workspace)+"/"+url.PathEscape(name), &struct{}{})
	switch {
	case err != nil:
		return Access{}, err
	case a.status != http.StatusOK:
		return Access{}, p.denied(a, who.Login, repo.Path)
	case !repo.AnyoneMayFork:
		return Access{}, mayNotPush(who.Login, repo.Path)
	}
	return Access{Profile: who}, nil
}

// bitbucketMayPush asks for the repositories to which the person may write and
// which are called like this one. Bitbucket has taken away the call that told
// a person's own permissions; those that are left are for administrators.
func (p *Provider) bitbucketMayPush(ctx context.Context, g Grant, login string, repo Repository) (bool, error) {
	workspace, _, _ := strings.Cut(repo.Path, "/")
	for _, role := range []string{"contributor", "admin"} {
		var list struct {
			Values []struct {
				FullName string `json:"full_name"`
			} `json:"values"`
		}
		query := url.Values{"role": {role}, "q": {`full_name="` + repo.Path + `"`}, "pagelen": {"10"}}
		a, err := p.get(ctx, g, "/repositories/"+url.PathEscape(workspace)+"?"+query.Encode(), &list)
		switch {
		case err != nil:
			return false, err
		case a.status == http.StatusForbidden, a.status == http.StatusNotFound: // a stranger to the workspace
			return false, nil
		case a.status != http.StatusOK:
			return false, p.denied(a, login, repo.Path)
		}
		for _, r := range list.Values {
			if strings.EqualFold(r.FullName, repo.Path) {
				return true, nil
			}
		}
	}
	return false, nil
}

func registerBitbucket(p *Provider, homepage, callback string) Registration {
	return Registration{
		URL: p.link("/account/workspaces/"),
		Fields: []Field{
			{"Where", "the workspace's settings, Apps and features, OAuth consumers, Add consumer"},
			{"Name", appName(homepage)},
			{"Callback URL", callback},
			{"URL", homepage},
			{"This is a private consumer", "yes"},
			{"Permissions: Account", "Email, Read"},
			{"Permissions: Repositories", "Read, Write"},
			{"Permissions: Pull requests", "Read, Write"},
		},
	}
}
