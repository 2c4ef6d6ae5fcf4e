package provider_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/provider"
)

//nolint:misspell // as GitHub spells it
const (
	githubMe       = `{"login":"ada","id":42,"name":"Ada\nL.","email":null,"type":"User"}`
	githubPush     = `{"id":77,"full_name":"Org/site","owner":{"login":"Org"},"permissions":{"admin":false,"push":true,"pull":true}}`
	githubPull     = `{"id":77,"full_name":"Org/site","permissions":{"admin":false,"push":false,"pull":true}}`
	restricted     = `{"message":"Although you appear to have the correct authorization credentials, the ` + "`Org`" + ` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited."}`
	samlRequired   = `{"message":"Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."}`
	rateLimited    = `{"message":"API rate limit exceeded for user ID 42."}`
	githubNotFound = `{"message":"Not Found"}`
)

func TestCheckAtGitHub(t *testing.T) {
	const user, repo, owner = "GET /api/v3/user", "GET /api/v3/repos/Org/site", "GET /api/v3/users/Org"
	me := with("X-OAuth-Scopes", "repo", says(200, githubMe))
	approval := "/settings/connections/applications/client-id"
	for name, c := range map[string]struct {
		answers map[string]http.HandlerFunc
		grant   string // scope
		asked   string
		fork    bool
		want    provider.Reason // empty: may work
		link    string          // below the host's URL
		says    string
	}{
		"may push":                {answers: map[string]http.HandlerFunc{user: me, repo: says(200, githubPush)}, grant: "repo", asked: "repo"},
		"scope not told":          {answers: map[string]http.HandlerFunc{user: says(200, githubMe), repo: says(200, githubPush)}, asked: "repo"},
		"more was granted":        {answers: map[string]http.HandlerFunc{user: me, repo: says(200, githubPush)}, grant: "repo,user", asked: "public_repo read:user user:email"},
		"offline_access":          {answers: map[string]http.HandlerFunc{user: me, repo: says(200, githubPush)}, grant: "repo", asked: "repo offline_access"},
		"less was granted":        {answers: map[string]http.HandlerFunc{user: me}, grant: "public_repo", asked: "repo", want: provider.Scope, link: approval, says: `"repo" is missing`},
		"told by header":          {answers: map[string]http.HandlerFunc{user: with("X-OAuth-Scopes", "user, gist", says(200, githubMe))}, asked: "repo", want: provider.Scope, link: approval},
		"nothing was granted":     {answers: map[string]http.HandlerFunc{user: with("X-OAuth-Scopes", "", says(200, githubMe))}, asked: "repo", want: provider.Scope, link: approval, says: "nothing was granted"},
		"may only read":           {answers: map[string]http.HandlerFunc{user: me, repo: says(200, githubPull)}, want: provider.NoWrite, says: "ada may see Org/site"},
		"may only read, and fork": {answers: map[string]http.HandlerFunc{user: me, repo: says(200, githubPull)}, fork: true},
		"cannot see, but fork":    {answers: map[string]http.HandlerFunc{user: me, owner: says(200, `{"type":"User"}`)}, fork: true, want: provider.NoWrite},
		"SSO": {
			answers: map[string]http.HandlerFunc{user: me, repo: with("X-GitHub-SSO", "required; url=HOST/orgs/Org/sso?authorization_request=AZ", says(403, samlRequired))},
			want:    provider.SSO, link: "/orgs/Org/sso?authorization_request=AZ", says: "SAML",
		},
		"SSO with 404":               {answers: map[string]http.HandlerFunc{user: me, repo: with("X-GitHub-SSO", "required; url=HOST/orgs/Org/sso", says(404, githubNotFound))}, want: provider.SSO, link: "/orgs/Org/sso"},
		"SSO that leads elsewhere":   {answers: map[string]http.HandlerFunc{user: me, repo: with("X-GitHub-SSO", "required; url=https://evil.example/sso", says(403, samlRequired))}, want: provider.SSO},
		"SSO without a link":         {answers: map[string]http.HandlerFunc{user: me, repo: with("X-GitHub-SSO", "required", says(403, samlRequired))}, want: provider.SSO},
		"app is restricted":          {answers: map[string]http.HandlerFunc{user: me, repo: says(403, restricted)}, want: provider.OrgApproval, link: approval, says: "OAuth App access restrictions"},
		"private, of an org":         {answers: map[string]http.HandlerFunc{user: me, owner: says(200, `{"login":"Org","type":"Organization"}`)}, want: provider.OrgApproval, link: approval, says: "404"}, //nolint:misspell // as GitHub spells it
		"private, of a person":       {answers: map[string]http.HandlerFunc{user: me, owner: says(200, `{"login":"Org","type":"User"}`)}, want: provider.NoWrite, says: "404: Not Found"},
		"of nobody":                  {answers: map[string]http.HandlerFunc{user: me}, want: provider.NoWrite, says: "404"},
		"403":                        {answers: map[string]http.HandlerFunc{user: me, repo: says(403, `{"message":"Repository access blocked"}`)}, want: provider.NoWrite, says: "blocked"},
		"451":                        {answers: map[string]http.HandlerFunc{user: me, repo: says(451, `{"message":"Repository access blocked"}`)}, want: provider.NoWrite},
		"rate limit":                 {answers: map[string]http.HandlerFunc{user: me, repo: says(403, rateLimited)}, want: provider.Upstream, says: "rate limit"},
		"rate limit, by header":      {answers: map[string]http.HandlerFunc{user: me, repo: with("X-RateLimit-Remaining", "0", says(403, `{}`))}, want: provider.Upstream},
		"429":                        {answers: map[string]http.HandlerFunc{user: me, repo: says(429, rateLimited)}, want: provider.Upstream},
		"500":                        {answers: map[string]http.HandlerFunc{user: me, repo: says(500, ``)}, want: provider.Upstream, says: "500"},
		"renamed":                    {answers: map[string]http.HandlerFunc{user: me, repo: with("Location", "/api/v3/repositories/77", says(301, `{"message":"Moved Permanently"}`))}, want: provider.NoWrite, says: "renamed"},
		"a redirect to metadata":     {answers: map[string]http.HandlerFunc{user: redirect("http://169.254.169.254/")}, want: provider.Upstream, says: "302"},
		"the token is not good":      {answers: map[string]http.HandlerFunc{user: says(401, `{"message":"Bad credentials `+access+`"}`)}, want: provider.Upstream, says: "Bad credentials …"},
		"this is not the API":        {answers: map[string]http.HandlerFunc{}, want: provider.Upstream, says: "not where the API is"},
		"blocked everywhere":         {answers: map[string]http.HandlerFunc{user: says(403, `{"message":"Sorry. Your account was suspended."}`)}, want: provider.NoWrite, says: "suspended"},
		"nobody's token":             {answers: map[string]http.HandlerFunc{user: says(200, `{}`)}, want: provider.Upstream, says: "whose"},
		"an array for a person":      {answers: map[string]http.HandlerFunc{user: says(200, `[]`)}, want: provider.Upstream, says: "something else"},
		"a repository without an id": {answers: map[string]http.HandlerFunc{user: me, repo: says(200, `{"permissions":{"push":true}}`)}, want: provider.Upstream},
		"a person of two megabytes":  {answers: map[string]http.HandlerFunc{user: says(200, `{"name":"`+strings.Repeat("x", 2<<20)+`"}`)}, want: provider.Upstream, says: "larger than is read"},
		"a host that hangs up":       {answers: map[string]http.HandlerFunc{user: me, repo: hangUp}, want: provider.Upstream, says: "broke the connection off"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, c.answers)
			if next, there := c.answers[repo]; there { // the link in the header has to be ours
				c.answers[repo] = func(w http.ResponseWriter, r *http.Request) {
					next(rewriter{w, h.URL}, r)
				}
			}
			g := provider.Grant{AccessToken: access, RefreshToken: refresh, Scope: c.grant}
			a, err := h.provider(provider.GitHub).Check(t.Context(), g, c.asked, provider.Repository{Path: "Org/site", AnyoneMayFork: c.fork})
			for _, r := range h.requests() {
				if r.Header.Get("Authorization") != "Bearer "+access {
					t.Errorf("%s without the token", r.URL)
				}
			}
			if c.want == "" {
				if want := (provider.Access{Profile: provider.Profile{ID: "42", Login: "ada", Name: "Ada L."}, RepositoryID: 77}); err != nil || a != want {
					t.Errorf("%+v %v", a, err)
				}
				return
			}
			r := refused(t, err)
			link := ""
			if c.link != "" {
				link = h.URL + c.link
			}
			if r.Reason != c.want || r.Link != link || !strings.Contains(r.Detail, c.says) || a != (provider.Access{}) {
				t.Errorf("%+v", r)
			}
			if h.paths()[len(h.paths())-1] != user && r.Login != "ada" && r.Reason != provider.Upstream {
				t.Errorf("whose? %+v", r)
			}
		})
	}
}

// rewriter puts the practice host's URL into a header.
type rewriter struct {
	http.ResponseWriter
	url string
}

func (w rewriter) WriteHeader(status int) {
	h := w.Header()
	h.Set("X-GitHub-SSO", strings.Replace(h.Get("X-GitHub-SSO"), "HOST", w.url, 1))
	w.ResponseWriter.WriteHeader(status)
}

// A public repository answers everybody, and a token narrowed at the exchange
// is taken for what it is: only the list of installations tells.
func TestCheckOfAGitHubApp(t *testing.T) {
	const (
		user, repo    = "GET /api/v3/user", "GET /api/v3/repos/Org/site"
		installations = "GET /api/v3/user/installations"
		page          = "?per_page=50&page="
		listed        = "GET /api/v3/user/installations/9/repositories"
	)
	at := func(change string) http.HandlerFunc {
		return says(200, `{"total_count":2,"installations":[{"id":8,"account":{"login":"ada"},"repository_selection":"all"},{"id":9,"account":{"login":"org"}`+change+`}]}`)
	}
	all := at(`,"repository_selection":"all","suspended_at":null,"permissions":{"contents":"write"}`)
	selected := at(`,"repository_selection":"selected","permissions":{"contents":"write","metadata":"read"}`)
	install := "/apps/our-app/installations/new"
	for name, c := range map[string]struct {
		answers map[string]http.HandlerFunc
		fork    bool
		want    provider.Reason
		link    string
		says    string
	}{
		"on everything":            {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: all}},
		"on this one":              {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: selected, listed: says(200, `{"repositories":[{"full_name":"org/SITE"}]}`)}},
		"on the second page":       {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: selected, listed + page + "1": repositories(50, ""), listed + page + "2": repositories(3, "Org/site")}},
		"on others":                {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: selected, listed: repositories(3, "")}, want: provider.NotInstalled, link: install, says: "not on Org/site"},
		"on others of two pages":   {answers: map[string]http.HandlerFunc{installations: selected, listed + page + "1": repositories(50, ""), listed + page + "2": repositories(0, "")}, want: provider.NotInstalled, link: install},
		"on thousands":             {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: selected, listed: repositories(50, "")}},
		"nowhere":                  {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: says(200, `{"installations":[]}`)}, want: provider.NotInstalled, link: install, says: "not installed at Org"},
		"nowhere, and private":     {answers: map[string]http.HandlerFunc{installations: says(200, `{"installations":[]}`)}, want: provider.NotInstalled, link: install},
		"suspended":                {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: at(`,"repository_selection":"all","suspended_at":"2026-01-01T00:00:00Z"`)}, want: provider.NotInstalled, link: install, says: "suspended"},
		"everywhere, but not hers": {answers: map[string]http.HandlerFunc{installations: all}, want: provider.NoWrite, says: "404"},
		"she may only read":        {answers: map[string]http.HandlerFunc{repo: says(200, githubPull), installations: all}, want: provider.NoWrite, says: "may see"},
		"the app may only read":    {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: at(`,"repository_selection":"all","permissions":{"contents":"read"}`)}, want: provider.Scope, link: "/settings/installations/9", says: "may only read contents"},
		"another of that name":     {answers: map[string]http.HandlerFunc{repo: says(200, strings.Replace(githubPush, "77", "78", 1)), installations: all}, want: provider.NoWrite, says: "the site's configuration says 77"},
		"to read is enough":        {answers: map[string]http.HandlerFunc{repo: says(200, githubPull), installations: at(`,"repository_selection":"all","permissions":{"contents":"read"}`)}, fork: true},
		"the list is away":         {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: says(502, ``)}, want: provider.Upstream, says: "502"},
		"the list is forbidden":    {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: says(403, `{"message":"no"}`)}, want: provider.NoWrite},
		"the repositories are":     {answers: map[string]http.HandlerFunc{repo: says(200, githubPush), installations: selected, listed: says(500, ``)}, want: provider.Upstream},
	} {
		t.Run(name, func(t *testing.T) {
			c.answers[user] = says(200, githubMe)
			h := newHost(t, c.answers)
			p := h.provider(provider.GitHub, func(a *provider.App) { a.Slug = "our-app" })
			a, err := p.Check(t.Context(), provider.Grant{AccessToken: access}, "", provider.Repository{Path: "Org/site", ID: 77, AnyoneMayFork: c.fork})
			if len(h.paths()) > 40 {
				t.Errorf("%d calls", len(h.paths()))
			}
			if c.want == "" {
				if err != nil || a.RepositoryID != 77 {
					t.Errorf("%+v %v", a, err)
				}
				return
			}
			link := ""
			if c.link != "" {
				link = h.URL + c.link
			}
			if r := refused(t, err); r.Reason != c.want || r.Link != link || !strings.Contains(r.Detail, c.says) || r.Login != "ada" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func repositories(n int, last string) http.HandlerFunc {
	list := []map[string]string{}
	for range n {
		list = append(list, map[string]string{"full_name": "Org/another"})
	}
	if last != "" {
		list = append(list, map[string]string{"full_name": last})
	}
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, map[string]any{"repositories": list}) }
}

// The person is sent to where the app is installed: an Enterprise server has
// that elsewhere.
func TestInstallLinks(t *testing.T) {
	for home, want := range map[string]string{
		"https://github.com":   "https://github.com/apps/our-app/installations/new",
		"https://octo.ghe.com": "https://octo.ghe.com/apps/our-app/installations/new",
		"https://ghe.example":  "https://ghe.example/github-apps/our-app/installations/new",
	} {
		h := newHost(t, map[string]http.HandlerFunc{
			"GET /user":               says(200, githubMe),
			"GET /repos/Org/site":     says(200, githubPush),
			"GET /user/installations": says(200, `{"installations":[]}`),
		})
		p := h.provider(provider.GitHub, func(a *provider.App) { a.Slug, a.URL, a.API = "our-app", home, h.URL })
		_, err := p.Check(t.Context(), provider.Grant{AccessToken: access}, "", provider.Repository{Path: "Org/site"})
		if r := refused(t, err); r.Link != want {
			t.Errorf("%s: %s", home, r.Link)
		}
	}
}

func TestNarrow(t *testing.T) {
	const route = "POST /api/v3/applications/client-id/token/scoped"
	made := says(200, `{"id":1,"token":"narrow-token","expires_at":"2026-11-22T12:00:00Z","scopes":[]}`)
	app := func(a *provider.App) { a.Slug = "our-app" }
	g := provider.Grant{AccessToken: access, RefreshToken: refresh}
	repo := provider.Repository{Path: "Org/site", ID: 77}

	h := newHost(t, map[string]http.HandlerFunc{route: made})
	got, err := h.provider(provider.GitHub, app).Narrow(t.Context(), g, repo)
	if err != nil || got.AccessToken != "narrow-token" || got.RefreshToken != refresh || got.RepositoryID != 77 || got.Expires.Hour() != 12 {
		t.Errorf("%+v %v", got, err)
	}
	var sent map[string]any
	if err := json.Unmarshal([]byte(h.requests()[0].body), &sent); err != nil || len(sent) != 3 || sent["access_token"] != access || sent["target"] != "Org" || !slices.Equal(sent["repository_ids"].([]any), []any{77.0}) {
		t.Errorf("sent %s", h.requests()[0].body)
	}
	if id, pass, _ := h.requests()[0].BasicAuth(); id != "client-id" || pass != secret || h.requests()[0].Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", h.requests()[0].Header)
	}

	for name, answer := range map[string]http.HandlerFunc{
		"404": says(404, `{"message":"`+access+`"}`), "422": says(422, `{}`), "no token": says(200, `{}`), "no JSON": says(200, `x`),
		"a bad token": says(200, `{"token":"a\nb"}`), "a bad time": says(200, `{"token":"a","expires_at":"soon"}`), "500": says(500, ``),
	} {
		h := newHost(t, map[string]http.HandlerFunc{route: answer})
		got, err := h.provider(provider.GitHub, app).Narrow(t.Context(), g, repo)
		if r := refused(t, err); r.Reason != provider.Upstream || got != (provider.Grant{}) {
			t.Errorf("%s: %+v, %v", name, got, r)
		}
	}
	h = newHost(t, map[string]http.HandlerFunc{route: says(401, `{}`)})
	_, err = h.provider(provider.GitHub, app).Narrow(t.Context(), g, repo)
	if r := refused(t, err); r.Reason != provider.BadClient {
		t.Error(r)
	}
}

// A token that came narrow from a refresh cannot be narrowed again. It is looked
// at, and nothing is believed.
func TestNarrowWhatIsNarrow(t *testing.T) {
	const (
		route         = "POST /api/v3/applications/client-id/token/scoped"
		installations = "GET /api/v3/user/installations"
		listed        = "GET /api/v3/user/installations/9/repositories"
	)
	nine := says(200, `{"installations":[{"id":9}]}`)
	for name, c := range map[string]struct {
		answers map[string]http.HandlerFunc
		narrow  bool
	}{
		"this one alone":      {map[string]http.HandlerFunc{installations: nine, listed: says(200, `{"total_count":1,"repositories":[{"id":77}]}`)}, true},
		"another one":         {map[string]http.HandlerFunc{installations: nine, listed: says(200, `{"total_count":1,"repositories":[{"id":78}]}`)}, false},
		"and another one":     {map[string]http.HandlerFunc{installations: nine, listed: says(200, `{"total_count":2,"repositories":[{"id":77},{"id":78}]}`)}, false},
		"and more, not shown": {map[string]http.HandlerFunc{installations: nine, listed: says(200, `{"total_count":2,"repositories":[{"id":77}]}`)}, false},
		"none":                {map[string]http.HandlerFunc{installations: nine, listed: says(200, `{"total_count":0,"repositories":[]}`)}, false},
		"not told":            {map[string]http.HandlerFunc{installations: nine}, false},
		"installed nowhere":   {map[string]http.HandlerFunc{installations: says(200, `{}`)}, false},
		"not told where":      {map[string]http.HandlerFunc{}, false},
	} {
		c.answers[route] = says(422, `{"message":"Validation Failed"}`)
		h := newHost(t, c.answers)
		g := provider.Grant{AccessToken: access, RefreshToken: refresh}
		got, err := h.provider(provider.GitHub, func(a *provider.App) { a.Slug = "our-app" }).Narrow(t.Context(), g, provider.Repository{Path: "Org/site", ID: 77})
		if c.narrow {
			if g.RepositoryID = 77; err != nil || got != g {
				t.Errorf("%s: %+v %v", name, got, err)
			}
		} else if r := refused(t, err); r.Reason != provider.Upstream || got != (provider.Grant{}) {
			t.Errorf("%s: %+v %v", name, got, r)
		}
	}
}

// Nothing is asked of the host when there is nothing to narrow.
func TestNarrowAlready(t *testing.T) {
	h := newHost(t, map[string]http.HandlerFunc{redeem: says(200, good)})
	app := h.provider(provider.GitHub, func(a *provider.App) { a.Slug = "our-app" })
	narrow, err := app.Exchange(t.Context(), code, verifier, callback, provider.Repository{Path: "o/r", ID: 77})
	if err != nil || narrow.RepositoryID != 77 {
		t.Fatal(narrow, err)
	}
	wide := provider.Grant{AccessToken: access}
	for name, c := range map[string]struct {
		p    *provider.Provider
		g    provider.Grant
		repo provider.Repository
	}{
		"narrowed at the exchange":    {app, narrow, provider.Repository{Path: "o/r", ID: 77}},
		"the repository has no id":    {app, wide, provider.Repository{Path: "o/r"}},
		"an OAuth app":                {h.provider(provider.GitHub), wide, provider.Repository{Path: "o/r", ID: 77}},
		"another kind with that name": {h.provider(provider.Gitea, func(a *provider.App) { a.Slug = "x" }), wide, provider.Repository{Path: "o/r", ID: 77}},
	} {
		if got, err := c.p.Narrow(t.Context(), c.g, c.repo); err != nil || got != c.g {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if got := h.paths(); len(got) != 1 {
		t.Errorf("asked for %q", got)
	}
}
