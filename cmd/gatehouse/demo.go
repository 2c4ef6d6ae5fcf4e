package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/demo"
	"gatehouse/internal/fault"
)

// demoFlags are the flags of the demo command.
type demoFlags struct {
	addr, dir string
	json      bool
	entries   int
}

func demoCommand() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Try everything on sample sites, with people ready to sign in",
		Long: `Runs Gatehouse with two sample sites: a nature reserve edited with Decap CMS, and
a bakery edited with Netlify CMS. Three people are ready to sign in, drafts wait
in every column, and what is published shows at once on the rendered sites.

A third site, of a sailing club, has its CMS page elsewhere: on another port of
this machine, with the content at a practice GitHub and a practice GitLab. People
sign in there by the popup, and one more page is broken, for "gatehouse doctor".

Everything lives in one directory and is kept from one start to the next. To
begin anew, delete the directory.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c, f) },
	}
	c.Flags().StringVar(&f.addr, "addr", "127.0.0.1:8484", "loopback address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&f.dir, "dir", "", "where the demo lives (default: gatehouse/demo in your data directory)")
	c.Flags().BoolVar(&f.json, "json", false, "print one line of JSON for a program, once connections are accepted")
	c.Flags().IntVar(&f.entries, "entries", 0, "add so many generated posts at the first start")
	return c
}

func runDemo(c *cobra.Command, f demoFlags) error {
	ctx, say := c.Context(), c.ErrOrStderr()
	listener, addr, err := listenLoopback(ctx, f.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // closed by the server already, unless it never began
	log := newLog(say, slog.LevelWarn)
	d, err := demo.Prepare(ctx, demo.Options{Addr: addr, Dir: f.dir, Entries: f.entries, Now: time.Now(), Log: log, Program: program(), Step: steps(say)})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // nothing was written through it
	a, err := app.New(ctx, d.Config, app.Options{
		Log: log, Listener: listener, Mount: d.Mount,
		Ready: func(net.Addr) { announce(c.OutOrStdout(), d, f.json) },
	})
	if err != nil {
		return err
	}
	done := steps(say)("Letting the three people in")
	if err := d.AddPeople(ctx, a.Identity); err != nil {
		return errors.Join(err, a.Close())
	}
	done()
	return a.Run(ctx)
}

// listenLoopback takes the port before anything is made, so that a second demo
// stops at once. It answers the address with the port that it got.
func listenLoopback(ctx context.Context, addr string) (net.Listener, string, error) {
	if err := demo.CheckAddr(addr); err != nil {
		return nil, "", err
	}
	l, err := app.Listen(ctx, addr)
	if fault.Is(err, fault.Unavailable) {
		return nil, "", fault.Wrap(fault.Unavailable, err, "Something listens on %s already; is it the demo? Then open http://%s. Or choose another port with --addr 127.0.0.1:PORT.", addr, addr)
	}
	if err != nil {
		return nil, "", err
	}
	host, _, _ := net.SplitHostPort(addr) // checked above
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, "", errors.Join(err, l.Close())
	}
	return l, net.JoinHostPort(host, port), nil
}

// steps says what is being done, and on the same line that it is done.
func steps(w io.Writer) func(what string) func() {
	return func(what string) func() {
		_, _ = fmt.Fprint(w, what, " … ") // progress is worth no error
		return func() { _, _ = fmt.Fprintln(w, "done") }
	}
}

// announce says where to go, once there is somebody to answer.
func announce(w io.Writer, d *demo.Demo, asJSON bool) {
	if asJSON {
		if line, err := d.Line(); err == nil {
			_, _ = fmt.Fprintf(w, "%s\n", line)
		}
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n  Gatehouse is open:  %s\n\n", d.URL)
	if terminal(w) {
		for _, p := range d.People {
			fmt.Fprintf(&b, "  %-14s %-12s %-25s %s\n", p.Name, p.Role, p.Email, p.Password)
		}
	} else {
		fmt.Fprintf(&b, "  The people and their passwords are in %s/demo.json.\n", d.Dir)
	}
	pages, doctor := d.Elsewhere()
	b.WriteString("\n  Pages elsewhere, to sign in at by the popup:\n\n")
	for _, p := range pages {
		fmt.Fprintf(&b, "  %-14s %s\n", p.Host, p.URL)
	}
	fmt.Fprintf(&b, "\n  The doctor, for a good page and a broken one:\n\n  %s\n", strings.Join(doctor, "\n  "))
	fmt.Fprintf(&b, "\n  Everything is kept in %s; delete it to begin anew.\n  Ctrl-C ends it.\n\n", d.Dir)
	_, _ = io.WriteString(w, b.String()) // the server runs whether or not it is read
}

// program is how this program is called, if that can be known.
func program() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}

// terminal reports whether somebody reads along: passwords do not go into
// files and logs.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
