package console

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// patience says how long somebody has to wait who tried too often.
func patience(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) || f.RetryAfter <= 0 {
		return fault.Message(err)
	}
	return fmt.Sprintf("Too many attempts. Try again in %s.", span(f.RetryAfter))
}

// span is a time span in words, rounded up.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return count(d.Seconds(), "second")
	case d < time.Hour:
		return count(d.Minutes(), "minute")
	case d < 48*time.Hour:
		return count(d.Hours(), "hour")
	default:
		return count(d.Hours()/24, "day")
	}
}

func count(f float64, unit string) string {
	n := int(math.Ceil(f))
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// ago is how long before now t was, in words.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < time.Minute {
		return "just now"
	}
	switch {
	case d < time.Hour:
		d = d.Truncate(time.Minute)
	case d < 48*time.Hour:
		d = d.Truncate(time.Hour)
	default:
		d = d.Truncate(24 * time.Hour)
	}
	return span(d) + " ago"
}

// device names a browser from what it calls itself: "Firefox on Linux".
func device(agent string) string {
	name := first(agent, []match{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"Chrome/", "Chrome"},
		{"CriOS/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	})
	system := first(agent, []match{
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Windows", "Windows"},
		{"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
	})
	switch {
	case name == "" && system == "":
		return "Unknown device"
	case name == "":
		return "A program on " + system
	case system == "":
		return name
	}
	return name + " on " + system
}

type match struct{ mark, name string }

func first(s string, matches []match) string {
	for _, m := range matches {
		if strings.Contains(s, m.mark) {
			return m.name
		}
	}
	return ""
}
