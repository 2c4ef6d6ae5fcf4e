// Command gatehouse lets the editors of a static site sign in and write to the
// site's Git repository.
//
// This package reads flags and prints; what the commands do is in package app
// and below. There is one file for each subcommand.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
)

// Exit codes.
const (
	exitFailure = 1 // it did not work
	exitUsage   = 2 // the command line or the configuration is wrong
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stderr)) }

func run(ctx context.Context, args []string, stderr io.Writer) int {
	root := rootCommand() //nolint:contextcheck // each command has its context from cobra
	root.SetArgs(args)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, sentence(err)) // there is nobody left to tell
	var c *config.Error
	if errors.As(err, &c) || errors.Is(err, errUsage) || fault.Is(err, fault.Invalid) {
		return exitUsage
	}
	return exitFailure
}

// errUsage is in the chain of errors about the command line.
var errUsage = errors.New("see --help")

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "Let the editors of a static site sign in and write to its Git repository",
		Long: `Gatehouse lets the editors of a static site sign in and write to the site's
Git repository, with the CMS that the site already has.

Begin with 'gatehouse init', then 'gatehouse serve'.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%s. See '%s --help'.", strings.TrimSuffix(err.Error(), "."), cmd.CommandPath())
	})
	root.PersistentFlags().String("config", "", "the configuration file (default $GATEHOUSE_CONFIG, else ./gatehouse.yaml)")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(serveCommand(), initCommand(), usersCommand(), importCommand(), mailCommand(), demoCommand(), doctorCommand(), versionCommand(), docsCommand())
	return root
}

// usage is an error about the command line.
func usage(format string, args ...any) error {
	return fault.Wrap(fault.Invalid, errUsage, format, args...)
}

// sentence is an error for people: the message of a fault, and of an internal
// one the cause, too, since who runs the command may see it.
func sentence(err error) string {
	var f *fault.Error
	text := err.Error()
	if errors.As(err, &f) && f.Message != "" {
		text = f.Message
		if f.Err != nil && !errors.Is(f.Err, errUsage) && f.Kind == fault.Internal {
			text += " " + f.Err.Error()
		}
	}
	return "gatehouse: " + text
}

// loadConfig reads the configuration that the command line names.
func loadConfig(cmd *cobra.Command) (*config.Config, error) {
	name, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	return config.Load(config.Find(name))
}
