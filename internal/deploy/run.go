package deploy

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"gatehouse/internal/outbound"
)

// maxOutput is how much of the output's end is kept.
const maxOutput = 16 << 10

// run does the job once. The webhook follows only a command that went well.
func (j Job) run(ctx context.Context, m Move) Result {
	x := Result{Move: m, Started: time.Now()}
	out := &tail{}
	if len(j.Command) > 0 {
		x.Err = j.command(ctx, m, out)
	}
	if x.Err == nil && j.Webhook != "" {
		x.Err = j.webhook(ctx, m, out)
	}
	x.Took, x.Output = time.Since(x.Started), out.String()
	return x
}

func (j Job) command(ctx context.Context, m Move, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, j.Command[0], j.Command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = j.Dir, out, out
	cmd.Env = append(environment(), "GATEHOUSE_SITE="+m.Site, "GATEHOUSE_BRANCH="+m.Branch,
		"GATEHOUSE_COMMIT="+m.After, "GATEHOUSE_REPO="+j.Repo)
	// The whole process group goes, or a build's children would outlive it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the command took longer than %s and was ended", j.Timeout)
	case errors.Is(err, exec.ErrWaitDelay):
		return errors.New("the command ended well, but a program that it started in the background still holds its output: redirect that program's output")
	default:
		return fmt.Errorf("the command failed: %w", err)
	}
}

// environment is ours without our own secrets.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GATEHOUSE_") {
			env = append(env, v)
		}
	}
	return env
}

func (j Job) webhook(ctx context.Context, m Move, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, j.Webhook, bytes.NewReader(body))
	if err != nil {
		return outbound.Redact(err) // the path is where services hide their key
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Gatehouse-Signature", "sha256="+Sign(body, j.Secret))
	// No redirect is followed: it would carry the signed body to somebody who
	// was not named. A receiver on the local network is the operator's choice.
	client, err := outbound.New(outbound.Options{Timeout: j.Timeout, Private: true, Agent: "gatehouse"})
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the webhook failed: %w", outbound.Redact(err))
	}
	defer func() { _ = res.Body.Close() }() // nothing more is wanted of it
	_, _ = io.Copy(out, io.LimitReader(res.Body, maxOutput))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook was answered with %s", res.Status)
	}
	return nil
}

// Sign is the HMAC-SHA256 of a webhook's body, in hex: what the receiver
// compares the signature's header with.
func Sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// tail keeps the end of what is written to it. A command writes its output and
// its errors from one goroutine, since both are the same writer.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - maxOutput; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.ToValidUTF8(string(t.data), "�") }
