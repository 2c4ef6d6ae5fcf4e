package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startDemo runs the command until the test ends it; line is what it prints
// first, and wait is its error.
func startDemo(t *testing.T, args ...string) (line string, rest io.Reader, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	root := rootCommand()
	root.SetArgs(append([]string{"demo", "--addr", "127.0.0.1:0"}, args...))
	out, in := io.Pipe()
	root.SetOut(in)
	root.SetErr(io.Discard)
	ended := make(chan error, 1)
	go func() {
		err := root.ExecuteContext(ctx)
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { _ = stop() })
	buffered := bufio.NewReader(out)
	line, err := buffered.ReadString('\n')
	if err != nil {
		t.Fatalf("the demo did not start: %v, %v", err, stop())
	}
	return line, buffered, stop
}

func TestDemoLetsPeopleIn(t *testing.T) {
	dir := t.TempDir()
	line, rest, stop := startDemo(t, "--json", "--dir", dir)
	var say struct{ URL, Admin, Email, Password, Repository string }
	if err := json.Unmarshal([]byte(line), &say); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	t.Cleanup(client.CloseIdleConnections)
	for _, at := range []string{say.URL, say.URL + "/site/", say.URL + "/site/kitchen/", say.URL + "/try/"} {
		res, err := client.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
	}
	res, err := client.PostForm(say.URL+"/s/journal/login", url.Values{"email": {say.Email}, "password": {say.Password}, "next": {"/s/journal/admin/"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.String() != say.Admin {
		t.Errorf("signing in leads to %s (%d), not to %s", res.Request.URL, res.StatusCode, say.Admin)
	}
	res, err = client.Post(say.URL+"/s/journal/api/v1", "application/json", strings.NewReader(`{"branch":"main","action":"drafts","params":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), "the-year-in-numbers") {
		t.Errorf("the drafts: %d %v\n%.300s", res.StatusCode, err, body)
	}
	client.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if more, err := io.ReadAll(rest); err != nil || len(more) != 0 {
		t.Errorf("after the line came %q %v", more, err)
	}
}

func TestDemoWritesNoPasswordIntoAPipe(t *testing.T) {
	dir := t.TempDir()
	line, rest, stop := startDemo(t, "--dir", dir)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	more, err := io.ReadAll(rest)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ People []struct{ Password string } }
	if err := json.Unmarshal(kept, &file); err != nil || len(file.People) != 3 {
		t.Fatalf("demo.json: %v", err)
	}
	for _, p := range file.People {
		if strings.Contains(line+string(more), p.Password) {
			t.Error("a password went into a pipe")
		}
	}
}

func TestDemoStaysOnThisMachine(t *testing.T) {
	var said strings.Builder
	dir := filepath.Join(t.TempDir(), "demo")
	if code := run(context.Background(), []string{"demo", "--addr", "0.0.0.0:0", "--dir", dir}, &said); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(said.String(), "passwords") {
		t.Errorf("no reason: %s", &said)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was made all the same")
	}
}
