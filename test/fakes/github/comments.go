package github

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// comment is what somebody said at an issue. Guarded by Server.mu.
type comment struct {
	id            int64
	issue         *issue
	author, body  string
	made, changed time.Time
}

func (s *Server) mountComments() {
	s.handle("GET /repos/{owner}/{repo}/issues/{number}/comments", s.listComments)
	s.handle("POST /repos/{owner}/{repo}/issues/{number}/comments", s.createComment)
	s.handle("PATCH /repos/{owner}/{repo}/issues/comments/{id}", s.changeComment)
	s.handle("DELETE /repos/{owner}/{repo}/issues/comments/{id}", s.deleteComment)
}

func (s *Server) listComments(c *call) error {
	return s.issueAt(c, false, func(r *repository, i *issue) (any, error) {
		out := []any{}
		for _, id := range page(s, c, r, i.comments) {
			out = append(out, s.renderComment(r, r.comments[id]))
		}
		return out, nil
	})
}

func (s *Server) createComment(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	var in struct{ Body string }
	if err := c.body(&in); err != nil {
		return err
	}
	if err := fits("", in.Body); err != nil {
		return err
	}
	if c.who == nil {
		return &problem{Status: http.StatusUnauthorized, Message: "Requires authentication"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := r.find(c.number("number"), false)
	if err != nil {
		return err
	}
	if err := s.mayUse(c, r, Write); err != nil {
		return err
	}
	if len(i.comments) >= maxComments {
		return invalid("IssueComment", "", "custom", "There are too many comments.")
	}
	s.next++
	now := s.o.Now()
	k := &comment{id: s.next, issue: i, author: c.who.Login, body: in.Body, made: now, changed: now}
	r.comments[k.id] = k
	i.comments = append(i.comments, k.id)
	i.changed = now
	return c.reply(http.StatusCreated, s.renderComment(r, k))
}

// commentAt is the comment of the path, if the caller may change it. Server.mu
// is held.
func (s *Server) commentAt(c *call, r *repository) (*comment, error) {
	id, err := strconv.ParseInt(c.at("id"), 10, 64)
	k := r.comments[id]
	if err != nil || k == nil {
		return nil, notFound()
	}
	if c.who == nil || (!strings.EqualFold(k.author, c.who.Login) && s.right(c.who, r) < Write) {
		return nil, &problem{Status: http.StatusForbidden, Message: "Must have admin rights to Repository."}
	}
	return k, s.mayUse(c, r, Write)
}

func (s *Server) changeComment(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	var in struct{ Body string }
	if err := c.body(&in); err != nil {
		return err
	}
	if err := fits("", in.Body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.commentAt(c, r)
	if err != nil {
		return err
	}
	k.body, k.changed = in.Body, s.o.Now()
	k.issue.changed = k.changed
	return c.reply(http.StatusOK, s.renderComment(r, k))
}

func (s *Server) deleteComment(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.commentAt(c, r)
	if err != nil {
		return err
	}
	delete(r.comments, k.id)
	k.issue.comments = slices.DeleteFunc(slices.Clone(k.issue.comments), func(id int64) bool { return id == k.id })
	return c.none()
}

func (s *Server) renderComment(r *repository, k *comment) doc {
	return doc{
		"id": k.id, "node_id": node("IC", k.id), "url": s.api("/repos/%s/issues/comments/%d", r.full(), k.id),
		"html_url": s.web("/%s/issues/%d#issuecomment-%d", r.full(), k.issue.number, k.id),
		"body":     k.body, "user": s.renderUser(k.author), "created_at": stamp(k.made), "updated_at": stamp(k.changed),
	}
}
