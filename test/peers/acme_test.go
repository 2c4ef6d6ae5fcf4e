package peers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const domain = "cms.gatehouse.test"

// Certificates come from an ACME server that really checks, by TLS-ALPN-01,
// that the domain leads here. A second start uses what the first one got: each
// order counts against a limit of the authority.
func TestCertificateIsOrderedOnce(t *testing.T) {
	ca := startAuthority(t)
	dir := t.TempDir()
	address := net.JoinHostPort("127.0.0.1", ca.validated)
	config := fmt.Sprintf(`url: https://%s
listen: %s
tls:
  domains: [%s]
  email: operator@gatehouse.test
  directory: %s
  ca: %s
sites: [{name: blog, backend: {repo: blog.git}}]
`, domain, address, domain, ca.directory, ca.root)
	run(t, "git", "init", "-q", "--bare", "-b", "main", filepath.Join(dir, "blog.git"))
	write(t, filepath.Join(dir, "gatehouse.yaml"), config)
	program := build(t, "../..", "./cmd/gatehouse")

	first := start(t, program, "serve", "--config", filepath.Join(dir, "gatehouse.yaml"))
	first.waitFor(t, "msg=listening")
	before := ca.serial(t, address)
	if n := ca.orders(); n != 1 {
		t.Errorf("%d orders for one domain", n)
	}
	first.stop(t)

	second := start(t, program, "serve", "--config", filepath.Join(dir, "gatehouse.yaml"))
	second.waitFor(t, "msg=listening")
	if after := ca.serial(t, address); after != before {
		t.Errorf("after a restart the certificate is %s, before it %s", after, before)
	}
	if n := ca.orders(); n != 1 {
		t.Errorf("%d orders after a restart", n)
	}
	second.stop(t)
}

// authority is an ACME server, with a name server to which every name is this
// machine.
type authority struct {
	directory string // URL
	root      string // file that vouches for the directory's own certificate
	validated string // the port at which domains are looked for
	manage    string // URL of what a test may ask
	server    *process
	client    *http.Client
}

func startAuthority(t *testing.T) *authority {
	t.Helper()
	dir := t.TempDir()
	certificate, key := selfSigned(t, dir)
	ports := freePorts(t, 4)
	names, api, manage := "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1], "127.0.0.1:"+ports[2]
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": api, "managementListenAddress": manage, "certificate": certificate, "privateKey": key,
		// Nobody listens on port 1: only TLS-ALPN-01 can succeed.
		"tlsPort": port(t, ports[3]), "httpPort": 1, "retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	write(t, file, string(settings))

	dns := start(t, build(t, ".", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"),
		"-dnsserver", names, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-management", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "")
	dns.listening(t, names)
	a := &authority{
		directory: "https://" + api + "/dir", root: certificate, validated: ports[3], manage: "https://" + manage,
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots(t, certificate)}}},
	}
	a.server = start(t, build(t, ".", "github.com/letsencrypt/pebble/v2/cmd/pebble"), "-strict", "-config", file, "-dnsserver", names)
	a.server.listening(t, api)
	a.server.listening(t, manage)
	t.Cleanup(a.client.CloseIdleConnections)
	return a
}

// orders is how many certificates were asked for.
func (a *authority) orders() int { return strings.Count(a.server.output(), "Added order") }

// issuing is what the certificates that it makes go back to.
func (a *authority) issuing(t *testing.T) *x509.CertPool {
	t.Helper()
	res, err := a.client.Get(a.manage + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.pem")
	write(t, file, string(text))
	return roots(t, file)
}

// serial asks the server at address whether it is well, over a connection that
// has to prove the domain, and answers its certificate's number.
func (a *authority) serial(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: a.issuing(t), ServerName: domain},
		DisableKeepAlives: true,
	}}
	res, err := client.Get("https://" + address + "/healthz")
	if err != nil {
		t.Fatalf("%v\n%s", err, a.server.output())
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status %s", res.Status)
	}
	return res.TLS.PeerCertificates[0].SerialNumber.String()
}

func roots(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		t.Fatalf("no certificate in %s", file)
	}
	return pool
}
