package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

// access is what a person may do, as flags.
type access struct {
	site     string
	roles    []string
	operator bool
}

func (a *access) flags(c *cobra.Command) {
	a.siteFlags(c)
	c.Flags().BoolVar(&a.operator, "operator", false, "may do everything at every site")
}

func (a *access) siteFlags(c *cobra.Command) {
	c.Flags().StringVar(&a.site, "site", "", "the site that the roles are for")
	c.Flags().StringArrayVar(&a.roles, "role", nil, "a role at the site; may be repeated")
}

// check refuses half of a pair, and warns of roles that give nothing.
func (a *access) check(c *cobra.Command) error {
	switch {
	case a.site == "" && len(a.roles) > 0:
		return usage("Name the site of the roles with --site.")
	case a.site != "" && len(a.roles) == 0:
		return usage("Name a role at %s with --role: %s.", a.site, strings.Join(identity.BuiltinRoles(), ", "))
	}
	for _, r := range a.roles {
		if !slices.Contains(identity.BuiltinRoles(), r) {
			c.PrintErrf("Note: %q is not one of the built-in roles (%s) and gives no right by itself.\n", r, strings.Join(identity.BuiltinRoles(), ", "))
		}
	}
	return nil
}

// known refuses a site that the configuration does not have.
func (a *access) known(cfg *config.Config) error {
	names := make([]string, len(cfg.Sites))
	for i, s := range cfg.Sites {
		names[i] = s.Name
	}
	if a.site != "" && !slices.Contains(names, a.site) {
		return usage("The configuration has no site %q. It has: %s.", a.site, cmp.Or(strings.Join(names, ", "), "none"))
	}
	return nil
}

func usersRoles() *cobra.Command {
	var who access
	var leave bool
	c := &cobra.Command{
		Use:   "roles EMAIL",
		Short: "Say which roles a person has at a site",
		Example: `  gatehouse users roles ann@example.org --site blog --role publisher
  gatehouse users roles ann@example.org --site blog --leave
  gatehouse users roles ann@example.org --operator=false`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			operator := c.Flags().Changed("operator")
			switch {
			case leave && (who.site == "" || len(who.roles) > 0):
				return usage("--leave takes a membership away: name its --site, and no --role.")
			case !leave && who.site == "" && !operator && len(who.roles) == 0:
				return usage("Say what to change: --site with --role or --leave, or --operator.")
			}
			if !leave {
				if err := who.check(c); err != nil {
					return err
				}
			}
			return withUser(c, args[0], func(people *identity.Service, cfg *config.Config, u identity.User) error {
				if err := who.known(cfg); err != nil && !leave {
					return err
				}
				if err := setAccess(c, people, u, who, leave); err != nil {
					return err
				}
				u, err := people.User(c.Context(), u.ID)
				if err == nil {
					say(c, "%s: %s\n", u.Email, describeAccess(u))
				}
				return err
			})
		},
	}
	who.flags(c)
	c.Flags().BoolVar(&leave, "leave", false, "take the membership of --site away")
	return c
}

func setAccess(c *cobra.Command, people *identity.Service, u identity.User, who access, leave bool) error {
	if c.Flags().Changed("operator") {
		if err := people.SetOperator(c.Context(), u.ID, who.operator); err != nil {
			return err
		}
	}
	switch {
	case leave:
		return people.Leave(c.Context(), u.ID, who.site)
	case who.site != "":
		return people.SetRoles(c.Context(), u.ID, who.site, who.roles)
	}
	return nil
}
