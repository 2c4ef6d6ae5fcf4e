package broker

import (
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
	for want, got := range map[string]string{
		github:    ConfigBlock("https://auth.example.com", "auth", "www.example.com", site.Backend{Kind: provider.GitHub, Repo: "acme/shop", Branch: "trunk"}),
		bitbucket: ConfigBlock("https://auth.example.com", "s/shop/auth", "www.example.com", site.Backend{Kind: provider.Bitbucket, Repo: "acme/shop"}),
	} {
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
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
		block := ConfigBlock(s, s, s, site.Backend{Kind: s, Repo: s, Branch: s})
		if err := yaml.Unmarshal([]byte(block), &got); err != nil {
			t.Fatalf("%v\n%s", err, block)
		}
		for key, value := range got.Backend {
			if value != s {
				t.Errorf("%s: %#v, want %q", key, value, s)
			}
		}
		if len(got.Backend) != 6 {
			t.Errorf("%d keys\n%s", len(got.Backend), block)
		}
	})
}
