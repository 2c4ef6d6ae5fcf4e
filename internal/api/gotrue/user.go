package gotrue

import (
	"maps"
	"net/http"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// userJSON is a user as clients know one. Metadata are objects, never null:
// the CMS reads into them unasked.
type userJSON struct {
	ID           string         `json:"id"`
	Audience     string         `json:"aud"`
	Role         string         `json:"role"`
	Email        string         `json:"email"`
	ConfirmedAt  time.Time      `json:"confirmed_at,omitzero"`
	LastSignInAt time.Time      `json:"last_sign_in_at,omitzero"`
	AppMetadata  map[string]any `json:"app_metadata"`
	UserMetadata map[string]any `json:"user_metadata"`
	CreatedAt    time.Time      `json:"created_at"`
	UpdatedAt    time.Time      `json:"updated_at"`
}

func (h *Handler) userJSON(u identity.User) userJSON {
	return userJSON{
		ID: u.ID, Audience: h.Site, Email: u.Email,
		ConfirmedAt: seconds(u.Confirmed), LastSignInAt: seconds(u.LastSignIn),
		AppMetadata: h.appMetadata(u), UserMetadata: userMetadata(u),
		CreatedAt: seconds(u.Created), UpdatedAt: seconds(u.Updated),
	}
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// appMetadata is what the server says of a user at this site.
func (h *Handler) appMetadata(u identity.User) map[string]any {
	return map[string]any{"provider": "email", "roles": u.RolesAt(h.Site)}
}

// userMetadata is what a user's clients keep, with the name that the account
// has.
func userMetadata(u identity.User) map[string]any {
	m := maps.Clone(u.Metadata)
	if m == nil {
		m = map[string]any{}
	}
	if u.Name != "" {
		m["full_name"] = u.Name
	}
	return m
}

func (h *Handler) user(w http.ResponseWriter, r *http.Request) {
	who, err := h.bearer(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	user, err := h.Identity.User(r.Context(), who.UserID)
	if fault.Is(err, fault.NotFound) {
		refuse(w, apiError{Code: http.StatusNotFound, Msg: "User not found"})
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, h.userJSON(user))
}

// logout ends all refresh tokens that the bearer has at this site, and the
// access tokens with them.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	who, err := h.bearer(r)
	if err == nil {
		err = h.Door.Issuer.SignOut(r.Context(), who.UserID, h.Site)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Log.InfoContext(r.Context(), "signed out", "site", h.Site, "user", who.UserID)
	w.WriteHeader(http.StatusNoContent)
}

// bearer is who holds the access token of a request.
func (h *Handler) bearer(r *http.Request) (auth.Principal, error) {
	token, ok := auth.BearerToken(r.Header.Get("Authorization"))
	if !ok {
		return auth.Principal{}, apiError{Code: http.StatusUnauthorized, Msg: "This endpoint requires a Bearer token"}
	}
	who, err := h.Door.Bearer(r.Context(), token, h.Site)
	if fault.Is(err, fault.Unauthenticated) {
		return auth.Principal{}, apiError{Code: http.StatusUnauthorized, Msg: "Invalid token: " + fault.Message(err)}
	}
	if err != nil {
		return auth.Principal{}, err
	}
	if aud := r.Header.Get("X-JWT-AUD"); aud != "" && aud != h.Site {
		return auth.Principal{}, apiError{Code: http.StatusBadRequest, Msg: "Token audience doesn't match request audience"}
	}
	return who, nil
}
