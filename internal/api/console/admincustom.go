package console

import (
	"context"
	"net/http"
	"path"
	"slices"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// script is a script of the site's own on the editor's page.
type script struct {
	URL    string // relative to the page
	Module bool   // an ES module (.mjs)
}

// pinned are the addresses of the site's scripts and style sheets at the head
// of its branch. The commit in the address makes them immutable.
func (a *Admin) pinned(ctx context.Context) (scripts []script, styles []string, err error) {
	wanted := slices.Concat(a.Scripts, a.Styles)
	if len(wanted) == 0 {
		return nil, nil, nil
	}
	head, err := a.Site.Repo.Snapshot(ctx, a.Site.Branch)
	if err != nil {
		return nil, nil, err
	}
	found, err := a.Site.Repo.Git.StatAll(ctx, head.Commit, wanted)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range wanted {
		if e := found[p]; e.Mode != git.ModeFile && e.Mode != git.ModeExecutable {
			return nil, nil, fault.New(fault.NotFound, "The settings of this site name %s, and there is no such file on the branch %s. Add the file, or take its name out of admin.scripts and admin.styles in gatehouse.yaml.", p, a.Site.Branch)
		}
	}
	base := "custom/" + string(head.Commit) + "/"
	for _, p := range a.Scripts {
		scripts = append(scripts, script{URL: base + p, Module: path.Ext(p) == ".mjs"})
	}
	for _, p := range a.Styles {
		styles = append(styles, base+p)
	}
	return scripts, styles, nil
}

// custom answers with a script or style sheet of the site at one commit. Only
// what the operator named is served, and only as it was on the site's branch: a
// draft, which anyone who may write can make, is not good enough to run.
func (a *Admin) custom(w http.ResponseWriter, r *http.Request) {
	data, err := a.customFile(r)
	if err != nil {
		a.logged(r, err)
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	if path.Ext(r.PathValue("path")) == ".css" {
		h.Set("Content-Type", "text/css; charset=utf-8")
	}
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	_, _ = w.Write(data) //nolint:gosec // G705: a script that the operator named; the client has gone when this fails
}

func (a *Admin) customFile(r *http.Request) ([]byte, error) {
	ctx, name := r.Context(), r.PathValue("path")
	if !slices.Contains(a.Scripts, name) && !slices.Contains(a.Styles, name) {
		return nil, fault.New(fault.NotFound, "not a script or style sheet of this site")
	}
	if _, err := a.enter(r); err != nil {
		return nil, err
	}
	head, err := a.Site.Repo.Snapshot(ctx, a.Site.Branch)
	if err != nil {
		return nil, err
	}
	repo := a.Site.Repo.Git
	commit := git.ID(r.PathValue("commit"))
	if id, err := repo.Resolve(ctx, string(commit)); err != nil || id != commit {
		return nil, fault.New(fault.NotFound, "not the full id of a commit") // a branch's name would be kept for good
	}
	if published, err := repo.IsAncestor(ctx, commit, head.Commit); err != nil {
		return nil, err
	} else if !published {
		return nil, fault.New(fault.NotFound, "not on the site's branch")
	}
	file, err := repo.Stat(ctx, commit, name)
	if err != nil {
		return nil, err
	}
	return repo.Blob(ctx, file.ID)
}
