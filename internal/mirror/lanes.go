package mirror

import (
	"context"
	"sync"
)

// lanes let one writer of this process at a time onto each branch, so that many
// do not start over and over. They save work and keep nothing right: that is
// the compare-and-swap, which other processes meet too. The zero value is ready.
type lanes struct {
	mu   sync.Mutex
	open map[string]*lane
}

type lane struct {
	turn  chan struct{} // holds one token while somebody is on it
	users int           // on it or waiting; guarded by lanes.mu
}

// enter waits for the lane; leave must be called once.
func (l *lanes) enter(ctx context.Context, name string) (leave func(), err error) {
	l.mu.Lock()
	if l.open == nil {
		l.open = make(map[string]*lane)
	}
	w := l.open[name]
	if w == nil {
		w = &lane{turn: make(chan struct{}, 1)}
		l.open[name] = w
	}
	w.users++
	l.mu.Unlock()

	done := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if w.users--; w.users == 0 {
			delete(l.open, name)
		}
	}
	select {
	case w.turn <- struct{}{}:
		return func() { <-w.turn; done() }, nil
	case <-ctx.Done():
		done()
		return nil, ctx.Err()
	}
}
