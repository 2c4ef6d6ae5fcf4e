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

	// The directory of Gatehouse's own data: the database gatehouse.db, unless
	// database names another, and the key file secret.key. It is made when it is
	// missing. Default: ./data.
	Data string `yaml:"data"`

	// The database. Empty: SQLite in data. Or a Postgres database of its own:
	// postgres://user:password@host:5432/name, with whatever is special in the
	// password percent-encoded. When the host is another machine, sslmode has to be
	// named: ?sslmode=verify-full checks its certificate (sslrootcert=FILE for an
	// authority of your own), require encrypts and checks nothing, disable sends
	// everything in the clear.
	Database Secret `yaml:"database"`

	// The addresses or networks (10.0.0.0/8) of proxies in front, whose
	// X-Forwarded-For tells where a request comes from. Name only proxies that
	// set this header themselves. The proxy has to pass the Host header on.
	TrustedProxies []string `yaml:"trusted_proxies"`

	// HTTPS by Gatehouse itself. Without it a proxy in front has to end TLS.
	TLS TLS `yaml:"tls"`

	// Outgoing mail.
	Mail Mail `yaml:"mail"`

	// Apps registered at Git hosts, with which people sign in at CMS pages that
	// are elsewhere. Operators can also add some in the console.
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

// Mail is outgoing mail: invitations, links to confirm an address or to set a
// password, notices about accounts. Without smtp nothing is sent: the console
// shows the links, for passing on by hand. A change needs a restart.
type Mail struct {
	// The sender: an address, or a name and an address, The Blog
	// <cms@example.org>. Needed with smtp.
	From string `yaml:"from"`

	// The mail server: smtp://user:password@host:port, which is encrypted by
	// STARTTLS (port 587 unless named), or smtps://, which is encrypted from the
	// start (port 465). A server on this machine is spoken to without encryption;
	// one in a network of yours too when ?tls=none stands behind it, and then
	// without a password.
	SMTP Secret `yaml:"smtp"`

	// A directory with mail texts of your own: KIND.LANGUAGE.txt, with the subject
	// in its first line, and KIND.LANGUAGE.html. What is not there, or cannot be
	// used, is taken from the built-in ones.
	Templates string `yaml:"templates"`

	// A certificate authority of your own (PEM) that the mail server's certificate
	// goes back to.
	CA string `yaml:"ca"`
}

// SiteMail is how the mails of a site look.
type SiteMail struct {
	// The sender's name. Default: the name in the from of mail, else the site's
	// title.
	Sender string `yaml:"sender"`

	// A picture to show on top, by its https address. Most mail programs ask before
	// they load it; the site's name is there in any case.
	Logo string `yaml:"logo"`

	// The language of mails to people whose own is not known: en, de, fr, or one
	// that templates has files for. Default: en.
	Language string `yaml:"language"`
}

// Connector is an app registered at a Git host.
type Connector struct {
	// A name of your choice, unique among the connectors: lower-case letters,
	// digits and hyphens. The callback URL to register at the host ends in it:
	// /callback/NAME.
	Name string `yaml:"name"`

	// What is at the other end: github (github.com and GitHub Enterprise), gitlab,
	// bitbucket (Bitbucket Cloud), gitea or forgejo.
	Kind string `yaml:"kind"`

	// The address of the host. Default: https://github.com, https://gitlab.com or
	// https://bitbucket.org; gitea and forgejo have none.
	URL string `yaml:"url"`

	// The address of the host's API, where it is not the usual one below url.
	API string `yaml:"api"`

	// The app's id at the host.
	ClientID string `yaml:"client_id"`

	// The app's secret.
	ClientSecret Secret `yaml:"client_secret"`

	// For a GitHub App, instead of an OAuth app: its name in addresses, as in
	// github.com/apps/NAME. People's tokens are then good for the site's
	// repository alone.
	App string `yaml:"app"`

	// The most that is asked of a person. Default: what the CMS needs, which is
	// repo at GitHub, api at GitLab, read:user write:repository at Gitea and
	// Forgejo.
	Scope string `yaml:"scope"`

	// The path of the callback URL, when another one is registered at the host
	// already: /callback, /auth/done or /oauth/redirect. Default: /callback/NAME.
	Callback string `yaml:"callback"`

	// A certificate authority of your own (PEM) that the host's certificate goes
	// back to.
	CA string `yaml:"ca"`

	// The proxy to reach the host through: http://proxy:3128, with user and
	// password where it wants them.
	Proxy Secret `yaml:"proxy"`

	// true: the host has a private address. Without it such an address is
	// refused, whatever the host's name says.
	Private bool `yaml:"private"`

	// false: do without PKCE, for a host that is too old to know it.
	// Default: true, but for Bitbucket, which has none.
	PKCE Switch `yaml:"pkce"`

	// true: always open the host in a second window. Gatehouse finds out by
	// itself when a host's pages cut the popup off, and does it then.
	Launcher bool `yaml:"launcher"`
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

	// Pages elsewhere that may call this site's identity service or open its
	// sign-in popup: exact origins, scheme://host[:port], without a path.
	Origins []string `yaml:"origins"`

	// More origins, for work on a laptop, such as http://localhost:4321. The CMS
	// never names the site when its page is on localhost; it is found by these.
	DevOrigins []string `yaml:"dev_origins"`

	// More origins that may open the sign-in popup, as patterns: https, with one
	// * in the first part of the host name, such as https://*--shop.netlify.app.
	// Whoever can publish a page under such a name, be it in the preview of a
	// stranger's proposal, can ask your editors for a token.
	PreviewOrigins []string `yaml:"preview_origins"`

	// More names that the CMS page may give as its site_id. Those of hosts and
	// origins are known.
	Domains []string `yaml:"domains"`

	// The connectors that people sign in with at this site's CMS page elsewhere, by
	// name. Default: the one whose kind is the backend's name.
	Connectors []string `yaml:"connectors"`

	// One more path of the sign-in popup, when the CMS's config.yml names one as
	// auth_endpoint that cannot be changed. /auth, /oauth/authorize and
	// /s/NAME/auth are always there.
	AuthEndpoint string `yaml:"auth_endpoint"`

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

	// How the site's mails look.
	Mail SiteMail `yaml:"mail"`
}

// Backend says where a site's content is, in the CMS's own words.
type Backend struct {
	// git-gateway: people sign in here, and Gatehouse writes for them.
	// github, gitlab, bitbucket, gitea, forgejo: the CMS page is elsewhere and
	// works at that host with each person's own account; Gatehouse signs them in.
	// test-repo: the editor alone, with content that lives in the browser and is
	// forgotten. Default: git-gateway.
	Name string `yaml:"name"`

	// The repository. With git-gateway a directory, bare or with a work tree; at a
	// host its path there, owner/name.
	Repo string `yaml:"repo"`

	// The branch that the site is built from. Default: the repository's HEAD.
	Branch string `yaml:"branch"`

	// true, with github: anyone may sign in, work in a fork and propose their
	// changes. Without it only who can push to the repository gets in.
	OpenAuthoring bool `yaml:"open_authoring"`

	// The repository's number at GitHub, for a GitHub App. Gatehouse finds it out
	// by itself.
	RepositoryID int64 `yaml:"repository_id"`
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
	GitHub     = "github"
	GitLab     = "gitlab"
	Bitbucket  = "bitbucket"
	Gitea      = "gitea"
	Forgejo    = "forgejo"

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

// AtHost reports whether the site's CMS page works at a Git host by itself.
func (b *Backend) AtHost() bool {
	switch b.Name {
	case GitHub, GitLab, Bitbucket, Gitea, Forgejo:
		return true
	}
	return false
}
