package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

func (s *Server) mountRefs() {
	s.handle("GET /repos/{owner}/{repo}/branches", s.branches)
	s.handle("GET /repos/{owner}/{repo}/branches/{branch...}", s.branch)
	s.handle("GET /repos/{owner}/{repo}/git/ref/{ref...}", s.ref)
	s.handle("GET /repos/{owner}/{repo}/git/refs/{ref...}", s.refOrRefs)
	s.handle("GET /repos/{owner}/{repo}/git/matching-refs/{ref...}", s.matching)
	s.handle("POST /repos/{owner}/{repo}/git/refs", s.createRef)
	s.handle("PATCH /repos/{owner}/{repo}/git/refs/{ref...}", s.updateRef)
	s.handle("DELETE /repos/{owner}/{repo}/git/refs/{ref...}", s.deleteRef)
}

// value is where a full ref name points to; "" when there is none.
func value(ctx context.Context, r *repository, name string) (git.ID, error) {
	if git.CheckRef(name) != nil {
		return "", nil //nolint:nilerr // what cannot be a name is not there
	}
	id, err := r.git.Resolve(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return id, err
}

func (s *Server) branches(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	refs, err := r.git.Refs(c.ctx(), "refs/heads/")
	if err != nil {
		return err
	}
	out := []any{}
	for _, ref := range page(s, c, r, refs) {
		out = append(out, doc{
			"name": strings.TrimPrefix(ref.Name, "refs/heads/"), "protected": false,
			"commit": doc{"sha": ref.ID, "url": s.api("/repos/%s/commits/%s", r.full(), ref.ID)},
		})
	}
	return c.reply(http.StatusOK, out)
}

func (s *Server) branch(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	name := c.at("branch")
	id, err := value(c.ctx(), r, "refs/heads/"+name)
	if err != nil {
		return err
	}
	if id == "" {
		return &problem{Status: http.StatusNotFound, Message: "Branch not found"}
	}
	g, err := r.git.Commit(c.ctx(), id)
	if err != nil {
		return err
	}
	self := s.api("/repos/%s/branches/%s", r.full(), name)
	return c.reply(http.StatusOK, doc{
		"name": name, "commit": s.renderCommit(r, g), "protected": false,
		"_links":         doc{"self": self, "html": s.web("/%s/tree/%s", r.full(), name)},
		"protection":     doc{"enabled": false, "required_status_checks": doc{"enforcement_level": "off", "contexts": []any{}, "checks": []any{}}},
		"protection_url": self + "/protection",
	})
}

func (s *Server) ref(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	name := "refs/" + c.at("ref")
	id, err := value(c.ctx(), r, name)
	if err != nil {
		return err
	}
	if id == "" {
		return notFound()
	}
	return c.reply(http.StatusOK, s.renderRef(r, name, id))
}

// refOrRefs is the older form: one ref, or all that lie below the name.
func (s *Server) refOrRefs(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	name := "refs/" + c.at("ref")
	id, err := value(c.ctx(), r, name)
	if err != nil {
		return err
	}
	if id != "" {
		return c.reply(http.StatusOK, s.renderRef(r, name, id))
	}
	return s.replyRefs(c, r, strings.TrimSuffix(name, "/")+"/", true)
}

func (s *Server) matching(c *call) error {
	r, err := s.open(c, Read)
	if err != nil {
		return err
	}
	return s.replyRefs(c, r, "refs/"+c.at("ref"), false)
}

func (s *Server) replyRefs(c *call, r *repository, prefix string, some bool) error {
	refs, err := r.git.Refs(c.ctx(), prefix)
	if err != nil {
		return err
	}
	if some && len(refs) == 0 {
		return notFound()
	}
	out := []any{}
	for _, ref := range page(s, c, r, refs) {
		out = append(out, s.renderRef(r, ref.Name, ref.ID))
	}
	return c.reply(http.StatusOK, out)
}

var (
	errRefExists  = unprocessable("Reference already exists")
	errRefBlocked = unprocessable("Reference update failed")
	errRefGone    = unprocessable("Reference does not exist")
	errRefMoved   = unprocessable("Update is not a fast forward")
	errNoObject   = unprocessable("Object does not exist")
)

// move is one change of a ref. To empty: the ref is deleted.
type move struct {
	ref      string
	to       git.ID
	create   bool   // the ref must not exist
	force    bool   // also to a commit that is not a descendant
	expected git.ID // where the ref must be now; "": wherever
}

// moveRef moves one ref, and lets the pull requests follow.
func (s *Server) moveRef(ctx context.Context, r *repository, m move) error {
	r.network.mu.Lock()
	defer r.network.mu.Unlock()
	return s.moveRefLocked(ctx, r, m)
}

func (s *Server) moveRefLocked(ctx context.Context, r *repository, m move) error {
	old, err := value(ctx, r, m.ref)
	if err != nil {
		return err
	}
	if m.to != "" {
		if _, err := r.git.Commit(ctx, m.to); err != nil {
			return errNoObject
		}
	}
	switch {
	case m.create && old != "":
		return errRefExists
	case !m.create && old == "":
		return errRefGone
	case m.expected != "" && old != m.expected:
		return errRefMoved
	case m.to != "" && !m.create && !m.force:
		ahead, err := r.git.IsAncestor(ctx, old, m.to)
		if err != nil {
			return err
		}
		if !ahead {
			return errRefMoved
		}
	}
	if old == m.to {
		return nil
	}
	err = r.git.UpdateRefs(ctx, git.RefUpdate{Name: m.ref, Old: old, New: m.to})
	if errors.Is(err, git.ErrNameClash) {
		return errRefBlocked
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.ref, err)
	}
	return s.follow(context.WithoutCancel(ctx), r, m.ref, m.to)
}

func (s *Server) createRef(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	var in struct {
		Ref string `json:"ref"`
		SHA git.ID `json:"sha"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	if !strings.HasPrefix(in.Ref, "refs/") || git.CheckRef(in.Ref) != nil {
		return unprocessable("%s is not a valid ref name.", in.Ref)
	}
	if !hexID.MatchString(string(in.SHA)) {
		return unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	}
	if err := s.moveRef(c.ctx(), r, move{ref: in.Ref, to: in.SHA, create: true}); err != nil {
		return err
	}
	return c.reply(http.StatusCreated, s.renderRef(r, in.Ref, in.SHA))
}

func (s *Server) updateRef(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	var in struct {
		SHA   git.ID `json:"sha"`
		Force bool   `json:"force"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	if !hexID.MatchString(string(in.SHA)) {
		return unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	}
	name := "refs/" + c.at("ref")
	if err := s.moveRef(c.ctx(), r, move{ref: name, to: in.SHA, force: in.Force}); err != nil {
		return err
	}
	return c.reply(http.StatusOK, s.renderRef(r, name, in.SHA))
}

func (s *Server) deleteRef(c *call) error {
	r, err := s.open(c, Write)
	if err != nil {
		return err
	}
	name := "refs/" + c.at("ref")
	if name == "refs/heads/"+r.branch {
		return unprocessable("Cannot delete the default branch")
	}
	if err := s.moveRef(c.ctx(), r, move{ref: name}); err != nil {
		return err
	}
	return c.none()
}
