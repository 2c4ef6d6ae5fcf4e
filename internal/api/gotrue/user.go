package gotrue

import (
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// userJSON is a user as clients know one. Metadata are objects, never null:
// the CMS reads into them unasked.
type userJSON struct {
	ID                 string         `json:"id"`
	Audience           string         `json:"aud"`
	Role               string         `json:"role"`
	Email              string         `json:"email"`
	ConfirmedAt        time.Time      `json:"confirmed_at,omitzero"`
	InvitedAt          time.Time      `json:"invited_at,omitzero"`
	ConfirmationSentAt time.Time      `json:"confirmation_sent_at,omitzero"`
	RecoverySentAt     time.Time      `json:"recovery_sent_at,omitzero"`
	NewEmail           string         `json:"new_email,omitempty"`
	EmailChangeSentAt  time.Time      `json:"email_change_sent_at,omitzero"`
	LastSignInAt       time.Time      `json:"last_sign_in_at,omitzero"`
	AppMetadata        map[string]any `json:"app_metadata"`
	UserMetadata       map[string]any `json:"user_metadata"`
	CreatedAt          time.Time      `json:"created_at"`
	UpdatedAt          time.Time      `json:"updated_at"`
	InviteLink         string         `json:"invite_link,omitempty"`
}

func (h *Handler) userJSON(u identity.User) userJSON {
	return userJSON{
		ID: u.ID, Audience: h.Site, Email: u.Email,
		ConfirmedAt: seconds(u.Confirmed), InvitedAt: seconds(u.Invited),
		ConfirmationSentAt: seconds(u.Waiting.Confirmation), RecoverySentAt: seconds(u.Waiting.Recovery),
		NewEmail: u.Waiting.NewEmail, EmailChangeSentAt: seconds(u.Waiting.EmailChange),
		LastSignInAt: seconds(u.LastSignIn),
		AppMetadata:  appMetadata(u.RolesAt(h.Site)), UserMetadata: userMetadata(u),
		CreatedAt: seconds(u.Created), UpdatedAt: seconds(u.Updated),
	}
}

func seconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// appMetadata is what the server says of a user at a site.
func appMetadata(roles []string) map[string]any {
	return map[string]any{"provider": "email", "roles": append([]string{}, roles...)}
}

// fullName is where clients keep the name of an account in its metadata.
const fullName = "full_name"

// userMetadata is what a user's clients keep, with the name that the account
// has.
func userMetadata(u identity.User) map[string]any {
	m := maps.Clone(u.Metadata)
	if m == nil {
		m = map[string]any{}
	}
	if u.Name != "" {
		m[fullName] = u.Name
	}
	return m
}

// nameIn is the name that metadata give an account; nil when they say nothing of
// it.
func nameIn(data map[string]any) *string {
	value, there := data[fullName]
	name, text := value.(string)
	if !there || value != nil && !text {
		return nil
	}
	return &name
}

func (h *Handler) user(w http.ResponseWriter, r *http.Request) error {
	who, err := h.bearer(r)
	if err != nil {
		return err
	}
	user, err := h.Identity.User(r.Context(), who.UserID)
	if fault.Is(err, fault.NotFound) {
		return noSuchUser()
	}
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, h.userJSON(user))
}

// userChange is what people may change about themselves. Empty texts stand for
// no change, as in GoTrue.
type userChange struct {
	Email            string         `json:"email"`
	Password         string         `json:"password"`
	Data             map[string]any `json:"data"`
	AppMetadata      *rolesChange   `json:"app_metadata"`
	EmailChangeToken string         `json:"email_change_token"`
}

func (h *Handler) changeUser(w http.ResponseWriter, r *http.Request) error {
	who, err := h.bearer(r)
	if err != nil {
		return err
	}
	var ask userChange
	if err := h.readJSON(w, r, "User Update", &ask); err != nil {
		return err
	}
	roles, err := h.ownRoles(r, who, ask.AppMetadata)
	if err != nil {
		return err
	}
	user, err := h.Identity.UpdateSelf(r.Context(), who, h.Site, ask.change(h.ClientAddr(r)))
	if err == nil && roles != nil {
		if err = roles(); err == nil {
			user, err = h.Identity.User(r.Context(), who.UserID)
		}
	}
	switch {
	case errors.Is(err, identity.ErrToken):
		return apiError{Code: http.StatusUnauthorized, Msg: "Email Change Token didn't match token on file"}
	case errors.Is(err, identity.ErrTokenExpired):
		return apiError{Code: http.StatusUnprocessableEntity, Msg: "Email change token expired"}
	case fault.Is(err, fault.Conflict):
		return takenEmail()
	case fault.Is(err, fault.NotFound):
		return noSuchUser()
	case err != nil:
		return err
	}
	return reply(w, http.StatusOK, h.userJSON(h.asked(user, ask.Email)))
}

func (c userChange) change(from netip.Addr) identity.Change {
	change := identity.Change{Name: nameIn(c.Data), Data: c.Data, From: from}
	if c.Password != "" {
		change.Password = &c.Password
	}
	if c.Email != "" {
		change.Email = &c.Email
	}
	if c.EmailChangeToken != "" {
		change.EmailToken = &c.EmailChangeToken
	}
	return change
}

// asked is a user with the new address that they have just asked for. The mail
// goes out later, and not at all when somebody has that address; the answer must
// not tell.
func (h *Handler) asked(u identity.User, email string) identity.User {
	folded, err := identity.FoldEmail(email)
	if err != nil || folded == u.Email {
		return u
	}
	u.Waiting.NewEmail, u.Waiting.EmailChange = folded, h.Identity.Now()
	return u
}

// ownRoles is what gives the bearer other roles, once all else has been found
// right; nil when nothing of app_metadata changes. It is for administrators.
func (h *Handler) ownRoles(r *http.Request, who auth.Principal, c *rolesChange) (func() error, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // nothing to do
	}
	desk, err := h.Identity.Desk(r.Context(), who, h.Site)
	if fault.Is(err, fault.Forbidden) {
		return nil, apiError{Code: http.StatusUnauthorized, Msg: "Updating app_metadata requires admin privileges"}
	}
	if err != nil || !c.set {
		return nil, err
	}
	return func() error { return desk.SetRoles(r.Context(), who.UserID, c.roles) }, identity.CheckRoles(c.roles)
}

// logout ends all refresh tokens that the bearer has at this site, and the
// access tokens with them.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) error {
	who, err := h.bearer(r)
	if err == nil {
		err = h.Door.Issuer.SignOut(r.Context(), who.UserID, h.Site)
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "signed out", "site", h.Site, "user", who.UserID)
	w.WriteHeader(http.StatusNoContent)
	return nil
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
