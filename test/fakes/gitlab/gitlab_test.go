package gitlab

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

// practice is a server with ann (maintainer), ben (reporter) and cem (nobody),
// and the project group/sub/site.
type practice struct {
	*Server
	t     *testing.T
	url   string
	repo  *bare.Repository
	token string // ann's
}

func start(t *testing.T, files map[string][]byte) *practice {
	t.Helper()
	s := New(t.TempDir(), nil)
	t.Cleanup(func() { _ = s.Close() })
	for _, login := range []string{"ann", "ben", "cem"} {
		s.OAuth.AddPerson(fakes.Person{Login: login, Email: login + "@example.org"})
	}
	s.OAuth.AddApp(fakes.App{ID: "app", Secret: "secret"})
	if files == nil {
		files = map[string][]byte{"content/a.md": []byte("a\n"), "content/deep/b.md": []byte("b\n"), "pic.png": {0, 1, 2}}
	}
	repo, err := s.Repos.Add(t.Context(), bare.Spec{Path: "group/sub/site", Private: true, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	repo.Allow("ann", bare.Admin)
	repo.Allow("ben", bare.Read)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &practice{Server: s, t: t, url: srv.URL, repo: repo, token: issue(s, "ann", "api")}
}

func issue(s *Server, login, scope string) string {
	token, _ := s.OAuth.Issue("app", login, []string{scope}, nil)
	return token.Value
}

type answer struct {
	*http.Response
	text string
}

func (a answer) decode(t *testing.T, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.text), to); err != nil {
		t.Fatalf("%v: %s", err, a.text)
	}
}

const site = "/api/v4/projects/group%2Fsub%2Fsite"

func (p *practice) as(token, method, path, body string) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json, application/json; charset=utf-8")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return answer{res, string(data)}
}

func (p *practice) call(method, path, body string) answer {
	p.t.Helper()
	return p.as(p.token, method, path, body)
}

func (p *practice) want(status int, method, path, body string) answer {
	p.t.Helper()
	a := p.call(method, path, body)
	if a.StatusCode != status {
		p.t.Errorf("%s %s: %d %s, want %d", method, path, a.StatusCode, a.text, status)
	}
	return a
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	commit := `{"branch":"main","commit_message":"m","actions":[{"action":"create","file_path":"n","content":"n"}]}`
	expired := issue(p.Server, "ann", "api")
	p.OAuth.Expire(expired)
	tests := []struct {
		name, token, method, path string
		status                    int
		text                      string
	}{
		{"nobody", "", "GET", "/api/v4/user", 401, `"message":"401 ` + http.StatusText(http.StatusUnauthorized)},
		{"nonsense", "x", "GET", "/api/v4/user", 401, `"message":"401 ` + http.StatusText(http.StatusUnauthorized)},
		{"an expired token", expired, "GET", "/api/v4/user", 401, `"error":"invalid_token"`},
		{"reading with a narrow scope", issue(p.Server, "ann", "read_user"), "GET", "/api/v4/user", 200, `"username":"ann"`},
		{"writing with a narrow scope", issue(p.Server, "ann", "read_user"), "POST", site + "/repository/commits", 403, "insufficient_scope"},
		{"a stranger", issue(p.Server, "cem", "api"), "GET", site, 404, "404 Project Not Found"},
		{"a reporter reads", issue(p.Server, "ben", "api"), "GET", site, 200, `"access_level":20`},
		{"a reporter writes", issue(p.Server, "ben", "api"), "POST", site + "/repository/commits", 403, "not allowed to push"},
		{"a maintainer reads", p.token, "GET", site, 200, `"access_level":40`},
		{"a maintainer by number", p.token, "GET", "/api/v4/projects/1", 200, `"path_with_namespace":"group/sub/site"`},
		{"an unknown path", p.token, "GET", "/api/v4/nonsense", 404, "404"},
	}
	for _, tt := range tests {
		body := ""
		if tt.method == "POST" {
			body = commit
		}
		if a := p.as(tt.token, tt.method, tt.path, body); a.StatusCode != tt.status || !strings.Contains(a.text, tt.text) {
			t.Errorf("%s: %d %s", tt.name, a.StatusCode, a.text)
		}
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	for _, path := range []string{"/api/v4/user", site + "/repository/commits", "/api/graphql", "/oauth/token"} {
		a := p.as("", "OPTIONS", path, "")
		if a.StatusCode >= 300 || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
		}
	}
}

func TestTreeGoesInPages(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"z.md": nil}
	for i := range 45 {
		files[fmt.Sprintf("posts/%02d.md", i)] = []byte("x")
	}
	p := start(t, files)
	next := p.url + site + "/repository/tree?path=posts&ref=main"
	count := 0
	for range 3 {
		a := p.want(200, "GET", strings.TrimPrefix(next, p.url), "")
		var list []item
		a.decode(t, &list)
		count += len(list)
		if a.Header.Get("X-Total") != "45" || a.Header.Get("X-Total-Pages") != "3" {
			t.Errorf("%v", a.Header)
		}
		next = ""
		for link := range strings.SplitSeq(a.Header.Get("Link"), ", ") {
			if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
				next = target[1:]
			}
		}
		if next == "" {
			break
		}
	}
	if count != 45 || next != "" {
		t.Errorf("%d files, and then %q", count, next)
	}
}

func TestTreeDeepAndFlat(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	paths := func(query string) string {
		var list []item
		p.want(200, "GET", site+"/repository/tree?ref=main"+query, "").decode(t, &list)
		var all []string
		for _, i := range list {
			all = append(all, i.Type[:1]+":"+i.Path)
		}
		return strings.Join(all, " ")
	}
	if got := paths(""); got != "t:content b:pic.png" {
		t.Errorf("root: %s", got)
	}
	if got := paths("&path=content"); got != "t:content/deep b:content/a.md" {
		t.Errorf("content: %s", got)
	}
	if got := paths("&recursive=true"); got != "t:content t:content/deep b:content/a.md b:content/deep/b.md b:pic.png" {
		t.Errorf("all: %s", got)
	}
	p.want(404, "GET", site+"/repository/tree?path=nothing&ref=main", "")
	p.want(404, "GET", site+"/repository/tree?ref=nothing", "")
}

func TestCommitsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	at := func(branch, more, actions string) answer {
		return p.want(400, "POST", site+"/repository/commits", `{"branch":"`+branch+`","commit_message":"m"`+more+`,"actions":[`+actions+`]}`)
	}
	at("main", "", `{"action":"create","file_path":"content/a.md","content":"x"}`)
	at("main", "", `{"action":"update","file_path":"content/none.md","content":"x"}`)
	at("main", "", `{"action":"delete","file_path":"content/none.md"}`)
	at("main", "", `{"action":"move","file_path":"x","previous_path":"none"}`)
	at("main", "", `{"action":"create","file_path":"x","content":"***","encoding":"base64"}`)
	at("main", "", `{"action":"create","file_path":"../x","content":"x"}`)
	at("main", "", `{"action":"create","file_path":"ok","content":"x"},{"action":"create","file_path":"content/a.md","content":"x"}`)
	at("nothing", "", `{"action":"create","file_path":"x","content":"x"}`)
	at("main", `,"start_branch":"main"`, `{"action":"create","file_path":"x","content":"x"}`)
	p.want(404, "HEAD", site+"/repository/files/ok?ref=main", "")
}

func TestMove(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.want(201, "POST", site+"/repository/commits", `{"branch":"main","commit_message":"m","actions":[
		{"action":"move","file_path":"content/new.md","previous_path":"content/a.md"}]}`)
	p.want(404, "GET", site+"/repository/files/content%2Fa.md/raw?ref=main", "")
	a := p.want(200, "GET", site+"/repository/files/content%2Fnew.md/raw?ref=main", "")
	if a.text != "a\n" || a.Header.Get("X-Gitlab-Blob-Id") == "" {
		t.Errorf("%q", a.text)
	}
}

func TestDraftIsRebasedAndMerged(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.want(201, "POST", site+"/repository/commits", `{"branch":"cms/x","start_branch":"main","commit_message":"m","actions":[{"action":"update","file_path":"content/a.md","content":"draft\n"}]}`)
	open := `{"title":"Draft: x","source_branch":"cms/x","target_branch":"main","labels":"cms/draft,other","remove_source_branch":true}`
	p.want(201, "POST", site+"/merge_requests", open)
	p.want(409, "POST", site+"/merge_requests", open)
	p.want(405, "PUT", site+"/merge_requests/1/merge", "")
	p.want(201, "POST", site+"/repository/commits", `{"branch":"main","commit_message":"m","actions":[{"action":"create","file_path":"new","content":"n"}]}`)
	p.want(202, "PUT", site+"/merge_requests/1/rebase?skip_ci=true", "")
	poll := site + "/merge_requests/1?include_rebase_in_progress=true"
	if a := p.want(200, "GET", poll, ""); !strings.Contains(a.text, `"rebase_in_progress":true`) {
		t.Errorf("first poll: %s", a.text)
	}
	if a := p.want(200, "GET", poll, ""); !strings.Contains(a.text, `"rebase_in_progress":false`) || !strings.Contains(a.text, `"merge_error":null`) {
		t.Errorf("second poll: %s", a.text)
	}
	p.want(200, "GET", site+"/repository/files/new/raw?ref=cms%2Fx", "")
	a := p.want(200, "PUT", site+"/merge_requests/1", `{"title":"x","add_labels":"cms/ready","remove_labels":"cms/draft,cms/review"}`)
	if !strings.Contains(a.text, `"labels":["other","cms/ready"]`) {
		t.Errorf("labels: %s", a.text)
	}
	for query, n := range map[string]int{"labels=Any": 1, "labels=None": 0, "labels=other,cms/ready": 1, "labels=cms/draft": 0, "state=merged": 0, "source_branch=cms/x": 1} {
		var list []doc
		p.want(200, "GET", site+"/merge_requests?"+query, "").decode(t, &list)
		if len(list) != n {
			t.Errorf("%s: %d", query, len(list))
		}
	}
	p.want(409, "PUT", site+"/merge_requests/1/merge", `{"sha":"0000000000000000000000000000000000000000"}`)
	p.want(200, "PUT", site+"/merge_requests/1/merge?merge_commit_message=done", "")
	p.want(404, "GET", site+"/repository/branches/cms%2Fx", "")
	if a := p.want(200, "GET", site+"/repository/files/content%2Fa.md/raw?ref=main", ""); a.text != "draft\n" {
		t.Errorf("%q", a.text)
	}
	p.want(405, "PUT", site+"/merge_requests/1/merge", "")
}

func TestDraftInConflict(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	for _, branch := range []string{`"cms/x","start_branch":"main"`, `"main"`} {
		p.want(201, "POST", site+"/repository/commits", `{"branch":`+branch+`,"commit_message":"m","actions":[{"action":"update","file_path":"content/a.md","content":`+fmt.Sprintf("%q", branch)+`}]}`)
	}
	p.want(201, "POST", site+"/merge_requests?source_branch=cms/x&target_branch=main&title=x", "")
	p.want(202, "PUT", site+"/merge_requests/1/rebase", "")
	if a := p.want(200, "GET", site+"/merge_requests/1", ""); strings.Contains(a.text, `"merge_error":null`) {
		t.Errorf("%s", a.text)
	}
	p.want(422, "PUT", site+"/merge_requests/1/merge", "")
	p.want(200, "PUT", site+"/merge_requests/1?state_event=close", "")
	p.want(204, "DELETE", site+"/repository/branches/cms%2Fx", "")
}

func TestBuildResults(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.want(400, "POST", site+"/statuses/main", `{"state":"nonsense"}`)
	p.want(201, "POST", site+"/statuses/main", `{"state":"pending","name":"deploy"}`)
	p.want(201, "POST", site+"/statuses/main", `{"state":"success","name":"deploy","target_url":"https://preview.example"}`)
	a := p.want(200, "GET", site+"/repository/commits/main/statuses", "")
	var list []doc
	a.decode(t, &list)
	if len(list) != 1 || list[0]["status"] != "success" || list[0]["target_url"] != "https://preview.example" {
		t.Errorf("%s", a.text)
	}
}

func TestGraphQL(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ask := func(query, variables string) string {
		body, _ := json.Marshal(map[string]any{"query": query, "variables": json.RawMessage(variables)})
		return p.want(200, "POST", "/api/graphql", string(body)).text
	}
	tests := []struct{ name, query, variables, want string }{
		{
			"default branch", `query($fullPath: ID!) { project(fullPath: $fullPath) { repository { rootRef } } }`,
			`{"fullPath":"group/sub/site"}`, `"rootRef":"main"`,
		},
		{
			"head", "query($fullPath: ID!, $branch: String!) {\n project(fullPath: $fullPath) {\n repository {\n tree(ref: $branch) {\n lastCommit {\n sha\n message } } } } }",
			`{"fullPath":"group/sub/site","branch":"main"}`, `"tree":{"__typename":"Tree","lastCommit":{`,
		},
		{
			"a branch that is not there", "query { project { repository { tree(ref: $branch) { lastCommit { sha } } } } }",
			`{"fullPath":"group/sub/site","branch":"none"}`, `"tree":null`,
		},
		{
			"all files", "query { project { repository { tree(ref: $branch, recursive: true) { blobs(after: $cursor) { nodes { type path sha } } } } } }",
			`{"fullPath":"group/sub/site","branch":"main","cursor":""}`, `"path":"content/deep/b.md"`,
		},
		{
			"a folder", "query { project { repository { tree(ref: $branch, path: $path, recursive: $recursive) { blobs(after: $cursor) { nodes { type id: sha path name } } } } } }",
			`{"repo":"group/sub/site","branch":"main","path":"content/deep","recursive":false}`, `"name":"b.md"`,
		},
		{
			"contents", "query { project { repository { blobs(ref: $branch, paths: $paths) { nodes { rawTextBlob } } } } }",
			`{"fullPath":"group/sub/site","branch":"main","paths":["content/deep/b.md"]}`, `"rawTextBlob":"b\n"`,
		},
		{
			"a picture has no text", "query { project { repository { blobs(ref: $branch, paths: $paths) { nodes { rawTextBlob } } } } }",
			`{"fullPath":"group/sub/site","branch":"main","paths":["pic.png"]}`, `"rawTextBlob":null`,
		},
		{
			"last commits", `query { project { repository { tree0: tree(ref: $branch, path: "content/a.md") { lastCommit { authorName } } tree1: tree(ref: $branch, path: "none") { lastCommit { authorName } } } } }`,
			`{"repo":"group/sub/site","branch":"main"}`, `"tree1":{"lastCommit":null}`,
		},
		{
			"a stranger's project", "query { project { repository { rootRef } } }",
			`{"fullPath":"group/other"}`, `"project":null`,
		},
		{"nonsense", "query { nonsense }", `{"fullPath":"group/sub/site"}`, `"errors"`},
	}
	for _, tt := range tests {
		if got := ask(tt.query, tt.variables); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	a := p.want(200, "GET", "/oauth/token/info", "")
	if !strings.Contains(a.text, `"scope":["api"]`) {
		t.Errorf("%s", a.text)
	}
	if a := p.want(200, "GET", "/oauth/userinfo", ""); !strings.Contains(a.text, `"nickname":"ann"`) {
		t.Errorf("%s", a.text)
	}
	p.OAuth.Revoke(p.token)
	if a := p.want(401, "GET", "/api/v4/user", ""); !strings.Contains(a.text, "revoked") {
		t.Errorf("%s", a.text)
	}
}
