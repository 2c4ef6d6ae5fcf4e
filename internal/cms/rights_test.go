package cms_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

func TestPathsThatAreNotTheCollectionsAreRefused(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	before := s.git("rev-parse", "main")
	for _, test := range []struct{ collection, path, newPath, asset string }{
		{collection: "posts", path: "admin/config.yml"},
		{collection: "posts", path: "README.md"},
		{collection: "posts", path: "layouts/index.html"},
		{collection: "posts", path: "content/posts/n.html"},
		{collection: "posts", path: "content/posts/deep/n.md"},
		{collection: "posts", path: "content/postsx/n.md"},
		{collection: "posts", path: "content/pages/n.md"},
		{collection: "posts", path: "content/posts/.md"},
		{collection: "posts", path: "content/posts"},
		{collection: "posts", path: postA, newPath: "layouts/a.md"},
		{collection: "posts", path: postA, newPath: "content/pages/a.md"},
		{collection: "settings", path: "data/other.json"},
		{collection: "guides", path: "content/guides/fr/g.md"},
		{collection: "posts", path: "content/posts/n.md", asset: "layouts/x.png"},
		{collection: "posts", path: "content/posts/n.md", asset: "admin/config.yml"},
		{collection: "posts", path: "content/posts/n.md", asset: "content/posts/b.md"},
		{collection: "posts", path: "content/posts/n.md", asset: "static/uploads/.htaccess"},
		{collection: "posts", path: "content/posts/n.md", asset: "static/uploads"},
		{collection: "posts", path: "content/posts/n.md", asset: "content/pages/x/n.png"},
	} {
		e := fresh(test.collection, "n", test.path, text("N"))
		e.Files[0].NewPath = test.newPath
		want := test.path
		if test.newPath != "" {
			want = test.newPath
		}
		if test.asset != "" {
			e, want = with(e, test.asset), test.asset
		}
		for _, workflow := range []bool{true, false} {
			e.Workflow = workflow
			_, err := s.Save(t.Context(), ada, e)
			wantFault(t, err, fault.Forbidden, want)
		}
	}
	for _, path := range []string{"content/posts/../../layouts/x.md", ".git/config", "content/posts/.git/x.md", "content/posts//x.md"} {
		_, err := s.Save(t.Context(), ada, fresh("posts", "n", path, text("N")))
		if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if s.git("rev-parse", "main") != before || len(s.branches()) != 1 {
		t.Error("something was written")
	}
}

func TestMediaBesideANestedEntry(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.save(ada, with(noBase("pages", "x/index", "content/pages/x/index.md", text("X")), "content/pages/x/new.png"))
	if s.at("cms/pages/x/index", "content/pages/x/new.png") == "" {
		t.Error("the picture is missing")
	}
}

func TestWhatIsAskedOfTheRights(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	ada, bob := person("Ada"), person("Bob")
	var asked []cms.Ask
	bob.Allow = only(&asked, cms.Create, cms.Edit, cms.Submit, cms.Delete, cms.Media, cms.Publish)
	s.save(ada, fresh("posts", "n", "content/posts/n.md", text("N")))
	owner := host.Person{Name: "Ada", Email: "ada@example.org"}
	steps := []struct {
		name string
		do   func() error
		want []cms.Ask
	}{
		{"edit another's draft", func() error {
			id := s.draft("posts", "n").Diffs[0].Base
			e := noBase("posts", "n", "content/posts/n.md", text("N2"))
			e.Files[0].Base = &id
			_, err := s.Save(ctx, bob, e)
			return err
		}, []cms.Ask{{Action: cms.Edit, Collection: "posts", Slug: "n", Draft: true, DraftAuthor: owner}}},
		{
			"status", func() error { return s.SetStatus(ctx, bob, "posts", "n", host.PendingPublish) },
			[]cms.Ask{{Action: cms.Submit, Collection: "posts", Slug: "n", Draft: true, DraftAuthor: owner}},
		},
		{
			"publish", func() error { _, err := s.Publish(ctx, bob, "posts", "n"); return err },
			[]cms.Ask{{Action: cms.Publish, Collection: "posts", Slug: "n", Draft: true, DraftAuthor: owner}},
		},
		{
			"new draft of a published entry", func() error { _, err := s.Save(ctx, bob, noBase("posts", "a", postA, text("A2"))); return err },
			[]cms.Ask{{Action: cms.Edit, Collection: "posts", Slug: "a", Draft: true}},
		},
		{"new draft", func() error {
			_, err := s.Save(ctx, bob, fresh("posts", "m", "content/posts/m.md", text("M")))
			return err
		}, []cms.Ask{{Action: cms.Create, Collection: "posts", Slug: "m", Draft: true}}},
		{
			"without workflow", func() error { _, err := s.Save(ctx, bob, direct(noBase("posts", "b", postB, text("B2")))); return err },
			[]cms.Ask{{Action: cms.Edit, Collection: "posts", Slug: "b"}, {Action: cms.Publish, Collection: "posts", Slug: "b"}},
		},
		{
			"delete", func() error { return s.Delete(ctx, bob, []string{postB, "static/uploads/logo.png"}, "") },
			[]cms.Ask{{Action: cms.Delete, Collection: "posts", Slug: "b"}, {Action: cms.Media}},
		},
		{"upload", func() error {
			_, err := s.SaveMedia(ctx, bob, cms.Asset{Path: "static/uploads/u.png", Data: []byte("u")}, "")
			return err
		}, []cms.Ask{{Action: cms.Media}}},
		{
			"discard", func() error { return s.Discard(ctx, bob, "posts", "m") },
			[]cms.Ask{{Action: cms.Submit, Collection: "posts", Slug: "m", Draft: true, DraftAuthor: host.Person{Name: "Bob", Email: "bob@example.org"}}},
		},
	}
	for _, step := range steps {
		asked = nil
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		for _, want := range step.want {
			if !slices.Contains(asked, want) {
				t.Errorf("%s: %+v was not asked, but %+v", step.name, want, asked)
			}
		}
		for _, a := range asked {
			if !slices.Contains(step.want, a) {
				t.Errorf("%s: %+v was asked for nothing", step.name, a)
			}
		}
	}
}

func TestWhatIsNotAllowedChangesNothing(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	s.save(ada, fresh("posts", "n", "content/posts/n.md", text("N")))
	before := s.git("for-each-ref")
	eve := person("Eve")
	var asked []cms.Ask
	eve.Allow = only(&asked)
	_, save := s.Save(ctx, eve, noBase("posts", "n", "content/posts/n.md", text("E")))
	_, fresh := s.Save(ctx, eve, fresh("posts", "m", "content/posts/m.md", text("E")))
	_, simple := s.Save(ctx, eve, direct(noBase("posts", "a", postA, text("E"))))
	_, publish := s.Publish(ctx, eve, "posts", "n")
	_, upload := s.SaveMedia(ctx, eve, cms.Asset{Path: "static/uploads/u.png"}, "")
	for i, err := range []error{
		save, fresh, simple, publish, upload, s.Discard(ctx, eve, "posts", "n"),
		s.SetStatus(ctx, eve, "posts", "n", host.PendingPublish), s.Delete(ctx, eve, []string{postA}, ""),
	} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if after := s.git("for-each-ref"); after != before {
		t.Errorf("refs were\n%s\nand are\n%s", before, after)
	}
}

func TestWhatTheCollectionDoesNotPermit(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	_, create := s.Save(ctx, ada, fresh("fixed", "n", "content/fixed/n.md", text("N")))
	_, other := s.Save(ctx, ada, fresh("fixed", "f", "content/fixed/n.md", text("N")))
	_, simple := s.Save(ctx, ada, direct(noBase("fixed", "f", "content/fixed/f.md", text("F2"))))
	s.save(ada, noBase("fixed", "f", "content/fixed/f.md", text("F2")))
	_, publish := s.Publish(ctx, ada, "fixed", "f")
	for i, err := range []error{create, other, simple, publish, s.Delete(ctx, ada, []string{"content/fixed/f.md"}, ""), s.Delete(ctx, ada, []string{"data/nav.yml"}, "")} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// A draft named in one collection and pushed by Git with a file of another.
func TestADraftThatReachesIntoAnotherCollection(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	s.save(ada, fresh("posts", "n", "content/posts/n.md", text("N")))
	s.push("cms/posts/n", map[string]string{"content/fixed/f.md": text("not by this way")})
	_, err := s.Publish(ctx, ada, "posts", "n")
	wantFault(t, err, fault.Forbidden, "content/fixed/f.md")
	s.save(ada, fresh("posts", "m", "content/posts/m.md", text("M")))
	s.push("cms/posts/m", map[string]string{"admin/config.yml": siteConfig + "# changed\n"})
	_, err = s.Publish(ctx, ada, "posts", "m")
	wantFault(t, err, fault.Forbidden, "admin/config.yml")
	s.save(ada, fresh("posts", "k", "content/posts/k.md", text("K")))
	s.push("cms/posts/k", map[string]string{postA: "", postB: ""})
	bob := person("Bob")
	var asked []cms.Ask
	bob.Allow = only(&asked, cms.Publish)
	_, err = s.Publish(ctx, bob, "posts", "k")
	wantFault(t, err, fault.Forbidden)
	if !slices.ContainsFunc(asked, func(a cms.Ask) bool { return a.Action == cms.Delete }) {
		t.Errorf("deleting was not asked: %+v", asked)
	}
}

func TestOnlyContentIsRead(t *testing.T) {
	s, ctx, ada := newSite(t), t.Context(), person("Ada")
	for _, path := range []string{"README.md", "layouts/index.html", "admin/config.yml", "../x", ""} {
		_, err := s.Entry(ctx, ada, path)
		wantFault(t, err, fault.Forbidden, path)
		_, err = s.MediaFile(ctx, ada, path)
		wantFault(t, err, fault.Forbidden, path)
	}
	all, err := listed(s.Entries(ctx, ada, "", "", 10))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if !strings.HasPrefix(e.Path, "content/") && !strings.HasPrefix(e.Path, "data/") {
			t.Errorf("listed: %s", e.Path)
		}
	}
	id := func(rev string) git.ID { return git.ID(s.git("rev-parse", rev)) }
	s.save(ada, with(fresh("posts", "n", "content/posts/n.md", text("N")), "static/uploads/d.png"))
	s.push("cms/posts/n", map[string]string{"secret.txt": "s"})
	for rev, want := range map[string]bool{
		"main:" + postA: true, "main:static/uploads/logo.png": true, "main:static/favicon.ico": true,
		"cms/posts/n:static/uploads/d.png": true, "cms/posts/n:content/posts/n.md": true,
		"main:README.md": false, "main:layouts/index.html": false, "cms/posts/n:secret.txt": false, "main": false, "main:content": false,
	} {
		r, size, err := s.Blob(ctx, ada, id(rev))
		if !want {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", rev, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", rev, err)
			continue
		}
		data, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || int64(len(data)) != size {
			t.Errorf("%s: %d bytes of %d, %v", rev, len(data), size, err)
		}
	}
}
