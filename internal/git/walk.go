package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const maxToken = 1 << 16 // bytes of one token of git log's output; a longer path is passed over

// walk says which commits of a history touched which paths, newest first.
type walk struct {
	from    ID       // the history of this commit
	not     ID       // without the history of this one; may be empty
	paths   []string // these alone; none is all
	merges  bool     // also merges, against their first parent
	time    time.Duration
	visit   func(path string, t touch) (more bool)
	commits int // how many were seen, afterwards
}

// touch is what a commit did to a path.
type touch struct {
	commit  ID
	removed bool
}

// walk runs git log and reads its output as it comes, until visit has enough.
// Merges contribute only what their sides did.
func (r *Repo) walk(ctx context.Context, w *walk) error {
	ctx, done, err := r.beginFor(ctx, w.time)
	if err != nil {
		return err
	}
	defer done()
	args := []string{"log", "--raw", "-z", "--no-renames", "--no-abbrev", "--date-order", "--format=%x01%H"}
	if w.merges {
		args = append(args, "--diff-merges=first-parent")
	} else {
		args = append(args, "--no-merges")
	}
	args = append(args, string(w.from))
	if w.not != "" {
		args = append(args, "^"+string(w.not))
	}
	args = append(append(args, "--"), w.paths...)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := newProcess(ctx, r.environment(), args...)
	stderr := bounded{max: maxStderr}
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return explain(ctx, err, "log", &stderr)
	}
	readErr := w.read(out)
	enough := errors.Is(readErr, errEnough)
	if readErr != nil {
		_ = killGroup(cmd)
	}
	err = explain(ctx, cmd.Wait(), "log", &stderr)
	switch {
	case enough:
		return nil
	case err != nil:
		return err
	}
	return readErr
}

var errEnough = errors.New("enough")

// read parses "\x01COMMIT NUL", then for each path "\n:MODES IDS STATUS NUL PATH
// NUL", and a lone NUL between commits.
func (w *walk) read(out io.Reader) error {
	in := bufio.NewReaderSize(out, maxToken)
	var t touch
	for {
		token, err := nextToken(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		token = strings.TrimPrefix(token, "\n")
		switch {
		case token == "":
		case token[0] == 1:
			t = touch{commit: ID(token[1:])}
			w.commits++
		case token[0] == ':':
			path, err := nextToken(in)
			if err != nil {
				return fmt.Errorf("git log broke off: %w", err)
			}
			t.removed = strings.HasSuffix(token, " D")
			if path != "" && !w.visit(path, t) {
				return errEnough
			}
		default:
			return fmt.Errorf("git log said %.100q", token)
		}
	}
}

// nextToken reads up to a NUL. What is too long is read as "".
func nextToken(in *bufio.Reader) (string, error) {
	b, err := in.ReadSlice(0)
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		b, err = in.ReadSlice(0)
	}
	switch {
	case errors.Is(err, io.EOF) && (long || len(b) > 0):
		return "", io.ErrUnexpectedEOF
	case err != nil || long:
		return "", err
	}
	return string(b[:len(b)-1]), nil
}
