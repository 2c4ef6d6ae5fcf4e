package github

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// label is a name that issues can carry. Guarded by Server.mu.
type label struct {
	id     int64
	name   string
	colour string
}

// comment is what somebody said at an issue. Guarded by Server.mu.
type comment struct {
	id            int64
	issue         *issue
	author, body  string
	made, changed time.Time
}

func (s *Server) mountIssues() {
	s.handle("POST /repos/{owner}/{repo}/issues", s.createIssue)
	s.handle("GET /repos/{owner}/{repo}/issues/{number}", s.readIssue)
	s.handle("PATCH /repos/{owner}/{repo}/issues/{number}", s.patchIssue)
	s.handle("GET /repos/{owner}/{repo}/issues/{number}/labels", s.listLabels)
	s.handle("PUT /repos/{owner}/{repo}/issues/{number}/labels", s.setLabels)
	s.handle("POST /repos/{owner}/{repo}/issues/{number}/labels", s.addLabels)
	s.handle("DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}", s.removeLabel)
	s.handle("GET /repos/{owner}/{repo}/issues/{number}/comments", s.listComments)
	s.handle("POST /repos/{owner}/{repo}/issues/{number}/comments", s.createComment)
	s.handle("PATCH /repos/{owner}/{repo}/issues/comments/{id}", s.changeComment)
	s.handle("DELETE /repos/{owner}/{repo}/issues/comments/{id}", s.deleteComment)
	s.handle("GET /search/issues", s.search)
}

// labelNames reads labels as names, or as objects with a name.
type labelNames []string

func (l *labelNames) UnmarshalJSON(b []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(b, &items); err != nil {
		return err
	}
	*l = labelNames{}
	for _, item := range items {
		var named struct{ Name string }
		if err := json.Unmarshal(item, &named.Name); err != nil {
			if err := json.Unmarshal(item, &named); err != nil {
				return err
			}
		}
		*l = append(*l, named.Name)
	}
	return nil
}

// issueChange is what may be changed of an issue; nil: as it is.
type issueChange struct {
	Title  *string     `json:"title"`
	Body   *string     `json:"body"`
	State  *string     `json:"state"`
	Labels *labelNames `json:"labels"`
	Base   *string     `json:"base"`
}

// changeIssue is for authors and for those who may triage; labels are for the
// latter alone.
func (s *Server) changeIssue(c *call, r *repository, number int, in issueChange, pulls bool) (*issue, error) {
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

// label replaces the labels of an issue; new ones are made. Server.mu is held.
func (s *Server) label(r *repository, i *issue, names []string) {
	i.labels = nil
	for _, name := range names {
		if name == "" || slices.Contains(i.labels, name) || len(i.labels) == 100 {
			continue
		}
		if r.labels[name] == nil {
			s.next++
			r.labels[name] = &label{id: s.next, name: name, colour: "ededed"}
		}
		i.labels = append(i.labels, name)
	}
	i.changed = s.o.Now()
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
	body := ""
	if in.Body != nil {
		body = *in.Body
	}
	i, err := s.number(r, c.who.Login, *in.Title, body)
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

func (s *Server) listLabels(c *call) error {
	return s.issueAt(c, false, func(r *repository, i *issue) (any, error) { return s.renderLabels(r, i), nil })
}

func (s *Server) setLabels(c *call) error { return s.putLabels(c, false) }
func (s *Server) addLabels(c *call) error { return s.putLabels(c, true) }

func (s *Server) putLabels(c *call, add bool) error {
	var in struct {
		Labels labelNames `json:"labels"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	return s.issueAt(c, true, func(r *repository, i *issue) (any, error) {
		names := in.Labels
		if add {
			names = append(slices.Clone(i.labels), names...)
		}
		s.label(r, i, names)
		return s.renderLabels(r, i), nil
	})
}

func (s *Server) removeLabel(c *call) error {
	return s.issueAt(c, true, func(r *repository, i *issue) (any, error) {
		if !slices.Contains(i.labels, c.at("name")) {
			return nil, &problem{Status: http.StatusNotFound, Message: "Label does not exist"}
		}
		s.label(r, i, slices.DeleteFunc(slices.Clone(i.labels), func(name string) bool { return name == c.at("name") }))
		return s.renderLabels(r, i), nil
	})
}

func (s *Server) renderLabels(r *repository, i *issue) []any {
	out := []any{}
	for _, name := range i.labels {
		l := r.labels[name]
		out = append(out, doc{
			"id": l.id, "node_id": node("LA", l.id), "url": s.api("/repos/%s/labels/%s", r.full(), url.PathEscape(name)),
			"name": name, "color": l.colour, "default": false, "description": nil, //nolint:misspell // the host's spelling
		})
	}
	return out
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

// search finds issues of one repository: repo:, label:, state: and words that
// the title or the body must hold, quoted or not.
func (s *Server) search(c *call) error {
	var repo, state string
	var labels, words []string
	for _, term := range terms(c.query("q")) {
		key, v, ok := strings.Cut(term, ":")
		switch {
		case ok && key == "repo":
			repo = v
		case ok && key == "label":
			labels = append(labels, strings.Trim(v, `"`))
		case ok && key == "state":
			state = v
		case ok && key == "in":
		default:
			words = append(words, strings.Trim(term, `"`))
		}
	}
	r, err := s.openNamed(c, repo, Read)
	if err != nil {
		return invalid("Search", "q", "invalid", "The listed users and repositories cannot be searched either because the resources do not exist or you do not have permission to view them.")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*issue
	for _, i := range r.issues {
		if (state == "open") != i.open && state != "" {
			continue
		}
		hasAll := !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(i.labels, l) }) &&
			!slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(i.title+"\n"+i.body, w) })
		if hasAll {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *issue) int { return b.number - a.number })
	items := []any{}
	for _, i := range page(s, c, nil, found) {
		items = append(items, s.renderIssue(i))
	}
	return c.reply(http.StatusOK, doc{"total_count": len(found), "incomplete_results": false, "items": items})
}

// terms splits a query at spaces that no quotation marks enclose.
func terms(q string) []string {
	quoted := false
	return strings.FieldsFunc(q, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}
