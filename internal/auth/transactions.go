package auth

import (
	"time"

	"gatehouse/internal/store"
)

// Transactions are OAuth sign-ins under way, each bound to one browser by a
// cookie of its own:
//
//	Start ──► new ── Begin ──► begun ── Return ──► returned ── Finish ──► done ── Claim ──► claimed
//	                                                              └─────► failed ── Claim ──► claimed
//
// Every step is a compare-and-swap: of two that come at once, one goes on. State
// and cookie are stored as hashes, verifier and outcome sealed.
// Fields are set before use.
type Transactions struct {
	Store  *store.Store
	Secure bool // pages come over https
	Now    func() time.Time
}

// How long a transaction lives, and its outcome after it is finished.
const (
	TransactionLife = 10 * time.Minute
	OutcomeLife     = 2 * time.Minute
)

// Transaction is one sign-in under way. It holds no secret.
type Transaction struct {
	ID        string // names it to our own pages; worth nothing without the cookie
	Site      string
	Provider  string // as the CMS spelled it; part of the messages
	Connector string // empty: there is none for this site and provider, and the sign-in will fail
	Scope     string // as asked for by the client, or as decided later
	Redirect  string // the callback URL that the host was given
	Origin    string // of the page that opened the popup; empty until begun
	Launcher  bool   // the host is opened in a second window
	Status    string
	Created   time.Time
	Expires   time.Time
}
