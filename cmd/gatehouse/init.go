package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// initAnswers is what init needs to know.
type initAnswers struct {
	dir, url, listen  string
	site, title, repo string
	host, origin      string // a site whose CMS page is elsewhere
	email, name       string
	yes               bool // take the defaults instead of asking
}

func initCommand() *cobra.Command {
	var a initAnswers
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first gatehouse.yaml, with an account to sign in with",
		Long: `Write a first gatehouse.yaml, and make the account of its operator.

Questions are asked for what no flag says; --yes takes the defaults instead. The
repository may be one that exists; else a bare one is made, with a small site in
it. Nothing that exists is written over.

With --host the site's CMS page is elsewhere and works at a Git host, and
Gatehouse is its OAuth client: people sign in with their accounts there.`,
		Example: `  gatehouse init
  gatehouse init --yes --dir /srv/cms --repo /srv/git/blog.git --email me@example.org
  gatehouse init --host github --repo acme/www --origin https://www.example.com --url https://cms.example.com`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ask := &asker{in: bufio.NewReader(cmd.InOrStdin()), out: cmd.OutOrStdout(), silent: a.yes}
			return runInit(cmd.Context(), a, ask, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&a.yes, "yes", false, "ask nothing, take the defaults")
	f.StringVar(&a.dir, "dir", "", "the directory for gatehouse.yaml and data (default: the working directory)")
	f.StringVar(&a.url, "url", "", "where people will reach Gatehouse (default: http://127.0.0.1:8484)")
	f.StringVar(&a.listen, "listen", "127.0.0.1:8484", "the address to listen on")
	f.StringVar(&a.site, "site", "", "the site's name in addresses (default: site)")
	f.StringVar(&a.title, "title", "", "the site's name for people (default: from --site)")
	f.StringVar(&a.repo, "repo", "", "the site's repository, a directory (default: DIR/site.git)")
	f.StringVar(&a.host, "host", "", "for a CMS page elsewhere: github, gitlab, bitbucket, gitea or forgejo; --repo is owner/name then")
	f.StringVar(&a.origin, "origin", "", "with --host: the origin of the CMS page, https://www.example.com")
	f.StringVar(&a.email, "email", "", "the operator's e-mail address (default: admin@localhost.localdomain)")
	f.StringVar(&a.name, "name", "", "the operator's name")
	return cmd
}

func runInit(ctx context.Context, a initAnswers, ask *asker, out io.Writer) error {
	if err := a.complete(ask); err != nil {
		return err
	}
	if _, err := identity.FoldEmail(a.email); err != nil {
		return err
	}
	file := filepath.Join(a.dir, "gatehouse.yaml")
	if _, err := os.Lstat(file); err == nil {
		return fault.New(fault.Conflict, "%s exists already, and is left as it is. Edit it, or name another directory with --dir.", file)
	}
	if err := os.MkdirAll(a.dir, 0o755); err != nil { //nolint:gosec // G301: the configuration is no secret
		return fault.Wrap(fault.Invalid, err, "The directory %s cannot be made: %v.", a.dir, err)
	}
	made, err := a.repository(ctx)
	if err != nil {
		return err
	}
	if err := writeNew(file, a.yaml()); err != nil {
		return err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return errors.Join(err, os.Remove(file)) // ours, and wrong: the next try begins anew
	}
	password, err := firstOperator(ctx, cfg, a)
	if err != nil {
		return errors.Join(err, os.Remove(file)) // likewise: nobody could sign in
	}
	report(out, a, cfg, made, password)
	return nil
}

// complete asks for what no flag said.
func (a *initAnswers) complete(ask *asker) (err error) {
	if a.origin != "" && a.host == "" {
		return usage("--origin is for a CMS page that is elsewhere: name its Git host with --host, too.")
	}
	if a.host != "" && a.yes && (a.repo == "" || a.origin == "") {
		return usage("With --host, say --repo owner/name and --origin https://www.example.com too: there is nothing to guess them from.")
	}
	for _, q := range []question{
		{&a.dir, "Directory for gatehouse.yaml and its data", func() string { return "." }},
		{&a.url, "Where will people reach Gatehouse", func() string { return "http://" + a.listen }},
		{&a.site, "Name of the site in addresses (a-z, 0-9, -)", func() string { return "site" }},
		{&a.title, "Name of the site for people", func() string { return strings.ToUpper(a.site[:1]) + a.site[1:] }},
		a.askRepository(),
		a.askOrigin(),
		{&a.email, "Your e-mail address", func() string { return "admin@localhost.localdomain" }},
		{&a.name, "Your name, as the author of changes", func() string { return "Operator" }},
	} {
		if *q.to != "" || q.fallback == nil {
			continue
		}
		if *q.to, err = ask.ask(q.text, q.fallback()); err != nil {
			return err
		}
	}
	if a.dir, err = filepath.Abs(a.dir); err != nil {
		return err
	}
	if a.host == "" {
		a.repo, err = filepath.Abs(a.repo)
	}
	a.origin = strings.TrimSuffix(a.origin, "/")
	return err
}

// question is asked when no flag has the answer.
type question struct {
	to       *string
	text     string
	fallback func() string
}

func (a *initAnswers) askRepository() question {
	if a.host != "" {
		return question{&a.repo, "Its repository at " + a.host + ", owner/name", func() string { return "owner/name" }}
	}
	return question{&a.repo, "Its repository, a directory (made if it is not there)", func() string { return filepath.Join(a.dir, a.site+".git") }}
}

func (a *initAnswers) askOrigin() question {
	if a.host == "" {
		none := ""
		return question{&none, "", nil}
	}
	return question{&a.origin, "The address of the site whose page has the CMS", func() string { return "http://localhost:1313" }}
}

// repository makes the site's repository, unless it is there or elsewhere.
func (a *initAnswers) repository(ctx context.Context) (made bool, err error) {
	if a.host != "" {
		return false, nil
	}
	if _, err := os.Stat(a.repo); err == nil {
		return false, nil
	}
	return true, app.Starter(ctx, a.repo, a.title)
}

func (a *initAnswers) yaml() string {
	q := strconv.Quote // a quoted Go string of plain text is a quoted YAML string
	return `# Gatehouse: editors sign in here and write to a site's Git repository.
# The settings reference explains every key.

# Where people reach Gatehouse. Anything but a loopback address needs https:
# from a proxy in front (name it in trusted_proxies), or from tls.
url: ` + q(a.url) + `
listen: ` + q(a.listen) + `

# Accounts, and the key that seals secrets. Back it up.
data: data

# trusted_proxies: [127.0.0.1]
# tls: {cert: /etc/gatehouse/cert.pem, key: /etc/gatehouse/key.pem}

sites:
  - name: ` + q(a.site) + `
    title: ` + q(a.title) + `
` + a.backend()
}

// backend is the rest of the site's settings.
func (a *initAnswers) backend() string {
	q := strconv.Quote
	if a.host != "" {
		return `    # The pages that may open the sign-in popup, exactly as browsers call them.
    origins: [` + q(a.origin) + `]
    # dev_origins: [http://localhost:4321]
    backend:
      name: ` + q(a.host) + `
      repo: ` + q(a.repo) + `
      # open_authoring: true              # anyone may propose changes from a fork

# The app that is registered at the host; or add it in the console instead.
# connectors:
#   - {name: ` + a.host + `, kind: ` + a.host + `, client_id: "…", client_secret_file: secret.txt}
`
	}
	repo := a.repo
	if rel, err := filepath.Rel(a.dir, a.repo); err == nil && filepath.IsLocal(rel) {
		repo = rel
	}
	return `    # hosts: [cms.example.org]            # host names that lead to this site
    # origins: [https://www.example.org]  # pages elsewhere that may call its services
    backend:
      name: git-gateway
      repo: ` + q(repo) + `
      # branch: main                      # else the repository's HEAD
    # worktree: update                    # for a repository with a work tree
    # admin: {bundle: decap-cms}          # or netlify-cms
    # deploy:                             # after the branch has moved
    #   command: [./build.sh]
`
}

func writeNew(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // G302: no secrets are in it
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// firstOperator makes the operator's account; the password is not kept
// anywhere. It is empty when the data is older and has accounts already.
func firstOperator(ctx context.Context, cfg *config.Config, a initAnswers) (password string, err error) {
	people, store, err := app.OpenIdentity(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if n, err := people.Count(ctx); err != nil || n > 0 {
		return "", err
	}
	password = identity.MakePassword()
	_, err = people.Add(ctx, identity.NewUser{Email: a.email, Name: a.name, Password: password, Operator: true})
	return password, err
}

func report(out io.Writer, a initAnswers, cfg *config.Config, made bool, password string) {
	lines := []string{"Wrote " + cfg.File + "."}
	if made {
		lines = append(lines, "Made the repository "+a.repo+", with a small site in it.")
	}
	if password != "" {
		lines = append(lines, "", "  E-mail    "+a.email, "  Password  "+password, "", "The password is shown this once. Change it on the account page.")
	} else {
		lines = append(lines, "The accounts in "+cfg.Data+" stay as they are.")
	}
	lines = append(lines, "", "Now run:  gatehouse serve --config "+cfg.File)
	if a.host != "" {
		lines = append(lines, "and open  "+cfg.URL+"/console/connectors/new?kind="+a.host, "to register Gatehouse at the host: it has the values to paste.")
	} else {
		lines = append(lines, "and open  "+cfg.URL+"/admin/")
	}
	_, _ = fmt.Fprintln(out, strings.Join(lines, "\n")) // there is nobody left to tell
}
