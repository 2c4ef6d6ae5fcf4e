package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

func usersInvite() *cobra.Command {
	var who access
	var name, language string
	c := &cobra.Command{
		Use:   "invite EMAIL --site SITE --role ROLE",
		Short: "Ask a person to a site, by mail",
		Long: `Ask a person to a site, or ask again: an earlier link ends. The running server sends
the mail. Without a mail server in the configuration the link is printed, to be passed
on by hand: whoever has it can be that person. It is good for seven days.

Who has an account already belongs to the site at once, and gets a notice.`,
		Example: `  gatehouse users invite ann@example.org --site blog --role editor
  gatehouse users invite ann@example.org --site blog --role editor --name "Ann Lee" --language de`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if who.site == "" {
				return usage("Name the site with --site.")
			}
			if err := who.check(c); err != nil {
				return err
			}
			return withPeople(c, func(people *identity.Service, cfg *config.Config) error {
				if err := who.known(cfg); err != nil {
					return err
				}
				return invite(c, people, cfg, who.site, identity.Invitation{Email: args[0], Name: name, Language: language, Roles: who.roles})
			})
		},
	}
	who.siteFlags(c)
	c.Flags().StringVar(&name, "name", "", "the name of the person")
	c.Flags().StringVar(&language, "language", "", "the language of the mail (default that of the site)")
	return c
}

func invite(c *cobra.Command, people *identity.Service, cfg *config.Config, site string, n identity.Invitation) (err error) {
	people.Mail, err = app.OpenMail(cfg, people.Store, newLog(c.ErrOrStderr(), slog.LevelWarn), func() *config.Config { return cfg })
	if err != nil {
		return err
	}
	in, err := people.LocalDesk(site).Invite(c.Context(), n)
	switch {
	case err != nil:
		return err
	case in.Joined:
		say(c, "%s has an account already, and belongs to %s now.\n", in.User.Email, site)
	case people.Mail.SMTP != "":
		say(c, "Invited %s to %s. The mail goes out by the running server.\n", in.User.Email, site)
	default:
		say(c, "Invited %s to %s. No mail server is configured, so pass this link on, good once until %s:\n%s\n",
			in.User.Email, site, day(in.User.Waiting.Until), in.Link)
	}
	return nil
}

func usersDisable() *cobra.Command {
	return &cobra.Command{
		Use:   "disable EMAIL",
		Short: "Shut a person's account and end their sessions",
		Long:  `Shut a person's account: nobody signs in to it, and all sessions end at once. Nothing is lost; 'users enable' opens it again.`,
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withUser(c, args[0], func(people *identity.Service, _ *config.Config, u identity.User) error {
				if err := people.LocalDesk("").Disable(c.Context(), u.ID); err != nil {
					return err
				}
				say(c, "%s is disabled and signed out everywhere.\n", u.Email)
				return nil
			})
		},
	}
}

func usersEnable() *cobra.Command {
	return &cobra.Command{
		Use:   "enable EMAIL",
		Short: "Open a disabled account again",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withUser(c, args[0], func(people *identity.Service, _ *config.Config, u identity.User) error {
				if err := people.LocalDesk("").Enable(c.Context(), u.ID); err != nil {
					return err
				}
				say(c, "%s may sign in again.\n", u.Email)
				return nil
			})
		},
	}
}
