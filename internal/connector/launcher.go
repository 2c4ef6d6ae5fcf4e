package connector

import (
	"context"
	"time"

	"gatehouse/internal/fault"
)

// LauncherMemory is how long a host that cut a popup off from its opener is
// opened in a second window.
const LauncherMemory = 7 * 24 * time.Hour

// LostOpener notes that a connector's host has cut a popup off from the page
// that opened it.
func (s *Set) LostOpener(ctx context.Context, name string) error {
	return s.store.SetSetting(ctx, launcherSetting(name), []byte(s.now().UTC().Format(time.RFC3339)))
}

// ForgetLauncher takes LostOpener back, so that the next sign-in tries the one
// window again.
func (s *Set) ForgetLauncher(ctx context.Context, name string) error {
	if lost, err := s.OpenerLost(ctx, name); err != nil || lost.IsZero() {
		return err
	}
	return s.store.SetSetting(ctx, launcherSetting(name), nil)
}

// OpenerLost is when LostOpener last noted a connector; the zero time when it
// did not, or too long ago to matter.
func (s *Set) OpenerLost(ctx context.Context, name string) (time.Time, error) {
	value, err := s.store.Setting(ctx, launcherSetting(name))
	if fault.Is(err, fault.NotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, string(value))
	if err != nil || !at.After(s.now().Add(-LauncherMemory)) {
		return time.Time{}, nil //nolint:nilerr // what was taken back is empty, and no time
	}
	return at, nil
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

func launcherSetting(name string) string { return "launcher:" + name }
