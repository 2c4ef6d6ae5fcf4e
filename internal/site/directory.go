package site

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"gatehouse/internal/fault"
)

// Backend is where a site's content is when its CMS page talks to a Git host
// by itself, with the person's own token.
type Backend struct {
	Kind          string // github, gitlab, bitbucket, gitea, forgejo; empty: the site is served by us
	Repo          string // owner/name
	RepositoryID  int64  // at GitHub; 0: not known
	Branch        string // empty: the repository's default
	API           string // where a CMS page finds the host's API; empty: the public host's, or not known
	OpenAuthoring bool   // anyone may fork and propose
}

// Directory finds the site that a CMS page means, and decides which pages may
// open its popup. It does not change after NewDirectory.
//
// What a CMS page says about its site (site_id) comes from whoever wrote the
// link, so it only chooses a site. Whether the page that opened the popup may
// have that site's token is decided by its origin, which the browser vouches
// for: see Site.Opener.
type Directory struct {
	sites    []*Site
	byName   map[string]*Site
	byDomain map[string]*Site
	byHost   map[string]*Site // of Hosts and origins; nil where several sites share one
}

// NewDirectory takes the sites whose CMS pages talk to a Git host by themselves
// and leaves the others out. A domain of two sites, an origin that browsers
// never send and a pattern that admits more than one label are Invalid.
func NewDirectory(sites []*Site) (*Directory, error) {
	d := &Directory{byName: map[string]*Site{}, byDomain: map[string]*Site{}, byHost: map[string]*Site{}}
	for _, s := range sites {
		if s.Backend.Kind == "" {
			continue
		}
		if err := d.add(s); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Directory) add(s *Site) error {
	for _, o := range slices.Concat(s.Origins, s.DevOrigins) {
		if !IsOrigin(o) {
			return fault.New(fault.Invalid, "The site %s has the origin %q, which no browser sends: write scheme://host[:port], in lower case.", s.Name, o)
		}
		d.addHost(hostOf(o), s)
	}
	for _, p := range s.PreviewOrigins {
		if _, ok := parsePreview(p); !ok {
			return fault.New(fault.Invalid, "The site %s has the pattern %q: write https://, and one * in the first part of a host name.", s.Name, p)
		}
	}
	for _, name := range s.Hosts {
		d.addHost(normalDomain(name), s)
	}
	for _, name := range s.Domains {
		name = normalDomain(name)
		if other := d.byDomain[name]; other != nil && other != s {
			return fault.New(fault.Invalid, "The sites %s and %s have the same domain %s. A CMS page says by it which site it means.", other.Name, s.Name, name)
		}
		d.byDomain[name] = s
	}
	d.byName[s.Name] = s
	d.sites = append(d.sites, s)
	return nil
}

// addHost remembers whose a host name is; of two sites, nobody's.
func (d *Directory) addHost(name string, s *Site) {
	if other, known := d.byHost[name]; known && other != s {
		s = nil
	}
	d.byHost[name] = s
}

// Named is the site of that name; nil when there is none.
func (d *Directory) Named(name string) *Site { return d.byName[name] }

// Lookup finds the site that a site_id means: its name, one of its Domains, or
// the host of one of its origins when no other site has that, too. An empty one
// means the only site. There is one site in the answer, or none. dev says that
// the CMS page is on somebody's laptop and could not name its site: ForDev
// tells, once the page's origin is known.
func (d *Directory) Lookup(siteID string) (found []*Site, dev bool) {
	name := normalDomain(siteID)
	if name == "" {
		if len(d.sites) == 1 {
			return slices.Clone(d.sites), false
		}
		return nil, false
	}
	for _, by := range []map[string]*Site{d.byName, d.byDomain} {
		if s := by[name]; s != nil {
			return []*Site{s}, false
		}
	}
	if laptop(name) {
		return nil, true
	}
	if s := d.byHost[name]; s != nil {
		return []*Site{s}, false
	}
	return nil, false
}

// laptop reports whether CMS pages give that name when they are on localhost,
// whatever their configuration says.
func laptop(name string) bool {
	switch name {
	case "cms.netlify.com", "demo.decapcms.org", "localhost", "127.0.0.1", "::1", "[":
		return true
	}
	return false
}

// ForDev lists the sites that are worked on from that origin.
func (d *Directory) ForDev(origin string) []*Site {
	var found []*Site
	for _, s := range d.sites {
		if slices.Contains(s.DevOrigins, origin) {
			found = append(found, s)
		}
	}
	return found
}

// Knows reports whether pages of an origin may open the popup of any site.
func (d *Directory) Knows(origin string) bool {
	return slices.ContainsFunc(d.sites, func(s *Site) bool { return s.Opener(origin) })
}

// Opener reports whether pages of an origin may open the site's popup and get
// its token: one of its origins, compared exactly, or one that fits a pattern of
// PreviewOrigins.
func (s *Site) Opener(origin string) bool {
	if slices.Contains(s.Origins, origin) || slices.Contains(s.DevOrigins, origin) {
		return origin != "null" && origin != ""
	}
	for _, text := range s.PreviewOrigins {
		if p, ok := parsePreview(text); ok && p.fits(origin) {
			return true
		}
	}
	return false
}

// preview is a pattern of origins: https://before*after.rest.
type preview struct{ before, after, rest string }

func parsePreview(text string) (preview, bool) {
	host, ok := strings.CutPrefix(text, "https://")
	if !ok || strings.Count(host, "*") != 1 {
		return preview{}, false
	}
	first, rest, ok := strings.Cut(host, ".")
	before, after, star := strings.Cut(first, "*")
	// One dot at least remains, or the pattern would admit a whole top-level
	// domain.
	if !ok || !star || !strings.Contains(rest, ".") || !IsOrigin("https://"+before+"x"+after+"."+rest) {
		return preview{}, false
	}
	return preview{before, after, rest}, true
}

func (p preview) fits(origin string) bool {
	host, ok := strings.CutPrefix(origin, "https://")
	if !ok || !IsOrigin(origin) {
		return false
	}
	first, rest, ok := strings.Cut(host, ".")
	return ok && rest == p.rest && len(first) > len(p.before)+len(p.after) &&
		strings.HasPrefix(first, p.before) && strings.HasSuffix(first, p.after)
}

// IsOrigin reports whether text is an origin as browsers write it:
// scheme://host[:port], in lower case, without the scheme's own port.
func IsOrigin(text string) bool {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || (scheme != "http" && scheme != "https") || len(text) > 300 {
		return false
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != rest || u.User != nil || strings.HasSuffix(rest, ":") {
		return false
	}
	if p := u.Port(); (scheme == "https" && p == "443") || (scheme == "http" && p == "80") {
		return false
	}
	host := u.Hostname()
	if net.ParseIP(host) != nil {
		return true
	}
	return host != "" && !strings.ContainsFunc(host, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_'
	})
}

func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// normalDomain turns what a configuration or a link gives as a site's domain
// into the name that is compared: of a URL the host, without a port or the dot
// at the end, in lower case, other letters as browsers encode them.
func normalDomain(text string) string {
	text = strings.TrimSpace(text)
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	text, _, _ = strings.Cut(text, "/")
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
	}
	text = strings.ToLower(strings.TrimSuffix(text, "."))
	if ascii, err := idna.Lookup.ToASCII(text); err == nil {
		return ascii
	}
	return text
}
