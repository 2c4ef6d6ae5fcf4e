package mirror_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/hosttest"
	"gatehouse/internal/mirror"
)

const post = "---\ntitle: One\n---\n\nFirst.\n\nSecond.\n\nThird.\n\nFourth.\n"

// drafted is a site with a post and an open draft that changes it to text.
func drafted(t *testing.T, text string) (hosttest.Directory, *mirror.Repository, int) {
	t.Helper()
	d, r := site(t, map[string]string{a: post, b: "b\n"})
	return d, r, draft(t, r, "cms/posts/a", git.ID(d.Head(t, "main")), write(a, text))
}

func swap(old, new string) string { return strings.Replace(post, old, new, 1) }

func publish(t *testing.T, r *mirror.Repository, n int) (git.ID, error) {
	t.Helper()
	return r.Publish(t.Context(), mirror.PublishRequest{Number: n, Message: "Publish it", Author: alan})
}

func TestPublish(t *testing.T) {
	for _, squash := range []bool{false, true} {
		d, r, n := drafted(t, swap("First", "FIRST"))
		base, tip := d.Head(t, "main"), d.Head(t, "cms/posts/a")
		var moves []string
		r.Moved = func(branch string, old, new git.ID) { moves = append(moves, branch) }
		commit, err := r.Publish(t.Context(), mirror.PublishRequest{Number: n, Squash: squash, Message: "Publish it", Author: alan})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{base, tip}
		if squash {
			want = want[:1]
		}
		if got := d.Parents(t, string(commit)); !slices.Equal(got, want) {
			t.Errorf("squash %v: parents %v, want %v", squash, got, want)
		}
		if d.Head(t, "main") != string(commit) || d.Head(t, "cms/posts/a") != "" || d.File(t, "main", a) != swap("First", "FIRST") {
			t.Errorf("squash %v: main is not the published draft", squash)
		}
		if got := d.Git(t, "log", "-1", "--format=%an, %cn: %s", "main"); got != "Alan Turing, Gatehouse: Publish it" {
			t.Errorf("squash %v: %s", squash, got)
		}
		if cr, err := r.Host.ChangeRequest(t.Context(), n); err != nil || cr.State != host.Merged {
			t.Errorf("squash %v: change request %+v, %v", squash, cr, err)
		}
		if !slices.Equal(moves, []string{"main", "cms/posts/a"}) {
			t.Errorf("squash %v: Moved was told of %v", squash, moves)
		}
		_, err = publish(t, r, n)
		wantFault(t, err, fault.Conflict, nil, "merged already")
	}
}

func TestPublishMergesWhatOthersPublished(t *testing.T) {
	d, r, n := drafted(t, swap("First", "FIRST"))
	save(t, r, alan, write(a, swap("Fourth", "FOURTH")), write(b, "theirs\n"))
	r.Validate = func(_ context.Context, path string, data []byte) error {
		if path != a || !strings.Contains(string(data), "FIRST") || !strings.Contains(string(data), "FOURTH") {
			t.Errorf("Validate was given %s: %q", path, data)
		}
		return nil
	}
	if _, err := publish(t, r, n); err != nil {
		t.Fatal(err)
	}
	if got := d.File(t, "main", a); got != strings.Replace(swap("First", "FIRST"), "Fourth", "FOURTH", 1) {
		t.Errorf("the post is %q", got)
	}
	if got := d.File(t, "main", b); got != "theirs\n" {
		t.Errorf("the other file is %q", got)
	}
	d.Fsck(t)
}

func TestPublishRefuses(t *testing.T) {
	broken := errors.New("yaml: mapping values are not allowed here")
	for _, c := range []struct {
		name, draft, theirs string
		validate            error
		phrases             []string
	}{
		{
			name: "the same lines", draft: swap("First", "mine"), theirs: swap("First", "theirs"),
			phrases: []string{"“" + a + "” was changed by Alan Turing (12:04, 22 Nov 2026)", "in the same place", "Nothing was published", "Keep a copy"},
		},
		{
			name: "a merge that is no valid file", draft: swap("First", "FIRST"), theirs: swap("Fourth", "FOURTH"), validate: broken,
			phrases: []string{"“" + a + "” was changed by Alan Turing", "do not make a valid file", "Nothing was published"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, r, n := drafted(t, c.draft)
			save(t, r, alan, write(a, c.theirs))
			r.Validate = func(context.Context, string, []byte) error { return c.validate }
			base, tip := d.Head(t, "main"), d.Head(t, "cms/posts/a")
			_, err := r.Publish(t.Context(), mirror.PublishRequest{Number: n, Author: ada})
			wantFault(t, err, fault.Conflict, []string{a}, c.phrases...)
			if strings.Contains(fault.Message(err), "yaml") {
				t.Errorf("the message shows the cause: %s", fault.Message(err))
			}
			if d.Head(t, "main") != base || d.Head(t, "cms/posts/a") != tip {
				t.Error("a refused publishing moved a branch")
			}
			if cr, err := r.Host.ChangeRequest(t.Context(), n); err != nil || cr.State != host.Open {
				t.Errorf("change request %+v, %v", cr, err)
			}
		})
	}
}

// TestPublishValidatesOnlyWhatNobodyWrote: a text that one person wrote is
// published as it is, be it ever so odd.
func TestPublishValidatesOnlyWhatNobodyWrote(t *testing.T) {
	_, r, n := drafted(t, "--- odd\n")
	save(t, r, alan, write(b, "theirs\n"))
	r.Validate = func(_ context.Context, path string, _ []byte) error { return errors.New(path) }
	if _, err := publish(t, r, n); err != nil {
		t.Error(err)
	}
}

func TestPublishChecksTheRealDifference(t *testing.T) {
	d, r, n := drafted(t, swap("First", "FIRST"))
	save(t, r, alan, write(b, "theirs\n"))
	base := git.ID(d.Head(t, "main"))
	no := errors.New("not for you")
	_, err := r.Publish(t.Context(), mirror.PublishRequest{Number: n, Author: ada, Check: func(_ context.Context, m mirror.Move) error {
		if m.Branch != "main" || m.Old != base || len(m.Changes) != 1 || m.Changes[0].Path != a {
			t.Errorf("Check saw %+v", m)
		}
		return no
	}})
	if !errors.Is(err, no) || git.ID(d.Head(t, "main")) != base {
		t.Errorf("error %v, main at %s", err, d.Head(t, "main"))
	}
}

func TestPublishBeginsAgainWhenABranchMoves(t *testing.T) {
	d, r, n := drafted(t, swap("First", "FIRST"))
	var checks int
	_, err := r.Publish(t.Context(), mirror.PublishRequest{Number: n, Author: ada, Check: func(_ context.Context, m mirror.Move) error {
		switch checks++; checks {
		case 1:
			d.Commit(t, "main", map[string]string{b: "published meanwhile\n"})
		case 2:
			d.Commit(t, "cms/posts/a", map[string]string{"c.md": "saved meanwhile\n"})
		case 3:
			if len(m.Changes) != 2 {
				t.Errorf("what was saved meanwhile is not checked: %+v", m.Changes)
			}
		}
		return nil
	}})
	if err != nil || checks != 3 {
		t.Fatalf("%d checks, error %v", checks, err)
	}
	if d.File(t, "main", b) != "published meanwhile\n" || d.File(t, "main", "c.md") != "saved meanwhile\n" || d.File(t, "main", a) != swap("First", "FIRST") {
		t.Error("something is missing from main")
	}
}

func TestPublishOfWhatIsNotForTheSite(t *testing.T) {
	d, r, _ := drafted(t, "x\n")
	d.Commit(t, "elsewhere", map[string]string{a: "x\n"})
	d.Commit(t, "cms/posts/b", map[string]string{b: "x\n"})
	cr, err := r.Host.Open(t.Context(), host.NewChangeRequest{Title: "Sideways", Head: "cms/posts/b", Base: "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = publish(t, r, cr.Number)
	wantFault(t, err, fault.Conflict, nil, "“elsewhere”")
	_, err = publish(t, r, 4711)
	wantFault(t, err, fault.NotFound, nil)
}

func TestDiscardKeepsTheText(t *testing.T) {
	d, r, n := drafted(t, "never published\n")
	tip := d.Head(t, "cms/posts/a")
	var seen mirror.Move
	check := func(_ context.Context, m mirror.Move) error { seen = m; return nil }
	if err := r.Discard(t.Context(), n, check); err != nil {
		t.Fatal(err)
	}
	if d.Head(t, "cms/posts/a") != "" || d.Ref(t, "refs/gatehouse/lost/1") != tip {
		t.Errorf("branch at %q, lost at %q", d.Head(t, "cms/posts/a"), d.Ref(t, "refs/gatehouse/lost/1"))
	}
	if cr, err := r.Host.ChangeRequest(t.Context(), n); err != nil || cr.State != host.Closed {
		t.Errorf("change request %+v, %v", cr, err)
	}
	if seen.Branch != "cms/posts/a" || seen.Old != git.ID(tip) || seen.New != "" || len(seen.Changes) != 1 {
		t.Errorf("Check saw %+v", seen)
	}
	if err := r.Discard(t.Context(), n, check); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestDiscardAsksFirst(t *testing.T) {
	d, r, n := drafted(t, "x\n")
	no := errors.New("not yours")
	if err := r.Discard(t.Context(), n, func(context.Context, mirror.Move) error { return no }); !errors.Is(err, no) {
		t.Errorf("error %v", err)
	}
	if cr, err := r.Host.ChangeRequest(t.Context(), n); err != nil || cr.State != host.Open || d.Head(t, "cms/posts/a") == "" {
		t.Errorf("change request %+v, %v", cr, err)
	}
}

// TestDiscardEndsWhatWasInterrupted: closed, but the branch is still there.
func TestDiscardEndsWhatWasInterrupted(t *testing.T) {
	d, r, n := drafted(t, "x\n")
	tip := d.Head(t, "cms/posts/a")
	if err := r.Host.Close(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := r.Discard(t.Context(), n, nil); err != nil {
		t.Fatal(err)
	}
	if d.Head(t, "cms/posts/a") != "" || d.Ref(t, "refs/gatehouse/lost/1") != tip {
		t.Error("the branch is still there, or its text is lost")
	}
}

func TestDiscardLeavesANewDraftInThePlaceAlone(t *testing.T) {
	d, r, n := drafted(t, "x\n")
	if err := r.Host.Close(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Host.Open(t.Context(), host.NewChangeRequest{Title: "Again", Head: "cms/posts/a", Base: "main"}); err != nil {
		t.Fatal(err)
	}
	wantFault(t, r.Discard(t.Context(), n, nil), fault.Conflict, nil)
	if d.Head(t, "cms/posts/a") == "" {
		t.Error("the new draft's branch is gone")
	}
}

func TestDiscardOfAPublishedDraftIsRefused(t *testing.T) {
	_, r, n := drafted(t, "x\n")
	if _, err := publish(t, r, n); err != nil {
		t.Fatal(err)
	}
	wantFault(t, r.Discard(t.Context(), n, nil), fault.Conflict, nil, "published already")
}
