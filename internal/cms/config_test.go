package cms

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse/internal/fault"
)

func TestParse(t *testing.T) {
	c := parse(t, string(read(t, "full.yml")))
	if !c.Workflow || c.MediaFolder != "static/uploads" || c.SiteURL != "https://example.org" || !c.ShowPreviewLinks {
		t.Errorf("the site: %+v", c)
	}
	if want := (SlugRules{CleanAccents: true, Replacement: "-"}); c.Slug != want {
		t.Errorf("slugs: %+v", c.Slug)
	}
	if want := (Backend{Name: "git-gateway", Branch: "main", SquashMerges: true, CommitMessages: map[string]string{"create": "Neu: {{slug}}"}}); !cmp.Equal(c.Backend, want) {
		t.Errorf("backend: %+v", c.Backend)
	}
	empty := ""
	slug := "{{slug}}"
	posts := Collection{
		Name: "posts", Label: "Posts", Folder: "content/posts", Extension: "md", Create: true, Delete: true, Publish: true,
		Slug: "{{slug}}", Path: "{{year}}/{{slug}}",
		I18n: &I18n{Structure: MultipleFolders, Locales: []string{"en", "de", "fr"}, Default: "en"},
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(Collection{}), cmpopts.IgnoreFields(Collection{}, "Fields")}
	if diff := cmp.Diff(&posts, c.Collection("posts"), ignore); diff != "" {
		t.Error(diff)
	}
	if f := c.Collection("posts").Fields[3]; f.Name != "cover" || f.Widget != "image" || f.Media.Media == nil || *f.Media.Media != slug {
		t.Errorf("cover: %+v", f)
	}
	pages := c.Collection("pages")
	if !cmp.Equal(pages.Nested, &Nested{Depth: 100, Subfolders: true}) || pages.IndexFile != "index" || *pages.Media.Media != empty {
		t.Errorf("pages: %+v", pages)
	}
	settings := c.Collection("settings")
	if want := (&I18n{Structure: SingleFile, Locales: []string{"de", "en"}, Default: "de"}); !cmp.Equal(settings.I18n, want) || !cmp.Equal(settings.File("general").I18n, want) || settings.File("nav").I18n != nil {
		t.Errorf("settings: %+v", settings.I18n)
	}
	if settings.IsFolder() || settings.Delete || settings.File("general").Path != "data/general.json" {
		t.Errorf("settings: %+v", settings)
	}
	if c.Collection("none") != nil || settings.File("none") != nil {
		t.Error("there is something that is not there")
	}
}

// Every problem is named at once, with its line and what to write instead.
func TestProblemsOfAConfig(t *testing.T) {
	_, err := Parse(read(t, "broken.yml"))
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v", err)
	}
	got := fault.Message(err) + "\n"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile("testdata/broken.txt", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, "broken.txt")), got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'z'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+p+",", 9) + "*" + p + "]\n"
	}
	for name, test := range map[string]struct{ text, want string }{
		"an alias bomb":     {bomb, "aliases counted"},
		"a huge file":       {strings.Repeat("#", maxYAMLBytes+1), "the limit is"},
		"a deep file":       {"a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "levels deep"},
		"nothing":           {"", "must be a map"},
		"a list":            {"- a\n", "must be a map"},
		"two documents":     {minimal + "---\na: 1\n", "several documents"},
		"no YAML":           {"a: b: c\n", "line 1: this is not YAML"},
		"a key twice":       {"media_folder: a\nmedia_folder: b\n", `line 2: the key "media_folder" stands here twice`},
		"an alias of self":  {"a: &a\n  b: *a\n", "contains itself"},
		"a key that is one": {"? [a, b]\n: c\n", "a key must be plain text"},
		"a merge of text":   {"<<: text\n", "<<: takes a map"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), test.want) {
				t.Errorf("got %.300v, want %s", err, test.want)
			}
		})
	}
}

func TestMergeKeysAndAnchors(t *testing.T) {
	c := parse(t, `media_folder: m
base: &base {folder: content/base, create: true, extension: json, fields: &fields [{name: title}]}
more: &more {extension: yml, publish: false}
collections:
  - {name: a, <<: *base}
  - {name: b, <<: [*more, *base], folder: content/b}
  - {<<: *base, create: false, name: c}
`)
	for name, want := range map[string]string{"a": "content/base json true true", "b": "content/b yml true false", "c": "content/base json false true"} {
		x := c.Collection(name)
		got := strings.Join([]string{x.Folder, x.Extension, plainText(x.Create), plainText(x.Publish)}, " ")
		if got != want || len(x.Fields) != 1 {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"full.yml", "small.yml", "broken.yml"} {
		f.Add(read(f, name))
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("<<: {a: 1}\ncollections: [{name: x, folder: '/', extension: '.x', fields: [{name: a, field: {name: b}}]}]\nmedia_folder: ''\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("not Invalid: %v", err)
			}
			return
		}
		for _, generation := range []string{Generation2, Generation3} {
			if _, err := c.Document(generation); err != nil && !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
		}
		for _, p := range []string{"content/posts/a.md", "a", "", "x/../y", "content/posts/de/a.de.md"} {
			if at, ok := c.Owner(p); ok && at.Collection == nil {
				t.Fatal("an owner without a collection")
			}
			c.isMedia(p)
			_ = c.Check(p, data)
		}
	})
}
