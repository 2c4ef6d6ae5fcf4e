package app_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/app"
)

func TestReloadAddsAndRemovesSites(t *testing.T) {
	b := build(t, `sites: [{name: blog, backend: {repo: blog.git}}]`)
	if a := b.ask(t, "GET", "/s/shop/login", ""); a.status != 404 {
		t.Fatalf("shop is there already: %d", a.status)
	}
	if err := b.Reload(t.Context(), load(t, b.dir, twoSites)); err != nil {
		t.Fatal(err)
	}
	if a := b.ask(t, "GET", "/s/shop/login", ""); a.status != 200 {
		t.Errorf("shop: %d", a.status)
	}
	if err := b.Reload(t.Context(), load(t, b.dir, `sites: [{name: shop, backend: {repo: shop.git}}]`)); err != nil {
		t.Fatal(err)
	}
	if a := b.ask(t, "GET", "/s/blog/login", ""); a.status != 404 {
		t.Errorf("blog: %d", a.status)
	}
}

func TestReloadThatCannotBeKeepsTheOld(t *testing.T) {
	b := build(t, twoSites)
	for text, message := range map[string]string{
		"listen: 127.0.0.1:1\nurl: http://127.0.0.1:8484\n" + twoSites: "listen has changed",
		"data: elsewhere\n" + twoSites:                                 "data has changed",
		"url: https://cms.example\n" + twoSites:                        "url has changed",
		`sites: [{name: blog, backend: {repo: blog.git, branch: no}}]`: "has no branch no",
	} {
		if err := b.Reload(t.Context(), load(t, b.dir, text)); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", message, err)
		}
		if a := b.ask(t, "GET", "/s/shop/login", ""); a.status != 200 {
			t.Errorf("after %q the old configuration is gone: %d", message, a.status)
		}
	}
}

// A request that came before a reload is answered by the server it came to, even
// when its site is gone.
func TestReloadLetsRequestsFinish(t *testing.T) {
	b := build(t, twoSites)
	b.signIn(t, "olga@example.org")
	body, send := io.Pipe()
	// The server asks for the body once the handler reads it: it is at work then.
	reading := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.srv.URL+"/s/blog/api/v1", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Expect", "100-continue")
	b.http.Transport = &http.Transport{ExpectContinueTimeout: time.Hour}
	done := make(chan string, 1)
	go func() {
		res, err := b.http.Do(req)
		if err != nil {
			done <- err.Error()
			return
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		done <- res.Status + " " + string(text)
	}()
	<-reading
	if err := b.Reload(t.Context(), load(t, b.dir, `sites: [{name: shop, backend: {repo: shop.git}}]`)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(send, `{"action":"entriesByFolder","params":{"folder":"content/posts","extension":"md","depth":1}}`); err != nil {
		t.Fatal(err)
	}
	_ = send.Close()
	if got := <-done; !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "Welcome to blog") {
		t.Errorf("answer %s", got)
	}
}

func TestCertificateIsReplacedByAReload(t *testing.T) {
	dir := plan(t)
	text := "url: https://127.0.0.1:8484\ntls: {cert: cert.pem, key: key.pem}\n" + twoSites
	certificate(t, dir, "first")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), load(t, dir, text), app.Options{Log: slog.New(slog.DiscardHandler), Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	if got := subject(t, l.Addr().String()); got != "first" {
		t.Errorf("certificate of %q", got)
	}
	certificate(t, dir, "second")
	if err := a.Reload(t.Context(), load(t, dir, text)); err != nil {
		t.Fatal(err)
	}
	if got := subject(t, l.Addr().String()); got != "second" {
		t.Errorf("after the reload: certificate of %q", got)
	}
	certificate(t, dir, "third")
	wrong := strings.Replace(text, "blog.git", "blog.git, branch: no", 1)
	if err := a.Reload(t.Context(), load(t, dir, wrong)); err == nil {
		t.Error("a branch that is not there was accepted")
	}
	if got := subject(t, l.Addr().String()); got != "second" {
		t.Errorf("after a reload that failed: certificate of %q", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func subject(t *testing.T, addr string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// certificate writes a self-signed one to cert.pem and key.pem.
func certificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Two houses share the repository for a moment: saves in both must all arrive.
func TestReloadsDuringSavesLoseNone(t *testing.T) {
	b := build(t, twoSites)
	b.signIn(t, "olga@example.org")
	const writers, each = 4, 5
	var saving sync.WaitGroup
	for w := range writers {
		saving.Go(func() {
			for i := range each {
				name := fmt.Sprintf("w%d-%d", w, i)
				a := b.call(t, "blog", "persistEntry", map[string]any{
					"dataFiles": []any{map[string]any{"slug": name, "path": "content/posts/" + name + ".md", "raw": "---\ntitle: X\n---\n"}},
					"assets":    []any{},
					"options":   map[string]any{"collectionName": "posts", "commitMessage": "Write " + name, "newEntry": true, "useWorkflow": w%2 == 0, "status": "draft"},
				})
				if a.status != 200 {
					t.Errorf("%s: %d %s", name, a.status, a.text)
				}
			}
		})
	}
	saved := make(chan struct{})
	go func() { saving.Wait(); close(saved) }()
	for over := false; !over; {
		if err := b.Reload(t.Context(), load(t, b.dir, twoSites)); err != nil {
			t.Error(err)
		}
		select {
		case <-saved:
			over = true
		default:
		}
	}
	repo := filepath.Join(b.dir, "blog.git")
	if got := strings.Count(run(t, repo, "git", "ls-tree", "-r", "--name-only", "main"), "content/posts/w"); got != writers/2*each {
		t.Errorf("%d of the published posts are there", got)
	}
	if got := strings.Count(run(t, repo, "git", "for-each-ref", "--format=%(refname)", "refs/heads/cms"), "\n") + 1; got != writers/2*each {
		t.Errorf("%d drafts are there", got)
	}
	run(t, repo, "git", "fsck", "--strict")
}
