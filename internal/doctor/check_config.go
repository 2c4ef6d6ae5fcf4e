package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// checkConfig finds config.yml, and what is wrong with its form and with the
// keys that say what the CMS works on.
func (x *exam) checkConfig() {
	a := x.openConfig()
	if a == nil {
		return
	}
	x.config = readConfig(a.body)
	x.config.url = a.url
	x.report.Config = a.url.String()
	x.pass(GroupConfig, "config-found", "config.yml is at "+a.url.String()+".")
	for _, p := range x.config.problems {
		x.find(Finding{ID: p.id, Group: GroupConfig, Severity: Error, Line: p.line, Problem: p.text, Remedy: p.remedy})
	}
	if !x.found("config-yaml") {
		x.pass(GroupConfig, "config-yaml", "config.yml is YAML.")
	}
	x.checkNesting()
	x.site = x.findSite()
	x.checkBackend()
	x.checkRepo()
	x.checkAPI()
}

// configURL is where the CMS looks for its configuration; note is a finding
// about that.
func (x *exam) configURL() (*url.URL, *Finding) {
	p := x.page
	for _, l := range p.links {
		u, err := p.base.Parse(l.href)
		if err != nil || l.href == "" || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		if x.report.Client.sveltia() || l.kind == "text/yaml" || l.kind == "application/x-yaml" {
			return u, nil
		}
		return x.besidePage(), &Finding{
			ID: "config-link", Group: GroupConfig, Severity: Error,
			Problem: fmt.Sprintf("The page's link to %s has the type %q, for which %s leaves it unread.", u.Path, l.kind, x.report.Client.Title()),
			Remedy:  "Give it the type text/yaml.",
			Paste:   `<link href="` + u.Path + `" type="text/yaml" rel="cms-config-url">`,
		}
	}
	return x.besidePage(), nil
}

// besidePage is config.yml where the CMS looks without a link: relative to the
// page, of which Sveltia CMS takes the last part for a directory.
func (x *exam) besidePage() *url.URL {
	p := x.page
	if !x.report.Client.sveltia() {
		return p.base.ResolveReference(&url.URL{Path: "config.yml"})
	}
	dir := p.url.Path
	if last := dir[strings.LastIndex(dir, "/")+1:]; strings.Contains(last, ".") {
		dir = strings.TrimSuffix(dir, last)
	}
	return p.url.ResolveReference(&url.URL{Path: strings.TrimSuffix(dir, "/") + "/config.yml"})
}

// openConfig fetches config.yml; nil when there is none to examine.
func (x *exam) openConfig() *answer {
	at, wrong := x.configURL()
	if wrong != nil {
		x.find(*wrong)
	}
	if u := x.linked(); wrong != nil && u != nil {
		at = u // what it would be, once the link is mended
	}
	a, err := x.follow(at.String())
	var text string
	switch {
	case err != nil:
		text = why(err)
	case a.status != http.StatusOK:
		text = fmt.Sprintf("it answers %d %s", a.status, http.StatusText(a.status))
	case a.isHTML():
		text = "it answers with a page of HTML"
	case originOf(a.url) != x.page.origin() && a.header.Get("Access-Control-Allow-Origin") == "":
		text = "it is on another origin, which does not let the page read it (Access-Control-Allow-Origin)"
	case strings.HasSuffix(a.url.Path, ".toml"):
		x.find(Finding{ID: "config-toml", Group: GroupConfig, Severity: Note, Problem: "The configuration is TOML, which is not read here.", Remedy: "Compare its [backend] with the block below, if there is one."})
		return nil
	default:
		return a
	}
	f := Finding{ID: "config-found", Group: GroupConfig, Severity: Error, Problem: fmt.Sprintf("There is no config.yml at %s: %s.", at, text)}
	switch {
	case x.page.manual:
		f.ID, f.Severity = "config-manual", Note
		f.Problem = "The page configures the CMS in a script of its own (CMS_MANUAL_INIT), which cannot be read from here."
		f.Remedy = "Compare the backend that the script gives to CMS.init with the block below."
	case !strings.HasSuffix(x.page.url.Path, "/") && len(x.page.links) == 0 && !strings.Contains(lastPart(x.page.url.Path), "."):
		f.Remedy = "Open the page with a slash at the end: without it the CMS looks for config.yml one level higher. Best redirect there."
	default:
		f.Remedy = "Publish config.yml beside the page, or say where it is."
		f.Paste = `<link href="/admin/config.yml" type="text/yaml" rel="cms-config-url">`
	}
	x.find(f)
	return nil
}

// linked is the first address that a link to the configuration has, whatever
// its type.
func (x *exam) linked() *url.URL {
	for _, l := range x.page.links {
		if u, err := x.page.base.Parse(l.href); err == nil && l.href != "" {
			return u
		}
	}
	return nil
}

func lastPart(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// checkNesting reports keys in the wrong place.
func (x *exam) checkNesting() {
	for _, s := range x.config.strays {
		f := Finding{ID: "config-nesting", Group: GroupConfig, Severity: Error, Line: s.line}
		switch {
		case s.key == "site_id":
			f.Problem = s.path + " does not mean anything to the CMS."
			f.Remedy = "Write site_id at the left margin, beside backend (Bitbucket alone needs it)."
		case lastKey(s.path) != s.key:
			f.ID = "config-key"
			f.Problem = fmt.Sprintf("The CMS knows no key %s.", lastKey(s.path))
			f.Remedy = fmt.Sprintf("Write %s, indented below backend.", s.key)
		case s.path == s.key:
			f.Problem = fmt.Sprintf("%s stands beside backend, where the CMS does not look for it.", s.key)
			f.Remedy = "Indent it below backend."
		default:
			f.Problem = fmt.Sprintf("%s stands in %s, where the CMS does not look for it.", s.key, strings.TrimSuffix(s.path, "."+s.key))
			f.Remedy = "Move it right below backend."
		}
		x.find(f)
	}
	if len(x.config.strays) == 0 {
		x.pass(GroupConfig, "config-nesting", "The keys of the sign-in stand where the CMS looks for them.")
	}
}

func lastKey(path string) string { return path[strings.LastIndex(path, ".")+1:] }

// findSite is the site of the settings that the page belongs to. Sites may share
// an origin, and a repository: what else the page says then decides between them.
func (x *exam) findSite() *Site {
	if x.Settings == nil {
		return nil
	}
	repo, domain, kind := x.config.get("repo").text, x.config.get("site_domain").text, x.backend()
	pool := make([]*Site, len(x.Settings.Sites))
	for i := range pool {
		pool[i] = &x.Settings.Sites[i]
	}
	sure := len(pool) == 1
	narrow := func(tells bool, belongs func(s *Site) bool) {
		if fit := slices.DeleteFunc(slices.Clone(pool), func(s *Site) bool { return !belongs(s) }); len(fit) > 0 {
			pool, sure = fit, sure || tells
		}
	}
	narrow(true, func(s *Site) bool {
		return contains(s.Origins, x.page.origin()) || contains(s.DevOrigins, x.page.origin())
	})
	narrow(true, func(s *Site) bool { return repo != "" && strings.EqualFold(s.Repo, repo) })
	narrow(true, func(s *Site) bool { return domain != "" && (s.Name == domain || contains(s.Domains, domain)) })
	narrow(false, func(s *Site) bool { return s.Kind == kind })
	if !sure {
		return nil
	}
	return pool[0]
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}

// quote shows a value of config.yml, cut to a length that fits a sentence.
func quote(s string) string {
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%q", tokenText.ReplaceAllString(s, "[secret]"))
}

// title begins a sentence.
func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
