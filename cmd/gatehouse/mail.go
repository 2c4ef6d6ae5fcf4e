package main

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/mail"
)

// mailCommand is "gatehouse mail": outgoing mail, from the command line.
func mailCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "mail",
		Short: "Try the mail server of the configuration",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(mailTest())
	return c
}

func mailTest() *cobra.Command {
	var to, site, language string
	c := &cobra.Command{
		Use:   "test --to ADDRESS",
		Short: "Send a test mail, and say what the mail server answers",
		Long: `Send a test mail with the settings of the configuration, and say what the mail
server answers. It is sent at once, with or without a running server, and not
tried again.

Templates of your own that cannot be used are named.`,
		Example: `  gatehouse mail test --to you@example.org
  gatehouse mail test --to you@example.org --site blog --language de`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if to == "" {
				return usage("Say with --to who gets the mail.")
			}
			return testMail(c, mail.Message{Kind: mail.Test, To: to, Site: site, Language: language})
		},
	}
	c.Flags().StringVar(&to, "to", "", "the address that gets the mail")
	c.Flags().StringVar(&site, "site", "", "a site, whose sender and looks the mail has")
	c.Flags().StringVar(&language, "language", "", "the language of the mail (default that of the site)")
	return c
}

func testMail(c *cobra.Command, m mail.Message) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	if err := (&access{site: m.Site}).known(cfg); err != nil {
		return err
	}
	s, err := app.OpenStore(c.Context(), cfg)
	if err != nil {
		return err
	}
	// What goes wrong is said below, once; of the log there remain the templates.
	post, err := app.OpenMail(cfg, s, newLog(c.ErrOrStderr(), slog.LevelWarn), func() *config.Config { return cfg })
	if err == nil {
		var answer string
		if answer, err = post.Test(c.Context(), m); err == nil {
			say(c, "The mail server has taken the mail to %s. It answered: %s\nWhether it arrives is up to the servers behind it: look into the mailbox, and among the spam.\n", m.To, answer)
		}
	}
	return errors.Join(err, s.Close())
}
