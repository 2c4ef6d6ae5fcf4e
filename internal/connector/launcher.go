package connector

import (
	"context"
	"encoding/json"
	"time"

	"gatehouse/internal/fault"
)

// LauncherMemory is how long a host that cut a popup off from its opener is
// opened in a second window.
const LauncherMemory = 7 * 24 * time.Hour

// loss is what is known of a host whose popup had no opener any more. Either
// the host's pages cut it off, or somebody just closed the editor's window;
// nothing in the popup tells the two apart. So the next sign-in uses a second
// window, in which it can be seen:
//
//	── LostOpener ──► second window ── KeptOpener ──► one window, once more
//	                                ── LostOpener, by another sign-in ──► second window, for good
//
// A host may do it on its password page alone, which only some people see. Two
// losses within LauncherMemory are no accident, and KeptOpener then changes
// nothing.
type loss struct {
	At     time.Time `json:"at"`
	SignIn string    `json:"signIn"` // empty: one that anybody can bring about
	Sure   bool      `json:"sure"`   // two sign-ins have lost their openers
	Kept   bool      `json:"kept"`   // a second window has kept its opener since
}

// LostOpener notes that a sign-in by a connector came back from the host without
// its opener. An empty signIn is for one that anybody can bring about, and makes
// no loss a sure one; the same one twice is one.
func (s *Set) LostOpener(ctx context.Context, name, signIn string) error {
	old, err := s.loss(ctx, name)
	if err != nil || (signIn != "" && old.SignIn == signIn) {
		return err
	}
	next := loss{At: s.now().UTC(), SignIn: signIn, Sure: old.Sure || (signIn != "" && old.SignIn != "")}
	if signIn == "" {
		next.SignIn = old.SignIn
	}
	return s.keepLoss(ctx, name, next)
}

// KeptOpener notes that the second window of a sign-in by a connector came back
// from the host with its opener.
func (s *Set) KeptOpener(ctx context.Context, name string) error {
	old, err := s.loss(ctx, name)
	if err != nil || old.At.IsZero() || old.Sure || old.Kept {
		return err
	}
	old.Kept = true
	return s.keepLoss(ctx, name, old)
}

// ForgetLauncher takes LostOpener back, so that the next sign-in tries the one
// window again.
func (s *Set) ForgetLauncher(ctx context.Context, name string) error {
	if old, err := s.loss(ctx, name); err != nil || old.At.IsZero() {
		return err
	}
	return s.store.SetSetting(ctx, launcherSetting(name), nil)
}

// OpenerLost is since when a connector's host is opened in a second window
// because of LostOpener; the zero time when it is not.
func (s *Set) OpenerLost(ctx context.Context, name string) (time.Time, error) {
	x, err := s.loss(ctx, name)
	if err != nil || x.Kept {
		return time.Time{}, err
	}
	return x.At, nil
}

// NeedsLauncher reports whether a connector's host is to be opened in a second
// window: because an operator wants it so, or because its pages were seen to cut
// the popup off. NotFound when there is no such connector.
func (s *Set) NeedsLauncher(ctx context.Context, name string) (bool, error) {
	c, err := s.Get(ctx, name)
	if err != nil || c.Launcher {
		return c.Launcher, err
	}
	lost, err := s.OpenerLost(ctx, name)
	return !lost.IsZero(), err
}

// loss is the zero one when there was none, or too long ago to matter.
func (s *Set) loss(ctx context.Context, name string) (loss, error) {
	value, err := s.store.Setting(ctx, launcherSetting(name))
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return loss{}, err
	}
	var x loss
	if err := json.Unmarshal(value, &x); err != nil || !x.At.After(s.now().Add(-LauncherMemory)) {
		return loss{}, nil //nolint:nilerr // what was taken back is empty
	}
	return x, nil
}

func (s *Set) keepLoss(ctx context.Context, name string, x loss) error {
	value, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return s.store.SetSetting(ctx, launcherSetting(name), value)
}

func launcherSetting(name string) string { return "launcher:" + name }
