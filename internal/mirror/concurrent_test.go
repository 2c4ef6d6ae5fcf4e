package mirror_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/mirror"
)

// TestFiftyEditorsSaveFiftyFiles: all land, through two processes' views of one
// directory.
func TestFiftyEditorsSaveFiftyFiles(t *testing.T) {
	d, one := site(t, map[string]string{"README": "a site\n"})
	views := []*mirror.Repository{one, open(t, d)}
	errs := make([]error, 50)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = views[i%2].Save(t.Context(), mirror.Save{
				Author: ada, Message: "Create", Changes: []mirror.Change{had("", fmt.Sprintf("content/posts/%d.md", i), fmt.Sprintf("post %d\n", i))},
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("editor %d: %v", i, err)
		} else if got := d.File(t, "main", fmt.Sprintf("content/posts/%d.md", i)); got != fmt.Sprintf("post %d\n", i) {
			t.Errorf("editor %d finds %q", i, got)
		}
	}
	if got := d.Git(t, "rev-list", "--count", "--no-merges", "main"); got != "51" {
		t.Errorf("%s commits, want 51", got)
	}
	d.Fsck(t)
}

func TestOfTwoEditorsOfOneFileTheSecondIsTold(t *testing.T) {
	d, one := site(t, map[string]string{a: "a\n"})
	two := open(t, d)
	base := blobID(t, d, "main", a)
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, r := range []*mirror.Repository{one, two} {
		who := ada
		if i == 1 {
			who = alan
		}
		wg.Go(func() {
			_, errs[i] = r.Save(t.Context(), mirror.Save{Author: who, Message: "Mine", Changes: []mirror.Change{had(base, a, "by "+who.Name+"\n")}})
		})
	}
	wg.Wait()
	winner, loser := "Ada Byron", errs[1]
	if errs[0] != nil {
		winner, loser = "Alan Turing", errs[0]
	}
	wantFault(t, loser, fault.Conflict, []string{a}, "“"+a+"” was changed by "+winner)
	if got := d.File(t, "main", a); got != "by "+winner+"\n" {
		t.Errorf("the file is %q", got)
	}
}

// TestManyDraftsBeginAtOnce: other branches do not wait for each other and do
// not lose each other's change requests.
func TestManyDraftsBeginAtOnce(t *testing.T) {
	d, r := site(t, map[string]string{a: "a\n"})
	start := head(t, r, "main")
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() { draft(t, r, fmt.Sprintf("cms/posts/%d", i), start, write(a, fmt.Sprint(i))) })
	}
	wg.Wait()
	if got := strings.Count(d.Git(t, "for-each-ref", "refs/gatehouse/requests/"), "\n") + 1; got != 10 {
		t.Errorf("%d change requests, want 10", got)
	}
}
