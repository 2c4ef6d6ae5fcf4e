package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

func usersReset() *cobra.Command {
	var stdin bool
	c := &cobra.Command{
		Use:   "reset EMAIL",
		Short: "Give a person a new password and sign them out everywhere",
		Long: `Give a person a new password and sign them out everywhere. The password is the first
line of standard input when that is a file or a pipe; otherwise one is made and printed, once.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, made, err := passwordFor(c, stdin)
			if err != nil {
				return err
			}
			return withUser(c, args[0], func(people *identity.Service, _ *config.Config, u identity.User) error {
				if err := people.ResetPassword(c.Context(), u.ID, password); err != nil {
					return err
				}
				say(c, "%s has a new password and is signed out everywhere.\n", u.Email)
				showMade(c, password, made)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input, whatever it is")
	return c
}

// passwordFor reads the password from standard input when that is not a
// terminal, or must be read; otherwise, and from nothing, it makes one.
func passwordFor(c *cobra.Command, must bool) (password string, made bool, err error) {
	in := c.InOrStdin()
	if f, ok := in.(*os.File); ok && !must {
		// A terminal is a character device, and so is the null device.
		info, err := f.Stat()
		if err != nil {
			return "", false, fault.Wrap(fault.Invalid, err, "Standard input cannot be used.")
		}
		if info.Mode()&os.ModeCharDevice != 0 {
			return identity.MakePassword(), true, nil
		}
	}
	line, err := bufio.NewReader(io.LimitReader(in, 8*identity.MaxPassword)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, fault.Wrap(fault.Invalid, err, "The password cannot be read from standard input.")
	}
	switch line = strings.TrimRight(line, "\r\n"); {
	case line == "" && must:
		return "", false, usage("Standard input is empty. It should hold the password, on one line.")
	case line == "":
		return identity.MakePassword(), true, nil
	}
	return line, false, nil
}

func showMade(c *cobra.Command, password string, made bool) {
	if made {
		say(c, "Password, shown only now: %s\n", password)
	}
}
