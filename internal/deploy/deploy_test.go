package deploy

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newRunner(t *testing.T, j Job) (*Runner, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	r := New(slog.New(slog.NewTextHandler(&log, nil)))
	if j.Timeout == 0 {
		j.Timeout = time.Minute
	}
	j.Dir = t.TempDir()
	r.Use(j)
	return r, &log
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCommandKnowsTheMoveAndNotOurSecrets(t *testing.T) {
	t.Setenv("GATEHOUSE_SITES_BLOG_DEPLOY_SECRET", "hunter2")
	out := filepath.Join(t.TempDir(), "out")
	r, _ := newRunner(t, Job{Command: []string{"sh", "-c", `env > "$0"; pwd`, out}, Repo: "/srv/blog.git"})
	r.Moved(Move{Site: "blog", Branch: "main", Before: "a", After: "b"})
	r.Close(t.Context())
	env := read(t, out)
	for _, want := range []string{"GATEHOUSE_SITE=blog\n", "GATEHOUSE_BRANCH=main\n", "GATEHOUSE_COMMIT=b\n", "GATEHOUSE_REPO=/srv/blog.git\n"} {
		if !strings.Contains(env, want) {
			t.Errorf("%s is missing in\n%s", want, env)
		}
	}
	if strings.Contains(env, "hunter2") {
		t.Error("the command sees a secret of ours")
	}
	last := r.Last()
	if last == nil || last.Err != nil || !strings.Contains(last.Output, r.job.Dir) {
		t.Errorf("result %+v", last)
	}
}

// Moves during a run become one more run, from the first's Before.
func TestMovesDuringARunBecomeOne(t *testing.T) {
	dir := t.TempDir()
	gate, out := filepath.Join(dir, "gate"), filepath.Join(dir, "out")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := newRunner(t, Job{Command: []string{"sh", "-c", `echo $GATEHOUSE_COMMIT >> "$1"; while [ -e "$0" ]; do sleep 0.02; done`, gate, out}})
	r.Moved(Move{After: "1"})
	for !strings.Contains(readOr(out), "1") {
		time.Sleep(5 * time.Millisecond)
	}
	for _, after := range []string{"2", "3", "4"} {
		r.Moved(Move{Before: "before" + after, After: after})
	}
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	r.Close(t.Context())
	if got := read(t, out); got != "1\n4\n" {
		t.Errorf("runs for %q", got)
	}
	if last := r.Last(); last.Move.Before != "before2" || last.Move.After != "4" {
		t.Errorf("last move %+v", last.Move)
	}
}

// A site can go while a move waits for the run before it: nothing was deployed
// then, and nobody is told so.
func TestMoveOfASiteThatWentIsNotCalledDeployed(t *testing.T) {
	dir := t.TempDir()
	gate, begun := filepath.Join(dir, "gate"), filepath.Join(dir, "begun")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, log := newRunner(t, Job{Command: []string{"sh", "-c", `echo > "$1"; while [ -e "$0" ]; do sleep 0.02; done`, gate, begun}})
	r.Moved(Move{After: "1"})
	for readOr(begun) == "" {
		time.Sleep(5 * time.Millisecond)
	}
	r.Moved(Move{After: "2"})
	r.Use(Job{})
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	r.Close(t.Context())
	if last := r.Last(); last.Move.After != "1" || strings.Contains(log.String(), "commit=2") {
		t.Errorf("last %+v\n%s", last, log)
	}
}

// A command that leaves a program behind which writes to its output cannot be
// waited for to the end.
func TestBackgroundProgramThatHoldsTheOutputIsNamedAsTheCause(t *testing.T) {
	r, _ := newRunner(t, Job{Command: []string{"sh", "-c", "sleep 20 & echo $!"}})
	r.Moved(Move{After: "b"})
	r.Close(t.Context())
	last := r.Last()
	if last.Err == nil || !strings.Contains(last.Err.Error(), "in the background") {
		t.Errorf("error %v", last.Err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(last.Output)); err != nil {
		t.Error(err)
	} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

func readOr(file string) string {
	data, _ := os.ReadFile(file)
	return string(data)
}

func TestFailureIsKeptAndLogged(t *testing.T) {
	r, log := newRunner(t, Job{Command: []string{"sh", "-c", "echo no disk; exit 3"}, Webhook: "http://127.0.0.1:1/never"})
	r.Moved(Move{Site: "blog", After: "b"})
	r.Close(t.Context())
	last := r.Last()
	if last.Err == nil || !strings.Contains(last.Err.Error(), "exit status 3") || last.Output != "no disk\n" {
		t.Errorf("result %+v", last)
	}
	if !strings.Contains(log.String(), "no disk") || !strings.Contains(log.String(), "site=blog") {
		t.Errorf("log %s", log)
	}
}

func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	r, _ := newRunner(t, Job{Command: []string{"sh", "-c", `sleep 600 & echo $! > "$0"; wait`, pid}, Timeout: 300 * time.Millisecond})
	r.Moved(Move{After: "b"})
	r.Close(t.Context())
	if err := r.Last().Err; err == nil || !strings.Contains(err.Error(), "took longer") {
		t.Errorf("error %v", err)
	}
	child := strings.TrimSpace(read(t, pid))
	if state := readOr("/proc/" + child + "/stat"); strings.Contains(state, "(sleep) S") {
		t.Errorf("the child lives on: %s", state)
	}
}

func TestCloseKillsWhenPatienceEnds(t *testing.T) {
	r, _ := newRunner(t, Job{Command: []string{"sleep", "600"}})
	r.Moved(Move{After: "b"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Close(ctx)
	if last := r.Last(); last != nil && last.Err == nil {
		t.Errorf("a killed run counts as good: %+v", last)
	}
	r.Moved(Move{After: "c"})
	if r.running {
		t.Error("a closed runner begins a run")
	}
}

func TestOutputIsBounded(t *testing.T) {
	r, _ := newRunner(t, Job{Command: []string{"sh", "-c", "yes x | head -c 200000; echo end"}})
	r.Moved(Move{After: "b"})
	r.Close(t.Context())
	if out := r.Last().Output; len(out) != maxOutput || !strings.HasSuffix(out, "end\n") {
		t.Errorf("%d bytes, ending %q", len(out), out[len(out)-10:])
	}
}

func TestWebhookIsSigned(t *testing.T) {
	var got, signature, body string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, signature, body = r.Method+" "+r.URL.Path, r.Header.Get("X-Gatehouse-Signature"), string(data)
	}))
	defer srv.Close()
	r, _ := newRunner(t, Job{Webhook: srv.URL + "/hook", Secret: "key"})
	r.Moved(Move{Site: "blog", Branch: "main", Before: "a", After: "b"})
	r.Close(t.Context())
	if want := `{"site":"blog","branch":"main","before":"a","after":"b"}`; body != want || got != "POST /hook" {
		t.Errorf("%s with %s", got, body)
	}
	// From: echo -n BODY | openssl dgst -sha256 -hmac key
	if want := "sha256=dd7aaaaaca474002313914bffaf8c70638a183b80f33670f51dd60785b589fd3"; signature != want {
		t.Errorf("signature %s", signature)
	}
}

func TestWebhookFailuresHideTheURL(t *testing.T) {
	srv := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	defer srv.Close()
	for _, url := range []string{srv.URL + "/hunter2", "http://127.0.0.1:1/hunter2", "http://[/hunter2"} {
		r, log := newRunner(t, Job{Webhook: url, Secret: "key"})
		r.Moved(Move{After: "b"})
		r.Close(t.Context())
		if err := r.Last().Err; err == nil || strings.Contains(err.Error()+log.String(), "hunter2") {
			t.Errorf("%s: %v\n%s", url, err, log)
		}
	}
}
