package cms_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/host"
)

func TestADraftsWholeLife(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	e := with(fresh("posts", "new", "content/posts/new.md", text("New")), "static/uploads/x.png")
	e.Message = "Create Post “new”"
	saved := s.save(ada, e)
	if got := s.git("log", "-1", "--format=%an <%ae> %s", "cms/posts/new"); got != "Ada <ada@example.org> Create Post “new”" {
		t.Errorf("the commit is %q", got)
	}
	s.missing("main", "content/posts/new.md")
	d := s.draft("posts", "new")
	if d.Status != host.Draft || d.Author.Name != "Ada" || d.Commit != saved.Commit {
		t.Errorf("the draft is %+v", d)
	}
	if len(d.Diffs) != 2 || d.Diffs[0].Path != "content/posts/new.md" || !d.Diffs[0].New || d.Diffs[0].Binary || d.Diffs[0].Base != saved.Bases["content/posts/new.md"] ||
		d.Diffs[1].Path != "static/uploads/x.png" || !d.Diffs[1].Binary {
		t.Errorf("its differences are %+v", d.Diffs)
	}
	for _, to := range []host.Status{host.PendingReview, host.PendingPublish} {
		if err := s.SetStatus(ctx, ada, "posts", "new", to); err != nil {
			t.Fatal(err)
		}
		if got := s.draft("posts", "new").Status; got != to {
			t.Errorf("the status is %s, want %s", got, to)
		}
	}
	s.save(ada, with(noBase("posts", "new", "content/posts/new.md", text("Newer")), "static/uploads/x.png"))
	all, err := listed(s.Drafts(ctx, ada))
	if err != nil || len(all) != 1 || string(all[0].Diffs[0].Data) != text("Newer") || all[0].Status != host.PendingPublish {
		t.Errorf("drafts: %+v, %v", all, err)
	}
	s.publish(ada, "posts", "new")
	s.has("main", "content/posts/new.md", text("Newer"))
	if s.at("main", "static/uploads/x.png") == "" {
		t.Error("the picture was not published")
	}
	if _, err := s.Draft(ctx, ada, "posts", "new"); !fault.Is(err, fault.NotFound) {
		t.Errorf("after publishing: %v", err)
	}
	if got := s.branches(); !slices.Equal(got, []string{"main"}) {
		t.Errorf("branches: %v", got)
	}
}

func TestLabels(t *testing.T) {
	for name, test := range map[string]struct{ configured, client, want string }{
		"default":            {"", "", "decap-cms/draft"},
		"the client's":       {"", "netlify-cms/", "netlify-cms/draft"},
		"an unknown client":  {"", "evil/", "decap-cms/draft"},
		"the site's own":     {"blog/", "", "blog/draft"},
		"the site's is kept": {"blog/", "netlify-cms/", "blog/draft"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(f map[string]string) {
				if test.configured != "" {
					f["admin/config.yml"] = strings.Replace(siteConfig, "name: git-gateway", "name: git-gateway, cms_label_prefix: "+test.configured, 1)
				}
			})
			e := fresh("posts", "n", "content/posts/n.md", text("N"))
			e.LabelPrefix = test.client
			s.save(person("Ada"), e)
			all, err := s.host.ChangeRequests(t.Context(), host.Query{})
			if err != nil || len(all) != 1 || all[0].Label != test.want {
				t.Errorf("%+v, %v", all, err)
			}
		})
	}
}

func TestDraftsOfEveryClientAreRead(t *testing.T) {
	s := newSite(t)
	for i, prefix := range []string{"netlify-cms/", "sveltia-cms/", "decap-cms/", "other/"} {
		branch := "cms/posts/" + strings.TrimSuffix(prefix, "/")
		s.git("branch", branch, "main")
		s.push(branch, map[string]string{postA: text(prefix)})
		_, err := s.host.Open(t.Context(), host.NewChangeRequest{Title: "t", Head: branch, Base: "main", Status: host.PendingReview, LabelPrefix: prefix})
		if err != nil {
			t.Fatal(i, err)
		}
	}
	all, err := listed(s.Drafts(t.Context(), person("Ada")))
	var slugs []string
	for _, d := range all {
		slugs = append(slugs, d.Slug)
	}
	slices.Sort(slugs)
	if err != nil || !slices.Equal(slugs, []string{"decap-cms", "netlify-cms", "sveltia-cms"}) {
		t.Errorf("%v, %v", slugs, err)
	}
	if err := s.SetStatus(t.Context(), person("Ada"), "posts", "netlify-cms", host.Draft); err != nil {
		t.Fatal(err)
	}
	r, err := s.host.ChangeRequests(t.Context(), host.Query{Head: "cms/posts/netlify-cms"})
	if err != nil || r[0].Label != "netlify-cms/draft" {
		t.Errorf("the label's prefix was not kept: %+v, %v", r, err)
	}
}

// cms/pages/x and cms/pages/x/y cannot both be branches.
func TestSlugsThatClashAsBranches(t *testing.T) {
	for name, slugs := range map[string][]string{
		"the shorter first": {"x", "x/y"},
		"the longer first":  {"x/y", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			s, ctx, ada := newSite(t), t.Context(), person("Ada")
			for _, slug := range slugs {
				s.save(ada, fresh("pages", slug, "content/pages/"+slug+"/new.md", text(slug)))
			}
			for _, slug := range slugs {
				d := s.draft("pages", slug)
				if d.Slug != slug || len(d.Diffs) != 1 || d.Diffs[0].Path != "content/pages/"+slug+"/new.md" {
					t.Errorf("draft %s: %+v", slug, d)
				}
				s.save(ada, noBase("pages", slug, "content/pages/"+slug+"/new.md", text("again")))
				s.publish(ada, "pages", slug)
				s.has("main", "content/pages/"+slug+"/new.md", text("again"))
			}
			if _, err := s.Draft(ctx, ada, "pages", "x"); !fault.Is(err, fault.NotFound) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSlugsThatBranchesCannotHold(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	for _, slug := range []string{"über uns", "日本語", "a..b", "q?*[x]~^:", "100%", "50%25", "x.lock", "@{now}", "tail.", "emoji-🎉", "back\\slash"} {
		path := "content/posts/" + slug + ".md"
		if _, err := s.Save(t.Context(), ada, fresh("posts", slug, path, text("new"))); err != nil {
			if slug == "über uns" { // it is published already
				wantFault(t, err, fault.Conflict, path)
				s.open(ada, path)
				s.save(ada, noBase("posts", slug, path, text("new")))
			} else if !fault.Is(err, fault.Invalid) { // a path that the repository takes from nobody
				t.Errorf("%q: %v", slug, err)
				continue
			} else {
				continue
			}
		}
		if d := s.draft("posts", slug); d.Slug != slug {
			t.Errorf("%q came back as %q", slug, d.Slug)
		}
		s.publish(ada, "posts", slug)
		s.has("main", path, text("new"))
	}
}

func TestAPictureTakenOutOfADraftGoes(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	e := fresh("posts", "n", "content/posts/n.md", text("N"))
	s.save(ada, with(e, "static/uploads/keep.png", "static/uploads/gone.png"))
	e.New = false
	s.save(ada, with(e, "static/uploads/keep.png"))
	s.missing("cms/posts/n", "static/uploads/gone.png")
	if s.at("cms/posts/n", "static/uploads/keep.png") == "" {
		t.Error("the picture that the client still lists is gone")
	}
	s.has("cms/posts/n", "static/uploads/logo.png", "\x89PNG\x00logo")
}

// Decap deletes every binary file that differs from the site's branch, a
// published picture that a developer replaced on the draft's branch included.
func TestAPublishedPictureThatTheDraftChangesStays(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	e := fresh("posts", "n", "content/posts/n.md", text("N"))
	s.save(ada, e)
	s.push("cms/posts/n", map[string]string{"static/uploads/logo.png": "\x89PNG\x00new", "tools/added.bin": "\x00"})
	e.New = false
	e.Files[0].Data = []byte(text("N2"))
	s.save(ada, e)
	s.has("cms/posts/n", "static/uploads/logo.png", "\x89PNG\x00new")
	s.has("cms/posts/n", "tools/added.bin", "\x00")
	_, err := s.Publish(t.Context(), ada, "posts", "n")
	wantFault(t, err, fault.Forbidden, "tools/added.bin")
}

func TestARenamedEntryTakesItsDirectoryAlong(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	s.open(ada, "content/pages/x/index.md")
	e := noBase("pages", "x/index", "content/pages/x/index.md", text("Moved"))
	e.Files[0].NewPath = "content/pages/moved/index.md"
	s.save(ada, e)
	for path, want := range map[string]string{
		"content/pages/moved/index.md": text("Moved"), "content/pages/moved/p.png": "\x89PNG\x00p", "content/pages/moved/y/z.md": text("Z"),
		"content/pages/x/index.md": "", "content/pages/x/p.png": "", "content/pages/x/y/z.md": "", "content/pages/index.md": text("Home"),
	} {
		s.has("cms/pages/x/index", path, want)
	}
	d := s.draft("pages", "x/index")
	for _, diff := range d.Diffs {
		if diff.Removed || !strings.HasPrefix(diff.Path, "content/pages/moved/") {
			t.Errorf("the draft shows %+v", diff)
		}
	}
	if d.Diffs[0].Path != "content/pages/moved/index.md" {
		t.Errorf("the entry's file is %+v", d.Diffs[0])
	}
	// The client lists what it shows of the draft; a file that moved is none
	// of the draft's own, even when it does not.
	s.save(ada, noBase("pages", "x/index", "content/pages/moved/index.md", text("Moved twice")))
	s.has("cms/pages/x/index", "content/pages/moved/p.png", "\x89PNG\x00p")
	var asked []cms.Ask
	bob := person("Bob")
	bob.Allow = only(&asked, cms.Publish)
	if _, err := s.Publish(ctx, bob, "pages", "x/index"); err != nil {
		t.Fatalf("publishing a rename is no deletion: %v", err)
	}
	s.has("main", "content/pages/moved/index.md", text("Moved twice"))
	s.missing("main", "content/pages/x/y/z.md")
}

// A file that moved along and is no content was listed in the draft; the CMS
// asked for it, was refused, and never showed the entry.
func TestAFileThatMovedAlongIsNotShownInTheDraft(t *testing.T) {
	s, ada := newSite(t, func(f map[string]string) { f["content/pages/x/.order"] = "beside" }), person("Ada")
	e := noBase("pages", "x/index", "content/pages/x/index.md", text("Moved"))
	e.Files[0].NewPath = "content/pages/moved/index.md"
	s.save(ada, e)
	s.has("cms/pages/x/index", "content/pages/moved/.order", "beside")
	for _, diff := range s.draft("pages", "x/index").Diffs {
		if strings.HasSuffix(diff.Path, ".order") {
			t.Errorf("the draft shows %+v", diff)
		}
	}
}

func TestARenameWithoutSubfolders(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	e := noBase("pages", "x/index", "content/pages/x/index.md", text("Moved"))
	e.Files[0].NewPath, e.Subfolders = "content/pages/moved/index.md", false
	s.save(ada, direct(e))
	s.has("main", "content/pages/moved/index.md", text("Moved"))
	s.missing("main", "content/pages/x/index.md")
	s.has("main", "content/pages/x/y/z.md", text("Z"))
}

func TestARenamedHomePageLeavesItsFolder(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	e := noBase("pages", "index", "content/pages/index.md", text("Home"))
	e.Files[0].NewPath = "content/pages/home/index.md"
	s.save(ada, direct(e))
	s.has("main", "content/pages/home/index.md", text("Home"))
	s.has("main", "content/pages/x/index.md", text("X"))
}

func TestARenameIntoItsOwnFolder(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	e := noBase("pages", "x/index", "content/pages/x/index.md", text("X"))
	e.Files[0].NewPath = "content/pages/x/y/index.md"
	s.save(ada, direct(e))
	s.has("main", "content/pages/x/y/index.md", text("X"))
	s.has("main", "content/pages/x/y/y/z.md", text("Z"))
	s.missing("main", "content/pages/x/y/z.md")
}

func TestARenameOntoAnotherEntryIsRefused(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	e := noBase("posts", "a", postA, text("A"))
	e.Files[0].NewPath = postB
	_, err := s.Save(t.Context(), ada, direct(e))
	wantFault(t, err, fault.Conflict, postB)
	s.has("main", postB, text("B"))
}

func TestTranslations(t *testing.T) {
	for _, test := range []struct {
		collection, slug string
		paths            []string
	}{
		{"notes", "n", []string{"content/notes/n.en.md", "content/notes/n.de.md"}},
		{"guides", "g", []string{"content/guides/en/g.md", "content/guides/de/g.md"}},
		{"cards", "c", []string{"content/cards/c.yml"}},
	} {
		t.Run(test.collection, func(t *testing.T) {
			s, ctx, ada := newSite(t), t.Context(), person("Ada")
			var asked []cms.Ask
			ada.Allow = only(&asked, cms.Edit, cms.Submit, cms.Publish, cms.Delete)
			e := cms.SaveEntry{Collection: test.collection, Workflow: true}
			for _, p := range test.paths {
				s.open(ada, p)
				e.Files = append(e.Files, cms.DataFile{Path: p, Slug: test.slug, Data: []byte("title: " + p + "\n")})
			}
			s.save(ada, e)
			if got := s.git("rev-list", "--count", "main..cms/"+test.collection+"/"+test.slug); got != "1" {
				t.Errorf("%s commits for one save", got)
			}
			if d := s.draft(test.collection, test.slug); len(d.Diffs) != len(test.paths) {
				t.Errorf("differences: %+v", d.Diffs)
			}
			other, err := s.DraftFile(ctx, ada, test.collection, test.slug, test.paths[len(test.paths)-1])
			if err != nil || other.ID == "" {
				t.Errorf("the other language: %+v, %v", other, err)
			}
			s.publish(ada, test.collection, test.slug)
			for _, p := range test.paths {
				s.has("main", p, "title: "+p+"\n")
			}
			if err := s.Delete(ctx, ada, test.paths, ""); err != nil {
				t.Fatal(err)
			}
			for _, p := range test.paths {
				s.missing("main", p)
			}
		})
	}
}

func TestDiscard(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	s.save(ada, fresh("posts", "n", "content/posts/n.md", text("N")))
	if err := s.Discard(ctx, ada, "posts", "n"); err != nil {
		t.Fatal(err)
	}
	if got := s.branches(); !slices.Equal(got, []string{"main"}) {
		t.Errorf("branches: %v", got)
	}
	wantFault(t, s.Discard(ctx, ada, "posts", "n"), fault.NotFound)
	s.save(ada, fresh("posts", "n", "content/posts/n.md", text("N again")))
	s.has("cms/posts/n", "content/posts/n.md", text("N again"))
}

// The process died after the branch was made and before its change request.
func TestABranchWithoutAChangeRequestIsTakenOver(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.git("branch", "cms/posts/n", "main")
	s.push("cms/posts/n", map[string]string{"content/posts/n.md": text("lost answer")})
	if all, err := listed(s.Drafts(t.Context(), ada)); err != nil || len(all) != 0 {
		t.Errorf("a branch alone is a draft: %v, %v", all, err)
	}
	s.save(ada, fresh("posts", "n", "content/posts/n.md", text("second try")))
	s.has("cms/posts/n", "content/posts/n.md", text("second try"))
	if d := s.draft("posts", "n"); len(d.Diffs) != 1 {
		t.Errorf("the draft: %+v", d)
	}
}

// The process died after the change request was closed and before its branch
// was deleted: what was discarded must not come back with the next draft.
func TestABranchLeftByADiscardDoesNotComeBack(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	s.save(ada, with(fresh("posts", "n", "content/posts/n.md", text("old")), "static/uploads/old.png"))
	if err := s.host.Close(ctx, s.draft("posts", "n").Number); err != nil {
		t.Fatal(err)
	}
	s.save(ada, fresh("posts", "n", "content/posts/n.md", text("new")))
	s.missing("cms/posts/n", "static/uploads/old.png")
	s.has("cms/posts/n", "content/posts/n.md", text("new"))
}

func TestAnUnchangedSaveIsAcknowledged(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.open(ada, postB)
	head := s.git("rev-parse", "main")
	s.save(ada, direct(noBase("posts", "b", postB, text("B"))))
	if now := s.git("rev-parse", "main"); now != head {
		t.Error("a commit was made for nothing")
	}
	s.save(ada, noBase("posts", "b", postB, text("B")))
	first := s.git("rev-parse", "cms/posts/b")
	s.save(ada, noBase("posts", "b", postB, text("B")))
	if now := s.git("rev-parse", "cms/posts/b"); now != first {
		t.Error("a commit was made on the draft for nothing")
	}
	s.publish(ada, "posts", "b")
	s.has("main", postB, text("B"))
}

func TestByteOrderMarksOfOldClientsAreTakenOut(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.save(ada, fresh("posts", "n", "content/posts/n.md", "\ufeff---\ntitle: N\n---\n\nH\ufeffello\n"))
	s.has("cms/posts/n", "content/posts/n.md", "---\ntitle: N\n---\n\nHello\n")
	s.save(ada, noBase("posts", "n", "content/posts/n.md", "---\ntitle: N\n---\n\nH\ufeffello again\n"))
	s.has("cms/posts/n", "content/posts/n.md", "---\ntitle: N\n---\n\nHello again\n")
}

func TestSquash(t *testing.T) {
	for setting, want := range map[string]string{"true": "1", "false": "2"} {
		s := newSite(t, func(f map[string]string) {
			f["admin/config.yml"] = strings.Replace(siteConfig, "name: git-gateway", "name: git-gateway, squash_merges: "+setting, 1)
		})
		s.save(person("Ada"), fresh("posts", "n", "content/posts/n.md", text("N")))
		s.publish(person("Bob"), "posts", "n")
		if got := s.git("log", "-1", "--format=%P", "main"); len(strings.Fields(got)) != map[string]int{"1": 1, "2": 2}[want] {
			t.Errorf("squash_merges %s: parents %s", setting, got)
		}
		if got := s.git("log", "-1", "--format=%an", "main"); got != "Bob" {
			t.Errorf("published by %s", got)
		}
	}
}

func TestPreview(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	e := noBase("posts", "a", postA, "---\ntitle: A\ndate: 2026-03-04\n---\n")
	s.save(ada, e)
	if p, err := s.Preview(ctx, ada, "posts", "a"); p != nil || err != nil {
		t.Errorf("without an address: %+v, %v", p, err)
	}
	s.PreviewURL = "https://{branch}.preview.example/{collection}/{slug}"
	p, err := s.Preview(ctx, ada, "posts", "a")
	want := cms.Preview{URL: "https://cms/posts/a.preview.example/posts/a", Page: "https://cms/posts/a.preview.example/posts/a/blog/2026/a", Ready: true}
	if err != nil || p == nil || *p != want {
		t.Errorf("got %+v, %v, want %+v", p, err, want)
	}
}

// Two first saves of one entry, and of several, at the same moment.
func TestDraftsThatBeginAtOnce(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			slug := fmt.Sprint("n", i/2) // each twice
			c := person(fmt.Sprint("P", i))
			_, errs[i] = s.Save(t.Context(), c, fresh("posts", slug, "content/posts/"+slug+".md", text(c.Name)))
		})
	}
	wg.Wait()
	for i := 0; i < len(errs); i += 2 {
		won, lost := errs[i], errs[i+1]
		if won != nil {
			won, lost = lost, won
		}
		if won != nil {
			t.Error(won)
		}
		wantFault(t, lost, fault.Conflict)
	}
	if all, err := listed(s.Drafts(t.Context(), person("Ada"))); err != nil || len(all) != 4 {
		t.Errorf("%d drafts, %v", len(all), err)
	}
}

// A directory that moves takes no config.yml along.
func TestConfigStaysWhereItIs(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.push("main", map[string]string{"content/pages/x/config.yml": siteConfig})
	s.ConfigPath = "content/pages/x/config.yml"
	e := noBase("pages", "x/index", "content/pages/x/index.md", text("Moved"))
	e.Files[0].NewPath = "content/pages/moved/index.md"
	s.save(ada, direct(e))
	s.has("main", "content/pages/x/config.yml", siteConfig)
	s.has("main", "content/pages/moved/y/z.md", text("Z"))
}

// The client unpublishes by deleting the entry and saving it as a draft.
func TestUnpublish(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	entry := s.open(ada, postA)
	if err := s.Delete(ctx, ada, []string{postA}, ""); err != nil {
		t.Fatal(err)
	}
	e := noBase("posts", "a", postA, string(entry.Data))
	e.Status = host.PendingPublish
	s.save(ada, e)
	if d := s.draft("posts", "a"); d.Status != host.PendingPublish || !d.Diffs[0].New {
		t.Errorf("the draft: %+v", d)
	}
	s.missing("main", postA)
	s.publish(ada, "posts", "a")
	s.has("main", postA, string(entry.Data))
	s.open(ada, postA)
	s.save(ada, direct(noBase("posts", "a", postA, text("A again"))))
}
