package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/app"
	"gatehouse/internal/audit"
	"gatehouse/internal/config"
	"gatehouse/internal/doctor"
	"gatehouse/internal/store"
)

// clinic is a whole Gatehouse and a site elsewhere, on loopback.
type clinic struct {
	page   *httptest.Server
	config string // of the CMS
	url    string // of Gatehouse
	file   string // gatehouse.yaml
	data   string
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	c := &clinic{}
	c.page = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/admin/":
			_, _ = io.WriteString(w, `<!doctype html><script src="https://unpkg.com/decap-cms@^3.0.0/dist/decap-cms.js"></script>`)
		case "/admin/config.yml":
			_, _ = io.WriteString(w, c.config)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(c.page.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c.url, c.file, c.data = "http://"+l.Addr().String(), filepath.Join(dir, "gatehouse.yaml"), filepath.Join(dir, "data")
	secret := filepath.Join(dir, "secret")
	write(t, secret, "0123456789abcdef", 0o600)
	write(t, c.file, fmt.Sprintf(`
url: %s
listen: %s
connectors:
  - {name: hub, kind: github, client_id: id, client_secret_file: secret}
sites:
  - {name: herons, origins: ["%s"], domains: [127.0.0.1], backend: {name: github, repo: ann/herons, branch: main}}
`, c.url, l.Addr(), c.page.URL), 0o600)
	cfg, err := config.Load(c.file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a, err := app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler), Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	c.config = fmt.Sprintf("backend:\n  name: github\n  repo: ann/herons\n  branch: main\n  base_url: %s\n", c.url)
	return c
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (c *clinic) doctor(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := rootCommand()
	var out, errs bytes.Buffer
	root.SetArgs(append([]string{"doctor", "--url", c.page.URL + "/admin/"}, args...))
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.ExecuteContext(t.Context())
	if errs.Len() > 0 {
		t.Errorf("progress for nobody: %q", errs.String())
	}
	return out.String(), err
}

func TestDoctorOnARunningGatehouse(t *testing.T) {
	c := newClinic(t)
	out, err := c.doctor(t)
	if err != nil || !strings.Contains(out, "All is well") || strings.Contains(out, "backend:") {
		t.Errorf("a healthy site: %v\n%s", err, out)
	}
	if out, err = c.doctor(t, "--config", c.file); err != nil || !strings.Contains(out, "All is well") {
		t.Errorf("with its configuration: %v\n%s", err, out)
	}

	good := c.config
	c.config = strings.Replace(good, c.url, c.url+"/broker", 1)
	out, err = c.doctor(t)
	if err == nil || sentence(err) != "gatehouse: 1 problem. See above." {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"error     base-url-path, line 5 of config.yml\n", "  base_url: " + c.url + " # "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}

	out, err = c.doctor(t, "--json")
	var r doctor.Report
	if jsonErr := json.Unmarshal([]byte(out), &r); jsonErr != nil || err == nil || r.OK || r.Client.Name != "decap-cms" || r.Config != c.page.URL+"/admin/config.yml" || !r.Changed {
		t.Fatalf("%v %v\n%s", err, jsonErr, out)
	}
	c.config = r.Corrected
	if out, err = c.doctor(t); err != nil {
		t.Errorf("mended: %v\n%s", err, out)
	}
}

// How long sign-ins last is read from the database beside the running server.
func TestDoctorKnowsTheLatestSignIn(t *testing.T) {
	c := newClinic(t)
	st, err := store.Open(t.Context(), filepath.Join(c.data, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	log := &audit.Log{Store: st, Now: time.Now}
	log.Record(t.Context(), audit.Event{Kind: audit.SignIn, Site: "herons", Connector: "hub", Expires: 8 * time.Hour})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := c.doctor(t, "--config", c.file)
	if err != nil || !strings.Contains(out, "token-life") || !strings.Contains(out, "8 hours") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestN78DoctorFindsSecretsThatAllCanRead(t *testing.T) {
	c := newClinic(t)
	if err := os.Chmod(filepath.Join(filepath.Dir(c.file), "secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := c.doctor(t, "--config", c.file)
	if err != nil || !strings.Contains(out, "secret-file") || !strings.Contains(out, "chmod 600") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What servers say cannot command the terminal.
func TestDoctorShowsPlainText(t *testing.T) {
	r := &doctor.Report{URL: "https://x", Checks: []doctor.Finding{{ID: "popup", Severity: doctor.Error, Problem: "a\x1b[31mb\nc\u202ed", Remedy: "e", Paste: "f\n\x07g"}}}
	if out := doctorText(r); strings.ContainsAny(out, "\x1b\x07\u202e") || !strings.Contains(out, "a [31mb c d\n") {
		t.Errorf("%q", out)
	}
}

// A page chooses the name of its script, and so what is said of its version.
func TestDoctorTextCommandsNoTerminal(t *testing.T) {
	const escape = "\x1b]0;mine\a\u202e"
	text := doctorText(&doctor.Report{
		URL: "https://x/" + escape, Config: escape, Client: doctor.Client{Name: "decap-cms", Version: escape},
		Checks:  []doctor.Finding{{ID: "x", Severity: doctor.Error, Problem: escape, Remedy: escape, Paste: escape + "\nx"}},
		Changed: true, Corrected: "backend:\n  name: x # " + escape + "\n",
	})
	if strings.ContainsAny(text, "\x1b\a\u202e") {
		t.Errorf("%q", text)
	}
}
