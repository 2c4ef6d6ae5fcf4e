package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/provider"
)

type connectorsView struct {
	Frame
	Notice string
	Rows   []connectorRow
}

type connectorRow struct {
	Name, Kind, Host, ClientID string
	Sites                      string // in words
	App, FromFile              bool
	Last, Problem              *eventRow // nil: none that is remembered
	Launcher                   bool      // always
	Lost, LostText             string    // when a popup was cut off; empty: not lately
}

// connectorNotice is what "done" in the address may say.
func connectorNotice(done string) string {
	switch done {
	case "added":
		return "The connector is added. Sign in to an editor that uses it, to see that it works."
	case "saved":
		return "The connector is saved. It holds from the next sign-in on."
	case "removed":
		return "The connector is removed."
	case "window":
		return "The next sign-in tries the one window again."
	}
	return ""
}

func (c *Connectors) list(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	view := connectorsView{Frame: c.Pages.inEnglish(r, who), Notice: connectorNotice(r.URL.Query().Get("done"))}
	var err error
	if view.Rows, err = c.rows(r.Context()); err != nil {
		c.Pages.Fail(w, r, err)
		return
	}
	c.Pages.render(w, r, http.StatusOK, "connectors", view.Frame, nobody, view)
}

func (c *Connectors) rows(ctx context.Context) ([]connectorRow, error) {
	all, err := c.Set.List(ctx)
	if err != nil {
		return nil, err
	}
	good, err := c.latest(ctx, audit.SignIn)
	if err != nil {
		return nil, err
	}
	bad, err := c.latest(ctx, audit.Failure)
	if err != nil {
		return nil, err
	}
	rows := make([]connectorRow, len(all))
	for i := range all {
		x := &all[i]
		rows[i] = connectorRow{
			Name: x.Name, Kind: hostName(x.Kind), Host: hostOf(x.URL), ClientID: x.ClientID, Sites: c.sitesOf(x),
			App: x.Slug != "", FromFile: x.FromFile, Launcher: x.Launcher, Last: good[x.Name], Problem: bad[x.Name],
		}
		lost, err := c.Set.OpenerLost(ctx, x.Name)
		if err != nil {
			return nil, err
		}
		if !lost.IsZero() {
			rows[i].Lost, rows[i].LostText = lost.UTC().Format(time.RFC3339), ago(lost, c.Now())
		}
	}
	return rows, nil
}

// sitesOf says in words which sites use a connector.
func (c *Connectors) sitesOf(x *connector.Connector) string {
	if len(x.Sites) == 0 {
		return "every site of its kind"
	}
	titles := make([]string, len(x.Sites))
	for i, name := range x.Sites {
		titles[i] = c.siteTitle(name)
	}
	return strings.Join(titles, ", ")
}

// siteTitle is a site's name for people; one that is gone keeps its name.
func (c *Connectors) siteTitle(name string) string {
	for _, s := range c.Sites {
		if s.Name == name && s.Title != "" {
			return s.Title
		}
	}
	return name
}

// hostName is a kind of host as it calls itself.
func hostName(kind string) string {
	switch kind {
	case provider.GitHub:
		return "GitHub"
	case provider.GitLab:
		return "GitLab"
	case provider.Bitbucket:
		return "Bitbucket"
	case provider.Gitea:
		return "Gitea"
	case provider.Forgejo:
		return "Forgejo"
	}
	return kind
}

// hostOf is an address without its scheme.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host + u.Path
}
