package gotrue

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/audit"
)

// entry is an event as GoTrue's audit log has them.
type entry struct {
	ID        string    `json:"id"`
	Payload   payload   `json:"payload"`
	CreatedAt time.Time `json:"created_at"`
}

type payload struct {
	Action     string            `json:"action"`
	ActorEmail string            `json:"actor_email"`
	LogType    string            `json:"log_type"`
	Timestamp  time.Time         `json:"timestamp"`
	Traits     map[string]string `json:"traits,omitempty"`
}

// reach is how many events of a site are looked through, the newest ones.
const reach = 1000

// audit lists what happened at the site, the newest first. The query is one of
// action:…, type:… and author:…
func (h *Handler) audit(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.desk(r); err != nil {
		return err
	}
	page, err := pageOf(r)
	if err != nil {
		return err
	}
	wanted, err := queryOf(r.URL.Query().Get("query"))
	if err != nil {
		return err
	}
	events, err := h.Audit.Recent(r.Context(), audit.Filter{Site: h.Site, Limit: reach})
	if err != nil {
		return err
	}
	all := make([]entry, 0, len(events))
	for _, e := range events {
		if one := entryOf(e); wanted(one.Payload) {
			all = append(all, one)
		}
	}
	paginate(w, r, page, len(all))
	first := min(len(all), (page.Page-1)*page.Per)
	return reply(w, http.StatusOK, all[first:min(len(all), first+page.Per)])
}

// queryOf is what a query lets through.
func queryOf(query string) (func(payload) bool, error) {
	scope, value, _ := strings.Cut(query, ":")
	switch {
	case query == "":
		return func(payload) bool { return true }, nil
	case scope == "action":
		return func(p payload) bool { return p.Action == value }, nil
	case scope == "type":
		return func(p payload) bool { return p.LogType == value }, nil
	case scope == "author":
		return func(p payload) bool { return strings.Contains(p.ActorEmail, strings.ToLower(value)) }, nil
	}
	return nil, apiError{Code: http.StatusBadRequest, Msg: "Invalid query scope: " + scope}
}

func entryOf(e audit.Event) entry {
	p := payload{Action: e.Kind, ActorEmail: e.Actor, LogType: logType(e.Kind), Timestamp: seconds(e.At)}
	if e.Actor == "" {
		p.ActorEmail = e.Person
	} else {
		p.Traits = map[string]string{"user_email": e.Person}
	}
	return entry{ID: strconv.FormatInt(e.ID, 10), Payload: p, CreatedAt: seconds(e.At)}
}

// logType is what GoTrue files an action under.
func logType(action string) string {
	team := []string{
		audit.SignUp, audit.Invited, audit.Added, audit.Joined, audit.Removed, audit.Deleted,
		audit.RolesChanged, audit.PolicyChanged,
	}
	user := []string{
		audit.Modified, audit.RecoveryAsked, audit.MagicLinkAsked, audit.PasswordChanged,
		audit.EmailAsked, audit.EmailChanged, audit.Disabled, audit.Enabled,
	}
	switch {
	case slices.Contains(team, action):
		return "team"
	case slices.Contains(user, action):
		return "user"
	case action == audit.Refresh:
		return "token"
	}
	return "account"
}
