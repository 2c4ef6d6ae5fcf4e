package content_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/api/content"
	"gatehouse/internal/cms"
	"gatehouse/internal/git"
	"gatehouse/internal/host/local"
	"gatehouse/internal/mirror"
	"gatehouse/internal/site"
	"gatehouse/internal/store"
)

// laptop is a directory that somebody works in, edited in place.
type laptop struct {
	t   *testing.T
	dir string
	mux *http.ServeMux
}

func newLaptop(t *testing.T, repository bool, files map[string]string) *laptop {
	t.Helper()
	l := &laptop{t: t, dir: t.TempDir(), mux: http.NewServeMux()}
	for path, text := range files {
		l.write(path, text)
	}
	if repository {
		l.git("init", "--quiet", "--initial-branch=main")
		l.git("config", "user.name", "Dev Eloper")
		l.git("config", "user.email", "dev@example.org")
		l.git("add", ".")
		l.git("commit", "--quiet", "-m", "Begin")
	}
	folder, err := site.OpenFolder(t.Context(), l.dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := folder.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	repo := &mirror.Repository{Git: folder.Repo, Host: &local.Host{Git: folder.Repo, Now: clock}, Live: true, Now: clock}
	s := &site.Site{Name: "local", Title: "my-site", Repo: repo, CMS: &cms.Service{Repo: repo, Anywhere: true, Versions: &cms.Versions{Store: db, Site: "local", Latest: true}, Now: clock}}
	author := func(ctx context.Context) (git.Signature, error) { return folder.Repo.Author(ctx) }
	(&content.Local{Site: s, Workflow: folder.Workflow, Author: author, Log: slog.New(slog.DiscardHandler), Directory: folder.Dir}).Mount(l.mux)
	return l
}

func (l *laptop) git(args ...string) string {
	l.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", l.dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (l *laptop) write(path, text string) {
	l.t.Helper()
	path = filepath.Join(l.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// file is what is on disk at path; "" for nothing.
func (l *laptop) file(path string) string {
	l.t.Helper()
	data, err := os.ReadFile(filepath.Join(l.dir, path))
	if err != nil && !os.IsNotExist(err) {
		l.t.Fatal(err)
	}
	return string(data)
}

// call runs one action as the stock client does and insists on its status.
func (l *laptop) call(status int, action, params string) string {
	l.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8081/api/v1", strings.NewReader(fmt.Sprintf(`{"branch":"master","action":%q,"params":%s}`, action, params)))
	r.Header.Set("Origin", "http://localhost:1313")
	rec := httptest.NewRecorder()
	l.mux.ServeHTTP(rec, r)
	answer := strings.TrimSuffix(rec.Body.String(), "\n")
	if rec.Code != status {
		l.t.Fatalf("%s %s: %d %s, want %d", action, params, rec.Code, answer, status)
	}
	return answer
}

const (
	saveNew   = `{"dataFiles":[{"path":"content/posts/new.md","slug":"new","raw":"---\ntitle: New\n---\n"}],"assets":[{"path":"static/media/new.png","content":"aGk=","encoding":"base64"}],"options":{"newEntry":true,"commitMessage":"m","collectionName":"posts","useWorkflow":%v,"status":"draft"}}`
	saveFirst = `{"dataFiles":[{"path":"content/posts/first.md","slug":"first","raw":"---\ntitle: Changed\n---\n"}],"assets":[],"options":{"commitMessage":"m","collectionName":"posts","useWorkflow":false,"status":"draft"}}`
)

// In simple mode the files of the directory are read and written, and nothing is
// committed: that is the developer's to do.
func TestLaptopSimple(t *testing.T) {
	for _, repository := range []bool{true, false} {
		t.Run(fmt.Sprintf("git=%v", repository), func(t *testing.T) {
			l := newLaptop(t, repository, baseFiles())
			before := ""
			if repository {
				before = l.git("rev-parse", "HEAD")
			}
			l.write("content/posts/untracked.md", "---\ntitle: Not in Git\n---\n")
			if list := l.call(200, "entriesByFolder", `{"folder":"content/posts","extension":"md","depth":1}`); !strings.Contains(list, "Not in Git") {
				t.Errorf("what is on disk is not listed: %s", list)
			}
			l.call(200, "persistEntry", fmt.Sprintf(saveNew, false))
			if got := l.file("content/posts/new.md"); got != "---\ntitle: New\n---\n" {
				t.Errorf("the saved file is %q", got)
			}
			if got := l.file("static/media/new.png"); got != "hi" {
				t.Errorf("the saved image is %q", got)
			}
			if got := l.call(200, "getMediaFile", `{"path":"static/media/new.png"}`); !strings.Contains(got, `"content":"aGk="`) {
				t.Errorf("the image as answered: %s", got)
			}
			l.call(200, "deleteFiles", `{"paths":["content/posts/new.md"],"options":{"commitMessage":"m"}}`)
			if got := l.file("content/posts/new.md"); got != "" {
				t.Errorf("the deleted file is %q", got)
			}
			if repository {
				if now := l.git("rev-parse", "HEAD"); now != before {
					t.Error("a save in simple mode made a commit")
				}
			} else if _, err := os.Stat(filepath.Join(l.dir, ".git")); !os.IsNotExist(err) {
				t.Error("the directory got a .git")
			}
		})
	}
}

// The developer's editor saved the file after the CMS opened it.
func TestLaptopKeepsWhatTheDeveloperWrote(t *testing.T) {
	l := newLaptop(t, true, baseFiles())
	l.call(200, "getEntry", `{"path":"content/posts/first.md"}`)
	l.write("content/posts/first.md", "---\ntitle: By hand\n---\n")
	answer := l.call(409, "persistEntry", saveFirst)
	if !strings.Contains(answer, `"paths":["content/posts/first.md"]`) {
		t.Errorf("the conflict names no file: %s", answer)
	}
	if got := l.file("content/posts/first.md"); got != "---\ntitle: By hand\n---\n" {
		t.Errorf("the developer's words are gone: %q", got)
	}
}

// Drafts lie in refs; publishing writes the files.
func TestLaptopWorkflow(t *testing.T) {
	l := newLaptop(t, true, baseFiles())
	l.call(200, "persistEntry", fmt.Sprintf(saveNew, true))
	if got := l.file("content/posts/new.md"); got != "" {
		t.Errorf("a draft is in the directory: %q", got)
	}
	if got := l.call(200, "unpublishedEntries", `{}`); got != `["posts/new"]` {
		t.Errorf("drafts: %s", got)
	}
	if got := l.call(200, "unpublishedEntry", `{"id":"posts/new"}`); !strings.Contains(got, `"pullRequestAuthor":"Dev Eloper"`) {
		t.Errorf("the draft: %s", got)
	}
	l.call(200, "updateUnpublishedEntryStatus", `{"collection":"posts","slug":"new","newStatus":"pending_publish"}`)
	l.call(200, "publishUnpublishedEntry", `{"collection":"posts","slug":"new"}`)
	if got := l.file("content/posts/new.md"); got != "---\ntitle: New\n---\n" {
		t.Errorf("the published file is %q", got)
	}
	if got := l.git("status", "--porcelain", "--", "content"); !strings.Contains(got, "content/posts/new.md") {
		t.Errorf("publishing committed: %q", got)
	}
	l.call(404, "unpublishedEntry", `{"id":"posts/new"}`)
}

func TestLaptopRefusesHostilePaths(t *testing.T) {
	l := newLaptop(t, true, baseFiles())
	for _, path := range []string{"../out.md", "/etc/cron.d/x", ".git/hooks/post-commit", "content/../../out.md", "content/posts/.GIT/config"} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/api/v1", strings.NewReader(fmt.Sprintf(`{"action":"persistEntry","params":{"dataFiles":[{"path":%q,"slug":"a","raw":"x"}],"options":{"commitMessage":"m","collectionName":"posts"}}}`, path)))
		rec := httptest.NewRecorder()
		l.mux.ServeHTTP(rec, r)
		if rec.Code != http.StatusUnprocessableEntity && rec.Code != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}

// The stock client names folders and collections itself; the server on a laptop
// has no need of a config.yml.
func TestLaptopWithoutConfig(t *testing.T) {
	for _, repository := range []bool{true, false} {
		l := newLaptop(t, repository, map[string]string{"notes/a.md": "---\ntitle: A\n---\n", "img/x.png": "hi"})
		if got := l.call(200, "entriesByFolder", `{"folder":"notes","extension":"md","depth":1}`); !strings.Contains(got, "title: A") {
			t.Errorf("listing: %s", got)
		}
		if got := l.call(200, "getMedia", `{"mediaFolder":"img"}`); !strings.Contains(got, `"path":"img/x.png"`) {
			t.Errorf("media: %s", got)
		}
		l.call(200, "persistEntry", `{"dataFiles":[{"path":"notes/b.md","slug":"b","raw":"---\ntitle: B\n---\n"}],"assets":[{"path":"img/b.png","content":"aGk=","encoding":"base64"}],"options":{"newEntry":true,"commitMessage":"m","collectionName":"notes","useWorkflow":false,"status":"draft"}}`)
		if l.file("notes/b.md") == "" || l.file("img/b.png") != "hi" {
			t.Error("what was saved is not on disk")
		}
		l.call(200, "persistMedia", `{"asset":{"path":"img/c.png","content":"aGk=","encoding":"base64"},"options":{"commitMessage":"m"}}`)
		l.call(200, "deleteFiles", `{"paths":["notes/b.md","img/c.png"],"options":{"commitMessage":"m"}}`)
		if l.file("notes/b.md") != "" || l.file("img/c.png") != "" {
			t.Error("what was deleted is on disk")
		}
		if !repository {
			continue
		}
		l.call(200, "persistEntry", `{"dataFiles":[{"path":"notes/d.md","slug":"d","raw":"---\ntitle: D\n---\n"}],"assets":[{"path":"img/d.png","content":"aGk=","encoding":"base64"}],"options":{"newEntry":true,"commitMessage":"m","collectionName":"notes","useWorkflow":true,"status":"draft"}}`)
		l.call(200, "persistEntry", `{"dataFiles":[{"path":"notes/d.md","slug":"d","raw":"---\ntitle: DD\n---\n"}],"assets":[],"options":{"commitMessage":"m","collectionName":"notes","useWorkflow":true,"unpublished":true,"status":"draft"}}`)
		if got := l.call(200, "unpublishedEntry", `{"id":"notes/d"}`); strings.Contains(got, "d.png") || !strings.Contains(got, "notes/d.md") {
			t.Errorf("the draft without its image: %s", got)
		}
		l.call(200, "publishUnpublishedEntry", `{"collection":"notes","slug":"d"}`)
		if got := l.file("notes/d.md"); got != "---\ntitle: DD\n---\n" {
			t.Errorf("published: %q", got)
		}
	}
}

// A developer edits by hand what the CMS has open: the CMS does not write over
// it, and goes on after the entry was opened again.
func TestLaptopHandEditIsNotLost(t *testing.T) {
	l := newLaptop(t, true, map[string]string{"notes/a.md": "---\ntitle: A\n---\n"})
	save := `{"dataFiles":[{"path":"notes/a.md","slug":"a","raw":"---\ntitle: From the CMS\n---\n"}],"assets":[],"options":{"commitMessage":"m","collectionName":"notes","useWorkflow":false,"status":"draft"}}`
	l.call(200, "getEntry", `{"path":"notes/a.md"}`)
	l.write("notes/a.md", "---\ntitle: By hand\n---\n")
	l.call(409, "persistEntry", save)
	if got := l.file("notes/a.md"); got != "---\ntitle: By hand\n---\n" {
		t.Errorf("the file is %q", got)
	}
	l.call(200, "getEntry", `{"path":"notes/a.md"}`)
	l.call(200, "persistEntry", save)
	l.write("notes/a.md", "---\ntitle: By hand again\n---\n")
	l.call(200, "getEntry", `{"path":"notes/a.md"}`)
	l.call(200, "persistEntry", save)
}
