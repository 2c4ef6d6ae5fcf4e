package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// usersCommand is "gatehouse users": the accounts, from the command line. It
// works while the server runs, and what it changes acts at once.
func usersCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "users",
		Short: "Add people, give them roles, end their sessions",
		Long: `Accounts, without the web. It may be used while the server runs; a change acts at once.

Roles that mean something: ` + strings.Join(identity.BuiltinRoles(), ", ") + `.
An operator may do everything at every site.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(usersAdd(), usersList(), usersRoles(), usersReset(), usersRemove(), usersSessions())
	return c
}

// access is what a person may do, as flags.
type access struct {
	site     string
	roles    []string
	operator bool
}

func (a *access) flags(c *cobra.Command) {
	c.Flags().StringVar(&a.site, "site", "", "the site that the roles are for")
	c.Flags().StringArrayVar(&a.roles, "role", nil, "a role at the site; may be repeated")
	c.Flags().BoolVar(&a.operator, "operator", false, "may do everything at every site")
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

func usersReset() *cobra.Command {
	var stdin bool
	c := &cobra.Command{
		Use:   "reset EMAIL",
		Short: "Give a person a new password and sign them out everywhere",
		Long: `Give a person a new password and sign them out everywhere. The password is the first
line of standard input when that is a file or a pipe; otherwise one is made and printed, once.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, made, err := passwordFor(c, stdin)
			if err != nil {
				return err
			}
			return withUser(c, args[0], func(people *identity.Service, _ *config.Config, u identity.User) error {
				if err := people.ResetPassword(c.Context(), u.ID, password); err != nil {
					return err
				}
				say(c, "%s has a new password and is signed out everywhere.\n", u.Email)
				showMade(c, password, made)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input, whatever it is")
	return c
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

// passwordFor reads the password from standard input when that is not a
// terminal, or must be read; otherwise, and from nothing, it makes one.
func passwordFor(c *cobra.Command, must bool) (password string, made bool, err error) {
	in := c.InOrStdin()
	if f, ok := in.(*os.File); ok && !must {
		// A terminal is a character device, and so is the null device.
		info, err := f.Stat()
		if err != nil {
			return "", false, fault.Wrap(fault.Invalid, err, "Standard input cannot be used.")
		}
		if info.Mode()&os.ModeCharDevice != 0 {
			return identity.MakePassword(), true, nil
		}
	}
	line, err := bufio.NewReader(io.LimitReader(in, 8*identity.MaxPassword)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, fault.Wrap(fault.Invalid, err, "The password cannot be read from standard input.")
	}
	switch line = strings.TrimRight(line, "\r\n"); {
	case line == "" && must:
		return "", false, usage("Standard input is empty. It should hold the password, on one line.")
	case line == "":
		return identity.MakePassword(), true, nil
	}
	return line, false, nil
}

func showMade(c *cobra.Command, password string, made bool) {
	if made {
		say(c, "Password, shown only now: %s\n", password)
	}
}

// say prints to standard output, where cobra's own Printf does not.
func say(c *cobra.Command, format string, args ...any) {
	_, _ = fmt.Fprintf(c.OutOrStdout(), format, args...) // nobody to tell when even that fails
}
