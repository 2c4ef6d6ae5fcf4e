package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

// importCommand is "gatehouse import": what people bring from elsewhere.
func importCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "import",
		Short: "Bring people over from another identity server",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(importGoTrue())
	return c
}

// importing is the command line of "gatehouse import gotrue".
type importing struct {
	site              string
	roles             []string
	apply, mail, json bool
	links             bool
}

func importGoTrue() *cobra.Command {
	var in importing
	c := &cobra.Command{
		Use:   "gotrue FILE… --site SITE",
		Short: "Bring people over from Netlify Identity or GoTrue",
		Long: `Bring people over from Netlify Identity or another GoTrue. A FILE is what the server
answered to GET /admin/users/export, which has the passwords' hashes, or to
GET /admin/users, which has not. SITE=FILE says which site a file is about; --site is
for files that do not.

Nothing is changed without --apply: the command says what it would do. It may be run
again at any time, also after it was stopped in the middle: who is here already is
left as they are. The server may be running.

Who is new signs in with the old password. Who has an account keeps its password and
gets the memberships; one address is one person, whatever its case. "admin" there is
admin of that site here, never operator. Who was never confirmed is not confirmed
here; who was banned stays out.

People who come without a password are asked to choose one: by mail with --mail, 50 a
minute and nobody twice, or by links that --links prints for you to pass on. Whoever
has such a link can be that person.`,
		Example: `  gatehouse import gotrue users.json --site blog --role editor
  gatehouse import gotrue users.json --site blog --role editor --apply --mail
  gatehouse import gotrue blog=blog.json shop=shop.json --apply`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("Name a file: what the server answered to GET /admin/users/export.")
			}
			return nil
		},
		RunE: in.run,
	}
	c.Flags().StringVar(&in.site, "site", "", "the site of the files that do not name one")
	c.Flags().StringArrayVar(&in.roles, "role", nil, "a role for people to whom the file gives none; may be repeated")
	c.Flags().BoolVar(&in.apply, "apply", false, "do it")
	c.Flags().BoolVar(&in.mail, "mail", false, "write to people who come without a password; with --apply")
	c.Flags().BoolVar(&in.links, "links", false, "print links for people who come without a password; with --apply")
	c.Flags().BoolVar(&in.json, "json", false, "print JSON")
	return c
}

func (in *importing) run(c *cobra.Command, args []string) error {
	// Ctrl-C ends it between two batches.
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case (in.mail || in.links) && !in.apply:
		return usage("--mail and --links go with --apply: without it nobody is there to be asked for a password.")
	case in.mail && in.links:
		return usage("Choose --mail or --links: a link ends when another one is made.")
	}
	if err := identity.CheckRoles(in.roles); err != nil {
		return err
	}
	in.warn(c)
	return withPeople(c, func(people *identity.Service, cfg *config.Config) error {
		exports, sites, err := in.exports(args, cfg)
		if err != nil {
			return err
		}
		if err := in.connect(c, people, cfg); err != nil {
			return err
		}
		progress := newProgress(c)
		report, err := people.Import(ctx, identity.Importing{
			Exports: exports, Roles: in.roles, Apply: in.apply,
			Progress: func(k, done, of int) { progress.show("%s: %d of %d", exports[k].Name, done, of) },
		})
		progress.end()
		out := importOutput{ImportReport: report}
		if err == nil {
			err = in.ask(ctx, people, sites, &out, progress)
		}
		if len(out.Exports) == 0 {
			return err
		}
		return errors.Join(stopped(ctx, err), in.show(c, out))
	})
}

// stopped says what a signal means.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errors.New("Stopped. What is said above was done; run the command again to go on.") //nolint:staticcheck // a sentence for people
	}
	return err
}

func (in *importing) warn(c *cobra.Command) {
	who := access{site: cmp.Or(in.site, "-"), roles: in.roles}
	if len(in.roles) > 0 {
		_ = who.check(c) // it warns alone: both are there
	}
}

// exports are the files of the command line, and their sites, each once.
func (in *importing) exports(args []string, cfg *config.Config) (exports []identity.Export, sites []string, err error) {
	for _, arg := range args {
		site, file := in.site, arg
		if name, rest, ok := strings.Cut(arg, "="); ok && (&access{site: name}).known(cfg) == nil {
			site, file = name, rest
		}
		if site == "" {
			return nil, nil, usage("Name the site of %s: --site SITE, or SITE=%s.", arg, filepath.Base(arg))
		}
		if err := (&access{site: site}).known(cfg); err != nil {
			return nil, nil, err
		}
		exports = append(exports, identity.Export{Name: file, Site: site, Open: func() (io.ReadCloser, error) { return os.Open(file) }})
		if !slices.Contains(sites, site) {
			sites = append(sites, site)
		}
	}
	return exports, sites, nil
}

// connect gives the accounts what asking people needs.
func (in *importing) connect(c *cobra.Command, people *identity.Service, cfg *config.Config) error {
	app.UseLinks(people, cfg)
	if !in.mail {
		return nil
	}
	post, err := app.OpenMail(cfg, people.Store, newLog(c.ErrOrStderr(), slog.LevelWarn), func() *config.Config { return cfg })
	if err != nil {
		return err
	}
	if post.SMTP == "" {
		return usage("There is no mail server: name one in gatehouse.yaml (mail.smtp and mail.from), or use --links.")
	}
	people.Mail = post
	return nil
}

// ask asks people who came without a password, and counts who is left.
func (in *importing) ask(ctx context.Context, people *identity.Service, sites []string, out *importOutput, progress *progressLine) (err error) {
	switch {
	case in.mail:
		out.Mailed, err = people.AskForPasswords(ctx, sites, func(done int) { progress.show("%d mails written", done) })
	case in.links:
		err = people.PasswordLinks(ctx, sites, func(email, link string) {
			out.Links = append(out.Links, importLink{email, link})
		})
	}
	progress.end()
	if !in.apply {
		return err
	}
	for _, site := range sites {
		n, countErr := people.Unasked(ctx, site)
		if out.Waiting += n; countErr != nil {
			return errors.Join(err, countErr)
		}
	}
	return err
}
