package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

var (
	siteName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	remote    = regexp.MustCompile(`^([a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:)`)
	ownerName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*(/[\w.-]+)+$`)
	repoName  = regexp.MustCompile(`^[A-Za-z0-9_][\w.-]*/[\w.-]+$`)
	groupName = regexp.MustCompile(`^[A-Za-z0-9_][\w.-]*(/[\w.-]+)+$`)
	endpoint  = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`)
	badBranch = regexp.MustCompile(`[\x00-\x20~^:?*\[\\\x7f]|\.\.|//|@\{|^[-/]|[/.]$|\.lock$`)
	template  = regexp.MustCompile(`\{[^}]*\}?`)
)

func (d *decoder) checkSite(s *Site, path string) {
	if !siteName.MatchString(s.Name) {
		d.add(path+".name", "%q cannot be a site's name: use lower-case letters, digits and hyphens, 63 at most", s.Name)
	}
	for i, h := range s.Hosts {
		if !hostName.MatchString(h) {
			d.add(fmt.Sprintf("%s.hosts[%d]", path, i), "%q is not a host name: write it in lower case, without https:// and without a port", h)
		}
	}
	d.checkOrigins(s.Origins, path+".origins")
	d.checkOrigins(s.DevOrigins, path+".dev_origins")
	d.checkBackend(s, path)
	d.checkPopup(s, path)
	d.checkAdmin(s, path+".admin")
	d.checkDeploy(&s.Deploy, path+".deploy")
	d.checkSiteMail(&s.Mail, path+".mail")
	if s.Worktree != "" && s.Worktree != WorktreeUpdate {
		d.add(path+".worktree", "%q is unknown: write update, or leave it out", s.Worktree)
	}
}

func (d *decoder) checkOrigins(origins []string, path string) {
	for i, o := range origins {
		if err := CheckOrigin(o); err != nil {
			d.add(fmt.Sprintf("%s[%d]", path, i), "%v", err)
		}
	}
}

func (d *decoder) checkBackend(s *Site, path string) {
	b := &s.Backend
	at := path + ".backend"
	if b.Branch != "" && badBranch.MatchString(b.Branch) {
		d.add(at+".branch", "%q cannot be a branch", b.Branch)
	}
	switch b.Name {
	case "", GitGateway:
		b.Name = GitGateway
		d.checkHere(s, path)
		d.checkRepo(b, at+".repo")
		if s.Config != "" {
			if err := checkRepoPath(s.Config); err != nil {
				d.add(path+".config", "%v", err)
			}
		}
	case TestRepo:
		d.checkHere(s, path)
		d.checkTestRepo(s, path)
	case GitHub, GitLab, Bitbucket, Gitea, Forgejo:
		d.checkAtHost(s, path)
	case "azure":
		d.add(at+".name", "the CMS's azure backend signs in without a server, so there is nothing to serve: remove this site")
	default:
		d.add(at+".name", "%q is unknown: write git-gateway, github, gitlab, bitbucket, gitea, forgejo or test-repo", b.Name)
	}
}

func (d *decoder) checkRepo(b *Backend, path string) {
	if b.Repo == "" {
		d.add(path, "a site needs a repository: give a directory")
		return
	}
	dir := d.abs(b.Repo)
	switch {
	case isDir(dir):
		b.Repo = dir
	case remote.MatchString(b.Repo):
		d.add(path, "this version serves plain Git directories: give a directory, such as a bare clone of that repository")
	case ownerName.MatchString(b.Repo):
		d.add(path, "there is no directory %s. When %s is a repository at a Git host where editors have accounts, write the host as name (github, gitlab, …); git-gateway needs a directory", dir, b.Repo)
	default:
		d.add(path, "there is no directory %s: make one with 'git init --bare', or correct the name", dir)
	}
}

// checkAtHost: the CMS page is elsewhere, and we sign people in.
func (d *decoder) checkAtHost(s *Site, path string) {
	b := &s.Backend
	switch {
	case b.Repo == "":
		d.add(path+".backend.repo", "say which repository people must be able to write to: owner/name")
	case b.Name == GitLab && !groupName.MatchString(b.Repo), b.Name != GitLab && !repoName.MatchString(b.Repo):
		d.add(path+".backend.repo", "%q is not a repository at a host: write owner/name", b.Repo)
	}
	if b.OpenAuthoring && b.Name != GitHub {
		d.add(path+".backend.open_authoring", "the CMS knows open authoring with github alone")
	}
	if len(s.Origins)+len(s.DevOrigins)+len(s.PreviewOrigins) == 0 {
		d.add(path+".origins", "name the origin of the CMS page, such as https://www.example.com: no other page gets a token")
	}
	d.refuseUnused(path, "with "+b.Name+", where the CMS page is elsewhere", []setting{
		{"worktree", s.Worktree != ""},
		{"config", s.Config != ""},
		{"deploy", len(s.Deploy.Command) > 0 || s.Deploy.Webhook != "" || s.Deploy.Preview != ""},
		{"admin", len(s.Admin.Scripts)+len(s.Admin.Styles) > 0},
	})
}

// checkHere: we serve the CMS page, and there is no popup.
func (d *decoder) checkHere(s *Site, path string) {
	d.refuseUnused(path, "with "+s.Backend.Name+", where people sign in without the popup", []setting{
		{"preview_origins", len(s.PreviewOrigins) > 0},
		{"connectors", len(s.Connectors) > 0},
		{"auth_endpoint", s.AuthEndpoint != ""},
		{"backend.open_authoring", s.Backend.OpenAuthoring},
		{"backend.repository_id", s.Backend.RepositoryID != 0},
	})
}

// setting is a key of a site, and whether it is there.
type setting struct {
	key  string
	used bool
}

// refuseUnused reports settings that nobody would read: whoever wrote them
// expects something.
func (d *decoder) refuseUnused(path, where string, settings []setting) {
	for _, x := range settings {
		if x.used {
			d.add(path+"."+x.key, "this has no effect %s: remove it", where)
		}
	}
}

// checkPopup checks what the sign-in popup goes by.
func (d *decoder) checkPopup(s *Site, path string) {
	for i, o := range s.PreviewOrigins {
		if err := CheckPattern(o); err != nil {
			d.add(fmt.Sprintf("%s.preview_origins[%d]", path, i), "%v", err)
		}
	}
	for i, name := range s.Domains {
		if !hostName.MatchString(name) {
			d.add(fmt.Sprintf("%s.domains[%d]", path, i), "%q is not a host name: write it in lower case, without https:// and without a port", name)
		}
	}
	if s.AuthEndpoint == "" {
		return
	}
	s.AuthEndpoint = "/" + strings.Trim(s.AuthEndpoint, "/")
	if !endpoint.MatchString(s.AuthEndpoint) || reserved(s.AuthEndpoint) {
		d.add(path+".auth_endpoint", "%q cannot be the path of the popup: write one such as api/auth that Gatehouse does not use for anything else", s.AuthEndpoint)
	}
}

// reserved reports whether a path is one of our own.
func reserved(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "s", "auth", "callback", "console", "admin", "login", "logout", "healthz", "readyz", "github":
		return true
	}
	switch path {
	case "/oauth/authorize", "/oauth/token", "/oauth/access_token", "/oauth/redirect":
		return true
	}
	return strings.HasPrefix(first, ".") || strings.HasPrefix(path, "/api/v1")
}

// checkTestRepo: the editor alone. Its configuration cannot come from a
// repository.
func (d *decoder) checkTestRepo(s *Site, path string) {
	if s.Backend.Repo != "" || s.Backend.Branch != "" {
		d.add(path+".backend", "test-repo keeps nothing on the server: remove repo and branch")
	}
	s.Config = d.abs(s.Config)
	switch {
	case s.Config == "":
		d.add(path+".config", "test-repo has no repository: name the CMS's config.yml, a file on this machine")
	case !isFile(s.Config):
		d.add(path+".config", "there is no file %s", s.Config)
	}
}

func (d *decoder) checkAdmin(s *Site, path string) {
	a := &s.Admin
	switch a.Bundle {
	case "":
		a.Bundle = DecapCMS
	case DecapCMS, NetlifyCMS:
	default:
		d.add(path+".bundle", "%q is unknown: write decap-cms or netlify-cms", a.Bundle)
	}
	for i, p := range a.Scripts {
		if err := checkRepoPath(p); err != nil {
			d.add(fmt.Sprintf("%s.scripts[%d]", path, i), "%v", err)
		}
	}
	for i, p := range a.Styles {
		if err := checkRepoPath(p); err != nil {
			d.add(fmt.Sprintf("%s.styles[%d]", path, i), "%v", err)
		}
	}
}

func (d *decoder) checkDeploy(p *Deploy, path string) {
	if len(p.Command) > 0 && p.Command[0] == "" {
		d.add(path+".command", "the first item is the program: it cannot be empty")
	}
	if p.Timeout == 0 {
		p.Timeout = 10 * time.Minute
	}
	if p.Webhook != "" {
		if !isURL(p.Webhook) {
			d.add(path+".webhook", "this is not a URL: write https://host/path")
		}
		if p.Secret.Empty() {
			d.add(path+".webhook", "the receiver has to know that it was you: give secret or secret_file")
		}
	}
	if p.Preview != "" {
		d.checkPreview(p.Preview, path+".preview")
	}
}

func (d *decoder) checkPreview(s, path string) {
	for _, t := range template.FindAllString(s, -1) {
		switch t {
		case "{branch}", "{collection}", "{slug}", "{commit}":
		default:
			d.add(path, "%s cannot be filled in: use {branch}, {collection}, {slug} and {commit}", t)
		}
	}
	if !isURL(template.ReplaceAllString(s, "x")) {
		d.add(path, "this is not a URL: write https://…")
	}
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.Contains(s, " ")
}
