package cms_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host/local"
	"gatehouse/internal/mirror"
	"gatehouse/internal/store"
)

// siteConfig is the config.yml of the sites that the tests make.
const siteConfig = `backend: {name: git-gateway}
publish_mode: editorial_workflow
media_folder: static/uploads
public_folder: /uploads
site_url: https://www.example.org
i18n: {structure: multiple_files, locales: [en, de]}
collections:
  - name: posts
    label: Posts
    label_singular: Post
    folder: content/posts
    create: true
    preview_path: "blog/{{year}}/{{slug}}"
    fields: [{name: title}, {name: date, widget: datetime}, {name: body, widget: markdown}]
  - name: pages
    label: Pages
    folder: content/pages
    create: true
    nested: {depth: 10}
    meta: {path: {label: Path, widget: string, index_file: index}}
    media_folder: ""
    fields: [{name: title}]
  - name: notes
    label: Notes
    folder: content/notes
    create: true
    i18n: true
    fields: [{name: title, i18n: true}]
  - name: guides
    label: Guides
    folder: content/guides
    create: true
    i18n: {structure: multiple_folders}
    fields: [{name: title, i18n: true}]
  - name: cards
    label: Cards
    folder: content/cards
    extension: yml
    create: true
    i18n: {structure: single_file}
    fields: [{name: title, i18n: true}]
  - name: fixed
    label: Fixed
    folder: content/fixed
    delete: false
    publish: false
    fields: [{name: title}]
  - name: settings
    label: Settings
    files:
      - {name: general, label: General, file: data/general.json, fields: [{name: title}]}
      - {name: nav, label: Navigation, file: data/nav.yml, fields: [{name: items, widget: list}]}
`

const (
	postA = "content/posts/a.md"
	postB = "content/posts/b.md"
)

func text(title string) string { return "---\ntitle: " + title + "\n---\n\nBody.\n" }

// files are what a site's repository begins with.
func files() map[string]string {
	return map[string]string{
		"admin/config.yml":          siteConfig,
		"README.md":                 "A site.\n",
		"layouts/index.html":        "<html>\n",
		postA:                       "---\ntitle: A\ndate: 2026-03-04T05:06:07Z\n---\n\nOne.\n\nTwo.\n\nThree.\n",
		postB:                       text("B"),
		"content/fixed/f.md":        text("F"),
		"data/general.json":         "{\"title\": \"Site\"}\n",
		"data/nav.yml":              "items: []\n",
		"static/uploads/logo.png":   "\x89PNG\x00logo",
		"static/uploads/.gitkeep":   "",
		"static/favicon.ico":        "\x00ico",
		"content/pages/index.md":    text("Home"),
		"content/pages/x/index.md":  text("X"),
		"content/pages/x/p.png":     "\x89PNG\x00p",
		"content/pages/x/y/z.md":    text("Z"),
		"content/notes/n.en.md":     text("N"),
		"content/notes/n.de.md":     text("N, auf Deutsch"),
		"content/guides/en/g.md":    text("G"),
		"content/guides/de/g.md":    text("G, auf Deutsch"),
		"content/cards/c.yml":       "en:\n  title: C\nde:\n  title: C, auf Deutsch\n",
		"content/posts/über uns.md": text("Über uns"),
	}
}

// site is a service over a real repository.
type site struct {
	*cms.Service
	t    *testing.T
	dir  string
	host *local.Host
}

// template is the repository that the tests begin with, made once.
var template = sync.OnceValues(func() (string, error) {
	parent, err := os.MkdirTemp("", "gatehouse-cms-")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(parent, "site.git")
	repo, err := git.Init(context.Background(), dir, "main")
	if err != nil {
		return "", err
	}
	return dir, errors.Join(commit(context.Background(), repo, "main", files()), repo.Close())
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := template(); err == nil {
		_ = os.RemoveAll(filepath.Dir(dir))
	}
	os.Exit(code)
}

// newSite makes a site; change edits files of its first commit.
func newSite(t *testing.T, change ...func(map[string]string)) *site {
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "site.git")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	repo, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	h := &local.Host{Git: repo, Name: "site"}
	r := &mirror.Repository{Git: repo, Host: h, Branch: "main", Committer: git.Signature{Name: "Gatehouse", Email: "gatehouse@localhost"}}
	s := &site{t: t, dir: dir, host: h, Service: &cms.Service{Repo: r, Versions: &cms.Versions{Store: openStore(t, store.Memory), Site: "blog"}}}
	r.Validate = s.Validate
	for _, f := range change {
		begin := map[string]string{}
		f(begin)
		s.push("main", begin)
	}
	return s
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// push changes a branch as a developer with Git would; an empty text deletes.
func (s *site) push(branch string, change map[string]string) {
	s.t.Helper()
	if err := commit(s.t.Context(), s.Repo.Git, branch, change); err != nil {
		s.t.Fatal(err)
	}
}

func commit(ctx context.Context, r *git.Repo, branch string, change map[string]string) error {
	old, err := r.Resolve(ctx, "refs/heads/"+branch)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	var edits []git.Edit
	for _, p := range slices.Sorted(maps.Keys(change)) {
		e := git.Edit{Path: p}
		if change[p] != "" || old == "" {
			if e.Blob, err = r.WriteBlob(ctx, []byte(change[p])); err != nil {
				return err
			}
		}
		edits = append(edits, e)
	}
	dev := git.Signature{Name: "Dev", Email: "dev@example.org", When: time.Unix(1_700_000_000, 0)}
	spec := git.CommitSpec{Message: "Pushed", Author: dev, Committer: dev}
	if old != "" {
		spec.Parents = []git.ID{old}
	}
	if spec.Tree, err = r.WriteTree(ctx, old, edits); err != nil {
		return err
	}
	id, err := r.WriteCommit(ctx, spec)
	if err != nil {
		return err
	}
	return r.UpdateRefs(ctx, git.RefUpdate{Name: "refs/heads/" + branch, Old: old, New: id})
}

// git runs the git command on the repository.
func (s *site) git(args ...string) string {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), "git", append([]string{"-C", s.dir, "-c", "core.quotePath=false"}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// at is a file's text on a branch; "" when it is not there.
func (s *site) at(branch, path string) string {
	s.t.Helper()
	e, err := s.Repo.Git.Resolve(s.t.Context(), "refs/heads/"+branch)
	if err != nil {
		s.t.Fatalf("branch %s: %v", branch, err)
	}
	found, err := s.Repo.Git.StatAll(s.t.Context(), e, []string{path})
	if err != nil {
		s.t.Fatal(err)
	}
	if found[path].ID == "" {
		return ""
	}
	data, err := s.Repo.Git.Blob(s.t.Context(), found[path].ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

func (s *site) branches() []string {
	s.t.Helper()
	return strings.Fields(s.git("for-each-ref", "--format=%(refname:short)", "refs/heads/"))
}

func (s *site) missing(branch, path string) {
	s.t.Helper()
	if got := s.at(branch, path); got != "" {
		s.t.Errorf("%s is on %s: %q", path, branch, got)
	}
}

func (s *site) has(branch, path, want string) {
	s.t.Helper()
	if got := s.at(branch, path); got != want {
		s.t.Errorf("%s on %s is %q, want %q", path, branch, got, want)
	}
}

// person is a caller with a browser session.
func person(name string) cms.Caller {
	return cms.Caller{Name: name, Email: strings.ToLower(name) + "@example.org", Reader: "session-of-" + name}
}

// noBase is an entry of one file, from a client that names no base.
func noBase(collection, slug, path, data string) cms.SaveEntry {
	return cms.SaveEntry{Collection: collection, Workflow: true, Subfolders: true, Files: []cms.DataFile{{Path: path, Slug: slug, Data: []byte(data)}}}
}

func fresh(collection, slug, path, data string) cms.SaveEntry {
	e := noBase(collection, slug, path, data)
	e.New = true
	return e
}

func direct(e cms.SaveEntry) cms.SaveEntry {
	e.Workflow = false
	return e
}

func with(e cms.SaveEntry, assets ...string) cms.SaveEntry {
	for _, a := range assets {
		e.Assets = append(e.Assets, cms.Asset{Path: a, Data: []byte("\x89PNG\x00" + a)})
	}
	return e
}

func (s *site) save(c cms.Caller, e cms.SaveEntry) cms.Saved {
	s.t.Helper()
	saved, err := s.Save(s.t.Context(), c, e)
	if err != nil {
		s.t.Fatalf("saving %s: %v", e.Files[0].Path, err)
	}
	return saved
}

// listed reads a listing to its end.
func listed[T any](all iter.Seq2[T, error], err error) ([]T, error) {
	var out []T
	if err != nil {
		return nil, err
	}
	for one, err := range all {
		if err != nil {
			return out, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *site) open(c cms.Caller, path string) cms.Entry {
	s.t.Helper()
	e, err := s.Entry(s.t.Context(), c, path)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

func (s *site) draft(collection, slug string) cms.Draft {
	s.t.Helper()
	d, err := s.Draft(s.t.Context(), person("Ada"), collection, slug)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *site) publish(c cms.Caller, collection, slug string) {
	s.t.Helper()
	if _, err := s.Publish(s.t.Context(), c, collection, slug); err != nil {
		s.t.Fatal(err)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, paths ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || paths != nil && !slices.Equal(f.Paths, paths) {
		t.Helper()
		t.Errorf("got %v (%v), want %v of %v", err, fault.KindOf(err), kind, paths)
	}
}

// only permits the actions listed and notes every question.
func only(asked *[]cms.Ask, actions ...cms.Action) func(context.Context, cms.Ask) error {
	return func(_ context.Context, a cms.Ask) error {
		*asked = append(*asked, a)
		if slices.Contains(actions, a.Action) {
			return nil
		}
		return fault.New(fault.Forbidden, "not allowed: %s", a.Action)
	}
}
