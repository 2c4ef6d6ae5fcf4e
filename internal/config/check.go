package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// check validates what was decoded, fills in what follows from it, and makes
// paths absolute.
func (d *decoder) check(c *Config) {
	c.Data = d.abs(c.Data)
	d.checkAddress(c)
	d.checkTLS(c)
	if !c.Database.Empty() {
		if err := checkDatabase(c.Database.Reveal()); err != nil {
			d.add("database", "%v", err)
		}
	}
	for i, s := range c.TrustedProxies {
		if _, err := parseNetwork(s); err != nil {
			d.add(fmt.Sprintf("trusted_proxies[%d]", i), "%q is neither an address (10.0.0.1) nor a network (10.0.0.0/8)", s)
		}
	}
	d.checkMail(&c.Mail)
	d.checkConnectors(c.Connectors)
	if len(c.Sites) == 0 {
		d.add("sites", "name at least one site")
	}
	for i := range c.Sites {
		d.checkSite(&c.Sites[i], fmt.Sprintf("sites[%d]", i))
	}
	d.checkUnique(c.Sites)
	d.checkUses(c)
}

func (d *decoder) checkAddress(c *Config) {
	host, port, err := net.SplitHostPort(c.Listen)
	if _, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil {
		d.add("listen", "%q is not host:port, such as 127.0.0.1:8484 or :8484", c.Listen)
	}
	if c.URL == "" {
		c.URL = "http://127.0.0.1:8484"
		if loopback(host) {
			c.URL = "http://" + c.Listen
		}
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	if err := CheckOrigin(c.URL); err != nil {
		d.add("url", "%v", err)
		return
	}
	u, _ := url.Parse(c.URL) // CheckOrigin has parsed it
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		d.add("url", "%s would send passwords in the clear: write https, and end TLS in a proxy in front or with tls", c.URL)
	}
}

func (d *decoder) checkTLS(c *Config) {
	t := &c.TLS
	switch {
	case len(t.Domains) > 0:
		d.checkACME(t, c.Data)
	case t.Email != "" || t.Cache != "" || t.Directory != "" || t.CA != "":
		d.add("tls", "email, cache, directory and ca go with domains: name them, or remove these")
	case t.Cert == "" && t.Key == "":
		return
	case t.Cert == "" || t.Key == "":
		d.add("tls", "cert and key belong together: give both")
		return
	default:
		t.Cert, t.Key = d.abs(t.Cert), d.abs(t.Key)
		if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
			d.add("tls", "the certificate and its key cannot be used: %v", err)
		}
	}
	if u, err := url.Parse(c.URL); err == nil && u.Scheme == "http" && loopback(u.Hostname()) {
		d.add("url", "with tls people come by HTTPS: write https")
	}
}

// checkACME checks what certificates are ordered with.
func (d *decoder) checkACME(t *TLS, data string) {
	for i, name := range t.Domains {
		if !hostName.MatchString(name) || !strings.Contains(name, ".") {
			d.add(fmt.Sprintf("tls.domains[%d]", i), "%q is not a public host name", name)
		}
	}
	if t.Cert != "" || t.Key != "" {
		d.add("tls", "give either domains, or cert and key")
	}
	if t.Directory != "" && (!isURL(t.Directory) || !strings.HasPrefix(t.Directory, "https://")) {
		d.add("tls.directory", "%q is not the URL of an ACME directory: write https://host/path", t.Directory)
	}
	if t.CA != "" && t.Directory == "" {
		d.add("tls.ca", "the default directory needs no ca: remove it, or name the directory that it is for")
	}
	if t.CA = d.abs(t.CA); t.CA != "" && !isFile(t.CA) {
		d.add("tls.ca", "there is no file %s", t.CA)
	}
	if t.Cache = d.abs(t.Cache); t.Cache == "" {
		t.Cache = filepath.Join(data, "tls")
	}
}

// checkUnique holds names and hosts apart.
func (d *decoder) checkUnique(sites []Site) {
	names, hosts, domains := map[string]int{}, map[string]int{}, map[string]int{}
	for i, s := range sites {
		if first, twice := names[s.Name]; twice && s.Name != "" {
			d.add(fmt.Sprintf("sites[%d].name", i), "%q is the name of sites[%d] already: choose another", s.Name, first)
		} else {
			names[s.Name] = i
		}
		for j, h := range s.Hosts {
			if first, twice := hosts[h]; twice {
				d.add(fmt.Sprintf("sites[%d].hosts[%d]", i, j), "%s selects sites[%d] already: a host can select one site only", h, first)
			} else {
				hosts[h] = i
			}
		}
		for j, name := range s.Domains {
			if first, twice := domains[name]; twice {
				d.add(fmt.Sprintf("sites[%d].domains[%d]", i, j), "%s is a name of sites[%d] already: it can mean one site only", name, first)
			} else {
				domains[name] = i
			}
		}
	}
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// checkRepoPath checks a path inside a repository.
func checkRepoPath(p string) error {
	if strings.HasPrefix(p, "/") || slices.ContainsFunc(strings.Split(p, "/"), func(s string) bool { return s == "" || s == "." || s == ".." }) {
		return fmt.Errorf("%q is not a path in the repository: write it from the repository's root, such as static/admin/config.yml", p)
	}
	return nil
}
