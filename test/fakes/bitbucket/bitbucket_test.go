package bitbucket

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

type practice struct {
	*Server
	t     *testing.T
	url   string
	token string // ben's, who may write
}

const site = "/2.0/repositories/meadow/notes" // private

func start(t *testing.T) *practice {
	t.Helper()
	s := New(t.TempDir(), nil)
	t.Cleanup(func() { _ = s.Close() })
	s.OAuth.AddApp(fakes.App{ID: "app", Secret: "secret"})
	files := map[string]string{"content/posts/a.md": "a\n", "content/posts/deep/b.md": "b\n", "message": "x", "pic.png": "\x00\x01"}
	if err := bare.Seed(t.Context(), s.Repos, s.OAuth, files); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &practice{Server: s, t: t, url: srv.URL, token: issue(s, bare.SeedEditor, "account", "repository:write", "pullrequest:write")}
}

func issue(s *Server, login string, scopes ...string) string {
	token, _ := s.OAuth.Issue("app", login, scopes, nil)
	return token.Value
}

type answer struct {
	*http.Response
	text string
}

func (p *practice) send(token, method, path, kind string, body io.Reader) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Access-Control-Allow-Origin") != "*" {
		p.t.Errorf("%s: other origins may not read it", path)
	}
	data, _ := io.ReadAll(res.Body)
	return answer{res, string(data)}
}

func (p *practice) want(status int, method, path, body string, parts ...string) answer {
	p.t.Helper()
	a := p.send(p.token, method, path, "application/json", strings.NewReader(body))
	p.check(a, status, method+" "+path, parts)
	return a
}

func (p *practice) check(a answer, status int, what string, parts []string) {
	p.t.Helper()
	if a.StatusCode != status {
		p.t.Errorf("%s: %d %s, want %d", what, a.StatusCode, a.text, status)
	}
	for _, part := range parts {
		if !strings.Contains(a.text, part) {
			p.t.Errorf("%s: %s is not in %s", what, part, a.text)
		}
	}
}

// commit sends a form: files as path, content; fields as =name, value.
func (p *practice) commit(status int, parts ...string) answer {
	p.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(parts); i += 2 {
		if name, ok := strings.CutPrefix(parts[i], "="); ok {
			_ = form.WriteField(name, parts[i+1])
			continue
		}
		w, _ := form.CreateFormFile(parts[i], "file")
		_, _ = io.WriteString(w, parts[i+1])
	}
	_ = form.Close()
	a := p.send(p.token, "POST", site+"/src", form.FormDataContentType(), &body)
	p.check(a, status, "commit", nil)
	return a
}

func (p *practice) head(branch string) string {
	p.t.Helper()
	repo, _ := p.Repos.Find("meadow/notes")
	id, err := repo.Head(p.t.Context(), branch)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(id)
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	p := start(t)
	expired := issue(p.Server, "ben", "account")
	p.OAuth.Expire(expired)
	contributor := "/2.0/repositories/meadow?role=contributor&q=" + url.QueryEscape(`full_name="meadow/notes"`)
	all := []string{"account", "repository:write", "pullrequest:write"}
	tests := []struct {
		name, token, method, path string
		status                    int
		text                      string
	}{
		{"nobody", "", "GET", "/2.0/user", 401, `"type":"error"`},
		{"an expired token", expired, "GET", "/2.0/user", 401, `"message":"Access token expired.`},
		{"nonsense", "x", "GET", "/2.0/user", 401, `"message":"The token`},
		{"the person", p.token, "GET", "/2.0/user", 200, `"display_name":"Ben Hollow"`},
		{"the addresses", p.token, "GET", "/2.0/user/emails", 200, `"is_primary":true`},
		{"without the scope", issue(p.Server, "ben", "account"), "GET", site, 403, "privilege scopes"},
		{"a scope to read", issue(p.Server, "ben", "repository"), "POST", site + "/src", 403, "privilege scopes"},
		{"a guest", issue(p.Server, "cleo", all...), "GET", site, 404, `"type":"error"`},
		{"a guest who writes", issue(p.Server, "cleo", all...), "POST", "/2.0/repositories/meadow/site/src", 403, "do not allow"},
		{"one who may write", p.token, "GET", contributor, 200, `"full_name":"meadow/notes"`},
		{"one who may not", issue(p.Server, "cleo", all...), "GET", contributor, 200, `"values":[]`},
		{"the call that is gone", p.token, "GET", "/2.0/user/permissions/repositories", 410, "removed"},
		{"what came after it", p.token, "GET", "/2.0/user/workspaces/meadow/permissions/repositories", 200, `"permission":"write"`},
		{"an unknown path", p.token, "GET", "/2.0/nonsense", 404, `"type":"error"`},
		{"a preflight", "", "OPTIONS", site + "/src", 200, ""},
	}
	for _, tt := range tests {
		a := p.send(tt.token, tt.method, tt.path, "application/json", nil)
		if a.StatusCode != tt.status || !strings.Contains(a.text, tt.text) {
			t.Errorf("%s: %d %s", tt.name, a.StatusCode, a.text)
		}
	}
	req, _ := http.NewRequest(http.MethodGet, p.url+"/2.0/user", nil)
	req.Header.Set("Authorization", "token "+p.token)
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the scheme token: %v %v", res, err)
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	p := start(t)
	head := p.head("main")
	p.want(200, "GET", site, "", `"mainbranch":{"name":"main"`)
	p.want(200, "GET", site+"/refs/branches/main", "", `"hash":"`+head+`"`)
	p.want(200, "GET", site+"/refs/branches", "", `"name":"main"`)
	p.want(404, "GET", site+"/refs/branches/none", "")
	first := p.want(200, "GET", site+"/src/"+head+"/content?max_depth=3&pagelen=2", "", `"next":"`, `"type":"commit_directory"`)
	if strings.Contains(first.text, `"size":3`) {
		t.Errorf("a listing is counted: %s", first.text)
	}
	p.want(200, "GET", site+"/src/"+head+"/content?max_depth=3&pagelen=2&page=2", "", `"previous":"`, "b.md")
	if a := p.want(200, "GET", site+"/src/"+head+"/content/posts/a.md", ""); a.text != "a\n" {
		t.Errorf("%q", a.text)
	}
	p.want(404, "GET", site+"/src/"+head+"/none", "", "No such file or directory: none")
	p.want(404, "GET", site+"/src/none/x", "")
	p.want(200, "GET", site+"/src", "", "pic.png")
	p.want(200, "GET", site+"/commits?path=content/posts/a.md&include=main", "", `"raw":"Practice \u003cpractice@example.org\u003e"`)
	p.want(200, "GET", site+"/commits/main", "", head)
	p.want(200, "GET", site+"/commit/"+head, "", head)
	p.want(404, "GET", site+"/commits?include=none", "")
}

func TestCommitByForm(t *testing.T) {
	t.Parallel()
	p := start(t)
	a := p.commit(201, "content/posts/n.md", "new\n", "message", "a file by this name", "=files", "pic.png", "=message", "Save", "=branch", "main")
	if a.text != "" || !strings.HasSuffix(a.Header.Get("Location"), "/commit/"+p.head("main")) {
		t.Errorf("%q %v", a.text, a.Header)
	}
	if a := p.want(200, "GET", site+"/src/main/message", ""); a.text != "a file by this name" {
		t.Errorf("%q", a.text)
	}
	p.want(404, "GET", site+"/src/main/pic.png", "")
	p.want(200, "GET", site+"/commits?include=main&pagelen=1", "", `"message":"Save\n"`, `"display_name":"Ben Hollow"`)

	p.commit(400, "x", "x", "=branch", "main", "=parents", "0000000000000000000000000000000000000000")
	p.commit(400, "../x", "x", "=branch", "main")
	p.commit(201, "y", "y", "=branch", "cms/posts/y", "=parents", p.head("main"), "=author", "Eve <eve@example.org>")
	if a := p.commit(400, "y", "y", "=branch", "cms/posts", "=parents", p.head("main")); !strings.Contains(a.text, "Something went wrong") {
		t.Errorf("%s", a.text)
	}
	p.want(200, "GET", site+"/commits?include=cms/posts/y&pagelen=1", "", "Eve")
	plain := p.send(p.token, "POST", site+"/src", "application/x-www-form-urlencoded", strings.NewReader("/z.txt=z&files=message&branch=main"))
	p.check(plain, 201, "a plain form", nil)
	p.want(200, "GET", site+"/src/main/z.txt", "")
	p.want(404, "GET", site+"/src/main/message", "")
}

func TestDraft(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.commit(201, "content/posts/a.md", "draft\n", "new.png", "\x00", "=files", "message", "=branch", "cms/posts/a", "=parents", p.head("main"))
	diff := p.want(200, "GET", site+"/diff/cms/posts/a..main?binary=false", "",
		"diff --git a/content/posts/a.md b/content/posts/a.md\nindex ", "--- a/content/posts/a.md\n+++ b/content/posts/a.md\n@@ -1,1 +1,1 @@\n-a\n+draft\n",
		"deleted file mode 100644\n", "new file mode 100644\n", "Binary files /dev/null and b/new.png differ\n")
	if strings.Contains(diff.text, "b.md") {
		t.Errorf("%s", diff.text)
	}
	open := `{"title":"x","source":{"branch":{"name":"cms/posts/a"}},"destination":{"branch":{"name":"main"}},"close_source_branch":true}`
	p.want(201, "POST", site+"/pullrequests", open, `"id":1`)
	p.want(400, "POST", site+"/pullrequests", open)
	q := func(text string) string { return site + "/pullrequests?pagelen=50&q=" + url.QueryEscape(text) }
	listing := `source.repository.full_name = "meadow/notes" AND state = "OPEN" AND destination.branch.name = "main" AND comment_count > 0 AND source.branch.name ~ "CMS/"`
	p.want(200, "GET", q(listing), "", `"values":[]`)
	p.want(201, "POST", site+"/pullrequests/1/comments", `{"content":{"raw":"cms/draft"}}`)
	p.want(201, "POST", site+"/pullrequests/1/comments", `{"content":{"raw":"cms/ready"}}`)
	p.want(400, "POST", site+"/pullrequests/1/comments", `{}`)
	p.want(200, "GET", q(listing), "", `"size":1`)
	p.want(200, "GET", q(`id != 1`), "", `"size":0`)
	p.want(400, "GET", q(`nonsense`), "")
	comments := p.want(200, "GET", site+"/pullrequests/1/comments?pagelen=100", "")
	if strings.Index(comments.text, "cms/draft") > strings.Index(comments.text, "cms/ready") {
		t.Errorf("the newest comes first: %s", comments.text)
	}
	p.want(201, "POST", site+"/commit/"+p.head("cms/posts/a")+"/statuses/build", `{"key":"deploy","state":"SUCCESSFUL","url":"https://preview.example"}`)
	p.want(400, "POST", site+"/commit/main/statuses/build", `{"key":"deploy","state":"nonsense"}`)
	p.want(200, "GET", site+"/pullrequests/1/statuses", "", `"state":"SUCCESSFUL"`)
	p.want(200, "POST", site+"/pullrequests/1/merge", `{"message":"done","close_source_branch":true,"merge_strategy":"squash"}`, `"state":"MERGED"`)
	p.want(409, "POST", site+"/pullrequests/1/merge", `{}`)
	p.want(404, "GET", site+"/refs/branches/cms/posts/a", "")
	if a := p.want(200, "GET", site+"/src/main/content/posts/a.md", ""); a.text != "draft\n" {
		t.Errorf("%q", a.text)
	}
}

func TestDraftThatIsDeclined(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.commit(201, "content/posts/a.md", "draft\n", "=branch", "cms/posts/a", "=parents", p.head("main"))
	p.commit(201, "content/posts/a.md", "other\n", "=branch", "main")
	p.want(201, "POST", site+"/pullrequests", `{"title":"x","source":{"branch":{"name":"cms/posts/a"}}}`)
	p.want(409, "POST", site+"/pullrequests/1/merge", `{}`, "conflicts")
	p.want(200, "POST", site+"/pullrequests/1/decline", "", `"state":"DECLINED"`)
	p.want(400, "POST", site+"/pullrequests/1/decline", "")
	p.want(204, "DELETE", site+"/refs/branches/cms/posts/a", "")
	p.want(404, "DELETE", site+"/refs/branches/cms/posts/a", "")
	p.want(400, "DELETE", site+"/refs/branches/main", "")
	p.want(404, "GET", site+"/pullrequests/2", "")
	p.want(200, "GET", site+"/pullrequests", "", `"values":[]`)
	p.want(200, "GET", site+"/pullrequests?state=DECLINED", "", `"id":1`)
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{``, `id = 1`, `state = "OPEN" AND source.branch.name ~ "cms/"`, `a = "\""`, `AND`, `a = "b`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		terms, err := parseQuery(text)
		if err != nil && terms != nil {
			t.Error("terms and an error")
		}
		fits(doc{"id": 1, "state": "OPEN", "source": doc{"branch": doc{"name": "x"}}}, terms)
	})
}
