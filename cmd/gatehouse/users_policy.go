package main

import (
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

func usersPolicy() *cobra.Command {
	var p identity.Policy
	c := &cobra.Command{
		Use:   "policy SITE",
		Short: "Show or say how people come to a site's accounts",
		Long: `Show how people come to a site's accounts; with a flag, change that.

Sign-up is open (anybody), invite (whom an administrator of the site invites) or
closed (whom an operator invites).`,
		Example: `  gatehouse users policy blog
  gatehouse users policy blog --sign-up open --domain example.org --role contributor
  gatehouse users policy blog --sign-up invite --language de`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withPeople(c, func(people *identity.Service, cfg *config.Config) error {
				if err := (&access{site: args[0]}).known(cfg); err != nil {
					return err
				}
				return changePolicy(c, people, args[0], p)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&p.SignUp, "sign-up", "", "open, invite or closed")
	f.StringArrayVar(&p.Domains, "domain", nil, "a domain of addresses that may sign up; may be repeated; an empty one: all")
	f.StringArrayVar(&p.DefaultRoles, "role", nil, "a role of who signs up; may be repeated; an empty one: none")
	f.BoolVar(&p.Autoconfirm, "autoconfirm", false, "let in who signs up without a mail")
	f.BoolVar(&p.PasswordOff, "password-off", false, "sign nobody in with a password")
	f.StringVar(&p.Language, "language", "", "of mails to people whose own is not known")
	return c
}

// changePolicy puts what was said over a site's policy, and shows the result.
func changePolicy(c *cobra.Command, people *identity.Service, site string, said identity.Policy) error {
	p, err := people.Policy(c.Context(), site)
	if err != nil {
		return err
	}
	changed := false
	for name, take := range map[string]func(){
		"sign-up":      func() { p.SignUp = said.SignUp },
		"domain":       func() { p.Domains = withoutEmpty(said.Domains) },
		"role":         func() { p.DefaultRoles = withoutEmpty(said.DefaultRoles) },
		"autoconfirm":  func() { p.Autoconfirm = said.Autoconfirm },
		"password-off": func() { p.PasswordOff = said.PasswordOff },
		"language":     func() { p.Language = said.Language },
	} {
		if c.Flags().Changed(name) {
			take()
			changed = true
		}
	}
	if changed {
		if err := people.LocalDesk(site).SetPolicy(c.Context(), p); err != nil {
			return err
		}
		if p, err = people.Policy(c.Context(), site); err != nil {
			return err
		}
	}
	say(c, "%s: %s\n", site, describePolicy(p))
	return nil
}

func withoutEmpty(list []string) []string {
	var kept []string
	for _, s := range list {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

func describePolicy(p identity.Policy) string {
	parts := []string{"sign-up " + p.SignUp}
	if len(p.Domains) > 0 {
		parts = append(parts, "from "+strings.Join(p.Domains, ", "))
	}
	if len(p.DefaultRoles) > 0 {
		parts = append(parts, "as "+strings.Join(p.DefaultRoles, ", "))
	}
	if p.Autoconfirm {
		parts = append(parts, "confirmed at once")
	}
	if p.PasswordOff {
		parts = append(parts, "no passwords")
	}
	if p.Language != "" {
		parts = append(parts, "mails in "+p.Language)
	}
	return strings.Join(parts, "; ")
}
