package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
)

func (s *Server) mountCommits() {
	s.handle("GET /repos/{owner}/{repo}/commits", s.log)
	s.handle("GET /repos/{owner}/{repo}/commits/{rest...}", s.commit)
	s.handle("GET /repos/{owner}/{repo}/git/commits/{sha}", s.readCommit)
	s.handle("POST /repos/{owner}/{repo}/git/commits", s.writeCommit)
	s.handle("POST /repos/{owner}/{repo}/statuses/{sha}", s.setStatus)
	s.handle("GET /repos/{owner}/{repo}/compare/{pair...}", s.compare)
}

func (s *Server) log(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	rev, err := commitOf(c.ctx(), r, c.query("sha"))
	if err != nil {
		return err
	}
	size, at := bounded(c.query("per_page"), 30, 100), bounded(c.query("page"), 1, 10000)
	list, err := r.git.Log(c.ctx(), rev, strings.Trim(c.query("path"), "/"), size*at+1)
	if err != nil {
		return err
	}
	out := []any{}
	for _, g := range page(s, c, r, list) {
		out = append(out, s.renderCommit(r, g))
	}
	return c.reply(http.StatusOK, out)
}

// commit is one commit, its combined status or its statuses.
func (s *Server) commit(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	name, combined := strings.CutSuffix(c.at("rest"), "/status")
	name, all := strings.CutSuffix(name, "/statuses")
	id, err := commitOf(c.ctx(), r, name)
	if err != nil {
		return &problem{Status: http.StatusUnprocessableEntity, Message: "No commit found for SHA: " + name}
	}
	switch {
	case combined:
		return s.combinedStatus(c, r, id)
	case all:
		return s.listStatuses(c, r, id)
	}
	g, err := r.git.Commit(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, s.renderCommit(r, g))
}

func (s *Server) readCommit(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	if !hexID.MatchString(c.at("sha")) {
		return notFound()
	}
	g, err := r.git.Commit(c.ctx(), git.ID(c.at("sha")))
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, s.renderGitCommit(r, g))
}

// signed is a person as requests name one.
type signed struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Date  time.Time `json:"date"`
}

func (p *signed) or(usual git.Signature) git.Signature {
	if p == nil || p.Name == "" || p.Email == "" {
		return usual
	}
	if p.Date.IsZero() {
		p.Date = usual.When
	}
	return git.Signature{Name: p.Name, Email: p.Email, When: p.Date}
}

// by is somebody as the author of a commit made now.
func (s *Server) by(u fakes.Person) git.Signature {
	return git.Signature{Name: display(u), Email: address(u), When: s.o.Now()}
}

func (s *Server) writeCommit(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	var in struct {
		Message   string   `json:"message"`
		Tree      string   `json:"tree"`
		Parents   []git.ID `json:"parents"`
		Author    *signed  `json:"author"`
		Committer *signed  `json:"committer"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	if err := s.checkParents(c.ctx(), r, in.Parents); err != nil {
		return err
	}
	if !hexID.MatchString(in.Tree) {
		return unprocessable("Tree SHA does not exist")
	}
	author := in.Author.or(s.by(*c.who))
	id, err := r.git.WriteCommit(c.ctx(), git.CommitSpec{
		Tree: git.ID(in.Tree), Parents: in.Parents, Message: in.Message,
		Author: author, Committer: in.Committer.or(author),
	})
	if err != nil {
		return unprocessable("Tree SHA does not exist")
	}
	g, err := r.git.Commit(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, s.renderGitCommit(r, g))
}

func (s *Server) checkParents(ctx context.Context, r *repository, parents []git.ID) error {
	for _, p := range parents {
		if !hexID.MatchString(string(p)) {
			return unprocessable("The SHA parameter is not exactly 40 characters and contains only [0-9a-f].")
		}
		if _, err := r.git.Commit(ctx, p); err != nil {
			return unprocessable("Parent SHA does not exist or is not a commit object")
		}
	}
	return nil
}

// status is what a build said about a commit.
type status struct {
	id                                 int64
	state, context, target, text, from string
	at                                 time.Time
}

func (s *Server) setStatus(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	id, err := commitOf(c.ctx(), r, c.at("sha"))
	if err != nil {
		return unprocessable("No commit found for SHA: %s", c.at("sha"))
	}
	var in struct {
		State   string `json:"state"`
		Target  string `json:"target_url"`
		Text    string `json:"description"`
		Context string `json:"context"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	if !slices.Contains([]string{"error", "failure", "pending", "success"}, in.State) {
		return invalid("Status", "state", "custom", "state is not included in the list")
	}
	if in.Context == "" {
		in.Context = "default"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(r.statuses[id]) >= maxStatuses || len(r.statuses) >= maxIssues {
		return invalid("Status", "", "custom", "This SHA and context has reached the maximum number of statuses.")
	}
	s.next++
	st := status{
		id: s.next, state: in.State, context: in.Context, target: in.Target, text: in.Text,
		from: c.who.Login, at: s.o.Now(),
	}
	r.statuses[id] = append(r.statuses[id], st)
	return c.reply(http.StatusCreated, s.renderStatus(r, id, st))
}

// latest is the last status of each context, in the order of their first.
// Server.mu is held.
func (r *repository) latest(id git.ID) []status {
	var list []status
	for _, st := range r.statuses[id] {
		at := slices.IndexFunc(list, func(o status) bool { return o.context == st.context })
		if at < 0 {
			list = append(list, st)
		} else {
			list[at] = st
		}
	}
	return list
}

func (s *Server) combinedStatus(c *call, r *repository, id git.ID) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := r.latest(id)
	out := []any{}
	for _, st := range list {
		out = append(out, s.renderStatus(r, id, st))
	}
	return c.reply(http.StatusOK, doc{
		"state": combine(list), "statuses": out, "sha": id, "total_count": len(list), "repository": s.renderRepo(c, r),
		"commit_url": s.api("/repos/%s/commits/%s", r.full(), id), "url": s.api("/repos/%s/commits/%s/status", r.full(), id),
	})
}

// combine is one state for all: the worst, and pending when nothing was said.
func combine(list []status) string {
	bad := func(st status) bool { return st.state == "error" || st.state == "failure" }
	waits := func(st status) bool { return st.state == "pending" }
	switch {
	case slices.ContainsFunc(list, bad):
		return "failure"
	case len(list) == 0 || slices.ContainsFunc(list, waits):
		return "pending"
	}
	return "success"
}

func (s *Server) listStatuses(c *call, r *repository, id git.ID) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := slices.Clone(r.statuses[id])
	slices.Reverse(list)
	out := []any{}
	for _, st := range page(s, c, r, list) {
		out = append(out, s.renderStatus(r, id, st))
	}
	return c.reply(http.StatusOK, out)
}

func (s *Server) renderStatus(r *repository, id git.ID, st status) doc {
	return doc{
		"id": st.id, "node_id": node("SC", st.id), "url": s.api("/repos/%s/statuses/%s", r.full(), id),
		"state": st.state, "description": orNull(st.text), "target_url": orNull(st.target), "context": st.context,
		"created_at": stamp(st.at), "updated_at": stamp(st.at), "creator": s.renderUser(st.from),
		"avatar_url": s.api("/avatars/%d", r.id),
	}
}
