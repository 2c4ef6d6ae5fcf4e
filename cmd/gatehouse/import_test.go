package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/mail"
)

// movers writes a configuration with the sites blog and shop and an export for
// each, and returns how to run "gatehouse import gotrue" on them.
func movers(t *testing.T) (file string, run func(args ...string) (stdout, stderr string, err error)) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for _, repo := range []string{"blog.git", "shop.git"} {
		if out, err := exec.Command("git", "init", "-q", "--bare", "-b", "main", filepath.Join(dir, repo)).CombinedOutput(); err != nil {
			t.Fatalf("git init: %v %s", err, out)
		}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("lantern under the pear tree"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("gatehouse.yaml", `
mail: {smtp: "smtp://127.0.0.1:1", from: cms@example.org}
sites:
  - {name: blog, backend: {name: git-gateway, repo: blog.git}}
  - {name: shop, backend: {name: git-gateway, repo: shop.git}}
`)
	write("blog.json", fmt.Sprintf(`{"aud":"","users":[
		{"id":"1","email":"Ada@example.org","encrypted_password":%q,"confirmed_at":"2024-01-01T00:00:00Z","app_metadata":{"roles":["admin"]}},
		{"id":"2","email":"ben@example.org","encrypted_password":"","confirmed_at":"2024-01-01T00:00:00Z"},
		{"id":"3","email":"no address"}]}`, hash))
	write("shop.json", `[{"id":"9","email":"ADA@example.org","confirmed_at":"2024-01-01T00:00:00Z"}]`)
	file = filepath.Join(dir, "gatehouse.yaml")
	return file, func(args ...string) (string, string, error) {
		root := rootCommand()
		var out, errs bytes.Buffer
		root.SetArgs(append([]string{"--config", file, "import", "gotrue"}, args...))
		root.SetOut(&out)
		root.SetErr(&errs)
		err := root.ExecuteContext(t.Context())
		for _, text := range []string{out.String(), errs.String()} {
			if strings.Contains(text, string(hash)) || strings.Contains(text, "$2a$") {
				t.Errorf("a hash is printed:\n%s", text)
			}
		}
		return out.String(), errs.String(), err
	}
}

func TestImportFromTheCommandLine(t *testing.T) {
	file, run := movers(t)
	ok := func(args ...string) string {
		t.Helper()
		out, _, err := run(args...)
		if err != nil {
			t.Fatalf("import gotrue %v: %v", args, err)
		}
		return out
	}
	says := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("it does not say %q:\n%s", w, out)
			}
		}
	}
	says(ok("blog.json", "--site", "blog"),
		"would be 2 new", "1 skipped", "no valid e-mail address: 1 (entry 3)", "1 sign in with the old password",
		"1 come without a password", "1 get no role", "roles: admin 1", "Nothing was changed. Add --apply")
	says(ok("blog=blog.json", "shop=shop.json", "--role", "editor", "--apply"), "  2 new", "1 merged", "roles: admin 1, editor 1", "1 person has no password")
	var report importOutput
	if err := json.Unmarshal([]byte(ok("blog.json", "--site", "blog", "--apply", "--links", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Links) != 1 || report.Links[0].Email != "ben@example.org" || !strings.Contains(report.Links[0].Link, "/s/blog/recover?token=") || report.Changed() {
		t.Errorf("the report is %+v", report)
	}
	out := ok("blog.json", "--site", "blog", "--apply", "--mail")
	says(out, "Mails written: 1")
	if strings.Contains(out, "token=") {
		t.Errorf("a link is printed:\n%s", out)
	}
	says(ok("blog.json", "--site", "blog", "--apply", "--mail"), "There is nothing to do")

	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	people, store, err := app.OpenIdentity(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	ada, err := people.SignIn(t.Context(), "ada@example.org", "lantern under the pear tree", netip.Addr{})
	if err != nil || describeAccess(ada) != "blog: admin; shop: editor" {
		t.Errorf("Ada is %q (%v)", describeAccess(ada), err)
	}
	mails, err := (&mail.Post{Store: store}).List(t.Context(), mail.Filter{Limit: 10})
	if err != nil || len(mails) != 1 || mails[0].To != "ben@example.org" {
		t.Errorf("mails are %+v (%v)", mails, err)
	}
}

func TestImportRefuses(t *testing.T) {
	_, run := movers(t)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no file":         {nil, "Name a file"},
		"no site":         {[]string{"blog.json"}, "Name the site of blog.json"},
		"unknown site":    {[]string{"blog.json", "--site", "blgo"}, "It has: blog, shop"},
		"missing file":    {[]string{"x.json", "--site", "blog"}, "x.json cannot be opened"},
		"directory":       {[]string{"blog.git", "--site", "blog"}, "blog.git: The file cannot be read"},
		"mail when dry":   {[]string{"blog.json", "--site", "blog", "--mail"}, "--apply"},
		"mail and links":  {[]string{"blog.json", "--site", "blog", "--apply", "--mail", "--links"}, "Choose"},
		"impossible role": {[]string{"blog.json", "--site", "blog", "--role", "a b"}, "cannot be a role"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, _, err := run(c.args...); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want one that says %q\n%s", err, c.says, out)
			}
		})
	}
}
