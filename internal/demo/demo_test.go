package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
	"gatehouse/internal/store"
)

// prepare starts a demo in dir; steps collects what it said that it does.
func prepare(t *testing.T, dir string, steps *[]string) *Demo {
	t.Helper()
	d, err := Prepare(context.Background(), Options{
		Addr: "127.0.0.1:18484", Dir: dir, Now: time.Date(2031, 4, 9, 15, 30, 0, 0, time.UTC), Log: slog.New(slog.DiscardHandler),
		Step: func(what string) func() { *steps = append(*steps, what); return func() {} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func start(t *testing.T) (*Demo, http.Handler) {
	t.Helper()
	d := prepare(t, t.TempDir(), &[]string{})
	mux := http.NewServeMux()
	if err := d.Mount(context.Background(), mux); err != nil {
		t.Fatal(err)
	}
	return d, mux
}

func get(t *testing.T, h http.Handler, target string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	if r.Host == "example.com" {
		r.Host = "127.0.0.1:18484"
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func head(t *testing.T, d *Demo) string {
	t.Helper()
	out, err := exec.Command("git", "-C", d.Repository, "rev-parse", "main").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTheSecondStartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	var first, second []string
	a := prepare(t, dir, &first)
	commit := head(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b := prepare(t, dir, &second)
	if len(first) != 3 || len(second) != 0 {
		t.Errorf("made at first %q, then %q", first, second)
	}
	if head(t, b) != commit {
		t.Error("the repository was made anew")
	}
	for i, p := range b.People {
		if p != a.People[i] {
			t.Errorf("person %d has changed", i)
		}
	}
}

func TestPasswordsAreMadeOnceAndPrivate(t *testing.T) {
	dir := t.TempDir()
	d := prepare(t, dir, &[]string{})
	info, err := os.Stat(filepath.Join(dir, "demo.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("demo.json: %v %v", info, err)
	}
	seen := map[string]bool{}
	for _, p := range d.People {
		if len(p.Password) < 16 || seen[p.Password] {
			t.Errorf("%s has a weak or shared password", p.Email)
		}
		seen[p.Password] = true
	}
	other := prepare(t, t.TempDir(), &[]string{})
	if other.People[0].Password == d.People[0].Password {
		t.Error("two demos share a password")
	}
}

func TestABrokenPeopleFileIsExplained(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "demo.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Prepare(context.Background(), Options{Addr: "127.0.0.1:1", Dir: dir})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), "Delete the directory") {
		t.Errorf("the answer is %v", err)
	}
}

func TestOnlyLoopbackAddresses(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:8484": true, "127.8.8.8:1": true, "localhost:80": true, "[::1]:8484": true, "LOCALHOST:1": true,
		"0.0.0.0:8484": false, ":8484": false, "192.168.1.2:8484": false, "[::]:8484": false, "cms.example:8484": false,
		"127.0.0.1": false, "127.0.0.1:": false, "localhost.evil.example:1": false, "": false,
	} {
		if err := CheckAddr(addr); (err == nil) != ok {
			t.Errorf("%q: %v", addr, err)
		} else if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is refused as %v", addr, err)
		}
	}
	_, err := Prepare(context.Background(), Options{Addr: "0.0.0.0:8484", Dir: t.TempDir()})
	if err == nil || !strings.Contains(fault.Message(err), "passwords") {
		t.Errorf("no reason is given: %v", err)
	}
}

func TestPasswordsAreNotReadThroughAnotherName(t *testing.T) {
	d, h := start(t)
	for host, want := range map[string]int{"127.0.0.1:18484": 200, "localhost:18484": 200, "[::1]:18484": 200, "evil.example": 421, "evil.example:18484": 421, "127.0.0.1.evil.example": 421, "": 421} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
		if shown := strings.Contains(w.Body.String(), d.People[0].Password); shown != (want == 200) {
			t.Errorf("host %q: password shown is %v", host, shown)
		}
	}
}

func TestTheLineForPrograms(t *testing.T) {
	d := prepare(t, t.TempDir(), &[]string{})
	line, err := d.Line()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsRune(line, '\n') {
		t.Error("more than one line")
	}
	got := map[string]string{}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"url": "http://127.0.0.1:18484", "admin": "http://127.0.0.1:18484/s/journal/admin/",
		"email": d.People[0].Email, "password": d.People[0].Password, "repository": d.Repository,
	}
	if len(got) != len(want) {
		t.Errorf("keys %v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
	if !filepath.IsAbs(d.Repository) {
		t.Errorf("repository %q", d.Repository)
	}
}

func TestThreePeopleGetAccountsOnce(t *testing.T) {
	ctx := context.Background()
	d := prepare(t, t.TempDir(), &[]string{})
	s, err := store.Open(ctx, filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	accounts := identity.New(s)
	for range 2 {
		if err := d.AddPeople(ctx, accounts); err != nil {
			t.Fatal(err)
		}
	}
	list, err := accounts.List(ctx)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d people, %v", len(list), err)
	}
	for _, u := range list {
		switch u.Email {
		case "maren@millbrook.example":
			if !u.Operator {
				t.Error("Maren is no operator")
			}
		case "tobias@millbrook.example":
			if u.Operator || u.Roles[journal][0] != identity.Editor || u.Roles[kitchen][0] != identity.Editor {
				t.Errorf("Tobias: %+v", u)
			}
		case "iris@millbrook.example":
			if u.Operator || u.Roles[journal][0] != identity.Contributor || u.Member(kitchen) {
				t.Errorf("Iris: %+v", u)
			}
		}
	}
}

func TestTheSamplesConfigurationsAreGood(t *testing.T) {
	d, _ := start(t)
	for name, file := range map[string]string{journal: "admin/config.yml", kitchen: "static/admin/config.yml"} {
		ctx := context.Background()
		commit, err := d.repos[name].Resolve(ctx, "refs/heads/main")
		if err != nil {
			t.Fatal(err)
		}
		e, err := d.repos[name].Stat(ctx, commit, file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := d.repos[name].Blob(ctx, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		c, err := cms.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !c.Workflow {
			t.Errorf("%s has no editorial workflow", name)
		}
		for _, generation := range []string{"2", "3"} {
			if _, err := c.Document(generation); err != nil {
				t.Errorf("%s for generation %s: %v", name, generation, err)
			}
		}
	}
	if len(d.Config.Sites) != 4 || d.Config.Sites[1].Admin.Bundle != "netlify-cms" {
		t.Errorf("gatehouse.yaml has %+v", d.Config.Sites)
	}
}

func TestTheStartPageNamesEveryDoor(t *testing.T) {
	d, h := start(t)
	res, page := get(t, h, "/")
	if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if res.Header.Get("Cache-Control") != "no-store" {
		t.Error("a page with passwords may be stored")
	}
	for _, want := range []string{
		"s/journal/admin/", "s/kitchen/admin/", `"site/"`, `"site/kitchen/"`, `"try/"`, "proxy_url", "git -C " + d.Repository + " log", `action="s/journal/login"`,
		`href="` + d.elsewhere.hosts[0].Page + `/admin/"`, `href="` + d.elsewhere.hosts[1].Page + `/admin/"`, `"auth/selftest"`, `"console/connectors"`, `"console/sign-ins"`,
		"bin/gatehouse doctor --url " + d.elsewhere.hosts[0].Page + "/admin/", "bin/gatehouse doctor --url " + d.elsewhere.Broken + "/admin/", d.elsewhere.BrokenFile, "Hanne Vik", "Piers Lowe",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the start page does not have %q", want)
		}
	}
	for _, bad := range []string{"<script", "style=", "onclick"} {
		if strings.Contains(page, bad) {
			t.Errorf("the start page has %q, which its policy forbids", bad)
		}
	}
	for _, p := range d.People {
		want := 2 // in its form, and beside it
		if p.Role == operator {
			want++ // in the form that leads to the sign-ins
		}
		if n := strings.Count(page, p.Password); n != want {
			t.Errorf("the password of %s is there %d times, not %d", p.Name, n, want)
		}
	}
}

var address = regexp.MustCompile(`(?:href|src)="([^"#]+)"`)

func TestEveryLinkOfTheSampleSitesLeadsSomewhere(t *testing.T) {
	_, h := start(t)
	seen := map[string]bool{}
	queue := []string{"/site/", "/site/kitchen/"}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		res, page := get(t, h, at)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, m := range address.FindAllStringSubmatch(page, -1) {
			if strings.HasPrefix(m[1], "/") {
				queue = append(queue, strings.ReplaceAll(m[1], "&amp;", "&"))
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d pages and pictures were found", len(seen))
	}
}

func TestADraftOfTheSampleHasAPreview(t *testing.T) {
	d, h := start(t)
	refs, err := d.repos[journal].Refs(context.Background(), "refs/heads/cms/posts/")
	if err != nil || len(refs) < 3 {
		t.Fatalf("drafts: %v %v", refs, err)
	}
	for _, ref := range refs {
		slug := strings.TrimPrefix(ref.Name, "refs/heads/cms/posts/")
		if res, page := get(t, h, "/site/-/draft/"+string(ref.ID)+"/posts/"+slug+"/"); res.StatusCode != http.StatusOK || !strings.Contains(page, "Not on the site yet") {
			t.Errorf("%s: %d", slug, res.StatusCode)
		}
		if res, _ := get(t, h, "/site/posts/"+slug+"/"); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s is on the site already", slug)
		}
	}
}

func TestTheTrialBeginsWithTheSampleAndStoresNothing(t *testing.T) {
	d, h := start(t)
	before := head(t, d)
	if res, _ := get(t, h, "/try/"); res.StatusCode != http.StatusFound || res.Header.Get("Location") != "admin/" {
		t.Errorf("/try/ answers %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	_, page := get(t, h, "/try/admin/")
	if strings.Contains(page, "built without") {
		t.Skip("the CMS bundles are not in this build: node web/bundles.mjs")
	}
	if !strings.Contains(page, "Nothing here is stored; a reload forgets all.") {
		t.Errorf("the trial does not say that it forgets:\n%s", page)
	}
	_, config := get(t, h, "/try/admin/config.js")
	if !strings.Contains(config, `"test-repo"`) || strings.Contains(config, "git-gateway") {
		t.Errorf("config.js is\n%.400s", config)
	}
	_, seed := get(t, h, "/try/admin/seed.js")
	for _, want := range []string{"window.repoFiles", "Geese in the evening", "/site/uploads/winter-geese.jpg", "opening.json"} {
		if !strings.Contains(seed, want) {
			t.Errorf("the trial does not begin with %q", want)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		r := httptest.NewRequest(method, "/try/admin/", strings.NewReader("x"))
		r.Host = "127.0.0.1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s /try/admin/: %d", method, w.Code)
		}
	}
	if head(t, d) != before {
		t.Error("the trial has changed the repository")
	}
}

func TestQuoted(t *testing.T) {
	for path, want := range map[string]string{"/a/b.git": "/a/b.git", "/a b": "'/a b'", "/it's": `'/it'\''s'`, "/$(x)": "'/$(x)'"} {
		if got := quoted(path); got != want {
			t.Errorf("%s becomes %s", path, got)
		}
	}
}
