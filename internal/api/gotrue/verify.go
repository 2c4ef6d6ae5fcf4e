package gotrue

import (
	"errors"
	"net/http"

	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// proofs are the types of tokens that make a session. An invitation is a sign-up
// for clients.
func proofs() map[string][]identity.Kind {
	return map[string][]identity.Kind{
		"signup":    {identity.KindSignUp, identity.KindInvite},
		"recovery":  {identity.KindRecovery},
		"magiclink": {identity.KindMagic},
	}
}

// verify makes a session of a token that came in a mail. The password is for
// invitations; the one after a recovery is set by PUT /user.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		Type     string `json:"type"`
		Token    string `json:"token"`
		Password string `json:"password"`
	}
	if err := h.readJSON(w, r, "verification", &ask); err != nil {
		return err
	}
	if ask.Token == "" {
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Verify requires a token"}
	}
	kinds := proofs()[ask.Type]
	if kinds == nil {
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Verify requires a verification type"}
	}
	proof := identity.Proof{Site: h.Site, Kinds: kinds, Token: ask.Token, From: h.ClientAddr(r)}
	if ask.Type == "signup" {
		proof.Password = ask.Password
	}
	user, _, err := h.Identity.Verify(r.Context(), proof)
	switch {
	case errors.Is(err, identity.ErrToken):
		return noSuchUser()
	case errors.Is(err, identity.ErrTokenExpired):
		return apiError{Code: http.StatusUnprocessableEntity, Msg: expired(ask.Type)}
	case fault.Is(err, fault.Invalid) && proof.Password == "":
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Invited users must specify a password"}
	case err != nil:
		return err
	}
	return h.begin(w, r, user)
}

func expired(kind string) string {
	switch kind {
	case "recovery":
		return "Recovery token expired"
	case "magiclink":
		return "Magic link expired"
	}
	return "Confirmation token expired"
}

// verifyPage leads to our page for a token, for links that were made by hand.
// The token is used there, by the person, and not by whatever fetches links.
func (h *Handler) verifyPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	page := map[string]string{
		"signup": identity.PageConfirm, "invite": identity.PageInvite, "recovery": identity.PageRecover,
		"email_change": identity.PageEmail, "magiclink": identity.PageMagic,
	}[q.Get("type")]
	switch {
	case q.Get("token") == "":
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Verify requires a token"}
	case page == "":
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Verify requires a verification type"}
	case h.Identity.Pages == nil:
		return apiError{Code: http.StatusNotFound, Msg: "This server has no page for that. Use POST."}
	}
	w.Header().Set("Location", h.Identity.Pages(h.Site, page, q.Get("token")))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
