package gotrue

import (
	"errors"
	"net/http"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// grant is an answer of /token and /verify.
type grant struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
}

func (h *Handler) token(w http.ResponseWriter, r *http.Request) error {
	ask, err := h.readTokenRequest(w, r)
	if err != nil {
		return err
	}
	switch ask.GrantType {
	case "password":
		return h.signIn(w, r, ask)
	case "refresh_token":
		return h.refresh(w, r, ask)
	}
	return oauthError{Code: "unsupported_grant_type"}
}

// signIn is the password grant. Whatever is wrong with the pair, the answer is
// the same.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request, ask tokenRequest) error {
	ctx, from := r.Context(), h.ClientAddr(r)
	policy, err := h.Identity.Policy(ctx, h.Site)
	if err != nil {
		return err
	}
	if policy.PasswordOff {
		return passwordsOff()
	}
	user, err := h.Identity.SignIn(ctx, ask.name(), ask.Password, from)
	switch {
	case errors.Is(err, identity.ErrUnconfirmed): // told to who has the password
		return oauthError{Code: "invalid_grant", Description: "Email not confirmed"}
	case errors.Is(err, identity.ErrDisabled):
		return oauthError{Code: "invalid_grant", Description: fault.Message(err)}
	case fault.Is(err, fault.Unauthenticated):
		h.Log.InfoContext(ctx, "sign-in refused", "site", h.Site, "from", from)
		return oauthError{Code: "invalid_grant", Description: "No user found with that email, or password invalid."}
	case err != nil:
		return err
	}
	return h.begin(w, r, user)
}

// begin signs a person in who has just proved who they are.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, user identity.User) error {
	ctx, from := r.Context(), h.ClientAddr(r)
	family, refresh, err := h.Door.Issuer.Start(ctx, user.ID, h.Site, r.UserAgent(), from)
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "signed in", "site", h.Site, "user", user.ID, "from", from)
	return h.grant(w, user, family, refresh)
}

// refresh is the refresh_token grant. Only a verdict about the token is an
// OAuth error; what may pass is not, since clients forget a session over one.
func (h *Handler) refresh(w http.ResponseWriter, r *http.Request, ask tokenRequest) error {
	ctx := r.Context()
	if ask.RefreshToken == "" {
		return oauthError{Code: "invalid_request", Description: "refresh_token required"}
	}
	bad := oauthError{Code: "invalid_grant", Description: "Invalid Refresh Token"}
	family, next, err := h.Door.Issuer.Refresh(ctx, ask.RefreshToken, h.Site, auth.Client{Agent: r.UserAgent(), From: h.ClientAddr(r)})
	switch {
	case errors.Is(err, auth.ErrExpired):
		return oauthError{Code: "invalid_grant", Description: "Refresh token expired"}
	case errors.Is(err, auth.ErrReused):
		h.Log.WarnContext(ctx, "a refresh token was used a second time; its family has ended", "site", h.Site, "user", family.UserID, "session", family.ID, "from", h.ClientAddr(r))
		return bad
	case fault.Is(err, fault.Unauthenticated):
		return bad
	case err != nil:
		return err
	}
	user, err := h.Identity.User(ctx, family.UserID)
	if fault.Is(err, fault.NotFound) { // removed just now, and the family with it
		return bad
	}
	if err != nil {
		return err
	}
	return h.grant(w, user, family, next)
}

func (h *Handler) grant(w http.ResponseWriter, user identity.User, family auth.Session, refresh string) error {
	access, err := h.Door.Issuer.Access(h.Site, h.Door.IssuerURL(h.Site), family.ID, auth.Subject{
		UserID: user.ID, Email: user.Email, AppMetadata: appMetadata(user.RolesAt(h.Site)), UserMetadata: userMetadata(user),
	})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, grant{
		AccessToken: access, TokenType: "bearer", ExpiresIn: int(auth.AccessLife.Seconds()), RefreshToken: refresh,
	})
}
