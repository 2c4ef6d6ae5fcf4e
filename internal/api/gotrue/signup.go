package gotrue

import (
	"net/http"

	"golang.org/x/text/language"

	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// signUp begins an account. The answer is a user and no session, the same for an
// address that has an account and for one that has none.
func (h *Handler) signUp(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	policy, err := h.Identity.Policy(ctx, h.Site)
	if err != nil {
		return err
	}
	if policy.PasswordOff {
		return passwordsOff()
	}
	if !policy.Open() {
		return apiError{Code: http.StatusForbidden, Msg: "Signups not allowed for this instance"}
	}
	var ask struct {
		Email    string         `json:"email"`
		Password string         `json:"password"`
		Data     map[string]any `json:"data"`
	}
	if err := h.readJSON(w, r, "Signup", &ask); err != nil {
		return err
	}
	if ask.Password == "" {
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Signup requires a valid password"}
	}
	if err := checkEmail(ask.Email); err != nil {
		return err
	}
	user, err := h.Identity.SignUp(ctx, h.Site, identity.NewAccount{
		Email: ask.Email, Password: ask.Password, Data: ask.Data, Language: preferred(r),
	}, h.ClientAddr(r))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, h.userJSON(user))
}

// recover mails a link that sets a password anew. The answer tells nothing.
func (h *Handler) recover(w http.ResponseWriter, r *http.Request) error {
	policy, err := h.Identity.Policy(r.Context(), h.Site)
	if err != nil {
		return err
	}
	if policy.PasswordOff {
		return passwordsOff()
	}
	email, err := h.readEmail(w, r, "Password recovery requires an email")
	if err != nil {
		return err
	}
	if err := h.Identity.Recover(r.Context(), h.Site, email, h.ClientAddr(r)); err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct{}{})
}

// magicLink mails a link that signs in. The answer tells nothing.
func (h *Handler) magicLink(w http.ResponseWriter, r *http.Request) error {
	email, err := h.readEmail(w, r, "A magic link requires an email")
	if err != nil {
		return err
	}
	if err := h.Identity.MagicLink(r.Context(), h.Site, email, h.ClientAddr(r)); err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct{}{})
}

// readEmail is the address in a body that has nothing else; missing is said when
// there is none.
func (h *Handler) readEmail(w http.ResponseWriter, r *http.Request, missing string) (string, error) {
	var ask struct {
		Email string `json:"email"`
	}
	if err := h.readJSON(w, r, "verification", &ask); err != nil {
		return "", err
	}
	if ask.Email == "" {
		return "", apiError{Code: http.StatusUnprocessableEntity, Msg: missing}
	}
	return ask.Email, checkEmail(ask.Email)
}

// checkEmail says in GoTrue's words what is wrong with an address.
func checkEmail(email string) error {
	if email == "" {
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "An email address is required"}
	}
	if _, err := identity.FoldEmail(email); err != nil {
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Unable to validate email address: " + fault.Message(err)}
	}
	return nil
}

// preferred is the language that a browser asks for; empty when it does not.
func preferred(r *http.Request) string {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return ""
	}
	return tags[0].String()
}
