package broker

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"gatehouse/internal/auth"
)

// A token that nobody collects is revoked.
func TestSweep(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	tx := b.signIn(www, shop, w.host)
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.host.alive() != 1 {
		t.Error("swept too early")
	}
	w.pass(auth.OutcomeLife + time.Second)
	for range 2 {
		if err := w.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if w.host.alive() != 0 {
		t.Error("the token is good still")
	}
	if families, err := w.Handles.Families(t.Context(), 10); err != nil || len(families) != 0 {
		t.Errorf("handles of it: %v %v", families, err)
	}
	if status, got := b.claim(tx); status != http.StatusGone {
		t.Errorf("claimed all the same: %d %v", status, got)
	}
	w.silent()
}

// The server ends while tokens are being taken back: it does not wait for all of
// them, and forgets none.
func TestSweepEndsWithTheServer(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.browser().signIn(www, shop, w.host)
	}
	w.pass(3 * time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	w.host.change(func(h *host) { h.revoking = stop })
	if err := w.Sweep(ctx); !errors.Is(err, context.Canceled) || w.host.alive() != 2 {
		t.Fatalf("%d tokens are left, %v", w.host.alive(), err)
	}
	w.restart()
	if err := w.Sweep(t.Context()); err != nil || w.host.alive() != 0 {
		t.Errorf("%d tokens are left, %v", w.host.alive(), err)
	}
}
