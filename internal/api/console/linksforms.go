package console

import (
	"errors"
	"net/http"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// take uses a token, and signs its owner in where that is what it is for.
func (l *Links) take(w http.ResponseWriter, r *http.Request, page linkPage, token string) {
	ctx, proof := r.Context(), l.proof(r, page, token)
	peeked, err := l.Identity.Peek(ctx, proof)
	if err != nil {
		l.dead(w, r, page, token, err)
		return
	}
	if page.kind == identity.KindRecovery {
		peeked.NeedsPassword = true
	}
	if peeked.NeedsPassword {
		proof.Password = r.PostForm.Get("password")
		if err := l.settle(r, page, peeked, proof.Password); err != nil {
			l.again(w, r, page, token, peeked, err)
			return
		}
	}
	user, _, err := l.Identity.Verify(ctx, proof)
	if err != nil {
		l.again(w, r, page, token, peeked, err)
		return
	}
	if page.kind == identity.KindEmail {
		view := l.view(r, page)
		view.Done, view.Email = true, user.Email
		l.render(w, r, http.StatusOK, page.template, view)
		return
	}
	if _, err := l.Sessions.Start(w, r, user.ID, proof.From); err != nil {
		l.Pages.Fail(w, r, err)
		return
	}
	api.Redirect(w, l.Home, http.StatusSeeOther)
}

// settle checks what a person chooses before the token is used up, and keeps the
// name of one who is new.
func (l *Links) settle(r *http.Request, page linkPage, p identity.Peeked, password string) error {
	if err := identity.CheckPassword(p.User.Email, password); err != nil {
		return err
	}
	name := strings.TrimSpace(r.PostForm.Get("name"))
	if page.kind != identity.KindInvite || name == "" || name == p.User.Name {
		return nil
	}
	return l.Identity.Rename(r.Context(), p.User.ID, name)
}

// again shows the form once more when that helps.
func (l *Links) again(w http.ResponseWriter, r *http.Request, page linkPage, token string, p identity.Peeked, err error) {
	kind := fault.KindOf(err)
	if errors.Is(err, identity.ErrToken) || errors.Is(err, identity.ErrTokenExpired) || kind != fault.Invalid && kind != fault.Conflict {
		l.dead(w, r, page, token, err)
		return
	}
	l.show(w, r, api.Status(kind), page, token, p, fault.Message(err))
}

// ask sends a link to whoever has an address. The answer says nothing of that.
func (l *Links) ask(w http.ResponseWriter, r *http.Request, page linkPage) {
	view := l.view(r, page)
	view.Email = strings.TrimSpace(r.PostForm.Get("email"))
	send := l.Identity.Recover
	if page.kind == identity.KindMagic {
		send = l.Identity.MagicLink
	}
	err := send(r.Context(), l.Site, view.Email, api.ClientAddr(r, nil))
	switch kind := fault.KindOf(err); {
	case err == nil:
		view.Done = true
		l.render(w, r, http.StatusOK, "recover", view)
	case kind == fault.Invalid:
		view.Error = fault.Message(err)
		l.render(w, r, api.Status(kind), "recover", view)
	default:
		l.Pages.Fail(w, r, err)
	}
}
