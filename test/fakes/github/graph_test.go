package github_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/test/fakes/github"
)

func (c *client) graph(query string, vars obj) *answer {
	c.t.Helper()
	return c.do("POST", c.url+"/api/graphql", obj{"query": query, "variables": vars}).is(200)
}

// well wants an answer without errors.
func (a *answer) well() *answer {
	a.t.Helper()
	if a.at("errors") != nil {
		a.t.Fatalf("errors: %.600s", a.body)
	}
	return a
}

// wrong wants an error with the text in it.
func (a *answer) wrong(text string) *answer {
	a.t.Helper()
	if a.at("errors") == nil || !strings.Contains(a.str("errors", 0, "message"), text) {
		a.t.Fatalf("want the error %q: %.600s", text, a.body)
	}
	return a
}

func vars(more obj) obj {
	v := obj{"owner": "meadow", "repo": "site", "branch": "main"}
	for name, x := range more {
		v[name] = x
	}
	return v
}

// The first load of a page that reads all by GraphQL.
func TestGraphLoad(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor, "repo", "user")
	head := c.headOf(github.SeedSite, "main")
	const open = `query($owner: String!, $repo: String!, $branch: String!) { repository(owner: $owner, name: $repo) {`
	a := c.graph(`query($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { defaultBranchRef { name } } }`, vars(nil)).well()
	if a.str("data", "repository", "defaultBranchRef", "name") != "main" {
		t.Errorf("%s", a.body)
	}
	a = c.graph(open+` ref(qualifiedName: $branch) { target { ... on Commit { history(first: 1) { nodes { oid message } } } } } } }`, vars(nil)).well()
	if a.str("data", "repository", "ref", "target", "history", "nodes", 0, "oid") != head {
		t.Errorf("%s", a.body)
	}
	tree := c.get(site + "/git/trees/" + head + "?recursive=1").is(200)
	var contents, dates strings.Builder
	n := 0
	for i := range tree.list("tree") {
		if tree.str("tree", i, "type") != "blob" {
			continue
		}
		fmt.Fprintf(&contents, " content_%d: object(oid: %q) { ... on Blob { text isTruncated } }\n", n, tree.str("tree", i, "sha"))
		fmt.Fprintf(&dates, " commit_%d: ref(qualifiedName: $branch) { target { ... on Commit { history(first: 1, path: %q) { nodes { author { name email user { id: databaseId login } } committedDate } } } } }\n", n, tree.str("tree", i, "path"))
		n++
	}
	a = c.graph(`query($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) {`+contents.String()+`}}`, vars(nil)).well()
	if got := a.str("data", "repository", "content_0", "text"); got != github.Sample()["README.md"] {
		t.Errorf("%q", got)
	}
	a = c.graph(open+dates.String()+`}}`, vars(nil)).well()
	for i := range n {
		if a.str("data", "repository", fmt.Sprintf("commit_%d", i), "target", "history", "nodes", 0, "committedDate") == "" {
			t.Errorf("file %d has no date: %.900s", i, a.body)
		}
	}
	a = c.graph(`query($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { commit_0: object(oid: "`+head+`") { ... on Commit {
		status { contexts { context state targetUrl description } }
		deployments(last: 10 orderBy: { field: CREATED_AT, direction: ASC }) { nodes { environment latestStatus { state environmentUrl description } } }
		checkSuites(last: 10) { nodes { checkRuns(last: 20) { nodes { name status conclusion detailsUrl summary } } } } } } } }`, vars(nil)).well()
	if got, ok := a.at("data", "repository", "commit_0").(obj); !ok || got["status"] != nil {
		t.Errorf("%s", a.body)
	}
	a = c.graph(`{ viewer { login name id avatarUrl } }`, nil).well()
	if a.str("data", "viewer", "login") != "ben" {
		t.Errorf("%s", a.body)
	}
}

const commitMutation = `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid committedDate file_0: file(path: "content/posts/new.md") { oid } } } }`

func commitInput(repo, branch, head string) obj {
	return obj{"input": obj{
		"branch": obj{"repositoryNameWithOwner": repo, "branchName": branch}, "expectedHeadOid": head,
		"fileChanges": obj{
			"additions": []obj{{"path": "content/posts/new.md", "contents": b64("neu\n")}, {"path": "content/posts/mowing.md", "contents": b64("both\n")}},
			"deletions": []obj{{"path": "content/posts/mowing.md"}, {"path": "content/posts/first-snow.md"}},
		},
		"message": obj{"headline": "Create Post “new”"},
	}}
}

func TestGraphCommit(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	head := c.headOf(github.SeedSite, "main")
	a := c.graph(commitMutation, commitInput(github.SeedSite, "main", head)).well()
	if got := c.headOf(github.SeedSite, "main"); got != a.str("data", "createCommitOnBranch", "commit", "oid") {
		t.Errorf("main is at %s: %s", got, a.body)
	}
	if got := h.gitOut(github.SeedSite, "diff", "--name-status", head, "main"); got != "D\tcontent/posts/first-snow.md\nM\tcontent/posts/mowing.md\nA\tcontent/posts/new.md" {
		t.Error(got)
	}
	if got := h.gitOut(github.SeedSite, "rev-parse", "main:content/posts/new.md"); got != a.str("data", "createCommitOnBranch", "commit", "file_0", "oid") {
		t.Error(got)
	}
	c.graph(commitMutation, commitInput(github.SeedSite, "main", head)).wrong("Expected branch to point to")
	h.as(github.SeedGuest).graph(commitMutation, commitInput(github.SeedSite, "main", head)).wrong("not accessible")
}

// A draft, from the branch to its publication.
func TestGraphWorkflow(t *testing.T) {
	c := newHost(t).as(github.SeedEditor)
	const branch = "cms/posts/new"
	a := c.graph(`query($forkOwner: String! $forkRepo: String! $owner: String! $repo: String! $branch: String!) {
		fork: repository(owner: $forkOwner, name: $forkRepo) { id } base: repository(owner: $owner, name: $repo) { ref(qualifiedName: $branch) { target { oid } } } }`,
		vars(obj{"forkOwner": "meadow", "forkRepo": "site"})).well()
	ref := obj{"input": obj{"repositoryId": a.str("data", "fork", "id"), "name": "refs/heads/" + branch, "oid": a.str("data", "base", "ref", "target", "oid")}}
	const create = `mutation($input: CreateRefInput!) { createRef(input: $input) { ref { name } } }`
	if got := c.graph(create, ref).well().str("data", "createRef", "ref", "name"); got != branch {
		t.Error(got)
	}
	c.graph(create, ref).wrong(`A ref named "refs/heads/cms/posts/new" already exists in the repository.`)
	blocked := obj{"input": obj{"repositoryId": a.str("data", "fork", "id"), "name": "refs/heads/cms/posts", "oid": a.str("data", "base", "ref", "target", "oid")}}
	c.graph(create, blocked).wrong("Ref cannot be created.")
	c.graph(commitMutation, commitInput(github.SeedSite, branch, a.str("data", "base", "ref", "target", "oid"))).well()
	p := c.do("POST", site+"/pulls", obj{"title": "T", "head": branch, "base": "main", "draft": true, "body": "B"}).is(201)
	at := fmt.Sprintf("/%d", p.num("number"))
	c.do("POST", site+"/issues"+at+"/labels", obj{"labels": []string{"sveltia-cms/draft"}}).is(200)

	const list = `query($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { pullRequests( states: OPEN labels: ["decap-cms/draft","sveltia-cms/draft"] first: 100
		orderBy: { field: UPDATED_AT, direction: DESC } ) { nodes { id number title url isDraft isCrossRepository createdAt updatedAt headRefName headRefOid
		author { login avatarUrl ... on User { name email databaseId } } labels(first: 100) { nodes { name } } files(first: 100) { nodes { path changeType } } } } } }`
	nodes := []any{"data", "repository", "pullRequests", "nodes"}
	a = c.graph(list, vars(nil)).well()
	if got := a.names("path", append(nodes, 0, "files", "nodes")...); got != "content/posts/first-snow.md content/posts/mowing.md content/posts/new.md" {
		t.Error(got)
	}
	if got := a.names("changeType", append(nodes, 0, "files", "nodes")...); got != "DELETED MODIFIED ADDED" {
		t.Error(got)
	}
	if a.at(append(nodes, 0, "isDraft")...) != true || a.str(append(nodes, 0, "id")...) != p.str("node_id") || a.str(append(nodes, 0, "author", "name")...) != "Ben Hollow" {
		t.Errorf("%s", a.body)
	}
	a = c.graph(`query($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { file_0: object(expression: "cms/posts/new:content/posts/new.md") { ... on Blob { oid byteSize isBinary isTruncated text } }
		file_1: object(expression: "cms/posts/new:none.md") { ... on Blob { oid } } } }`, vars(nil)).well()
	if a.str("data", "repository", "file_0", "text") != "neu\n" || a.at("data", "repository", "file_1") != nil {
		t.Errorf("%s", a.body)
	}
	c.do("PUT", site+"/pulls"+at+"/merge", obj{"merge_method": "merge", "commit_title": "T"}).is(405)
	ready := `mutation($input: MarkPullRequestReadyForReviewInput!) { markPullRequestReadyForReview(input: $input) { pullRequest { isDraft } } }`
	if got := c.graph(ready, obj{"input": obj{"pullRequestId": p.str("node_id")}}).well().at("data", "markPullRequestReadyForReview", "pullRequest", "isDraft"); got != false {
		t.Error(got)
	}
	if got := c.do("PATCH", site+"/issues"+at, obj{"labels": []string{"sveltia-cms/pending_publish"}}).is(200).names("name", "labels"); got != "sveltia-cms/pending_publish" {
		t.Error(got)
	}
	if got := c.get(site + "/pulls" + at + "/files?per_page=100").is(200).names("status"); got != "removed modified added" {
		t.Error(got)
	}
	c.do("PUT", site+"/pulls"+at+"/merge", obj{"merge_method": "merge", "commit_title": "T"}).is(200)
	c.do("DELETE", site+"/git/refs/heads/cms/posts/new", nil).is(204)
	count := `query($owner: String!, $repo: String!, $branch: String!) { repository(owner: $owner, name: $repo) { pullRequests(headRefName: $branch, states: OPEN, first: 1) { totalCount } } }`
	if got := c.graph(count, vars(obj{"branch": branch})).well().num("data", "repository", "pullRequests", "totalCount"); got != 0 {
		t.Error(got)
	}
	if got := c.graph(`query($id: ID!) { node(id: $id) { ... on PullRequest { state isDraft } } }`, obj{"id": p.str("node_id")}).well().str("data", "node", "state"); got != "MERGED" {
		t.Error(got)
	}
}

func TestGraphFork(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedGuest)
	const forks = `query($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { forks(ownerAffiliations: [OWNER], first: 1) { nodes { nameWithOwner owner { login } } } } }`
	if got := c.graph(forks, vars(nil)).well().list("data", "repository", "forks", "nodes"); len(got) != 0 {
		t.Error(got)
	}
	c.do("POST", site+"/forks", nil).is(202)
	if got := c.graph(forks, vars(nil)).well().str("data", "repository", "forks", "nodes", 0, "nameWithOwner"); got != "cleo/site" {
		t.Error(got)
	}
	// The draft's branch starts from the parent, which the fork may be behind of.
	e := h.as(github.SeedEditor)
	head := e.commit(github.SeedSite, e.headOf(github.SeedSite, "main"), "Ahead", map[string]string{"ahead.md": "x"})
	e.do("PATCH", site+"/git/refs/heads/main", obj{"sha": head}).is(200)
	id := c.graph(`query($owner: String!) { repository(owner: $owner, name: "site") { id } }`, obj{"owner": "cleo"}).well().str("data", "repository", "id")
	const branch = "cms/cleo/site/posts/new"
	c.graph(`mutation($input: CreateRefInput!) { createRef(input: $input) { ref { name } } }`, obj{"input": obj{"repositoryId": id, "name": "refs/heads/" + branch, "oid": head}}).well()
	c.graph(commitMutation, commitInput("cleo/site", branch, head)).well()
	a := c.graph(`query($owner: String!, $repo: String!, $prefix: String!) { repository(owner: $owner, name: $repo) { refs(refPrefix: $prefix, first: 100) { nodes { name
		target { ... on Commit { oid message committedDate author { name email user { login databaseId } } } } } } } }`,
		obj{"owner": "cleo", "repo": "site", "prefix": "refs/heads/cms/cleo/site/"}).well()
	if got := a.names("name", "data", "repository", "refs", "nodes"); got != "posts/new" {
		t.Error(got)
	}
	if got := a.str("data", "repository", "refs", "nodes", 0, "target", "author", "user", "login"); got != "cleo" {
		t.Errorf("%s", a.body)
	}
	c.do("POST", site+"/pulls", obj{"title": "T", "head": "cleo:" + branch, "base": "main"}).is(201)
	a = c.graph(`query($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { pr_0: pullRequests(headRefName: "`+branch+`" states: [OPEN, CLOSED, MERGED] first: 2
		orderBy: { field: CREATED_AT, direction: DESC }) { nodes { id state headRefOid headRepositoryOwner { login } files(first: 100) { nodes { path changeType } } } } } }`, vars(nil)).well()
	if a.str("data", "repository", "pr_0", "nodes", 0, "headRepositoryOwner", "login") != "cleo" || len(a.list("data", "repository", "pr_0", "nodes", 0, "files", "nodes")) != 3 {
		t.Errorf("%s", a.body)
	}
}

// The documents of the other client: fragments, __typename, two mutations in one.
func TestGraphWithFragments(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedEditor)
	const parts = ` fragment RepositoryParts on Repository { id isFork __typename } fragment ObjectParts on GitObject { id oid __typename }
		fragment PullRequestParts on PullRequest { id number state headRefOid repository { ...RepositoryParts } labels(last: 100) { nodes { name } } author { login ... on User { name } } }`
	a := c.graph(`query repository($owner: String!, $name: String!, $expression: String!) { repository(owner: $owner, name: $name) { ...RepositoryParts viewerPermission
		object(expression: $expression) { ...ObjectParts ... on Tree { entries { name type object { ...ObjectParts ... on Blob { byteSize } } } } } } }`+parts,
		obj{"owner": "meadow", "name": "site", "expression": "main:content/posts"}).well()
	if a.str("data", "repository", "viewerPermission") != "WRITE" || a.names("name", "data", "repository", "object", "entries") != "first-snow.md mowing.md über-die-hecke.md" ||
		a.num("data", "repository", "object", "entries", 0, "object", "byteSize") == 0 || a.str("data", "repository", "object", "__typename") != "Tree" {
		t.Errorf("%s", a.body)
	}
	repo := a.str("data", "repository", "id")
	head := c.commit(github.SeedSite, c.headOf(github.SeedSite, "main"), "New", map[string]string{"new.md": "x"})
	both := `mutation createBranchAndPullRequest($createRefInput: CreateRefInput!, $createPullRequestInput: CreatePullRequestInput!) {
		createRef(input: $createRefInput) { ref { id name prefix target { ...ObjectParts } } clientMutationId }
		createPullRequest(input: $createPullRequestInput) { pullRequest { ...PullRequestParts } } }` + parts
	in := obj{
		"createRefInput":         obj{"name": "refs/heads/cms/a/b", "oid": head, "repositoryId": repo, "clientMutationId": "m"},
		"createPullRequestInput": obj{"baseRefName": "main", "headRefName": "cms/a/b", "title": "T", "body": "B", "repositoryId": repo},
	}
	a = c.graph(both, in).well()
	if a.str("data", "createPullRequest", "pullRequest", "headRefOid") != head || a.str("data", "createRef", "ref", "prefix") != "refs/heads/" {
		t.Fatalf("%s", a.body)
	}
	pr, ref := a.str("data", "createPullRequest", "pullRequest", "id"), a.str("data", "createRef", "ref", "id")
	a = c.graph(both, in)
	if len(a.wrong("already exists in the repository").list("errors")) != 2 {
		t.Errorf("both mutations have to fail: %s", a.body)
	}
	update := `mutation($input: UpdateRefInput!) { updateRef(input: $input) { ref { target { oid } } } }`
	c.graph(update, obj{"input": obj{"refId": ref, "oid": c.headOf(github.SeedSite, "main"), "force": false}}).wrong("Update is not a fast forward")
	a = c.graph(`mutation($a: ClosePullRequestInput!, $b: DeleteRefInput!) { closePullRequest(input: $a) { pullRequest { state } } deleteRef(input: $b) { clientMutationId } }`,
		obj{"a": obj{"pullRequestId": pr}, "b": obj{"refId": ref}}).well()
	if a.str("data", "closePullRequest", "pullRequest", "state") != "CLOSED" {
		t.Errorf("%s", a.body)
	}
	a = c.graph(`{ repository(owner: "meadow", name: "site") { ref(qualifiedName: "refs/heads/cms/a/b") { name } } }`, nil).well()
	if a.at("data", "repository", "ref") != nil {
		t.Errorf("%s", a.body)
	}
}

func TestGraphRefused(t *testing.T) {
	h := newHost(t)
	c := h.as(github.SeedGuest)
	c.graph(`{ repository(owner: "meadow", name: "notes") { id } }`, nil).wrong("Could not resolve to a Repository with the name 'meadow/notes'.")
	c.graph(`{ viewer { shoeSize } }`, nil).wrong("Field 'shoeSize' doesn't exist on type 'User'")
	c.graph(`{ viewer { login `, nil).wrong("Parse error")
	c.graph(`{ ...A } fragment A on Query { ...A }`, nil).wrong("nested too deeply")
	c.graph(strings.Repeat("{a", 1000), nil).wrong("nested too deeply")
	(&client{host: h}).do("POST", "/graphql", obj{"query": "{ viewer { login } }"}).says(401, "This endpoint requires you to be authenticated.")
}
