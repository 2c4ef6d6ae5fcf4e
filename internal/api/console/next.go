package console

import (
	"net/url"
	"strings"
)

// place is where to go after signing in: next, if it is a path on this very
// origin, else fallback. Anything that a browser could take for another host
// ("//host", "/\host", control characters that it drops) is refused, and so is
// the sign-in page itself.
func place(next, fallback string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || len(next) > 2000 {
		return fallback
	}
	if strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }) {
		return fallback
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return fallback
	}
	if decoded := u.Path; strings.HasPrefix(decoded, "//") || strings.HasSuffix(decoded, "/login") || strings.HasSuffix(decoded, "/logout") {
		return fallback
	}
	return next
}
