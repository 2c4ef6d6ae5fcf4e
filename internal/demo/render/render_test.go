package render

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/git"
	web "gatehouse/web/demo"
)

// site is a repository with the given files on main, and its pages.
func site(t *testing.T, files map[string]string) (*Site, http.Handler) {
	t.Helper()
	ctx := context.Background()
	repo, err := git.Init(ctx, filepath.Join(t.TempDir(), "site.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	pages, err := fs.Sub(web.Files, "pages")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(&Site{
		Base: "/site", Branch: "main", Theme: "journal", Style: "/demo/site.css", Repo: repo, Log: slog.New(slog.DiscardHandler),
		Media: "static/uploads", Public: "/uploads", Pages: "content/pages", Nested: true, Locales: []string{"en", "de"},
		Sections: []Section{
			{Name: "posts", Title: "Journal", Folder: "content/posts", Ext: ".md", Front: 3},
			{Name: "walks", Title: "Walks", Folder: "content/walks", Ext: ".yml", I18n: SingleFile, Front: 3},
			{Name: "species", Title: "Species", Folder: "content/species", Ext: ".md", I18n: MultipleFiles},
			{Name: "notices", Title: "Notices", Folder: "content/notices", Ext: ".md", I18n: MultipleFolders},
		},
	}, pages)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, repo, "refs/heads/main", files)
	mux := http.NewServeMux()
	s.Mount(mux)
	return s, mux
}

// commit puts files on top of a branch and answers the commit.
func commit(t *testing.T, repo *git.Repo, ref string, files map[string]string) git.ID {
	t.Helper()
	ctx := context.Background()
	var edits []git.Edit
	for p, text := range files {
		id, err := repo.WriteBlob(ctx, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		edits = append(edits, git.Edit{Path: p, Blob: id})
	}
	old, _ := repo.Resolve(ctx, ref) // absent at first
	tree, err := repo.WriteTree(ctx, old, edits)
	if err != nil {
		t.Fatal(err)
	}
	who := git.Signature{Name: "Ada", Email: "ada@x.example", When: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	spec := git.CommitSpec{Tree: tree, Author: who, Committer: who, Message: "A change"}
	if old != "" {
		spec.Parents = []git.ID{old}
	}
	id, err := repo.WriteCommit(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.UpdateRefs(ctx, git.RefUpdate{Name: ref, Old: old, New: id}); err != nil {
		t.Fatal(err)
	}
	return id
}

func get(t *testing.T, h http.Handler, path string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestHostileContentStaysText(t *testing.T) {
	const front = "---\ntitle: \"<script>alert(1)</script>\"\ndate: 2030-01-01T00:00:00Z\nauthor: '\"><img src=x onerror=alert(1)>'\nimage: 'javascript:alert(1)'\nalt: '\"onload=alert(1)'\ntags: ['<b>', 'javascript:alert(1)']\n---\n"
	for name, body := range map[string]string{
		"script":       "<script>alert(1)</script>",
		"inline html":  "text <img src=x onerror=alert(1)> text",
		"link":         "[x](javascript:alert(1))",
		"link upper":   "[x](JaVaScRiPt:alert(1))",
		"link spaces":  "[x](<  javascript:alert(1)>)",
		"link entity":  "[x](javascript&colon;alert(1))",
		"autolink":     "<javascript:alert(1)>",
		"vbscript":     "<vbscript:msgbox>",
		"reference":    "[x][y]\n\n[y]: javascript:alert(1)",
		"image":        "![x](javascript:alert(1))",
		"data image":   "![x](data:text/html;base64,PHNjcmlwdD4=)",
		"data link":    "[x](data:text/html,<script>alert(1)</script>)",
		"title":        "[x](/a \"\\\" onmouseover=alert(1) \\\"\")",
		"other origin": "![x](//evil.example/x.png)",
	} {
		t.Run(name, func(t *testing.T) {
			_, h := site(t, map[string]string{"content/posts/x.md": front + body, "data/site.yml": "title: \"<script>\"\nmenu: [{label: '<i>', path: 'javascript:alert(1)'}]\nhero: 'javascript:alert(1)'\n"})
			for _, path := range []string{"/site/", "/site/posts/", "/site/posts/x/", "/site/posts/?tag=%3Cscript%3E"} {
				res, page := get(t, h, path)
				low := strings.ToLower(page)
				for _, bad := range []string{"<script", "=\"javascript:", "=\"vbscript:", "<img src=x", "=\"data:", "\" onload", "\" onmouseover", "//evil.example", "href=\" "} {
					if strings.Contains(low, bad) {
						t.Errorf("%s has %q:\n%s", path, bad, page)
					}
				}
				if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "script-src") {
					t.Errorf("%s: policy %q", path, csp)
				}
			}
		})
	}
}

func TestLinksLeadIntoTheSite(t *testing.T) {
	s, h := site(t, map[string]string{
		"content/posts/x.md":     "---\ntitle: X\n---\n[in](/visit/) [out](https://x.example/a?b=c) ![pic](/uploads/a%20b.png) [mail](mailto:a@x.example)",
		"static/uploads/a b.png": "not really",
	})
	draft := commit(t, s.Repo, "refs/heads/cms/posts/y", map[string]string{"content/posts/y.md": "---\ntitle: Y\n---\n![pic](/uploads/p.png)", "static/uploads/p.png": "png"})
	_, page := get(t, h, "/site/posts/x/")
	for _, want := range []string{`href="/site/visit/"`, `href="https://x.example/a?b=c"`, `src="/site/uploads/a%20b.png"`, `href="mailto:a@x.example"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	_, page = get(t, h, "/site/-/draft/"+string(draft)+"/posts/y/")
	if want := `src="/site/-/draft/` + string(draft) + `/uploads/p.png"`; !strings.Contains(page, want) {
		t.Errorf("no %s in\n%s", want, page)
	}
}

func TestADraftIsSeenAtItsPreviewAndNotOnTheSite(t *testing.T) {
	s, h := site(t, map[string]string{"content/posts/x.md": "---\ntitle: X\n---\nold"})
	main, err := s.Repo.Resolve(context.Background(), "refs/heads/main")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Repo.UpdateRefs(context.Background(), git.RefUpdate{Name: "refs/heads/cms/posts/x", New: main}); err != nil {
		t.Fatal(err)
	}
	draft := commit(t, s.Repo, "refs/heads/cms/posts/x", map[string]string{"content/posts/x.md": "---\ntitle: X\n---\nnew words", "static/uploads/n.png": "png"})
	preview := "/site/-/draft/" + string(draft)
	if _, page := get(t, h, preview+"/posts/x/"); !strings.Contains(page, "new words") || !strings.Contains(page, "<strong>Draft</strong> by Ada") {
		t.Errorf("the preview shows\n%s", page)
	}
	if res, body := get(t, h, preview+"/uploads/n.png"); res.StatusCode != http.StatusOK || body != "png" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the draft's picture: %d %q %q", res.StatusCode, body, res.Header)
	}
	if _, page := get(t, h, "/site/posts/x/"); strings.Contains(page, "new words") || strings.Contains(page, "class=\"draft\"") {
		t.Errorf("the site shows the draft:\n%s", page)
	}
	if err := s.Repo.UpdateRefs(context.Background(), git.RefUpdate{Name: "refs/heads/main", Old: main, New: draft}); err != nil {
		t.Fatal(err)
	}
	if _, page := get(t, h, "/site/posts/x/"); !strings.Contains(page, "new words") {
		t.Error("what was published is not on the site at once")
	}
	if _, page := get(t, h, preview+"/posts/x/"); strings.Contains(page, "Not on the site yet") {
		t.Error("a published draft says that it is not on the site")
	}
}

func TestOnlyPicturesOfTheMediaFolderAreServed(t *testing.T) {
	_, h := site(t, map[string]string{
		"content/posts/x.md": "text", "static/uploads/page.html": "<script>", "static/uploads/ok.svg": "<svg/>", "static/secret.png": "no", "admin/config.yml": "backend: {}",
	})
	for path, want := range map[string]int{
		"/site/uploads/ok.svg":                           200,
		"/site/uploads/page.html":                        404,
		"/site/uploads/absent.png":                       404,
		"/site/uploads/..%2Fsecret.png":                  404,
		"/site/secret.png":                               404,
		"/site/admin/config.yml":                         404,
		"/site/-/draft/main/":                            404,
		"/site/-/draft/" + strings.Repeat("0", 40) + "/": 404,
	} {
		if res, _ := get(t, h, path); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

func TestTranslationsInEachStructure(t *testing.T) {
	_, h := site(t, map[string]string{
		"content/walks/w.yml":     "en: {title: Dawn, date: 2030-01-01T06:00:00Z, body: early}\nde: {title: Morgen, date: 2030-01-01T06:00:00Z, body: früh}\n",
		"content/species/k.en.md": "---\ntitle: Kingfisher\n---\nblue",
		"content/species/k.de.md": "---\ntitle: Eisvogel\n---\nblau",
		"content/notices/en/n.md": "---\ntitle: Water\n---\nhigh",
		"content/notices/de/n.md": "---\ntitle: Wasser\n---\nhoch",
		"content/species/o.en.md": "---\ntitle: Owl\n---\nsilent",
	})
	for path, want := range map[string][2]string{
		"/site/walks/w/":      {"Dawn", `lang="en"`},
		"/site/de/walks/w/":   {"früh", `lang="de"`},
		"/site/species/k/":    {"blue", `hreflang="de"`},
		"/site/de/species/k/": {"Eisvogel", `lang="de"`},
		"/site/notices/n/":    {"Water", `href="/site/de/notices/n/"`},
		"/site/de/notices/n/": {"hoch", `lang="de"`},
		"/site/de/species/o/": {"Owl", `lang="en"`}, // not translated
	} {
		if _, page := get(t, h, path); !strings.Contains(page, want[0]) || !strings.Contains(page, want[1]) {
			t.Errorf("%s has not %q:\n%s", path, want, page)
		}
	}
}

func TestBrokenFilesDoNotTakeTheSiteDown(t *testing.T) {
	_, h := site(t, map[string]string{
		"content/posts/broken.md": "---\ntitle: [unclosed\n---\nstill here",
		"content/posts/odd.md":    "---\ntitle: {a: b}\ndate: [1]\ntags: {x: y}\nimage: 7\n---\nodd",
		"content/posts/empty.md":  "",
		"content/posts/list.md":   "---\n- a\n---\nlist",
		"data/site.yml":           "- not\n- a map\n",
		"data/opening.json":       "{",
		"content/walks/w.yml":     "just text",
	})
	for _, path := range []string{"/site/", "/site/posts/", "/site/posts/broken/", "/site/posts/odd/", "/site/posts/empty/", "/site/posts/list/"} {
		if res, page := get(t, h, path); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, res.StatusCode, page)
		}
	}
	if _, page := get(t, h, "/site/posts/broken/"); !strings.Contains(page, "cannot be read") || !strings.Contains(page, "still here") {
		t.Errorf("a broken entry shows\n%s", page)
	}
}

func TestListingsHavePages(t *testing.T) {
	files := map[string]string{}
	for i := range perPage + 3 {
		day := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		files["content/posts/"+day.Format(time.DateOnly)+".md"] = "---\ntitle: On " + day.Format(time.DateOnly) + "\ndate: " + day.Format(time.RFC3339) + "\n---\n"
	}
	_, h := site(t, files)
	if _, page := get(t, h, "/site/posts/?page=2"); strings.Count(page, "<h2>") != 3 || !strings.Contains(page, "On 2030-01-01") || !strings.Contains(page, "2 of 2") {
		t.Errorf("page 2 shows\n%s", page)
	}
	if _, page := get(t, h, "/site/posts/?page=-5"); strings.Count(page, "<h2>") != perPage {
		t.Error("an odd page number is not page 1")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"---\ntitle: x\n---\nbody", "---\n---\n", "---\na: &a [*a]\n---", "\ufeff---\r\nt: 1\r\n---\r\nx", "plain", "---\nx: !!binary x\n---\n", "{\"a\": [1, {\"b\": null}]}"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		s := &Site{Public: "/uploads", Locales: []string{"en"}}
		for _, name := range []string{"a.md", "a.yml", "a.json"} {
			d := parse(name, []byte(text))
			_, _, _ = d.text("title"), d.date(), d.list("tags")
			_, _ = d.groups("menu"), d.in("en")
			_, _ = s.markdown("/site", d.markdown()), opening(d.markdown())
		}
	})
}
