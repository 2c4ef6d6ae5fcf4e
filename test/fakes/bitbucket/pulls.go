package bitbucket

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

const (
	open     = "OPEN"
	merged   = "MERGED"
	declined = "DECLINED"

	maxPulls    = 10000 // of a repository
	maxComments = 1000  // of a pull request
	maxBuilds   = 1000  // commits with a build result
)

// pull is one pull request. Server.mu guards it.
type pull struct {
	id                        int
	title, description, state string
	source, target            string
	closeSource               bool
	author                    fakes.Person
	closedBy                  *fakes.Person
	created, updated          time.Time
	sourceHead, targetHead    git.ID // when it ended
	merge                     git.ID
	comments                  []comment
}

type comment struct {
	id      int
	raw     string
	author  fakes.Person
	created time.Time
}

// build is the result of a build of a commit.
type build struct {
	Key         string `json:"key"`
	State       string `json:"state"`
	URL         string `json:"url"`
	Name        string `json:"name"`
	Description string `json:"description"`
	created     time.Time
}

func (s *Server) mountPulls() {
	s.onRepo("GET /pullrequests", reviews, bare.Read, s.listPulls)
	s.onRepo("POST /pullrequests", reviewing, bare.Write, s.openPull)
	s.onRepo("GET /pullrequests/{id}", reviews, bare.Read, s.onPull(s.showPull))
	s.onRepo("GET /pullrequests/{id}/comments", reviews, bare.Read, s.onPull(s.listComments))
	s.onRepo("POST /pullrequests/{id}/comments", reviewing, bare.Read, s.onPull(s.addComment))
	s.onRepo("POST /pullrequests/{id}/merge", reviewing, bare.Write, s.onPull(s.mergePull))
	s.onRepo("POST /pullrequests/{id}/decline", reviewing, bare.Write, s.onPull(s.declinePull))
	s.onRepo("GET /pullrequests/{id}/statuses", reviews, bare.Read, s.onPull(s.pullBuilds))
	s.onRepo("GET /commit/{rev}/statuses", reads, bare.Read, s.commitBuilds)
	s.onRepo("POST /commit/{rev}/statuses/build", writes, bare.Write, s.setBuild)
}

// onPull finds the pull request of the path.
func (s *Server) onPull(do func(c *call, p *pull) error) func(c *call) error {
	return func(c *call) error {
		id, err := strconv.Atoi(c.r.PathValue("id"))
		s.mu.Lock()
		pulls := s.state(c.repo).pulls
		s.mu.Unlock()
		if err != nil || id < 1 || id > len(pulls) {
			return says(http.StatusNotFound, "Pull request not found")
		}
		return do(c, pulls[id-1])
	}
}

// heads are the commits of the two branches, or what they were at the end.
func (s *Server) heads(c *call, p *pull) (source, target git.ID) {
	s.mu.Lock()
	source, target = p.sourceHead, p.targetHead
	ended := p.state != open
	s.mu.Unlock()
	if ended {
		return source, target
	}
	if id, err := c.repo.Head(c.r.Context(), p.source); err == nil {
		source = id
	}
	if id, err := c.repo.Head(c.r.Context(), p.target); err == nil {
		target = id
	}
	return source, target
}

func (s *Server) render(c *call, p *pull) doc {
	source, target := s.heads(c, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	base := api(c, c.repo) + "/pullrequests/" + strconv.Itoa(p.id)
	side := func(branch string, id git.ID) doc {
		d := doc{"branch": doc{"name": branch}, "repository": short(c, c.repo), "commit": nil}
		if len(id) >= 12 {
			d["commit"] = doc{"type": "commit", "hash": id[:12], "links": doc{"self": doc{"href": api(c, c.repo) + "/commit/" + string(id[:12])}}}
		}
		return d
	}
	d := doc{
		"type": "pullrequest", "id": p.id, "title": p.title, "description": p.description, "state": p.state,
		"source": side(p.source, source), "destination": side(p.target, target), "author": person(c, p.author),
		"created_on": stamp(p.created), "updated_on": stamp(p.updated),
		"comment_count": len(p.comments), "task_count": 0, "close_source_branch": p.closeSource,
		"merge_commit": nil, "closed_by": nil, "reason": "", "summary": text(p.description),
		"links": doc{
			"self": doc{"href": base}, "merge": doc{"href": base + "/merge"}, "decline": doc{"href": base + "/decline"},
			"comments": doc{"href": base + "/comments"}, "statuses": doc{"href": base + "/statuses"}, "diff": doc{"href": base + "/diff"},
			"html": doc{"href": fmt.Sprintf("http://%s/%s/pull-requests/%d", c.r.Host, c.repo.Path, p.id)},
		},
	}
	if p.merge != "" {
		d["merge_commit"] = doc{"type": "commit", "hash": p.merge, "links": doc{"self": doc{"href": api(c, c.repo) + "/commit/" + string(p.merge)}}}
	}
	if p.closedBy != nil {
		d["closed_by"], d["closed_on"], d["participants"] = person(c, *p.closedBy), stamp(p.updated), []doc{
			{"type": "participant", "user": person(c, *p.closedBy), "role": "PARTICIPANT", "approved": false},
		}
	}
	return d
}

func (s *Server) listPulls(c *call) error {
	terms, err := parseQuery(c.query("q"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	pulls := newest(s.state(c.repo).pulls)
	s.mu.Unlock()
	states := c.r.URL.Query()["state"]
	asked := slices.ContainsFunc(terms, func(t term) bool { return t.field[0] == "state" })
	if len(states) == 0 && !asked {
		states = []string{open}
	}
	list := []doc{}
	for _, p := range pulls {
		d := s.render(c, p)
		if (len(states) == 0 || slices.Contains(states, d["state"].(string))) && fits(d, terms) {
			list = append(list, d)
		}
	}
	page, err := pageOf(c, list, true, same)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, page)
}

func (s *Server) showPull(c *call, p *pull) error { return c.json(http.StatusOK, s.render(c, p)) }

func (c *call) decode(v any) error {
	if err := json.NewDecoder(c.r.Body).Decode(v); err != nil {
		return says(http.StatusBadRequest, "The body is no JSON object.")
	}
	return nil
}

func (s *Server) openPull(c *call) error {
	type side struct {
		Branch struct {
			Name string `json:"name"`
		} `json:"branch"`
	}
	var in struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Source      side   `json:"source"`
		Destination side   `json:"destination"`
		Close       bool   `json:"close_source_branch"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	p := &pull{
		title: in.Title, description: in.Description, state: open, source: in.Source.Branch.Name, target: in.Destination.Branch.Name,
		closeSource: in.Close, author: c.token.Person, created: s.now(), updated: s.now(),
	}
	if p.target == "" {
		p.target = c.repo.Branch
	}
	ctx := c.r.Context()
	source, err := c.repo.Head(ctx, p.source)
	if err != nil || p.title == "" {
		return says(http.StatusBadRequest, "A title and a source branch that is there are needed.")
	}
	target, err := c.repo.Head(ctx, p.target)
	if err != nil {
		return says(http.StatusBadRequest, "The destination branch is not there.")
	}
	if changes, err := c.repo.Diff(ctx, target, source); err != nil || len(changes) == 0 {
		return says(http.StatusBadRequest, "There are no changes to be pulled")
	}
	if err := s.add(c, p); err != nil {
		return err
	}
	d := s.render(c, p)
	c.w.Header().Set("Location", fmt.Sprintf("%s/pullrequests/%d", api(c, c.repo), p.id))
	return c.json(http.StatusCreated, d)
}

func (s *Server) add(c *call, p *pull) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(c.repo)
	if len(st.pulls) >= maxPulls {
		return says(http.StatusBadRequest, "This practice host holds no more pull requests.")
	}
	for _, o := range st.pulls {
		if o.state == open && o.source == p.source && o.target == p.target {
			return says(http.StatusBadRequest, "There is an open pull request for these branches already.")
		}
	}
	p.id = len(st.pulls) + 1
	st.pulls = append(st.pulls, p)
	return nil
}

func renderComment(c *call, p *pull, m comment) doc {
	base := fmt.Sprintf("%s/pullrequests/%d", api(c, c.repo), p.id)
	return doc{
		"type": "pullrequest_comment", "id": m.id, "content": text(m.raw), "user": person(c, m.author), "deleted": false,
		"created_on": stamp(m.created), "updated_on": stamp(m.created),
		"pullrequest": doc{"type": "pullrequest", "id": p.id, "title": p.title, "links": doc{"self": doc{"href": base}}},
		"links":       doc{"self": doc{"href": fmt.Sprintf("%s/comments/%d", base, m.id)}},
	}
}

func (s *Server) listComments(c *call, p *pull) error {
	s.mu.Lock()
	comments := slices.Clone(p.comments)
	s.mu.Unlock()
	d, err := pageOf(c, comments, true, func(m comment) (doc, error) { return renderComment(c, p, m), nil })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

func (s *Server) addComment(c *call, p *pull) error {
	var in struct {
		Content struct {
			Raw string `json:"raw"`
		} `json:"content"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Content.Raw == "" {
		return says(http.StatusBadRequest, "A comment has to say something.")
	}
	s.mu.Lock()
	if len(p.comments) >= maxComments {
		s.mu.Unlock()
		return says(http.StatusBadRequest, "This practice host holds no more comments.")
	}
	m := comment{id: p.id*maxComments + len(p.comments) + 1, raw: in.Content.Raw, author: c.token.Person, created: s.now()}
	p.comments = append(p.comments, m)
	p.updated = s.now()
	s.mu.Unlock()
	d := renderComment(c, p, m)
	return c.json(http.StatusCreated, d)
}

// end closes a pull request. It is false when somebody did before.
func (s *Server) end(c *call, p *pull, state string, source, target, merge git.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.state != open {
		return false
	}
	by := c.token.Person
	p.state, p.sourceHead, p.targetHead, p.merge = state, source, target, merge
	p.closedBy, p.updated = &by, s.now()
	return true
}

func (s *Server) mergePull(c *call, p *pull) error {
	var in struct {
		Message  string `json:"message"`
		Close    bool   `json:"close_source_branch"`
		Strategy string `json:"merge_strategy"`
	}
	if c.r.ContentLength != 0 {
		if err := c.decode(&in); err != nil {
			return err
		}
	}
	s.mu.Lock()
	state := p.state
	s.mu.Unlock()
	if state != open {
		return says(http.StatusConflict, "This pull request is closed already.")
	}
	if in.Message == "" {
		in.Message = "Merged in " + p.source
	}
	source, target := s.heads(c, p)
	id, err := c.repo.Merge(c.r.Context(), bare.Join{
		Source: p.source, Target: p.target, Message: in.Message, Author: c.by(s.now()), Squash: in.Strategy == "squash",
	})
	if fault.Is(err, fault.Conflict) {
		return says(http.StatusConflict, "You can't merge until you resolve all merge conflicts.")
	}
	if err != nil {
		return err
	}
	s.end(c, p, merged, source, target, id)
	if in.Close || p.closeSource {
		if err := c.repo.Delete(c.r.Context(), p.source); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return c.json(http.StatusOK, s.render(c, p))
}

func (s *Server) declinePull(c *call, p *pull) error {
	source, target := s.heads(c, p)
	if !s.end(c, p, declined, source, target, "") {
		return says(http.StatusBadRequest, "This pull request is closed already.")
	}
	return c.json(http.StatusOK, s.render(c, p))
}

func (s *Server) pullBuilds(c *call, p *pull) error {
	source, _ := s.heads(c, p)
	return s.builds(c, source)
}

func (s *Server) commitBuilds(c *call) error {
	id, err := c.repo.Resolve(c.r.Context(), c.r.PathValue("rev"))
	if err != nil {
		return says(http.StatusNotFound, "Commit not found")
	}
	return s.builds(c, id)
}

func (s *Server) builds(c *call, id git.ID) error {
	s.mu.Lock()
	list := slices.Clone(s.state(c.repo).builds[id])
	s.mu.Unlock()
	d, err := pageOf(c, list, true, func(b build) (doc, error) { return renderBuild(b), nil })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, d)
}

func renderBuild(b build) doc {
	return doc{
		"type": "build", "key": b.Key, "state": b.State, "url": b.URL, "name": b.Name, "description": b.Description,
		"created_on": stamp(b.created), "updated_on": stamp(b.created), "refname": nil,
	}
}

// setBuild keeps the newest result of each key.
func (s *Server) setBuild(c *call) error {
	id, err := c.repo.Resolve(c.r.Context(), c.r.PathValue("rev"))
	if err != nil {
		return says(http.StatusNotFound, "Commit not found")
	}
	b := build{created: s.now()}
	if err := c.decode(&b); err != nil {
		return err
	}
	if b.Key == "" || !slices.Contains([]string{"SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED"}, b.State) {
		return says(http.StatusBadRequest, "A key and a state that is known are needed.")
	}
	s.mu.Lock()
	st := s.state(c.repo)
	if len(st.builds) >= maxBuilds && st.builds[id] == nil {
		clear(st.builds)
	}
	list := slices.DeleteFunc(st.builds[id], func(o build) bool { return o.Key == b.Key })
	if list = append(list, b); len(list) > 100 {
		list = list[1:]
	}
	st.builds[id] = list
	s.mu.Unlock()
	return c.json(http.StatusCreated, renderBuild(b))
}
