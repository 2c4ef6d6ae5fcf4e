package auth

import (
	"errors"
	"net/http"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// Transactions are OAuth sign-ins under way, each bound to one browser by a
// cookie of its own:
//
//	Start ──► new ── Begin ──► begun ── Return ──► returned
//	           └───────────────┴── Finish ───────────┘
//	                                  ├──► done ──── Claim ──► claimed
//	                                  └──► failed ─────┴──────────┴── Withdraw ──► withdrawn
//
// What is done and not claimed in time comes back by Abandoned, because there
// is a token in it that nobody has. Every step is a compare-and-swap: of two
// that come at once, one goes on. State and cookie are stored as hashes,
// verifier and outcome sealed. Whoever has no cookie of a transaction can
// neither see it nor disturb it.
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

// The states of a transaction.
const (
	TransactionNew       = store.OAuthNew
	TransactionBegun     = store.OAuthBegun
	TransactionReturned  = store.OAuthReturned
	TransactionDone      = store.OAuthDone
	TransactionFailed    = store.OAuthFailed
	TransactionClaimed   = store.OAuthClaimed
	TransactionWithdrawn = store.OAuthWithdrawn
)

// What is in the chain of the errors of Transactions besides the fault.
var (
	ErrUnknownTransaction = errors.New("no such transaction in this browser")
	ErrUnknownState       = errors.New("unknown state")
	ErrOtherBrowser       = errors.New("state of another browser")
	ErrOtherConnector     = errors.New("state of another connector")
	ErrTooLate            = errors.New("transaction expired")
	ErrUsed               = errors.New("transaction went on before")
	ErrPending            = errors.New("transaction is not finished")
)

// Transaction is one sign-in under way. It holds no secret.
type Transaction struct {
	ID        string // names it to our own pages; worth nothing without the cookie
	Site      string // empty: see Settle
	Provider  string // as the CMS spelled it; part of the messages
	Connector string // empty: there is none for this site and provider, and the sign-in will fail
	Host      string // URL of the connector's host when it was asked: a code or token of it is for nobody else; empty until begun
	Scope     string // as asked for by the client, or as decided later
	Redirect  string // the callback URL that the host was given
	Origin    string // of the page that opened the popup; empty until begun
	Launcher  bool   // the host is opened in a second window
	Status    string // one of the states above
	OK        bool   // it was finished well: its outcome may hold a token
	Created   time.Time
	Expires   time.Time
}

// Start begins a sign-in of the browser that sent r, and gives it a cookie.
// Site, Provider, Connector and Scope are t's, the rest is filled in. A browser
// has at most maxPerBrowser of them; the oldest makes way. TooMany when too
// many are under way at this server.
func (x *Transactions) Start(w http.ResponseWriter, r *http.Request, t Transaction) (Transaction, error) {
	now, cookie := timeOf(x.Now), NewToken()
	row := store.OAuthTransaction{
		ID: newID(), Cookie: hashOf(cookie), Status: TransactionNew,
		Site: t.Site, Provider: t.Provider, Connector: t.Connector, Scope: t.Scope, Redirect: t.Redirect, Origin: t.Origin,
		Launcher: t.Launcher, Created: now, Expires: now.Add(TransactionLife),
	}
	drop, stale, err := x.crowd(r)
	if err != nil {
		return Transaction{}, err
	}
	if err := x.Store.AddOAuthTransaction(r.Context(), row, drop...); err != nil {
		return Transaction{}, err
	}
	for _, name := range stale {
		x.setCookie(w, name, "", -1)
	}
	x.setCookie(w, x.cookieName(row.ID), cookie, int(TransactionLife/time.Second))
	return transactionOf(row), nil
}

// Find is the transaction with an id, of the browser that sent r, in whatever
// state. It fails with ErrUnknownTransaction when that browser has none, and
// with ErrTooLate when it has expired.
func (x *Transactions) Find(r *http.Request, id string) (Transaction, error) {
	row, err := x.mine(r, id)
	if err != nil {
		return Transaction{}, err
	}
	if x.expired(row) {
		return Transaction{}, tooLate()
	}
	return transactionOf(row), nil
}

func transactionOf(x store.OAuthTransaction) Transaction {
	return Transaction{
		ID: x.ID, Site: x.Site, Provider: x.Provider, Connector: x.Connector, Host: x.Host, Scope: x.Scope, Redirect: x.Redirect,
		Origin: x.Origin, Launcher: x.Launcher, Status: x.Status, OK: x.OK, Created: x.Created, Expires: x.Expires,
	}
}

// notFromHere says the same to somebody with an unknown state and to somebody
// with another's: who is right is nobody's business.
func notFromHere(cause error) error {
	return fault.Wrap(fault.Invalid, cause, "This sign-in was not begun in this browser, or it was too long ago. Close this window and sign in again.")
}

func unknownTransaction() error {
	return fault.Wrap(fault.Forbidden, ErrUnknownTransaction, "This browser has no such sign-in under way. Close this window and sign in again; cookies have to be allowed.")
}

func tooLate() error {
	return fault.Wrap(fault.Invalid, ErrTooLate, "This sign-in took too long. Close this window and sign in again.")
}

func used() error {
	return fault.Wrap(fault.Conflict, ErrUsed, "This sign-in has been used already. Close this window; if the page behind it is not signed in, sign in again.")
}
