package auth

import (
	"context"
	"sync"
)

// locks are mutexes by name. The zero value is ready.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	free  chan struct{} // holds one value while nobody has the lock
	users int           // who has it or waits for it
}

// lock waits until nobody else has the lock of a name, or ctx ends.
func (l *locks) lock(ctx context.Context, name string) (unlock func(), err error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	x := l.held[name]
	if x == nil {
		x = &lock{free: make(chan struct{}, 1)}
		x.free <- struct{}{}
		l.held[name] = x
	}
	x.users++
	l.mu.Unlock()
	select {
	case <-x.free:
		return func() {
			x.free <- struct{}{}
			l.leave(name, x)
		}, nil
	case <-ctx.Done():
		l.leave(name, x)
		return nil, ctx.Err()
	}
}

func (l *locks) leave(name string, x *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x.users--; x.users == 0 {
		delete(l.held, name)
	}
}
