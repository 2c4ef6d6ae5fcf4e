package peers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build compiles a program of the module in dir and answers its file.
func build(t *testing.T, dir, program string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), path.Base(program))
	cmd := exec.Command("go", "build", "-o", file, program)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", program, err, out)
	}
	return file
}

func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// process is a running program and what it has said.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed once it has ended
	err   error         // how; after ended

	mu   sync.Mutex
	said bytes.Buffer
	more chan struct{} // closed and replaced when it says more
}

// start runs a program until the test ends.
func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	// Bad luck is simulated elsewhere: here every nonce is good, and checks begin
	// at once.
	p.cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended when this fails
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", path.Base(program), p.output())
		}
	})
	return p
}

// Write keeps what the program says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.more)
	p.more = make(chan struct{})
	return p.said.Write(b)
}

func (p *process) output() string {
	text, _ := p.sofar()
	return text
}

func (p *process) sofar() (text string, more <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String(), p.more
}

// waitFor returns once the program has said a text.
func (p *process) waitFor(t *testing.T, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		said, more := p.sofar()
		if strings.Contains(said, text) {
			return
		}
		select {
		case <-more:
		case <-p.ended:
			t.Fatalf("it ended (%v) before it said %q", p.err, text)
		case <-limit:
			t.Fatalf("it never said %q", text)
		}
	}
}

// listening returns once the program accepts connections at an address.
func (p *process) listening(t *testing.T, address string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-p.ended:
			t.Fatalf("it ended (%v) before it listened on %s", p.err, address)
		case <-limit:
			t.Fatalf("it never listened on %s", address)
		}
	}
}

// stop asks the program to end, and waits until it has.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if p.err != nil {
		t.Errorf("it ended with %v", p.err)
	}
}

// freePorts finds ports of the loopback that nobody listens on. The programs
// here take a number and cannot say which one they got.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // only after all are found, so that they differ
		_, ports[i], err = net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
	}
	return ports
}

func port(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// selfSigned writes a certificate for 127.0.0.1, and its key.
func selfSigned(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return certificate, key
}
