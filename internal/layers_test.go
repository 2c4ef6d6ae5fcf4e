// Package internal has no code of its own: this test holds who may import whom.
package internal

import (
	"fmt"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "gatehouse/"

// layers is the house, bottom first. A package may import what lies below its
// own line, never its neighbours and never upward. "x/*" is the packages
// directly in x.
func layers() [][]string {
	return [][]string{
		{"internal/fault", "web", "web/demo", "test/fakes"},
		{"internal/outbound"},
		{"internal/config", "internal/config/*", "internal/deploy", "internal/git", "internal/host", "internal/api", "internal/store/pgtest"},
		{"internal/mirror", "internal/store", "internal/host/*", "internal/provider", "test/fakes/bare", "test/fakes/replay"},
		{"internal/auth", "internal/audit", "internal/cms", "internal/connector", "internal/mail", "internal/store/storetest"},
		{"internal/identity", "internal/site"},
		{"internal/api/*", "internal/demo/*", "internal/doctor", "test/fakes/github", "test/fakes/gitlab", "test/fakes/bitbucket", "test/fakes/gitea"},
		{"internal/app", "internal/demo"},
		{"cmd/gatehouse", "test/fakes/serve"},
		{"test/*"},
	}
}

// only says, for packages that few may know, who those are.
func only() map[string][]string {
	return map[string][]string{
		"internal/config": {"internal/app", "internal/demo", "cmd/gatehouse"},
		// The one switch that chooses a host is in app. The sample repositories
		// open their drafts through the host, as an editor would.
		"internal/host/*": {"internal/app", "internal/demo", "internal/demo/*"},
		"internal/app":    {"cmd/gatehouse"},
		"internal/demo":   {"cmd/gatehouse"},
		"internal/demo/*": {"internal/demo"},
		"internal/deploy": {"internal/app"},
		"internal/doctor": {"cmd/gatehouse"},
		"test/fakes":      {"internal/demo", "test/*", "test/fakes/*"},
		"test/fakes/*":    {"internal/demo", "test/*", "test/fakes/*"},
		"internal/api/*":  {"internal/app", "internal/demo"},
		"web":             {"internal/app", "internal/demo"},
		"internal/store":  {"internal/auth", "internal/audit", "internal/cms", "internal/connector", "internal/identity", "internal/mail", "internal/app", "internal/demo", "cmd/gatehouse", "internal/store/storetest"},
		"internal/mirror": {"internal/cms", "internal/site", "internal/app", "internal/demo", "internal/demo/*"},
		"database/sql":    {"internal/store", "internal/store/pgtest"},
		// What speaks to mail servers is one package.
		"github.com/wneessen/go-mail":   {"internal/mail"},
		"github.com/wneessen/go-mail/*": {"internal/mail"},
		"log":                           {}, // log/slog
		"embed":                         {"web", "web/demo", "internal/store", "internal/identity", "internal/mail", "internal/config", "test/fakes"},
		"html/template":                 {"internal/api/*", "internal/mail", "internal/demo", "internal/demo/*", "test/fakes"},
	}
}

// without says what a package must do without: meaning knows no transport.
func without() map[string][]string {
	return map[string][]string{
		"internal/cms":      {"net/http", "database/sql"},
		"internal/identity": {"net/http", "database/sql"},
		"internal/git":      {"net/http"},
		"internal/host":     {"net/http"},
		"internal/mirror":   {"net/http"},
		"internal/site":     {"net/http", "database/sql"},
		"internal/store":    {"net/http"},
	}
}

func TestLayers(t *testing.T) {
	for name, imports := range packages(t) {
		at := layer(name)
		if at < 0 {
			t.Errorf("%s is in no layer: put it into the table of this test", name)
		}
		if base := path.Base(name); base == "util" || base == "utils" || base == "common" || base == "helpers" {
			t.Errorf("%s: a package is named after what it is about", name)
		}
		for _, i := range imports {
			if below := layer(i); below >= at {
				t.Errorf("%s (layer %d) imports %s (layer %d): only what lies below", name, at, i, below)
			}
		}
	}
}

func TestLayersFewMayKnow(t *testing.T) {
	for name, imports := range packages(t) {
		for _, i := range imports {
			for rare, who := range only() {
				if matches(rare, i) && !matchesAny(who, name) {
					t.Errorf("%s imports %s, which is for %v alone", name, i, who)
				}
			}
			if matchesAny(without()[name], i) {
				t.Errorf("%s imports %s: it has to do without", name, i)
			}
		}
	}
}

// No init functions: what a program does at its start stands in main.
func TestLayersNoInit(t *testing.T) {
	out, err := exec.Command("grep", "-rnE", "--include=*.go", `^func init\(\)`, ".", "../cmd", "../web").Output()
	if len(out) > 0 {
		t.Errorf("init functions:\n%s", out)
	}
	if err == nil && len(out) == 0 {
		t.Error("grep did not run")
	}
}

func layer(name string) int {
	for i, row := range layers() {
		if matchesAny(row, name) {
			return i
		}
	}
	return -1
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if matches(p, name) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	if err != nil {
		panic(err)
	}
	return ok
}

// packages maps every package of the module to what it imports, both without
// the module's name. Tests may import what they like.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go list: %w", err))
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module)
		if name == "internal" {
			continue
		}
		imports := []string{}
		for _, i := range fields[1:] {
			imports = append(imports, strings.TrimPrefix(i, module))
		}
		all[name] = imports
	}
	if len(all) < 10 {
		t.Fatalf("go list knows %d packages", len(all))
	}
	return all
}
