package provider

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// github is github.com and GitHub Enterprise, for OAuth apps and, with what is
// in githubapp.go, for GitHub Apps.
func github() dialect {
	return dialect{
		home:      "https://github.com",
		authorize: "/login/oauth/authorize",
		redeem:    "/login/oauth/access_token",
		issuer:    "/login/oauth",
		api:       githubAPI,
		scope:     "repo",
		open:      "public_repo",
		narrower:  map[string]string{"repo": "public_repo"},
		covers: map[string][]string{
			"repo": {"public_repo", "repo:status", "repo_deployment", "repo:invite", "security_events"},
			"user": {"read:user", "user:email", "user:follow"},
		},
		choose:   url.Values{"prompt": {"select_account"}},
		check:    checkGitHub,
		revoke:   revokeGitHub,
		register: registerGitHub,
	}
}

// githubAPI is where the API of a host is: of its own name for the hosts that
// GitHub runs, below the host for those that somebody else does.
func githubAPI(host string) string {
	if name, of := strings.CutPrefix(host, "https://"); of && (name == "github.com" || strings.HasSuffix(name, ".ghe.com")) {
		return "https://api." + name
	}
	return host + "/api/v3"
}

type githubUser struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Type  string `json:"type"`
}

type githubRepository struct {
	ID          int64  `json:"id"`
	FullName    string `json:"full_name"`
	Permissions struct {
		Push bool `json:"push"`
	} `json:"permissions"`
}

func checkGitHub(ctx context.Context, p *Provider, g Grant, asked string, repo Repository) (Access, error) {
	var user githubUser
	a, err := p.whose(ctx, g, &user)
	switch {
	case err != nil:
		return Access{}, err
	case user.ID == 0 || user.Login == "":
		return Access{}, nameless()
	}
	if r := p.githubScope(g, a, asked, user.Login); r != nil {
		return Access{}, r
	}
	access := Access{Profile: Profile{ID: strconv.FormatInt(user.ID, 10), Login: user.Login, Name: user.Name, Email: user.Email}}
	access.RepositoryID, err = p.githubMayPush(ctx, g, user.Login, repo)
	return access, err
}

// githubScope refuses when less was granted than asked for. GitHub tells it
// with the token, and again with every answer.
func (p *Provider) githubScope(g Grant, a answer, asked, login string) *Refusal {
	granted := g.Scope
	told, header := a.header["X-Oauth-Scopes"]
	if granted == "" && header {
		granted = strings.Join(told, " ")
	}
	var r *Refusal
	switch {
	case p.isApp():
	case granted == "" && header && asked != "":
		r = refuse(Scope, "nothing was granted, and %q was asked for", asked)
		r.Login = login
	default:
		r = p.lackingRefusal(granted, asked, login)
	}
	if r != nil {
		r.Link = p.appAccess() // where the person can take it back, and begin again
	}
	return r
}

// appAccess is the page where a person sees what the app may do, and asks an
// organisation to approve it.
func (p *Provider) appAccess() string {
	return p.link("/settings/connections/applications/" + url.PathEscape(p.ClientID))
}

// githubMayPush is the repository's ID when the person may push to it.
func (p *Provider) githubMayPush(ctx context.Context, g Grant, login string, repo Repository) (int64, error) {
	owner, name, _ := strings.Cut(repo.Path, "/")
	var found githubRepository
	a, err := p.get(ctx, g, "/repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name), &found)
	if err != nil {
		return 0, err
	}
	there := a.status == http.StatusOK
	if required, _ := parseSSO(a.header.Get("X-GitHub-SSO")); !there && (required || a.status != http.StatusNotFound) {
		return 0, p.githubDenied(a, login, repo)
	}
	if p.isApp() {
		// First of all, for a public repository shows itself to anybody.
		if err := p.installed(ctx, g, login, repo, there); err != nil {
			return 0, err
		}
	}
	switch {
	case !there && !p.isApp() && p.ownedByOrganisation(ctx, g, owner):
		r := a.refused(OrgApproval, login)
		r.Link, r.Guess = p.appAccess(), true
		return 0, r
	case !there:
		return 0, p.githubDenied(a, login, repo)
	case found.ID == 0:
		return 0, refuse(Upstream, "the host does not say which repository %s is", repo.Path)
	case p.isApp() && repo.ID != 0 && found.ID != repo.ID:
		// The token was narrowed to another repository, or not at all.
		r := refuse(NoWrite, "%s has the id %d, and the site's configuration says %d", repo.Path, found.ID, repo.ID)
		r.Login = login
		return 0, r
	case !found.Permissions.Push && !repo.AnyoneMayFork:
		return 0, mayNotPush(login, repo.Path)
	}
	return found.ID, nil
}

// organisation is the type of such an account.
const organisation = "Organization" //nolint:misspell // as GitHub spells it

// ownedByOrganisation reports whether an account is known to be an
// organisation. GitHub answers 404 for its private repositories to an app that
// it has not approved.
func (p *Provider) ownedByOrganisation(ctx context.Context, g Grant, owner string) bool {
	var account githubUser
	a, err := p.get(ctx, g, "/users/"+url.PathEscape(owner), &account)
	return err == nil && a.status == http.StatusOK && account.Type == organisation
}

// githubDenied is what an answer other than 200 means.
func (p *Provider) githubDenied(a answer, login string, repo Repository) *Refusal {
	message := strings.ToLower(a.message())
	if required, link := parseSSO(a.header.Get("X-GitHub-SSO")); required {
		r := a.refused(SSO, login)
		if p.ownLink(link) {
			r.Link = link
		}
		return r
	}
	switch {
	case strings.Contains(message, "rate limit"), a.status == http.StatusForbidden && a.header.Get("X-RateLimit-Remaining") == "0":
		return a.refused(Upstream, login)
	case a.status == http.StatusForbidden && strings.Contains(message, "oauth app access restrictions"):
		r := a.refused(OrgApproval, login)
		r.Link = p.appAccess()
		return r
	}
	return p.denied(a, login, repo.Path)
}

// parseSSO reads X-GitHub-SSO, such as required; url=https://…. A list of
// organisations that were left out (partial-results) requires nothing.
func parseSSO(header string) (required bool, link string) {
	kind, rest, _ := strings.Cut(header, ";")
	if strings.TrimSpace(kind) != "required" {
		return false, ""
	}
	name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
	if strings.TrimSpace(name) != "url" {
		return true, ""
	}
	return true, strings.TrimSpace(value)
}

// ownLink reports whether a link that the host has sent leads to the host
// itself: https, or what the host's own URL is.
func (p *Provider) ownLink(link string) bool {
	u, err := url.Parse(link)
	home, homeErr := url.Parse(p.URL)
	return err == nil && homeErr == nil && len(link) <= 2048 && validToken(link) &&
		u.User == nil && u.Opaque == "" && u.Scheme == home.Scheme && strings.EqualFold(u.Host, home.Host)
}

func revokeGitHub(ctx context.Context, p *Provider, g Grant) error {
	a, err := p.asApp(ctx, http.MethodDelete, p.applications("/token"), map[string]string{"access_token": g.AccessToken})
	switch {
	case err != nil:
		return err
	case a.status/100 == 2, a.status == http.StatusNotFound, a.status == http.StatusUnprocessableEntity: // it is no good any more
		return nil
	case a.status == http.StatusUnauthorized:
		return a.refused(BadClient, "")
	}
	return a.refused(Upstream, "")
}

// applications is a path of the API's for what the app does with its tokens.
func (p *Provider) applications(path string) string {
	return "/applications/" + url.PathEscape(p.ClientID) + path
}

func registerGitHub(p *Provider, homepage, callback string) Registration {
	if p.isApp() {
		return registerGitHubApp(p, homepage, callback)
	}
	name := appName(homepage)
	query := url.Values{
		"oauth_application[name]":         {name},
		"oauth_application[url]":          {homepage},
		"oauth_application[callback_url]": {callback},
	}
	return Registration{
		URL: p.link("/settings/applications/new?" + query.Encode()),
		Fields: []Field{
			{"Application name", name},
			{"Homepage URL", homepage},
			{"Authorization callback URL", callback},
			{"Enable Device Flow", "no"},
		},
	}
}
