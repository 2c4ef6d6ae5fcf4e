package auth

import (
	"context"
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
	now, cookie := timeOf(x.Now), newToken()
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

// Settle names the site of a new transaction that was started without one,
// because only the page that opened the popup tells which is meant. It fails
// like Find, and with ErrUsed when the site is settled or the transaction
// begun.
func (x *Transactions) Settle(r *http.Request, id, site string) (Transaction, error) {
	return x.step(r, id, func(row *store.OAuthTransaction) error {
		switch {
		case row.Status != TransactionNew || row.Site != "":
			return used()
		case x.expired(*row):
			return tooLate()
		}
		row.Site = site
		return nil
	})
}

// Begin takes a new transaction to the host: it notes which page has opened the
// popup, and how the host will be asked. State and verifier are for the host
// alone. It fails like Find, and with ErrUsed when it was begun before.
func (x *Transactions) Begin(r *http.Request, id, origin, connector, scope, redirect string, launcher bool) (t Transaction, state, verifier string, err error) {
	state, verifier = newToken(), newToken()
	t, err = x.step(r, id, func(row *store.OAuthTransaction) error {
		switch {
		case row.Status != TransactionNew:
			return used()
		case x.expired(*row):
			return tooLate()
		}
		row.Status, row.State, row.Verifier = TransactionBegun, hashOf(state), verifier
		row.Origin, row.Connector, row.Scope, row.Redirect, row.Launcher = origin, connector, scope, redirect, launcher
		return nil
	})
	if err != nil {
		return Transaction{}, "", "", err
	}
	return t, state, verifier, nil
}

// Return is the way back from the host: it finds the transaction of a state,
// proves that it was begun in this browser and for this connector, and uses the
// state up. Nothing may be asked of the host before it succeeds. It fails with
// ErrUnknownState, ErrOtherBrowser, ErrTooLate, ErrOtherConnector or ErrUsed,
// looked at in this order; none of them changes anything, so that nobody who
// learns a state can end another's sign-in.
func (x *Transactions) Return(r *http.Request, connector, state string) (Transaction, string, error) {
	row, err := x.Store.OAuthTransactionByState(r.Context(), hashOf(state))
	unknown := fault.Is(err, fault.NotFound)
	if err != nil && !unknown {
		return Transaction{}, "", err
	}
	// A state that is unknown is looked at like one that is known, so that
	// the answers to both take the same time.
	switch mine := x.holds(r, row); {
	case unknown:
		return Transaction{}, "", notFromHere(ErrUnknownState)
	case !mine:
		return Transaction{}, "", notFromHere(ErrOtherBrowser)
	}
	verifier := ""
	t, err := x.update(r.Context(), row, func(row *store.OAuthTransaction) error {
		switch {
		case row.Status == TransactionBegun && x.expired(*row):
			return tooLate()
		case row.Connector != connector:
			return fault.Wrap(fault.Invalid, ErrOtherConnector, "This answer comes from another Git host than the one that was asked. Close this window and sign in again.")
		case row.Status != TransactionBegun:
			return used()
		}
		verifier, row.Verifier = row.Verifier, ""
		row.Status = TransactionReturned
		return nil
	})
	if err != nil {
		return Transaction{}, "", err
	}
	return t, verifier, nil
}

// mine is the transaction with an id, if r carries its cookie.
func (x *Transactions) mine(r *http.Request, id string) (store.OAuthTransaction, error) {
	row, err := x.Store.OAuthTransaction(r.Context(), id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return store.OAuthTransaction{}, err
	}
	if !x.holds(r, row) {
		return store.OAuthTransaction{}, unknownTransaction()
	}
	return row, nil
}

// step changes a transaction of the browser that sent r.
func (x *Transactions) step(r *http.Request, id string, change func(*store.OAuthTransaction) error) (Transaction, error) {
	row, err := x.mine(r, id)
	if err != nil {
		return Transaction{}, err
	}
	return x.update(r.Context(), row, change)
}

// update changes a transaction that looked like row a moment ago. What is to be
// refused is refused by that look, so that pages that ask again and again do
// not queue up where others write. So change runs twice, the first time without
// the secrets.
func (x *Transactions) update(ctx context.Context, row store.OAuthTransaction, change func(*store.OAuthTransaction) error) (Transaction, error) {
	id := row.ID
	if err := change(&row); err != nil {
		return Transaction{}, err
	}
	row, err := x.Store.UpdateOAuthTransaction(ctx, id, change)
	if fault.Is(err, fault.NotFound) {
		return Transaction{}, unknownTransaction()
	}
	if err != nil {
		return Transaction{}, err
	}
	return transactionOf(row), nil
}

func (x *Transactions) expired(row store.OAuthTransaction) bool {
	return !row.Expires.After(timeOf(x.Now))
}

func transactionOf(x store.OAuthTransaction) Transaction {
	return Transaction{
		ID: x.ID, Site: x.Site, Provider: x.Provider, Connector: x.Connector, Scope: x.Scope, Redirect: x.Redirect,
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
