package github_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/test/fakes/github"
)

func pulls(branch string) string {
	return site + "/pulls?head=meadow:" + branch + "&base=main&state=open&per_page=100"
}

func TestWorkflow(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	const branch = "cms/posts/new"
	n := c.draft(branch, map[string]string{"content/posts/new.md": "neu\n"})
	a := c.get(pulls(branch)).is(200)
	if len(a.list()) != 1 || a.num(0, "number") != n || a.str(0, "head", "ref") != branch || a.names("name", 0, "labels") != "decap-cms/draft" ||
		a.at(0, "head", "repo", "fork") != false || a.str(0, "user", "login") != github.SeedEditor || a.at(0, "merged_at") != nil {
		t.Fatalf("%.900s", a.body)
	}
	// The second save moves the branch, and the pull request follows.
	id := c.commit(github.SeedSite, a.str(0, "head", "sha"), "Update", map[string]string{"content/posts/new.md": "neuer\n"})
	c.do("PATCH", site+"/git/refs/heads/cms%2Fposts%2Fnew", obj{"sha": id, "force": true}).is(200)
	if got := c.get(pulls(branch)).str(0, "head", "sha"); got != id {
		t.Errorf("head %s, want %s", got, id)
	}
	if got := c.get(site+"/compare/main..."+id).names("filename", "files"); got != "content/posts/new.md" {
		t.Error(got)
	}
	c.do("PUT", fmt.Sprintf("%s/issues/%d/labels", site, n), obj{"labels": []string{"mine", "decap-cms/pending_publish"}}).is(200)
	if got := c.get(pulls(branch)).names("name", 0, "labels"); got != "mine decap-cms/pending_publish" {
		t.Error(got)
	}
	merge := fmt.Sprintf("%s/pulls/%d/merge", site, n)
	c.do("PUT", merge, obj{"sha": a.str(0, "head", "sha"), "merge_method": "merge"}).says(409, "Head branch was modified. Review and try the merge again.")
	done := c.do("PUT", merge, obj{"commit_message": "Automatically generated.", "sha": id, "merge_method": "merge"}).is(200)
	if done.at("merged") != true || done.str("message") != "Pull Request successfully merged" {
		t.Errorf("%s", done.body)
	}
	if got := h.gitOut(github.SeedSite, "log", "-1", "--format=%B%P", "main"); !strings.HasPrefix(got, fmt.Sprintf("Merge pull request #%d from meadow/cms/posts/new\n\nAutomatically generated.", n)) || !strings.HasSuffix(got, id) {
		t.Error(got)
	}
	c.do("DELETE", site+"/git/refs/heads/cms%2Fposts%2Fnew", nil).is(204)
	a = c.get(fmt.Sprintf("%s/pulls/%d", site, n)).is(200)
	if a.str("state") != "closed" || a.str("merged_at") == "" || a.str("head", "sha") != id {
		t.Errorf("%.500s", a.body)
	}
	c.do("PUT", merge, obj{}).says(405, "Pull Request is not mergeable")
	if got := c.get(pulls(branch)).list(); len(got) != 0 {
		t.Error("a merged pull request is listed as open")
	}
}

func TestMergeConflictIs405AndChangesNothing(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	n := c.draft("cms/posts/mowing", map[string]string{"content/posts/mowing.md": "mine\n"})
	id := c.commit(github.SeedSite, c.headOf(github.SeedSite, "main"), "Theirs", map[string]string{"content/posts/mowing.md": "theirs\n"})
	c.do("PATCH", site+"/git/refs/heads/main", obj{"sha": id}).is(200)
	c.do("PUT", fmt.Sprintf("%s/pulls/%d/merge", site, n), obj{"merge_method": "merge"}).says(405, "Pull Request is not mergeable")
	if c.headOf(github.SeedSite, "main") != id {
		t.Error("main moved")
	}
	// What the CMS does then: a commit of its own, and the branch is deleted.
	forced := c.commit(github.SeedSite, id, "Force merge of:", map[string]string{"content/posts/mowing.md": "mine\n"})
	c.do("PATCH", site+"/git/refs/heads/main", obj{"sha": forced, "force": false}).is(200)
	c.do("DELETE", site+"/git/refs/heads/cms%2Fposts%2Fmowing", nil).is(204)
	a := c.get(fmt.Sprintf("%s/pulls/%d", site, n)).is(200)
	if a.str("state") != "closed" || a.at("merged_at") != nil {
		t.Errorf("%.500s", a.body)
	}
}

func TestSquash(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	n := c.draft("cms/posts/new", map[string]string{"content/posts/new.md": "neu\n"})
	c.do("PUT", fmt.Sprintf("%s/pulls/%d/merge", site, n), obj{"merge_method": "squash", "commit_message": "Text"}).is(200)
	if got := h.gitOut(github.SeedSite, "log", "-1", "--format=%s|%b|%an|%cn", "main"); got != fmt.Sprintf("Create cms/posts/new (#%d)|Text\n|Ben Hollow|GitHub", n) {
		t.Errorf("%q", got)
	}
	if got := h.gitOut(github.SeedSite, "rev-list", "--count", "main"); got != "2" {
		t.Error(got)
	}
}

func TestPullRequestsRefused(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	create := func(head string) *answer {
		return c.do("POST", site+"/pulls", obj{"title": "T", "head": head, "base": "main"})
	}
	if got := create("cms/none").says(422, "Validation Failed").str("errors", 0, "field"); got != "head" {
		t.Error(got)
	}
	create("cleo:main").says(422, "Validation Failed")
	c.do("POST", site+"/git/refs", obj{"ref": "refs/heads/cms/a/b", "sha": c.headOf(github.SeedSite, "main")}).is(201)
	if got := create("cms/a/b").is(422).str("errors", 0, "message"); got != "No commits between main and cms/a/b" {
		t.Error(got)
	}
	c.draft("cms/posts/x", map[string]string{"x.md": "x"})
	if got := create("cms/posts/x").is(422).str("errors", 0, "message"); got != "A pull request already exists for meadow:cms/posts/x." {
		t.Error(got)
	}
	c.do("PATCH", site+"/pulls/99", obj{"state": "closed"}).says(404, "Not Found")
}

func TestCloseAndReopen(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	n := c.draft("cms/posts/x", map[string]string{"x.md": "x"})
	at := fmt.Sprintf("%s/pulls/%d", site, n)
	if got := c.do("PATCH", at, obj{"state": "closed"}).is(200); got.str("state") != "closed" || got.str("closed_at") == "" {
		t.Errorf("%.400s", got.body)
	}
	if got := c.do("PATCH", at, obj{"state": "open"}).is(200); got.str("state") != "open" || got.at("closed_at") != nil {
		t.Errorf("%.400s", got.body)
	}
	c.do("PATCH", at, obj{"state": "closed"}).is(200)
	c.do("DELETE", site+"/git/refs/heads/cms/posts/x", nil).is(204)
	c.do("PATCH", at, obj{"state": "open"}).says(422, "Validation Failed")
	if got := c.get(site + "/pulls?state=closed").is(200).list(); len(got) != 1 {
		t.Error("the closed one is not listed")
	}
}

func TestPagesOfPullRequests(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	for i := range 5 {
		c.draft(fmt.Sprintf("cms/posts/x%d", i), map[string]string{fmt.Sprintf("x%d.md", i): "x"})
	}
	a := c.get(site + "/pulls?base=main&state=open&per_page=2").is(200)
	var seen []string
	for {
		seen = append(seen, a.names("number"))
		next := ""
		for _, part := range strings.Split(a.head.Get("Link"), ", ") {
			if url, ok := strings.CutSuffix(part, `>; rel="next"`); ok {
				next = strings.TrimPrefix(url, "<")
			}
		}
		if next == "" {
			break
		}
		if strings.ContainsAny(next, ",;") || !strings.Contains(next, "/repositories/") {
			t.Errorf("the clients cannot read %s", next)
		}
		a = c.get(next).is(200)
	}
	if got := strings.Join(seen, ", "); got != "5 4, 3 2, 1" {
		t.Error(got)
	}
}

func TestIssuesAndComments(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	n := c.do("POST", site+"/issues", obj{"title": "Notes: x", "body": "for entry: `posts/x`", "labels": []string{"decap-cms-notes", "collection:posts"}}).is(201).num("number")
	find := "/search/issues?q=" + strings.ReplaceAll(`repo:meadow/site label:decap-cms-notes "posts/x" in:body`, " ", "%20")
	if got := c.get(find+"%20state:open").is(200).names("number", "items"); got != fmt.Sprint(n) {
		t.Errorf("found %q", got)
	}
	if got := c.get(strings.ReplaceAll(find, "posts/x", "posts/y")).is(200).list("items"); len(got) != 0 {
		t.Error(got)
	}
	at := fmt.Sprintf("%s/issues/%d", site, n)
	id := c.do("POST", at+"/comments", obj{"body": "one"}).is(201).num("id")
	c.do("PATCH", fmt.Sprintf("%s/issues/comments/%d", site, id), obj{"body": "two"}).is(200)
	if got := c.get(at + "/comments?per_page=100").is(200).names("body"); got != "two" {
		t.Error(got)
	}
	c.do("DELETE", fmt.Sprintf("%s/issues/comments/%d", site, id), nil).is(204)
	if got := c.do("PATCH", at, obj{"state": "closed", "labels": []string{"a"}}).is(200); got.str("state") != "closed" || got.names("name", "labels") != "a" {
		t.Errorf("%s", got.body)
	}
	if got := c.get(find + "%20state:open").is(200).list("items"); len(got) != 0 {
		t.Error("a closed issue is found as an open one")
	}
}

// A contributor without push: fork, draft on the fork, submit, back, delete.
func TestOpenAuthoring(t *testing.T) {
	h := newHost(t)
	c, editor := h.as(github.SeedGuest, "public_repo"), h.as(github.SeedEditor)
	c.get(site+"/collaborators/cleo/permission").says(403, "Must have push access to view collaborator permission.")
	c.get("/repos/cleo/site").says(404, "Not Found")
	a := c.do("POST", site+"/forks", nil).is(202)
	if a.str("full_name") != "cleo/site" || a.at("fork") != true || a.str("parent", "full_name") != github.SeedSite {
		t.Fatalf("%.600s", a.body)
	}
	if got := c.do("POST", site+"/forks", nil).is(202).num("id"); got != a.num("id") {
		t.Error("a second fork was made")
	}
	if got := c.get("/repos/cleo/site").is(200); got.at("permissions", "push") != true {
		t.Errorf("%.400s", got.body)
	}
	if got := c.do("POST", "/repos/cleo/site/merge-upstream", obj{"branch": "main"}).is(200).str("merge_type"); got != "none" {
		t.Error(got)
	}

	const branch = "cms/cleo/site/posts/new"
	c.get("/repos/cleo/site/branches/cms%2Fcleo%2Fsite%2Fposts%2Fnew").says(404, "Branch not found")
	c.get("/repos/cleo/site/git/refs/heads/cms/cleo/site").says(404, "Not Found")
	id := c.commit("cleo/site", c.headOf(github.SeedSite, "main"), "Create", map[string]string{"content/posts/new.md": "neu\n"})
	c.do("POST", "/repos/cleo/site/git/refs", obj{"ref": "refs/heads/" + branch, "sha": id}).is(201)
	// The parent knows nothing of the branch, and can compare it nevertheless.
	if got := h.gitOut(github.SeedSite, "for-each-ref", "--format=%(refname)"); got != "refs/heads/main" {
		t.Error(got)
	}
	for _, head := range []string{"cleo:" + branch, id} {
		if got := c.get(site+"/compare/main..."+head).is(200).names("filename", "files"); got != "content/posts/new.md" {
			t.Errorf("%s: %s", head, got)
		}
	}
	if got := c.get("/repos/cleo/site/git/refs/heads/cms/cleo/site").is(200).names("ref"); got != "refs/heads/"+branch {
		t.Error(got)
	}
	a = c.do("POST", site+"/pulls", obj{"title": "T", "head": "cleo:" + branch, "base": "main"}).is(201)
	if a.str("head", "label") != "cleo:"+branch || a.at("head", "repo", "fork") != true || a.str("base", "repo", "full_name") != github.SeedSite {
		t.Errorf("%.400s", a.body)
	}
	n := a.num("number")
	c.do("PUT", fmt.Sprintf("%s/issues/%d/labels", site, n), obj{"labels": []string{"x"}}).says(403, "Must have admin rights to Repository.")
	c.do("PUT", fmt.Sprintf("%s/pulls/%d/merge", site, n), obj{}).says(404, "Not Found")
	at := fmt.Sprintf("%s/pulls/%d", site, n)
	c.do("PATCH", at, obj{"state": "closed"}).is(200)
	c.do("PATCH", at, obj{"state": "open"}).is(200)
	editor.do("PUT", at+"/merge", obj{"merge_method": "merge", "sha": id}).is(200)
	a = c.get(site + "/pulls?head=cleo:" + branch + "&base=main&state=all").is(200)
	if a.str(0, "merged_at") == "" || a.str(0, "head", "sha") != id {
		t.Errorf("%.400s", a.body)
	}
	c.do("DELETE", "/repos/cleo/site/git/refs/heads/cms%2Fcleo%2Fsite%2Fposts%2Fnew", nil).is(204)
	if got := c.do("POST", "/repos/cleo/site/merge-upstream", obj{"branch": "main"}).is(200).str("merge_type"); got != "fast-forward" {
		t.Error(got)
	}
	if c.headOf("cleo/site", "main") != c.headOf(github.SeedSite, "main") {
		t.Error("the fork is not up to date")
	}
	c.do("POST", site+"/git/blobs", obj{"content": "x"}).says(404, "Not Found")
}

// Of many who commit on the same head, one gets through; the others are told.
func TestConcurrentCommitsDoNotOverwrite(t *testing.T) {
	h := newHost(t)
	const people = 6
	c := h.as(github.SeedEditor)
	head := c.headOf(github.SeedSite, "main")
	var ids []string
	for n := range people {
		ids = append(ids, c.commit(github.SeedSite, head, "At once", map[string]string{fmt.Sprintf("n%d.md", n): "x"}))
	}
	statuses := make(chan int, people)
	for _, id := range ids {
		go func() {
			status := 0
			defer func() { statuses <- status }() // also when the call fails the test
			status = c.do("PATCH", site+"/git/refs/heads/main", obj{"sha": id, "force": false}).status
		}()
	}
	won := 0
	for range people {
		switch got := <-statuses; got {
		case 200:
			won++
		case 422:
		default:
			t.Errorf("status %d", got)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d moved the branch", won, people)
	}
	if got := h.gitOut(github.SeedSite, "rev-list", "--count", "main"); got != "2" {
		t.Error(got)
	}
}

func TestWhatIsTooLongIsRefused(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	n := c.draft("cms/posts/x", map[string]string{"x.md": "x"})
	at := fmt.Sprintf("%s/issues/%d", site, n)
	c.do("PATCH", at, obj{"title": strings.Repeat("x", 257)}).says(422, "Validation Failed")
	c.do("POST", at+"/comments", obj{"body": strings.Repeat("x", 70000)}).says(422, "Validation Failed")
	c.do("POST", site+"/issues", obj{"title": "x", "body": strings.Repeat("x", 70000)}).says(422, "Validation Failed")
	c.do("PUT", at+"/labels", obj{"labels": []string{strings.Repeat("x", 300), "short"}}).is(200)
	if got := c.get(at).is(200).names("name", "labels"); got != "short" {
		t.Error(got)
	}
}
