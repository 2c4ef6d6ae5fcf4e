package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/mirror"
	"gatehouse/internal/site"
)

const adminConfig = `
backend: {name: git-gateway, branch: main}
media_folder: static/uploads
collections:
  - {name: posts, label: Posts, folder: content/posts, fields: [{name: title, label: "</script><b>"}]}
`

// adminSite serves one site's editor below /s/blog/, as the application does.
type adminSite struct {
	admin *Admin
	repo  *git.Repo
	who   auth.Principal
	err   error
}

func newAdminSite(t *testing.T, bundles fstest.MapFS) *adminSite {
	t.Helper()
	ctx := context.Background()
	repo, err := git.Init(ctx, t.TempDir()+"/blog.git", "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	files, err := NewAdminFiles(os.DirFS("../../../web/admin"), bundles)
	if err != nil {
		t.Fatal(err)
	}
	s := &adminSite{repo: repo, who: auth.Principal{UserID: "u1", Email: "ada@example.org", Roles: []string{"editor"}}}
	s.admin = &Admin{
		Site:      &site.Site{Name: "blog", Title: "The Blog", Branch: "main", Repo: &mirror.Repository{Git: repo, Branch: "main"}},
		Files:     files,
		Principal: func(*http.Request) (auth.Principal, error) { return s.who, s.err },
		Config:    func(context.Context) (*cms.Config, error) { return cms.Parse([]byte(adminConfig)) },
		Log:       slog.New(slog.DiscardHandler),
	}
	return s
}

func (s *adminSite) get(t *testing.T, path string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	s.admin.Mount(mux)
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.Host = "cms.example.org:8484"
	w := httptest.NewRecorder()
	http.StripPrefix("/s/blog", mux).ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	defer func() { _ = r.Body.Close() }()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (s *adminSite) commit(t *testing.T, ref string, parent git.ID, path, data string) git.ID {
	t.Helper()
	ctx := context.Background()
	blob, err := s.repo.WriteBlob(ctx, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.repo.WriteTree(ctx, parent, []git.Edit{{Path: path, Blob: blob}})
	if err != nil {
		t.Fatal(err)
	}
	who := git.Signature{Name: "Ada", Email: "ada@example.org", When: time.Unix(1_700_000_000, 0)}
	spec := git.CommitSpec{Tree: tree, Author: who, Committer: who, Message: path}
	if parent != "" {
		spec.Parents = []git.ID{parent}
	}
	id, err := s.repo.WriteCommit(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	old := parent
	if ref != "refs/heads/main" {
		old = ""
	}
	if err := s.repo.UpdateRefs(ctx, git.RefUpdate{Name: ref, Old: old, New: id}); err != nil {
		t.Fatal(err)
	}
	return id
}

var oneBundle = fstest.MapFS{
	"decap-cms-3.16.3/decap-cms.js.gz": {Data: []byte("not really gzip")},
	".gitkeep":                         {},
}

func TestAdminPageWorksBelowAPrefix(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	r := s.get(t, "/s/blog/admin")
	if got := r.Header.Get("Location"); r.StatusCode != http.StatusFound || got != "admin/" {
		t.Errorf("admin answers %d to %q, want a relative redirect", r.StatusCode, got)
	}
	r = s.get(t, "/s/blog/admin/")
	body := text(t, r)
	for _, want := range []string{
		`data-scope="gatehouse:u1:blog:"`, `data-person="ada@example.org"`, `data-api="../api/v1"`,
		`src="assets/decap-cms-3.16.3/decap-cms.js" id="bundle"`, `src="config.js"`, "The Blog",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(body, "seed.js") || strings.Contains(body, `="/`) {
		t.Error("the page has a seed or an absolute address")
	}
	policy := r.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'wasm-unsafe-eval' cms.example.org:8484/s/blog/admin/assets/ ") {
		t.Errorf("policy %q does not name the assets' path", policy)
	}
	if strings.Contains(policy, " 'unsafe-eval'") || strings.Contains(policy, "script-src 'self'") {
		t.Errorf("policy %q lets more run than it needs", policy)
	}
}

func TestAdminScriptsCannotComeFromUploadsUnlessTheHostCannotBeNamed(t *testing.T) {
	for host, want := range map[string]string{
		"cms.example.org": "cms.example.org/s/blog/admin/assets/",
		"127.0.0.1:8484":  "127.0.0.1:8484/s/blog/admin/assets/",
		"[::1]:8484":      "'self'",
		"x;y":             "'self'",
	} {
		r := httptest.NewRequest(http.MethodGet, "/s/blog/admin/?x=/admin/", http.NoBody)
		r.Host = host
		if got, _, _ := strings.Cut(scriptSources(r), " "); got != want {
			t.Errorf("host %s: %s, want %s", host, got, want)
		}
	}
}

func TestAdminSendsTheSignedOutToSignIn(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	s.err = fault.New(fault.Unauthenticated, "Sign in.")
	body := text(t, s.get(t, "/s/blog/admin/"))
	if !strings.Contains(body, "/next.js") || !strings.Contains(body, `href="../login"`) || strings.Contains(body, "decap-cms.js") {
		t.Errorf("no way to sign in:\n%s", body)
	}
	if got := text(t, s.get(t, "/s/blog/admin/config.js")); got != "" {
		t.Errorf("the configuration goes out to strangers: %s", got)
	}
}

func TestAdminSaysWhoMayNotRead(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	s.who.Roles = nil
	body := text(t, s.get(t, "/s/blog/admin/"))
	if !strings.Contains(body, "You cannot open this editor") {
		t.Errorf("no word of it:\n%s", body)
	}
	if got := text(t, s.get(t, "/s/blog/admin/config.js")); got != "" {
		t.Errorf("the configuration goes out to a person without a role: %s", got)
	}
}

func TestAdminConfigIsAScriptThatCannotBreakOut(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	r := s.get(t, "/s/blog/admin/config.js")
	body := text(t, r)
	if !strings.HasPrefix(body, "window.CMS_CONFIG = {") || !strings.Contains(body, `"git-gateway"`) {
		t.Errorf("config.js is %.80q", body)
	}
	if strings.Contains(body, "</script") {
		t.Error("config.js can end the script it stands in")
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("config.js may be kept: %q", got)
	}
}

func TestAdminShowsProblemsOfTheConfigInWords(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	s.admin.Config = func(context.Context) (*cms.Config, error) { return cms.Parse([]byte("collections: 7\n")) }
	body := text(t, s.get(t, "/s/blog/admin/"))
	if !strings.Contains(body, "configuration cannot be used") || !strings.Contains(body, "line 1") {
		t.Errorf("the problem is not told:\n%s", body)
	}
}

func TestAdminWithoutABundleSaysWhatToRun(t *testing.T) {
	s := newAdminSite(t, fstest.MapFS{".gitkeep": {}})
	if body := text(t, s.get(t, "/s/blog/admin/")); !strings.Contains(body, "make build") {
		t.Errorf("no word of what to run:\n%s", body)
	}
}

func TestAdminCustomScriptsArePinnedToThePublishedBranch(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	s.admin.Scripts = []string{"admin/widgets.js"}
	s.admin.Styles = []string{"admin/preview.css"}
	head := s.commit(t, "refs/heads/main", "", "admin/widgets.js", "good()")
	body := text(t, s.get(t, "/s/blog/admin/"))
	if !strings.Contains(body, "admin/preview.css") || !strings.Contains(body, "is missing") {
		t.Fatalf("a missing style sheet is not told:\n%s", body)
	}
	head = s.commit(t, "refs/heads/main", head, "admin/preview.css", "p{}")
	draft := s.commit(t, "refs/heads/cms/posts/x", head, "admin/widgets.js", "evil()")
	body = text(t, s.get(t, "/s/blog/admin/"))
	at := "custom/" + string(head) + "/admin/"
	if !strings.Contains(body, `<script src="`+at+`widgets.js">`) || !strings.Contains(body, `<link rel="preview-style" href="`+at+`preview.css">`) {
		t.Fatalf("the page does not load them:\n%s", body)
	}
	for path, want := range map[string]string{
		at + "widgets.js":  "good()",
		at + "preview.css": "p{}",
		"custom/" + string(draft) + "/admin/widgets.js": "", // a draft is not reviewed
		at + "other.js":                           "", // not named by the operator
		"custom/main/admin/widgets.js":            "", // moves, and would be kept for good
		"custom/cms%2Fposts%2Fx/admin/widgets.js": "",
	} {
		r := s.get(t, "/s/blog/admin/"+path)
		if got := text(t, r); want == "" && r.StatusCode != http.StatusNotFound || want != "" && got != want {
			t.Errorf("%s: %d %q, want %q", path, r.StatusCode, got, want)
		}
	}
}

func TestAdminOnTestRepoIsOpenAndSeeded(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	s.admin.Principal = nil
	s.admin.Seed = map[string]any{"content": map[string]any{"a.md": map[string]any{"content": "</script>"}}}
	if body := text(t, s.get(t, "/s/blog/admin/")); !strings.Contains(body, `src="seed.js"`) || !strings.Contains(body, "gatehouse:anyone:blog:") {
		t.Errorf("no seed:\n%s", body)
	}
	if got := text(t, s.get(t, "/s/blog/admin/seed.js")); !strings.HasPrefix(got, `window.repoFiles = {"content":`) || strings.Contains(got, "</script") {
		t.Errorf("seed.js is %q", got)
	}
}

func TestAdminAssetsAreKeptForGood(t *testing.T) {
	s := newAdminSite(t, oneBundle)
	for path, want := range map[string]int{
		"/s/blog/admin/" + s.admin.Files.ours() + "/boot.mjs": http.StatusOK,
		"/s/blog/admin/assets/gatehouse-older/boot.mjs":       http.StatusNotFound,
		"/s/blog/admin/assets/decap-cms-3.16.3/none.js":       http.StatusNotFound,
		"/s/blog/admin/assets/decap-cms-9/decap-cms.js":       http.StatusNotFound,
	} {
		r := s.get(t, path)
		_ = text(t, r)
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
		if kept := strings.Contains(r.Header.Get("Cache-Control"), "immutable"); kept != (want == http.StatusOK) {
			t.Errorf("%s: Cache-Control %q", path, r.Header.Get("Cache-Control"))
		}
	}
}
