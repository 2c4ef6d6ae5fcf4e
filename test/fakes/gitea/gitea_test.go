package gitea

import (
	"encoding/base64"
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

type practice struct {
	*Server
	t     *testing.T
	url   string
	token string // ben's, who may write
}

const site = "/api/v1/repos/meadow/notes" // private

func start(t *testing.T, files map[string]string) *practice {
	t.Helper()
	s := New(t.TempDir(), nil)
	t.Cleanup(func() { _ = s.Close() })
	s.OAuth.AddApp(fakes.App{ID: "app", Secret: "secret"})
	if files == nil {
		files = map[string]string{"content/posts/a.md": "a\n", "content/posts/deep/b.md": "b\n", "pic.png": "\x00\x01"}
	}
	if err := bare.Seed(t.Context(), s.Repos, s.OAuth, files); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &practice{Server: s, t: t, url: srv.URL, token: issue(s, bare.SeedEditor, "repository")}
}

func issue(s *Server, login string, scopes ...string) string {
	token, _ := s.OAuth.Issue("app", login, scopes, nil)
	return token.Value
}

func (p *practice) as(token, method, path, body string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "token "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if strings.HasPrefix(path, "/api/") && res.Header.Get("Access-Control-Allow-Origin") != "*" {
		p.t.Errorf("%s: other origins may not read it", path)
	}
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data)
}

func (p *practice) want(status int, method, path, body string, parts ...string) string {
	p.t.Helper()
	got, text := p.as(p.token, method, path, body)
	if got != status {
		p.t.Errorf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			p.t.Errorf("%s %s: %s is not in %s", method, path, part, text)
		}
	}
	return text
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	expired := issue(p.Server, "ben", "all")
	p.OAuth.Expire(expired)
	body := `{"branch":"main","message":"m","files":[]}`
	tests := []struct {
		name, token, method, path string
		status                    int
	}{
		{"nobody", "", "GET", "/api/v1/user", 401},
		{"an expired token", expired, "GET", "/api/v1/user", 401},
		{"nonsense", "x", "GET", "/api/v1/user", 401},
		{"a scope that is not known", issue(p.Server, "ben", "repository"), "GET", "/api/v1/user", 200},
		{"read:user alone", issue(p.Server, "ben", "read:user"), "GET", "/api/v1/user", 200},
		{"a repository without its scope", issue(p.Server, "ben", "read:user"), "GET", site, 403},
		{"writing with a scope to read", issue(p.Server, "ben", "read:repository"), "POST", site + "/contents", 403},
		{"the usual scopes", issue(p.Server, "ben", "read:user", "write:repository"), "POST", site + "/contents", 201},
		{"a guest and a private repository", issue(p.Server, "cleo", "all"), "GET", site, 404},
		{"a guest and a public one", issue(p.Server, "cleo", "all"), "GET", "/api/v1/repos/Meadow/Site", 200},
		{"a guest who writes", issue(p.Server, "cleo", "all"), "POST", "/api/v1/repos/meadow/site/contents", 403},
		{"an unknown path", issue(p.Server, "ben", "all"), "GET", "/api/v1/nonsense", 404},
		{"a preflight", "", "OPTIONS", site + "/contents", 200},
	}
	for _, tt := range tests {
		if status, text := p.as(tt.token, tt.method, tt.path, body); status != tt.status {
			t.Errorf("%s: %d %s", tt.name, status, text)
		}
	}
	if _, text := p.as(issue(p.Server, "cleo", "all"), "GET", "/api/v1/repos/meadow/site", ""); !strings.Contains(text, `"push":false`) {
		t.Errorf("%s", text)
	}
	p.want(200, "GET", site, "", `"push":true`, `"default_branch":"main"`, `"login":"meadow"`)
	p.want(200, "GET", "/api/v1/user", "", `"login":"ben"`, `"full_name":"Ben Hollow"`, `"avatar_url"`, `"email"`)
	p.want(200, "GET", "/login/oauth/userinfo", "", `"preferred_username":"ben"`)
	p.want(200, "GET", "/api/v1/version", "", `"version":"1.`)
	p.want(200, "GET", "/api/v1/settings/api", "", `"default_paging_num":30`)
}

func TestReading(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	for _, path := range []string{"main:content%2Fposts", "main:content/posts"} {
		text := p.want(200, "GET", site+"/git/trees/"+path, "", `"path":"a.md"`, `"path":"deep"`)
		if strings.Contains(text, "b.md") {
			t.Errorf("%s is deep: %s", path, text)
		}
	}
	p.want(200, "GET", site+"/git/trees/main:content%2Fposts?recursive=1", "", `"path":"deep/b.md"`)
	p.want(200, "GET", site+"/git/trees/main:", "", `"path":"pic.png"`)
	p.want(400, "GET", site+"/git/trees/main:nothing", "", "sha not found")
	p.want(400, "GET", site+"/git/trees/nothing:content", "")
	p.want(404, "GET", site+"/git/blobs/0000000000000000000000000000000000000000", "")
	p.want(200, "GET", site+"/git/blobs/"+p.sha("content/posts/a.md"), "", `"content":"YQo="`, `"encoding":"base64"`)
	p.want(200, "GET", site+"/git/blobs?shas="+p.sha("pic.png")+","+p.sha("content/posts/a.md"), "", `"AAE="`, `"YQo="`)
	p.want(200, "POST", site+"/file-contents?ref=main", `{"files":["content/posts/a.md","none"]}`, `"path":"content/posts/a.md"`, `,null]`)
	if text := p.want(200, "GET", site+"/media/main/content/posts/deep/b.md", ""); text != "b\n" {
		t.Errorf("media: %q", text)
	}
	if text := p.want(200, "GET", site+"/raw/content/posts/a.md?ref=main", ""); text != "a\n" {
		t.Errorf("raw: %q", text)
	}
	p.want(404, "GET", site+"/raw/none", "")
	p.want(200, "GET", site+"/branches/main", "", `"message":"Begin`)
	p.want(200, "GET", site+"/branches", "", `"name":"main"`)
	p.want(404, "GET", site+"/branches/none", "")
	p.want(200, "GET", site+"/commits?path=content/posts/a.md&sha=main&stat=false", "", `"author":{"date":`, `"name":"Practice"`)
}

// sha is the blob of a file, as a client looks it up.
func (p *practice) sha(file string) string {
	p.t.Helper()
	var tree struct{ Tree []item }
	_, text := p.as(p.token, "GET", site+"/git/trees/main?recursive=1", "")
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		p.t.Fatal(err)
	}
	for _, i := range tree.Tree {
		if i.Path == file {
			return string(i.SHA)
		}
	}
	return ""
}

func TestLargeTreesComeInPages(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 1005 {
		files[fmt.Sprintf("p/%04d", i)] = ""
	}
	p := start(t, files)
	p.want(200, "GET", site+"/git/trees/main?recursive=1", "", `"truncated":true`, `"total_count":1006`)
	p.want(200, "GET", site+"/git/trees/main?recursive=1&page=2", "", `"truncated":false`, `"path":"p/1004"`)
}

func TestSavingEntriesWithPictures(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	b64 := base64.StdEncoding.EncodeToString
	save := fmt.Sprintf(`{"branch":"main","message":"Create Post","files":[
		{"operation":"create","path":"static/x.png","content":%q},
		{"operation":"update","path":"content/posts/a.md","content":%q,"sha":%q}]}`,
		b64([]byte{0, 9}), b64([]byte("new\n")), p.sha("content/posts/a.md"))
	p.want(201, "POST", site+"/contents", save, `"sha"`, `"verification"`, `"path":"static/x.png"`)
	if text := p.want(200, "GET", site+"/raw/content/posts/a.md", ""); text != "new\n" {
		t.Errorf("%q", text)
	}
	p.want(200, "GET", site+"/commits?path=static/x.png", "", `"Ben Hollow"`)
	p.want(422, "POST", site+"/contents", save) // it is there, and the other one changed

	rename := fmt.Sprintf(`{"branch":"main","message":"m","author":{"name":"N","email":"n@example.org"},"dates":{"author":"2026-01-02T03:04:05Z"},
		"files":[{"operation":"update","path":"content/posts/c.md","from_path":"content/posts/a.md","content":"","sha":%q}]}`, p.sha("content/posts/a.md"))
	p.want(201, "POST", site+"/contents", rename, `"name":"N"`)
	p.want(404, "GET", site+"/raw/content/posts/a.md", "")
	p.want(201, "POST", site+"/contents", fmt.Sprintf(`{"branch":"main","message":"m","files":[{"operation":"delete","path":"static/x.png","sha":%q}]}`, p.sha("static/x.png")), `"files":[null]`)
	p.want(201, "POST", site+"/contents", `{"branch":"main","new_branch":"other","message":"m","files":[{"operation":"upload","path":"u","content":""}]}`)
	p.want(200, "GET", site+"/branches/other", "")
}

func TestCommitsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	for name, file := range map[string]string{
		"there already":  `{"operation":"create","path":"pic.png","content":""}`,
		"not there":      `{"operation":"update","path":"none","content":"","sha":"x"}`,
		"no sha":         `{"operation":"update","path":"pic.png","content":""}`,
		"another sha":    `{"operation":"delete","path":"pic.png","sha":"0000000000000000000000000000000000000000"}`,
		"no base64":      `{"operation":"create","path":"x","content":"***"}`,
		"no path to be":  `{"operation":"create","path":"../x","content":""}`,
		"no such action": `{"operation":"nonsense","path":"x","content":""}`,
	} {
		if status, text := p.as(p.token, "POST", site+"/contents", `{"branch":"main","files":[`+file+`]}`); status != 422 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	p.want(404, "POST", site+"/contents", `{"branch":"none","files":[]}`)
	p.want(409, "POST", site+"/contents", `{"branch":"main","new_branch":"main/x","files":[{"operation":"create","path":"x","content":""}]}`)
}
