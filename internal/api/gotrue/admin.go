package gotrue

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"

	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// rolesChange is what counts of app_metadata: the roles, where it has any.
type rolesChange struct {
	roles []string
	set   bool
}

// UnmarshalJSON reads {"roles": […]}; null takes all roles away. Other keys are
// the server's own.
func (c *rolesChange) UnmarshalJSON(data []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	raw, there := m["roles"]
	if !there {
		return nil
	}
	c.set = true
	if err := json.Unmarshal(raw, &c.roles); err != nil {
		return err
	}
	if c.roles == nil {
		c.roles = []string{}
	}
	return nil
}

// desk is the administration of the site's people by the bearer.
func (h *Handler) desk(r *http.Request) (*identity.Desk, error) {
	who, err := h.bearer(r)
	if err != nil {
		return nil, err
	}
	desk, err := h.Identity.Desk(r.Context(), who, h.Site)
	if fault.Is(err, fault.Forbidden) {
		return nil, apiError{Code: http.StatusUnauthorized, Msg: "User not allowed"}
	}
	return desk, err
}

// memberJSON is a user as administrators see one: who was invited has the roles
// of the invitation.
func (h *Handler) memberJSON(m identity.Member) userJSON {
	v := h.userJSON(m.User)
	if p, waits := m.Pending[h.Site]; waits {
		v.AppMetadata = appMetadata(p.Roles)
	}
	return v
}

func (h *Handler) listUsers(w http.ResponseWriter, r *http.Request) error {
	desk, err := h.desk(r)
	if err != nil {
		return err
	}
	page, err := pageOf(r)
	if err != nil {
		return err
	}
	list, total, err := desk.List(r.Context(), page)
	if err != nil {
		return err
	}
	users := make([]userJSON, len(list))
	for i, m := range list {
		users[i] = h.memberJSON(m)
	}
	paginate(w, r, page, total)
	return reply(w, http.StatusOK, struct {
		Audience string     `json:"aud"`
		Users    []userJSON `json:"users"`
	}{h.Site, users})
}

// adminUser is what an administrator says about an account. Fields that are not
// here, role and aud among them, count for nothing.
type adminUser struct {
	Email        string         `json:"email"`
	Password     string         `json:"password"`
	Confirm      bool           `json:"confirm"`
	UserMetadata map[string]any `json:"user_metadata"`
	AppMetadata  rolesChange    `json:"app_metadata"`
}

func (h *Handler) addUser(w http.ResponseWriter, r *http.Request) error {
	desk, err := h.desk(r)
	if err != nil {
		return err
	}
	var ask adminUser
	if err := h.readJSON(w, r, "admin user", &ask); err != nil {
		return err
	}
	if err := checkEmail(ask.Email); err != nil {
		return err
	}
	m, err := desk.Add(r.Context(), identity.Draft{
		Email: ask.Email, Password: ask.Password, Confirm: ask.Confirm, Roles: ask.AppMetadata.roles, Data: ask.UserMetadata,
	})
	if fault.Is(err, fault.Conflict) {
		return takenEmail()
	}
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, h.memberJSON(m))
}

// invite asks somebody to the site, or asks again.
func (h *Handler) invite(w http.ResponseWriter, r *http.Request) error {
	desk, err := h.desk(r)
	if err != nil {
		return err
	}
	var ask struct {
		Email       string         `json:"email"`
		Data        map[string]any `json:"data"`
		AppMetadata rolesChange    `json:"app_metadata"`
	}
	if err := h.readJSON(w, r, "Invite", &ask); err != nil {
		return err
	}
	if err := checkEmail(ask.Email); err != nil {
		return err
	}
	n := identity.Invitation{Email: ask.Email, Data: ask.Data}
	if ask.AppMetadata.set {
		n.Roles = ask.AppMetadata.roles
	}
	invited, err := desk.Invite(r.Context(), n)
	if fault.Is(err, fault.Conflict) {
		return takenEmail()
	}
	if err != nil {
		return err
	}
	v := h.memberJSON(invited.User)
	v.InviteLink = invited.Link
	return reply(w, http.StatusOK, v)
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$`)

// person is the user whom a path names.
func (h *Handler) person(r *http.Request) (*identity.Desk, identity.Member, error) {
	desk, err := h.desk(r)
	if err != nil {
		return nil, identity.Member{}, err
	}
	id := r.PathValue("id")
	if !uuid.MatchString(id) {
		return nil, identity.Member{}, apiError{Code: http.StatusBadRequest, Msg: "user_id must be an UUID"}
	}
	m, err := desk.User(r.Context(), id)
	if fault.Is(err, fault.NotFound) {
		return nil, identity.Member{}, noSuchUser()
	}
	return desk, m, err
}

func (h *Handler) oneUser(w http.ResponseWriter, r *http.Request) error {
	_, m, err := h.person(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, h.memberJSON(m))
}

// editUser changes an account, where it is the administrator's to change, and
// the roles at the site.
func (h *Handler) editUser(w http.ResponseWriter, r *http.Request) error {
	desk, m, err := h.person(r)
	if err != nil {
		return err
	}
	var ask adminUser
	if err := h.readJSON(w, r, "admin user", &ask); err != nil {
		return err
	}
	if err := identity.CheckRoles(ask.AppMetadata.roles); err != nil {
		return err
	}
	if edit := h.edit(m, ask); !reflect.DeepEqual(edit, identity.Edit{}) {
		_, err = desk.Change(r.Context(), m.ID, edit)
	}
	if err == nil && ask.AppMetadata.set {
		err = desk.SetRoles(r.Context(), m.ID, ask.AppMetadata.roles)
	}
	if err == nil {
		m, err = desk.User(r.Context(), m.ID)
	}
	switch {
	case fault.Is(err, fault.Conflict):
		return takenEmail()
	case fault.Is(err, fault.NotFound):
		return noSuchUser()
	case err != nil:
		return err
	}
	return reply(w, http.StatusOK, h.memberJSON(m))
}

// edit is what is different in what an administrator sends, since consoles send
// back all that they got; the account may not be theirs to change.
func (h *Handler) edit(m identity.Member, ask adminUser) identity.Edit {
	var c identity.Edit
	if folded, err := identity.FoldEmail(ask.Email); ask.Email != "" && (err != nil || folded != m.Email) {
		c.Email = &ask.Email
	}
	if ask.Password != "" {
		c.Password = &ask.Password
	}
	if ask.Confirm && m.Confirmed.IsZero() {
		c.Confirm = &ask.Confirm
	}
	now := userMetadata(m.User)
	for key, value := range ask.UserMetadata {
		if had, there := now[key]; there == (value != nil) && reflect.DeepEqual(had, value) {
			continue
		}
		c.Data, c.Name = ask.UserMetadata, nameIn(ask.UserMetadata)
	}
	return c
}

// removeUser takes somebody from the site; the account goes with the last one.
func (h *Handler) removeUser(w http.ResponseWriter, r *http.Request) error {
	desk, m, err := h.person(r)
	if err != nil {
		return err
	}
	err = desk.Remove(r.Context(), m.ID)
	if fault.Is(err, fault.NotFound) {
		return noSuchUser()
	}
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct{}{})
}
