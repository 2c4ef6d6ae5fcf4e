package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

const (
	poolSize   = 4       // cat-file processes of one repository
	readBuffer = 1 << 16 // bytes
	maxSkipped = 8 << 20 // bytes of answers that are skipped rather than the process ended
)

// pool keeps the cat-file processes that wait for work. They are started when
// first needed, and one that broke is not put back.
type pool struct {
	start func() (*reader, error)
	slots chan struct{} // one for each process at work

	mu   sync.Mutex
	idle []*reader
}

// take waits for a slot. fresh asks for a process that nobody has used.
func (p *pool) take(ctx context.Context, fresh bool) (*reader, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, stopped(ctx, "cat-file")
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 && !fresh {
		rd := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return rd, nil
	}
	p.mu.Unlock()
	rd, err := p.start()
	if err != nil {
		<-p.slots
	}
	return rd, err
}

func (p *pool) give(rd *reader, healthy bool) {
	if healthy {
		p.mu.Lock()
		// A process asked for as fresh may leave one too many.
		if healthy = len(p.idle) < poolSize; healthy {
			p.idle = append(p.idle, rd)
		}
		p.mu.Unlock()
	}
	if !healthy {
		rd.stop()
	}
	<-p.slots
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rd := range p.idle {
		rd.stop()
	}
	p.idle = nil
}

// reader is one git cat-file process that answers any number of questions.
type reader struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bounded

	mu     sync.Mutex
	reaped bool // its number may be another process's by now
}

func (r *Repo) startReader() (*reader, error) {
	rd := &reader{stderr: bounded{max: maxStderr}}
	rd.cmd = newProcess(r.life, r.environment(), "cat-file", "--batch-command", "--buffer")
	rd.cmd.Stderr = &rd.stderr
	in, err := rd.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := rd.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	rd.in, rd.out = in, bufio.NewReaderSize(out, readBuffer)
	return rd, explain(r.life, rd.cmd.Start(), "cat-file", &rd.stderr)
}

// stop ends the process and waits for it.
func (rd *reader) stop() {
	rd.kill()
	_ = rd.in.Close()
	rd.mu.Lock()
	defer rd.mu.Unlock()
	_ = rd.cmd.Wait()
	rd.reaped = true
}

func (rd *reader) kill() {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if !rd.reaped {
		_ = killGroup(rd.cmd)
	}
}

// answer is the head of an answer of cat-file. Kind is empty when there is no
// such object.
type answer struct {
	id   ID
	kind string
	size int64
}

// errBroken is a cat-file process that died or spoke nonsense.
var errBroken = errors.New("git cat-file broke off")

// batch asks one process for all names at once, and hands the answers to each
// in order, with the content when verb is "contents". What each leaves unread is
// skipped. Names must have no line feed.
func (r *Repo) batch(ctx context.Context, verb string, names []string, each func(i int, a answer, body io.Reader) error) error {
	if len(names) == 0 {
		return nil
	}
	ctx, done, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	answered := 0
	counted := func(i int, a answer, body io.Reader) error {
		answered++
		return each(i, a, body)
	}
	err = r.batchOnce(ctx, false, verb, names, counted)
	if errors.Is(err, errBroken) && answered == 0 && ctx.Err() == nil {
		// The process may have died since its last use: ask a new one.
		err = r.batchOnce(ctx, true, verb, names, counted)
	}
	return err
}

func (r *Repo) batchOnce(ctx context.Context, fresh bool, verb string, names []string, each func(int, answer, io.Reader) error) error {
	rd, err := r.readers.take(ctx, fresh)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, rd.kill)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		rd.ask(verb, names)
	}()
	err = rd.answers(verb == "contents", len(names), each)
	if spent(err) {
		rd.kill() // frees the goroutine that asks
	}
	<-asked
	healthy := stop() && !spent(err)
	r.readers.give(rd, healthy)
	if ctx.Err() != nil && spent(err) {
		return stopped(ctx, "cat-file")
	}
	if errors.Is(err, errBroken) {
		return fmt.Errorf("%w: %s", err, rd.stderr.buf.String())
	}
	return err
}

// ask writes the questions. A failure shows on the side that reads.
func (rd *reader) ask(verb string, names []string) {
	w := bufio.NewWriterSize(rd.in, readBuffer)
	for _, name := range names {
		_, _ = w.WriteString(verb)
		_ = w.WriteByte(' ')
		_, _ = w.WriteString(name)
		_ = w.WriteByte('\n')
	}
	_, _ = w.WriteString("flush\n")
	_ = w.Flush()
}

// answers reads n answers. After an error of each the rest is skipped, so that
// the process can go on, unless that is a lot.
func (rd *reader) answers(contents bool, n int, each func(int, answer, io.Reader) error) error {
	body := io.LimitedReader{R: rd.out}
	var failed error
	var skipped int64
	for i := range n {
		line, err := rd.out.ReadString('\n')
		if err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		a, ok := parseAnswer(line[:len(line)-1])
		if !ok {
			return fmt.Errorf("%w: it said %.200q", errBroken, line)
		}
		body.N = 0
		if contents {
			body.N = a.size
		}
		if failed == nil {
			failed = each(i, a, &body)
		}
		if failed != nil {
			if skipped += body.N; skipped > maxSkipped || errors.Is(failed, errBroken) {
				return &abandoned{failed}
			}
		}
		if !contents || a.kind == "" {
			continue
		}
		if _, err := rd.out.Discard(int(body.N) + 1); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	}
	return failed
}

// abandoned is an error of each after which answers are left unread.
type abandoned struct{ error }

func (a *abandoned) Unwrap() error { return a.error }

// spent reports whether the process cannot be used after err.
func spent(err error) bool {
	var a *abandoned
	return errors.Is(err, errBroken) || errors.As(err, &a)
}

// parseAnswer reads "ID KIND SIZE", or a line that ends with why there is none.
func parseAnswer(line string) (answer, bool) {
	if strings.HasSuffix(line, " missing") || strings.HasSuffix(line, " ambiguous") {
		return answer{}, true
	}
	id, rest, _ := strings.Cut(line, " ")
	kind, number, _ := strings.Cut(rest, " ")
	size, err := strconv.ParseInt(number, 10, 64)
	if err != nil || size < 0 {
		return answer{}, false
	}
	switch kind {
	case "blob", "tree", "commit", "tag":
		return answer{ID(id), kind, size}, true
	}
	return answer{}, false
}
