package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A person who has authorised a GitHub App can use it only on repositories on
// which somebody has installed it. The two are different things, and people
// stumble over the second.

// What is read of a person's installations: pages of fifty, since a repository
// takes some seven kilobytes in a list.
const (
	perPage              = 50
	maxInstallationPages = 4
	maxRepositoryPages   = 20
)

type installation struct {
	ID      int64 `json:"id"`
	Account struct {
		Login string `json:"login"`
	} `json:"account"`
	Selection   string            `json:"repository_selection"` // all or selected
	SuspendedAt string            `json:"suspended_at"`
	Permissions map[string]string `json:"permissions"`
}

// installed refuses when the app is not installed on the repository. The
// repository is readable, or it answered 404, which need not be the app's
// fault.
func (p *Provider) installed(ctx context.Context, g Grant, login string, repo Repository, readable bool) error {
	owner, _, _ := strings.Cut(repo.Path, "/")
	i, err := p.installation(ctx, g, login, owner)
	if err != nil {
		return err
	}
	switch {
	case i == nil:
		return p.notInstalled(login, "the app is not installed at "+owner+", or "+login+" has nothing to do with "+owner)
	case i.SuspendedAt != "":
		return p.notInstalled(login, "the app's installation at "+owner+" is suspended")
	}
	if i.Selection != "all" {
		has, err := p.installationHas(ctx, g, login, i.ID, repo)
		if err != nil {
			return err
		}
		if !has {
			return p.notInstalled(login, "the app is installed at "+owner+", but not on "+repo.Path)
		}
	}
	if contents := i.Permissions["contents"]; readable && !repo.AnyoneMayFork && contents != "" && contents != "write" {
		r := refuse(Scope, "the app's installation at %s may only %s contents", owner, contents)
		r.Login, r.Link = login, p.link("/settings/installations/"+strconv.FormatInt(i.ID, 10))
		return r
	}
	return nil
}

func (p *Provider) notInstalled(login, detail string) *Refusal {
	return &Refusal{Reason: NotInstalled, Login: login, Link: p.link(p.appPage() + "/installations/new"), Detail: detail}
}

// appPage is the public page of the app. An Enterprise server has it elsewhere.
func (p *Provider) appPage() string {
	at := "/apps/"
	if name, of := strings.CutPrefix(p.URL, "https://"); of && name != "github.com" && !strings.HasSuffix(name, ".ghe.com") {
		at = "/github-apps/"
	}
	return at + url.PathEscape(p.Slug)
}

// installation is the app's installation at an account, as far as the person
// can see it; nil when there is none.
func (p *Provider) installation(ctx context.Context, g Grant, login, owner string) (*installation, error) {
	for page := 1; page <= maxInstallationPages; page++ {
		var list struct {
			Installations []installation `json:"installations"`
		}
		a, err := p.get(ctx, g, "/user/installations"+paged(page), &list)
		if err != nil {
			return nil, err
		}
		if a.status != http.StatusOK {
			return nil, p.githubDenied(a, login, Repository{})
		}
		for i := range list.Installations {
			if strings.EqualFold(list.Installations[i].Account.Login, owner) {
				return &list.Installations[i], nil
			}
		}
		if len(list.Installations) < perPage {
			break
		}
	}
	return nil, nil
}

// installationHas reports whether a repository belongs to an installation.
// Beyond what is read it counts as one that does: whether the person may push
// is asked anyway.
func (p *Provider) installationHas(ctx context.Context, g Grant, login string, id int64, repo Repository) (bool, error) {
	for page := 1; page <= maxRepositoryPages; page++ {
		var list struct {
			Repositories []githubRepository `json:"repositories"`
		}
		a, err := p.get(ctx, g, "/user/installations/"+strconv.FormatInt(id, 10)+"/repositories"+paged(page), &list)
		if err != nil {
			return false, err
		}
		if a.status != http.StatusOK {
			return false, p.githubDenied(a, login, repo)
		}
		for _, r := range list.Repositories {
			if strings.EqualFold(r.FullName, repo.Path) {
				return true, nil
			}
		}
		if len(list.Repositories) < perPage {
			return false, nil
		}
	}
	return true, nil
}

func paged(page int) string {
	return "?per_page=" + strconv.Itoa(perPage) + "&page=" + strconv.Itoa(page)
}

// narrow asks for a token that is good for one repository alone.
func (p *Provider) narrow(ctx context.Context, g Grant, repo Repository) (Grant, error) {
	owner, _, _ := strings.Cut(repo.Path, "/")
	a, err := p.asApp(ctx, http.MethodPost, p.applications("/token/scoped"), map[string]any{
		"access_token":   g.AccessToken,
		"target":         owner,
		"repository_ids": []int64{repo.ID},
	})
	switch {
	case err != nil:
		return Grant{}, err
	case a.status == http.StatusUnauthorized:
		return Grant{}, a.refused(BadClient, "")
	case a.status == http.StatusForbidden, a.status == http.StatusNotFound, a.status == http.StatusUnprocessableEntity:
		// A token that is narrow already cannot be narrowed once more.
		if p.seesOnly(ctx, g, repo.ID) {
			g.RepositoryID = repo.ID
			return g, nil
		}
		return Grant{}, a.refused(Upstream, "")
	case a.status/100 != 2:
		return Grant{}, a.refused(Upstream, "")
	}
	return g.narrowed(a.body, repo.ID)
}

// seesOnly reports whether a token is known to be good for one repository and
// no other.
func (p *Provider) seesOnly(ctx context.Context, g Grant, repository int64) bool {
	var installed struct {
		Installations []installation `json:"installations"`
	}
	a, err := p.get(ctx, g, "/user/installations"+paged(1), &installed)
	if err != nil || a.status != http.StatusOK || len(installed.Installations) > maxInstallationPages {
		return false
	}
	seen := 0
	for _, i := range installed.Installations {
		var list struct {
			Total        int                `json:"total_count"`
			Repositories []githubRepository `json:"repositories"`
		}
		a, err := p.get(ctx, g, "/user/installations/"+strconv.FormatInt(i.ID, 10)+"/repositories"+paged(1), &list)
		if err != nil || a.status != http.StatusOK {
			return false
		}
		for _, r := range list.Repositories {
			if r.ID != repository {
				return false
			}
		}
		seen += max(list.Total, len(list.Repositories))
	}
	return seen == 1
}

// narrowed is the grant with the token that the host has made from its token.
func (g Grant) narrowed(body []byte, repository int64) (Grant, error) {
	var made struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal(body, &made); err != nil || !validToken(made.Token) {
		return Grant{}, refuse(Upstream, "the host has made no token for the repository alone")
	}
	g.AccessToken, g.RepositoryID = made.Token, repository
	if !made.Expires.IsZero() {
		g.Expires = made.Expires
	}
	return g, nil
}

func registerGitHubApp(p *Provider, homepage, callback string) Registration {
	name := appName(homepage)
	query := url.Values{
		"name": {name}, "url": {homepage}, "callback_urls[]": {callback},
		"contents": {"write"}, "pull_requests": {"write"}, "metadata": {"read"},
		"webhook_active": {"false"}, "public": {"false"},
	}
	return Registration{
		URL: p.link("/settings/apps/new?" + query.Encode()),
		Fields: []Field{
			{"GitHub App name", name},
			{"Homepage URL", homepage},
			{"Callback URL", callback},
			{"Expire user authorization tokens", "yes"},
			{"Request user authorization (OAuth) during installation", "no"},
			{"Webhook: Active", "no"},
			{"Repository permissions: Contents", "Read and write"},
			{"Repository permissions: Pull requests", "Read and write"},
			{"Repository permissions: Metadata", "Read-only"},
		},
	}
}
