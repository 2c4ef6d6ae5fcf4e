package provider

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// gitea is Gitea and Forgejo. They have no way to end a token.
func gitea() dialect {
	return dialect{
		authorize: "/login/oauth/authorize",
		redeem:    "/login/oauth/access_token",
		api:       func(host string) string { return host + "/api/v1" },
		scope:     "read:user write:repository",
		covers: map[string][]string{
			"all":              {"read:user", "write:user", "read:repository", "write:repository"},
			"write:user":       {"read:user"},
			"write:repository": {"read:repository"},
		},
		tooLittle: "required scope",
		redirect:  true,
		reason:    giteaReason,
		check:     checkGitea,
		register:  registerGitea,
	}
}

// giteaReason: where others say invalid_grant, Gitea takes the word for an app
// that may not do this; it says it of an app without its secret, too.
func giteaReason(code, description string) Reason {
	if code != unauthorised {
		return ""
	}
	if d := strings.ToLower(description); strings.Contains(d, "client secret") || strings.Contains(d, "redirect") {
		return BadClient
	}
	return BadCode
}

func checkGitea(ctx context.Context, p *Provider, g Grant, asked string, repo Repository) (Access, error) {
	var user struct {
		ID       int64  `json:"id"`
		Login    string `json:"login"`
		FullName string `json:"full_name"`
		Email    string `json:"email"`
	}
	_, err := p.whose(ctx, g, &user)
	switch {
	case err != nil:
		return Access{}, err
	case user.ID == 0 || user.Login == "":
		return Access{}, nameless()
	}
	if r := p.lackingRefusal(g.Scope, asked, user.Login); r != nil {
		return Access{}, r
	}
	owner, name, _ := strings.Cut(repo.Path, "/")
	var found struct {
		Permissions struct {
			Push bool `json:"push"`
		} `json:"permissions"`
	}
	a, err := p.get(ctx, g, "/repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name), &found)
	switch {
	case err != nil:
		return Access{}, err
	case a.status != http.StatusOK:
		return Access{}, p.denied(a, user.Login, repo.Path)
	case !found.Permissions.Push && !repo.AnyoneMayFork:
		return Access{}, mayNotPush(user.Login, repo.Path)
	}
	return Access{Profile: Profile{ID: strconv.FormatInt(user.ID, 10), Login: user.Login, Name: user.FullName, Email: user.Email}}, nil
}

func registerGitea(p *Provider, homepage, callback string) Registration {
	return Registration{
		URL: p.link("/user/settings/applications"),
		Fields: []Field{
			{"Application Name", appName(homepage)},
			{"Redirect URIs", callback},
			{"Confidential Client", "yes"},
		},
	}
}
