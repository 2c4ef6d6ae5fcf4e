package cms_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
)

func TestEntriesOfAFolder(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.save(ada, direct(fresh("posts", "n", "content/posts/n.md", text("N"))))
	for _, test := range []struct {
		folder, ext string
		depth       int
		want        string
	}{
		{"content/posts", "md", 1, "a.md b.md n.md über uns.md"},
		{"/content/posts/", ".md", 1, "a.md b.md n.md über uns.md"},
		{"content/posts", "json", 1, ""},
		{"content/none", "md", 1, ""},
		{"content/pages", "md", 1, "index.md"},
		{"content/pages", "md", 2, "index.md x/index.md"},
		{"content/pages", "md", 9, "index.md x/index.md x/y/z.md"},
		{"content/guides", "md", 2, "de/g.md en/g.md"},
	} {
		all, err := listed(s.Entries(t.Context(), ada, test.folder, test.ext, test.depth))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range all {
			got = append(got, strings.TrimPrefix(e.Path, strings.Trim(test.folder, "/")+"/"))
			if e.Author == "" || e.Updated.IsZero() || len(e.Data) == 0 {
				t.Errorf("%s lacks something: %+v", e.Path, e)
			}
			if want := map[bool]string{true: "Ada", false: "Dev"}[strings.HasSuffix(e.Path, "/n.md")]; e.Author != want {
				t.Errorf("%s was changed by %s, want %s", e.Path, e.Author, want)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s *.%s to %d: %v, want %s", test.folder, test.ext, test.depth, got, test.want)
		}
	}
}

func TestPages(t *testing.T) {
	s := newSite(t, func(f map[string]string) {
		for i := range 45 {
			f[fmt.Sprintf("content/posts/p%02d.md", i)] = text(fmt.Sprint(i))
		}
	})
	for _, test := range []struct {
		number, size               int
		first, length, page, pages int
	}{{1, 20, 0, 20, 1, 3}, {3, 20, 40, 8, 3, 3}, {9, 20, 40, 8, 3, 3}, {0, 0, 0, 20, 1, 3}, {1, 100, 0, 48, 1, 1}} {
		p, err := s.Page(t.Context(), person("Ada"), "content/posts", "md", 1, test.number, test.size)
		if entries, err := listed(p.Entries, err); err != nil || len(entries) != test.length || p.Number != test.page || p.Pages != test.pages || p.Count != 48 {
			t.Errorf("page %d of %d: %d entries, %+v, %v", test.number, test.size, len(entries), p.Number, err)
		}
	}
	p, err := s.Page(t.Context(), person("Ada"), "content/none", "md", 1, 1, 20)
	if entries, err := listed(p.Entries, err); err != nil || p.Pages != 1 || p.Number != 1 || len(entries) != 0 {
		t.Errorf("an empty folder: %v, %v", entries, err)
	}
}

func TestFiles(t *testing.T) {
	s := newSite(t)
	all, err := listed(s.Files(t.Context(), person("Ada"), []cms.Entry{{Path: "data/nav.yml", Label: "Navigation"}, {Path: "/data/general.json"}, {Path: "content/posts/none.md", Label: "None"}}))
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	if all[0].Label != "Navigation" || string(all[0].Data) != "items: []\n" || all[1].Path != "data/general.json" || all[1].ID == "" || all[2].ID != "" || all[2].Label != "None" {
		t.Errorf("%+v", all)
	}
}

func TestMediaLibrary(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	m, err := s.SaveMedia(ctx, ada, cms.Asset{Path: "static/uploads/sub/u.png", Data: []byte("12345")}, "")
	if err != nil || m.Size != 5 {
		t.Fatal(m, err)
	}
	if got := s.git("log", "-1", "--format=%an: %s", "main"); got != "Ada: Upload “static/uploads/sub/u.png”" {
		t.Error(got)
	}
	for folder, want := range map[string]string{"": "static/uploads/logo.png", "static/uploads/sub": "static/uploads/sub/u.png", "static/none": ""} {
		all, err := s.Media(ctx, ada, folder)
		var got []string
		for _, f := range all {
			got = append(got, f.Path)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v", folder, got, err)
		}
	}
	for _, path := range []string{"static/x.png", "content/posts/c.md", "admin/config.yml", "static/uploads/.htaccess"} {
		_, err := s.SaveMedia(ctx, ada, cms.Asset{Path: path, Data: []byte("x")}, "")
		wantFault(t, err, fault.Forbidden, path)
	}
	for _, path := range []string{"static/x.png", "README.md", "admin/config.yml", "static/uploads/.gitkeep"} {
		wantFault(t, s.Delete(ctx, ada, []string{postB, path}, ""), fault.Forbidden, path)
	}
	s.save(ada, with(fresh("posts", "n", "content/posts/n.md", text("N")), "static/uploads/draft.png"))
	if f, err := s.MediaFile(ctx, ada, "/static/uploads/draft.png"); err != nil || f.ID == "" || f.Size == 0 {
		t.Errorf("a draft's picture: %+v, %v", f, err)
	}
	if _, err := s.MediaFile(ctx, ada, "static/uploads/none.png"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if err := s.Delete(ctx, ada, []string{"static/uploads/sub/u.png", "static/uploads/never.png"}, ""); err != nil {
		t.Fatal(err)
	}
	s.missing("main", "static/uploads/sub/u.png")
	wantFault(t, s.Delete(ctx, ada, []string{"static/uploads/sub/u.png"}, ""), fault.NotFound)
}

func TestMessagesOfTheServer(t *testing.T) {
	s := newSite(t, func(f map[string]string) {
		f["admin/config.yml"] = strings.Replace(siteConfig, "name: git-gateway", "name: git-gateway, signoff_commits: true, commit_messages: {update: \"{{author-name}}: {{collection}} {{slug}} ({{path}}) {{what}}\"}", 1)
	})
	s.save(person("Ada"), direct(noBase("posts", "a", postA, text("A2"))))
	if got, want := s.git("log", "-1", "--format=%B", "main"), "Ada: Post a ("+postA+") \n\nSigned-off-by: Ada <ada@example.org>"; strings.TrimRight(got, "\n") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestASiteWithoutConfig(t *testing.T) {
	s := newSite(t)
	s.push("main", map[string]string{"admin/config.yml": ""})
	_, err := s.Config(t.Context())
	wantFault(t, err, fault.NotFound)
	s.push("main", map[string]string{"static/admin/config.yml": siteConfig})
	if c, err := s.Config(t.Context()); err != nil || len(c.Collections) == 0 {
		t.Errorf("%+v, %v", c, err)
	}
	s.push("main", map[string]string{"static/admin/config.yml": "collections: ["})
	_, err = s.Config(t.Context())
	wantFault(t, err, fault.Invalid)
	s.ConfigPath = "cms.yml"
	_, err = s.Config(t.Context())
	wantFault(t, err, fault.NotFound)
}
