package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "seven quiet herons"

// town is a directory with repositories and a configuration, and the server
// that runs on it.
type town struct {
	*app.App
	dir  string
	srv  *httptest.Server
	http *http.Client // with cookies; follows no redirect
	log  *buffer
}

// buffer is a log that many may write to.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const twoSites = `
sites:
  - {name: blog, title: The Blog, backend: {repo: blog.git}}
  - {name: shop, title: The Shop, hosts: [shop.example], origins: ["https://shop.example"], backend: {repo: shop.git}}
`

// plan makes the repositories blog.git and shop.git.
func plan(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"blog", "shop"} {
		if err := app.Starter(t.Context(), filepath.Join(dir, name+".git"), name); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func logTo(b *buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func load(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	file := filepath.Join(dir, "gatehouse.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// build starts a server in which Mara edits the blog and Olga operates.
func build(t *testing.T, text string) *town {
	t.Helper()
	dir := plan(t)
	log := &buffer{}
	a, err := app.New(t.Context(), load(t, dir, text), app.Options{Log: logTo(log), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []identity.NewUser{
		{Email: "mara@example.org", Name: "Mara", Password: password, Roles: map[string][]string{"blog": {"editor"}}},
		{Email: "olga@example.org", Name: "Olga", Password: password, Operator: true},
	} {
		if _, err := a.Identity.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(a)
	t.Cleanup(func() {
		srv.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	return &town{App: a, dir: dir, srv: srv, http: client, log: log}
}

type answer struct {
	status int
	header http.Header
	text   string
}

// ask sends a request; target is a path, or //host/path for another Host.
func (b *town) ask(t *testing.T, method, target, body string, header ...string) answer {
	t.Helper()
	host := ""
	if rest, ok := strings.CutPrefix(target, "//"); ok {
		var path string
		host, path, _ = strings.Cut(rest, "/")
		target = "/" + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, b.srv.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = target // as it is, dots and all
	req.Host = host
	if host != "" { // the cookies of a jar go by the URL, not by Host
		for _, c := range b.http.Jar.Cookies(mustURL(t, b.srv.URL)) {
			req.AddCookie(c)
		}
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (b *town) signIn(t *testing.T, email string) {
	t.Helper()
	form := url.Values{"email": {email}, "password": {password}}
	a := b.ask(t, "POST", "/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if a.status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d %s", a.status, a.text)
	}
}

// call does one action of the content API.
func (b *town) call(t *testing.T, site, action string, params any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"action": action, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	return b.ask(t, "POST", "/s/"+site+"/api/v1", string(body), "Content-Type", "application/json")
}

func run(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return strings.TrimSpace(string(out))
}
