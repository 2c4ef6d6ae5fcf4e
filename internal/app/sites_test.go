package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/app"
	"gatehouse/internal/fault"
)

func TestRepositoriesThatMustNotBeWrittenTo(t *testing.T) {
	for _, c := range []struct {
		name, site string
		prepare    func(t *testing.T, dir string)
		message    string
	}{
		{"Gitea's", "{repo: blog.git}", hook("hooks/post-receive.d/gitea", "#!/bin/sh\n/usr/bin/gitea hook --config=/etc/gitea.ini post-receive\n"), "belongs to a Gitea or Forgejo"},
		{"checked out", "{repo: work}", func(t *testing.T, dir string) { run(t, dir, "git", "clone", "-q", "blog.git", "work") }, "worktree: update"},
		{"no such branch", "{repo: blog.git, branch: live}", func(*testing.T, string) {}, "has no branch live. It has: main"},
		{"no repository", "{repo: empty}", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := plan(t)
			c.prepare(t, dir)
			a, err := app.New(t.Context(), load(t, dir, "sites: [{name: shop, backend: {repo: shop.git}}, {name: blog, backend: "+c.site+"}]"), app.Options{})
			if err == nil {
				_ = a.Close()
			}
			if !strings.Contains(fault.Message(err), c.message) || !strings.Contains(fault.Message(err), "The site blog") {
				t.Errorf("%v", err)
			}
		})
	}
}

func hook(name, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		file := filepath.Join(dir, "blog.git", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// A saved entry is a commit in Git by its editor, and the deployment hears of it.
func TestPublishingDeploys(t *testing.T) {
	b := build(t, `
sites:
  - name: blog
    backend: {repo: blog.git}
    deploy: {command: [sh, -c, 'echo "$GATEHOUSE_SITE $GATEHOUSE_BRANCH $GATEHOUSE_COMMIT" >> deployed'], timeout: 1m}
`)
	b.signIn(t, "olga@example.org")
	entry := map[string]any{
		"dataFiles": []any{map[string]any{"slug": "hello", "path": "content/posts/hello.md", "raw": "---\ntitle: Hello\n---\nText\n"}},
		"assets":    []any{},
		"options":   map[string]any{"collectionName": "posts", "commitMessage": "Write hello", "newEntry": true, "useWorkflow": true, "status": "draft"},
	}
	if a := b.call(t, "blog", "persistEntry", entry); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "deployed")); err == nil {
		t.Error("a draft was deployed")
	}
	if a := b.call(t, "blog", "publishUnpublishedEntry", map[string]any{"collection": "posts", "slug": "hello"}); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	repo := filepath.Join(b.dir, "blog.git")
	head := run(t, repo, "git", "rev-parse", "main")
	if got := run(t, repo, "git", "log", "-1", "--format=%an <%ae>", "main", "--", "content/posts/hello.md"); got != "Olga <olga@example.org>" {
		t.Errorf("author %s", got)
	}
	if got := waitFor(t, filepath.Join(b.dir, "deployed")); got != "blog main "+head+"\n" {
		t.Errorf("deployed %q, want commit %s", got, head)
	}
	for !strings.Contains(b.ask(t, "GET", "/console/", "").text, `<span class="tag">deployed</span>`) {
		time.Sleep(10 * time.Millisecond) // it has written, and is about to end
	}
}

// waitFor reads a file that another process is about to write.
func waitFor(t *testing.T, file string) string {
	t.Helper()
	for {
		if data, err := os.ReadFile(file); err == nil && len(data) > 0 {
			return string(data)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s was never written", file)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestWorktreeUpdateWritesTheFiles(t *testing.T) {
	b := build(t, `sites: [{name: blog, backend: {repo: blog.git}}]`)
	run(t, b.dir, "git", "clone", "-q", "blog.git", "work")
	if err := b.Reload(t.Context(), load(t, b.dir, "sites: [{name: blog, backend: {repo: work}, worktree: update}]")); err != nil {
		t.Fatal(err)
	}
	b.signIn(t, "olga@example.org")
	asset := map[string]any{"path": "static/uploads/dot.svg", "content": "PHN2Zy8+", "encoding": "base64"}
	if a := b.call(t, "blog", "persistMedia", map[string]any{"asset": asset, "options": map[string]any{"commitMessage": "Add a dot"}}); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if data, err := os.ReadFile(filepath.Join(b.dir, "work/static/uploads/dot.svg")); err != nil || string(data) != "<svg/>" {
		t.Errorf("%q %v", data, err)
	}
	if got := run(t, filepath.Join(b.dir, "work"), "git", "status", "--porcelain"); got != "" {
		t.Errorf("the work tree is dirty:\n%s", got)
	}
}

// A developer's checkout of some commit is no reason to take the site for dead.
func TestDetachedHeadIsReady(t *testing.T) {
	b := build(t, `sites: [{name: blog, backend: {repo: blog.git}}]`)
	run(t, b.dir, "git", "clone", "-q", "blog.git", "work")
	run(t, filepath.Join(b.dir, "work"), "git", "checkout", "-q", "--detach")
	if err := b.Reload(t.Context(), load(t, b.dir, "sites: [{name: blog, backend: {repo: work, branch: main}}]")); err != nil {
		t.Fatal(err)
	}
	if a := b.ask(t, "GET", "/readyz", ""); a.status != 200 {
		t.Errorf("%d %s\n%s", a.status, a.text, b.log)
	}
	if err := os.RemoveAll(filepath.Join(b.dir, "work")); err != nil {
		t.Fatal(err)
	}
	if a := b.ask(t, "GET", "/readyz", ""); a.status != 503 || strings.Contains(a.text, "work") {
		t.Errorf("without its repository: %d %s", a.status, a.text)
	}
}
