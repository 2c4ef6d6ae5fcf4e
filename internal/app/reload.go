package app

import (
	"context"
	"fmt"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
)

// reload reads the file again; what is wrong with it is logged, and changes
// nothing.
func (a *App) reload(ctx context.Context) {
	file := a.current().config.File
	cfg, err := config.Load(file)
	if err == nil {
		err = a.Reload(ctx, cfg)
	}
	if err != nil {
		a.log.Error("the configuration was not reloaded, the former one stays", "file", file, "reason", err.Error())
		return
	}
	a.log.Info("reloaded the configuration", "file", file, "sites", len(cfg.Sites))
}

// Reload puts a new configuration into effect. When it cannot be used, the old
// one stays and the error says why.
func (a *App) Reload(ctx context.Context, cfg *config.Config) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if err := a.unchangeable(cfg); err != nil {
		return err
	}
	certs, err := a.certs.prepare(cfg.TLS)
	if err != nil {
		return err
	}
	next, err := a.build(ctx, cfg)
	if err != nil {
		return err
	}
	a.certs.current.Store(certs)
	a.mu.Lock()
	old := a.house
	a.house = next
	a.mu.Unlock()
	a.useJobs(next)
	a.background.Go(func() {
		old.requests.Wait()
		a.report(old.close())
	})
	return nil
}

// unchangeable refuses what only a restart can change.
func (a *App) unchangeable(cfg *config.Config) error {
	now := a.current().config
	for _, c := range []struct{ key, old, new string }{
		{"listen", now.Listen, cfg.Listen},
		{"data", now.Data, cfg.Data},
		{"url", now.URL, cfg.URL},
	} {
		if c.old != c.new {
			return fault.New(fault.Invalid, "%s has changed from %s to %s, which needs a restart.", c.key, c.old, c.new)
		}
	}
	if now.Database.Reveal() != cfg.Database.Reveal() {
		return fault.New(fault.Invalid, "database has changed, which needs a restart.")
	}
	if now.Mail.SMTP.Reveal() != cfg.Mail.SMTP.Reveal() || now.Mail.From != cfg.Mail.From || now.Mail.Templates != cfg.Mail.Templates || now.Mail.CA != cfg.Mail.CA {
		return fault.New(fault.Invalid, "mail has changed, which needs a restart.")
	}
	if now.TLS.Enabled() != cfg.TLS.Enabled() {
		return fault.New(fault.Invalid, "tls was switched on or off, which needs a restart.")
	}
	return nil
}

// useJobs gives every site's runner its job. A site that is gone has none.
func (a *App) useJobs(h *house) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, runner := range a.deploys {
		runner.Use(h.jobs[name])
	}
}

func (a *App) report(err error) {
	if err != nil {
		a.log.Error("closing a repository", "error", fmt.Errorf("after a reload: %w", err))
	}
}
