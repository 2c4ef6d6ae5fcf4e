// Package connector keeps the apps that are registered at hosts: those of
// gatehouse.yaml, which win and cannot be changed here, and those that an
// operator has added in the console, whose secrets are stored sealed.
package connector

import (
	"context"
	"time"

	"gatehouse/internal/provider"
	"gatehouse/internal/store"
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
	Callback string   // path of the callback URL; empty: /callback/NAME. For people who move and keep the URL that is registered
	CA       string   // PEM; empty: the system's authorities alone
	Proxy    string   // URL of an HTTP proxy; may hold a password: never shown, never logged
	Private  bool     // the host may be at a private address
	NoPKCE   bool     // the host is too old for PKCE
	Launcher bool     // always open the host in a second window
	FromFile bool     // it is in gatehouse.yaml: read-only here
	Updated  time.Time
}

// Entry is a connector with its secret, as the file gives it or a form sends it.
type Entry struct {
	Connector
	Secret string // empty in an edit: the one that is kept
}

// Set is all connectors. Make one with New.
type Set struct {
	store *store.Store
}

var _ = context.Background
var _ = provider.GitHub
