package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"syscall"

	"gatehouse/internal/api"
	"gatehouse/internal/api/content"
	"gatehouse/internal/cms"
	"gatehouse/internal/git"
	"gatehouse/internal/host/local"
	"gatehouse/internal/mirror"
	"gatehouse/internal/site"
	"gatehouse/internal/store"
)

// LocalOptions say what to edit on a laptop.
type LocalOptions struct {
	Dir     string // a site's directory; a Git repository or not
	Address string // host:port, loopback
	Log     *slog.Logger
	Ready   func(address net.Addr, workflow bool) // called once connections are accepted; may be nil
}

// Local edits a directory in place, without sign-in, for pages of this machine
// alone, until ctx ends or a signal comes.
func Local(ctx context.Context, o LocalOptions) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	folder, err := site.OpenFolder(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	memory, err := store.Open(ctx, store.Memory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, memory.Close()) }()
	listener, err := Listen(ctx, o.Address)
	if err != nil {
		return err
	}
	a := &App{log: o.Log}
	server := a.server(localHandler(folder, memory, o.Log))
	failed := make(chan error, 1)
	go func() { failed <- a.serve(server, listener, false) }()
	if o.Ready != nil {
		o.Ready(listener.Addr(), folder.Workflow)
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return a.drain(ctx, server)
	}
}

func localHandler(f *site.Folder, memory *store.Store, log *slog.Logger) http.Handler {
	repo := &mirror.Repository{Git: f.Repo, Host: &local.Host{Git: f.Repo, Name: f.Dir}, Live: true}
	service := &cms.Service{Repo: repo, Anywhere: true, Versions: &cms.Versions{Store: memory, Site: "local", Latest: true}}
	repo.Validate = service.Validate
	door := &content.Local{
		Site:     &site.Site{Name: "local", Title: f.Dir, Repo: repo, CMS: service},
		Workflow: f.Workflow, Log: log, Directory: f.Dir,
		Author: func(ctx context.Context) (git.Signature, error) { return localAuthor(ctx, f.Repo) },
	}
	mux := http.NewServeMux()
	door.Mount(mux)
	return api.RequestID(api.Log(log, api.Recover(log, api.Guard(mux))))
}

// localAuthor is whom git would name; somebody without a name still has to be
// called something in a draft's history.
func localAuthor(ctx context.Context, repo *git.Repo) (git.Signature, error) {
	who, err := repo.Author(ctx)
	if err != nil {
		return git.Signature{}, err
	}
	if who.Name == "" {
		who.Name = "Somebody"
	}
	if who.Email == "" {
		who.Email = "somebody@localhost"
	}
	return who, nil
}
