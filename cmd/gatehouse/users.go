package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

// usersCommand is "gatehouse users": the accounts, from the command line. It
// works while the server runs, and what it changes acts at once.
func usersCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "users",
		Short: "Add and invite people, give them roles, end their sessions",
		Long: `Accounts, without the web. It may be used while the server runs; a change acts at once.

Roles that mean something: ` + strings.Join(identity.BuiltinRoles(), ", ") + `.
An operator may do everything at every site.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(usersAdd(), usersInvite(), usersList(), usersRoles(), usersPolicy(), usersReset(), usersDisable(), usersEnable(), usersRemove(), usersSessions())
	return c
}

func usersAdd() *cobra.Command {
	var who access
	var name string
	var stdin bool
	c := &cobra.Command{
		Use:   "add EMAIL",
		Short: "Add a person",
		Long: `Add a person. The password is the first line of standard input when that is a file
or a pipe; otherwise one is made and printed, once.`,
		Example: `  gatehouse users add ann@example.org --name "Ann Lee" --site blog --role editor
  gatehouse users add root@example.org --operator < password.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := who.check(c); err != nil {
				return err
			}
			password, made, err := passwordFor(c, stdin)
			if err != nil {
				return err
			}
			return withPeople(c, func(people *identity.Service, cfg *config.Config) error {
				if err := who.known(cfg); err != nil {
					return err
				}
				n := identity.NewUser{Email: args[0], Name: name, Password: password, Operator: who.operator}
				if who.site != "" {
					n.Roles = map[string][]string{who.site: who.roles}
				}
				u, err := people.Add(c.Context(), n)
				if err != nil {
					return err
				}
				say(c, "Added %s.\n", u.Email)
				if who.site == "" && !who.operator {
					say(c, "They belong to no site yet: gatehouse users roles %s --site SITE --role ROLE\n", u.Email)
				}
				showMade(c, password, made)
				return nil
			})
		},
	}
	who.flags(c)
	c.Flags().StringVar(&name, "name", "", "the name that is written into commits")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input, whatever it is")
	return c
}

func usersRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove EMAIL",
		Short: "Delete a person's account and end their sessions",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withUser(c, args[0], func(people *identity.Service, _ *config.Config, u identity.User) error {
				if err := people.Remove(c.Context(), u.ID); err != nil {
					return err
				}
				say(c, "Removed %s.\n", u.Email)
				return nil
			})
		},
	}
}

// withPeople opens the accounts for f.
func withPeople(c *cobra.Command, f func(*identity.Service, *config.Config) error) error {
	people, cfg, done, err := openIdentity(c)
	if err != nil {
		return err
	}
	return errors.Join(f(people, cfg), done())
}

// withUser opens the accounts for f and finds one by its e-mail address.
func withUser(c *cobra.Command, email string, f func(*identity.Service, *config.Config, identity.User) error) error {
	return withPeople(c, func(people *identity.Service, cfg *config.Config) error {
		u, err := people.ByEmail(c.Context(), email)
		if err != nil {
			return err
		}
		return f(people, cfg, u)
	})
}

// say prints to standard output, where cobra's own Printf does not.
func say(c *cobra.Command, format string, args ...any) {
	_, _ = fmt.Fprintf(c.OutOrStdout(), format, args...) // nobody to tell when even that fails
}
