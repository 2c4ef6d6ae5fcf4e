package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// begin runs serve until stop is called, and answers what it told.
func begin(t *testing.T, args ...string) (told map[string]info, stop func() error) {
	t.Helper()
	in, closeIn := io.Pipe()
	out, tell := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(context.Background(), append([]string{"--dir", t.TempDir()}, args...), in, tell)
		_ = tell.Close()
	}()
	stop = func() error {
		_ = closeIn.Close()
		return <-ended
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v; %v", err, stop())
	}
	if err := json.Unmarshal([]byte(line), &told); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return told, stop
}

func get(t *testing.T, target string) (int, string) {
	t.Helper()
	res, err := http.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data)
}

func TestServesEveryHost(t *testing.T) {
	t.Parallel()
	seed := t.TempDir()
	if err := os.WriteFile(filepath.Join(seed, "extra.txt"), []byte("more"), 0o600); err != nil {
		t.Fatal(err)
	}
	told, stop := begin(t, "--control", "--seed", seed, "--redirect", "http://127.0.0.1:1/cb")
	for kind, path := range map[string]string{
		"github":    "/repos/meadow/site",
		"gitlab":    "/projects/meadow%2Fsite/repository/files/extra.txt/raw",
		"bitbucket": "/repositories/meadow/site/src/main/extra.txt",
		"gitea":     "/repos/meadow/site/raw/extra.txt",
	} {
		h, ok := told[kind]
		if !ok || h.ClientSecret == "" || h.Git == "" {
			t.Errorf("%s: %+v", kind, h)
			continue
		}
		if status, body := get(t, h.API+path); status != http.StatusOK {
			t.Errorf("%s: %d %s", kind, status, body)
		}
		if status, body := get(t, h.Control); status != http.StatusOK || !strings.Contains(body, `"authorize":0`) {
			t.Errorf("%s: %d %s", kind, status, body)
		}
	}
	if told["github"].App == nil || told["gitlab"].PublicID == "" || told["bitbucket"].PublicID != "" {
		t.Errorf("%+v", told)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestNoControlUnlessAskedFor(t *testing.T) {
	t.Parallel()
	told, stop := begin(t, "--hosts", "gitea")
	if len(told) != 1 || told["gitea"].Control != "" {
		t.Errorf("%+v", told)
	}
	if status, _ := get(t, told["gitea"].URL+"/-/control"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestCommandLinesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"--dir", "x", "--hosts", "svn"},
		{"--dir", "x", "--addr", "github"},
		{"--nonsense"},
		{"--dir", "x", "--hosts", "gitea", "--addr", "gitea=0.0.0.0:0"},
	} {
		if err := run(t.Context(), args, strings.NewReader(""), io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
