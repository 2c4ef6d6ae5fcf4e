package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// workspace is a directory with a repository directory blog.git, a secret file
// and a CMS configuration.
func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "blog.git"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"hook.key": "s3cret-from-file\n", "try.yml": "backend: {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func noEnv(string) (string, bool) { return "", false }

func parseIn(dir, text string, env func(string) (string, bool)) (*Config, error) {
	return parse([]byte(text), filepath.Join(dir, "gatehouse.yaml"), env)
}

func TestParseWholeFile(t *testing.T) {
	dir := workspace(t)
	c, err := parseIn(dir, `
url: https://cms.example.org/
listen: :8484
data: state
trusted_proxies: [127.0.0.1, 10.1.2.3/8]
mail: {from: cms@example.org, smtp: "smtp://u:p@mail.example.org:587"}
connectors:
  - {name: github, kind: github, url: https://github.com, client_id: abc, client_secret: s3cret}
sites:
  - name: blog
    title: The Blog
    hosts: [cms.blog.example]
    origins: [https://blog.example]
    dev_origins: [http://localhost:4321]
    config: static/admin/config.yml
    backend: {name: git-gateway, repo: ./blog.git, branch: main}
    worktree: update
    admin: {bundle: netlify-cms, scripts: [admin/widgets.js], styles: [admin/preview.css]}
    deploy:
      command: [make, deploy]
      webhook: https://ci.example/hook
      secret_file: hook.key
      timeout: 90s
      preview: https://{branch}.blog.example/{collection}/{slug}?c={commit}
  - {name: try, config: try.yml, backend: {name: test-repo}}
`, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	blog := c.Sites[0]
	if c.URL != "https://cms.example.org" || !c.HTTPS() || c.Data != filepath.Join(dir, "state") {
		t.Errorf("url %q, data %q", c.URL, c.Data)
	}
	if got := fmt.Sprint(c.Proxies()); got != "[127.0.0.1/32 10.0.0.0/8]" {
		t.Errorf("proxies %s", got)
	}
	if blog.Backend.Repo != filepath.Join(dir, "blog.git") || blog.Deploy.Secret.Reveal() != "s3cret-from-file" || blog.Deploy.Timeout != 90*time.Second {
		t.Errorf("blog: %+v", blog)
	}
	if d := cmp.Diff([]string{"https://blog.example", "http://localhost:4321"}, blog.AllOrigins()); d != "" {
		t.Error(d)
	}
	if try := c.Sites[1]; try.Config != filepath.Join(dir, "try.yml") || try.Admin.Bundle != DecapCMS || try.Deploy.Timeout != 10*time.Minute {
		t.Errorf("try: %+v", try)
	}
}

func TestDefaults(t *testing.T) {
	dir := workspace(t)
	for _, c := range []struct{ listen, url string }{
		{"", "http://127.0.0.1:8484"},
		{"listen: 127.0.0.1:9000\n", "http://127.0.0.1:9000"},
		{"listen: localhost:9000\n", "http://localhost:9000"},
		{"listen: ':9000'\n", "http://127.0.0.1:8484"},
	} {
		got, err := parseIn(dir, c.listen+"sites: [{name: blog, backend: {repo: blog.git}}]", noEnv)
		if err != nil {
			t.Fatal(err)
		}
		if got.URL != c.url || got.Sites[0].Backend.Name != GitGateway || got.HTTPS() {
			t.Errorf("%q: url %q, backend %q", c.listen, got.URL, got.Sites[0].Backend.Name)
		}
	}
}

// Everything that is wrong is reported in one go, with its line.
func TestEveryProblemAtOnce(t *testing.T) {
	dir := workspace(t)
	_, err := parseIn(dir, `url: http://cms.example.org
lisen: 127.0.0.1:1
listen: nowhere
database: postgres://u:p@h/db
trusted_proxies: [proxy.example]
tls: {cert: a.pem, domains: [localhost]}
sites:
  - name: Blog
    hosts: [https://cms.example, cms.example]
    origins:
      - https://blog.example/
      - "*"
      - https://blog.example:443
    backend: {name: svn, repo: acme/blog}
  - name: b
    name: c
    hosts: [cms.example]
    backend: {repo: acme/blog, branch: a b, extra: 1}
    deploy: {webhook: https://x.example, timeout: soon, preview: "https://x/{id}", secret_file: missing}
    admin: {bundle: tina, scripts: [../x.js], styles: x.css}
  - {name: b, config: nothing.yml, backend: {name: test-repo, repo: blog.git}}
`, noEnv)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	var got []string
	for _, p := range e.Problems {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Path))
	}
	want := []string{
		"1 url", "2 lisen", "3 listen", "4 database", "5 trusted_proxies[0]", "6 tls.domains[0]", "6 tls",
		"8 sites[0].name", "9 sites[0].hosts[0]",
		"11 sites[0].origins[0]", "12 sites[0].origins[1]", "13 sites[0].origins[2]", "14 sites[0].backend.name",
		"16 sites[1].name", "17 sites[1].hosts[0]",
		"18 sites[1].backend.extra", "18 sites[1].backend.branch", "18 sites[1].backend.repo",
		"19 sites[1].deploy.timeout", "19 sites[1].deploy.secret_file", "19 sites[1].deploy.webhook", "19 sites[1].deploy.preview",
		"20 sites[1].admin.styles", "20 sites[1].admin.bundle", "20 sites[1].admin.scripts[0]",
		"21 sites[2].backend", "21 sites[2].config", "21 sites[2].name",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s\n%v", d, err)
	}
	for _, phrase := range []string{
		"did you mean listen?",
		"write git-gateway, github, gitlab",
		"this key is here twice",
		"write https://blog.example",
		"h is another machine, so say how the way there is protected",
	} {
		if !strings.Contains(err.Error(), phrase) {
			t.Errorf("the report does not say %q:\n%v", phrase, err)
		}
	}
	if strings.Contains(err.Error(), "u:p@h") {
		t.Errorf("the report shows a secret:\n%v", err)
	}
}

func TestUnreachableRepositories(t *testing.T) {
	dir := workspace(t)
	for repo, phrase := range map[string]string{
		"https://github.com/acme/blog.git": "serves plain Git directories: give a directory",
		"git@github.com:acme/blog.git":     "serves plain Git directories: give a directory",
		"ssh://git@host/x":                 "serves plain Git directories: give a directory",
		"acme/blog":                        "git-gateway needs a directory",
		"/no/such/dir":                     "there is no directory /no/such/dir",
		"hook.key":                         "there is no directory",
		`""`:                               "a site needs a repository",
	} {
		_, err := parseIn(dir, "sites: [{name: blog, backend: {repo: "+repo+"}}]", noEnv)
		if err == nil || !strings.Contains(err.Error(), phrase) {
			t.Errorf("%s: %v", repo, err)
		}
	}
}

func TestACMESettings(t *testing.T) {
	dir := workspace(t)
	site := "\nurl: https://cms.example.org\nsites: [{name: blog, backend: {repo: blog.git}}]"
	c, err := parseIn(dir, "tls: {domains: [cms.example.org], directory: 'https://ca.example/dir', ca: hook.key}"+site, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.TLS.Cache != filepath.Join(dir, "data", "tls") || c.TLS.CA != filepath.Join(dir, "hook.key") || !c.TLS.Enabled() {
		t.Errorf("%+v", c.TLS)
	}
	for tls, phrase := range map[string]string{
		"domains: [intranet]":                                             "not a public host name",
		"domains: [a.example], cert: x.pem":                               "either domains, or cert and key",
		"domains: [a.example], directory: 'http://ca.example/dir'":        "write https://host/path",
		"domains: [a.example], directory: ca.example":                     "write https://host/path",
		"domains: [a.example], ca: hook.key":                              "the default directory needs no ca",
		"domains: [a.example], directory: 'https://ca.example', ca: none": "there is no file " + filepath.Join(dir, "none"),
		"directory: 'https://ca.example'":                                 "go with domains",
	} {
		if _, err := parseIn(dir, "tls: {"+tls+"}"+site, noEnv); err == nil || !strings.Contains(err.Error(), phrase) {
			t.Errorf("%s: %v", tls, err)
		}
	}
}

func TestSecretsFromTheEnvironment(t *testing.T) {
	dir := workspace(t)
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"GATEHOUSE_SITES_MY_BLOG_DEPLOY_SECRET": "from-env"}[name]
		return v, ok
	}
	site := "sites: [{name: my-blog, backend: {repo: blog.git}, deploy: {webhook: 'https://x.example', secret: %s}}]"
	c, err := parseIn(dir, fmt.Sprintf(site, ""), env)
	if err != nil || c.Sites[0].Deploy.Secret.Reveal() != "from-env" {
		t.Fatalf("%v", err)
	}
	if _, err = parseIn(dir, fmt.Sprintf(site, "x"), env); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_SITES_MY_BLOG_DEPLOY_SECRET is set as well") {
		t.Errorf("given twice: %v", err)
	}
	if _, err = parseIn(dir, fmt.Sprintf(site, "x, secret_file: hook.key"), noEnv); err == nil || !strings.Contains(err.Error(), "keep one of the two") {
		t.Errorf("given twice: %v", err)
	}
}

func TestSecretHidesItself(t *testing.T) {
	s := Secret{value: "hunter2", file: "hook.key"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S Secret }{s})
	asJSON, _ := json.Marshal(map[string]any{"s": s, "p": &s})
	all := fmt.Sprintf("%s %v %+v %#v %q %v %s %s", s, s, struct{ S Secret }{s}, s, s, &s, log.String(), asJSON)
	if strings.Contains(all, "hunter2") {
		t.Errorf("shown: %s", all)
	}
	if s.Reveal() != "hunter2" || s.Empty() || !(Secret{}).Empty() {
		t.Error("Reveal or Empty is wrong")
	}
}

func TestCheckOrigin(t *testing.T) {
	for _, ok := range []string{"https://a.example", "http://localhost:4321", "http://127.0.0.1:8080", "http://[::1]:8080", "https://xn--bcher-kva.example"} {
		if err := CheckOrigin(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{
		"", "a.example", "//a.example", "ftp://a.example", "https://", "https://a.example/", "https://a.example?", "https://a.example#",
		"https://u@a.example", "https://A.example", "HTTPS://a.example", "https://*.example", "https://a.example:443", "http://a.example:80",
		"https://a.example:99999", "https://a.example:", "https://bücher.example", "https://a b", "null",
	} {
		if CheckOrigin(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestLoadSaysWhatToDoWithoutAFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "gatehouse.yaml"))
	if err == nil || !strings.Contains(err.Error(), "gatehouse init") {
		t.Errorf("%v", err)
	}
	if Find("x.yaml") != "x.yaml" {
		t.Error("the flag does not win")
	}
	t.Setenv("GATEHOUSE_CONFIG", "/etc/g.yaml")
	if Find("") != "/etc/g.yaml" {
		t.Error("the variable is not used")
	}
}

// The example that the repository ships is a valid file.
func TestExampleFile(t *testing.T) {
	dir := workspace(t)
	text, err := os.ReadFile("../../gatehouse.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fixed := strings.ReplaceAll(string(text), "/srv/git/blog.git", filepath.Join(dir, "blog.git"))
	if _, err := parseIn(dir, fixed, noEnv); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "a", "[]", "sites: [{name: a, backend: {repo: .}}]", "sites: [&a {name: a}, *a]", "x: &x [*x]", "? {a: b}\n: c", "<<: {url: x}",
		"tls: {cert: x}\ndeploy: 1", "sites: {a: b}", "---\n---\n", "url: !!binary x", "sites: [{deploy: {timeout: 5}}]", "\x00", "url: [",
	} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseIn(dir, text, noEnv)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || len(e.Problems) == 0) {
			t.Fatalf("error without a problem: %v", err)
		}
	})
}
