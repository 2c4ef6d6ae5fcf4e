package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
)

func client(t *testing.T, o outbound.Options) *http.Client {
	t.Helper()
	c, err := outbound.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err == nil {
		t.Cleanup(func() { _ = res.Body.Close() })
	}
	return res, err
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Errorf("%s was asked for", r.URL.Path)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
	}))
	defer srv.Close()
	res, err := get(t, client(t, outbound.Options{}), srv.URL)
	if err != nil || res.StatusCode != http.StatusFound {
		t.Fatalf("%v %v", res, err)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			_, _ = w.Write(make([]byte, 1000))
		case "/over":
			_, _ = w.Write(make([]byte, 1001))
		case "/endless":
			for block := make([]byte, 64<<10); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb(64 << 20))
		}
	}))
	defer srv.Close()
	c := client(t, outbound.Options{MaxBody: 1000})
	for path, want := range map[string]error{"/exact": nil, "/over": outbound.ErrTooLarge, "/endless": outbound.ErrTooLarge, "/bomb": outbound.ErrTooLarge} {
		res, err := get(t, c, srv.URL+path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if !errors.Is(err, want) || len(body) != 1000 {
			t.Errorf("%s: %d bytes and %v, want 1000 and %v", path, len(body), err, want)
		}
		if _, err := res.Body.Read(make([]byte, 1)); want != nil && !errors.Is(err, want) {
			t.Errorf("%s: reading on: %v", path, err)
		}
		_ = res.Body.Close() // or the server waits for the endless one
	}
}

func bomb(size int) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, size))
	_ = z.Close()
	return b.Bytes()
}

func TestHeadersAreBounded(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
	}))
	defer srv.Close()
	if _, err := get(t, client(t, outbound.Options{}), srv.URL); err == nil {
		t.Error("a header of a megabyte was read")
	}
}

func TestSilentServersAreGivenUp(t *testing.T) {
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = w.Write([]byte("a"))
			_ = http.NewResponseController(w).Flush()
		}
		<-done
	}))
	defer srv.Close()
	defer close(done)
	c := client(t, outbound.Options{Timeout: 50 * time.Millisecond})
	var u *url.Error
	if _, err := get(t, c, srv.URL); !errors.As(err, &u) || !u.Timeout() {
		t.Errorf("no answer: %v", err)
	}
	res, err := get(t, c, srv.URL+"/body")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("half an answer: %v", err)
	}
}

func TestAgent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.UserAgent())
	}))
	defer srv.Close()
	for agent, want := range map[string]string{"": "Gatehouse", "doctor": "doctor"} {
		res, err := get(t, client(t, outbound.Options{Agent: agent}), srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(res.Body); string(got) != want {
			t.Errorf("%q is sent as %q", agent, got)
		}
	}
}

func TestPrivateCA(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake is no news
	srv.StartTLS()
	defer srv.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if _, err := get(t, client(t, outbound.Options{CA: ca}), srv.URL); err != nil {
		t.Error(err)
	}
	if _, err := get(t, client(t, outbound.Options{}), srv.URL); err == nil {
		t.Error("a certificate of nobody's was taken")
	}
	if _, err := outbound.New(outbound.Options{CA: []byte("-----BEGIN NOTHING-----")}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a CA without certificates: %v", err)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	c := client(t, outbound.Options{})
	for _, host := range []string{
		"10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "198.18.0.1",
		"[fe80::1]", "[fd00::1]", "[::]", "[::ffff:10.0.0.1]", "[::ffff:100.64.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:a00:1::]", "[2001::1]", "[fec0::1]", "[ff02::1]",
	} {
		if _, err := get(t, c, "http://"+host+"/"); !errors.Is(err, outbound.ErrPrivate) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// An operator whose proxy is on the local network has chosen it; the guard is
// for where a host's name leads.
func TestProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
		w.WriteHeader(http.StatusTeapot)
	}))
	defer proxy.Close()
	direct := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer direct.Close()
	at, err := url.Parse(strings.Replace(proxy.URL, "http://", "http://user:hunter2@", 1))
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, outbound.Options{Proxy: at})
	if res, err := get(t, c, "http://git.example/x"); err != nil || res.StatusCode != http.StatusTeapot {
		t.Errorf("through the proxy: %v %v", res, err)
	}
	if _, err := get(t, c, "https://git.example/x?key=hunter2"); err == nil || strings.Contains(outbound.Redact(err).Error(), "hunter2") {
		t.Errorf("a proxy that refuses: %v", err)
	}
	if _, err := get(t, c, "http://169.254.169.254/"); !errors.Is(err, outbound.ErrPrivate) {
		t.Errorf("metadata through the proxy: %v", err)
	}
	if res, err := get(t, c, direct.URL); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("loopback: %v %v", res, err)
	}
	want := []string{"GET http://git.example/x Basic dXNlcjpodW50ZXIy", "CONNECT git.example:443 Basic dXNlcjpodW50ZXIy"}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("the proxy was asked for %q", asked)
	}
	inside := client(t, outbound.Options{Proxy: at, Private: true})
	if res, err := get(t, inside, "http://10.0.0.1/"); err != nil || res.StatusCode != http.StatusTeapot {
		t.Errorf("a private address that may be: %v %v", res, err)
	}
	for _, bad := range []string{"socks5://127.0.0.1:1080", "http://", "/x"} {
		u, err := url.Parse(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := outbound.New(outbound.Options{Proxy: u}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRedact(t *testing.T) {
	c := client(t, outbound.Options{})
	_, err := get(t, c, "http://user:hunter2@127.0.0.1:1/hook/hunter2?key=hunter2#hunter2")
	if err == nil {
		t.Fatal("there is a server on port 1")
	}
	got := outbound.Redact(err)
	if strings.Contains(got.Error(), "hunter2") || !strings.Contains(got.Error(), "http://127.0.0.1:1") {
		t.Error(got)
	}
	if plain := errors.New("x"); !errors.Is(outbound.Redact(plain), plain) || outbound.Redact(nil) != nil {
		t.Error("errors without a URL change")
	}
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{
		"https://github.com", "https://github.com/", "https://git.example:8443", "https://git.example/gitlab", "https://git.example/a/b/",
		"http://127.0.0.1:3000", "http://localhost", "http://[::1]:3000", "http://127.8.9.1/x",
	} {
		if err := outbound.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "github.com", "//github.com", "http://github.com", "http://localhost.example.org", "http://10.0.0.1", "ftp://github.com", "https://",
		"https://user@github.com", "https://user:hunter2@github.com", "https://github.com?x=hunter2", "https://github.com/?", "https://github.com#x", "https://github.com#",
		"https://github.com/..", "https://github.com/a/../b", "https://github.com//a", "https://github.com/%2e%2e/", "https://github.com:0", "https://github.com:70000",
		"https://github.com:", "https:github.com", " https://github.com", "https://git hub.com", "https://[::1", "javascript:alert(1)", "https:///x",
	} {
		err := outbound.CheckURL(bad)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q is repeated: %v", bad, err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://github.com/x", "http://127.0.0.1:1", "https://a@b", "http://[::1%25lo]:3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if outbound.CheckURL(raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			t.Errorf("%q passes: %v %v", raw, u, err)
		}
	})
}
