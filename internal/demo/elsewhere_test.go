package demo

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"gatehouse/internal/cms"
	gatehouseweb "gatehouse/web"
)

// fetch asks for an address under a host name, or under its own.
func fetch(t *testing.T, address, host string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func TestNothingIsLeftOfADemo(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d := prepare(t, t.TempDir(), &[]string{})
	for _, p := range d.elsewhere.hosts {
		if res, _ := fetch(t, p.Page+"/", ""); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", p.Page, res.StatusCode)
		}
	}
	ports := d.elsewhere.ports()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, port := range ports {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Errorf("the port of %s is still taken: %v", name, err)
			continue
		}
		_ = l.Close()
	}
}

func TestADemoThatDoesNotComeAboutLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sites", "kitchen.git"), 0o700); err != nil { // no repository
		t.Fatal(err)
	}
	if d, err := Prepare(t.Context(), Options{Addr: "127.0.0.1:1", Dir: dir, Step: func(string) func() { return func() {} }}); err == nil {
		t.Error(d.Close(), "a broken sample was taken")
	}
}

func TestTheSecondStartKeepsThePortsElsewhere(t *testing.T) {
	dir := t.TempDir()
	d := prepare(t, dir, &[]string{})
	first, secret := d.elsewhere.ports(), read(t, filepath.Join(dir, "hosts", "github.secret"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first["gitlab"]))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	again := prepare(t, dir, &[]string{})
	second := again.elsewhere.ports()
	for name, port := range first {
		if (second[name] == port) != (name != "gitlab") {
			t.Errorf("%s was at %d, is at %d", name, port, second[name])
		}
	}
	if len(second) != 5 {
		t.Errorf("ports %v", second)
	}
	if read(t, filepath.Join(dir, "hosts", "github.secret")) != secret {
		t.Error("the secret was made anew")
	}
	if text := read(t, filepath.Join(dir, "gatehouse.yaml")); !strings.Contains(text, again.elsewhere.hosts[1].URL) {
		t.Error("gatehouse.yaml has the former port")
	}
}

func TestSecretsOfThePracticeHostsArePrivate(t *testing.T) {
	dir := t.TempDir()
	d := prepare(t, dir, &[]string{})
	text := read(t, filepath.Join(dir, "gatehouse.yaml"))
	for i, c := range d.Config.Connectors {
		file := filepath.Join(dir, "hosts", c.Kind+".secret")
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info, err)
		}
		secret := strings.TrimSpace(read(t, file))
		if len(secret) < 20 || c.ClientSecret.Reveal() != secret || strings.Contains(text, secret) {
			t.Errorf("the secret of connector %d is weak, another one, or in gatehouse.yaml", i)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "hosts", "empty.secret"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secretIn(filepath.Join(dir, "hosts", "empty.secret")); err == nil {
		t.Error("an empty secret is taken")
	}
}

// What does not change a demo is looked at in one.
func TestPagesElsewhere(t *testing.T) {
	d := prepare(t, t.TempDir(), &[]string{})
	t.Run("ports answer on this machine alone", func(t *testing.T) { answerOnThisMachineAlone(t, d) })
	t.Run("the CMS is the stock one", func(t *testing.T) { serveTheStockCMS(t, d) })
	t.Run("configurations can be read", func(t *testing.T) { haveReadableConfigurations(t, d) })
	t.Run("the club has a past at both hosts", func(t *testing.T) { haveAPast(t, d) })
	t.Run("every link leads somewhere", func(t *testing.T) { leadSomewhere(t, d) })
}

func answerOnThisMachineAlone(t *testing.T, d *Demo) {
	for name, port := range d.elsewhere.ports() {
		for host, refused := range map[string]bool{"": false, "localhost:1": false, "evil.example": true, "127.0.0.1.evil.example": true} {
			path := "/admin/"
			if !strings.HasSuffix(name, "page") {
				path = "/login/oauth/authorize"
			}
			res, _ := fetch(t, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), host)
			if (res.StatusCode == http.StatusMisdirectedRequest) != refused {
				t.Errorf("%s under the name %q: %d", name, host, res.StatusCode)
			}
		}
	}
}

func serveTheStockCMS(t *testing.T, d *Demo) {
	bundle, err := fs.Glob(gatehouseweb.CMS(), decap+"-*/decap-cms.js.gz")
	if err != nil || len(bundle) == 0 {
		t.Skip("the CMS bundles are not in this build: node web/bundles.mjs")
	}
	stored, err := fs.ReadFile(gatehouseweb.CMS(), bundle[0])
	if err != nil {
		t.Fatal(err)
	}
	page := d.elsewhere.hosts[0].Page + "/admin/"
	res, html := fetch(t, page, "")
	src := strings.TrimSuffix(bundle[0], ".gz")
	if !bytes.Contains(html, []byte(`<script src="`+src+`"></script>`)) || strings.Contains(res.Header.Get("Content-Security-Policy"), "unsafe-inline'; script") {
		t.Errorf("the page is\n%s", html)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+src, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	res, err = (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.Header.Get("Content-Encoding") != "gzip" || !bytes.Equal(got, stored) {
		t.Errorf("%d bytes with the coding %q, not the %d that are stored: %v", len(got), res.Header.Get("Content-Encoding"), len(stored), err)
	}
	if _, err := gzip.NewReader(bytes.NewReader(got)); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"../config.yml", "decap-cms-0.0.0/decap-cms.js", src + ".gz"} {
		if res, _ := fetch(t, page+wrong, ""); res.StatusCode == http.StatusOK {
			t.Errorf("%s is there", wrong)
		}
	}
}

func haveReadableConfigurations(t *testing.T, d *Demo) {
	for _, origin := range []string{d.elsewhere.hosts[0].Page, d.elsewhere.hosts[1].Page, d.elsewhere.Broken} {
		_, text := fetch(t, origin+"/admin/config.yml", "")
		if _, err := cms.Parse(text); err != nil {
			t.Errorf("%s: %v\n%s", origin, err, text)
		}
	}
}

func TestAMendedConfigurationIsKeptUntilAddressesChange(t *testing.T) {
	dir := t.TempDir()
	d := prepare(t, dir, &[]string{})
	file, page := d.elsewhere.BrokenFile, d.elsewhere.Broken+"/admin/config.yml"
	broken := read(t, file)
	mended := strings.Replace(broken, d.URL+"/auth", d.URL, 1)
	write(t, file, mended)
	if _, got := fetch(t, page, ""); string(got) != mended {
		t.Error("a change of the file is not seen at once")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = prepare(t, dir, &[]string{})
	if read(t, file) != mended {
		t.Error("the second start broke it again")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, file, strings.ReplaceAll(mended, d.URL, "http://127.0.0.1:1"))
	prepare(t, dir, &[]string{})
	if read(t, file) != broken {
		t.Error("it names an address that Gatehouse is not at")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if res, _ := fetch(t, page, ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("without a file: %d", res.StatusCode)
	}
}

func haveAPast(t *testing.T, d *Demo) {
	var logs []string
	for _, p := range d.elsewhere.hosts {
		out, err := exec.Command("git", "-C", d.elsewhere.repository(p), "log", "--format=%an: %s", "main").Output()
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, string(out))
		if !strings.Contains(string(out), "Hanne Vik: ") || strings.Count(string(out), "\n") < 5 {
			t.Errorf("%s has\n%s", p.Title, out)
		}
		if strings.Contains(string(out), "Piers") {
			t.Error("somebody wrote who may not")
		}
	}
	if !slices.Equal(logs[:1], logs[1:]) {
		t.Error("the hosts differ")
	}
}

func leadSomewhere(t *testing.T, d *Demo) {
	origin := d.elsewhere.hosts[0].Page
	seen, queue := map[string]bool{}, []string{"/"}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		res, page := fetch(t, origin+at, "")
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, m := range address.FindAllSubmatch(page, -1) {
			if strings.HasPrefix(string(m[1]), "/") {
				queue = append(queue, string(m[1]))
			}
		}
	}
	for _, want := range []string{"/notices/", "/notices/night-sail/", "/moorings", "/images/haven.svg", styleSheet} {
		if !seen[want] {
			t.Errorf("nothing leads to %s", want)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
