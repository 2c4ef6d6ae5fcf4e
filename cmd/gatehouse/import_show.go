package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/identity"
)

// importOutput is what "import gotrue --json" prints.
type importOutput struct {
	identity.ImportReport
	Mailed  int          `json:"mailed"`  // people who were written to
	Waiting int          `json:"waiting"` // who have no password and were not written to
	Links   []importLink `json:"links,omitempty"`
}

type importLink struct {
	Email string `json:"email"`
	Link  string `json:"link"`
}

func (in *importing) show(c *cobra.Command, out importOutput) error {
	if in.json {
		return printJSON(c, out)
	}
	for _, e := range out.Exports {
		showExport(c, e, out.Applied)
	}
	if out.Mailed > 0 {
		say(c, "Mails written: %d. The server sends them, 50 a minute; the console shows how they fare.\n", out.Mailed)
	}
	for _, l := range out.Links {
		say(c, "%s\t%s\n", l.Email, l.Link)
	}
	switch {
	case !out.Changed() && out.Mailed == 0 && len(out.Links) == 0:
		say(c, "There is nothing to do: everybody is here.\n")
	case !out.Applied:
		say(c, "Nothing was changed. Add --apply to do it.\n")
	}
	if out.Waiting > 0 && !in.links {
		say(c, "%s asked to choose one: run this again with --apply and --mail, or --links.\n", countPeople(out.Waiting, "has no password and was not", "have no password and were not"))
	}
	return nil
}

func showExport(c *cobra.Command, e identity.ExportReport, applied bool) {
	will := "would be "
	if applied {
		will = ""
	}
	say(c, "%s, for the site %s: %s\n", e.File, e.Site, countPeople(e.People, "", ""))
	say(c, "  %s%d new, %d merged into accounts that are here, %d unchanged, %d skipped\n", will, e.New, e.Merged, e.Unchanged, skipped(e))
	line := func(n int, text string) {
		if n > 0 {
			say(c, "  %d %s\n", n, text)
		}
	}
	line(e.WithPassword, "sign in with the old password")
	line(e.OwnPassword, "keep the password that their account has here")
	line(e.WithoutPassword, "come without a password and have to choose one")
	line(e.Unconfirmed, "never confirmed their address, and are not confirmed here")
	if len(e.Roles) > 0 {
		var roles []string
		for _, name := range slices.Sorted(maps.Keys(e.Roles)) {
			roles = append(roles, fmt.Sprintf("%s %d", name, e.Roles[name]))
		}
		say(c, "  roles: %s\n", strings.Join(roles, ", "))
	}
	line(e.NoRoles, "get no role and may do nothing: give them one with --role")
	if len(e.LeftOut) > 0 {
		say(c, "  left out, since they cannot be roles here: %q\n", e.LeftOut)
	}
	for _, s := range e.Skipped {
		say(c, "  skipped, %s: %d (%s)\n", s.Reason, s.Count, entries(s))
	}
}

func skipped(e identity.ExportReport) (n int) {
	for _, s := range e.Skipped {
		n += s.Count
	}
	return n
}

// entries is "entries 3, 17 and more".
func entries(s identity.Skipped) string {
	text := "entry "
	if s.Count > 1 {
		text = "entries "
	}
	for k, n := range s.Entries {
		if k > 0 {
			text += ", "
		}
		text += fmt.Sprint(n)
	}
	if s.Count > len(s.Entries) {
		text += " and more"
	}
	return text
}

// countPeople is "1 person has", "2 people have".
func countPeople(n int, has, have string) string {
	if n == 1 {
		return strings.TrimSpace("1 person " + has)
	}
	return strings.TrimSpace(fmt.Sprintf("%d people %s", n, have))
}

// progressLine says how far something is, on a terminal alone.
type progressLine struct {
	out   io.Writer // nil: no terminal
	width int
}

func newProgress(c *cobra.Command) *progressLine {
	p := &progressLine{}
	if f, ok := c.ErrOrStderr().(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.out = f
		}
	}
	return p
}

func (p *progressLine) show(format string, args ...any) {
	if p.out == nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	_, _ = fmt.Fprintf(p.out, "\r%-*s", p.width, text) // nobody depends on it
	p.width = len(text)
}

// end wipes the line.
func (p *progressLine) end() {
	if p.out != nil && p.width > 0 {
		_, _ = fmt.Fprintf(p.out, "\r%*s\r", p.width, "")
		p.width = 0
	}
}
