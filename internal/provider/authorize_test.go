package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
)

func TestDefaults(t *testing.T) {
	for _, c := range []struct{ kind, url, api, wantURL, wantAPI, issuer string }{
		{provider.GitHub, "", "", "https://github.com", "https://api.github.com", "https://github.com/login/oauth"},
		{provider.GitHub, "https://github.com/", "", "https://github.com", "https://api.github.com", "https://github.com/login/oauth"},
		{provider.GitHub, "https://ghe.example", "", "https://ghe.example", "https://ghe.example/api/v3", "https://ghe.example/login/oauth"},
		{provider.GitHub, "https://octo.ghe.com", "", "https://octo.ghe.com", "https://api.octo.ghe.com", "https://octo.ghe.com/login/oauth"},
		{provider.GitHub, "https://ghe.example", "https://api.ghe.example/", "https://ghe.example", "https://api.ghe.example", "https://ghe.example/login/oauth"},
		{provider.GitLab, "", "", "https://gitlab.com", "https://gitlab.com/api/v4", "https://gitlab.com"},
		{provider.GitLab, "https://example.org/gitlab/", "", "https://example.org/gitlab", "https://example.org/gitlab/api/v4", "https://example.org/gitlab"},
		{provider.Bitbucket, "", "", "https://bitbucket.org", "https://api.bitbucket.org/2.0", "https://bitbucket.org"},
		{provider.Bitbucket, "http://127.0.0.1:7777", "", "http://127.0.0.1:7777", "http://127.0.0.1:7777/2.0", "http://127.0.0.1:7777"},
		{provider.Gitea, "https://git.example", "", "https://git.example", "https://git.example/api/v1", "https://git.example"},
		{provider.Forgejo, "https://git.example/x", "", "https://git.example/x", "https://git.example/x/api/v1", "https://git.example/x"},
	} {
		p, err := provider.New(provider.App{Kind: c.kind, URL: c.url, API: c.api, ClientID: "id"})
		if err != nil {
			t.Fatal(err)
		}
		if p.URL != c.wantURL || p.API != c.wantAPI || p.Issuer() != c.issuer {
			t.Errorf("%s %s: %s, %s, %s", c.kind, c.url, p.URL, p.API, p.Issuer())
		}
	}
}

func TestAppsThatCannotBe(t *testing.T) {
	for name, a := range map[string]provider.App{
		"an unknown kind":         {Kind: "svn", URL: "https://svn.example", ClientID: "id"},
		"no client id":            {Kind: provider.GitHub},
		"no URL":                  {Kind: provider.Gitea, ClientID: "id"},
		"no URL of a Forgejo":     {Kind: provider.Forgejo, ClientID: "id"},
		"http":                    {Kind: provider.GitLab, URL: "http://gitlab.example", ClientID: "id"},
		"a password in the URL":   {Kind: provider.GitLab, URL: "https://a:b@gitlab.example", ClientID: "id"},
		"http for the API":        {Kind: provider.GitHub, API: "http://api.example", ClientID: "id"},
		"a query behind the path": {Kind: provider.GitHub, URL: "https://github.com?x=1", ClientID: "id"},
	} {
		if p, err := provider.New(a); !fault.Is(err, fault.Invalid) || p != nil {
			t.Errorf("%s: %v %v", name, p, err)
		}
	}
}

// A client that follows redirects or keeps cookies is changed for this use, and
// stays as it is for others.
func TestClientsOfOthers(t *testing.T) {
	c := &http.Client{}
	p, err := provider.New(provider.App{Kind: provider.GitHub, ClientID: "id", Client: c})
	if err != nil {
		t.Fatal(err)
	}
	if p.Client == c || p.Client.CheckRedirect == nil || c.CheckRedirect != nil {
		t.Error("the client was not copied")
	}
}

func TestScope(t *testing.T) {
	for _, c := range []struct {
		kind, max, asked string
		open             bool
		want             string
	}{
		{provider.GitHub, "", "", false, "repo"},
		{provider.GitHub, "", "repo", false, "repo"},
		{provider.GitHub, "", "public_repo", false, "public_repo"},
		{provider.GitHub, "", "repo,user", false, "repo"},
		{provider.GitHub, "", "public_repo,user", false, "public_repo"},
		{provider.GitHub, "", "repo,admin:org,delete_repo", false, "repo"},
		{provider.GitHub, "", "delete_repo", false, "repo"},
		{provider.GitHub, "", "public_repo+repo", false, "repo"},
		{provider.GitHub, "", "", true, "public_repo"},
		{provider.GitHub, "", "repo", true, "public_repo"},
		{provider.GitHub, "public_repo", "repo", false, "public_repo"},
		{provider.GitHub, "repo", "", true, "repo"},
		{provider.GitHub, "repo", "public_repo", true, "public_repo"},
		{provider.GitHub, "repo,read:user", "public_repo", false, "public_repo read:user"},
		{provider.GitHub, "repo public_repo", "public_repo", false, "public_repo"},
		{provider.GitHub, "  repo ,  read:user ", "\x00\r\n", false, "repo read:user"},
		{provider.GitLab, "", "", false, "api"},
		{provider.GitLab, "", "sudo", false, "api"},
		{provider.GitLab, "api read_user", "api", true, "api read_user"},
		{provider.Bitbucket, "", "repo", false, ""},
		{provider.Bitbucket, "account", "repo", false, ""},
		{provider.Gitea, "", "repository", false, "read:user write:repository"},
		{provider.Forgejo, "", "read:repository,write:repository,read:user", false, "read:user write:repository"},
		{provider.Gitea, "write:repository", "all", false, "write:repository"},
	} {
		p, err := provider.New(provider.App{Kind: c.kind, URL: "https://git.example", ClientID: "id"})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Scope(c.max, c.asked, c.open); got != c.want {
			t.Errorf("%s, at most %q, asked for %q, open %v: %q, want %q", c.kind, c.max, c.asked, c.open, got, c.want)
		}
	}
	app, err := provider.New(provider.App{Kind: provider.GitHub, ClientID: "id", Slug: "our-app"})
	if err != nil {
		t.Fatal(err)
	}
	if got := app.Scope("repo", "repo", false); got != "" {
		t.Errorf("a GitHub App asks for %q", got)
	}
}

// Whatever a caller writes, nothing is asked for beyond the most that is
// allowed.
func FuzzScope(f *testing.F) {
	for _, s := range []string{"repo", "public_repo,user", "repo%20delete_repo", "a+b", "\u00a0repo"} {
		f.Add("repo", s, false)
		f.Add("", s, true)
	}
	p, err := provider.New(provider.App{Kind: provider.GitHub, ClientID: "id"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, most, asked string, open bool) {
		allowed := map[string]bool{"public_repo": true}
		for _, s := range strings.FieldsFunc(p.Scope(most, "", open), func(r rune) bool { return r == ' ' }) {
			allowed[s] = true
		}
		for _, s := range strings.Split(p.Scope(most, asked, open), " ") {
			if s != "" && (!allowed[s] || s == "public_repo" && !allowed["repo"] && !strings.Contains(p.Scope(most, "", open), s)) {
				t.Errorf("at most %q, asked for %q: %q", most, asked, s)
			}
		}
	})
}

func TestAuthCodeURL(t *testing.T) {
	for kind, want := range map[string]string{
		provider.GitHub:    "https://git.example/login/oauth/authorize",
		provider.GitLab:    "https://git.example/oauth/authorize",
		provider.Bitbucket: "https://git.example/site/oauth2/authorize",
		provider.Gitea:     "https://git.example/login/oauth/authorize",
	} {
		p, err := provider.New(provider.App{Kind: kind, URL: "https://git.example", ClientID: "id & more", ClientSecret: secret})
		if err != nil {
			t.Fatal(err)
		}
		for _, choose := range []bool{false, true} {
			u, err := url.Parse(p.AuthCodeURL(provider.AuthRequest{State: "st&ate", Redirect: callback, Scope: "a b", Switch: choose}))
			if err != nil {
				t.Fatal(err)
			}
			query := url.Values{"response_type": {"code"}, "client_id": {"id & more"}, "state": {"st&ate"}, "redirect_uri": {callback}, "scope": {"a b"}}
			if choose && kind == provider.GitHub {
				query.Set("prompt", "select_account")
			}
			if at, _, _ := strings.Cut(u.String(), "?"); at != want || u.Query().Encode() != query.Encode() {
				t.Errorf("%s: %s", kind, u)
			}
		}
		if u := p.AuthCodeURL(provider.AuthRequest{State: "s", Redirect: callback}); strings.Contains(u, "scope") {
			t.Errorf("%s: an empty scope is sent: %s", kind, u)
		}
	}
}

func TestCallbackErrors(t *testing.T) {
	p, err := provider.New(provider.App{Kind: provider.GitHub, ClientID: "id", ClientSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code, description string
		want              provider.Reason
		detail            string
	}{
		{"access_denied", "The user has denied your application access.", provider.Cancelled, "access_denied: The user has denied your application access."},
		{"redirect_uri_mismatch", "", provider.BadClient, "redirect_uri_mismatch"},
		{"application_suspended", "", provider.BadClient, "application_suspended"},
		{"unauthorized_client", "", provider.BadClient, "unauthorized_client"}, //nolint:misspell // as the RFC spells it
		{"invalid_scope", "no", provider.BadClient, "invalid_scope: no"},
		{"server_error", "", provider.Upstream, "server_error"},
		{"temporarily_unavailable", "later", provider.Upstream, "temporarily_unavailable: later"},
		{"", "", provider.Upstream, "an error"},
		{"<b>", "a\nb\u2028<img src=x onerror=alert(1)>", provider.Upstream, "an error: a b <img src=x onerror=alert(1)>"},
		{"x", "it is " + secret, provider.Upstream, "x: it is …"},
		{strings.Repeat("x", 5000), strings.Repeat("y", 5000), provider.Upstream, "an error: " + strings.Repeat("y", 189) + "…"},
	} {
		if r := p.CallbackError(c.code, c.description); r.Reason != c.want || r.Detail != c.detail || r.Link != "" {
			t.Errorf("%.20q: %+v", c.code, r)
		}
	}
}

func TestRegistration(t *testing.T) {
	const homepage = "https://cms.example.org"
	for name, c := range map[string]struct {
		app    provider.App
		at     string
		query  url.Values
		fields []string // labels that matter
	}{
		"GitHub": {
			provider.App{Kind: provider.GitHub},
			"https://github.com/settings/applications/new",
			url.Values{"oauth_application[name]": {"Gatehouse at cms.example.org"}, "oauth_application[url]": {homepage}, "oauth_application[callback_url]": {callback}},
			[]string{"Authorization callback URL=" + callback, "Homepage URL=" + homepage},
		},
		"GitHub App of an Enterprise": {
			provider.App{Kind: provider.GitHub, URL: "https://ghe.example", Slug: "our-app"},
			"https://ghe.example/settings/apps/new",
			url.Values{
				"name": {"Gatehouse at cms.example.org"}, "url": {homepage}, "callback_urls[]": {callback}, "contents": {"write"},
				"pull_requests": {"write"}, "metadata": {"read"}, "webhook_active": {"false"}, "public": {"false"},
			},
			[]string{"Callback URL=" + callback, "Repository permissions: Contents=Read and write"},
		},
		"GitLab":    {provider.App{Kind: provider.GitLab, URL: "https://example.org/gitlab"}, "https://example.org/gitlab/-/user_settings/applications", nil, []string{"Redirect URI=" + callback, "Scopes=api"}},
		"Bitbucket": {provider.App{Kind: provider.Bitbucket}, "https://bitbucket.org/account/workspaces/", nil, []string{"Callback URL=" + callback, "Permissions: Repositories=Read, Write"}},
		"Gitea":     {provider.App{Kind: provider.Gitea, URL: "https://git.example"}, "https://git.example/user/settings/applications", nil, []string{"Redirect URIs=" + callback, "Confidential Client=yes"}},
	} {
		c.app.ClientID, c.app.ClientSecret = "id", secret
		p, err := provider.New(c.app)
		if err != nil {
			t.Fatal(err)
		}
		r := p.Registration(homepage, callback)
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		if at, _, _ := strings.Cut(r.URL, "?"); at != c.at || u.Query().Encode() != c.query.Encode() {
			t.Errorf("%s: %s", name, r.URL)
		}
		all := ""
		for _, f := range r.Fields {
			all += f.Label + "=" + f.Value + "\n"
		}
		for _, f := range c.fields {
			if !strings.Contains(all, f+"\n") {
				t.Errorf("%s: %s is missing in\n%s", name, f, all)
			}
		}
		if strings.Contains(all+r.URL, secret) {
			t.Errorf("%s tells the secret", name)
		}
	}
}
