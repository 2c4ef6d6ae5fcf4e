package cms_test

import (
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/store"
)

const aText = "---\ntitle: A\ndate: 2026-03-04T05:06:07Z\n---\n\nOne.\n\nTwo.\n\nThree.\n"

func edited(old, new string) string { return strings.Replace(aText, old, new, 1) }

// Decap writes a draft anew on the site's branch, whole files at a time: what
// was published in the same file meanwhile is gone without notice.
func TestLostUpdateByRebasingADraft(t *testing.T) {
	s, ada, bob := newSite(t), person("Ada"), person("Bob")
	s.open(ada, postA)
	s.save(ada, noBase("posts", "a", postA, edited("One.", "One, by Ada.")))
	s.open(bob, postA)
	s.save(bob, direct(noBase("posts", "a", postA, edited("Three.", "Three, by Bob."))))
	s.save(ada, noBase("posts", "a", postA, edited("One.", "One, by Ada again.")))
	s.has("main", postA, edited("Three.", "Three, by Bob."))
	s.publish(ada, "posts", "a")
	s.has("main", postA, strings.Replace(edited("One.", "One, by Ada again."), "Three.", "Three, by Bob.", 1))
}

// Decap publishes by force when the host cannot merge, and overwrites newer
// content of the same file.
func TestLostUpdateByForcedPublish(t *testing.T) {
	s, ada, bob := newSite(t), person("Ada"), person("Bob")
	s.save(ada, noBase("posts", "a", postA, edited("Two.", "Two, by Ada.")))
	s.open(bob, postA)
	s.save(bob, direct(noBase("posts", "a", postA, edited("Two.", "Two, by Bob."))))
	_, err := s.Publish(t.Context(), ada, "posts", "a")
	wantFault(t, err, fault.Conflict, postA)
	s.has("main", postA, edited("Two.", "Two, by Bob."))
	s.has("cms/posts/a", postA, edited("Two.", "Two, by Ada."))
}

func TestLostUpdateByTwoEditorsOfOneEntry(t *testing.T) {
	for name, workflow := range map[string]bool{"published": false, "as a draft": true} {
		t.Run(name, func(t *testing.T) {
			s, ada, bob := newSite(t), person("Ada"), person("Bob")
			s.open(ada, postA)
			s.open(bob, postA)
			mine := func(text string) cms.SaveEntry {
				e := noBase("posts", "a", postA, text)
				e.Workflow = workflow
				return e
			}
			s.save(ada, mine(edited("One.", "Ada.")))
			_, err := s.Save(t.Context(), bob, mine(edited("Three.", "Bob.")))
			wantFault(t, err, fault.Conflict, postA)
			_, err = s.Save(t.Context(), bob, mine(edited("Three.", "Bob.")))
			wantFault(t, err, fault.Conflict, postA)
			if workflow {
				if _, err := s.DraftFile(t.Context(), bob, "posts", "a", postA); err != nil {
					t.Fatal(err)
				}
			} else {
				s.open(bob, postA)
			}
			s.save(bob, mine(strings.Replace(edited("One.", "Ada."), "Three.", "Bob.", 1)))
		})
	}
}

func TestLostUpdateByAClientThatNamesItsBase(t *testing.T) {
	s, ada, bob := newSite(t), person("Ada"), person("Bob")
	base := s.open(ada, postA).ID
	e := direct(noBase("posts", "a", postA, edited("One.", "Ada.")))
	e.Files[0].Base = &base
	saved := s.save(bob, e)
	e.Files[0].Data = []byte(edited("Two.", "Ada."))
	_, err := s.Save(t.Context(), ada, e)
	wantFault(t, err, fault.Conflict, postA)
	next := saved.Bases[postA]
	e.Files[0].Base = &next
	s.save(bob, e)
	s.has("main", postA, edited("Two.", "Ada."))
}

// What one listing showed is not what the editor holds: only opening counts.
func TestAListingIsNotAnOpening(t *testing.T) {
	s, ctx, ada, bob := newSite(t), t.Context(), person("Ada"), person("Bob")
	s.open(ada, postA)
	s.save(bob, direct(noBase("posts", "a", postA, edited("Two.", "Bob."))))
	if _, err := listed(s.Entries(ctx, ada, "content/posts", "md", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Page(ctx, ada, "content/posts", "md", 1, 1, 20); err != nil {
		t.Fatal(err)
	}
	_, err := s.Save(ctx, ada, direct(noBase("posts", "a", postA, edited("One.", "Ada."))))
	wantFault(t, err, fault.Conflict, postA)
}

// An old tab still holds the version of the morning, whatever another tab of the
// same person has opened since.
func TestTheOldestVersionServedIsTheBase(t *testing.T) {
	s, ada, bob := newSite(t), person("Ada"), person("Bob")
	s.open(ada, postA)
	s.save(bob, direct(noBase("posts", "a", postA, edited("Two.", "Bob."))))
	s.open(ada, postA)
	_, err := s.Save(t.Context(), ada, direct(noBase("posts", "a", postA, edited("One.", "Ada."))))
	wantFault(t, err, fault.Conflict, postA)
	s.open(ada, postA)
	s.save(ada, direct(noBase("posts", "a", postA, edited("One.", "Ada."))))
}

// A client that never opened the entry has at most seen the site as it was when
// it came.
func TestTheBaseOfAnEntryThatWasNeverOpened(t *testing.T) {
	s, ctx, ada, bob := newSite(t), t.Context(), person("Ada"), person("Bob")
	if _, err := listed(s.Entries(ctx, ada, "content/posts", "md", 1)); err != nil {
		t.Fatal(err)
	}
	s.save(bob, direct(noBase("posts", "a", postA, edited("Two.", "Bob."))))
	_, err := s.Save(ctx, ada, direct(noBase("posts", "a", postA, edited("One.", "Ada."))))
	wantFault(t, err, fault.Conflict, postA)
	s.open(ada, postA)
	s.save(ada, direct(noBase("posts", "a", postA, edited("One.", "Ada."))))
}

func TestTwoNewEntriesOfOneName(t *testing.T) {
	for name, workflow := range map[string]bool{"published": false, "as a draft": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			e := fresh("posts", "n", "content/posts/n.md", text("Ada"))
			e.Workflow = workflow
			s.save(person("Ada"), e)
			e.Files = []cms.DataFile{{Path: e.Files[0].Path, Slug: "n", Data: []byte(text("Bob"))}}
			_, err := s.Save(t.Context(), person("Bob"), e)
			wantFault(t, err, fault.Conflict, "content/posts/n.md")
		})
	}
}

func TestOneEditorSavesAgainAndAgain(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.open(ada, postA)
	for _, word := range []string{"x", "y", "z"} {
		s.save(ada, direct(noBase("posts", "a", postA, edited("One.", word))))
	}
	for _, word := range []string{"u", "v"} {
		s.save(ada, noBase("posts", "a", postA, edited("One.", word)))
	}
	s.publish(ada, "posts", "a")
	s.open(ada, postA)
	s.save(ada, noBase("posts", "a", postA, edited("One.", "w")))
	s.publish(ada, "posts", "a")
	s.save(ada, direct(noBase("posts", "a", postA, edited("One.", "last"))))
	s.has("main", postA, edited("One.", "last"))
}

func TestAfterADiscardThePublishedEntryCounts(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.open(ada, postA)
	s.save(ada, noBase("posts", "a", postA, edited("One.", "draft")))
	if err := s.Discard(t.Context(), ada, "posts", "a"); err != nil {
		t.Fatal(err)
	}
	s.open(ada, postA)
	s.save(ada, noBase("posts", "a", postA, edited("Two.", "new draft")))
}

func TestBasesSurviveARestart(t *testing.T) {
	s, ada, bob := newSite(t), person("Ada"), person("Bob")
	db := filepath.Join(t.TempDir(), "gatehouse.db")
	st, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	s.Versions.Store = st
	s.open(ada, postA)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	s.Service = &cms.Service{Repo: s.Repo, Versions: &cms.Versions{Store: openStore(t, db), Site: "blog"}}
	s.save(bob, direct(noBase("posts", "a", postA, edited("Two.", "Bob."))))
	s.open(ada, postA)
	_, err = s.Save(t.Context(), ada, direct(noBase("posts", "a", postA, edited("One.", "Ada."))))
	wantFault(t, err, fault.Conflict, postA)
}

func TestASaveIntoADraftThatIsGone(t *testing.T) {
	s, ada, bob := newSite(t), person("Ada"), person("Bob")
	s.open(ada, postA)
	s.save(ada, noBase("posts", "a", postA, edited("One.", "draft")))
	s.publish(bob, "posts", "a")
	s.open(bob, postA)
	s.save(bob, direct(noBase("posts", "a", postA, edited("Two.", "Bob."))))
	_, err := s.Save(t.Context(), ada, noBase("posts", "a", postA, edited("One.", "more")))
	wantFault(t, err, fault.Conflict, postA)
	s.has("main", postA, edited("Two.", "Bob."))
}

func TestAnEntryThatChangedIsNotDeleted(t *testing.T) {
	s, ctx, ada, bob := newSite(t), t.Context(), person("Ada"), person("Bob")
	s.open(ada, postA)
	s.save(bob, direct(noBase("posts", "a", postA, edited("Two.", "Bob."))))
	wantFault(t, s.Delete(ctx, ada, []string{postA}, ""), fault.Conflict, postA)
	s.open(ada, postA)
	if err := s.Delete(ctx, ada, []string{postA}, ""); err != nil {
		t.Fatal(err)
	}
	s.missing("main", postA)
}

// Both sides add a key in different places: the texts merge, the file would not
// be read.
func TestAMergeThatMakesABrokenEntryIsRefused(t *testing.T) {
	s, ada, bob := newSite(t), person("Ada"), person("Bob")
	body := "---\ntitle: A\ndate: 2026-03-04T05:06:07Z\n"
	s.save(ada, noBase("posts", "a", postA, strings.Replace(aText, body, "---\nimage: ada.png\ntitle: A\ndate: 2026-03-04T05:06:07Z\n", 1)))
	s.open(bob, postA)
	s.save(bob, direct(noBase("posts", "a", postA, strings.Replace(aText, body, body+"image: bob.png\n", 1))))
	_, err := s.Publish(t.Context(), ada, "posts", "a")
	wantFault(t, err, fault.Conflict, postA)
}

func TestWithoutMemoryTheClientAloneSaysItsBase(t *testing.T) {
	s, ada := newSite(t), person("Ada")
	s.Versions = nil
	s.save(ada, direct(noBase("posts", "a", postA, edited("One.", "1"))))
	s.save(ada, noBase("posts", "a", postA, edited("One.", "2")))
	absent := git.ID("")
	e := direct(noBase("posts", "a", postA, edited("One.", "3")))
	e.Files[0].Base = &absent
	_, err := s.Save(t.Context(), ada, e)
	wantFault(t, err, fault.Conflict, postA)
}
