// Package connector keeps the apps that are registered at hosts: those of
// gatehouse.yaml, which win and cannot be changed here, and those that an
// operator has added in the console, whose secrets are stored sealed.
//
//	gatehouse.yaml ──► New ────────┐
//	                               ├──► Set ── For (site, kind) ──► Connector
//	console ──► Add, Update ───────┘     └─── Provider (name) ────► provider.Provider
//
// What leaves the package as a Connector holds no secret. A Provider does, and
// is built once per version of its connector.
package connector

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/provider"
)

// Connector is one app, without its secret.
type Connector struct {
	Name     string // [a-z0-9-]+, part of the callback URL
	Kind     string // provider.GitHub and so on
	URL      string // of the host; empty in a form: the kind's public one
	API      string // of the host's API; empty: what follows from URL
	ClientID string
	Slug     string   // of a GitHub App; empty: an OAuth app
	Scope    string   // the most that is asked for; empty: the kind's usual one
	Sites    []string // names of the sites that use it; empty: every site of its kind
	Callback string   // path of the callback URL, one of Aliases; empty: /callback/NAME. For people who move and keep the URL that is registered
	CA       string   // PEM; empty: the system's authorities alone
	Proxy    string   // URL of an HTTP proxy; its password is left out of what a Set gives
	Private  bool     // the host may be at a private address
	NoPKCE   bool     // the host is too old for PKCE
	Launcher bool     // always open the host in a second window
	FromFile bool     // it is in gatehouse.yaml: read-only here
	Updated  time.Time
}

// CallbackPath is the path that the host sends people back to.
func (c *Connector) CallbackPath() string {
	if c.Callback != "" {
		return c.Callback
	}
	return "/callback/" + c.Name
}

// Serves reports whether a site may use the connector without naming it.
func (c *Connector) Serves(site string) bool {
	return len(c.Sites) == 0 || slices.Contains(c.Sites, site)
}

// same reports whether two connectors differ in nothing that was entered.
func (c *Connector) same(o *Connector) bool {
	a, b := *c, *o
	a.Updated, b.Updated, a.Sites, b.Sites = time.Time{}, time.Time{}, nil, nil
	return reflect.DeepEqual(a, b) && slices.Equal(c.Sites, o.Sites)
}

// Aliases are the callback paths, besides /callback/NAME, that a connector may
// have: those that other brokers had people register.
func Aliases() []string { return []string{"/callback", "/auth/done", "/oauth/redirect"} }

// Home is the public host of a kind; empty for kinds without one.
func Home(kind string) string {
	switch kind {
	case provider.GitHub:
		return "https://github.com"
	case provider.GitLab:
		return "https://gitlab.com"
	case provider.Bitbucket:
		return "https://bitbucket.org"
	}
	return ""
}

// Entry is a connector with its secret, as the file gives it or a form sends it.
type Entry struct {
	Connector
	Secret string // empty in an edit: the one that is kept

	moved bool // it is an edit, and another host may be what it leads to
}

// Format prints an entry without its secrets, whatever the verb.
func (e Entry) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "{%s, %s at %s, client %s}", e.Name, e.Kind, e.URL, e.ClientID) // to memory
}

// LogValue is for log/slog.
func (e Entry) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(e)) }

// Shown is the entry as others may see it, without secrets.
func (e *Entry) Shown() Connector {
	c := e.Connector
	c.Sites = slices.Clone(c.Sites)
	c.Proxy = withoutPassword(c.Proxy)
	return c
}

// withoutPassword is a proxy's URL without its password. What is no URL may
// have a password all the same, before the last @.
func withoutPassword(proxy string) string {
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" {
		return proxy[strings.LastIndex(proxy, "@")+1:]
	}
	if _, has := u.User.Password(); has {
		u.User = url.User(u.User.Username())
		return u.String()
	}
	return proxy
}
