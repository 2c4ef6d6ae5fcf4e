package sample

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"gatehouse/internal/git"
)

// importLimit is how long git may take for the largest sample.
const importLimit = 10 * time.Minute

// stream writes commits in the language of git fast-import, which makes ten
// thousand files one pack and not ten thousand objects.
type stream struct {
	w    *bufio.Writer
	mark int
}

// commit begins a commit on branch and answers its mark. From 0 has no parent.
func (s *stream) commit(branch string, who git.Signature, message string, from int) int {
	s.mark++
	id := fmt.Sprintf("%s <%s> %d +0000", who.Name, who.Email, who.When.Unix())
	s.printf("commit refs/heads/%s\nmark :%d\nauthor %s\ncommitter %s\ndata %d\n%s\n", branch, s.mark, id, id, len(message), message)
	if from > 0 {
		s.printf("from :%d\n", from)
	}
	return s.mark
}

// printf keeps quiet about errors: the writer remembers the first one, and
// feed asks for it at the end.
func (s *stream) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.w, format, args...) }

// file adds or replaces one file of the commit that was begun last.
func (s *stream) file(path, data string) {
	s.printf("M 100644 inline %s\ndata %d\n%s\n", path, len(data), data)
}

// fastImport runs git fast-import over what write writes.
func fastImport(ctx context.Context, dir string, write func(*stream) error) error {
	ctx, cancel := context.WithTimeout(ctx, importLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "--git-dir", dir, "-c", "core.fsync=all", "fast-import", "--quiet", "--done")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	said := &strings.Builder{}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("git cannot be started: %w", err)
	}
	written := feed(in, write)
	if err := cmd.Wait(); err != nil {
		return errors.Join(fmt.Errorf("git fast-import: %w: %s", err, firstLine(said.String())), written)
	}
	return written
}

// feed writes the whole stream and closes it; without the final "done" git
// refuses it, so that half a history is never taken for a whole one.
func feed(in io.WriteCloser, write func(*stream) error) error {
	s := &stream{w: bufio.NewWriterSize(in, 1<<16)}
	err := write(s)
	if err == nil {
		_, err = s.w.WriteString("done\n")
	}
	return errors.Join(err, s.w.Flush(), in.Close())
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
