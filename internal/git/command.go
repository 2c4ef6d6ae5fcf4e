package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gatehouse/internal/fault"
)

const (
	commandTime = 2 * time.Minute         // the longest that one git command may run
	killWait    = 5 * time.Second         // after the kill, until its pipes are given up
	maxOutput   = 256 << 20               // bytes of standard output held at once
	maxStderr   = 8 << 10                 // bytes of standard error kept for the log
	maxCommands = 8                       // commands of one repository that run at once
	emptyDevice = "/dev/null"             // a file without content
	absentHome  = "/nonexistent/git-home" // git must not look into anybody's home
)

// settings are given to every git process. What is given by the environment
// wins over the repository's own configuration.
var settings = [][2]string{
	{"safe.directory", "*"}, // the operator named this directory; who owns it does not matter
	{"core.hooksPath", emptyDevice},
	{"core.fsync", "all"},
	{"core.fsyncMethod", "fsync"},
	{"core.fsmonitor", "false"},
	{"core.attributesFile", emptyDevice},
	{"core.excludesFile", emptyDevice},
	{"core.filesRefLockTimeout", "5000"},
	{"core.packedRefsTimeout", "5000"},
	{"core.quotePath", "false"},
	{"core.warnAmbiguousRefs", "false"},
	{"protocol.allow", "never"},
	{"gc.auto", "0"},
	{"maintenance.auto", "false"},
	{"merge.directoryRenames", "false"}, // else a new file follows a folder that somebody renamed
	{"merge.renames", "true"},
	{"log.showSignature", "false"},
	{"log.showRoot", "true"},
	{"log.follow", "false"},
	{"color.ui", "false"},
	{"submodule.recurse", "false"},
	{"i18n.logOutputEncoding", "UTF-8"},
}

// environment is all that a git process inherits.
func environment(more ...string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + absentHome,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + emptyDevice,
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_NO_REPLACE_OBJECTS=1",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_ADVICE=0",
		"GIT_CONFIG_COUNT=" + strconv.Itoa(len(settings)),
	}
	if tmp := os.Getenv("TMPDIR"); tmp != "" {
		env = append(env, "TMPDIR="+tmp)
	}
	for i, s := range settings {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+s[0], "GIT_CONFIG_VALUE_"+n+"="+s[1])
	}
	return append(env, more...)
}

// failure is a git command that ended badly.
type failure struct {
	Name   string // the subcommand
	Code   int    // exit code; -1: killed
	Stderr string
	Err    error
}

func (f *failure) Error() string {
	return fmt.Sprintf("git %s: %v: %s", f.Name, f.Err, strings.TrimSpace(f.Stderr))
}

func (f *failure) Unwrap() error { return f.Err }

// exitCode is the exit code inside err, or -1.
func exitCode(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.Code
	}
	return -1
}

// command is one call of git.
type command struct {
	args     []string
	env      []string // beside the environment that all have
	dir      string
	stdin    io.Reader
	personal bool // reads the configuration of the person who runs this program
}

// bounded keeps the first bytes that it is given and forgets the rest.
type bounded struct {
	buf  bytes.Buffer
	max  int
	lost bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.max - b.buf.Len(); room < len(p) {
		b.lost = true
		b.buf.Write(p[:max(room, 0)])
	} else {
		b.buf.Write(p)
	}
	return len(p), nil
}

// newProcess prepares git in a process group of its own, which dies as a whole
// when ctx ends.
func newProcess(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = killWait
	return cmd
}

func killGroup(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return os.ErrProcessDone
	}
	return nil
}

// git runs one command in the repository and answers its standard output.
func (r *Repo) git(ctx context.Context, args ...string) ([]byte, error) {
	return r.run(ctx, command{args: args})
}

// run runs one command in the repository and answers its standard output, also
// beside an error.
func (r *Repo) run(ctx context.Context, c command) ([]byte, error) {
	ctx, done, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	select {
	case r.running <- struct{}{}:
		defer func() { <-r.running }()
	case <-ctx.Done():
		return nil, stopped(ctx, c.args[0])
	}
	out := bounded{max: maxOutput}
	cmd := newProcess(ctx, r.environment(c.env...), c.args...)
	if c.personal {
		cmd.Env = slices.DeleteFunc(cmd.Env, func(s string) bool {
			return strings.HasPrefix(s, "GIT_CONFIG_GLOBAL=") || strings.HasPrefix(s, "GIT_CONFIG_NOSYSTEM=")
		})
	}
	cmd.Dir, cmd.Stdin, cmd.Stdout = c.dir, c.stdin, &out
	err = finish(ctx, cmd, c.args[0])
	if err == nil && out.lost {
		err = fmt.Errorf("git %s: more than %d bytes of output", c.args[0], maxOutput)
	}
	return out.buf.Bytes(), err
}

// runGit runs git outside of any repository.
func runGit(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	out := bounded{max: maxStderr}
	cmd := newProcess(ctx, environment(), args...)
	cmd.Stdout = &out
	err := finish(ctx, cmd, args[0])
	return out.buf.Bytes(), err
}

// finish runs cmd to its end and explains a failure.
func finish(ctx context.Context, cmd *exec.Cmd, name string) error {
	stderr := bounded{max: maxStderr}
	cmd.Stderr = &stderr
	return explain(ctx, cmd.Run(), name, &stderr)
}

func explain(ctx context.Context, err error, name string, stderr *bounded) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fault.Wrap(fault.Unsupported, err, "The program git is missing on the server: install it (Debian: apt-get install git; macOS: xcode-select --install)")
	}
	if ctx.Err() != nil {
		return stopped(ctx, name)
	}
	code := -1
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	return &failure{Name: name, Code: code, Stderr: stderr.buf.String(), Err: err}
}

// stopped is the error of a command whose context has ended.
func stopped(ctx context.Context, name string) error {
	err := context.Cause(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Unavailable, err, "The repository took too long to answer (git %s); try again", name)
	}
	return fmt.Errorf("git %s: %w", name, err)
}
