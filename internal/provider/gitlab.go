package provider

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// gitlab is gitlab.com and self-managed GitLab, which may be below a path.
func gitlab() dialect {
	return dialect{
		home:      "https://gitlab.com",
		authorize: "/oauth/authorize",
		redeem:    "/oauth/token",
		api:       func(host string) string { return host + "/api/v4" },
		scope:     "api",
		covers: map[string][]string{
			"api": {"read_api", "read_user", "read_repository", "write_repository"},
		},
		tooLittle: "insufficient_scope",
		redirect:  true,
		check:     checkGitLab,
		revoke:    revokeGitLab,
		register:  registerGitLab,
	}
}

// GitLab's levels of access.
const (
	developer  = 30
	maintainer = 40
)

type gitlabLevel struct {
	Level int `json:"access_level"`
}

type gitlabProject struct {
	DefaultBranch string `json:"default_branch"`
	Permissions   struct {
		Project *gitlabLevel `json:"project_access"`
		Group   *gitlabLevel `json:"group_access"`
	} `json:"permissions"`
	Shared []struct {
		Level int `json:"group_access_level"`
	} `json:"shared_with_groups"`
}

func checkGitLab(ctx context.Context, p *Provider, g Grant, asked string, repo Repository) (Access, error) {
	var user struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
		Email    string `json:"email"`
	}
	_, err := p.whose(ctx, g, &user)
	switch {
	case err != nil:
		return Access{}, err
	case user.ID == 0 || user.Username == "":
		return Access{}, nameless()
	}
	if r := p.lackingRefusal(g.Scope, asked, user.Username); r != nil {
		return Access{}, r
	}
	path := "/projects/" + url.PathEscape(repo.Path)
	var project gitlabProject
	a, err := p.get(ctx, g, path, &project)
	if err != nil {
		return Access{}, err
	}
	if a.status != http.StatusOK {
		return Access{}, p.denied(a, user.Username, repo.Path)
	}
	may := repo.AnyoneMayFork
	if !may {
		if may, err = p.gitlabMayPush(ctx, g, path, project); err != nil {
			return Access{}, err
		}
	}
	if !may {
		return Access{}, mayNotPush(user.Username, repo.Path)
	}
	return Access{Profile: Profile{ID: strconv.FormatInt(user.ID, 10), Login: user.Username, Name: user.Name, Email: user.Email}}, nil
}

// gitlabMayPush decides as the CMS does, so that nobody is let in here whom the
// CMS turns away, or the other way round: by the access to the project and its
// group, and else by the groups that it is shared with.
func (p *Provider) gitlabMayPush(ctx context.Context, g Grant, path string, project gitlabProject) (bool, error) {
	for _, l := range []*gitlabLevel{project.Permissions.Project, project.Permissions.Group} {
		if l != nil && l.Level >= developer {
			return true, nil
		}
	}
	shared := 0
	for _, s := range project.Shared {
		shared = max(shared, s.Level)
	}
	if shared >= maintainer || shared < developer || project.DefaultBranch == "" {
		return shared >= maintainer, nil
	}
	var branch struct {
		Push  bool `json:"developers_can_push"`
		Merge bool `json:"developers_can_merge"`
	}
	a, err := p.get(ctx, g, path+"/repository/branches/"+url.PathEscape(project.DefaultBranch), &branch)
	if err != nil {
		return false, err
	}
	return a.status == http.StatusOK && branch.Push && branch.Merge, nil
}

func revokeGitLab(ctx context.Context, p *Provider, g Grant) error {
	a, err := p.tokenCall(ctx, "/oauth/revoke", url.Values{"token": {g.AccessToken}})
	switch {
	case err != nil:
		return err
	case a.status/100 == 2:
		return nil
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return a.refused(BadClient, "")
	}
	return a.refused(Upstream, "")
}

func registerGitLab(p *Provider, homepage, callback string) Registration {
	return Registration{
		URL: p.link("/-/user_settings/applications"),
		Fields: []Field{
			{"Name", appName(homepage)},
			{"Redirect URI", callback},
			{"Confidential", "yes"},
			{"Scopes", "api"},
		},
	}
}
