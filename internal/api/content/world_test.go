package content_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/api/content"
	"gatehouse/internal/auth"
	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host/local"
	"gatehouse/internal/mirror"
	"gatehouse/internal/site"
	"gatehouse/internal/store"
)

// people are who may call, by first name.
var people = map[string]auth.Principal{
	"ada":    {UserID: "1", Email: "ada@example.org", Name: "Ada Admin", Roles: []string{site.Admin}, Session: "s-ada", AvatarURL: "https://example.org/ada.png"},
	"pete":   {UserID: "2", Email: "pete@example.org", Name: "Pete Publisher", Roles: []string{site.Publisher}, Session: "s-pete"},
	"ed":     {UserID: "3", Email: "ed@example.org", Name: "Ed Editor", Roles: []string{site.Editor}, Session: "s-ed"},
	"cleo":   {UserID: "4", Email: "cleo@example.org", Name: "Cleo Contributor", Roles: []string{site.Contributor}, Session: "s-cleo"},
	"rita":   {UserID: "5", Email: "rita@example.org", Name: "Rita Reader", Roles: []string{site.Reader}, Session: "s-rita"},
	"sam":    {UserID: "6", Email: "sam@example.org", Name: "Sam Stranger", Session: "s-sam"},
	"olga":   {UserID: "7", Email: "olga@example.org", Name: "Olga Operator", Operator: true, Session: "s-olga"},
	"nobody": {},
}

const config = `
backend: {name: git-gateway, branch: main}
publish_mode: editorial_workflow
media_folder: static/media
public_folder: /media
collections:
  - name: posts
    label: Posts
    label_singular: Post
    folder: content/posts
    create: true
    fields: [{name: title, widget: string}, {name: body, widget: markdown}]
  - name: settings
    label: Settings
    files:
      - {name: general, label: General, file: data/site.yml, fields: [{name: title, widget: string}]}
`

// world is a site with its repository and database, and somebody who calls it.
type world struct {
	t     testing.TB
	dir   string
	repo  *git.Repo
	store *store.Store
	site  *site.Site
	mux   *http.ServeMux
	who   string
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func clock() time.Time { return start }

func newWorld(t testing.TB, files map[string]string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), who: "ed"}
	repo, err := git.Init(t.Context(), filepath.Join(w.dir, "blog.git"), "main")
	w.must(err)
	w.repo = repo
	w.commit(files)
	w.must(repo.Close())
	w.open()
	t.Cleanup(w.close)
	return w
}

func baseFiles() map[string]string {
	return map[string]string{
		"static/admin/config.yml": config,
		"content/posts/first.md":  "---\ntitle: First\n---\nHello.\n\nSecond paragraph.\n\nThird paragraph.\n",
		"content/posts/second.md": "---\ntitle: Second\n---\nHello <again> & more.\n",
		"data/site.yml":           "title: The Blog\n",
		"static/media/logo.png":   "\x89PNG\r\n\x1a\n\x00logo",
		"notes/private.md":        "not content\n",
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// commit writes files to main, the way a colleague's push would.
func (w *world) commit(files map[string]string) git.ID {
	w.t.Helper()
	ctx := w.t.Context()
	old, err := w.repo.Resolve(ctx, "refs/heads/main")
	if err != nil && !fault.Is(err, fault.NotFound) {
		w.t.Fatal(err)
	}
	var edits []git.Edit
	for path, text := range files {
		blob, err := w.repo.WriteBlob(ctx, []byte(text))
		w.must(err)
		edits = append(edits, git.Edit{Path: path, Blob: blob})
	}
	tree, err := w.repo.WriteTree(ctx, old, edits)
	w.must(err)
	who := git.Signature{Name: "Gus Git", Email: "gus@example.org", When: start}
	spec := git.CommitSpec{Tree: tree, Author: who, Committer: who, Message: "By hand"}
	if old != "" {
		spec.Parents = []git.ID{old}
	}
	id, err := w.repo.WriteCommit(ctx, spec)
	w.must(err)
	w.must(w.repo.UpdateRefs(ctx, git.RefUpdate{Name: "refs/heads/main", Old: old, New: id}))
	return id
}

// open starts the server's part over what is on disk.
func (w *world) open() {
	w.t.Helper()
	ctx := context.Background()
	var err error
	w.repo, err = git.Open(ctx, filepath.Join(w.dir, "blog.git"))
	w.must(err)
	w.store, err = store.Open(ctx, filepath.Join(w.dir, "gatehouse.db"))
	w.must(err)
	h := &local.Host{Git: w.repo, Name: "blog", Now: clock}
	repo := &mirror.Repository{Git: w.repo, Host: h, Branch: "main", Committer: git.Signature{Name: "Gatehouse", Email: "gatehouse@localhost"}, Now: clock}
	service := &cms.Service{Repo: repo, Versions: &cms.Versions{Store: w.store, Site: "blog"}, Now: clock, PreviewURL: "https://{slug}.preview.example"}
	repo.Validate = service.Validate
	w.site = &site.Site{Name: "blog", Title: "The Blog", Branch: "main", Origins: []string{"https://blog.example"}, CMS: service, Repo: repo}
	w.mux = http.NewServeMux()
	(&content.Handler{Site: w.site, Principal: w.principal, Log: slog.New(slog.DiscardHandler)}).Mount(w.mux)
}

func (w *world) close() {
	if err := errors.Join(w.repo.Close(), w.store.Close()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) restart() {
	w.close()
	w.open()
}

// principal reads the caller from a header, which stands for a cookie.
func (w *world) principal(r *http.Request) (auth.Principal, error) {
	who, known := people[r.Header.Get("X-Test-Person")]
	if !known || who.UserID == "" {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "Sign in first.")
	}
	return who, nil
}

// do sends one request as the present caller.
func (w *world) do(method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5000"
	r.Header.Set("X-Test-Person", w.who)
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec
}

// call runs one action and returns status and answer.
func (w *world) call(action, params string) (int, string) {
	if params == "" {
		params = "{}"
	}
	rec := w.do("POST", "/api/v1", fmt.Sprintf(`{"branch":"main","action":%q,"params":%s}`, action, params))
	return rec.Code, strings.TrimSuffix(rec.Body.String(), "\n")
}

// as runs one action as somebody and insists on its status.
func (w *world) as(who string, status int, action, params string) string {
	w.t.Helper()
	w.who = who
	got, answer := w.call(action, params)
	if got != status {
		w.t.Fatalf("%s: %s %s: %d %s, want %d", who, action, params, got, answer, status)
	}
	return answer
}

// file is what main has at path.
func (w *world) file(path string) string {
	w.t.Helper()
	ctx := w.t.Context()
	head, err := w.repo.Resolve(ctx, "refs/heads/main")
	w.must(err)
	e, err := w.repo.Stat(ctx, head, path)
	if fault.Is(err, fault.NotFound) {
		return ""
	}
	w.must(err)
	data, err := w.repo.Blob(ctx, e.ID)
	w.must(err)
	return string(data)
}
