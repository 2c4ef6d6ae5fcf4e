package git

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatehouse/internal/fault"
)

// fakeGit puts a shell script in git's place.
func fakeGit(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "git"), "#!/bin/sh\n"+script)
	must(t, os.Chmod(filepath.Join(dir, "git"), 0o755))
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestOpenSaysWhichGitIsNeeded(t *testing.T) {
	for script, says := range map[string]string{
		"echo git version 2.37.9":               "this server has 2.37",
		"echo git version 1.99":                 "this server has 1.99",
		"echo hello":                            "no version",
		"echo 'git version 2.38.0.windows.1'":   "There is no directory",
		"echo 'git version 3.0 (Apple Git-99)'": "There is no directory",
	} {
		fakeGit(t, script)
		if _, err := Open(t.Context(), "/no/such/directory"); !strings.Contains(fault.Message(err), says) {
			t.Errorf("%s: %v", script, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Open(t.Context(), t.TempDir()); !fault.Is(err, fault.Unsupported) || !strings.Contains(fault.Message(err), "install it") {
		t.Errorf("without git: %v", err)
	}
}

func TestTheEndOfAContextEndsTheWholeProcessGroup(t *testing.T) {
	r := newBare(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	fakeGit(t, "exec 3>"+fifo+"\necho started >&3\nsleep 600 &\nwait")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := r.git(ctx, "status")
		ended <- err
	}()
	f, err := os.Open(fifo)
	must(t, err)
	in := bufio.NewReader(f)
	if line, err := in.ReadString('\n'); line != "started\n" {
		t.Errorf("%q, %v", line, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	// The pipe ends when nobody of the group holds it any more.
	_, err = in.ReadByte()
	if !errors.Is(err, io.EOF) {
		t.Errorf("the pipe ends with %v", err)
	}
	must(t, f.Close())
}

func TestErrorsOfGitAreBounded(t *testing.T) {
	r := newBare(t)
	fakeGit(t, "yes error | head -c 100000 >&2; exit 3")
	_, err := r.git(t.Context(), "status")
	if exitCode(err) != 3 || len(err.Error()) > 2*maxStderr {
		t.Errorf("code %d, %d bytes", exitCode(err), len(err.Error()))
	}
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("kind %v", fault.KindOf(err))
	}
}

func TestAnUnwritableRepositorySaysSo(t *testing.T) {
	if os.Getuid() == 0 {
		// Root may write anywhere, but not through a file.
		r := newBare(t)
		must(t, os.RemoveAll(filepath.Join(r.Dir, "objects")))
		put(t, filepath.Join(r.Dir, "objects"), "")
		if _, err := r.WriteBlob(t.Context(), []byte("x")); err == nil {
			t.Error("written into a file")
		}
		return
	}
	r := newBare(t)
	must(t, os.Chmod(filepath.Join(r.Dir, "objects"), 0o555))
	if _, err := r.WriteBlob(t.Context(), []byte("x")); !fault.Is(err, fault.Unsupported) {
		t.Errorf("got %v", err)
	}
}

func TestFullDisksAndForbiddenOnesAreExplained(t *testing.T) {
	r := newBare(t)
	for cause, kind := range map[error]fault.Kind{
		syscall.ENOSPC: fault.Unavailable, syscall.EDQUOT: fault.Unavailable, syscall.EROFS: fault.Unsupported, syscall.EACCES: fault.Unsupported, syscall.EIO: fault.Internal,
	} {
		if err := r.unwritable(&os.PathError{Op: "open", Path: "x", Err: cause}); fault.KindOf(err) != kind {
			t.Errorf("%v: %v", cause, err)
		}
	}
}
