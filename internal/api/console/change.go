package console

import (
	"net/http"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
)

func (a *Account) rename(_ http.ResponseWriter, r *http.Request, who auth.Principal) (string, error) {
	return "name", a.Identity.Rename(r.Context(), who.UserID, r.PostFormValue("name"))
}

// changePassword asks for the present password again, through the same throttle
// as signing in: an unlocked screen must not be enough to take an account over.
// All sessions end, and this browser begins a new one.
func (a *Account) changePassword(w http.ResponseWriter, r *http.Request, who auth.Principal) (string, error) {
	ctx, from := r.Context(), api.ClientAddr(r, nil)
	user, err := a.Identity.SignIn(ctx, who.Email, r.PostFormValue("current"), from)
	if fault.Is(err, fault.Unauthenticated) {
		return "", fault.Wrap(fault.Invalid, err, "The present password is not right. Nothing was changed.")
	}
	if err != nil {
		return "", err
	}
	if err := a.Identity.ResetPassword(ctx, user.ID, r.PostFormValue("new")); err != nil {
		return "", err
	}
	_, err = a.Sessions.Start(w, r, user.ID, from)
	return "password", err
}

func (a *Account) revoke(_ http.ResponseWriter, r *http.Request, who auth.Principal) (string, error) {
	return "session", a.Sessions.Revoke(r.Context(), who.UserID, r.PostFormValue("session"))
}

func (a *Account) revokeAll(w http.ResponseWriter, r *http.Request, who auth.Principal) (string, error) {
	if _, err := a.Sessions.RevokeAll(r.Context(), who.UserID); err != nil {
		return "", err
	}
	if err := a.Sessions.End(w, r); err != nil {
		return "", err
	}
	api.Redirect(w, "/login", http.StatusSeeOther)
	return "", nil
}
