package auth

import (
	"context"
	"net/http"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

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
// popup, and how the host will be asked. Origin, Connector, Host, Scope, Redirect
// and Launcher are to's, the rest stays. State and verifier are for the host
// alone. It fails like Find, and with ErrUsed when it was begun before.
func (x *Transactions) Begin(r *http.Request, id string, to Transaction) (t Transaction, state, verifier string, err error) {
	state, verifier = NewToken(), NewToken()
	t, err = x.step(r, id, func(row *store.OAuthTransaction) error {
		switch {
		case row.Status != TransactionNew:
			return used()
		case x.expired(*row):
			return tooLate()
		}
		row.Status, row.State, row.Verifier = TransactionBegun, hashOf(state), verifier
		row.Origin, row.Connector, row.Host, row.Scope, row.Redirect, row.Launcher = to.Origin, to.Connector, to.Host, to.Scope, to.Redirect, to.Launcher
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
