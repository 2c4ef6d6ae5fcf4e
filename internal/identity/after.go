package identity

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/internal/fault"
)

// after does work when its cause has been answered, so that the time of an
// answer does not tell what was found: strangers may ask for mails to any
// address.
type after struct {
	all     sync.WaitGroup
	slots   chan struct{}
	waiting atomic.Int64
}

const (
	afterSlots = 2
	afterQueue = 256
	afterTime  = 30 * time.Second
)

func newAfter() *after { return &after{slots: make(chan struct{}, afterSlots)} }

func (a *after) wait() { a.all.Wait() }

// later runs f soon, though the request that caused it ends. What fails is
// logged.
func (s *Service) later(ctx context.Context, what string, f func(context.Context) error) error {
	a := s.after
	if a.waiting.Add(1) > afterQueue {
		a.waiting.Add(-1)
		return &fault.Error{
			Kind: fault.TooMany, RetryAfter: 10 * time.Second,
			Message: "Too many people are asking for mails at this moment. Try again in a few seconds.",
		}
	}
	ctx = context.WithoutCancel(ctx)
	a.all.Go(func() {
		defer a.waiting.Add(-1)
		a.slots <- struct{}{}
		defer func() { <-a.slots }()
		ctx, cancel := context.WithTimeout(ctx, afterTime)
		defer cancel()
		if err := f(ctx); err != nil && s.Slog != nil {
			s.Slog.ErrorContext(ctx, "a mail that somebody asked for could not be written", "what", what, "error", err)
		}
	})
	return nil
}
