package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"gatehouse/internal/api"
	"gatehouse/internal/app"
)

func serveCommand() *cobra.Command {
	var local string
	var port uint16
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the sites of a configuration, or one directory on this laptop",
		Long: `Serve the sites of gatehouse.yaml until a signal comes.

SIGHUP reads the configuration again; a wrong one changes nothing and is logged.
SIGTERM and SIGINT end the server once the requests at work are done.

With --local a directory on this machine is edited in place, without sign-in:
for the 'local_backend' of a CMS, in the place of its own local server.`,
		Example: `  gatehouse serve --config /etc/gatehouse.yaml
  gatehouse serve --local .`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if local != "" {
				return serveLocal(cmd, local, port)
			}
			if cmd.Flags().Changed("port") {
				return usage("--port goes with --local: a server's address is listen in its configuration.")
			}
			return serve(cmd)
		},
	}
	cmd.Flags().StringVar(&local, "local", "", "edit this directory in place, without sign-in, for pages of this machine alone")
	cmd.Flags().Uint16Var(&port, "port", 8081, "the port for --local")
	return cmd
}

func serve(cmd *cobra.Command) error {
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	log := newLog(cmd.ErrOrStderr(), slog.LevelInfo)
	a, err := app.New(cmd.Context(), cfg, app.Options{Log: log, Version: version()})
	if err != nil {
		return err
	}
	if n, err := a.Identity.Count(cmd.Context()); err == nil && n == 0 {
		log.Warn("nobody can sign in yet: run 'gatehouse users add EMAIL --operator'")
	}
	return a.Run(cmd.Context())
}

func serveLocal(cmd *cobra.Command, dir string, port uint16) error {
	out := cmd.OutOrStdout()
	return app.Local(cmd.Context(), app.LocalOptions{
		Dir: dir, Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))), Log: newLog(cmd.ErrOrStderr(), slog.LevelInfo),
		Ready: func(address net.Addr, workflow bool) {
			_, _ = fmt.Fprintf(out, "Editing %s at http://%s/api/v1 (local_backend: true in the CMS's config.yml). Ctrl-C ends it.\n", dir, address)
			if !workflow {
				_, _ = fmt.Fprintln(out, "It is no Git repository: drafts (publish_mode: editorial_workflow) need one.")
			}
		},
	})
}

// newLog writes records as text, with request ids, and keeps secrets out.
func newLog(w io.Writer, from slog.Level) *slog.Logger {
	return slog.New(api.LogHandler(slog.NewTextHandler(w, &slog.HandlerOptions{Level: from})))
}
