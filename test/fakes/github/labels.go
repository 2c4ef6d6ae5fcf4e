package github

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// label is a name that issues can carry. Guarded by Server.mu.
type label struct {
	id     int64
	name   string
	colour string
}

func (s *Server) mountLabels() {
	s.handle("GET /repos/{owner}/{repo}/issues/{number}/labels", s.listLabels)
	s.handle("PUT /repos/{owner}/{repo}/issues/{number}/labels", s.setLabels)
	s.handle("POST /repos/{owner}/{repo}/issues/{number}/labels", s.addLabels)
	s.handle("DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}", s.removeLabel)
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

// label replaces the labels of an issue; new ones are made. Server.mu is held.
func (s *Server) label(r *repository, i *issue, names []string) {
	i.labels = nil
	for _, name := range names {
		if name == "" || len(name) > maxTitle || slices.Contains(i.labels, name) || len(i.labels) == 100 ||
			(r.labels[name] == nil && len(r.labels) >= maxLabels) {
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
