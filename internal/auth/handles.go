package auth

import (
	"time"

	"gatehouse/internal/store"
)

// Handles stand in browsers for the refresh tokens of hosts, which never leave
// the server. A handle is replaced at each use; within Grace the former one
// gets the same answer again, later it ends its family. Fields are set before
// use; the zero Grace is a minute.
type Handles struct {
	Store *store.Store
	Grace time.Duration
	Now   func() time.Time
}

// Holder is whom a family of handles was given to. It holds no secret.
type Holder struct {
	Family    string
	Site      string
	Connector string
	Provider  string // as the CMS spelled it
	Origin    string // of the page that got it
	Person    string // login at the host
	Created   time.Time
	Used      time.Time
}

// Pair is what a refresh gives.
type Pair struct {
	AccessToken string
	Handle      string
	Expires     time.Time // of the access token; zero: not by time
}
