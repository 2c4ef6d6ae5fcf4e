package site

import (
	"context"
	"strings"

	"gatehouse/internal/auth"
	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/host"
)

// The built-in roles.
const (
	Admin       = "admin"
	Publisher   = "publisher"
	Editor      = "editor"
	Contributor = "contributor"
	Reader      = "reader"
)

// Roles lists the built-in roles, the most powerful first.
func Roles() []string { return []string{Admin, Publisher, Editor, Contributor, Reader} }

// reach is how far a right goes.
type reach uint8

const (
	nothing reach = iota
	ownDrafts
	everything
)

// reachOf is what one role gives for one action.
func reachOf(role string, a cms.Action) reach {
	switch role {
	case Admin, Publisher:
		return everything
	case Editor:
		switch a {
		case cms.Create, cms.Edit, cms.Submit, cms.Media:
			return everything
		}
	case Contributor:
		switch a {
		case cms.Create, cms.Edit, cms.Submit:
			return ownDrafts
		}
	}
	return nothing
}

// best is the widest reach that a person's roles give for an action.
func best(p auth.Principal, a cms.Action) reach {
	if p.Operator {
		return everything
	}
	var widest reach
	for _, role := range p.Roles {
		widest = max(widest, reachOf(role, a))
	}
	return widest
}

// actions lists every action in the order in which clients get them.
func actions() []cms.Action {
	return []cms.Action{cms.Create, cms.Edit, cms.Submit, cms.Media, cms.Delete, cms.Publish}
}

// Actions lists what p may do here, be it with their own drafts alone. A client
// shows or hides its buttons by it; what holds is Allow.
func (s *Site) Actions(p auth.Principal) []cms.Action {
	allowed := []cms.Action{}
	for _, a := range actions() {
		if best(p, a) > nothing {
			allowed = append(allowed, a)
		}
	}
	return allowed
}

// CanRead is nil when p may read the site's content, else Forbidden.
func (s *Site) CanRead(p auth.Principal) error {
	if p.Operator {
		return nil
	}
	for _, role := range p.Roles {
		for _, known := range Roles() {
			if role == known {
				return nil
			}
		}
	}
	if len(p.Roles) == 0 {
		return fault.New(fault.Forbidden, "You are signed in as %s, which has no access to %s. Ask an administrator of the site to add you.", p.Email, s.DisplayName())
	}
	return fault.New(fault.Forbidden, "You are signed in as %s, with the role %s, which gives no access to %s. Ask an administrator of the site for one of the roles %s.",
		p.Email, strings.Join(p.Roles, ", "), s.DisplayName(), strings.Join(Roles(), ", "))
}

// Caller is p as the content of this site knows them: their name, the session
// that the memory of served versions is kept for, and what they may do.
func (s *Site) Caller(p auth.Principal) cms.Caller {
	c := cms.Caller{Name: p.Name, Email: p.Email, Reader: p.Session, Allow: s.Allow(p)}
	if c.Name == "" {
		c.Name, _, _ = strings.Cut(p.Email, "@")
	}
	return c
}

// Allow answers every question about the rights of p: nil, or Forbidden with
// who can help.
func (s *Site) Allow(p auth.Principal) func(ctx context.Context, a cms.Ask) error {
	return func(_ context.Context, a cms.Ask) error {
		if err := s.CanRead(p); err != nil {
			return err
		}
		action := effective(a)
		switch best(p, action) {
		case everything:
			return nil
		case ownDrafts:
			if a.Draft && owns(p, a) {
				return nil
			}
			return s.refuseOthers(a)
		default:
			return s.refuse(p, a, action)
		}
	}
}

// effective is the right that an ask needs: what is created or edited without a
// draft is published at once.
func effective(a cms.Ask) cms.Action {
	if !a.Draft && (a.Action == cms.Create || a.Action == cms.Edit || a.Action == cms.Submit) {
		return cms.Publish
	}
	return a.Action
}

// owns reports whether an ask is about p's own draft: a new one, or one that p
// opened. The address decides, since names are not unique. A draft that exists
// and has no author belongs to nobody; only an existing one can be submitted.
func owns(p auth.Principal, a cms.Ask) bool {
	if a.DraftAuthor == (host.Person{}) {
		return a.Action != cms.Submit
	}
	return p.Email != "" && strings.EqualFold(p.Email, a.DraftAuthor.Email)
}

// refuseOthers says why someone with rights on their own drafts is refused.
func (s *Site) refuseOthers(a cms.Ask) error {
	whose := "someone else"
	if a.DraftAuthor.Name != "" {
		whose = a.DraftAuthor.Name
	}
	return fault.New(fault.Forbidden, "This draft was started by %s, and your role lets you change your own drafts. Ask them, or an editor of %s.", whose, s.DisplayName())
}

// refuse says what p's roles do not allow, and who can do it.
func (s *Site) refuse(p auth.Principal, a cms.Ask, needed cms.Action) error {
	helper := "an editor or publisher"
	if needed == cms.Publish || needed == cms.Delete {
		helper = "a publisher or administrator"
	}
	return fault.New(fault.Forbidden, "Your role (%s) does not let you %s. Ask %s of %s.", strings.Join(p.Roles, ", "), refused(p, a, needed), helper, s.DisplayName())
}

// refused names what someone may not do, and the way that is left to them.
func refused(p auth.Principal, a cms.Ask, needed cms.Action) string {
	writes := best(p, cms.Create) > nothing
	switch {
	case needed == cms.Publish && a.Action != cms.Publish && writes:
		return "save straight to the published site; save it as a draft"
	case needed == cms.Publish && a.Action == cms.Publish:
		return "publish"
	case needed == cms.Delete:
		return "delete or unpublish what is published"
	case needed == cms.Media && writes:
		return "change the media library; add the file to a draft of yours"
	case needed == cms.Media:
		return "change the media library"
	case needed == cms.Submit:
		return "move drafts along or discard them"
	}
	return "write or change entries"
}
