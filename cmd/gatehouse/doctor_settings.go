package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/audit"
	"gatehouse/internal/config"
	"gatehouse/internal/connector"
	"gatehouse/internal/doctor"
	"gatehouse/internal/provider"
	"gatehouse/internal/store"
)

// doctorSettings reads gatehouse.yaml when the command line or the environment
// names it; nil: nobody does.
func doctorSettings(ctx context.Context, c *cobra.Command) (*doctor.Settings, error) {
	if !c.Flags().Changed("config") && os.Getenv("GATEHOUSE_CONFIG") == "" {
		return nil, nil
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, err
	}
	s := &doctor.Settings{URL: cfg.URL, SecretFiles: openSecrets(cfg)}
	for i := range cfg.Sites {
		d := doctorSite(&cfg.Sites[i])
		d.API = ownAPI(cfg, &cfg.Sites[i])
		s.Sites = append(s.Sites, d)
	}
	addLives(ctx, cfg, s)
	return s, nil
}

func doctorSite(c *config.Site) doctor.Site {
	s := doctor.Site{
		Name: c.Name, Kind: c.Backend.Name, Repo: c.Backend.Repo, Branch: c.Backend.Branch,
		Origins: c.Origins, DevOrigins: c.DevOrigins, PreviewOrigins: c.PreviewOrigins, Endpoint: c.AuthEndpoint,
	}
	s.Domains = append(append(s.Domains, c.Domains...), c.Hosts...)
	for _, o := range c.AllOrigins() {
		if u, err := url.Parse(o); err == nil {
			s.Domains = append(s.Domains, u.Hostname())
		}
	}
	if !c.Backend.AtHost() {
		s.Repo = "" // a directory is nothing to a CMS page
	}
	return s
}

// ownAPI is where the API of a site's host is, when the site has one connector in
// the file and that leads to a host of the operator's own.
func ownAPI(cfg *config.Config, s *config.Site) string {
	var found []config.Connector
	for _, c := range cfg.Connectors {
		if c.Kind == s.Backend.Name && (len(s.Connectors) == 0 || slices.Contains(s.Connectors, c.Name)) {
			found = append(found, c)
		}
	}
	if len(found) != 1 || found[0].URL == "" {
		return ""
	}
	p, err := provider.New(provider.App{Kind: found[0].Kind, URL: found[0].URL, API: found[0].API, ClientID: found[0].ClientID})
	if err != nil || p.URL == connector.Home(p.Kind) {
		return ""
	}
	return p.API
}

// addLives reads from the database how long the latest sign-in of each site
// lasts. Only a database that has its key is opened, as the other commands do it
// beside a running server; when that fails, the doctor does without.
func addLives(ctx context.Context, cfg *config.Config, s *doctor.Settings) {
	if _, err := os.Stat(filepath.Join(cfg.Data, store.KeyFile)); err != nil {
		return
	}
	db, err := app.OpenStore(ctx, cfg)
	if err != nil {
		return
	}
	defer func() { _ = db.Close() }() // nothing was written
	log := &audit.Log{Store: db}
	for i := range s.Sites {
		last, err := log.Recent(ctx, audit.Filter{Site: s.Sites[i].Name, Kind: audit.SignIn, Limit: 1})
		if err == nil && len(last) > 0 {
			s.Sites[i].Life = &last[0].Expires
		}
	}
}

var secretLine = regexp.MustCompile(`(?m)^[^#\n]*\b(client_secret|token|secret)["']?\s*:\s*["']?[^\s"'{}]`)

// openSecrets are the files with secrets in them that everybody on this machine
// may read.
func openSecrets(cfg *config.Config) []doctor.SecretFile {
	var out []doctor.SecretFile
	add := func(name, what string) {
		if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o004 != 0 {
			out = append(out, doctor.SecretFile{Name: name, Setting: what})
		}
	}
	for _, c := range cfg.Connectors {
		if file := c.ClientSecret.File(); file != "" {
			add(file, "the client_secret of the connector "+c.Name)
		}
	}
	if text, err := os.ReadFile(cfg.File); err == nil && secretLine.Match(text) {
		add(cfg.File, "a secret")
	}
	return out
}
