package doctor

import (
	"net/url"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		script, name, version string
		pinned                bool
	}{
		{"https://unpkg.com/netlify-cms@^2.0.0/dist/netlify-cms.js", netlify, "^2.0.0", false},
		{"https://unpkg.com/netlify-cms/dist/netlify-cms.js", netlify, "", false},
		{"https://unpkg.com/netlify-cms-app@2.15.72/dist/netlify-cms-app.js", netlify, "2.15.72", true},
		{"https://unpkg.com/decap-cms@3.16.3/dist/decap-cms.js", decap, "3.16.3", true},
		{"https://cdn.jsdelivr.net/npm/decap-cms@3/dist/decap-cms.min.js", decap, "3", false},
		{"https://unpkg.com/decap-cms@~3.1.2", decap, "~3.1.2", false},
		{"https://unpkg.com/@sveltia/cms/dist/sveltia-cms.js", sveltia, "", false},
		{"https://cdn.jsdelivr.net/npm/@sveltia/cms@0.221.1/dist/sveltia-cms.mjs", sveltia, "0.221.1", true},
		{"https://unpkg.com/@sveltia/cms", sveltia, "", false},
		{"https://example.com/admin/decap-cms.js", decap, "", false},
		{"https://example.com/assets/decap-cms-3.16.3/decap-cms.js", decap, "3.16.3", true},
		{"https://example.com/decap-cms.3.16.3.min.js", decap, "3.16.3", true},
		{"https://example.com/sveltia-cms.0a1b2c3d.js", sveltia, "", false},
		{"https://unpkg.com/decap-cms-widget-colour@1.0.0/dist/decap-cms-widget-colour.js", "", "", false},
		{"https://unpkg.com/netlify-cms-oauth/index.js", "", "", false},
		{"https://unpkg.com/decap-cms@3.16.3/dist/other.js", "", "", false},
		{"https://unpkg.com/decap-cms@3.16.3/dist/cms.css", "", "", false},
		{"https://example.com/decap-cms/preview.js", "", "", false},
	} {
		got, ok := identify(mustURL(t, c.script))
		if got.Name != c.name || got.Version != c.version || got.Pinned != c.pinned || ok != (c.name != "") {
			t.Errorf("%s: %+v", c.script, got)
		}
	}
}

func TestReadPage(t *testing.T) {
	p := readPage([]byte(`<base href="/cms/"><script src="a.js"></script>
<link rel="x cms-config-url" type="text/yaml" href="c.yml">
<meta http-equiv="Content-Security-Policy" content="img-src *">
<script>window['CMS_MANUAL_INIT'] = true; // <script src="no.js">
</script><script type="module">import CMS from 'https://esm.sh/decap-cms@3.1.0/decap-cms.js'</script>
<link rel=stylesheet href=http://styles.example/x.css><img src="http://pictures.example/x.png">`), mustURL(t, "https://www.example.com/admin/"))
	if len(p.scripts) != 1 || p.scripts[0].String() != "https://www.example.com/cms/a.js" {
		t.Errorf("scripts %v", p.scripts)
	}
	if len(p.links) != 1 || p.links[0] != (configLink{"c.yml", "text/yaml"}) || len(p.meta) != 1 || !p.manual {
		t.Errorf("%+v", p)
	}
	if len(p.cms) != 1 || p.cms[0].Version != "3.1.0" || len(p.plain) != 1 {
		t.Errorf("%+v %v", p.cms, p.plain)
	}
}

func TestSources(t *testing.T) {
	page := mustURL(t, "https://www.example.com/admin/")
	for _, c := range []struct {
		source, url string
		want        bool
	}{
		{"*", "https://a.example/x", true},
		{"*", "blob:x", false},
		{"'self'", "https://www.example.com/x", true},
		{"'self'", "https://example.com/x", false},
		{"https:", "https://a.example/x", true},
		{"http:", "https://a.example/x", true},
		{"https:", "http://a.example/x", false},
		{"api.github.com", "https://api.github.com/", true},
		{"https://api.github.com", "https://api.github.com/", true},
		{"http://api.github.com", "https://api.github.com/", true},
		{"https://api.github.com:443", "https://api.github.com/", true},
		{"https://api.github.com:*", "https://api.github.com:8443/", true},
		{"https://api.github.com", "https://api.github.com:8443/", false},
		{"https://*.github.com", "https://api.github.com/", true},
		{"*.github.com", "https://github.com/", false},
		{"https://unpkg.com/decap-cms@3.1.0/", "https://unpkg.com/decap-cms@3.1.0/dist/decap-cms.js", true},
		{"https://unpkg.com/other/", "https://unpkg.com/decap-cms@3.1.0/dist/decap-cms.js", false},
		{"'none'", "https://a.example/", false},
		{"", "https://a.example/", false},
	} {
		if got := sourceMatches(c.source, mustURL(t, c.url), page); got != c.want {
			t.Errorf("%s admits %s: %v", c.source, c.url, got)
		}
	}
}

// What is printed is the whole block of backend: nothing that the CMS works by
// is lost, and no secret gets in.
func TestTheBlockKeepsTheRestOfBackend(t *testing.T) {
	r := newRig(t)
	r.config = edited(t, "  branch: main\n", `  branch: main
  open_authoring: true
  cms_label_prefix: 'draft/' # ours
  squash_merges: true
  client_secret: 0123456789abcdef0123
  commit_messages: &m
    create: "Add “{{slug}}”: by {{author-login}}"
`, "auth.example.com", "Auth.Example.com")
	rep := r.run()
	var got struct {
		Backend map[string]any `yaml:"backend"`
	}
	if err := yaml.Unmarshal([]byte(rep.Corrected), &got); err != nil {
		t.Fatalf("%v\n%s", err, rep.Corrected)
	}
	b := got.Backend
	messages, _ := b["commit_messages"].(map[string]any)
	if b["cms_label_prefix"] != "draft/" || b["squash_merges"] != true || b["open_authoring"] != true || messages["create"] != "Add “{{slug}}”: by {{author-login}}" || b["base_url"] != brokerOrigin {
		t.Errorf("%v\n%s", b, rep.Corrected)
	}
	if strings.Contains(rep.Corrected, "0123456789") || !strings.Contains(rep.Corrected, "# client_secret goes") {
		t.Error("a secret is in the block")
	}
	if !strings.Contains(rep.Corrected, "base_url: https://auth.example.com # ") {
		t.Errorf("no comment at the line that changed:\n%s", rep.Corrected)
	}
}

func FuzzReadConfig(f *testing.F) {
	f.Add([]byte(goodConfig))
	for _, s := range []string{
		"backend: &a [*a, {name: github}]", "backend:\n\tname: github\n", "a: &a {b: *a}\nbackend: *a", "- x", "backend: github", "baseUrl: x\nbackend:\n  base_url: 'https://u:p@h:443/x?y#z'\n",
		"backend: {name: bitbucket, secret: x, a: {b: {c: {d: {e: {f: g}}}}}}", "collections", "\ufeff# x\n---\n", "backend: {name: gitlab, app_id: 007, repo: \"a\\nb\"}", "? [x]\n: y\nbackend: {? {a: b} : c}", "repo: \"0\\n0\"",
	} {
		f.Add([]byte(s))
	}
	page := readPage([]byte(goodPage), &url.URL{Scheme: "https", Host: "www.example.com", Path: "/admin/"})
	f.Fuzz(func(t *testing.T, data []byte) {
		x := &exam{report: &Report{}, page: page, repairs: map[string]repair{}}
		x.config = readConfig(data)
		x.checkNesting()
		x.checkBackend()
		x.checkRepo()
		x.readBase()
		x.readEndpoint()
		text, _ := x.block()
		var back struct {
			Backend map[string]any `yaml:"backend"`
		}
		if err := yaml.Unmarshal([]byte(text), &back); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if repo := x.config.get("repo").text; repo != "" && !x.found("config-repo") && back.Backend["repo"] != repo && !tokenText.MatchString(repo) && x.repairs["backend.repo"].value == "" {
			t.Errorf("repo %q became %q in\n%s", repo, back.Backend["repo"], text)
		}
	})
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte(goodPage), "default-src 'self'")
	f.Add([]byte(`<script>import("x")</script><base href="%"><link rel=cms-config-url href="::">`), "img-src; ; script-src 'nonce-x', connect-src *:* https://*:")
	f.Add([]byte(`<main data-page=help><section data-help=E-host><pre data-part=config>base_url: https://x</pre>`), "x")
	at := &url.URL{Scheme: "https", Host: "www.example.com", Path: "/admin/"}
	f.Fuzz(func(t *testing.T, data []byte, header string) {
		p := readPage(data, at)
		readBrokerPage(data)
		x := &exam{report: &Report{}, page: p, repairs: map[string]repair{}}
		x.checkClient()
		x.configURL()
		for _, policy := range parsePolicies([]string{header}, p.meta) {
			var missing []need
			for _, n := range x.needs() {
				if !policy.allows(n, at) {
					missing = append(missing, n)
				}
			}
			again := parsePolicies(nil, []string{policy.with(missing, at)})
			for _, n := range missing {
				if len(again) != 1 || !again[0].allows(n, at) {
					t.Fatalf("%q with %s is %q, which does not allow it", header, describe(missing, at), policy.with(missing, at))
				}
			}
		}
	})
}

func TestSitesThatShareAnOriginAreToldApart(t *testing.T) {
	both := []string{"https://www.example.com"}
	settings := &Settings{Sites: []Site{
		{Name: "hub", Kind: "github", Repo: "ann/site", Origins: both, Domains: []string{"www.example.com"}},
		{Name: "bucket", Kind: "bitbucket", Repo: "ann/site", Origins: both, Domains: []string{"www.example.com"}},
		{Name: "other", Kind: "github", Repo: "ann/other", Origins: both, Domains: []string{"www.example.com"}},
	}}
	for config, want := range map[string]string{
		"backend: {name: github, repo: ann/site, site_domain: bucket}": "bucket",
		"backend: {name: bitbucket, repo: ann/site}":                   "bucket",
		"backend: {name: github, repo: ann/other}":                     "other",
		"backend: {name: github, repo: ann/site}":                      "hub",
		"backend: {name: bitbucket, site_domain: nobody}":              "bucket",
	} {
		x := &exam{
			Options: Options{Settings: settings}, report: &Report{},
			page: &page{url: mustURL(t, both[0]+"/admin/")}, config: readConfig([]byte(config)),
		}
		if got := x.findSite(); got == nil || got.Name != want {
			t.Errorf("%s: %+v, want %s", config, got, want)
		}
	}
	nobody := &exam{Options: Options{Settings: settings}, report: &Report{}, page: &page{url: mustURL(t, "https://elsewhere.example/admin/")}, config: readConfig([]byte("backend: {name: github, repo: ann/third}"))}
	if got := nobody.findSite(); got != nil {
		t.Errorf("a kind alone names the site %s", got.Name)
	}
}
