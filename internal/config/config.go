// Package config reads gatehouse.yaml: one struct, strictly, with every problem
// reported at once, each with its line and its remedy.
//
// The comments of the fields below are the reference page of the settings; the
// docs command writes it from them.
package config

import (
	"net/netip"
	"net/url"
	"time"
)

// Config is the whole file. Load makes one; its paths are absolute then.
type Config struct {
	// Where people reach Gatehouse, as their browser shows it, without a path.
	// Anything but a loopback address needs https, from a proxy in front or from
	// tls. Default: http://127.0.0.1:8484, or the loopback address of listen.
	URL string `yaml:"url"`

	// The address to listen on, host:port. Default: 127.0.0.1:8484.
	Listen string `yaml:"listen"`

	// The directory of Gatehouse's own data: the database gatehouse.db and the
	// key file secret.key. It is made when it is missing. Default: ./data.
	Data string `yaml:"data"`

	// The database. Empty: SQLite in data, which is what this version knows.
	Database Secret `yaml:"database"`

	// The addresses or networks (10.0.0.0/8) of proxies in front, whose
	// X-Forwarded-For tells where a request comes from. Name only proxies that
	// set this header themselves. The proxy has to pass the Host header on.
	TrustedProxies []string `yaml:"trusted_proxies"`

	// HTTPS by Gatehouse itself. Without it a proxy in front has to end TLS.
	TLS TLS `yaml:"tls"`

	// Outgoing mail.
	Mail Mail `yaml:"mail"`

	// Apps registered at Git hosts and sign-in providers. This version has no use
	// for them: its sites are plain Git directories.
	Connectors []Connector `yaml:"connectors"`

	// The sites, at least one.
	Sites []Site `yaml:"sites"`

	// File is the absolute name of the file that was read.
	File string `yaml:"-"`
}

// TLS is HTTPS without a proxy.
type TLS struct {
	// The certificate file (PEM, with the chain). It is read again on SIGHUP.
	Cert string `yaml:"cert"`

	// The private key file (PEM) of cert.
	Key string `yaml:"key"`

	// Instead of cert and key: host names to get certificates for, by ACME, from
	// Let's Encrypt or the authority of directory, which has to reach listen at
	// port 443 of each name. Doing so you accept its terms of service.
	Domains []string `yaml:"domains"`

	// With domains: where the authority may write about certificates.
	Email string `yaml:"email"`

	// With domains: the directory URL of another ACME server.
	// Default: Let's Encrypt's.
	Directory string `yaml:"directory"`

	// With directory: the root certificate (PEM) that the ACME server's own
	// certificate goes back to, when this machine does not know it.
	CA string `yaml:"ca"`

	// With domains: the directory for the certificates. Default: tls in data.
	Cache string `yaml:"cache"`
}

// Enabled reports whether Gatehouse speaks HTTPS itself.
func (t TLS) Enabled() bool { return t.Cert != "" || len(t.Domains) > 0 }

// Mail is outgoing mail. This version sends none: links for people are shown to
// the administrator.
type Mail struct {
	// The sender's address.
	From string `yaml:"from"`

	// The mail server, smtp://user:password@host:port.
	SMTP Secret `yaml:"smtp"`
}

// Connector is an app registered at a Git host or sign-in provider.
type Connector struct {
	// A name of your choice, unique among the connectors.
	Name string `yaml:"name"`

	// What is at the other end, such as github.
	Kind string `yaml:"kind"`

	// The address of the host.
	URL string `yaml:"url"`

	// The app's id at the host.
	ClientID string `yaml:"client_id"`

	// The app's secret.
	ClientSecret Secret `yaml:"client_secret"`
}

// Site is one static site.
type Site struct {
	// The name in addresses (/s/NAME/): lower-case letters, digits and hyphens.
	Name string `yaml:"name"`

	// The name that people see. Default: name.
	Title string `yaml:"title"`

	// Host names that select this site, without a port. Such a site is served at
	// the root of the host; every site is also served below /s/NAME/, and the
	// only site at the root of any host.
	Hosts []string `yaml:"hosts"`

	// Pages elsewhere that may call this site's identity and content services:
	// exact origins, scheme://host[:port], without a path.
	Origins []string `yaml:"origins"`

	// More origins, for work on a laptop, such as http://localhost:4321.
	DevOrigins []string `yaml:"dev_origins"`

	// The CMS's configuration in the repository. Empty: the first of
	// admin/config.yml, static/admin/config.yml, public/admin/config.yml and
	// src/admin/config.yml. With the backend test-repo, which has no repository,
	// a file on this machine.
	Config string `yaml:"config"`

	// Where the content is. This decides; the backend in the CMS's own config.yml,
	// which editors can write, does not.
	Backend Backend `yaml:"backend"`

	// Whether a branch that is checked out in a work tree may be written:
	// "update" changes the files there too, and refuses to when they have changes
	// that are not committed. Empty: a site whose branch is checked out is refused.
	// Bare repositories do not need it.
	Worktree string `yaml:"worktree"`

	// What Gatehouse presents to a Git host. A directory needs none.
	Credential Credential `yaml:"credential"`

	// The editor at admin/.
	Admin Admin `yaml:"admin"`

	// What to run after the site's branch has moved.
	Deploy Deploy `yaml:"deploy"`
}

// Backend says where a site's content is, in the CMS's own words.
type Backend struct {
	// git-gateway: people sign in here, and Gatehouse writes for them.
	// test-repo: the editor alone, with content that lives in the browser and is
	// forgotten. Default: git-gateway.
	Name string `yaml:"name"`

	// The repository: a directory, bare or with a work tree.
	Repo string `yaml:"repo"`

	// The branch that the site is built from. Default: the repository's HEAD.
	Branch string `yaml:"branch"`
}

// Credential is what Gatehouse presents to a Git host.
type Credential struct {
	// The account's name, where the host wants one.
	Username string `yaml:"username"`

	// The token.
	Token Secret `yaml:"token"`
}

// Admin is the editor at admin/.
type Admin struct {
	// The CMS to serve: decap-cms or netlify-cms. Default: decap-cms.
	Bundle string `yaml:"bundle"`

	// Scripts in the repository that register widgets and previews, loaded after
	// the CMS.
	Scripts []string `yaml:"scripts"`

	// Style sheets in the repository, for previews.
	Styles []string `yaml:"styles"`
}

// Deploy is what follows a change of the site's branch. Runs of one site never
// overlap, and changes that arrive during a run are served by one more.
type Deploy struct {
	// The program to run and its arguments, without a shell. It gets
	// GATEHOUSE_SITE, GATEHOUSE_BRANCH, GATEHOUSE_COMMIT and GATEHOUSE_REPO in its
	// environment and runs in the directory of this file.
	Command []string `yaml:"command"`

	// A URL that gets a POST with {"site", "branch", "before", "after"} as JSON,
	// signed in X-Gatehouse-Signature: sha256=<HMAC-SHA256 of the body, in hex>.
	Webhook string `yaml:"webhook"`

	// The key of the webhook's signature. Needed with webhook.
	Secret Secret `yaml:"secret"`

	// How long the command or the webhook may take, such as 90s or 5m.
	// Default: 10m.
	Timeout time.Duration `yaml:"timeout"`

	// Where a draft can be looked at: a URL with {branch}, {collection}, {slug}
	// and {commit} to be filled in. Empty: drafts have no preview link.
	Preview string `yaml:"preview"`
}

// The values of Backend.Name and Admin.Bundle.
const (
	GitGateway = "git-gateway"
	TestRepo   = "test-repo"

	DecapCMS   = "decap-cms"
	NetlifyCMS = "netlify-cms"
)

// WorktreeUpdate is the value of Site.Worktree besides the empty one.
const WorktreeUpdate = "update"

// Default is what an empty file means, but for the site that it must have.
func Default() *Config { return &Config{Listen: "127.0.0.1:8484", Data: "data"} }

// HTTPS reports whether people reach Gatehouse by HTTPS.
func (c *Config) HTTPS() bool {
	u, err := url.Parse(c.URL)
	return err == nil && u.Scheme == "https"
}

// Proxies is TrustedProxies as networks.
func (c *Config) Proxies() []netip.Prefix {
	nets := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, s := range c.TrustedProxies {
		if n, err := parseNetwork(s); err == nil {
			nets = append(nets, n)
		}
	}
	return nets
}

// AllOrigins is Origins and DevOrigins together.
func (s *Site) AllOrigins() []string {
	return append(append([]string{}, s.Origins...), s.DevOrigins...)
}
