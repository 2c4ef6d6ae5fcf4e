package doctor

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// checkBackend reports a backend that is missing or that the CMS does not know,
// and whether it has a popup at all.
func (x *exam) checkBackend() {
	c, name := x.report.Client, x.config.get("name")
	f := Finding{ID: "config-backend", Group: GroupConfig, Severity: Error, Line: name.line}
	switch {
	case name.text == "":
		f.Problem = "config.yml does not say which backend the CMS works with."
		f.Remedy = "Write name: github (or gitlab, bitbucket) below backend."
		if x.site != nil && x.site.Kind != "" {
			f.Remedy = "Write name: " + x.site.Kind + " below backend."
			x.mend("backend.name", x.site.Kind, "it was missing")
		}
	case !c.knows(name.text):
		f.ID = "backend-client"
		f.Problem = fmt.Sprintf("%s has no backend %s.", c.Title(), quote(name.text))
		f.Remedy = "Choose a CMS that has it (Decap CMS has most), or move the repository."
		if strings.ToLower(name.text) != name.text && c.knows(strings.ToLower(name.text)) {
			f.Remedy = "Write it in lower case."
			x.mend("backend.name", strings.ToLower(name.text), "in lower case")
		}
	case !c.popup(name.text, x.config.get("auth_type").text):
		f = x.withoutPopup(name.text)
	default:
		x.pass(GroupConfig, "config-backend", fmt.Sprintf("%s signs in to %s with a popup.", title(c.Title()), name.text))
		return
	}
	x.find(f)
}

// withoutPopup is for backends that never ask the broker.
func (x *exam) withoutPopup(backend string) Finding {
	f := Finding{ID: "backend-popup", Group: GroupConfig, Severity: Note, Line: x.config.line("name")}
	if t := x.config.get("auth_type"); t.text != "" && x.report.Client.popup(backend, "") {
		f.ID, f.Severity, f.Line = "auth-type", Warning, t.line
		f.Problem = fmt.Sprintf("With auth_type: %s the CMS signs in at the host itself and does not ask Gatehouse.", quote(t.text))
		f.Remedy = "Remove auth_type to sign in through Gatehouse."
		x.drop("backend.auth_type", "without it the CMS opens the popup")
		return f
	}
	if x.pointsHere() {
		f.Severity, f.Line = Error, x.config.line("base_url")
		f.Problem = fmt.Sprintf("base_url is Gatehouse, and with the backend %s %s wants the host itself there: it opens no popup.", backend, x.report.Client.Title())
		f.Remedy = "Write the host's own address into base_url, and register the CMS there as a public app."
		return f
	}
	f.Problem = fmt.Sprintf("With the backend %s %s opens no popup, so there is no broker to examine.", backend, x.report.Client.Title())
	f.Remedy = "Nothing is to be done when that is what you want."
	return f
}

// pointsHere reports whether base_url is a Gatehouse.
func (x *exam) pointsHere() bool {
	u, err := url.Parse(x.config.get("base_url").text)
	if err != nil || u.Host == "" {
		return false
	}
	if originOf(u) == x.publicURL() {
		return true
	}
	a, err := x.get(originOf(u) + "/healthz")
	return err == nil && isGatehouse(a)
}

// popupExpected reports whether there is a broker to examine, now or once
// auth_type is gone.
func (x *exam) popupExpected() bool {
	return x.config != nil && x.report.Client.popup(x.backend(), "")
}

// backend is the backend's name, as it should be.
func (x *exam) backend() string {
	if r, ok := x.repairs["backend.name"]; ok {
		return r.value
	}
	return x.config.get("name").text
}

var (
	repoAtHost = regexp.MustCompile(`^[A-Za-z0-9_.][\w.-]*(/[\w.-]+)+$`)
	repoURL    = regexp.MustCompile(`^(?:[a-z+]+://(?:[^/@\s]*@)?[^/\s]+/|[^/@:\s]+@[^/:\s]+:)(.+?)/*$`)
)

// placeholder is what the block has for a repository that nobody has named.
const placeholder = "OWNER/NAME"

// checkRepo reports a repository that is missing, written as a URL, or another
// than the broker checks people's rights for.
func (x *exam) checkRepo() {
	switch x.backend() {
	case "github", "gitlab", "bitbucket", "gitea", "forgejo":
	default:
		return
	}
	repo := x.config.get("repo")
	f := Finding{ID: "config-repo", Group: GroupConfig, Severity: Error, Line: repo.line}
	known := ""
	if x.site != nil {
		known = x.site.Repo
	}
	inURL := repoURL.FindStringSubmatch(repo.text)
	switch {
	case repo.text == "" || repo.text == placeholder:
		f.Problem = "config.yml does not say which repository the CMS works on."
		f.Remedy = "Write repo: owner/name below backend."
		if known == "" {
			known = placeholder
		}
		x.mend("backend.repo", known, "it was missing")
	case inURL != nil, strings.HasSuffix(repo.text, ".git"), strings.HasPrefix(repo.text, "/"), strings.HasSuffix(repo.text, "/"):
		short := repo.text
		if inURL != nil {
			short = inURL[1]
		}
		short = strings.TrimSuffix(strings.Trim(short, "/"), ".git")
		f.Problem = "repo is an address, and the CMS wants owner/name."
		f.Remedy = "Write repo: " + short + "."
		x.mend("backend.repo", short, "owner/name alone")
	case !repoAtHost.MatchString(repo.text):
		f.Problem = fmt.Sprintf("%s is no repository at a host.", quote(repo.text))
		f.Remedy = "Write repo: owner/name."
		if known == "" {
			known = placeholder
		}
		x.mend("backend.repo", known, "owner/name")
	case known != "" && !strings.EqualFold(known, repo.text):
		f.ID = "repo-differs"
		f.Problem = fmt.Sprintf("config.yml works on %s, while gatehouse.yaml admits people who may write to %s.", quote(repo.text), known)
		f.Remedy = "Write the same repository into both."
		x.mend("backend.repo", known, "as in gatehouse.yaml")
	default:
		x.pass(GroupConfig, "config-repo", "The repository is "+repo.text+".")
		return
	}
	x.find(f)
}
