package git

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
)

// stream is one large blob on its way to a reader.
type stream struct {
	cmd    *exec.Cmd
	ctx    context.Context
	out    io.Reader
	left   int64
	stderr bounded
	once   sync.Once
	done   func()
}

// stream starts the process for one blob. It has no time limit but that of ctx:
// the reader sets the pace.
func (r *Repo) stream(ctx context.Context, id ID, size int64) (io.ReadCloser, error) {
	select {
	case r.streams <- struct{}{}:
	case <-ctx.Done():
		return nil, stopped(ctx, "cat-file")
	case <-r.life.Done():
		return nil, errClosed
	}
	r.usersMu.Lock()
	if r.life.Err() != nil {
		r.usersMu.Unlock()
		<-r.streams
		return nil, errClosed
	}
	r.users.Add(1)
	r.usersMu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{ctx: ctx, left: size, stderr: bounded{max: maxStderr}}
	s.cmd = newProcess(ctx, r.environment(), "cat-file", "blob", string(id))
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		s.out, err = out, s.cmd.Start()
	}
	started := err == nil
	finish := sync.OnceFunc(func() {
		cancel()
		if started {
			_ = s.cmd.Wait()
		}
		<-r.streams
		r.users.Done()
	})
	// Close of the repository ends the stream even if nobody closes it.
	stop := context.AfterFunc(r.life, finish) //nolint:contextcheck // the end of the repository is no caller's
	s.done = func() { stop(); finish() }
	if err != nil {
		s.done()
		return nil, explain(ctx, err, "cat-file", &s.stderr)
	}
	return s, nil
}

// Read fails when the blob breaks off before its length.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	s.left -= int64(n)
	if err == nil || errors.Is(err, io.EOF) && s.left == 0 {
		return n, err
	}
	if s.ctx.Err() != nil {
		return n, stopped(s.ctx, "cat-file")
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close ends the process. It may be called more than once.
func (s *stream) Close() error {
	s.once.Do(s.done)
	return nil
}
