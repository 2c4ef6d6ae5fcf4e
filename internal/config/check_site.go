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
	d.checkAdmin(s, path+".admin")
	d.checkDeploy(&s.Deploy, path+".deploy")
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
		d.checkRepo(b, at+".repo")
		if s.Config != "" {
			if err := checkRepoPath(s.Config); err != nil {
				d.add(path+".config", "%v", err)
			}
		}
	case TestRepo:
		d.checkTestRepo(s, path)
	case "github", "gitlab", "bitbucket", "gitea", "forgejo", "azure":
		d.add(at+".name", "this version serves plain Git directories: write git-gateway, and give a directory as repo")
	default:
		d.add(at+".name", "%q is unknown: write git-gateway or test-repo", b.Name)
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
		d.add(path, "there is no directory %s, and this version does not reach Git hosts, if %s is a repository there: give a directory", dir, b.Repo)
	default:
		d.add(path, "there is no directory %s: make one with 'git init --bare', or correct the name", dir)
	}
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
