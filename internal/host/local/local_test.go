package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/hosttest"
	"gatehouse/internal/host/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock ticks a second with each look, so that order is certain.
func clock() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func newHost(t testing.TB, d hosttest.Directory) *local.Host {
	t.Helper()
	repo, err := git.Open(t.Context(), d.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = repo.Close() })
	return &local.Host{Git: repo, Name: "site", Now: clock()}
}

func TestConformance(t *testing.T) {
	hosttest.Run(t, func(t *testing.T) hosttest.Fixture {
		d := hosttest.NewDirectory(t, "trunk", map[string]string{"README": "a site\n"})
		h := newHost(t, d)
		previews := map[string]string{}
		h.PreviewURL = func(_ context.Context, commit string) (string, error) { return previews[commit], nil }
		return hosttest.Fixture{
			Host: h, Base: "trunk",
			Commit: d.Commit, Head: d.Head, Parents: d.Parents, File: d.File,
			SetCommitStatus: func(_ *testing.T, commit string, s host.CommitStatus) { previews[commit] = s.URL },
			AddLabel: func(t *testing.T, n int, label string) {
				r := request(t, d, n)
				r["labels"] = []string{label}
				put(t, d, fmt.Sprintf("refs/gatehouse/requests/%d", n), r)
			},
			Labels: func(t *testing.T, n int) []string {
				r := request(t, d, n)
				out := []string{r["label"].(string)}
				for _, l := range r["labels"].([]any) {
					out = append(out, l.(string))
				}
				return out
			},
		}
	})
}

// request is request.json as it lies in the repository.
func request(t *testing.T, d hosttest.Directory, n int) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(d.File(t, fmt.Sprintf("refs/gatehouse/requests/%d", n), "request.json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// put points a ref to a commit with request.json, as a stranger with git would.
func put(t *testing.T, d hosttest.Directory, ref string, r map[string]any) {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	d.Commit(t, "stranger", map[string]string{"request.json": string(data)})
	d.Git(t, "update-ref", ref, "refs/heads/stranger")
	d.Git(t, "update-ref", "-d", "refs/heads/stranger")
}

func open(t *testing.T, h *local.Host, branch string) int {
	t.Helper()
	cr, err := h.Open(t.Context(), host.NewChangeRequest{
		Title: "Create " + branch, Head: branch, Base: "main", Status: host.Draft, LabelPrefix: "decap-cms/",
		Author: host.Person{Name: "Ada Byron", Email: "ada@example.org"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cr.Number
}

func TestTheRefHistoryIsTheRecord(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	h := newHost(t, d)
	d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	n := open(t, h, "cms/posts/a")
	if err := h.SetStatus(t.Context(), n, host.PendingReview, "decap-cms/"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Merge(t.Context(), n, host.MergeOptions{
		DeleteHead: true, Author: host.Person{Name: "Ada Byron", Email: "ada@example.org"}, Committer: host.Person{Name: "Alan Turing", Email: "alan@example.org"},
	}); err != nil {
		t.Fatal(err)
	}
	got := d.Git(t, "log", "--format=%cn: %s", "refs/gatehouse/closed/1")
	want := "Alan Turing: Merge change request 1\nGatehouse: Set status of change request 1\nAda Byron: Open change request 1"
	if got != want {
		t.Errorf("history\n%s\nwant\n%s", got, want)
	}
	if d.Ref(t, "refs/gatehouse/requests/1") != "" {
		t.Error("the merged request is still among the open ones")
	}
	if got := d.Git(t, "log", "-1", "--format=%an %cn %s", "main"); got != "Ada Byron Alan Turing Create cms/posts/a" {
		t.Errorf("merge commit: %s", got)
	}
	d.Fsck(t)
}

// TestANumberIsNotReusedAfterItsRefsAreGone: a link in an old mail must not
// lead to another person's draft.
func TestANumberIsNotReusedAfterItsRefsAreGone(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	h := newHost(t, d)
	d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	first := open(t, h, "cms/posts/a")
	d.Git(t, "update-ref", "-d", fmt.Sprintf("refs/gatehouse/requests/%d", first))
	if second := open(t, h, "cms/posts/a"); second != first+1 {
		t.Errorf("number %d after %d was deleted", second, first)
	}
}

// TestASequenceThatSomebodySetBackIsNoTrap: the number it suggests belongs to a
// closed change request.
func TestASequenceThatSomebodySetBackIsNoTrap(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	h := newHost(t, d)
	d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	first := open(t, h, "cms/posts/a")
	back := d.Ref(t, "refs/gatehouse/sequence")
	if err := h.Close(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	second := open(t, h, "cms/posts/a")
	if err := h.Close(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	d.Git(t, "update-ref", "refs/gatehouse/sequence", back)
	if third := open(t, h, "cms/posts/a"); third != second+1 {
		t.Errorf("number %d after %d", third, second)
	}
}

func TestConcurrentOpensGetNumbersOfTheirOwn(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	hosts := []*local.Host{newHost(t, d), newHost(t, d)} // two processes, as far as refs can tell
	const each = 6
	for i := range 2 * each {
		d.Commit(t, fmt.Sprintf("cms/posts/%d", i), map[string]string{"a.md": fmt.Sprint(i)})
	}
	var wg sync.WaitGroup
	seen := make([]int, 2*each)
	for i := range seen {
		wg.Go(func() { seen[i] = open(t, hosts[i%2], fmt.Sprintf("cms/posts/%d", i)) })
	}
	wg.Wait()
	set := map[int]bool{}
	for _, n := range seen {
		set[n] = true
	}
	if len(set) != len(seen) {
		t.Errorf("numbers %v are not all different", seen)
	}
}

func TestConcurrentOpensOfOneHeadMakeOne(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	hosts := []*local.Host{newHost(t, d), newHost(t, d)}
	d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = hosts[i%2].Open(t.Context(), host.NewChangeRequest{Title: "a", Head: "cms/posts/a", Base: "main"})
		})
	}
	wg.Wait()
	var opened int
	for _, err := range errs {
		switch {
		case err == nil:
			opened++
		case !fault.Is(err, fault.Conflict):
			t.Errorf("error %v, want a Conflict", err)
		}
	}
	if opened != 1 {
		t.Errorf("%d were opened for one branch", opened)
	}
}

// TestHostileRecordsAreSkipped: anybody with a push to the repository can put
// anything below our refs; the others must stay readable.
func TestHostileRecordsAreSkipped(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	h := newHost(t, d)
	d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	good := open(t, h, "cms/posts/a")
	fine := request(t, d, good)
	with := func(key string, value any) map[string]any {
		r := maps.Clone(fine)
		r["number"] = 100
		r[key] = value
		return r
	}
	for name, r := range map[string]map[string]any{
		"another number":    with("number", 7),
		"another state":     with("state", "merged"),
		"status of no kind": with("status", "published"),
		"label of another":  with("label", "decap-cms/pending_review"),
		"head escapes":      with("head", "../../etc"),
		"base is an option": with("base", "--upload-pack=x"),
		"title is a list":   with("title", []string{"x"}),
		"too big":           with("body", strings.Repeat("x", 300<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			put(t, d, "refs/gatehouse/requests/100", r)
			only(t, h, good)
			if _, err := h.ChangeRequest(t.Context(), 100); !fault.Is(err, fault.NotFound) {
				t.Errorf("error %v, want NotFound", err)
			}
		})
	}
	d.Git(t, "update-ref", "-d", "refs/gatehouse/requests/100")
	commit := d.Ref(t, fmt.Sprintf("refs/gatehouse/requests/%d", good))
	for _, name := range []string{"requests/0", "requests/-1", "requests/01", "requests/2/3", "requests/99999999999999999999", "requests/x", "closed/1000000001", "elsewhere/5"} {
		d.Git(t, "update-ref", "refs/gatehouse/"+name, commit)
	}
	blob := d.Git(t, "rev-parse", "main:README")
	for name, id := range map[string]string{"blob": blob, "tree": d.Git(t, "rev-parse", "main^{tree}"), "no file": d.Head(t, "main")} {
		t.Run(name, func(t *testing.T) {
			d.Git(t, "update-ref", "refs/gatehouse/requests/101", id)
			only(t, h, good)
		})
	}
}

// only wants one open change request, and that another can be opened.
func only(t *testing.T, h *local.Host, number int) {
	t.Helper()
	all, err := h.ChangeRequests(t.Context(), host.Query{State: host.Open})
	if err != nil || len(all) != 1 || all[0].Number != number {
		t.Errorf("listing answers %+v and %v, want number %d alone", all, err, number)
	}
}

func TestListingNoticesWhatOthersChange(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	one, two := newHost(t, d), newHost(t, d)
	d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	n := open(t, one, "cms/posts/a")
	only(t, two, n)
	if err := one.SetStatus(t.Context(), n, host.PendingPublish, "decap-cms/"); err != nil {
		t.Fatal(err)
	}
	if cr, err := two.ChangeRequest(t.Context(), n); err != nil || cr.Status != host.PendingPublish {
		t.Errorf("the other process reads %+v, %v", cr, err)
	}
}
