package github

import (
	"context"
	"net/http"

	"gatehouse/internal/git"
)

func (s *Server) pullFiles(c *call) error {
	r, p, err := s.pullAt(c)
	if err != nil {
		return err
	}
	list, err := s.pullChanges(c.ctx(), r, p)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, s.renderFiles(r, p.headID, page(s, c, r, list)))
}

func (s *Server) pullCommits(c *call) error {
	r, p, err := s.pullAt(c)
	if err != nil {
		return err
	}
	list, err := s.between(c.ctx(), r, p.baseID, p.headID)
	if err != nil {
		return err
	}
	out := []any{}
	for _, g := range page(s, c, r, list) {
		out = append(out, s.renderCommit(r, g))
	}
	return c.reply(http.StatusOK, out)
}

// pullAt is the pull request of the path, as it is now.
func (s *Server) pullAt(c *call) (*repository, pull, error) {
	r, err := s.open(c, Read)
	if err != nil {
		return nil, pull{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, err := r.find(c.number("number"), true)
	if err != nil {
		return nil, pull{}, err
	}
	return r, *i.pull, nil
}

// pullChanges is what a pull request would bring into its base.
func (s *Server) pullChanges(ctx context.Context, r *repository, p pull) ([]change, error) {
	base, err := r.git.MergeBase(ctx, p.baseID, p.headID)
	if err != nil || base == "" {
		return nil, err
	}
	return s.changes(ctx, r, base, p.headID)
}

// renderPull is a pull request. Server.mu is held.
func (s *Server) renderPull(c *call, i *issue) doc {
	p, r := i.pull, i.repo
	here := s.api("/repos/%s/pulls/%d", r.full(), i.number)
	d := s.renderIssue(i)
	delete(d, "pull_request")
	delete(d, "repository_url")
	d["url"], d["html_url"], d["node_id"] = here, s.web("/%s/pull/%d", r.full(), i.number), node("PR", i.id)
	d["issue_url"], d["commits_url"] = s.api("/repos/%s/issues/%d", r.full(), i.number), here+"/commits"
	d["merged_at"], d["merge_commit_sha"] = stamp(p.merged), orNull(string(p.result))
	d["merged"], d["draft"], d["auto_merge"] = !p.merged.IsZero(), p.draft, nil
	d["requested_reviewers"], d["requested_teams"] = []any{}, []any{}
	d["maintainer_can_modify"] = p.from != r
	d["head"] = s.renderSide(c, p.from, p.head, p.headID)
	d["base"] = s.renderSide(c, r, p.base, p.baseID)
	if p.by != "" {
		d["merged_by"] = s.renderUser(p.by)
	}
	return d
}

func (s *Server) renderSide(c *call, r *repository, branch string, id git.ID) doc {
	return doc{
		"label": r.owner + ":" + branch, "ref": branch, "sha": id,
		"user": s.renderUser(r.owner), "repo": s.renderRepo(c, r),
	}
}
