package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

// userLine is one person in the output of "users list --json".
type userLine struct {
	ID         string              `json:"id"`
	Email      string              `json:"email"`
	Name       string              `json:"name"`
	Operator   bool                `json:"operator"`
	Roles      map[string][]string `json:"roles"` // by site
	Created    time.Time           `json:"created"`
	LastSignIn time.Time           `json:"lastSignIn,omitzero"`
	Pending    map[string][]string `json:"pending,omitempty"` // roles that wait for the person, by site
	Disabled   time.Time           `json:"disabled,omitzero"`
}

func lineOf(u identity.User) userLine {
	x := userLine{
		ID: u.ID, Email: u.Email, Name: u.Name, Operator: u.Operator, Roles: u.Roles,
		Created: u.Created, LastSignIn: u.LastSignIn, Disabled: u.Disabled,
	}
	for site, p := range u.Pending {
		if x.Pending == nil {
			x.Pending = map[string][]string{}
		}
		x.Pending[site] = append([]string{}, p.Roles...)
	}
	return x
}

func usersList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show everybody",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withPeople(c, func(people *identity.Service, _ *config.Config) error {
				list, err := people.List(c.Context())
				if err != nil {
					return err
				}
				return showUsers(c, list, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func showUsers(c *cobra.Command, list []identity.User, asJSON bool) error {
	if asJSON {
		lines := make([]userLine, len(list))
		for i, u := range list {
			lines[i] = lineOf(u)
		}
		return printJSON(c, lines)
	}
	if len(list) == 0 {
		say(c, "There are no users yet. Add the first: gatehouse users add EMAIL --operator\n")
		return nil
	}
	rows := [][]string{{"EMAIL", "NAME", "ACCESS", "LAST SIGN-IN"}}
	for _, u := range list {
		rows = append(rows, []string{u.Email, cmp.Or(u.Name, "–"), describeAccess(u), day(u.LastSignIn)})
	}
	return printTable(c, rows)
}

// sessionLine is one session in the output of "users sessions --json".
type sessionLine struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
}

func usersSessions() *cobra.Command {
	var revoke string
	var asJSON bool
	c := &cobra.Command{
		Use:   "sessions EMAIL",
		Short: "Show where a person is signed in, or sign them out",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withUser(c, args[0], func(people *identity.Service, _ *config.Config, u identity.User) error {
				switch revoke {
				case "":
					return showSessions(c, people, u, asJSON)
				case "all":
					n, err := people.EndSessions(c.Context(), u.ID)
					if err == nil {
						say(c, "Ended %d sessions of %s.\n", n, u.Email)
					}
					return err
				}
				if err := people.EndSession(c.Context(), u.ID, revoke); err != nil {
					return err
				}
				say(c, "Ended session %s of %s.\n", revoke, u.Email)
				return nil
			})
		},
	}
	c.Flags().StringVar(&revoke, "revoke", "", "end the session with this id, or all")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func showSessions(c *cobra.Command, people *identity.Service, u identity.User, asJSON bool) error {
	list, err := people.Sessions(c.Context(), u.ID)
	if err != nil {
		return err
	}
	lines := make([]sessionLine, len(list))
	for i, s := range list {
		kind := "browser"
		if !s.Browser {
			kind = "identity client at " + s.Site
		}
		lines[i] = sessionLine{s.ID, kind, s.Created, s.Seen, s.Expires, s.Address, s.Agent}
	}
	if asJSON {
		return printJSON(c, lines)
	}
	if len(lines) == 0 {
		say(c, "%s is not signed in anywhere.\n", u.Email)
		return nil
	}
	rows := [][]string{{"ID", "KIND", "SINCE", "LAST USED", "ADDRESS", "CLIENT"}}
	for _, s := range lines {
		rows = append(rows, []string{s.ID, s.Kind, day(s.Created), day(s.Seen), cmp.Or(s.Address, "–"), cmp.Or(s.Agent, "–")})
	}
	return printTable(c, rows)
}

// describeAccess is "operator; blog: editor; shop: admin, translator (invited)".
func describeAccess(u identity.User) string {
	var parts []string
	for site, roles := range u.Roles {
		parts = append(parts, site+": "+cmp.Or(strings.Join(roles, ", "), "no roles"))
	}
	for site, p := range u.Pending {
		waits := " (signed up, not confirmed)"
		if p.Invited {
			waits = " (invited)"
		}
		parts = append(parts, site+": "+cmp.Or(strings.Join(p.Roles, ", "), "no roles")+waits)
	}
	slices.Sort(parts)
	if u.Operator {
		parts = append([]string{"operator"}, parts...)
	}
	if !u.Disabled.IsZero() {
		parts = append([]string{"disabled"}, parts...)
	}
	return cmp.Or(strings.Join(parts, "; "), "no site")
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func printTable(c *cobra.Command, rows [][]string) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, r := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(r, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

func printJSON(c *cobra.Command, v any) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(v)
}
