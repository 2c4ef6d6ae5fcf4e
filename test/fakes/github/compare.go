package github

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/internal/git"
)

// What the original cuts an answer off at.
const (
	maxCompared = 250 // commits
	maxFiles    = 300
	maxPatch    = 20 << 10 // bytes of one file's patch
)

// side is one side of a comparison: a branch or commit of this repository, or
// owner:branch, owner:repository:branch of its network. The objects are shared,
// so that a commit of a fork is found here.
func (s *Server) side(c *call, r *repository, name string) (git.ID, error) {
	from := r
	if parts := strings.SplitN(name, ":", 3); len(parts) > 1 {
		s.mu.RLock()
		from = r.sibling(parts[0])
		if from == nil || s.right(c.who, from) < Read {
			s.mu.RUnlock()
			return "", notFound()
		}
		s.mu.RUnlock()
		name = parts[len(parts)-1]
	}
	return commitOf(c.ctx(), from, name)
}

// sibling is the repository of the same network that an account owns. Server.mu
// is held.
func (r *repository) sibling(owner string) *repository {
	for _, o := range r.network.repos {
		if strings.EqualFold(o.owner, owner) {
			return o
		}
	}
	return nil
}

func (s *Server) compare(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	left, right, ok := strings.Cut(c.at("pair"), "...")
	if !ok {
		return notFound()
	}
	base, err := s.side(c, r, left)
	if err != nil {
		return err
	}
	head, err := s.side(c, r, right)
	if err != nil {
		return err
	}
	fork, err := r.git.MergeBase(c.ctx(), base, head)
	if err != nil {
		return err
	}
	if fork == "" {
		return &problem{Status: http.StatusNotFound, Message: "No common ancestor between " + left + " and " + right + "."}
	}
	answer, err := s.comparison(c, r, base, head, fork)
	if err != nil {
		return err
	}
	here := s.api("/repos/%s/compare/%s...%s", r.full(), url.PathEscape(left), url.PathEscape(right))
	answer["url"], answer["html_url"] = here, s.web("/%s/compare/%s...%s", r.full(), left, right)
	answer["permalink_url"], answer["diff_url"], answer["patch_url"] = here, here+".diff", here+".patch"
	return c.reply(http.StatusOK, answer)
}

func (s *Server) comparison(c *call, r *repository, base, head, fork git.ID) (doc, error) {
	counts, err := run(c.ctx(), r, "rev-list", "--count", "--left-right", string(base)+"..."+string(head))
	if err != nil {
		return nil, err
	}
	f := strings.Fields(string(counts))
	behind, _ := strconv.Atoi(f[0])
	ahead, _ := strconv.Atoi(f[1])
	commits, err := s.between(c.ctx(), r, base, head)
	if err != nil {
		return nil, err
	}
	files, err := s.changes(c.ctx(), r, fork, head)
	if err != nil {
		return nil, err
	}
	first, err := r.git.Commit(c.ctx(), base)
	if err != nil {
		return nil, err
	}
	common, err := r.git.Commit(c.ctx(), fork)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, g := range commits {
		list = append(list, s.renderCommit(r, g))
	}
	state := map[[2]bool]string{{true, true}: "diverged", {true, false}: "ahead", {false, true}: "behind", {}: "identical"}
	return doc{
		"base_commit": s.renderCommit(r, first), "merge_base_commit": s.renderCommit(r, common),
		"status": state[[2]bool{ahead > 0, behind > 0}], "ahead_by": ahead, "behind_by": behind,
		"total_commits": ahead, "commits": list, "files": s.renderFiles(r, head, files),
	}, nil
}

// between is the commits of head that base has not, oldest first.
func (s *Server) between(ctx context.Context, r *repository, base, head git.ID) ([]git.Commit, error) {
	out, err := run(ctx, r, "rev-list", "--topo-order", "--reverse", "^"+string(base), string(head))
	if err != nil {
		return nil, err
	}
	var list []git.Commit
	for _, id := range strings.Fields(string(out)) {
		if len(list) == maxCompared {
			break
		}
		g, err := r.git.Commit(ctx, git.ID(id))
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

// change is one file of a comparison.
type change struct {
	path, former   string // former: of a renamed file
	status         string
	id             git.ID // the new content; of a removed file the old
	added, removed int
	patch          string // empty: nothing to show as text
}

// changes is what differs between two commits, with renames found.
func (s *Server) changes(ctx context.Context, r *repository, a, b git.ID) ([]change, error) {
	args := []string{"diff-tree", "-r", "--find-renames", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color"} //nolint:misspell // the host's spelling
	raw, err := run(ctx, r, append(args, "-z", "--raw", string(a), string(b))...)
	if err != nil {
		return nil, err
	}
	patch, err := run(ctx, r, append(args, "-p", string(a), string(b))...)
	if err != nil {
		return nil, err
	}
	// Both list the same files in the same order.
	_, text, _ := strings.Cut("\n"+string(patch), "\ndiff --git ")
	patches := strings.Split(text, "\ndiff --git ")
	var list []change
	words := strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
	for i := 0; i+1 < len(words) && len(list) < maxFiles; i++ {
		f := strings.Fields(strings.TrimPrefix(words[i], ":"))
		if len(f) != 5 {
			break
		}
		i++
		ch := change{path: words[i], id: git.ID(f[3])}
		switch f[4][0] {
		case 'A':
			ch.status = "added"
		case 'D':
			ch.status, ch.id = "removed", git.ID(f[2])
		case 'R':
			i++
			ch.status, ch.former, ch.path = "renamed", ch.path, words[i]
		default:
			ch.status = "modified"
		}
		if n := len(list); n < len(patches) {
			ch.hunks(patches[n])
		}
		list = append(list, ch)
	}
	return list, nil
}

// hunks takes what the API shows out of one file's patch: all from the first
// hunk on. There is none for binary and empty files and for mere renames.
func (ch *change) hunks(patch string) {
	at := strings.Index(patch, "\n@@ ")
	if at < 0 {
		return
	}
	ch.patch = strings.TrimSuffix(patch[at+1:], "\n")
	for _, line := range strings.Split(ch.patch, "\n") {
		switch {
		case strings.HasPrefix(line, "+"):
			ch.added++
		case strings.HasPrefix(line, "-"):
			ch.removed++
		}
	}
	if len(ch.patch) > maxPatch {
		ch.patch = ""
	}
}

func (s *Server) renderFiles(r *repository, head git.ID, list []change) []any {
	out := []any{}
	for _, ch := range list {
		name := (&url.URL{Path: ch.path}).EscapedPath()
		d := doc{
			"sha": ch.id, "filename": ch.path, "status": ch.status,
			"additions": ch.added, "deletions": ch.removed, "changes": ch.added + ch.removed,
			"blob_url":     s.web("/%s/blob/%s/%s", r.full(), head, name),
			"raw_url":      s.web("/%s/raw/%s/%s", r.full(), head, name),
			"contents_url": s.api("/repos/%s/contents/%s?ref=%s", r.full(), name, head),
		}
		if ch.patch != "" {
			d["patch"] = ch.patch
		}
		if ch.former != "" {
			d["previous_filename"] = ch.former
		}
		out = append(out, d)
	}
	return out
}
