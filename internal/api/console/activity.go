package console

import (
	"context"
	"net/http"

	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
)

// eventRow is an event, as it is shown.
type eventRow struct {
	At, AtText     string
	Kind           string // of the audit log
	Word           string // for Kind, in a tag
	Bad            bool
	Who            string // "mara"; empty: not known
	Site           string
	Connector      string
	Meaning        string // of the error page, in words
	Page           string // its id
	Reference      string
	Origin, Detail string
	Address        string
}

func (c *Connectors) signIns(http.ResponseWriter, *http.Request, auth.Principal) {}
func (c *Connectors) end(http.ResponseWriter, *http.Request, auth.Principal)     {}

func (c *Connectors) latest(context.Context, string) (map[string]*eventRow, error) {
	return map[string]*eventRow{}, nil
}

var _ = audit.SignIn
