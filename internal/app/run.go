package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gatehouse/internal/fault"
)

// Run serves until ctx ends, or SIGTERM or SIGINT comes; requests at work then
// get time to finish. On SIGHUP it reads the configuration's file again. It
// closes the App.
func (a *App) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }() //nolint:contextcheck // closing has a time of its own
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	cfg := a.current().config
	listener := a.options.Listener
	if listener == nil {
		if listener, err = Listen(ctx, cfg.Listen); err != nil {
			return err
		}
	}
	server := a.server(a)
	failed := make(chan error, 1)
	go func() { failed <- a.serve(server, listener, cfg.TLS.Enabled()) }()
	a.log.Info("listening", "address", listener.Addr().String(), "url", cfg.URL, "sites", len(cfg.Sites), "version", a.options.Version)
	if a.options.Ready != nil {
		a.options.Ready(listener.Addr())
	}
	a.background.Go(func() { a.sweep(ctx) })
	a.background.Go(func() { a.revoke(ctx) })
	a.background.Go(func() { a.Mail.Run(ctx) })
	for {
		select {
		case err := <-failed:
			return err
		case <-hangup:
			a.reload(ctx)
		case <-ctx.Done():
			return a.drain(ctx, server)
		}
	}
}

// Listen takes an address, host:port. Its faults say what is in the way.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.Wrap(fault.Unavailable, err, "Something listens on %s already. End it, or choose another port.", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fault.Wrap(fault.Invalid, err, "This user may not listen on %s. Choose a port from 1024 up, or give the program the capability CAP_NET_BIND_SERVICE.", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fault.Wrap(fault.Invalid, err, "This machine does not have the address of %s.", address)
	default:
		return nil, fault.Wrap(fault.Invalid, err, "Gatehouse cannot listen on %s: %v.", address, err)
	}
}

// server has time-outs for everything but the sending of an answer, which may
// be a large file to a slow client.
func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
}

func (a *App) serve(server *http.Server, l net.Listener, https bool) error {
	var err error
	if https {
		server.TLSConfig = a.certs.config()
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drain takes no more connections and lets requests finish.
func (a *App) drain(ctx context.Context, server *http.Server) error {
	a.log.Info("stopping", "patience", patience)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		a.log.Warn("requests were cut off", "error", err)
		return server.Close()
	}
	return nil
}

// sweep removes what has expired from the database, now and then.
func (a *App) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := a.Store.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Error("sweeping the database", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
