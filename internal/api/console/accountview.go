package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/identity"
)

type accountView struct {
	Frame
	Addressed     string // the person, in the greeting
	Name, Email   string
	Notice, Error string
	Sites         []siteRow
	Deployments   []deploymentRow
	Sessions      []sessionRow
}

type siteRow struct{ Title, URL, Roles string }

type deploymentRow struct{ Title, When, WhenText, Commit, Problem, Output string }

type sessionRow struct {
	ID, Client, Address string
	Since, SinceText    string
	Seen, SeenText      string
	Current             bool
}

func (a *Account) page(w http.ResponseWriter, r *http.Request, who auth.Principal, view accountView, status int) {
	user, err := a.Identity.User(r.Context(), who.UserID)
	if err != nil {
		a.Pages.Fail(w, r, err)
		return
	}
	if view.Sessions, err = a.sessions(r.Context(), who); err != nil {
		a.Pages.Fail(w, r, err)
		return
	}
	view.Frame = a.Pages.personal(r, who)
	view.Addressed, view.Name, view.Email = nameOf(who), user.Name, user.Email
	view.Manages = managesPeople(user)
	view.Sites, view.Deployments = a.sites(user), a.deployments(user)
	a.Pages.render(w, r, status, "account", view.Frame, nobody, view)
}

// sites are those that a user belongs to.
func (a *Account) sites(u identity.User) []siteRow {
	var rows []siteRow
	for _, s := range a.Sites {
		if !u.Member(s.Name) {
			continue
		}
		roles := strings.Join(u.Roles[s.Name], ", ")
		switch {
		case u.Operator:
			roles = "operator"
		case roles == "":
			roles = "no role yet"
		}
		rows = append(rows, siteRow{Title: s.Title, URL: s.URL, Roles: roles})
	}
	return rows
}

// deployments are the last ones of the sites that a user publishes.
func (a *Account) deployments(u identity.User) []deploymentRow {
	var rows []deploymentRow
	for _, s := range a.Sites {
		roles := u.RolesAt(s.Name)
		if s.Deployed == nil || !slices.Contains(roles, identity.Admin) && !slices.Contains(roles, identity.Publisher) {
			continue
		}
		if d := s.Deployed(); d != nil {
			rows = append(rows, deploymentRow{
				Title: s.Title, When: d.At.UTC().Format(time.RFC3339), WhenText: ago(d.At, a.Now()),
				Commit: d.Commit[:min(len(d.Commit), 10)], Problem: d.Problem, Output: d.Output,
			})
		}
	}
	return rows
}

func (a *Account) sessions(ctx context.Context, who auth.Principal) ([]sessionRow, error) {
	list, err := a.Sessions.List(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	rows := make([]sessionRow, len(list))
	for i, s := range list {
		client := device(s.Agent)
		if !s.Browser {
			client = "The editor of " + s.Site + " (" + client + ")"
		}
		rows[i] = sessionRow{
			ID: s.ID, Client: client, Address: s.Address, Current: s.ID == who.Session,
			Since: s.Created.UTC().Format(time.RFC3339), SinceText: ago(s.Created, now),
			Seen: s.Seen.UTC().Format(time.RFC3339), SeenText: ago(s.Seen, now),
		}
	}
	return rows, nil
}
