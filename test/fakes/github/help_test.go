package github_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"gatehouse/test/fakes"
	"gatehouse/test/fakes/github"
)

type obj = map[string]any

// host is a server with the seed's people and repositories, reached by HTTP.
type host struct {
	t     *testing.T
	s     *github.Server
	oauth *fakes.Server
	url   string
}

const (
	oauthApp  = "oauth-app"
	githubApp = "github-app"
)

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, oauth: fakes.New(fakes.GitHub(), nil)}
	h.oauth.AddApp(fakes.App{ID: oauthApp, Secret: "s3cret", Name: "OAuth app"})
	h.oauth.AddApp(fakes.App{ID: githubApp, Secret: "s3cret", Name: "GitHub App", Slug: "the-app", ExpiringTokens: true})
	var handler http.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	h.url = web.URL
	s, err := github.New(github.Options{Dir: t.TempDir(), Web: web.URL, API: web.URL + "/api/v3", OAuth: h.oauth})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	handler, h.s = s, s
	if err := github.Seed(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	return h
}

// client is somebody who calls the API with a token.
type client struct {
	*host
	token string
	auth  string // instead of the token, if not empty
	head  http.Header
}

func (h *host) as(login string, scopes ...string) *client {
	h.t.Helper()
	if scopes == nil {
		scopes = []string{"repo"}
	}
	return h.with(oauthApp, login, scopes, nil)
}

func (h *host) with(app, login string, scopes []string, repositories []int64) *client {
	h.t.Helper()
	tok, ok := h.oauth.Issue(app, login, scopes, repositories)
	if !ok {
		h.t.Fatalf("no token for %s", login)
	}
	return &client{host: h, token: tok.Value}
}

// answer is what the API said.
type answer struct {
	t      *testing.T
	what   string
	status int
	head   http.Header
	body   []byte
	value  any
}

func (c *client) do(method, path string, body any) *answer {
	c.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	if !strings.HasPrefix(path, "http") {
		path = c.url + "/api/v3" + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, path, in)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.head != nil {
		req.Header = c.head.Clone()
	}
	if c.auth != "" {
		req.Header.Set("Authorization", c.auth)
	} else if c.token != "" {
		req.Header.Set("Authorization", "token "+c.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	a := &answer{t: c.t, what: method + " " + path, status: res.StatusCode, head: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatal(err)
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(a.body, &a.value); err != nil {
			c.t.Fatalf("%s: %v", a.what, err)
		}
	}
	return a
}

func (c *client) get(path string) *answer { c.t.Helper(); return c.do("GET", path, nil) }

// is wants a status.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %.400s", a.what, a.status, status, a.body)
	}
	return a
}

// says wants a status and a message.
func (a *answer) says(status int, message string) *answer {
	a.t.Helper()
	a.is(status)
	if got := a.str("message"); got != message {
		a.t.Fatalf("%s: message %q, want %q", a.what, got, message)
	}
	return a
}

// at is what the answer holds at a path of names and numbers.
func (a *answer) at(path ...any) any {
	a.t.Helper()
	v := a.value
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(obj)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				a.t.Fatalf("%s: no %v in %.400s", a.what, path, a.body)
			}
			v = l[p]
		}
	}
	return v
}

func (a *answer) str(path ...any) string {
	a.t.Helper()
	v, _ := a.at(path...).(string)
	return v
}

func (a *answer) num(path ...any) int {
	a.t.Helper()
	v, _ := a.at(path...).(float64)
	return int(v)
}

func (a *answer) list(path ...any) []any {
	a.t.Helper()
	v, ok := a.at(path...).([]any)
	if !ok {
		a.t.Fatalf("%s: %v is no list: %.400s", a.what, path, a.body)
	}
	return v
}

// names are one member of all objects in a list.
func (a *answer) names(member string, path ...any) string {
	a.t.Helper()
	var out []string
	for _, v := range a.list(path...) {
		m, _ := v.(obj)
		out = append(out, fmt.Sprint(m[member]))
	}
	return strings.Join(out, " ")
}

// gitOut runs git in a repository and answers what it prints.
func (h *host) gitOut(repo string, args ...string) string {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), "git", args...)
	cmd.Dir = h.s.Dir(repo)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// commit does what the CMS does for one commit: blobs, tree, commit. An empty
// text deletes the file. It answers the commit.
func (c *client) commit(repo, parent, message string, files map[string]string) string {
	c.t.Helper()
	var lines []obj
	for path, text := range files {
		line := obj{"path": path, "mode": "100644", "type": "blob", "sha": nil}
		if text != "" {
			line["sha"] = c.do("POST", "/repos/"+repo+"/git/blobs", obj{"content": b64(text), "encoding": "base64"}).is(201).str("sha")
		}
		lines = append(lines, line)
	}
	tree := c.do("POST", "/repos/"+repo+"/git/trees", obj{"base_tree": parent, "tree": lines}).is(201).str("sha")
	return c.do("POST", "/repos/"+repo+"/git/commits", obj{"message": message, "tree": tree, "parents": []string{parent}}).is(201).str("sha")
}

func (c *client) headOf(repo, branch string) string {
	c.t.Helper()
	return c.get("/repos/"+repo+"/branches/"+strings.ReplaceAll(branch, "/", "%2F")).is(200).str("commit", "sha")
}

// draft does what the CMS does for a first draft: a branch, a pull request, a
// label. It answers the pull request's number.
func (c *client) draft(branch string, files map[string]string) int {
	c.t.Helper()
	const repo = github.SeedSite
	id := c.commit(repo, c.headOf(repo, "main"), "Create "+branch, files)
	c.do("POST", "/repos/"+repo+"/git/refs", obj{"ref": "refs/heads/" + branch, "sha": id}).is(201)
	n := c.do("POST", "/repos/"+repo+"/pulls", obj{"title": "Create " + branch, "body": "Automatically", "head": "meadow:" + branch, "base": "main"}).is(201).num("number")
	c.do("PUT", fmt.Sprintf("/repos/%s/issues/%d/labels", repo, n), obj{"labels": []string{"decap-cms/draft"}}).is(200)
	return n
}
