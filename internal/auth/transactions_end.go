package auth

import (
	"context"
	"net/http"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// Finish ends a transaction, wherever it stands, and keeps its outcome for
// Claim: of one that is ok for OutcomeLife, because there is a token in it; of
// another for the rest of its TransactionLife. It is also for one that has
// expired while the host was asked. It fails with ErrUsed when the transaction
// is finished already and with ErrUnknownTransaction when it is gone (the
// browser has begun too many others): then the token is nobody's and should be
// revoked.
func (x *Transactions) Finish(ctx context.Context, id string, ok bool, outcome []byte) error {
	// The host has been asked by now. What came of it is kept also when the
	// browser has left meanwhile, or nobody could revoke the token.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	row, err := x.Store.OAuthTransaction(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return unknownTransaction()
	}
	if err != nil {
		return err
	}
	_, err = x.update(ctx, row, func(row *store.OAuthTransaction) error {
		switch row.Status {
		case TransactionNew, TransactionBegun, TransactionReturned:
		default:
			return used()
		}
		row.OK, row.Outcome, row.Verifier = ok, outcome, ""
		row.Status = TransactionFailed
		if ok {
			row.Status = TransactionDone
			row.Expires = timeOf(x.Now).Add(OutcomeLife)
		}
		return nil
	})
	return err
}

// finishTime bounds a write that the end of its request does not.
const finishTime = 10 * time.Second

// Outcome is what Finish was given, for a look: it can be claimed after. It
// fails with ErrPending before there is one, with ErrUsed after it was claimed,
// with ErrTooLate, and with ErrUnknownTransaction.
func (x *Transactions) Outcome(r *http.Request, id string) (Transaction, []byte, error) {
	row, err := x.mine(r, id)
	if err == nil {
		err = x.claimable(row)
	}
	if err != nil {
		return Transaction{}, nil, err
	}
	outcome, err := x.Store.OAuthOutcome(r.Context(), id)
	if fault.Is(err, fault.NotFound) {
		err = unknownTransaction()
	}
	return transactionOf(row), outcome, err
}

// Claim is the outcome of a transaction, for the page that sends it to its
// opener: once. It fails like Outcome. For OutcomeLife after it, Withdraw can
// take it back.
func (x *Transactions) Claim(w http.ResponseWriter, r *http.Request, id string) (Transaction, []byte, error) {
	var outcome []byte
	t, err := x.step(r, id, func(row *store.OAuthTransaction) error {
		if err := x.claimable(*row); err != nil {
			return err
		}
		outcome = row.Outcome
		row.Status, row.Expires = TransactionClaimed, timeOf(x.Now).Add(OutcomeLife)
		return nil
	})
	if err != nil {
		return Transaction{}, nil, err
	}
	x.shortenCookie(w, r, id)
	return t, outcome, nil
}

// Withdraw ends a transaction whose outcome never arrived where it should,
// claimed or not, and gives the outcome back, so that the token in it can be
// revoked: once. It fails like Outcome, but for what was claimed.
func (x *Transactions) Withdraw(w http.ResponseWriter, r *http.Request, id string) (Transaction, []byte, error) {
	var outcome []byte
	t, err := x.step(r, id, func(row *store.OAuthTransaction) error {
		if row.Status != TransactionClaimed || x.expired(*row) {
			if err := x.claimable(*row); err != nil {
				return err
			}
		}
		outcome, row.Outcome = row.Outcome, nil
		row.Status = TransactionWithdrawn
		return nil
	})
	if err != nil {
		return Transaction{}, nil, err
	}
	x.setCookie(w, x.cookieName(id), "", -1)
	return t, outcome, nil
}

// claimable is nil for a transaction whose outcome is there to be had.
func (x *Transactions) claimable(row store.OAuthTransaction) error {
	switch row.Status {
	case TransactionClaimed:
		return used()
	case TransactionWithdrawn:
		if x.expired(row) {
			return tooLate() // nobody has used it: it was abandoned
		}
		return used()
	}
	switch {
	case x.expired(row):
		return tooLate()
	case row.Status == TransactionDone || row.Status == TransactionFailed:
		return nil
	}
	return fault.Wrap(fault.Conflict, ErrPending, "This sign-in is not finished yet.")
}

// Finished is a transaction with its outcome.
type Finished struct {
	Transaction
	Outcome []byte
}

// Abandoned are transactions that ended well and that nobody has claimed in
// time, at most limit: somebody closed the window, or the page behind it had
// gone elsewhere. Each is given once, so that its token can be revoked.
func (x *Transactions) Abandoned(ctx context.Context, limit int) ([]Finished, error) {
	rows, err := x.Store.AbandonedOAuthTransactions(ctx, timeOf(x.Now), limit)
	if err != nil {
		return nil, err
	}
	list := make([]Finished, len(rows))
	for i, row := range rows {
		list[i] = Finished{Transaction: transactionOf(row), Outcome: row.Outcome}
	}
	return list, nil
}

// shortenCookie lets the cookie of a claimed transaction live as long as it can
// be withdrawn.
func (x *Transactions) shortenCookie(w http.ResponseWriter, r *http.Request, id string) {
	name := x.cookieName(id)
	if c, err := r.Cookie(name); err == nil {
		x.setCookie(w, name, c.Value, int(OutcomeLife/time.Second))
	}
}
