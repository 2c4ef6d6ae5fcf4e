package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/git"
)

// issue is an issue or, with pull, a pull request: the original numbers and
// labels them alike. Guarded by Server.mu.
type issue struct {
	number        int
	id            int64
	repo          *repository
	title, body   string
	author        string
	open          bool
	labels        []string
	comments      []int64
	made, changed time.Time
	closed        time.Time
	pull          *pull
}

// pull is what a pull request has beside an issue.
type pull struct {
	base   string // branch of the issue's repository
	baseID git.ID // where it was when the request was opened
	from   *repository
	head   string // branch of from
	headID git.ID // follows the branch while the request is open
	draft  bool
	merged time.Time
	result git.ID // the commit that merged it
	by     string // who merged it
}

func (s *Server) mountPulls() {
	s.handle("GET /repos/{owner}/{repo}/pulls", s.listPulls)
	s.handle("POST /repos/{owner}/{repo}/pulls", s.createPull)
	s.handle("GET /repos/{owner}/{repo}/pulls/{number}", s.readPull)
	s.handle("PATCH /repos/{owner}/{repo}/pulls/{number}", s.changePull)
	s.handle("GET /repos/{owner}/{repo}/pulls/{number}/files", s.pullFiles)
	s.handle("GET /repos/{owner}/{repo}/pulls/{number}/commits", s.pullCommits)
	s.handle("PUT /repos/{owner}/{repo}/pulls/{number}/merge", s.mergePull)
}

// find is an issue or pull request of a repository. Server.mu is held.
func (r *repository) find(number int, pulls bool) (*issue, error) {
	i := r.issues[number]
	if i == nil || (pulls && i.pull == nil) {
		return nil, notFound()
	}
	return i, nil
}

func (s *Server) listPulls(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	state, base, head := c.query("state"), c.query("base"), c.query("head")
	owner, branch, byHead := strings.Cut(head, ":")
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []*issue
	for _, i := range r.issues {
		p := i.pull
		switch {
		case p == nil,
			state != "all" && i.open == (state == "closed"),
			base != "" && p.base != base,
			byHead && (p.head != branch || !strings.EqualFold(p.from.owner, owner)):
			continue
		}
		list = append(list, i)
	}
	updated := c.query("sort") == "updated"
	slices.SortFunc(list, func(a, b *issue) int {
		if order := a.changed.Compare(b.changed); updated && order != 0 {
			return order
		}
		return a.number - b.number
	})
	// Newest first, unless asked for otherwise.
	if c.query("direction") != "asc" {
		slices.Reverse(list)
	}
	out := []any{}
	for _, i := range page(s, c, r, list) {
		out = append(out, s.renderPull(c, i))
	}
	return c.reply(http.StatusOK, out)
}

// pullSpec is a pull request to open.
type pullSpec struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	Head  string `json:"head"` // branch, or owner:branch
	Base  string `json:"base"`
	Draft bool   `json:"draft"`
}

func (s *Server) createPull(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	var in pullSpec
	if err := c.body(&in); err != nil {
		return err
	}
	i, err := s.openPull(c, r, in)
	if err != nil {
		return err
	}
	return s.replyPull(c, http.StatusCreated, i)
}

// openPull opens a pull request: everybody who may write to the head's
// repository and read the base's can.
func (s *Server) openPull(c *call, r *repository, in pullSpec) (*issue, error) {
	if in.Title == "" {
		return nil, invalid("Issue", "title", "missing_field", "")
	}
	from, branch := r, in.Head
	if owner, name, ok := strings.Cut(in.Head, ":"); ok {
		s.mu.RLock()
		from, branch = r.sibling(owner), name
		s.mu.RUnlock()
		if from == nil {
			return nil, invalid("PullRequest", "head", "invalid", "")
		}
	}
	if _, err := s.openNamed(c, from.full(), Write); err != nil {
		return nil, err
	}
	r.network.mu.Lock()
	defer r.network.mu.Unlock()
	head, err := value(c.ctx(), from, "refs/heads/"+branch)
	if err != nil || head == "" {
		return nil, invalid("PullRequest", "head", "invalid", "")
	}
	base, err := value(c.ctx(), r, "refs/heads/"+in.Base)
	if err != nil || base == "" {
		return nil, invalid("PullRequest", "base", "invalid", "")
	}
	in2, err := r.git.IsAncestor(c.ctx(), head, base)
	if err != nil {
		return nil, err
	}
	if in2 {
		return nil, invalid("PullRequest", "", "custom", "No commits between "+in.Base+" and "+in.Head)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range r.issues {
		if p := i.pull; p != nil && i.open && p.from == from && p.head == branch && p.base == in.Base {
			return nil, invalid("PullRequest", "", "custom", "A pull request already exists for "+from.owner+":"+branch+".")
		}
	}
	i, err := s.number(r, c.who.Login, in.Title, in.Body)
	if err != nil {
		return nil, err
	}
	i.pull = &pull{base: in.Base, baseID: base, from: from, head: branch, headID: head, draft: in.Draft}
	return i, nil
}

// number makes an issue. Server.mu is held.
func (s *Server) number(r *repository, author, title, body string) (*issue, error) {
	if err := fits(title, body); err != nil {
		return nil, err
	}
	if len(r.issues) >= maxIssues {
		return nil, &problem{Status: http.StatusForbidden, Message: "This repository has too many issues."}
	}
	s.next++
	r.last++
	now := s.o.Now()
	i := &issue{
		number: r.last, id: s.next, repo: r, title: title, body: body, author: author,
		open: true, made: now, changed: now,
	}
	r.issues[i.number] = i
	return i, nil
}

// readPull alone says whether the request can be merged: the original looks into
// that only after somebody asked.
func (s *Server) readPull(c *call) error {
	r, p, err := s.pullAt(c)
	if err != nil {
		return err
	}
	able, state := any(nil), "unknown"
	base, err := value(c.ctx(), r, "refs/heads/"+p.base)
	if err == nil && base != "" && p.merged.IsZero() {
		m, err := r.git.Merge(c.ctx(), base, p.headID)
		able, state = true, "clean"
		if err != nil || len(m.Conflicts) > 0 {
			able, state = false, "dirty"
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, err := r.find(c.number("number"), true)
	if err != nil {
		return err
	}
	d := s.renderPull(c, i)
	d["mergeable"], d["mergeable_state"] = able, state
	return c.reply(http.StatusOK, d)
}

func (s *Server) changePull(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	var in issueChange
	if err := c.body(&in); err != nil {
		return err
	}
	i, err := s.changeIssue(c, r, c.number("number"), in, true)
	if err != nil {
		return err
	}
	return s.replyPull(c, http.StatusOK, i)
}

func (s *Server) replyPull(c *call, status int, i *issue) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d := s.renderPull(c, i)
	d["mergeable"], d["mergeable_state"] = nil, "unknown"
	return c.reply(status, d)
}

// reopen opens a closed pull request again. The network's lock is held, and
// Server.mu is not.
func (s *Server) reopen(ctx context.Context, i *issue) error {
	p := i.pull
	head, err := value(ctx, p.from, "refs/heads/"+p.head)
	if err != nil {
		return err
	}
	name := p.from.owner + ":" + p.head
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case i.open:
		return nil
	case !p.merged.IsZero():
		return invalid("PullRequest", "state", "invalid", "state cannot be changed. The pull request cannot be reopened.")
	case head == "":
		return invalid("PullRequest", "state", "invalid", "state cannot be changed. The "+name+" branch has been deleted.")
	}
	for _, o := range i.repo.issues {
		if o.open && o.pull != nil && o.pull.from == p.from && o.pull.head == p.head && o.pull.base == p.base {
			return invalid("PullRequest", "state", "invalid", "state cannot be changed. There is already an open pull request from "+name+" to "+p.base+".")
		}
	}
	i.open, i.closed, i.changed, p.headID = true, time.Time{}, s.o.Now(), head
	return nil
}
