package doctor

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// checkClient tells which CMS the page loads.
func (x *exam) checkClient() {
	cms := x.page.cms
	switch {
	case len(cms) == 0:
		f := Finding{
			ID: "client-unknown", Group: GroupConfig, Severity: Warning,
			Problem: "The page loads no script that is known as Netlify CMS, Decap CMS or Sveltia CMS.",
			Remedy:  "Name the CMS page with --url. If it is built into a script of your own, go on: it is taken for Decap CMS.",
		}
		if x.page.isCMS() {
			f.Severity, f.Remedy = Note, "It is taken for Decap CMS, which is the strictest of them."
		}
		x.find(f)
	default:
		x.report.Client = cms[0]
		x.checkVersion(cms[0])
	}
	var scripts []string
	for _, c := range cms {
		if !slices.Contains(scripts, c.Name+" "+c.Script) {
			scripts = append(scripts, c.Name+" "+c.Script)
		}
	}
	if len(cms) > 1 {
		x.find(Finding{
			ID: "client-twice", Group: GroupConfig, Severity: Error,
			Problem: "The page loads the CMS more than once: " + strings.Join(scripts, ", ") + ".",
			Remedy:  "Keep one of the script elements.",
		})
	} else {
		x.pass(GroupConfig, "client-twice", "The CMS is loaded once.")
	}
}

func (x *exam) checkVersion(c Client) {
	f := Finding{ID: "client-version", Group: GroupConfig, Severity: OK}
	switch {
	case c.Pinned:
		f.Problem = fmt.Sprintf("The page loads %s %s.", c.Title(), c.Version)
	case c.Version != "":
		f.Problem = fmt.Sprintf("The page loads %s %s, which is a range: it changes by itself.", c.Title(), c.Version)
	case !strings.HasPrefix(c.Script, x.page.origin()+"/"):
		f.Problem = fmt.Sprintf("The page loads whatever version of %s is the newest: it changes by itself.", c.Title())
	default:
		f.Problem = fmt.Sprintf("The page loads %s from a file of its own; its version is not in the name.", c.Title())
	}
	x.find(f)
}

// checkHeaders looks at what the page's own headers forbid.
func (x *exam) checkHeaders() {
	x.checkCOOP()
	x.checkMixed()
	x.checkPolicy()
}

func (x *exam) checkCOOP() {
	value, _, _ := strings.Cut(strings.ToLower(x.page.header.Get("Cross-Origin-Opener-Policy")), ";")
	switch value = strings.TrimSpace(value); value {
	case "same-origin", "noopener-allow-popups":
		x.find(Finding{
			ID: "page-coop", Group: GroupPage, Severity: Error,
			Problem: "The CMS page is sent with Cross-Origin-Opener-Policy: " + value + ", which cuts the popup off from it.",
			Remedy:  "Send another value with the CMS page.",
			Paste:   "Cross-Origin-Opener-Policy: same-origin-allow-popups",
		})
	default:
		x.pass(GroupPage, "page-coop", "The page keeps in touch with its popups.")
	}
}

// checkMixed looks for http on a page that comes by https.
func (x *exam) checkMixed() {
	if x.page.url.Scheme != "https" {
		if !isLoopback(x.page.url.Hostname()) {
			x.find(Finding{
				ID: "page-https", Group: GroupPage, Severity: Error,
				Problem: "The CMS page comes by http, so that anybody on the way can take the editor's token.",
				Remedy:  "Serve the site by https, and redirect http there.",
			})
		}
		return
	}
	if len(x.page.plain) > 0 {
		x.find(Finding{
			ID: "page-mixed", Group: GroupPage, Severity: Error,
			Problem: "The page comes by https and loads parts by http, which browsers refuse: " + x.page.plain[0] + ".",
			Remedy:  "Write https there.",
		})
	} else {
		x.pass(GroupPage, "page-mixed", "All parts of the page come by https.")
	}
	if x.config == nil {
		return
	}
	for _, key := range []string{"api_root", "graphql_api_root"} {
		root := x.config.get(key)
		if u, err := url.Parse(root.text); err == nil && strings.EqualFold(u.Scheme, "http") && !isLoopback(u.Hostname()) {
			x.find(Finding{
				ID: "api-mixed", Group: GroupPage, Severity: Error, Line: root.line,
				Problem: key + " is http, which browsers refuse to a page that comes by https.",
				Remedy:  "Write https.",
			})
			u.Scheme = "https"
			x.mend("backend."+key, u.String(), "https")
		}
	}
}

// apiRoot is the origin of the API that the CMS works with.
func (x *exam) apiRoot() string {
	root := x.config.get("api_root").text
	if r, ok := x.repairs["backend.api_root"]; ok {
		root = r.value
	}
	if u, err := url.Parse(root); err == nil && u.Host != "" {
		return originOf(u)
	}
	switch x.backend() {
	case "github":
		return "https://api.github.com"
	case "gitlab":
		return "https://gitlab.com"
	case "bitbucket":
		return "https://api.bitbucket.org"
	}
	return ""
}

// needs is what the CMS does that a policy must allow.
func (x *exam) needs() []need {
	c := x.report.Client
	list := []need{{directive: "style-src", source: "'unsafe-inline'"}}
	for _, m := range x.page.cms {
		if u, err := url.Parse(m.Script); err == nil {
			list = append(list, need{directive: "script-src", url: u})
		}
	}
	if !c.sveltia() {
		// The configuration's schema is compiled in the browser.
		list = append(list, need{directive: "script-src", source: "'unsafe-eval'"})
	}
	for _, s := range []string{"blob:", "data:"} {
		list = append(list, need{directive: "img-src", source: s})
	}
	list = append(list, need{directive: "connect-src", source: "blob:"})
	if x.config == nil {
		return list
	}
	list = append(list, need{directive: "connect-src", url: x.config.url})
	for _, root := range []string{x.apiRoot(), x.config.get("graphql_api_root").text} {
		if api, err := url.Parse(root); err == nil && api.Host != "" {
			list = append(list, need{directive: "connect-src", url: &url.URL{Scheme: api.Scheme, Host: api.Host, Path: "/"}})
		}
	}
	if x.broker != "" && c.refreshes(x.backend()) {
		if u, err := url.Parse(x.broker + "/auth"); err == nil {
			list = append(list, need{directive: "connect-src", url: u})
		}
	}
	if c.sveltia() {
		list = append(list, need{directive: "frame-src", source: "blob:"})
	}
	if avatars := x.avatars(); avatars != nil {
		list = append(list, need{directive: "img-src", url: avatars})
	}
	return list
}

// avatars is where the pictures of people come from.
func (x *exam) avatars() *url.URL {
	switch {
	case x.config.get("api_root").text != "":
		return nil // some host's own place
	case x.backend() == "github":
		return &url.URL{Scheme: "https", Host: "avatars.githubusercontent.com", Path: "/"}
	case x.backend() == "gitlab":
		return &url.URL{Scheme: "https", Host: "gitlab.com", Path: "/"}
	}
	return nil
}

// checkPolicy holds the page's Content-Security-Policy against what the CMS
// does.
func (x *exam) checkPolicy() {
	policies := parsePolicies(x.page.header.Values("Content-Security-Policy"), x.page.meta)
	if len(policies) == 0 {
		x.pass(GroupPage, "page-csp", "The page has no Content-Security-Policy that could forbid anything.")
		return
	}
	for _, p := range policies {
		var missing []need
		grave := false
		for _, n := range x.needs() {
			if !p.allows(n, x.page.url) {
				missing = append(missing, n)
				grave = grave || n.directive == "script-src" || n.directive == "connect-src"
			}
		}
		if len(missing) == 0 {
			continue
		}
		f := Finding{
			ID: "page-csp", Group: GroupPage, Severity: Warning,
			Problem: "The page's Content-Security-Policy forbids what the CMS needs: " + describe(missing, x.page.url) + ".",
			Remedy:  "Send this policy with the CMS page (and with no other page of the site).",
			Paste:   "Content-Security-Policy: " + p.with(missing, x.page.url),
		}
		if grave {
			f.Severity = Error
		}
		x.find(f)
	}
	if !x.found("page-csp") {
		x.pass(GroupPage, "page-csp", "The page's Content-Security-Policy lets the CMS work.")
	}
}
