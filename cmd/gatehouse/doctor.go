package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/doctor"
	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
)

// doctorFlags are the flags of the doctor command.
type doctorFlags struct {
	url, ca       string
	json, private bool
	timeout       time.Duration
}

func doctorCommand() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor --url URL",
		Short: "Find out why people cannot sign in at a live site",
		Long: `Looks at a site as an editor's browser does: the CMS page, its config.yml, and
the sign-in popup, up to the point where the Git host would be asked. Says what is
wrong, what to do, and prints the part of config.yml that mends it.

With --config (or $GATEHOUSE_CONFIG) it compares with gatehouse.yaml, too, and
knows from the database how long sign-ins last.

Exit status: 0 when all is well, 1 when something is wrong, 2 when nothing could
be examined.`,
		Example: `  gatehouse doctor --url https://www.example.com/admin/
  gatehouse doctor --url www.example.com --config /etc/gatehouse.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDoctor(c, f) },
	}
	c.Flags().StringVar(&f.url, "url", "", "the CMS page, or the site's root")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().StringVar(&f.ca, "ca", "", "a file with a certificate authority of your own (PEM)")
	c.Flags().BoolVar(&f.private, "private", false, "the site or Gatehouse is at a private address")
	c.Flags().DurationVar(&f.timeout, "timeout", 45*time.Second, "how long the examination may take, at most a minute")
	return c
}

// errUnwell is the error of a site that something is wrong with.
var errUnwell = errors.New("the site is unwell")

func runDoctor(c *cobra.Command, f doctorFlags) error {
	o, err := f.options(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), min(f.timeout, time.Minute))
	defer cancel()
	if o.Settings, err = doctorSettings(ctx, c); err != nil {
		return err
	}
	r, err := doctor.Run(ctx, o)
	if err != nil {
		return unexamined(err)
	}
	if f.json {
		err = printJSON(c, r)
	} else {
		_, err = io.WriteString(c.OutOrStdout(), doctorText(r))
	}
	if err == nil && !r.OK {
		err = fault.Wrap(fault.Conflict, errUnwell, "%s. See above.", title(count(r, doctor.Severity.Grave), "problem"))
	}
	return err
}

// options are what the flags say.
func (f doctorFlags) options(c *cobra.Command) (doctor.Options, error) {
	if f.url == "" {
		return doctor.Options{}, usage("Name the CMS page with --url, such as https://www.example.com/admin/.")
	}
	if f.timeout <= 0 {
		return doctor.Options{}, usage("--timeout is a time such as 30s.")
	}
	out := outbound.Options{Timeout: 10 * time.Second, MaxBody: 2 << 20, Agent: "Gatehouse-Doctor", Private: f.private || doctor.Loopback(f.url)}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return doctor.Options{}, usage("The file of --ca cannot be read: %v.", err)
		}
		out.CA = pem
	}
	client, err := outbound.New(out)
	if err != nil {
		return doctor.Options{}, err
	}
	o := doctor.Options{URL: f.url, Client: client, Now: time.Now}
	if terminal(c.ErrOrStderr()) && !f.json {
		o.Step = steps(c.ErrOrStderr())
	}
	return o, nil
}

// unexamined is an error for when there is nothing to report.
func unexamined(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && fault.KindOf(err) == fault.Internal {
		return fault.Wrap(fault.Invalid, err, "The examination took too long. Allow more with --timeout.")
	}
	if errors.Is(err, outbound.ErrPrivate) {
		return fault.Wrap(fault.Invalid, err, "%s If that is right, add --private.", fault.Message(err))
	}
	if fault.KindOf(err) == fault.Internal {
		return err
	}
	return fault.Wrap(fault.Invalid, err, "%s", fault.Message(err))
}
