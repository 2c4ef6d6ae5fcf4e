package config

import (
	"fmt"
	"net/url"
	"slices"

	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
)

func (d *decoder) checkConnectors(connectors []Connector) {
	seen, callbacks := map[string]int{}, map[string]int{}
	for i := range connectors {
		c := &connectors[i]
		path := fmt.Sprintf("connectors[%d]", i)
		if !siteName.MatchString(c.Name) || c.Name == "selftest" {
			d.add(path+".name", "%q cannot be a connector's name: use lower-case letters, digits and hyphens, 63 at most; selftest is taken", c.Name)
		} else if first, twice := seen[c.Name]; twice {
			d.add(path+".name", "%q is the name of connectors[%d] already: choose another", c.Name, first)
		} else {
			seen[c.Name] = i
		}
		d.checkConnector(c, path)
		if first, twice := callbacks[c.Callback]; twice && c.Callback != "" {
			d.add(path+".callback", "%s is the callback of connectors[%d] already: two hosts cannot return to one address", c.Callback, first)
		} else {
			callbacks[c.Callback] = i
		}
	}
}

func (d *decoder) checkConnector(c *Connector, path string) {
	switch c.Kind {
	case GitHub, GitLab, Bitbucket, Gitea, Forgejo:
	default:
		d.add(path+".kind", "%q is unknown: write github, gitlab, bitbucket, gitea or forgejo", c.Kind)
	}
	if c.URL == "" && (c.Kind == Gitea || c.Kind == Forgejo) {
		d.add(path+".url", "say where your %s is, such as https://git.example.org", c.Kind)
	}
	for key, address := range map[string]string{"url": c.URL, "api": c.API} {
		if err := outbound.CheckURL(address); address != "" && err != nil {
			d.add(path+"."+key, "%s", fault.Message(err))
		}
	}
	if c.ClientID == "" {
		d.add(path+".client_id", "this is the id that the host gave the app when you registered it")
	}
	if c.ClientSecret.Empty() {
		d.add(path+".client_secret", "the host gave the app a secret, too: name a file that holds it as client_secret_file")
	}
	if c.App != "" && c.Kind != GitHub {
		d.add(path+".app", "this is for GitHub Apps: remove it")
	}
	if c.Callback != "" && !slices.Contains([]string{"/callback", "/auth/done", "/oauth/redirect"}, c.Callback) {
		d.add(path+".callback", "%q is not answered: write /callback, /auth/done or /oauth/redirect, or leave it out for /callback/%s", c.Callback, c.Name)
	}
	if c.CA = d.abs(c.CA); c.CA != "" && !isFile(c.CA) {
		d.add(path+".ca", "there is no file %s", c.CA)
	}
	if !c.Proxy.Empty() {
		u, err := url.Parse(c.Proxy.Reveal())
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			d.add(path+".proxy", "this is not the address of a proxy: write http://host:port")
		}
	}
}

// checkUses holds sites against the connectors that they name. A connector that
// is not in the file may be in the console.
func (d *decoder) checkUses(c *Config) {
	kinds := map[string]string{}
	for _, x := range c.Connectors {
		kinds[x.Name] = x.Kind
	}
	for i, s := range c.Sites {
		for j, name := range s.Connectors {
			if kind := kinds[name]; kind != "" && s.Backend.AtHost() && kind != s.Backend.Name {
				d.add(fmt.Sprintf("sites[%d].connectors[%d]", i, j), "%s is of the kind %s, and this site's backend is %s", name, kind, s.Backend.Name)
			}
		}
		if n := d.ofKind(c, s.Backend.Name); s.Backend.AtHost() && len(s.Connectors) == 0 && n > 1 {
			d.add(fmt.Sprintf("sites[%d].connectors", i), "there are %d connectors of the kind %s: name the one that this site uses, as connectors: [NAME]", n, s.Backend.Name)
		}
	}
}

func (d *decoder) ofKind(c *Config, kind string) int {
	n := 0
	for _, x := range c.Connectors {
		if x.Kind == kind {
			n++
		}
	}
	return n
}
