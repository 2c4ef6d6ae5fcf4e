package github

import (
	"net/http"
	"slices"
	"strings"
)

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
