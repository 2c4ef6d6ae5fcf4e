// Package docs runs what the documentation prints. Every block of "sh" in a page
// is run, in order, in one empty directory; a server that a block starts is
// awaited, kept while the rest of the page runs, and ended with it. Every block of
// "yaml" that belongs into gatehouse.yaml must be accepted.
package docs

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

var block = regexp.MustCompile("(?ms)^( *)```([a-z]+)\n(.*?)^ *```$")

// blocks are the texts of a page's blocks in one language.
func blocks(page, language string) []string {
	var out []string
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		if m[2] == language {
			out = append(out, strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")[1:])
		}
	}
	return out
}

// program builds gatehouse into a directory of its own.
func program(t *testing.T) string {
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "gatehouse"), "./cmd/gatehouse")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

func freePort(t *testing.T) string {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// serving is a line that starts a server.
var serving = regexp.MustCompile(`(?m)^gatehouse serve.*$`)

// script makes one script of a page's blocks. The page's ports become free ones,
// and a server runs in the background from when it answers to the script's end.
func script(t *testing.T, texts []string) string {
	text := strings.Join(texts, "\n")
	text = serving.ReplaceAllStringFunc(text, func(line string) string {
		port := "8484"
		if strings.Contains(line, "--local") {
			port, line = "8081", line+" --port 8081"
		}
		return line + ` & servers="$servers $!"; for i in $(seq 200); do (: < /dev/tcp/127.0.0.1/` + port + `) 2>/dev/null && break; sleep 0.05; done; kill -0 $!`
	})
	for _, port := range []string{"8484", "8081"} {
		text = strings.ReplaceAll(text, port, freePort(t))
	}
	return "set -euo pipefail\nservers=\ntrap 'for s in $servers; do kill $s; wait $s || true; done' EXIT\n" + text
}

func TestGuides(t *testing.T) {
	bin := program(t)
	pages, err := filepath.Glob(filepath.Join(root, "docs/*/*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			texts := blocks(string(text), "sh")
			if len(texts) == 0 {
				t.Skip("the page has no commands")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			work := script(t, texts)
			work = strings.ReplaceAll(work, "gatehouse init --yes", "gatehouse init --yes --listen 127.0.0.1:"+firstPort(work))
			cmd := exec.CommandContext(ctx, "bash", "-c", work)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

var awaited = regexp.MustCompile(`/dev/tcp/127\.0\.0\.1/(\d+)`)

// firstPort is the port that the page's server is awaited at.
func firstPort(script string) string {
	if m := awaited.FindStringSubmatch(script); m != nil {
		return m[1]
	}
	return "0"
}

// Settings in a guide are accepted by the program: as a part of a site when they
// are indented, else as a file, with a site when they have none. The CMS's own
// settings are blocks of "yml".
func TestSettingsInGuides(t *testing.T) {
	bin := program(t)
	for page, least := range map[string]int{"guide/first-site.md": 3, "guide/popup.md": 2, "guide/popup-local.md": 1, "guide/moving.md": 1, "guide/postgres.md": 1, "guide/mail.md": 3, "hosts/github.md": 3, "hosts/gitlab.md": 1, "hosts/bitbucket.md": 1, "hosts/gitea.md": 1} {
		text, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		found := blocks(string(text), "yaml")
		if len(found) < least {
			t.Errorf("%s has only %d blocks of settings", page, len(found))
		}
		for i, settings := range found {
			if out, err := accept(t, bin, settings); err != nil {
				t.Errorf("%s: block %d is refused: %s\n%s", page, i+1, out, settings)
			}
		}
	}
}

var secretFile = regexp.MustCompile(`(\w+)_file: ([\w.-]+)`)

// directory is one that settings name.
var directory = regexp.MustCompile(`templates: ([\w.-]+)`)

// noServer is the address of a database at a port where nobody listens. Settings
// with it are accepted once the program tries to go there.
const noServer = "postgres://gatehouse:secret@127.0.0.1:1/gatehouse"

// accept has the program read settings, beside the files that they name.
func accept(t *testing.T, bin, settings string) (string, error) {
	dir := t.TempDir()
	run := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("git", "init", "-q", "--bare", "-b", "main", "site.git"); err != nil {
		t.Fatal(out)
	}
	for _, m := range secretFile.FindAllStringSubmatch(settings, -1) {
		secret := "not a real secret"
		switch m[1] {
		case "database":
			secret = noServer
		case "smtp":
			secret = "smtp://user:secret@mail.example.org"
		}
		if err := os.WriteFile(filepath.Join(dir, m[2]), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range directory.FindAllStringSubmatch(settings, -1) {
		if err := os.Mkdir(filepath.Join(dir, m[1]), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	site := "sites:\n  - name: site\n    backend: {name: git-gateway, repo: site.git}\n"
	whole := settings
	switch {
	case strings.HasPrefix(settings, " "):
		whole = site + settings
	case !strings.Contains(settings, "sites:"):
		whole += site
	}
	if err := os.WriteFile(filepath.Join(dir, "gatehouse.yaml"), []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	// Any command that reads the settings says what is wrong with them.
	out, err := run(filepath.Join(bin, "gatehouse"), "users", "list")
	if strings.Contains(out, "The database server 127.0.0.1 cannot be reached") {
		return out, nil
	}
	return out, err
}

// The README's first commands are targets of the Makefile, which CI runs; its
// other commands are those of the guide.
func TestReadme(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	makefile, guide := read("Makefile"), read("docs/guide/first-site.md")
	for _, text := range blocks(read("README.md"), "sh") {
		for line := range strings.Lines(text) {
			command, _, _ := strings.Cut(line, "#")
			words := strings.Fields(command)
			switch {
			case len(words) == 2 && words[0] == "make":
				if !strings.Contains(makefile, "\n"+words[1]+":") {
					t.Errorf("the Makefile has no target %s", words[1])
				}
			case len(words) > 0 && words[0] == "bin/gatehouse":
				if !strings.Contains(guide, fmt.Sprintf("gatehouse %s", words[1])) {
					t.Errorf("no guide runs gatehouse %s", words[1])
				}
			default:
				t.Errorf("README prints a command that no test runs: %s", line)
			}
		}
	}
	for _, name := range regexp.MustCompile(`\]\(((?:docs/|[A-Z]+\.md)[^)#]*)\)`).FindAllStringSubmatch(read("README.md"), -1) {
		if _, err := os.Stat(filepath.Join(root, name[1])); err != nil {
			t.Errorf("README links to %s, which is not there", name[1])
		}
	}
}
