package github_test

import (
	"strings"
	"testing"

	"gatehouse/test/fakes/github"
)

const site = "/repos/" + github.SeedSite

func TestReading(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	for _, path := range []string{"/git/trees/main:content/posts", "/git/trees/main:content%2Fposts", "/git/trees/heads/main:content/posts/"} {
		if got := c.get(site+path).is(200).names("path", "tree"); got != "first-snow.md mowing.md über-die-hecke.md" {
			t.Errorf("%s: %s", path, got)
		}
	}
	a := c.get(site + "/git/trees/main:").is(200)
	if got := a.names("type", "tree"); got != "blob tree tree tree" {
		t.Errorf("root: %s", got)
	}
	if a.num("tree", 0, "size") == 0 {
		t.Error("a blob has no size")
	}
	a = c.get(site + "/git/trees/" + c.headOf(github.SeedSite, "main") + "?recursive=1").is(200)
	if got := a.names("path", "tree"); !strings.Contains(got, "content content/pages content/pages/about.md") {
		t.Errorf("recursive: %s", got)
	}
	for _, path := range []string{"/git/trees/main:nowhere", "/git/trees/main:README.md", "/git/trees/nobranch:content", "/git/trees/--all"} {
		c.get(site+path).says(404, "Not Found")
	}
	sha := c.get(site+"/git/trees/main:content/posts").str("tree", 0, "sha")
	if got := c.get(site + "/git/blobs/" + sha).is(200).str("content"); !strings.Contains(got, "\n") {
		t.Error("the original breaks the lines of a blob")
	}
	c.get(site+"/git/blobs/"+strings.Repeat("0", 40)).says(404, "Not Found")
	a = c.get(site + "/commits?path=content%2Fposts%2F%C3%BCber-die-hecke.md&sha=main").is(200)
	if len(a.list()) != 1 || a.str(0, "commit", "message") != "Initial commit" || a.str(0, "commit", "author", "date") == "" {
		t.Errorf("commits: %s", a.body)
	}
	if got := c.get(site + "/commits?path=nowhere&sha=main").is(200).list(); len(got) != 0 {
		t.Errorf("commits of nothing: %v", got)
	}
	c.get(site+"/branches/none").says(404, "Branch not found")
	c.get(site+"/git/refs/heads/cms/meadow/site").says(404, "Not Found")
	c.get(site+"/contents/posts/x.json?ref=refs/meta/_decap_cms").says(404, "Not Found")
	if got := c.get(site + "/contents/content/posts").is(200).names("path"); !strings.HasPrefix(got, "content/posts/first-snow.md ") {
		t.Errorf("contents: %s", got)
	}
}

func TestRawBlobTellsTextFromBinary(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	c.head = map[string][]string{"Accept": {"application/vnd.github.raw"}}
	tree := c.get(site + "/git/trees/main:static/media").is(200)
	for i, want := range []string{"application/octet-stream", "application/vnd.github.raw; charset=utf-8"} {
		a := c.get(site + "/git/blobs/" + tree.str("tree", i, "sha")).is(200)
		if got := a.head.Get("Content-Type"); got != want {
			t.Errorf("%s: %s, want %s", tree.str("tree", i, "path"), got, want)
		}
		if string(a.body) != github.Sample()["static/media/"+tree.str("tree", i, "path")] {
			t.Errorf("%s changed on its way", tree.str("tree", i, "path"))
		}
	}
}

func TestSimpleSave(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	old := c.headOf(github.SeedSite, "main")
	id := c.commit(github.SeedSite, old, "Create Post “new”", map[string]string{"content/posts/new.md": "neu\n", "content/posts/mowing.md": ""})
	c.do("PATCH", site+"/git/refs/heads/main", obj{"sha": id, "force": false}).is(200)
	if got := h.gitOut(github.SeedSite, "log", "-1", "--format=%s|%an|%ae|%cn", "main"); got != "Create Post “new”|Ben Hollow|ben@meadow.example|Ben Hollow" {
		t.Error(got)
	}
	if got := h.gitOut(github.SeedSite, "diff", "--name-status", old, "main"); got != "D\tcontent/posts/mowing.md\nA\tcontent/posts/new.md" {
		t.Error(got)
	}
	// Two editors: the second one's commit has the same parent.
	late := c.commit(github.SeedSite, old, "Late", map[string]string{"content/posts/late.md": "late\n"})
	c.do("PATCH", site+"/git/refs/heads/main", obj{"sha": late, "force": false}).says(422, "Update is not a fast forward")
	if got := c.headOf(github.SeedSite, "main"); got != id {
		t.Error("the branch moved")
	}
}

func TestRefs(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	head := c.headOf(github.SeedSite, "main")
	create := func(name, sha string) *answer {
		return c.do("POST", site+"/git/refs", obj{"ref": name, "sha": sha})
	}
	create("refs/heads/cms/pages/about", head).is(201)
	create("refs/heads/cms/pages/about", head).says(422, "Reference already exists")
	create("refs/heads/cms/pages/about/us", head).says(422, "Reference update failed")
	create("refs/heads/cms/pages", head).says(422, "Reference update failed")
	create("refs/heads/x", strings.Repeat("1", 40)).says(422, "Object does not exist")
	create("x", head).is(422)
	create("refs/heads/a..b", head).is(422)
	create("refs/heads/cms/posts/50%2F50", head).is(201)
	if got := c.get(site + "/branches/cms%2Fposts%2F50%252F50").is(200).str("name"); got != "cms/posts/50%2F50" {
		t.Errorf("a name with an escaped slash: %s", got)
	}
	if got := c.get(site + "/git/refs/heads/cms/pages").is(200).names("ref"); got != "refs/heads/cms/pages/about" {
		t.Errorf("refs below: %s", got)
	}
	other := c.commit(github.SeedSite, head, "Other", map[string]string{"x.md": "x"})
	c.do("PATCH", site+"/git/refs/heads/cms%2Fpages%2Fabout", obj{"sha": other, "force": false}).is(200)
	c.do("PATCH", site+"/git/refs/heads/cms%2Fpages%2Fabout", obj{"sha": head, "force": false}).says(422, "Update is not a fast forward")
	c.do("PATCH", site+"/git/refs/heads/cms/pages/about", obj{"sha": head, "force": true}).is(200)
	c.do("PATCH", site+"/git/refs/heads/none", obj{"sha": head}).says(422, "Reference does not exist")
	c.do("DELETE", site+"/git/refs/heads/cms%2Fpages%2Fabout", nil).is(204)
	c.do("DELETE", site+"/git/refs/heads/cms%2Fpages%2Fabout", nil).says(422, "Reference does not exist")
	if got := h.gitOut(github.SeedSite, "for-each-ref", "--format=%(refname)"); got != "refs/heads/cms/posts/50%2F50\nrefs/heads/main" {
		t.Error(got)
	}
}

func TestObjectsRefused(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	head := c.headOf(github.SeedSite, "main")
	tree := func(path string, sha any) *answer {
		return c.do("POST", site+"/git/trees", obj{"base_tree": head, "tree": []obj{{"path": path, "mode": "100644", "type": "blob", "sha": sha}}})
	}
	tree("not/there.md", nil).says(422, "GitRPC::BadObjectState")
	tree("x.md", strings.Repeat("1", 40)).is(422)
	tree("../x.md", "0").is(422)
	tree(".git/config", c.get(site+"/git/trees/main:").str("tree", 0, "sha")).is(422)
	c.do("POST", site+"/git/blobs", obj{"content": "%%", "encoding": "base64"}).is(422)
	c.do("POST", site+"/git/commits", obj{"message": "x", "tree": head, "parents": []string{strings.Repeat("1", 40)}}).says(422, "Parent SHA does not exist or is not a commit object")
	c.do("POST", site+"/git/commits", obj{"message": "x", "tree": strings.Repeat("1", 40), "parents": []string{head}}).says(422, "Tree SHA does not exist")
	c.do("GET", "/no/such/thing", nil).says(404, "Not Found")
}

func TestCompare(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	head := c.headOf(github.SeedSite, "main")
	long := strings.Repeat("A line that is long enough to be found again.\n", 5)
	a := c.commit(github.SeedSite, head, "One", map[string]string{"content/pages/old.md": long, "a.bin": "\x00\x01", "README.md": "# New\n"})
	b := c.commit(github.SeedSite, a, "Two", map[string]string{"content/pages/old.md": "", "content/pages/new.md": long, "content/posts/mowing.md": ""})
	files := func(from, to string) string {
		var out []string
		for i := range c.get(site + "/compare/" + from + "..." + to).is(200).list("files") {
			x := c.get(site + "/compare/" + from + "..." + to)
			line := x.str("files", i, "status") + ":" + x.str("files", i, "filename")
			if x.str("files", i, "patch") != "" {
				line += "+text"
			}
			out = append(out, line+x.str("files", i, "previous_filename"))
		}
		return strings.Join(out, " ")
	}
	if got := files("main", a); got != "modified:README.md+text added:a.bin added:content/pages/old.md+text" {
		t.Error(got)
	}
	if got := files(a, b); got != "renamed:content/pages/new.mdcontent/pages/old.md removed:content/posts/mowing.md+text" {
		t.Error(got)
	}
	x := c.get(site + "/compare/main..." + b).is(200)
	if x.str("base_commit", "sha") != head || x.str("merge_base_commit", "sha") != head || x.names("sha", "commits") != a+" "+b || x.str("status") != "ahead" {
		t.Errorf("%.600s", x.body)
	}
	c.get(site+"/compare/main...none").says(404, "Not Found")
	c.get(site+"/compare/main...cleo:main").says(404, "Not Found")
}

func TestStatuses(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	id := c.headOf(github.SeedSite, "main")
	if got := c.get(site + "/commits/" + id + "/status").is(200).list("statuses"); len(got) != 0 {
		t.Error(got)
	}
	for _, state := range []string{"pending", "success"} {
		c.do("POST", site+"/statuses/"+id, obj{"state": state, "context": "deploy/preview", "target_url": "https://p.example"}).is(201)
	}
	a := c.get(site + "/commits/" + id + "/status").is(200)
	if a.names("state", "statuses") != "success" || a.str("state") != "success" || a.str("statuses", 0, "target_url") != "https://p.example" {
		t.Errorf("%s", a.body)
	}
	c.do("POST", site+"/statuses/"+id, obj{"state": "fine"}).is(422)
}
