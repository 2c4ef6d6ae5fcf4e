package broker

import (
	"html"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

func TestConfigBlock(t *testing.T) {
	github := `backend:
  name: github
  repo: acme/shop
  branch: trunk
  base_url: https://auth.example.com
  auth_endpoint: auth
  site_domain: www.example.com
`
	bitbucket := `base_url: https://auth.example.com
site_id: www.example.com
backend:
  name: bitbucket
  repo: acme/shop
  branch: main
  base_url: https://auth.example.com
  auth_endpoint: s/shop/auth
  site_domain: www.example.com
`
	enterprise := `backend:
  name: github
  repo: acme/shop
  branch: main
  api_root: https://git.example.org/api/v3
  base_url: https://auth.example.com
  auth_endpoint: auth
  site_domain: www.example.com
`
	for want, got := range map[string]string{
		github:     ConfigBlock("https://auth.example.com", "auth", "www.example.com", site.Backend{Kind: provider.GitHub, Repo: "acme/shop", Branch: "trunk"}),
		bitbucket:  ConfigBlock("https://auth.example.com", "s/shop/auth", "www.example.com", site.Backend{Kind: provider.Bitbucket, Repo: "acme/shop"}),
		enterprise: ConfigBlock("https://auth.example.com", "auth", "www.example.com", site.Backend{Kind: provider.GitHub, Repo: "acme/shop", API: "https://git.example.org/api/v3"}),
	} {
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

// A CMS page works at the public host unless it is told where its own is.
func TestConfigBlockOfAHostOfOnesOwn(t *testing.T) {
	for name, tt := range map[string]struct{ kind, url, want string }{
		"GitHub":            {provider.GitHub, "", ""},
		"GitHub, spelled":   {provider.GitHub, "https://github.com/", ""},
		"GitHub Enterprise": {provider.GitHub, "https://git.example.org", "https://git.example.org/api/v3"},
		"GitLab":            {provider.GitLab, "", ""},
		"own GitLab":        {provider.GitLab, "https://git.example.org", "https://git.example.org/api/v4"},
		"below a path":      {provider.GitLab, "https://example.org/gitlab", "https://example.org/gitlab/api/v4"},
		"Bitbucket":         {provider.Bitbucket, "", ""},
		"Gitea":             {provider.Gitea, "https://git.example.org", "https://git.example.org/api/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.sites[0].Backend.Kind = tt.kind
				w.entries[0].Kind, w.entries[0].URL, w.entries[0].API = tt.kind, tt.url, ""
			})
			page := html.UnescapeString(text(t, w.browser().get("/auth?provider="+tt.kind+"&site_id=www.example.com")))
			_, root, told := strings.Cut(page, "api_root: ")
			root, _, _ = strings.Cut(root, "\n")
			if told != (tt.want != "") || (told && root != tt.want) {
				t.Errorf("api_root is %q", root)
			}
		})
	}
}

func FuzzConfigBlockIsTheYAMLOfItsValues(f *testing.F) {
	for _, seed := range []string{"main", "true", "null", "1.0", "~", "- x", "a: b", "a #b", "\"", "\\", "on", "0x10", "https://auth.example.com:8443", "release/2.x", "ünder", "a\nb", "\u2028", "&a", "*a", "!t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || s != strings.ToValidUTF8(s, "") {
			t.Skip()
		}
		var got struct{ Backend map[string]any }
		block := ConfigBlock(s, s, s, site.Backend{Kind: s, Repo: s, Branch: s, API: s})
		if err := yaml.Unmarshal([]byte(block), &got); err != nil {
			t.Fatalf("%v\n%s", err, block)
		}
		for key, value := range got.Backend {
			if value != s {
				t.Errorf("%s: %#v, want %q", key, value, s)
			}
		}
		if len(got.Backend) != 7 {
			t.Errorf("%d keys\n%s", len(got.Backend), block)
		}
	})
}
