package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatehouse/internal/config/reference"
)

// docsCommand writes the generated pages of docs/reference. It is for people
// who change Gatehouse, and needs the source.
func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs DIR",
		Short:  "Write the reference of settings and commands",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := reference.Settings(filepath.Join("internal", "config", "config.go"))
			if err != nil {
				return err
			}
			pages := map[string][]byte{"settings.md": settings, "commands.md": commandsPage(cmd.Root())}
			for name, text := range pages {
				if err := os.WriteFile(filepath.Join(args[0], name), text, 0o644); err != nil { //nolint:gosec // G306: a page of the manual
					return err
				}
			}
			return nil
		},
	}
}

// commandsPage describes all commands in Markdown.
func commandsPage(root *cobra.Command) []byte {
	var b bytes.Buffer
	b.WriteString("# Commands\n\n<!-- Written by \"make docs\" from the commands' own help. -->\n\n" +
		root.Long + "\n\nEvery command takes `--config FILE`: " + root.PersistentFlags().Lookup("config").Usage + ".\n\n" +
		"Exit codes: 0 it worked; 1 it did not; 2 the command line or the configuration is wrong. Errors go to standard error, in one sentence.\n")
	for _, c := range root.Commands() {
		commandSection(&b, c, 2)
	}
	return b.Bytes()
}

func commandSection(b *bytes.Buffer, c *cobra.Command, level int) {
	if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
		return
	}
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	_, _ = fmt.Fprintf(b, "\n%s %s\n\n```\n%s\n```\n\n%s\n", strings.Repeat("#", level), c.CommandPath(), c.UseLine(), text) // a buffer cannot fail
	flags := ""
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		kind, use := pflag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + kind)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			use += " (default: " + f.DefValue + ")"
		}
		flags += "- `" + name + "`: " + use + "\n"
	})
	if flags != "" {
		b.WriteString("\n" + flags)
	}
	if c.Example != "" {
		b.WriteString("\n```\n" + c.Example + "\n```\n")
	}
	for _, sub := range c.Commands() {
		commandSection(b, sub, level+1)
	}
}
