package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/identity"
)

type peopleView struct {
	Frame
	Site, Title   string // empty: all
	Sites         []formOption
	Notice, Error string
	Report        []reportRow
	Query         string // that is searched for
	Rows          []personRow
	Alone         bool // nobody but the visitor is there
	Total         int
	Newer, Older  string // addresses of other pages; empty: there are none
	Sends         bool
	Roles         []formOption // to invite with
	Addresses     string       // in the form
	Self          string       // the address of the list, with its site
}

// personRow is a person in the list.
type personRow struct {
	URL, Email, Name string
	You, RunsServer  bool
	Disabled         bool
	Roles            []siteRow // at the site, or at all; Title is empty at the site itself
	Pending          string    // what is waited for; empty: nothing
	Since, SinceText string    // of Pending
	Expired          bool      // the link of an invitation
	Invited          bool
	Resend           string // the form's address
	Seen, SeenText   string
}

const peoplePerPage = 50

func peopleNotice(done string) string {
	switch done {
	case "removed":
		return "The person is removed."
	case "roles":
		return "The roles are saved. They hold from now on."
	case "disabled":
		return "The account is disabled, and all its sessions have ended."
	case "enabled":
		return "The account is enabled."
	case "signed-out":
		return "The person is signed out everywhere."
	case "recover":
		return "A mail with a link to choose a new password is on its way."
	}
	return ""
}

func (p *People) list(w http.ResponseWriter, r *http.Request, v *visit) {
	p.renderList(w, r, v, http.StatusOK, peopleView{Notice: peopleNotice(r.URL.Query().Get("done"))})
}

// renderList fills a page with the people that the address asks for.
func (p *People) renderList(w http.ResponseWriter, r *http.Request, v *visit, status int, view peopleView) {
	q := r.URL.Query()
	page, _ := strconv.Atoi(q.Get("page")) // what is no number is the first page
	page = min(max(page, 1), 1<<20)
	query := strings.TrimSpace(q.Get("q"))
	if len(query) > 200 {
		query = ""
	}
	members, total, err := v.desk.List(r.Context(), identity.Page{Page: page, Per: peoplePerPage, Sort: identity.SortEmail, Filter: query})
	if err != nil {
		p.Pages.Fail(w, r, err)
		return
	}
	view.Frame, view.Site, view.Title, view.Sites = p.frame(r, v), v.site, v.title, v.siteOptions()
	view.Here = "/console/people"
	view.Query, view.Total, view.Sends, view.Self = query, total, p.sends(), "/console/people"+v.query()
	for i := range members {
		view.Rows = append(view.Rows, p.row(v, &members[i]))
	}
	view.Alone = total == 1 && query == "" && len(view.Rows) == 1 && view.Rows[0].You
	if page > 1 {
		view.Newer = "/console/people" + v.query("q", query, "page", strconv.Itoa(page-1))
	}
	if page*peoplePerPage < total {
		view.Older = "/console/people" + v.query("q", query, "page", strconv.Itoa(page+1))
	}
	if view.Roles == nil {
		view.Roles = roleChoice(identity.Editor)
	}
	p.Pages.render(w, r, status, "people", view.Frame, nobody, view)
}

// roleChoice is the built-in roles, to choose one of.
func roleChoice(chosen string) []formOption {
	var options []formOption
	for _, role := range identity.BuiltinRoles() {
		options = append(options, formOption{Value: role, Label: roleWord(role), Chosen: role == chosen})
	}
	return options
}

// roleWord says what a built-in role may.
func roleWord(role string) string {
	switch role {
	case identity.Admin:
		return "admin: people, settings and all content"
	case identity.Publisher:
		return "publisher: all content, and publishing"
	case identity.Editor:
		return "editor: everything but publishing"
	case identity.Contributor:
		return "contributor: drafts of their own"
	case identity.Reader:
		return "reader: looks, changes nothing"
	}
	return role
}

func (p *People) row(v *visit, m *identity.Member) personRow {
	row := personRow{
		URL: "/console/people/" + m.ID + v.query(), Email: m.Email, Name: m.Name,
		You: m.ID == v.who.UserID, RunsServer: m.Operator, Disabled: !m.Disabled.IsZero(), Roles: p.rolesOf(v, m),
	}
	if pending, ok := m.Pending[v.site]; ok && v.site != "" {
		row.Pending, row.Invited = "has not confirmed the address yet", pending.Invited
		since := m.Waiting.Confirmation
		if pending.Invited {
			row.Pending, row.Resend = "invited", "/console/people/"+m.ID+"/resend"+v.query()
			row.Expired = !m.Waiting.Until.After(p.Now())
			if since.IsZero() {
				since = m.Invited
			}
		}
		if !since.IsZero() {
			row.Since, row.SinceText = stamp(since), ago(since, p.Now())
		}
	}
	if !m.Seen.IsZero() {
		row.Seen, row.SeenText = stamp(m.Seen), ago(m.Seen, p.Now())
	}
	return row
}

// rolesOf are a person's roles at the visit's site, or at each.
func (p *People) rolesOf(v *visit, m *identity.Member) []siteRow {
	var rows []siteRow
	add := func(site string, roles []string) {
		switch v.site {
		case "":
			rows = append(rows, siteRow{Title: p.titleOf(site), URL: "/console/people/" + m.ID + "?site=" + site, Roles: rolesInWords(roles)})
		case site:
			rows = append(rows, siteRow{Roles: rolesInWords(roles)})
		}
	}
	for site, roles := range m.Roles {
		add(site, roles)
	}
	for site, pending := range m.Pending {
		add(site, pending.Roles)
	}
	slices.SortFunc(rows, func(a, b siteRow) int { return strings.Compare(a.Title, b.Title) })
	return rows
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
