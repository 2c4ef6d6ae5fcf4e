package main

import (
	"fmt"
	"strings"

	"gatehouse/internal/doctor"
)

func count(r *doctor.Report, wanted func(doctor.Severity) bool) int {
	n := 0
	for _, f := range r.Checks {
		if wanted(f.Severity) {
			n++
		}
	}
	return n
}

// title is "1 problem" or "2 problems".
func title(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// doctorText is a report for people.
func doctorText(r *doctor.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", plainText(r.URL), plainText(describeClient(r)))
	for _, level := range []doctor.Severity{doctor.Security, doctor.Error, doctor.Warning, doctor.Note} {
		for _, f := range r.Checks {
			if f.Severity == level {
				showFinding(&b, f)
			}
		}
	}
	fine := count(r, func(s doctor.Severity) bool { return s == doctor.OK })
	if fine == len(r.Checks) {
		fmt.Fprintf(&b, "\nAll is well: %s.\n", title(fine, "check"))
	} else {
		fmt.Fprintf(&b, "\n%s found nothing wrong.\n", title(fine, "other check"))
	}
	if r.Corrected != "" && r.Changed {
		b.WriteString("\nThis in config.yml, in the place of what is there:\n\n")
		showLines(&b, "", r.Corrected)
	}
	return b.String()
}

func describeClient(r *doctor.Report) string {
	what := strings.TrimSpace(r.Client.Title() + " " + r.Client.Version)
	if r.Config == "" {
		return what + ", without a config.yml that can be read"
	}
	return what + ", " + r.Config
}

// showFinding writes one finding, on lines that a terminal can show.
func showFinding(b *strings.Builder, f doctor.Finding) {
	where := ""
	if f.Line > 0 {
		where = fmt.Sprintf(", line %d of config.yml", f.Line)
	}
	fmt.Fprintf(b, "\n%-8s  %s%s\n", f.Severity, f.ID, where)
	fmt.Fprintf(b, "          %s\n", plainText(f.Problem))
	if f.Remedy != "" {
		fmt.Fprintf(b, "          → %s\n", plainText(f.Remedy))
	}
	showLines(b, "            ", f.Paste)
}

func showLines(b *strings.Builder, indent, text string) {
	for line := range strings.Lines(text) {
		b.WriteString(indent + plainText(strings.TrimRight(line, "\n")) + "\n")
	}
}

// plainText takes out what would command a terminal: some of it comes from
// servers.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
}
