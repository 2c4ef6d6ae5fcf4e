package config

import (
	"path/filepath"
	"strings"
	"testing"
)

const popup = `
url: https://cms.example.org
connectors:
  - {name: hub, kind: github, client_id: abc, client_secret_file: hook.key, app: our-cms, callback: /callback, pkce: false}
  - {name: forge, kind: forgejo, url: "https://git.example.org/forge", client_id: x, client_secret: y, private: true, proxy: "http://u:p@proxy:3128", launcher: true}
sites:
  - name: www
    origins: [https://www.example.com]
    dev_origins: [http://localhost:4321]
    preview_origins: ["https://*--www.netlify.app"]
    domains: [example.com]
    connectors: [hub]
    auth_endpoint: api/auth/
    backend: {name: github, repo: acme/www, branch: main, open_authoring: true, repository_id: 42}
`

func TestParsePopup(t *testing.T) {
	dir := workspace(t)
	c, err := parseIn(dir, popup, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	s, hub, forge := c.Sites[0], c.Connectors[0], c.Connectors[1]
	if !s.Backend.AtHost() || !s.Backend.OpenAuthoring || s.Backend.RepositoryID != 42 || s.Backend.Repo != "acme/www" || s.AuthEndpoint != "/api/auth" {
		t.Errorf("%+v", s)
	}
	if hub.PKCE.Or(true) || !forge.PKCE.Or(true) || forge.PKCE.Or(false) || !forge.Private || !forge.Launcher || hub.Launcher {
		t.Errorf("%+v\n%+v", hub, forge)
	}
	if hub.ClientSecret.File() != filepath.Join(dir, "hook.key") || hub.ClientSecret.Empty() || forge.ClientSecret.File() != "" {
		t.Errorf("the secret comes from %q", hub.ClientSecret.File())
	}
}

func TestPopupMistakes(t *testing.T) {
	dir := workspace(t)
	for _, c := range []struct{ old, new, says string }{
		{"kind: github", "kind: hub", `"hub" is unknown`},
		{"name: hub", "name: Hub", "cannot be a connector's name"},
		{"name: hub", "name: selftest", "selftest is taken"},
		{"name: forge", "name: hub", "is the name of connectors[0] already"},
		{"client_id: abc, ", "", "the id that the host gave"},
		{"client_secret_file: hook.key, ", "", "client_secret_file"},
		{`url: "https://git.example.org/forge", `, "", "say where your forgejo is"},
		{`https://git.example.org/forge`, "http://git.example.org", "https"},
		{"callback: /callback", "callback: /elsewhere", "is not answered"},
		{"client_secret: y", "client_secret: y, app: z", "for GitHub Apps"},
		{"client_secret: y", "client_secret: y, callback: /callback", "cannot return to one address"},
		{"client_secret: y", "client_secret: y, ca: none.pem", "there is no file"},
		{"http://u:p@proxy:3128", "proxy:3128", "not the address of a proxy"},
		{"pkce: false", "pkce: no", "neither true nor false"},
		{"repo: acme/www", "repo: acme", "write owner/name"},
		{"repo: acme/www, ", "", "which repository"},
		{"repository_id: 42", "repository_id: x", "not a whole number"},
		{"name: github, repo", "name: gitlab, repo", "open authoring with github alone"},
		{"connectors: [hub]", "connectors: [forge]", "is of the kind forgejo"},
		{"    connectors: [hub]", "    worktree: update", "has no effect with github"},
		{"domains: [example.com]", `domains: ["https://example.com"]`, "is not a host name"},
		{"auth_endpoint: api/auth/", "auth_endpoint: console/auth", "cannot be the path of the popup"},
		{"auth_endpoint: api/auth/", "auth_endpoint: api/../auth", "cannot be the path of the popup"},
		{"kind: forgejo, url", "kind: github, url", ""},
	} {
		text := strings.Replace(popup, c.old, c.new, 1)
		if text == popup {
			t.Fatalf("%q is not in the sample", c.old)
		}
		_, err := parseIn(dir, text, noEnv)
		if c.says == "" && err == nil {
			continue
		}
		if err == nil || c.says == "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q instead of %q: %v", c.new, c.old, err)
		}
		if err != nil && strings.Contains(err.Error(), "u:p@") {
			t.Errorf("a password is shown: %v", err)
		}
	}
}

// No site without an origin: "unset means any" is what makes brokers unsafe.
func TestAPopupNeedsAnOrigin(t *testing.T) {
	_, err := parseIn(workspace(t), "sites: [{name: www, backend: {name: github, repo: acme/www}}]", noEnv)
	if err == nil || !strings.Contains(err.Error(), "no other page gets a token") {
		t.Errorf("%v", err)
	}
}

func TestPopupSettingsOfASiteWithoutPopup(t *testing.T) {
	_, err := parseIn(workspace(t), strings.Replace(popup, "{name: github, repo: acme/www,", "{name: git-gateway, repo: .,", 1), noEnv)
	if err == nil {
		t.Fatal("nobody is told")
	}
	for _, key := range []string{"preview_origins", "connectors", "auth_endpoint", "backend.open_authoring", "backend.repository_id"} {
		if !strings.Contains(err.Error(), "sites[0]."+key+": this has no effect with git-gateway") {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}

func TestTwoConnectorsOfAKindMustBeNamed(t *testing.T) {
	text := strings.Replace(popup, "kind: forgejo", "kind: github", 1)
	text = strings.Replace(text, "    connectors: [hub]\n", "", 1)
	_, err := parseIn(workspace(t), text, noEnv)
	if err == nil || !strings.Contains(err.Error(), "there are 2 connectors of the kind github") {
		t.Errorf("%v", err)
	}
}

func TestN77CheckPattern(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"https://*.previews.example.com": true, "https://*--shop.netlify.app": true, "https://pr-*.example.co.uk": true,
		"https://*.example.com:8443": true,
		"*":                          false, "https://*": false, "https://*.com": false, "https://*.co.uk": false, "https://*.github.io": false,
		"http://*.example.com": false, "https://a*b.*.example.com": false, "https://www.*.example.com": false, "https://*.*.example.com": false,
		"https://*--x.co.uk": false, "https://pr-*.netlify.app": false, "https://*.example.com/": false, "https://example.com": false,
		"https://*.Example.com": false, "https://*.example.com:443": false, "null": false, "https://*--.netlify.app": false,
		// Elsewhere anybody may call a site so.
		"https://*--shop.vercel.app": false, "https://*--shop.pages.dev": false, "https://*--shop.netlify.app:8443": false,
	} {
		if err := CheckPattern(pattern); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// N20: nobody can list the origin of a sandboxed page.
func TestNullIsNoOrigin(t *testing.T) {
	for _, o := range []string{"null", "file://", "", "https://", "*", "https://*"} {
		if CheckOrigin(o) == nil {
			t.Errorf("%q is accepted", o)
		}
	}
}
