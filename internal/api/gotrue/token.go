package gotrue

import (
	"errors"
	"net/http"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// grant is an answer of /token.
type grant struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
}

func (h *Handler) token(w http.ResponseWriter, r *http.Request) {
	ask, err := readTokenRequest(w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	switch ask.GrantType {
	case "password":
		h.signIn(w, r, ask)
	case "refresh_token":
		h.refresh(w, r, ask)
	default:
		refuse(w, oauthError{Code: "unsupported_grant_type"})
	}
}

// signIn is the password grant. Whatever is wrong with the pair, the answer is
// the same.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request, ask tokenRequest) {
	ctx, from := r.Context(), h.ClientAddr(r)
	user, err := h.Identity.SignIn(ctx, ask.name(), ask.Password, from)
	if fault.Is(err, fault.Unauthenticated) {
		h.Log.InfoContext(ctx, "sign-in refused", "site", h.Site, "from", from)
		refuse(w, oauthError{Code: "invalid_grant", Description: "No user found with that email, or password invalid."})
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	family, refresh, err := h.Door.Issuer.Start(ctx, user.ID, h.Site, r.UserAgent(), from)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Log.InfoContext(ctx, "signed in", "site", h.Site, "user", user.ID, "from", from)
	h.grant(w, r, user, family, refresh)
}

// refresh is the refresh_token grant. Only a verdict about the token is an
// OAuth error; what may pass is not, since clients forget a session over one.
func (h *Handler) refresh(w http.ResponseWriter, r *http.Request, ask tokenRequest) {
	ctx := r.Context()
	if ask.RefreshToken == "" {
		refuse(w, oauthError{Code: "invalid_request", Description: "refresh_token required"})
		return
	}
	family, next, err := h.Door.Issuer.Refresh(ctx, ask.RefreshToken, h.Site, auth.Client{Agent: r.UserAgent(), From: h.ClientAddr(r)})
	switch {
	case errors.Is(err, auth.ErrExpired):
		refuse(w, oauthError{Code: "invalid_grant", Description: "Refresh token expired"})
		return
	case errors.Is(err, auth.ErrReused):
		h.Log.WarnContext(ctx, "a refresh token was used a second time; its family has ended", "site", h.Site, "user", family.UserID, "session", family.ID, "from", h.ClientAddr(r))
		refuse(w, oauthError{Code: "invalid_grant", Description: "Invalid Refresh Token"})
		return
	case fault.Is(err, fault.Unauthenticated):
		refuse(w, oauthError{Code: "invalid_grant", Description: "Invalid Refresh Token"})
		return
	case err != nil:
		h.fail(w, r, err)
		return
	}
	user, err := h.Identity.User(ctx, family.UserID)
	if fault.Is(err, fault.NotFound) { // removed just now, and the family with it
		refuse(w, oauthError{Code: "invalid_grant", Description: "Invalid Refresh Token"})
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.grant(w, r, user, family, next)
}

func (h *Handler) grant(w http.ResponseWriter, r *http.Request, user identity.User, family auth.Session, refresh string) {
	access, err := h.Door.Issuer.Access(h.Site, h.Door.IssuerURL(h.Site), family.ID, auth.Subject{
		UserID: user.ID, Email: user.Email, AppMetadata: h.appMetadata(user), UserMetadata: userMetadata(user),
	})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, grant{
		AccessToken: access, TokenType: "bearer", ExpiresIn: int(auth.AccessLife.Seconds()), RefreshToken: refresh,
	})
}
