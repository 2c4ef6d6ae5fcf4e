package gitlab

import (
	"net/http"
	"slices"
	"time"
)

const maxStatuses = 1000 // of a project

// status is the result of a build of a commit.
type status struct {
	id                                   int64
	name, state, ref, target, describing string
	created                              time.Time
}

func (s *Server) renderStatus(c *call, sha string, st status) doc {
	return doc{
		"id": st.id, "sha": sha, "ref": st.ref, "status": st.state, "name": st.name, "target_url": orNull(st.target),
		"description": orNull(st.describing), "created_at": stamp(st.created), "started_at": nil, "finished_at": nil,
		"allow_failure": false, "coverage": nil, "author": short(c, c.token.Person),
	}
}

func (s *Server) listStatuses(c *call) error {
	rev, err := c.rev(c.r.PathValue("sha"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []doc{}
	for _, st := range s.state(c.repo).statuses[string(rev)] {
		if ref := c.query("ref"); ref == "" || st.ref == "" || ref == st.ref {
			list = append(list, s.renderStatus(c, string(rev), st))
		}
	}
	return c.json(http.StatusOK, page(c, list))
}

// setStatus keeps the newest result of each name.
func (s *Server) setStatus(c *call) error {
	rev, err := c.rev(c.r.PathValue("sha"))
	if err != nil {
		return err
	}
	f, err := c.fields()
	if err != nil {
		return err
	}
	st := status{
		state: f.text("state"), ref: f.text("ref"), target: f.text("target_url"),
		describing: f.text("description"), created: s.now(),
	}
	if st.name = f.text("name"); st.name == "" {
		st.name = "default"
	}
	if !slices.Contains([]string{"pending", "running", "success", "failed", "canceled", "skipped"}, st.state) {
		return &problem{http.StatusBadRequest, doc{"error": "state does not have a valid value"}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, sha := s.state(c.repo), string(rev)
	list := slices.DeleteFunc(p.statuses[sha], func(o status) bool { return o.name == st.name })
	if len(p.statuses) >= maxStatuses && p.statuses[sha] == nil {
		clear(p.statuses)
	}
	st.id = int64(len(p.statuses)*100 + len(list) + 1)
	p.statuses[sha] = append(list, st)
	if len(p.statuses[sha]) > 100 {
		p.statuses[sha] = p.statuses[sha][1:]
	}
	return c.json(http.StatusCreated, s.renderStatus(c, sha, st))
}
