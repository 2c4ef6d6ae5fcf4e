package main

import (
	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

// openIdentity opens the accounts of the server whose configuration the command
// line names. A server may be running on them. Call done at the end.
func openIdentity(cmd *cobra.Command) (people *identity.Service, cfg *config.Config, done func() error, err error) {
	if cfg, err = loadConfig(cmd); err != nil {
		return nil, nil, nil, err
	}
	people, store, err := app.OpenIdentity(cmd.Context(), cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	return people, cfg, store.Close, nil
}
