package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// CheckOrigin reports what is wrong with an origin: it has to be exactly
// scheme://host[:port], as browsers send it.
func CheckOrigin(s string) error {
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "*"):
		return fmt.Errorf("%q has a wildcard: name each origin", s)
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return fmt.Errorf("%q is not an origin: write https://host or https://host:port", s)
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || strings.HasSuffix(s, "#"):
		return fmt.Errorf("%q is more than an origin: write %s://%s", s, u.Scheme, u.Host)
	}
	host := u.Hostname()
	if !hostName.MatchString(host) && net.ParseIP(host) == nil {
		return fmt.Errorf("%q is not an origin: the host has to be in lower case, as browsers send it (names with other letters as xn--…)", s)
	}
	if p := u.Port(); p != "" {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return fmt.Errorf("%q has no valid port", s)
		}
	}
	if (u.Scheme == "https" && u.Port() == "443") || (u.Scheme == "http" && u.Port() == "80") {
		return fmt.Errorf("%q names the usual port, which browsers leave out: write %s://%s", s, u.Scheme, host)
	}
	if s != u.Scheme+"://"+u.Host || strings.HasSuffix(s, ":") {
		return fmt.Errorf("%q is not an origin: write %s://%s", s, u.Scheme, host)
	}
	return nil
}

// CheckPattern reports what is wrong with a pattern of origins: https, and one *
// in the first label of the host, below a name that somebody has registered.
func CheckPattern(s string) error {
	host, ok := strings.CutPrefix(s, "https://")
	if !ok {
		return fmt.Errorf("%q has to begin with https://", s)
	}
	first, rest, _ := strings.Cut(host, ".")
	if strings.Count(s, "*") != 1 || strings.Count(first, "*") != 1 {
		return fmt.Errorf("%q needs exactly one *, in the first part of the host name: https://*.previews.example.com", s)
	}
	if err := CheckOrigin("https://" + strings.Replace(first, "*", "x", 1) + "." + rest); err != nil {
		return fmt.Errorf("%q is not a pattern of origins: %w", s, err)
	}
	name, _, _ := strings.Cut(rest, ":")
	if suffix, _ := publicsuffix.PublicSuffix(name); suffix != name {
		return nil
	}
	// Names right below a public suffix belong to anybody. Netlify alone keeps
	// those with -- for the previews of a site, BRANCH--SITE.netlify.app, and
	// lets nobody else have one.
	if after, ok := strings.CutPrefix(first, "*--"); ok && after != "" && rest == "netlify.app" {
		return nil
	}
	return fmt.Errorf("%q admits everybody: anyone can have a name below %s", s, name)
}

func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	n, err := netip.ParsePrefix(s)
	return n.Masked(), err
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
