package gitlab

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

const (
	opened = "opened"
	closed = "closed"
	merged = "merged"

	maxRequests = 10000 // of a project
)

// draftTitle is a title that says that a merge request is not to be merged.
var draftTitle = regexp.MustCompile(`(?i)^\s*(\[draft\]|\(draft\)|draft:)`)

// mergeRequest is one merge request. Server.mu guards it.
type mergeRequest struct {
	iid                       int64
	title, description, state string
	source, target            string
	labels                    []string
	author                    fakes.Person
	created, updated          time.Time
	removeSource, squash      bool
	sha, mergeCommit, problem string // head when it ended; what the merge made; why a rebase failed
	rebasing                  bool   // one poll says so
	mergedBy, closedBy        *fakes.Person
	mergedAt, closedAt        time.Time
}

func (s *Server) mountRequests() {
	s.onProject("GET /merge_requests", bare.Read, s.listRequests)
	s.onProject("POST /merge_requests", bare.Write, s.openRequest)
	s.onProject("GET /merge_requests/{iid}", bare.Read, s.onRequest(s.showRequest))
	s.onProject("PUT /merge_requests/{iid}", bare.Write, s.onRequest(s.changeRequest))
	s.onProject("PUT /merge_requests/{iid}/rebase", bare.Write, s.onRequest(s.rebase))
	s.onProject("PUT /merge_requests/{iid}/merge", bare.Write, s.onRequest(s.merge))
	s.onProject("GET /merge_requests/{iid}/diffs", bare.Read, s.onRequest(s.requestDiffs))
}

// onRequest finds the merge request of the path.
func (s *Server) onRequest(do func(c *call, m *mergeRequest) error) func(c *call) error {
	return func(c *call) error {
		iid, err := strconv.ParseInt(c.r.PathValue("iid"), 10, 64)
		if err != nil {
			return &problem{http.StatusBadRequest, doc{"error": "merge_request_iid is invalid"}}
		}
		s.mu.Lock()
		requests := s.state(c.repo).requests
		s.mu.Unlock()
		if iid < 1 || iid > int64(len(requests)) {
			return says(http.StatusNotFound, "404 Not found")
		}
		return do(c, requests[iid-1])
	}
}

// head is the id of the source branch, or what it was when the request ended.
func (s *Server) head(c *call, m *mergeRequest) git.ID {
	s.mu.Lock()
	state, source, sha := m.state, m.source, m.sha
	s.mu.Unlock()
	if state == opened {
		if id, err := c.repo.Head(c.r.Context(), source); err == nil {
			return id
		}
	}
	return git.ID(sha)
}

func (s *Server) render(c *call, m *mergeRequest) doc {
	head := s.head(c, m)
	s.mu.Lock()
	defer s.mu.Unlock()
	draft := draftTitle.MatchString(m.title)
	status, detailed := "can_be_merged", "mergeable"
	if draft {
		detailed = "draft_status"
	}
	number := strconv.FormatInt(m.iid, 10)
	d := doc{
		"id": c.repo.ID*maxRequests + m.iid, "iid": m.iid, "project_id": c.repo.ID, "title": m.title,
		"description": m.description, "state": m.state, "created_at": stamp(m.created), "updated_at": stamp(m.updated),
		"target_branch": m.target, "source_branch": m.source, "user_notes_count": 0, "upvotes": 0, "downvotes": 0,
		"author": short(c, m.author), "assignee": nil, "assignees": []doc{}, "reviewers": []doc{},
		"source_project_id": c.repo.ID, "target_project_id": c.repo.ID, "labels": append([]string{}, m.labels...),
		"draft": draft, "work_in_progress": draft, "milestone": nil, "merge_when_pipeline_succeeds": false,
		"merge_status": status, "detailed_merge_status": detailed, "sha": head,
		"merge_commit_sha": orNull(m.mergeCommit), "squash_commit_sha": nil, "discussion_locked": nil,
		"should_remove_source_branch": nil, "force_remove_source_branch": m.removeSource,
		"reference": "!" + number, "references": doc{"short": "!" + number, "relative": "!" + number, "full": c.repo.Path + "!" + number},
		"web_url":    "http://" + c.r.Host + "/" + c.repo.Path + "/-/merge_requests/" + number,
		"time_stats": doc{"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": nil, "human_total_time_spent": nil},
		"squash":     m.squash, "task_completion_status": doc{"count": 0, "completed_count": 0},
		"has_conflicts": false, "blocking_discussions_resolved": true,
		"merged_by": nil, "merged_at": nil, "closed_by": nil, "closed_at": nil,
	}
	if m.mergedBy != nil {
		d["merged_by"], d["merged_at"] = short(c, *m.mergedBy), stamp(m.mergedAt)
	}
	if m.closedBy != nil {
		d["closed_by"], d["closed_at"] = short(c, *m.closedBy), stamp(m.closedAt)
	}
	return d
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// renderOne is a merge request asked for by itself.
func (s *Server) renderOne(c *call, m *mergeRequest) doc {
	d := s.render(c, m)
	head, base := d["sha"], git.ID("")
	if target, err := c.repo.Head(c.r.Context(), m.target); err == nil {
		base = target
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d["subscribed"], d["changes_count"], d["pipeline"], d["head_pipeline"] = true, "1", nil, nil
	d["diff_refs"] = doc{"base_sha": base, "head_sha": head, "start_sha": base}
	d["merge_error"] = orNull(m.problem)
	d["user"] = doc{"can_merge": c.repo.Right(c.token.Person.Login) >= bare.Write}
	return d
}

func (s *Server) listRequests(c *call) error {
	s.mu.Lock()
	found := slices.DeleteFunc(slices.Clone(s.state(c.repo).requests), func(m *mergeRequest) bool { return !m.fits(c) })
	slices.SortStableFunc(found, func(a, b *mergeRequest) int {
		if c.query("order_by") == "updated_at" {
			return b.updated.Compare(a.updated)
		}
		return int(b.iid - a.iid)
	})
	s.mu.Unlock()
	list := []doc{}
	for _, m := range page(c, found) {
		list = append(list, s.render(c, m))
	}
	return c.json(http.StatusOK, list)
}

func (m *mergeRequest) fits(c *call) bool {
	if state := c.query("state"); state != "" && state != "all" && state != m.state {
		return false
	}
	if source := c.query("source_branch"); source != "" && source != m.source {
		return false
	}
	if target := c.query("target_branch"); target != "" && target != m.target {
		return false
	}
	switch wanted := c.query("labels"); strings.ToLower(wanted) {
	case "":
		return true
	case "any":
		return len(m.labels) > 0
	case "none":
		return len(m.labels) == 0
	default:
		return !slices.ContainsFunc(labels(wanted), func(l string) bool { return !slices.Contains(m.labels, l) })
	}
}

func (s *Server) openRequest(c *call) error {
	f, err := c.fields()
	if err != nil {
		return err
	}
	m := &mergeRequest{
		title: f.text("title"), description: f.text("description"), state: opened,
		source: f.text("source_branch"), target: f.text("target_branch"), labels: labels(f.text("labels")),
		author: c.token.Person, created: s.now(), updated: s.now(),
		removeSource: f.flag("remove_source_branch"), squash: f.flag("squash"),
	}
	if m.title == "" || m.source == "" || m.target == "" {
		return &problem{http.StatusBadRequest, doc{"error": "title is missing, source_branch is missing, target_branch is missing"}}
	}
	for _, branch := range []string{m.source, m.target} {
		if _, err := c.repo.Head(c.r.Context(), branch); err != nil {
			return &problem{http.StatusUnprocessableEntity, doc{"message": []string{"The branch " + branch + " does not exist"}}}
		}
	}
	s.mu.Lock()
	p := s.state(c.repo)
	for _, o := range p.requests {
		if o.state == opened && o.source == m.source && o.target == m.target {
			s.mu.Unlock()
			return &problem{http.StatusConflict, doc{"message": []string{"Another open merge request already exists for this source branch: !" + strconv.FormatInt(o.iid, 10)}}}
		}
	}
	if len(p.requests) >= maxRequests {
		s.mu.Unlock()
		return says(http.StatusUnprocessableEntity, "This practice host holds no more merge requests")
	}
	m.iid = int64(len(p.requests) + 1)
	p.requests = append(p.requests, m)
	s.mu.Unlock()
	return c.json(http.StatusCreated, s.renderOne(c, m))
}

func (s *Server) showRequest(c *call, m *mergeRequest) error {
	d := s.renderOne(c, m)
	if c.query("include_rebase_in_progress") == "true" {
		s.mu.Lock()
		d["rebase_in_progress"] = m.rebasing
		m.rebasing = false
		s.mu.Unlock()
	}
	return c.json(http.StatusOK, d)
}

func (s *Server) changeRequest(c *call, m *mergeRequest) error {
	f, err := c.fields()
	if err != nil {
		return err
	}
	head := s.head(c, m)
	s.mu.Lock()
	if f.has("title") {
		m.title = f.text("title")
	}
	if f.has("description") {
		m.description = f.text("description")
	}
	if f.has("labels") {
		m.labels = labels(f.text("labels"))
	}
	m.labels = labels(strings.Join(append(m.labels, f.text("add_labels")), ","))
	gone := labels(f.text("remove_labels"))
	m.labels = slices.DeleteFunc(m.labels, func(l string) bool { return slices.Contains(gone, l) })
	switch {
	case f.text("state_event") == "close" && m.state == opened:
		m.state, m.sha, m.closedBy, m.closedAt = closed, string(head), &c.token.Person, s.now()
	case f.text("state_event") == "reopen" && m.state == closed:
		m.state, m.closedBy = opened, nil
	}
	m.updated = s.now()
	s.mu.Unlock()
	return c.json(http.StatusOK, s.renderOne(c, m))
}

// rebase is a job at GitLab: the answer comes before the end, and one poll
// finds it still at work.
func (s *Server) rebase(c *call, m *mergeRequest) error {
	err := c.repo.Rebase(c.r.Context(), m.source, m.target, c.by(s.now()))
	if err != nil && !fault.Is(err, fault.Conflict) {
		return says(http.StatusConflict, "The source branch cannot be rebased")
	}
	s.mu.Lock()
	m.rebasing, m.problem = true, ""
	if err != nil {
		m.problem = "Rebase failed: the branches do not fit together. Resolve it by hand."
	}
	s.mu.Unlock()
	return c.json(http.StatusAccepted, doc{"rebase_in_progress": true})
}

func (s *Server) merge(c *call, m *mergeRequest) error {
	f, err := c.fields()
	if err != nil {
		return err
	}
	head := s.head(c, m)
	s.mu.Lock()
	state, draft := m.state, draftTitle.MatchString(m.title)
	s.mu.Unlock()
	if state != opened || draft {
		return says(http.StatusMethodNotAllowed, "405 Method Not Allowed")
	}
	if sha := f.text("sha"); sha != "" && sha != string(head) {
		return says(http.StatusConflict, "SHA does not match HEAD of source branch: "+string(head))
	}
	message, squash := f.text("merge_commit_message"), f.flag("squash") || m.squash
	if squash && f.text("squash_commit_message") != "" {
		message = f.text("squash_commit_message")
	}
	if message == "" {
		message = "Merge branch '" + m.source + "' into '" + m.target + "'"
	}
	id, err := c.repo.Merge(c.r.Context(), bare.Join{
		Source: m.source, Target: m.target, Message: message, Author: c.by(s.now()), Squash: squash,
	})
	if err != nil {
		return says(http.StatusUnprocessableEntity, "Branch cannot be merged")
	}
	s.mu.Lock()
	m.state, m.sha, m.mergeCommit, m.updated = merged, string(head), string(id), s.now()
	m.mergedBy, m.mergedAt = &c.token.Person, s.now()
	remove := m.removeSource || f.flag("should_remove_source_branch")
	s.mu.Unlock()
	if remove {
		if err := c.repo.Delete(c.r.Context(), m.source); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return c.json(http.StatusOK, s.renderOne(c, m))
}

func (s *Server) requestDiffs(c *call, m *mergeRequest) error {
	target, err := c.repo.Head(c.r.Context(), m.target)
	if err != nil {
		return err
	}
	list, err := c.diffs(target, s.head(c, m))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, page(c, list))
}
