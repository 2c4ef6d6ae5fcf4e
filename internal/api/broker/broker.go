// Package broker is the external OAuth client of a CMS page anywhere: the
// popup that signs a person in at a Git host and hands the token to the one
// page that may have it, and the refresh of such tokens.
package broker

import (
	"log/slog"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/site"
)

// Handler is the broker of one server. Fields are set before Mount.
type Handler struct {
	URL          string          // the public origin of this server: scheme://host[:port]
	Sites        *site.Directory // who may open the popup, and for which repository
	Connectors   *connector.Set
	Transactions *auth.Transactions
	Handles      *auth.Handles
	Audit        *audit.Log
	Pages        *Pages
	Limits       *Limits  // outlive a reload
	Endpoints    []string // more paths of the popup, "/api/auth", as an operator's old config.yml names them
	Log          *slog.Logger
	Now          func() time.Time
}

// Limits are the counters of who asks how often.
type Limits struct{}
