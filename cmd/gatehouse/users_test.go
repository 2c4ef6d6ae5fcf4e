package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// household writes a configuration with the sites blog and shop, and returns
// how to run "gatehouse users" on it.
func household(t *testing.T) func(stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	for _, repo := range []string{"blog.git", "shop.git"} {
		if out, err := exec.Command("git", "init", "-q", "--bare", "-b", "main", filepath.Join(dir, repo)).CombinedOutput(); err != nil {
			t.Fatalf("git init: %v %s", err, out)
		}
	}
	file := filepath.Join(dir, "gatehouse.yaml")
	text := `
sites:
  - {name: blog, backend: {name: git-gateway, repo: blog.git}}
  - {name: shop, backend: {name: git-gateway, repo: shop.git}}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(stdin string, args ...string) (string, string, error) {
		root := &cobra.Command{Use: "gatehouse", SilenceErrors: true, SilenceUsage: true}
		root.PersistentFlags().String("config", "", "")
		root.AddCommand(usersCommand())
		var out, errs bytes.Buffer
		root.SetArgs(append([]string{"--config", file, "users"}, args...))
		root.SetIn(strings.NewReader(stdin))
		root.SetOut(&out)
		root.SetErr(&errs)
		err := root.ExecuteContext(t.Context())
		return out.String(), errs.String(), err
	}
}

func TestUsersFromTheCommandLine(t *testing.T) {
	users := household(t)
	ok := func(stdin string, args ...string) string {
		t.Helper()
		out, _, err := users(stdin, args...)
		if err != nil {
			t.Fatalf("users %v: %v", args, err)
		}
		return out
	}
	if out := ok("", "list"); !strings.Contains(out, "no users yet") {
		t.Errorf("empty list: %q", out)
	}
	out := ok("", "add", "ann@example.org", "--name", "Ann Lee", "--site", "blog", "--role", "editor", "--role", "admin")
	if !regexp.MustCompile(`(?m)^Password, shown only now: [a-z2-9-]{23}$`).MatchString(out) {
		t.Errorf("no password is shown: %q", out)
	}
	out = ok("violet otter lamp seven\nnot this line\n", "add", "root@example.org", "--operator")
	if strings.Contains(out, "violet") || strings.Contains(out, "Password") {
		t.Errorf("a given password is shown: %q", out)
	}
	if out := ok("", "roles", "root@example.org", "--site", "shop", "--role", "reader", "--operator=false"); out != "root@example.org: shop: reader\n" {
		t.Errorf("roles: %q", out)
	}
	ok("", "roles", "root@example.org", "--site", "shop", "--leave")
	var list []userLine
	if err := json.Unmarshal([]byte(ok("", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Name != "Ann Lee" || strings.Join(list[0].Roles["blog"], " ") != "admin editor" || list[1].Operator || len(list[1].Roles) != 0 {
		t.Errorf("list is %+v", list)
	}
	if out := ok("", "list"); !strings.Contains(out, "blog: admin, editor") || !strings.Contains(out, "no site") {
		t.Errorf("table is\n%s", out)
	}
	if out := ok("another fine long one", "reset", "ANN@example.org", "--password-stdin"); !strings.Contains(out, "signed out everywhere") {
		t.Errorf("reset: %q", out)
	}
	if out := ok("", "sessions", "ann@example.org"); !strings.Contains(out, "not signed in anywhere") {
		t.Errorf("sessions: %q", out)
	}
	if out := ok("", "sessions", "ann@example.org", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("sessions as JSON: %q", out)
	}
	if out := ok("", "sessions", "ann@example.org", "--revoke", "all"); !strings.Contains(out, "Ended 0 sessions") {
		t.Errorf("revoke: %q", out)
	}
	ok("", "remove", "ann@example.org")
	if out := ok("", "list"); strings.Contains(out, "ann@") {
		t.Errorf("still there:\n%s", out)
	}
}

func TestUsersRefuses(t *testing.T) {
	users := household(t)
	if _, _, err := users("violet otter lamp seven", "add", "ann@example.org"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		stdin string
		args  []string
		says  string
	}{
		"twice":               {"violet otter lamp seven", []string{"add", "Ann@example.org"}, "already a user ann@example.org"},
		"role without site":   {"", []string{"add", "b@example.org", "--role", "editor"}, "--site"},
		"site without role":   {"", []string{"add", "b@example.org", "--site", "blog"}, "--role"},
		"unknown site":        {"", []string{"add", "b@example.org", "--site", "blgo", "--role", "editor"}, "It has: blog, shop"},
		"short password":      {"geheim!", []string{"add", "b@example.org"}, "too short"},
		"empty but asked for": {"", []string{"add", "b@example.org", "--password-stdin"}, "Standard input is empty"},
		"nothing to change":   {"", []string{"roles", "ann@example.org"}, "Say what to change"},
		"leave and role":      {"", []string{"roles", "ann@example.org", "--leave", "--site", "blog", "--role", "editor"}, "--leave"},
		"nobody":              {"", []string{"remove", "x@example.org"}, "no user x@example.org"},
		"unknown session":     {"", []string{"sessions", "ann@example.org", "--revoke", "x"}, "no such session"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := users(c.stdin, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
			if err != nil && c.stdin != "" && strings.Contains(err.Error(), c.stdin) {
				t.Errorf("the error repeats the password: %v", err)
			}
		})
	}
	if out, _, err := users("", "list"); err != nil || strings.Contains(out, "b@example.org") {
		t.Errorf("a refused person was added (%v):\n%s", err, out)
	}
}

func TestUsersWarnsOfRolesWithoutRights(t *testing.T) {
	users := household(t)
	_, stderr, err := users("", "add", "ann@example.org", "--site", "blog", "--role", "editr")
	if err != nil || !strings.Contains(stderr, `"editr" is not one of the built-in roles`) {
		t.Errorf("standard error is %q (%v)", stderr, err)
	}
}

func TestUsersInvite(t *testing.T) {
	users := household(t)
	out, _, err := users("", "invite", "Ann@example.org", "--site", "blog", "--role", "editor", "--name", "Ann Lee")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`(?m)^http://127\.0\.0\.1:8484/s/blog/invite\?token=([A-Za-z0-9_-]{43})$`).FindStringSubmatch(out)
	if link == nil || !strings.Contains(out, "Invited ann@example.org to blog.") {
		t.Fatalf("no link: %q", out)
	}
	if out, _, err := users("", "list"); err != nil || !strings.Contains(out, "blog: editor (invited)") || strings.Contains(out, link[1]) {
		t.Errorf("list (%v):\n%s", err, out)
	}
	if out, _, err := users("", "list", "--json"); err != nil || !strings.Contains(out, `"pending"`) {
		t.Errorf("list (%v):\n%s", err, out)
	}
	if _, _, err := users("violet otter lamp seven", "add", "bob@example.org"); err != nil {
		t.Fatal(err)
	}
	if out, _, err := users("", "invite", "bob@example.org", "--site", "blog", "--role", "editor"); err != nil || !strings.Contains(out, "belongs to blog now") || strings.Contains(out, "token=") {
		t.Errorf("a known person (%v): %q", err, out)
	}
	if _, _, err := users("violet otter lamp seven", "add", "carl@example.org", "--site", "shop", "--role", "reader"); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"belongs to this site already": {"carl@example.org", "--site", "shop", "--role", "editor"},
		"--site":                       {"x@example.org"},
		"--role":                       {"x@example.org", "--site", "blog"},
		"It has: blog, shop":           {"x@example.org", "--site", "blgo", "--role", "editor"},
		"no e-mail address":            {"x", "--site", "blog", "--role", "editor"},
		"A mail was asked for":         {"ann@example.org", "--site", "blog", "--role", "editor"},
	} {
		if _, _, err := users("", append([]string{"invite"}, args...)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", args, err, says)
		}
	}
}

func TestUsersDisableAndEnable(t *testing.T) {
	users := household(t)
	if _, _, err := users("violet otter lamp seven", "add", "ann@example.org"); err != nil {
		t.Fatal(err)
	}
	out, _, err := users("", "disable", "ANN@example.org")
	if err != nil || out != "ann@example.org is disabled and signed out everywhere.\n" {
		t.Errorf("%q %v", out, err)
	}
	if out, _, err := users("", "list"); err != nil || !strings.Contains(out, "disabled") {
		t.Errorf("list (%v):\n%s", err, out)
	}
	if out, _, err := users("", "enable", "ann@example.org"); err != nil || out != "ann@example.org may sign in again.\n" {
		t.Errorf("%q %v", out, err)
	}
	if out, _, err := users("", "list"); err != nil || strings.Contains(out, "disabled") {
		t.Errorf("list (%v):\n%s", err, out)
	}
	for _, verb := range []string{"disable", "enable"} {
		if _, _, err := users("", verb, "x@example.org"); err == nil || !strings.Contains(err.Error(), "no user x@example.org") {
			t.Errorf("%s of nobody: %v", verb, err)
		}
	}
}
