package github

import (
	"net/http"
	"strings"
	"time"
)

func (s *Server) mountIssues() {
	s.handle("POST /repos/{owner}/{repo}/issues", s.createIssue)
	s.handle("GET /repos/{owner}/{repo}/issues/{number}", s.readIssue)
	s.handle("PATCH /repos/{owner}/{repo}/issues/{number}", s.patchIssue)
	s.handle("GET /search/issues", s.search)
	s.mountLabels()
	s.mountComments()
}

// issueChange is what may be changed of an issue; nil: as it is.
type issueChange struct {
	Title  *string     `json:"title"`
	Body   *string     `json:"body"`
	State  *string     `json:"state"`
	Labels *labelNames `json:"labels"`
	Base   *string     `json:"base"`
}

func or(text *string, usual string) string {
	if text == nil {
		return usual
	}
	return *text
}

// fits refuses what is longer than the original takes.
func fits(title, body string) error {
	switch {
	case len(title) > maxTitle:
		return invalid("Issue", "title", "custom", "title is too long (maximum is 256 characters)")
	case len(body) > maxWords:
		return invalid("Issue", "body", "custom", "body is too long (maximum is 65536 characters)")
	}
	return nil
}

// changeIssue is for authors and for those who may triage; labels are for the
// latter alone.
func (s *Server) changeIssue(c *call, r *repository, number int, in issueChange, pulls bool) (*issue, error) {
	if in.Title != nil || in.Body != nil {
		if err := fits(or(in.Title, ""), or(in.Body, "")); err != nil {
			return nil, err
		}
	}
	r.network.mu.Lock()
	defer r.network.mu.Unlock()
	s.mu.RLock()
	i, err := r.find(number, pulls)
	if err == nil {
		err = s.mayChange(c, r, i, in.Labels != nil)
	}
	isPull := err == nil && i.pull != nil
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if in.State != nil && *in.State == "open" && isPull {
		if err := s.reopen(c.ctx(), i); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if in.State != nil {
		switch {
		case *in.State == "closed" && i.open:
			i.close(now)
		case *in.State == "open" && !i.open:
			i.open, i.closed = true, time.Time{}
		}
	}
	if in.Title != nil {
		i.title = *in.Title
	}
	if in.Body != nil {
		i.body = *in.Body
	}
	if in.Labels != nil {
		s.label(r, i, *in.Labels)
	}
	i.changed = now
	return i, nil
}

// mayChange is whether the caller may change an issue. Server.mu is held.
func (s *Server) mayChange(c *call, r *repository, i *issue, labels bool) error {
	if c.who == nil {
		return &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
	}
	author := !labels && strings.EqualFold(i.author, c.who.Login)
	if !author && s.right(c.who, r) < Triage {
		return &problem{Status: http.StatusForbidden, Message: "Must have admin rights to Repository."}
	}
	return s.mayUse(c, r, Write)
}

func (s *Server) createIssue(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	var in issueChange
	if err := c.body(&in); err != nil {
		return err
	}
	if in.Title == nil || *in.Title == "" {
		return invalid("Issue", "title", "missing_field", "")
	}
	if c.who == nil {
		return &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayUse(c, r, Write); err != nil {
		return err
	}
	i, err := s.number(r, c.who.Login, *in.Title, or(in.Body, ""))
	if err != nil {
		return err
	}
	if in.Labels != nil && s.right(c.who, r) >= Triage { // silently dropped for others
		s.label(r, i, *in.Labels)
	}
	return c.reply(http.StatusCreated, s.renderIssue(i))
}

// issueAt answers with what do makes of the issue of the path.
func (s *Server) issueAt(c *call, change bool, do func(r *repository, i *issue) (any, error)) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := r.find(c.number("number"), false)
	if err != nil {
		return err
	}
	if change {
		if err := s.mayChange(c, r, i, true); err != nil {
			return err
		}
	}
	answer, err := do(r, i)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, answer)
}

func (s *Server) readIssue(c *call) error {
	return s.issueAt(c, false, func(_ *repository, i *issue) (any, error) { return s.renderIssue(i), nil })
}

func (s *Server) patchIssue(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	var in issueChange
	if err := c.body(&in); err != nil {
		return err
	}
	i, err := s.changeIssue(c, r, c.number("number"), in, false)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return c.reply(http.StatusOK, s.renderIssue(i))
}

// renderIssue is an issue, or a pull request as the issues' API tells it.
// Server.mu is held.
func (s *Server) renderIssue(i *issue) doc {
	r := i.repo
	state := "open"
	if !i.open {
		state = "closed"
	}
	here := s.api("/repos/%s/issues/%d", r.full(), i.number)
	d := doc{
		"url": here, "repository_url": s.api("/repos/%s", r.full()), "html_url": s.web("/%s/issues/%d", r.full(), i.number),
		"comments_url": here + "/comments", "id": i.id, "node_id": node("I", i.id), "number": i.number, "state": state,
		"title": i.title, "body": orNull(i.body), "user": s.renderUser(i.author), "labels": s.renderLabels(r, i),
		"locked": false, "assignee": nil, "assignees": []any{}, "milestone": nil, "comments": len(i.comments),
		"created_at": stamp(i.made), "updated_at": stamp(i.changed), "closed_at": stamp(i.closed),
		"author_association": "NONE",
	}
	if i.pull != nil {
		d["pull_request"] = doc{"url": s.api("/repos/%s/pulls/%d", r.full(), i.number), "merged_at": stamp(i.pull.merged)}
		d["draft"] = i.pull.draft
	}
	return d
}
