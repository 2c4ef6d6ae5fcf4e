package cms_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
)

// elsewhere moves the site's config.yml, with one text in it replaced.
func elsewhere(to, old, now string) func(map[string]string) {
	return func(files map[string]string) {
		files["admin/config.yml"] = ""
		files[to] = strings.Replace(siteConfig, old, now, 1)
	}
}

// Where several places may hold the config.yml, the first one counts. An upload
// to a place before the present one took the rules over.
func TestAnUploadDoesNotBecomeTheConfig(t *testing.T) {
	s := newSite(t, elsewhere("public/admin/config.yml", "media_folder: static/uploads", "media_folder: static"))
	_, err := s.SaveMedia(t.Context(), person("Eve"), cms.Asset{Path: "static/admin/config.yml", Data: []byte(siteConfig)}, "")
	wantFault(t, err, fault.Forbidden, "static/admin/config.yml")
	_, err = s.Save(t.Context(), person("Eve"), with(fresh("posts", "n", "content/posts/n.md", text("N")), "static/admin/config.yml"))
	wantFault(t, err, fault.Forbidden, "static/admin/config.yml")
}

// A listed file that moved took its whole directory along, content or not.
func TestAListedFileMovesAlone(t *testing.T) {
	s := newSite(t, elsewhere("admin/config.yml", "file: data/nav.yml", "file: layouts/nav.json"))
	e := noBase("settings", "general", "data/general.json", "{}\n")
	e.Files[0].NewPath = "layouts/nav.json"
	s.save(person("Eve"), direct(e))
	s.has("main", "data/nav.yml", "items: []\n")
	s.missing("main", "layouts/nav.yml")
}

// A collection over the whole repository made entries of what its host runs.
func TestAHiddenFileIsNoEntry(t *testing.T) {
	s := newSite(t, elsewhere("admin/config.yml", "folder: content/cards", "folder: /\n    nested: {depth: 9}"))
	path := ".github/workflows/run.yml"
	for _, workflow := range []bool{true, false} {
		e := fresh("cards", "n", path, "on: push\n")
		e.Workflow = workflow
		_, err := s.Save(t.Context(), person("Eve"), e)
		wantFault(t, err, fault.Forbidden, path)
	}
	s.push("main", map[string]string{path: "on: push\n"})
	wantFault(t, s.Delete(t.Context(), person("Eve"), []string{path}, ""), fault.Forbidden, path)
}

// A draft whose label the site does not know any more is not shown. Its branch
// was taken for one that a crash had left, and written to by anybody.
func TestADraftThatIsNotShownIsNotTakenOver(t *testing.T) {
	prefixed := strings.Replace(siteConfig, "name: git-gateway", "name: git-gateway, cms_label_prefix: ours/", 1)
	s := newSite(t, func(files map[string]string) { files["admin/config.yml"] = prefixed })
	s.save(person("Ada"), fresh("posts", "n", "content/posts/n.md", text("Ada's")))
	s.push("main", map[string]string{"admin/config.yml": siteConfig})
	_, err := s.Save(t.Context(), person("Eve"), fresh("posts", "n", "content/posts/n.md", text("Eve's")))
	wantFault(t, err, fault.Conflict)
	s.has("cms/posts/n", "content/posts/n.md", text("Ada's"))
}

// Fields in fields that each name the folder above twice stood for a text of
// any length.
func TestFoldersThatNameTheFolderAboveStayShort(t *testing.T) {
	field := "{name: a}"
	for range 40 {
		field = `{name: a, media_folder: "{{media_folder}}{{media_folder}}", fields: [` + field + "]}"
	}
	config := strings.Replace(siteConfig, "fields: [{name: title}, {name: date", "fields: ["+field+", {name: date", 1)
	if config == siteConfig {
		t.Fatal("the config has changed")
	}
	if _, err := cms.Parse([]byte(config)); err != nil && !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// One long text that is referred to over and over stood for a document of any
// length.
func TestATextThatIsReferredToCountsEachTime(t *testing.T) {
	config := siteConfig + "long: &long " + strings.Repeat("x", 1<<20) + "\nmany: [" + strings.Repeat("*long,", 100_000) + "]\n"
	if _, err := cms.Parse([]byte(config)); !fault.Is(err, fault.Invalid) {
		t.Errorf("parsed: %v", err)
	}
}

// Where the history is broken, only who changed an entry last is unknown.
func TestABrokenHistoryHidesNoEntries(t *testing.T) {
	s := newSite(t)
	first := s.git("rev-parse", "main")
	s.push("main", map[string]string{"content/posts/n.md": text("N")})
	if err := os.Remove(filepath.Join(s.dir, "objects", first[:2], first[2:])); err != nil {
		t.Fatal(err)
	}
	all, err := listed(s.Entries(t.Context(), person("Ada"), "content/posts", "md", 1))
	if err != nil || len(all) != 4 {
		t.Errorf("%d entries, %v", len(all), err)
	}
}

// The board held all texts of all drafts at once, however long they were.
func TestTheBoardHasNoLongTexts(t *testing.T) {
	s := newSite(t)
	long := text(strings.Repeat("long ", 1<<20))
	s.save(person("Eve"), fresh("posts", "long", "content/posts/long.md", long))
	s.save(person("Ada"), fresh("posts", "short", "content/posts/short.md", text("Short")))
	all, err := listed(s.Drafts(t.Context(), person("Ada")))
	if err != nil || len(all) != 2 {
		t.Fatal(len(all), err)
	}
	for _, d := range all {
		if got := string(d.Diffs[0].Data); d.Slug == "short" && got != text("Short") || d.Slug == "long" && got != "" {
			t.Errorf("%s has %d bytes", d.Slug, len(got))
		}
	}
	e, err := s.DraftFile(t.Context(), person("Ada"), "posts", "long", "content/posts/long.md")
	if err != nil || string(e.Data) != long {
		t.Errorf("opened, it has %d bytes: %v", len(e.Data), err)
	}
}
