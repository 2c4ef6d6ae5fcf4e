// Package deploy runs what follows a change of a site's branch: the operator's
// command, a signed webhook, or both. It is not told what a site is, and the
// repository's own hooks are never run.
//
//	Moved ─► waiting ─► running ─► result, kept and logged
//	            ▲           │
//	            └── moves that arrive meanwhile become one
package deploy

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Move is a branch that has moved.
type Move struct {
	Site   string `json:"site"`
	Branch string `json:"branch"`
	Before string `json:"before"` // commit; empty: the branch is new
	After  string `json:"after"`
}

// Job is what to do. Without a command and a webhook nothing is done.
type Job struct {
	Command []string // program and arguments, without a shell
	Dir     string   // where the command runs
	Repo    string   // the repository's directory, for GATEHOUSE_REPO
	Webhook string   // URL
	Secret  string   // key of the webhook's signature
	Timeout time.Duration
}

func (j Job) empty() bool { return len(j.Command) == 0 && j.Webhook == "" }

// Result is the outcome of the last run.
type Result struct {
	Move    Move
	Started time.Time
	Took    time.Duration
	Output  string // the end of what the command and the webhook's receiver said
	Err     error  // nil: it went well
}

// Runner runs the job of one site, one run at a time. Make it with New.
type Runner struct {
	log    *slog.Logger
	life   context.Context // ends when Close loses patience
	kill   context.CancelFunc
	worker sync.WaitGroup

	mu      sync.Mutex
	job     Job
	waiting *Move
	running bool
	closed  bool
	last    *Result
}

// New is a runner without a job.
func New(log *slog.Logger) *Runner {
	r := &Runner{log: log}
	r.life, r.kill = context.WithCancel(context.Background())
	return r
}

// Use sets the job of the runs that begin from now on.
func (r *Runner) Use(j Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.job = j
}

// Moved asks for a run and returns at once. During a run it asks for one more,
// whatever the number of moves.
func (r *Runner) Moved(m Move) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.job.empty() {
		return
	}
	if r.waiting != nil {
		m.Before = r.waiting.Before
	}
	r.waiting = &m
	if !r.running {
		r.running = true
		r.worker.Go(r.work)
	}
}

// Last is the result of the last run; nil before the first.
func (r *Runner) Last() *Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Close takes no more moves and waits for the runs that were asked for. When
// ctx ends first, the run at work is killed and those that wait are dropped.
func (r *Runner) Close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	defer context.AfterFunc(ctx, r.kill)()
	r.worker.Wait()
	r.kill()
}

// work runs until nothing waits.
func (r *Runner) work() {
	for {
		r.mu.Lock()
		if r.waiting == nil || r.life.Err() != nil {
			r.running = false
			r.mu.Unlock()
			return
		}
		move, job := *r.waiting, r.job
		r.waiting = nil
		r.mu.Unlock()
		if job.empty() {
			continue // the site went while the move waited
		}
		result := job.run(r.life, move)
		r.report(result)
		r.mu.Lock()
		r.last = &result
		r.mu.Unlock()
	}
}

func (r *Runner) report(x Result) {
	attrs := []slog.Attr{
		slog.String("site", x.Move.Site), slog.String("branch", x.Move.Branch), slog.String("commit", x.Move.After),
		slog.Duration("took", x.Took.Round(time.Millisecond)),
	}
	level, text := slog.LevelInfo, "deployed"
	if x.Err != nil {
		level, text = slog.LevelError, "the deployment failed"
		attrs = append(attrs, slog.String("error", x.Err.Error()), slog.String("output", x.Output))
	}
	r.log.LogAttrs(r.life, level, text, attrs...)
}
