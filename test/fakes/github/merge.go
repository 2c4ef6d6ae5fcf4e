package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"gatehouse/internal/git"
)

// mergeSpec is how a pull request is to be merged.
type mergeSpec struct {
	Title   *string `json:"commit_title"`
	Message *string `json:"commit_message"`
	SHA     git.ID  `json:"sha"` // what the head must be; empty: whatever
	Method  string  `json:"merge_method"`
}

func notMergeable(text string) *problem {
	return &problem{Status: http.StatusMethodNotAllowed, Message: text}
}

func (s *Server) mergePull(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	var in mergeSpec
	if err := c.body(&in); err != nil {
		return err
	}
	r.network.mu.Lock()
	defer r.network.mu.Unlock()
	s.mu.RLock()
	i, err := r.find(c.number("number"), true)
	if err != nil {
		s.mu.RUnlock()
		return err
	}
	is := *i
	p := *i.pull
	s.mu.RUnlock()
	switch {
	case !is.open:
		return notMergeable("Pull Request is not mergeable")
	case p.draft:
		return notMergeable("Pull Request is still a draft")
	case in.SHA != "" && in.SHA != p.headID:
		return &problem{Status: http.StatusConflict, Message: "Head branch was modified. Review and try the merge again."}
	case in.Method == "rebase":
		return notMergeable("Rebase merges are not allowed on this repository.")
	}
	id, err := s.mergeCommit(c, r, is, p, in)
	if err != nil {
		return err
	}
	// Marked first, so that the moving base does not count it as merged by others.
	s.mu.Lock()
	i.merge(s.o.Now(), id, c.who.Login)
	s.mu.Unlock()
	err = s.moveRefLocked(c.ctx(), r, move{ref: "refs/heads/" + p.base, to: id})
	if err != nil {
		s.mu.Lock()
		*i, *i.pull = is, p
		s.mu.Unlock()
		return err
	}
	return c.reply(http.StatusOK, doc{"sha": id, "merged": true, "message": "Pull Request successfully merged"})
}

// mergeCommit writes the commit that the base is to move to.
func (s *Server) mergeCommit(c *call, r *repository, i issue, p pull, in mergeSpec) (git.ID, error) {
	base, err := value(c.ctx(), r, "refs/heads/"+p.base)
	if err != nil {
		return "", err
	}
	merged, err := r.git.Merge(c.ctx(), base, p.headID)
	if err != nil || len(merged.Conflicts) > 0 {
		return "", notMergeable("Pull Request is not mergeable")
	}
	spec := git.CommitSpec{
		Tree: merged.Tree, Parents: []git.ID{base, p.headID},
		Author: s.by(*c.who), Committer: git.Signature{Name: "GitHub", Email: "noreply@github.com", When: s.o.Now()},
	}
	title, text := fmt.Sprintf("Merge pull request #%d from %s/%s", i.number, p.from.owner, p.head), i.title
	if in.Method == "squash" {
		spec.Parents = spec.Parents[:1]
		if title, text, err = s.squashed(c, r, i, p, base); err != nil {
			return "", err
		}
	}
	if in.Title != nil && *in.Title != "" {
		title = *in.Title
	}
	if in.Message != nil {
		text = *in.Message
	}
	spec.Message = strings.TrimSpace(title + "\n\n" + text)
	return r.git.WriteCommit(c.ctx(), spec)
}

// squashed is the usual message of a squashed pull request: its one commit's, or
// a list of what its commits say.
func (s *Server) squashed(c *call, r *repository, i issue, p pull, base git.ID) (title, text string, err error) {
	list, err := s.between(c.ctx(), r, base, p.headID)
	if err != nil {
		return "", "", err
	}
	if len(list) == 1 {
		title, text, _ = strings.Cut(message(list[0]), "\n")
		return fmt.Sprintf("%s (#%d)", title, i.number), strings.TrimSpace(text), nil
	}
	var b strings.Builder
	for _, g := range list {
		fmt.Fprintf(&b, "* %s\n\n", message(g))
	}
	return fmt.Sprintf("%s (#%d)", i.title, i.number), b.String(), nil
}

// follow brings the pull requests of the network along after a ref moved. The
// network's lock is held.
func (s *Server) follow(ctx context.Context, r *repository, ref string, to git.ID) error {
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		return nil
	}
	s.mu.Lock()
	now := s.o.Now()
	var waiting []*issue // whose base moved
	for _, o := range r.network.repos {
		for _, i := range o.issues {
			if i.pull == nil || !i.open {
				continue
			}
			ours := i.pull.from == r && i.pull.head == branch
			based := i.repo == r && i.pull.base == branch
			switch {
			case (ours || based) && to == "":
				i.close(now)
			case ours:
				i.pull.headID, i.changed = to, now
			case based:
				waiting = append(waiting, i)
			}
		}
	}
	s.mu.Unlock()
	// What is in the base by now counts as merged, whoever brought it there.
	for _, i := range waiting {
		in, err := r.git.IsAncestor(ctx, i.pull.headID, to)
		if err != nil {
			return err
		}
		if in {
			s.mu.Lock()
			i.merge(now, to, "")
			s.mu.Unlock()
		}
	}
	return nil
}

func (i *issue) close(now time.Time) {
	i.open, i.closed, i.changed = false, now, now
}

func (i *issue) merge(now time.Time, result git.ID, by string) {
	i.close(now)
	i.pull.merged, i.pull.result, i.pull.by = now, result, by
}
