package doctor

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Client is the CMS that a page loads.
type Client struct {
	Name    string `json:"name"`    // netlify-cms, decap-cms, sveltia-cms; empty: none is recognised
	Version string `json:"version"` // as the page writes it; empty: it does not say
	Pinned  bool   `json:"pinned"`  // it is one version and not a range
	Script  string `json:"script"`  // its URL
}

// The clients.
const (
	netlify = "netlify-cms"
	decap   = "decap-cms"
	sveltia = "sveltia-cms"
)

// Title is the name for people.
func (c Client) Title() string {
	switch c.Name {
	case netlify:
		return "Netlify CMS"
	case decap:
		return "Decap CMS"
	case sveltia:
		return "Sveltia CMS"
	}
	return "the CMS"
}

// sveltia reports whether it is Sveltia CMS. One that is not recognised is
// taken for Decap CMS, whose rules are the stricter ones.
func (c Client) sveltia() bool { return c.Name == sveltia }

// popup reports whether the CMS opens a popup at base_url for a backend.
func (c Client) popup(backend, authType string) bool {
	switch backend {
	case "github":
		return authType == "" || !c.sveltia() // only Sveltia reads it there
	case "gitlab":
		return authType != "pkce" && authType != "implicit"
	case "bitbucket":
		return authType != "implicit" && !c.sveltia()
	}
	return false
}

// knows reports whether the CMS has a backend of that name.
func (c Client) knows(backend string) bool {
	switch backend {
	case "github", "gitlab", "test-repo":
		return true
	case "gitea":
		return c.Name != netlify
	case "forgejo":
		return c.Name != netlify && !c.sveltia()
	case "bitbucket", "git-gateway", "azure", "proxy":
		return !c.sveltia()
	}
	return false
}

// defaults are base_url and auth_endpoint when config.yml has none.
func (c Client) defaults(backend string) (base, endpoint string) {
	if c.sveltia() && backend == "gitlab" {
		return "https://gitlab.com", "oauth/authorize"
	}
	return "https://api.netlify.com", "auth"
}

// scope is what the CMS asks for.
func (c Client) scope(backend, authScope string, openAuthoring bool) string {
	switch {
	case backend == "gitlab":
		return "api"
	case backend == "github" && c.sveltia():
		if authScope == "" {
			authScope = "repo"
		}
		return authScope + ",user"
	case backend == "github" && authScope != "":
		return authScope
	case backend == "github" && openAuthoring:
		return "public_repo"
	}
	return "repo"
}

// refreshes reports whether the CMS gets a new token when one has ended.
func (c Client) refreshes(backend string) bool { return c.sveltia() || backend == "bitbucket" }

// siteID is what the CMS sends as site_id from a page at host.
func (c Client) siteID(host, siteDomain string) string {
	switch {
	case c.sveltia() && siteDomain != "":
		return siteDomain
	case host == "localhost" && c.Name == decap:
		return "demo.decapcms.org"
	case host == "localhost":
		return "cms.netlify.com"
	case siteDomain != "":
		return siteDomain
	}
	return host
}

var (
	// The script's own file name, with a version or a hash of its content.
	bundleFile = regexp.MustCompile(`^(netlify-cms|decap-cms|sveltia-cms)(?:-app)?((?:[.-](?:min|v?\d[\w.+-]*|[0-9a-f]{6,64}))*)\.m?js$`)
	// The package in an address of unpkg.com, jsdelivr.net and their like.
	bundlePackage = regexp.MustCompile(`(?:^|/)(netlify-cms|decap-cms|@sveltia/cms)(?:-app)?(?:@([^/]+))?(?:/|$)`)
	versionText   = regexp.MustCompile(`\d+\.\d+\.\d+[\w.+-]*`)
	exactVersion  = regexp.MustCompile(`^v?\d+\.\d+\.\d+(-[\w.]+)?$`)
)

// identify tells which CMS a script is; ok is false when it is none.
func identify(script *url.URL) (c Client, ok bool) {
	p := script.Path
	inPackage := bundlePackage.FindStringSubmatch(p)
	inFile := bundleFile.FindStringSubmatch(path.Base(p))
	switch {
	case inFile != nil:
		c.Name = inFile[1]
	case inPackage != nil && !strings.HasSuffix(p, ".css") && bare(p, inPackage[0]):
		c.Name = strings.Replace(inPackage[1], "@sveltia/cms", sveltia, 1)
	default:
		return Client{}, false
	}
	c.Script = (&url.URL{Scheme: script.Scheme, Host: script.Host, Path: script.Path}).String()
	if inPackage != nil {
		c.Version = inPackage[2]
	}
	if c.Version == "" {
		c.Version = versionText.FindString(p)
		c.Version = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(c.Version, ".js"), ".mjs"), ".min")
	}
	c.Pinned = exactVersion.MatchString(c.Version)
	return c, true
}

// bare reports whether the address is that of the package as a whole, for
// which a network of packages chooses the file.
func bare(p, match string) bool {
	return strings.HasSuffix(strings.TrimSuffix(p, "/"), strings.TrimSuffix(match, "/"))
}
