package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

// doctorsOrders are the commands of the demo's start page: for the page that is
// well, and for the broken one.
func doctorsOrders(t *testing.T, start string) (good, broken []string) {
	t.Helper()
	res, err := http.Get(start)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var orders [][]string
	for _, m := range regexp.MustCompile(`<code>(\S+) (doctor --url [^<]+)</code>`).FindAllSubmatch(page, -1) {
		if string(m[1]) != program {
			t.Errorf("the command calls %s, and this is %s", m[1], program)
		}
		orders = append(orders, strings.Fields(string(m[2])))
	}
	if len(orders) != 2 {
		t.Fatalf("the start page has %d commands", len(orders))
	}
	return orders[0], orders[1]
}

// order does what a command line says; code is the exit status.
func order(args []string) (code int, out string) {
	var stdout bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&stdout)
	root.SetErr(io.Discard)
	switch err := root.Execute(); {
	case err == nil:
	case errors.Is(err, errUsage), fault.Is(err, fault.Invalid): // as in run
		code = exitUsage
	default:
		code = exitFailure
	}
	return code, stdout.String()
}

func TestDoctorAtTheDemosPages(t *testing.T) {
	dir := t.TempDir()
	line, _, _ := startDemo(t, "--json", "--dir", dir)
	start := regexp.MustCompile(`"url":"([^"]+)"`).FindStringSubmatch(line)
	if start == nil {
		t.Fatalf("the line is %q", line)
	}
	good, broken := doctorsOrders(t, start[1])
	code, out := order(good)
	if strings.Contains(out, "client-unknown") {
		t.Skip("the CMS bundles are not in this build: node web/bundles.mjs")
	}
	if code != 0 || !strings.Contains(out, "All is well") || !strings.Contains(out, "Decap CMS 3.") {
		t.Errorf("the good page: %d\n%s", code, out)
	}
	code, out = order(broken)
	if code != 1 {
		t.Errorf("the broken page: %d", code)
	}
	for _, want := range []string{"config-nesting", "base-url-path", "site-unknown", "\nbackend:\n  name: github\n", "base_url: " + start[1] + " "} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	if n := strings.Count(out, "\nerror "); n != 3 {
		t.Errorf("%d mistakes:\n%s", n, out)
	}

	// What it printed, in the place of what is there, is the cure.
	file := filepath.Join(dir, "hosts", "broken.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	from := slices.Index(lines, "backend:\n")
	to := from + slices.IndexFunc(lines[from:], func(l string) bool { return strings.HasPrefix(l, "auth_endpoint:") }) + 1
	if from < 0 || to <= from {
		t.Fatalf("broken.yml is\n%s", text)
	}
	_, block, _ := strings.Cut(out, "\nbackend:\n")
	mended := strings.Join(lines[:from], "") + "backend:\n" + block + strings.Join(lines[to:], "")
	write(t, file, mended, 0o600)
	if code, out := order(broken); code != 0 {
		t.Errorf("after the cure: %d\n%s\n%s", code, out, mended)
	}
}

func TestDemoSaysWhereElseToLook(t *testing.T) {
	_, rest, stop := startDemo(t, "--dir", t.TempDir())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(rest)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GitHub ", "GitLab ", "/admin/\n", " doctor --url http://127.0.0.1:"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("without %q:\n%s", want, said)
		}
	}
}
