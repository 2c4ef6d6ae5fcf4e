// Package script runs the program as people do: the files below testdata are
// command lines, with what they print.
//
// Besides testscript's own commands there are:
//
//	signal NAME FILE        sends SIGNAME to the process whose id is in the file
//	port NAME               puts a free port of 127.0.0.1 into the variable NAME
//	await URL STATUS        asks until the answer has the status
//	get URL STATUS          asks once; the body goes to standard output
//	post URL STATUS BODY    the same, with a body of JSON
//	awaitlog FILE REGEXP    reads the file until the expression matches
package script

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestScripts(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "gatehouse"), "gatehouse/cmd/gatehouse")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"signal": signal, "port": port, "await": await, "get": get, "post": post, "awaitlog": awaitLog,
		},
	})
}

func signal(ts *testscript.TestScript, _ bool, args []string) {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[1])))
	ts.Check(err)
	number := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT}[args[0]]
	ts.Check(syscall.Kill(pid, number))
}

func port(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

// deadline ends what would wait for ever.
const deadline = time.Minute

func await(ts *testscript.TestScript, _ bool, args []string) {
	last := ""
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		status, _, err := ask(http.MethodGet, args[0], "")
		if last = fmt.Sprintf("%d %v", status, err); strconv.Itoa(status) == args[1] {
			return
		}
	}
	ts.Fatalf("%s: %s", args[0], last)
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	answer(ts, neg, http.MethodGet, args[0], args[1], "")
}

func post(ts *testscript.TestScript, neg bool, args []string) {
	answer(ts, neg, http.MethodPost, args[0], args[1], args[2])
}

func answer(ts *testscript.TestScript, neg bool, method, url, want, body string) {
	status, text, err := ask(method, url, body)
	ts.Check(err)
	if (strconv.Itoa(status) == want) == neg {
		ts.Fatalf("%s %s: status %d\n%s", method, url, status, text)
	}
	_, err = ts.Stdout().Write(text)
	ts.Check(err)
}

func ask(method, url, body string) (status int, text []byte, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(body, "grant_type=") {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{
		Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err = io.ReadAll(res.Body)
	return res.StatusCode, text, err
}

func awaitLog(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[1])
	var text []byte
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, _ = os.ReadFile(ts.MkAbs(args[0]))
		if want.Match(text) {
			return
		}
	}
	ts.Fatalf("%s never said %s:\n%s", args[0], want, bytes.TrimSpace(text))
}
