package console

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestDevice(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                            "Chrome on Android",
		"curl/8.1":      "curl",
		"":              "Unknown device",
		"Thing (Linux)": "A program on Linux",
	} {
		if got := device(agent); got != want {
			t.Errorf("%s: %q, want %q", agent, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "just now", -time.Hour: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 119 * time.Minute: "1 hour ago",
		26 * time.Hour: "26 hours ago", 72*time.Hour + time.Minute: "3 days ago",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{time.Millisecond: "1 second", 61 * time.Second: "2 minutes", time.Hour: "1 hour", time.Minute: "1 minute", 3 * time.Hour: "3 hours"} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// Whatever comes in as the next page, the browser stays on this origin.
func FuzzPlace(f *testing.F) {
	for _, s := range []string{"/a", "//b", `/\b`, "https://b", "/%2f%2fb", "/a#//b", "/a?next=//b", "/\t/b", "/.//b"} {
		f.Add(s)
	}
	origin, err := url.Parse("https://here.example/s/blog/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		to, err := url.Parse(place(next, "admin/"))
		if err != nil {
			t.Fatalf("%q: %v", next, err)
		}
		if got := origin.ResolveReference(to); got.Host != "here.example" || got.Scheme != "https" || got.User != nil {
			t.Fatalf("%q leads to %s", next, got)
		}
		if p := place(next, "admin/"); strings.ContainsAny(p, "\r\n\t\\") {
			t.Fatalf("%q leads to %q", next, p)
		}
	})
}
