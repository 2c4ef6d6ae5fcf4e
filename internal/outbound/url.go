package outbound

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
)

// CheckURL says, as fault.Invalid, what is wrong with a server's base URL: it
// must be https, or http on loopback, and may have a path, but neither user,
// query nor fragment. The message does not repeat the URL.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil, strings.TrimSpace(raw) != raw, u.Opaque != "":
		return fault.New(fault.Invalid, "This is not a URL: write it as https://host.")
	case u.Scheme == "":
		return fault.New(fault.Invalid, "The URL lacks its beginning: write it as https://host.")
	case u.Hostname() == "", !validPort(u.Port()), strings.HasSuffix(u.Host, ":"):
		return fault.New(fault.Invalid, "The URL names no host, or a port that there is not: write it as https://host.")
	case u.User != nil:
		return fault.New(fault.Invalid, "The URL must hold neither user nor password.")
	case u.RawQuery != "", u.ForceQuery, u.Fragment != "", strings.HasSuffix(raw, "#"):
		return fault.New(fault.Invalid, "The URL must end before any ? or #.")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return fault.New(fault.Invalid, "Secrets are sent to this URL: it must begin with https://. Only localhost, 127.0.0.1 and [::1] may do with http.")
	case u.Scheme != "https" && u.Scheme != "http":
		return fault.New(fault.Invalid, "The URL must begin with https://.")
	case strings.Contains(u.EscapedPath(), "%"), u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/":
		return fault.New(fault.Invalid, "The path of the URL must be plain: no dots, no empty parts, no escapes.")
	}
	return nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}
