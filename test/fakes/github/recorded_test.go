package github_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse/test/fakes/github"
)

// exchange is one recorded request to the original and its answer.
type exchange struct {
	Method   string
	URL      string
	Status   int
	Response string
}

// recorded is all exchanges that are there, or skips the test.
func recorded(t *testing.T) []exchange {
	t.Helper()
	shared := os.Getenv("GATEHOUSE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(shared, "recordings", "github-backend-*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("there are no recordings to compare with: GATEHOUSE_SHARED names the directory that has them")
	}
	var all []exchange
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var list []exchange
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, list...)
	}
	return all
}

// shape is one kind of exchange and what the clients read of its answer: names
// joined by dots, # for the first element of a list.
type shape struct {
	name   string
	method string
	path   string // regular expression of the path behind /repos/o/r
	status int
	fields string
}

const pullFields = "number state title body user.login labels updated_at created_at merged_at closed_at draft node_id html_url " +
	"head.ref head.sha head.label head.user.login head.repo.fork head.repo.full_name head.repo.owner.login base.ref base.sha base.repo.full_name"

func shapes() []shape {
	return []shape{
		{"user", "GET", `^/user$`, 200, "login id name avatar_url"},
		{"repository", "GET", `^$`, 200, "id owner.login owner.type permissions.push permissions.admin default_branch private fork full_name"},
		{"fork", "GET", `^/fork$`, 200, "fork parent.full_name full_name"},
		{"no repository", "GET", `^$`, 404, "message"},
		{"permission", "GET", `^/collaborators/[^/]+/permission$`, 200, "permission user.login"},
		{"no permission", "GET", `^/collaborators/[^/]+/permission$`, 403, "message"},
		{"tree", "GET", `^/git/trees/.+`, 200, "sha tree.#.path tree.#.mode tree.#.type tree.#.sha tree.#.size truncated"},
		{"no tree", "GET", `^/git/trees/.+`, 404, "message"},
		{"blob", "GET", `^/git/blobs/`, 200, "sha size content encoding"},
		{"commits", "GET", `^/commits$`, 200, "#.sha #.commit.message #.commit.author.name #.commit.author.email #.commit.author.date #.parents"},
		{"status", "GET", `^/commits/[^/]+/status$`, 200, "state statuses sha total_count"},
		{"branch", "GET", `^/branches/`, 200, "name commit.sha commit.commit.tree.sha commit.parents _links.self protected"},
		{"no branch", "GET", `^/branches/`, 404, "message"},
		{"no refs", "GET", `^/git/refs/heads/`, 404, "message"},
		{"compare", "GET", `^/compare/`, 200, "base_commit.sha merge_base_commit.sha status ahead_by behind_by total_commits commits.#.sha commits.#.parents.#.sha " +
			"commits.#.commit.message commits.#.commit.author.name commits.#.commit.author.date commits.#.commit.committer.email " +
			"files.#.sha files.#.filename files.#.status files.#.additions files.#.deletions files.#.changes files.#.patch"},
		{"new blob", "POST", `^/git/blobs$`, 201, "sha url"},
		{"new tree", "POST", `^/git/trees$`, 201, "sha url tree.#.path tree.#.mode tree.#.type tree.#.sha truncated"},
		{"new commit", "POST", `^/git/commits$`, 201, "sha url author.name author.email author.date committer.name tree.sha message parents.#.sha verification.verified"},
		{"new ref", "POST", `^/git/refs$`, 201, "ref url object.sha object.type object.url"},
		{"moved ref", "PATCH", `^/git/refs/heads/`, 200, "ref url object.sha object.type object.url"},
		{"deleted ref", "DELETE", `^/git/refs/heads/`, 204, ""},
		{"pulls", "GET", `^/pulls$`, 200, "#." + strings.ReplaceAll(pullFields, " ", " #.")},
		{"new pull", "POST", `^/pulls$`, 201, pullFields + " mergeable_state"},
		{"closed pull", "PATCH", `^/pulls/\d+$`, 200, pullFields},
		{"labels", "PUT", `^/issues/\d+/labels$`, 200, "#.id #.name #.color #.default"}, //nolint:misspell // the host's spelling
		{"merge", "PUT", `^/pulls/\d+/merge$`, 200, "sha merged message"},
		{"new fork", "POST", `^/forks$`, 202, "full_name fork parent.full_name owner.login permissions.push default_branch"},
	}
}

// kindOf is what the JSON value at a path of fields is; "" when it is not there.
func kindOf(v any, field string) string {
	for _, name := range strings.Split(field, ".") {
		switch x := v.(type) {
		case []any:
			if name != "#" || len(x) == 0 {
				return ""
			}
			v = x[0]
		case map[string]any:
			inner, ok := x[name]
			if !ok {
				return ""
			}
			v = inner
		default:
			return ""
		}
	}
	return map[string]string{"map[string]interface {}": "object", "[]interface {}": "list", "float64": "number", "<nil>": "null"}[fmt.Sprintf("%T", v)] +
		map[string]string{"string": "string", "bool": "bool"}[fmt.Sprintf("%T", v)]
}

// seenOf is, for a shape, each field's kinds in the recordings, and the messages.
func seenOf(all []exchange, sh shape) (kinds map[string]map[string]bool, messages map[string]bool) {
	kinds, messages = map[string]map[string]bool{}, map[string]bool{}
	path := regexp.MustCompile(sh.path)
	repo := regexp.MustCompile(`^/repos/[^/]+/[^/]+`)
	for _, x := range all {
		at, _, _ := strings.Cut(x.URL, "?")
		at = repo.ReplaceAllString(at, "")
		if sh.path == `^/fork$` && at == "" && strings.Contains(x.URL, "forkOwner") {
			at = "/fork"
		}
		if x.Method != sh.method || x.Status != sh.status || !path.MatchString(at) {
			continue
		}
		var v any
		_ = json.Unmarshal([]byte(x.Response), &v)
		for _, f := range strings.Fields(sh.fields) {
			if kinds[f] == nil {
				kinds[f] = map[string]bool{}
			}
			kinds[f][kindOf(v, f)] = true
			if f == "message" {
				messages[v.(map[string]any)["message"].(string)] = true
			}
		}
		if sh.fields == "" {
			messages[""] = true
		}
	}
	return kinds, messages
}

// ours is one answer of this server for each shape.
func ours(t *testing.T) map[string]*answer {
	h := newHost(t)
	c, guest := h.as(github.SeedEditor), h.as(github.SeedGuest)
	out := map[string]*answer{
		"user": c.get("/user"), "repository": c.get(site), "no repository": c.get("/repos/ben/site"),
		"permission": c.get(site + "/collaborators/ada/permission"), "no permission": guest.get(site + "/collaborators/cleo/permission"),
		"tree": c.get(site + "/git/trees/main:content/posts"), "no tree": c.get(site + "/git/trees/main:static/none"),
		"commits": c.get(site + "/commits?path=README.md&sha=main"), "branch": c.get(site + "/branches/main"),
		"no branch": c.get(site + "/branches/none"), "no refs": c.get(site + "/git/refs/heads/cms/a/b"),
		"new fork": guest.do("POST", site+"/forks", nil),
	}
	out["fork"] = guest.get("/repos/cleo/site")
	out["blob"] = c.get(site + "/git/blobs/" + out["tree"].str("tree", 0, "sha"))
	head := c.headOf(github.SeedSite, "main")
	out["status"] = c.get(site + "/commits/" + head + "/status")
	out["new blob"] = c.do("POST", site+"/git/blobs", obj{"content": b64("x\n"), "encoding": "base64"})
	out["new tree"] = c.do("POST", site+"/git/trees", obj{"base_tree": head, "tree": []obj{{"path": "x.md", "mode": "100644", "type": "blob", "sha": out["new blob"].str("sha")}}})
	out["new commit"] = c.do("POST", site+"/git/commits", obj{"message": "x", "tree": out["new tree"].str("sha"), "parents": []string{head}})
	id := out["new commit"].str("sha")
	out["new ref"] = c.do("POST", site+"/git/refs", obj{"ref": "refs/heads/cms/posts/x", "sha": id})
	out["compare"] = c.get(site + "/compare/main..." + id)
	out["new pull"] = c.do("POST", site+"/pulls", obj{"title": "x", "head": "meadow:cms/posts/x", "base": "main", "body": "b"})
	at := fmt.Sprint(out["new pull"].num("number"))
	out["labels"] = c.do("PUT", site+"/issues/"+at+"/labels", obj{"labels": []string{"decap-cms/draft"}})
	out["pulls"] = c.get(pulls("cms/posts/x"))
	out["closed pull"] = c.do("PATCH", site+"/pulls/"+at, obj{"state": "closed"})
	c.do("PATCH", site+"/pulls/"+at, obj{"state": "open"}).is(200)
	out["merge"] = c.do("PUT", site+"/pulls/"+at+"/merge", obj{"sha": id})
	out["moved ref"] = c.do("PATCH", site+"/git/refs/heads/cms%2Fposts%2Fx", obj{"sha": id, "force": true})
	out["deleted ref"] = c.do("DELETE", site+"/git/refs/heads/cms%2Fposts%2Fx", nil)
	return out
}

// What clients read is there, in the type that the original gave it, and
// refusals have its words.
func TestAnswersAreAsRecorded(t *testing.T) {
	all := recorded(t)
	given := ours(t)
	for _, sh := range shapes() {
		kinds, messages := seenOf(all, sh)
		if len(kinds) == 0 && len(messages) == 0 {
			t.Errorf("%s: nothing like it was recorded", sh.name)
		}
		a := given[sh.name].is(sh.status)
		for _, f := range strings.Fields(sh.fields) {
			got := kindOf(a.value, f)
			if want := kinds[f]; !want[got] || got == "" && len(want) > 1 {
				t.Errorf("%s: %s is %q, recorded as %v", sh.name, f, got, want)
			}
		}
		if m := kindOf(a.value, "message"); m != "" && sh.status >= 400 && !messages[a.str("message")] {
			t.Errorf("%s: message %q, recorded as %v", sh.name, a.str("message"), messages)
		}
	}
}
