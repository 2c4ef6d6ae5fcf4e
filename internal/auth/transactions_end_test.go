package auth

import (
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

func TestOutcomeIsThereForTwoMinutes(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	id := x.returned(t, b).ID
	check(t, x.Finish(t.Context(), id, true, []byte("token")))
	x.clock.Advance(OutcomeLife)
	_, _, err := x.claim(b, id)
	wantCause(t, err, ErrTooLate, fault.Invalid)
	list, err := x.Abandoned(t.Context(), 10)
	check(t, err)
	if len(list) != 1 || string(list[0].Outcome) != "token" || list[0].ID != id || !list[0].OK {
		t.Fatalf("abandoned are %+v", list)
	}
	if list, err = x.Abandoned(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("abandoned are given twice: %+v (%v)", list, err)
	}
	_, _, err = x.claim(b, id)
	wantCause(t, err, ErrTooLate, fault.Invalid)
}

func TestAbandonedAreThoseDoneAndNotClaimed(t *testing.T) {
	x := newSignIns(t)
	want := map[string]bool{}
	for i := range 8 {
		b := &browser{}
		id := x.returned(t, b).ID
		check(t, x.Finish(t.Context(), id, i != 0, []byte(id)))
		switch i {
		case 0:
		case 1:
			_, _, err := x.claim(b, id)
			check(t, err)
		case 2:
			_, _, err := x.withdraw(b, id)
			check(t, err)
		default:
			want[id] = true
		}
	}
	x.clock.Advance(TransactionLife)
	// They outlive a sweep, or their tokens could never be revoked.
	check(t, x.Store.Sweep(t.Context(), x.clock.Now().Add(time.Hour)))
	for len(want) > 0 {
		list, err := x.Abandoned(t.Context(), 2)
		check(t, err)
		if len(list) == 0 || len(list) > 2 {
			t.Fatalf("%d at once, %d are missing", len(list), len(want))
		}
		for _, f := range list {
			if !want[f.ID] || string(f.Outcome) != f.ID {
				t.Errorf("abandoned is %+v", f)
			}
			delete(want, f.ID)
		}
	}
}

func TestWithdraw(t *testing.T) {
	for name, claimed := range map[string]bool{"before it is claimed": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			x, b := newSignIns(t), &browser{}
			id := x.returned(t, b).ID
			_, _, err := x.withdraw(b, id)
			wantCause(t, err, ErrPending, fault.Conflict)
			check(t, x.Finish(t.Context(), id, true, []byte("token")))
			if claimed {
				_, _, err := x.claim(b, id)
				check(t, err)
				x.clock.Advance(OutcomeLife - time.Millisecond)
			}
			again := &browser{cookies: b.cookies}
			got, outcome, err := x.withdraw(b, id)
			if err != nil || outcome != "token" || got.Status != TransactionWithdrawn || !got.OK {
				t.Fatalf("withdrawn %q of %+v (%v)", outcome, got, err)
			}
			if len(b.cookies) != 0 {
				t.Errorf("cookies left are %v", b.cookies)
			}
			_, _, err = x.withdraw(again, id)
			wantCause(t, err, ErrUsed, fault.Conflict)
			_, _, err = x.claim(again, id)
			wantCause(t, err, ErrUsed, fault.Conflict)
		})
	}
}

// A secret is kept as long as somebody can still ask for it, and no longer.
func TestSecretsAreForgottenAfterTheirUse(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	id := x.start(t, b).ID
	kept := func(when string, verifier, outcome bool) {
		t.Helper()
		_, err := x.Store.UpdateOAuthTransaction(t.Context(), id, func(row *store.OAuthTransaction) error {
			if (row.Verifier != "") != verifier || (row.Outcome != nil) != outcome {
				t.Errorf("%s: verifier %q, outcome %q", when, row.Verifier, row.Outcome)
			}
			return nil
		})
		check(t, err)
	}
	state, _ := x.begin(t, b, id)
	kept("begun", true, false)
	_, _, err := x.Return(b.request(), "github", state)
	check(t, err)
	kept("returned", false, false)
	check(t, x.Finish(t.Context(), id, true, []byte("token")))
	kept("done", false, true)
	_, _, err = x.withdraw(b, id)
	check(t, err)
	kept("withdrawn", false, false)

	id = x.start(t, b).ID
	x.begin(t, b, id)
	check(t, x.Finish(t.Context(), id, false, nil))
	kept("failed before the return", false, false)
}
