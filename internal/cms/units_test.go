package cms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

const shapes = `media_folder: /static/uploads/
i18n: {structure: multiple_files, locales: [en, de], default_locale: de}
collections:
  - {name: posts, folder: content/posts, fields: [{name: title}]}
  - {name: deep, folder: content, extension: json, nested: {depth: 3}, fields: [{name: title}]}
  - {name: news, folder: content/posts, filter: {field: kind, value: news}, fields: [{name: title}]}
  - {name: dated, folder: content/dated, path: "{{year}}/{{slug}}/index", fields: [{name: title}, {name: cover, widget: image, media_folder: "/media/{{slug}}"}]}
  - {name: slashed, folder: content/slashed, slug: "{{year}}/{{slug}}", media_folder: "../images/{{dirname}}", fields: [{name: title}]}
  - {name: notes, folder: content/notes, i18n: true, fields: [{name: title}]}
  - {name: guides, folder: content/guides, i18n: {structure: multiple_folders}, fields: [{name: title}]}
  - {name: root, folder: /, extension: txt, format: frontmatter, fields: [{name: title}]}
  - name: settings
    i18n: {structure: multiple_files}
    media_folder: /static/settings
    files:
      - {name: site, file: /data/site.yml, fields: [{name: title}]}
      - {name: home, file: data/home.yml, i18n: true, media_folder: "{{media_folder}}/home", fields: [{name: hero, widget: object, media_folder: "{{media_folder}}/hero", fields: [{name: image, media_folder: "{{media_folder}}/x-{{title}}-y"}]}]}
      - {name: about, file: "data/{{locale}}/about.yml", i18n: true, fields: [{name: title}]}
      - {name: config, file: admin/config.yml, fields: [{name: title}]}
`

func TestOwner(t *testing.T) {
	c := parse(t, shapes)
	for path, want := range map[string]string{
		"content/posts/a.md":                 "posts a",
		"content/posts/Ä b.md":               "posts Ä b",
		"content/posts/x/a.md":               "",
		"content/posts/a.json":               "deep posts/a",
		"content/a.json":                     "deep a",
		"content/posts/.md":                  "",
		"content/posts/a.markdown":           "",
		"content/posts":                      "",
		"content/posts/":                     "",
		"content/dated/2026/a/index.md":      "dated 2026/a/index",
		"content/dated/2026/a/b/index.md":    "",
		"content/slashed/2026/a.md":          "slashed 2026/a",
		"content/slashed/2026/1/a.md":        "",
		"content/notes/a.de.md":              "notes a de",
		"content/notes/a.b.en.md":            "notes a.b en",
		"content/notes/a.fr.md":              "notes a.fr",
		"content/notes/de.md":                "notes de",
		"content/guides/de/a.md":             "guides a de",
		"content/guides/a.md":                "guides a",
		"content/guides/fr/a.md":             "",
		"robots.txt":                         "root robots",
		"x/robots.txt":                       "",
		"data/site.yml":                      "settings site",
		"data/site.de.yml":                   "",
		"data/home.de.yml":                   "settings home de",
		"data/home.yml":                      "settings home",
		"data/de/about.yml":                  "settings about de",
		"admin/config.yml":                   "settings config",
		"":                                   "",
		"content/posts/content/posts/a.md":   "",
		"content/deep/content/deep/a/b.json": "deep deep/content/deep/a/b",
	} {
		got := ""
		if at, ok := c.Owner(path); ok {
			got = strings.TrimSpace(at.Collection.Name + " " + at.Slug + " " + at.Locale)
		}
		if got != want {
			t.Errorf("%s belongs to %q, want %q", path, got, want)
		}
	}
	if got := len(c.places("content/posts/a.md")); got != 2 {
		t.Errorf("content/posts/a.md is in %d collections, want 2", got)
	}
}

func TestEntryPaths(t *testing.T) {
	c := parse(t, shapes)
	for key, want := range map[string]string{
		"posts/a": "content/posts/a.md", "notes/a": "content/notes/a.de.md content/notes/a.en.md",
		"guides/x/a": "content/guides/de/x/a.md content/guides/en/x/a.md", "settings/site": "data/site.yml", "settings/none": "", "root/a": "a.txt",
	} {
		collection, slug, _ := SplitKey(key)
		x := c.Collection(collection)
		if got := strings.Join(x.EntryPaths(slug), " "); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	for name, want := range map[string]int{"posts": 1, "deep": 3, "dated": 3, "guides": 2, "notes": 1} {
		if got := c.Collection(name).ListDepth(); got != want {
			t.Errorf("%s is listed to %d, want %d", name, got, want)
		}
	}
}

func TestMediaFolders(t *testing.T) {
	c := parse(t, shapes)
	for path, want := range map[string]bool{
		"static/uploads/a.png":              true,
		"static/uploads/deep/a.png":         true,
		"static/uploads":                    false,
		"static/uploads/.hidden":            false,
		"static/uploads/.d/a.png":           false,
		"static/other/a.png":                false,
		"content/posts/a.png":               false,
		"content/posts/a.md":                false,
		"content/dated/2026/a/x.png":        true, // beside an entry with a path
		"content/dated/2026/a/index.md":     false,
		"media/anything/x.png":              true,
		"media/x.png":                       false,
		"content/images/2026/x.png":         true, // ../images/{{dirname}} of an entry right in the folder
		"content/slashed/images/2026/x.png": true,
		"static/settings/a.png":             true,
		"static/settings/home/a.png":        true,
		"static/settings/home/hero/a.png":   true,
		"layouts/a.png":                     false,
		"a.png":                             false,
		"data/home.yml":                     false,
	} {
		if got := c.isMedia(path); got != want {
			t.Errorf("%s is media: %v, want %v", path, got, want)
		}
	}
	at, _ := c.Owner("content/dated/2026/a/index.md")
	for path, want := range map[string]bool{
		"content/dated/2026/a/x.png": true, "content/dated/2026/b/x.png": false, "media/a/x.png": true,
		"static/uploads/x.png": true, "static/settings/x.png": false, "content/dated/2026/b/index.md": false,
	} {
		if got := c.isMediaOf(at, "content/dated/2026/a/index.md", path); got != want {
			t.Errorf("%s is media of the entry: %v, want %v", path, got, want)
		}
	}
	for pattern, paths := range map[string]map[string]bool{
		"a-" + anyPart + "-b":        {"a-1-b": true, "a--b": true, "a-b": false, "x": false},
		anyPart + "x" + anyPart:      {"x": true, "axb": true, "ab": false},
		anyPart:                      {"": true, "a": true},
		"a" + anyPart + anyPart:      {"a": true, "ab": true, "b": false},
		"ab" + anyPart + "ba":        {"aba": false, "abba": true},
		"plain":                      {"plain": true, "plainer": false},
		anyPart + "1" + anyPart:      {"01": true, "10": true, "2": false},
		"2026-" + anyPart + "-" + "": {"2026-1-": true, "2026-1": false},
	} {
		for s, want := range paths {
			if got := matchSegment(pattern, s); got != want {
				t.Errorf("%q matches %q: %v", pattern, s, got)
			}
		}
	}
	rooted := parse(t, strings.Replace(minimal, "static/uploads", `""`, 1))
	if !rooted.isMedia("a.png") || rooted.isMedia("x/a.png") || rooted.isMedia(".env") {
		t.Error("a media folder in the root takes files directly in it, and only these")
	}
}

func TestDraftBranches(t *testing.T) {
	for _, test := range []struct{ slug, usual, flat string }{
		{"a", "cms/posts/a", "cms/posts/a"},
		{"a/b", "cms/posts/a/b", "cms/posts/a%2Fb"},
		{"über", "cms/posts/über", "cms/posts/über"},
		{"100%", "cms/posts/100%", "cms/posts/100%25"},
		{"50%25", "cms/posts/50%2525", "cms/posts/50%2525"},
		{"a b", "cms/posts/a%20b", "cms/posts/a%20b"},
		{"a..b", "cms/posts/a%2E.b", "cms/posts/a%2E.b"},
		{".a/.b", "cms/posts/%2Ea/%2Eb", "cms/posts/%2Ea%2F%2Eb"},
		{"a.lock", "cms/posts/a%2Elock", "cms/posts/a%2Elock"},
		{"@{x", "cms/posts/%40{x", "cms/posts/%40{x"},
		{"/a/", "cms/posts/%2Fa%2F", "cms/posts/%2Fa%2F"},
		{"~^:?*[\\", "cms/posts/%7E%5E%3A%3F%2A%5B%5C", "cms/posts/%7E%5E%3A%3F%2A%5B%5C"},
	} {
		names := draftBranches("posts", test.slug)
		if names[0] != test.usual || names[1] != test.flat {
			t.Errorf("%q: %v, want %s and %s", test.slug, names, test.usual, test.flat)
		}
		for _, name := range names {
			if err := git.CheckBranch(name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if collection, slug, ok := draftKey(name); !ok || collection != "posts" || slug != test.slug {
				t.Errorf("%s is read as %s %q", name, collection, slug)
			}
		}
	}
	for _, branch := range []string{"main", "cms", "cms/", "cms/posts", "cms/posts/", "cmsx/a/b", "cms//a"} {
		if _, _, ok := draftKey(branch); ok {
			t.Errorf("%s is read as a draft", branch)
		}
	}
}

func FuzzDraftBranch(f *testing.F) {
	f.Add("a/b", true)
	f.Add("50%25/..lock@{", false)
	f.Fuzz(func(t *testing.T, slug string, flat bool) {
		if slug == "" || strings.Contains(slug, "//") || !utf8.ValidString(slug) {
			return
		}
		name := draftBranch("posts", slug, flat)
		if _, got, ok := draftKey(name); !ok || got != slug {
			t.Fatalf("%q became %s and then %q", slug, name, got)
		}
		if err := git.CheckBranch(name); err != nil && len(name) < 200 {
			t.Fatalf("%q became %s: %v", slug, name, err)
		}
	})
}

func TestSlugs(t *testing.T) {
	plain := SlugRules{Replacement: "-"}
	ascii := SlugRules{Replacement: "_", ASCII: true, CleanAccents: true}
	for _, test := range []struct {
		rules    SlugRules
		in, want string
		slashes  bool
	}{
		{plain, "  Hello, World!  ", "hello-world", false},
		{plain, "It's 3.14", "its-3-14", false},
		{plain, "Größe über alles", "größe-über-alles", false},
		{plain, "日本語 テスト", "日本語-テスト", false},
		{plain, "a/b c", "a-b-c", false},
		{plain, "/a//b c/", "a/b-c", true},
		{plain, "con", "", false},
		{plain, "x ~ y", "x-~-y", false},
		{plain, "🎉 party", "🎉-party", false},
		{plain, "", "", false},
		{ascii, "Größe Ångström Łódź", "grosse_angstrom_lodz", false},
		{ascii, "日本", "", false},
		{SlugRules{}, "a b", "ab", false},
	} {
		if got := test.rules.segment(test.in, test.slashes); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
	}
	if got := plain.segment(strings.Repeat("ü", 300), false); len(got) > 255 || !strings.HasSuffix(got, "ü") {
		t.Errorf("a long one: %d bytes", len(got))
	}
}

func TestTemplates(t *testing.T) {
	at := template{
		Date: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Slug: "the-slug",
		Data: map[string]any{"title": "Title", "year": "1999", "n": 3.5, "ok": true, "empty": "", "author": map[string]any{"name": "Ada"}, "tags": []any{"a", "b"}, "date": "2026-03-04T05:06:07Z"},
	}
	for text, want := range map[string]string{
		"plain":                               "plain",
		"{{slug}}":                            "the-slug",
		"{{ slug }}":                          "the-slug",
		"{{year}}-{{month}}-{{day}}":          "2026-03-04",
		"{{hour}}:{{minute}}:{{second}}":      "05:06:07",
		"{{fields.year}}":                     "1999",
		"{{fields.none}}x":                    "x",
		"{{author.name}} {{tags[1]}}":         "Ada b",
		"{{tags}} {{n}} {{ok}} {{none}}":      "a,b 3.5 true ",
		"{{title | upper}}":                   "TITLE",
		"{{title | lower}}":                   "title",
		"{{empty | default('x y')}}":          "x y",
		"{{title | default('x')}}":            "Title",
		"{{ok | ternary('yes', 'no')}}":       "yes",
		"{{empty | ternary('yes','no')}}":     "no",
		"{{title | truncate(1)}}":             "T...",
		"{{title | truncate(2, '…')}}":        "Ti…",
		"{{title | truncate(9)}}":             "Title",
		"{{date | date('YYYY/MM/DD')}}":       "2026/03/04",
		"{{date | date('D. MMMM YY, H:m')}}":  "4. March 26, 5:6",
		"{{date | date('[YYYY] ddd SSS Z')}}": "YYYY Wed 000 +00:00",
		"{{title | date('YYYY')}}":            "Invalid Date",
		"{{title | unknown}}":                 "Title",
		"{{}} {{a b}} {{a|b}} { {slug} }":     "{{}} {{a b}} {{a|b}} { {slug} }",
	} {
		if got, err := at.expand(text); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := (template{}).expand("{{year}}"); err == nil {
		t.Error("a year without a date")
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{{year}}/{{slug | truncate(3)}}", "title: x\nslug: y")
	f.Add("{{date | date('[x] YYYY')}}", "date: 2026-01-01")
	f.Fuzz(func(t *testing.T, text, data string) {
		n, _ := readYAML([]byte(data))
		m, _ := plainMap(n).(map[string]any)
		out, err := template{Date: time.Unix(0, 0), Slug: "s", Data: m, Process: func(v string) string { return SlugRules{Replacement: "-"}.segment(v, false) }}.expand(text)
		if err == nil && !strings.Contains(text, "{{") && out != text {
			t.Fatalf("%q became %q", text, out)
		}
		folderPattern(text, "above", data)
	})
}

func TestPreviewPages(t *testing.T) {
	c := parse(t, `media_folder: m
i18n: {structure: single_file, locales: [en, de]}
collections:
  - {name: none, folder: none, fields: [{name: title}]}
  - {name: posts, folder: content/posts, preview_path: "/blog/{{year}}/{{title}}/{{filename}}.{{extension}}", fields: [{name: title}, {name: publish_date, widget: date}]}
  - {name: named, folder: content/named, preview_path: "{{month}}/{{slug}}", preview_path_date_field: on, fields: [{name: title}]}
  - {name: nested, folder: content/nested, preview_path: "{{dirname}}/{{slug}}", nested: {depth: 9}, fields: [{name: title}]}
  - {name: flat, folder: content/flat, preview_path: "{{slug}}", preview_path_preserve_slashes: false, nested: {depth: 9}, fields: [{name: title}]}
  - {name: cards, folder: content/cards, extension: yml, preview_path: "{{title}}", i18n: true, fields: [{name: title}]}
  - {name: settings, preview_path: s, files: [{name: a, file: a.toml, preview_path: "f/{{title}}", fields: [{name: title}]}, {name: b, file: b.json, fields: [{name: title}]}]}
`)
	for _, test := range []struct{ key, path, text, want string }{
		{"none/a", "none/a.md", "", "https://x.example/"},
		{"posts/a", "content/posts/a.md", "---\ntitle: It's New!\npublish_date: 2026-03-04\n---\n", "https://x.example/blog/2026/its-new/a.md"},
		{"posts/a", "content/posts/a.md", "---\ntitle: No date\n---\n", "https://x.example"},
		{"posts/a", "content/posts/a.md", "no front matter", "https://x.example"},
		{"named/a", "content/named/a.md", "+++\non = 2026-07-01T00:00:00Z\n+++\n", "https://x.example/07/a"},
		{"nested/a/b c", "content/nested/a/b c.md", "", "https://x.example/a/a/b-c"},
		{"flat/a/b", "content/flat/a/b.md", "", "https://x.example/a-b"},
		{"cards/c", "content/cards/c.yml", "en: {title: Card}\nde: {title: Karte}\n", "https://x.example/card"},
		{"settings/a", "a.toml", "title = 'T L'\n", "https://x.example/f/t-l"},
		{"settings/b", "b.json", "{}", "https://x.example/s"},
	} {
		collection, slug, _ := SplitKey(test.key)
		if got := c.previewPage("https://x.example/", c.Collection(collection), slug, test.path, []byte(test.text)); got != test.want {
			t.Errorf("%s: %s, want %s", test.key, got, test.want)
		}
	}
}

func TestWhichCommitStatusIsThePreview(t *testing.T) {
	all := []host.CommitStatus{{Context: "ci"}, {Context: "Deploy"}, {Context: "a deploy"}, {Context: "netlify/deploy"}, {Context: "my preview"}}
	for context, want := range map[string]string{"": "a deploy", "my preview": "my preview", "deploy": "", "ci": "ci"} {
		if s, _ := pickStatus(all, context); s.Context != want {
			t.Errorf("%q: %q, want %q", context, s.Context, want)
		}
	}
}

func TestCheck(t *testing.T) {
	c := parse(t, `media_folder: m
collections:
  - {name: posts, folder: posts, fields: [{name: title}]}
  - {name: html, folder: html, extension: html, format: json-frontmatter, fields: [{name: title}]}
  - {name: custom, folder: custom, format: yaml-frontmatter, frontmatter_delimiter: ["~~~", "~~~"], fields: [{name: title}]}
  - {name: own, folder: own, extension: own, format: own, fields: [{name: title}]}
  - {name: data, files: [{name: y, file: d.yml, fields: [{name: a}]}, {name: t, file: d.toml, fields: [{name: a}]}, {name: j, file: d.json, fields: [{name: a}]}]}
`)
	for _, test := range []struct {
		path, text string
		good       bool
	}{
		{"posts/a.md", "---\ntitle: A\n---\nBody: [", true},
		{"posts/a.md", "---\r\ntitle: A\r\n---\r\n", true},
		{"posts/a.md", "\ufeff---\ntitle: A\n---\n", true},
		{"posts/a.md", "only a body", true},
		{"posts/a.md", "", true},
		{"posts/a.md", "---\n---\n", true},
		{"posts/a.md", "-----\nnot: front: matter\n", true},
		{"posts/a.md", "---\ntitle: A\ntitle: B\n---\n", false},
		{"posts/a.md", "---\ntitle: A: B\n---\n", false},
		{"posts/a.md", "---\ntitle: A\n\nbody without end: x: y", false},
		{"posts/a.md", "+++\ntitle = 'A'\n+++\n", true},
		{"posts/a.md", "+++\ntitle = 'A'\ntitle = 'B'\n+++\n", false},
		{"posts/a.md", "---toml\ntitle = 'A'\n---\n", true},
		{"posts/a.md", "---toml\ntitle: A\n---\n", false},
		{"posts/a.md", "{\n\"title\": \"A\"\n}\nBody", true},
		{"posts/a.md", "{\n\"title\": \"A\", \"title\": \"B\"\n}\nBody", false},
		{"html/a.html", "{\n\"title\": \"A\"\n}\n<p>", true},
		{"custom/a.md", "~~~\ntitle: A\n~~~\n", true},
		{"custom/a.md", "~~~\na: 1\na: 2\n~~~\n", false},
		{"own/a.own", "anything: at: all", true},
		{"d.yml", "a: 1\nb: [1, 2]\n", true},
		{"d.yml", "a: 1\na: 2\n", false},
		{"d.yml", "a:\n  - x\n - y\n", false},
		{"d.toml", "[a]\nx = 1\n", true},
		{"d.toml", "[a]\nx = 1\n[a]\n", false},
		{"d.json", "{\"a\": [1, {\"b\": 2}]}\n", true},
		{"d.json", "{\"a\": {\"b\": 1, \"b\": 2}}", false},
		{"d.json", "{\"a\": 1,}", false},
		{"d.json", "{} {}", false},
		{"d.json", "", false},
		{"elsewhere.json", "{", true},
	} {
		err := c.Check(test.path, []byte(test.text))
		if test.good && err != nil || !test.good && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s %q: %v", test.path, test.text, err)
		}
	}
}

func FuzzFrontMatter(f *testing.F) {
	for _, s := range []string{"---\na: 1\n---\nbody", "+++\na = 1\n+++\n", "{\n\"a\": 1\n}\n", "---json\n{}\n---\n", strings.Repeat("[", 300), "{\n" + strings.Repeat("[", 300)} {
		for _, format := range []string{"frontmatter", "yaml", "toml", "json", "toml-frontmatter"} {
			f.Add([]byte(s), format)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		x := &Collection{Format: format}
		text, notation, body := entryData(x, "a.md", data)
		if len(text) > len(data)+2 || len(body) > len(data) {
			t.Fatal("more came out than went in")
		}
		_ = checkData(text, notation)
		x.data("a.md", data)
	})
}

func TestMessages(t *testing.T) {
	c := parse(t, minimal)
	x := c.Collection("posts")
	at := messageFields{Collection: x, Slug: "a", Path: "content/posts/a.md", Caller: Caller{Name: "Ada", Email: "ada@example.org"}}
	var got []string
	for _, key := range []string{msgCreate, msgUpdate, msgDelete, msgUpload, msgDeleteMedia} {
		got = append(got, c.message(key, at))
	}
	want := []string{"Create Post “a”", "Update Post “a”", "Delete Post “a”", "Upload “content/posts/a.md”", "Delete “content/posts/a.md”"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c.Backend = Backend{SignoffCommits: true, CommitMessages: map[string]string{msgCreate: "{{author-login}} {{author-name}} {{nothing}}{{collection}}"}}
	if got, want := c.message(msgCreate, at), "ada@example.org Ada Post\n\nSigned-off-by: Ada <ada@example.org>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlyPicturesAreShownFromAnywhere(t *testing.T) {
	for p, want := range map[string]bool{"a.PNG": true, "x/a.svg": true, "a.md": false, "a": false, ".png": true, "a.png.exe": false} {
		if got := isPicture(p); got != want {
			t.Error(fmt.Sprint(p, got))
		}
	}
}
