package connector_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/connector"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
)

// authority is a certificate and its key, in PEM.
func authority(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return block("CERTIFICATE", der), block("EC PRIVATE KEY", raw)
}

func TestEachFieldIsChecked(t *testing.T) {
	cert, key := authority(t)
	s := newSet(t, entry("lab", provider.GitLab), entry("old", provider.GitHub, func(e *connector.Entry) { e.Callback = "/callback" }))
	type change = func(*connector.Entry)
	for _, x := range []struct {
		field  string
		change change
		says   string
	}{
		{"name", func(e *connector.Entry) { e.Name = "" }, "lower-case"},
		{"name", func(e *connector.Entry) { e.Name = "Hub" }, "lower-case"},
		{"name", func(e *connector.Entry) { e.Name = "a/b" }, "lower-case"},
		{"name", func(e *connector.Entry) { e.Name = strings.Repeat("a", 64) }, "63"},
		{"name", func(e *connector.Entry) { e.Name = "selftest" }, "selftest"},
		{"name", func(e *connector.Entry) { e.Name = "new" }, "new"},
		{"kind", func(e *connector.Entry) { e.Kind, e.URL = "sourcehut", "https://sr.example" }, "forgejo"},
		{"kind", func(e *connector.Entry) { e.Kind, e.URL = "", "https://sr.example" }, "forgejo"},
		{"url", func(e *connector.Entry) { e.Kind, e.URL = provider.Gitea, "" }, "git.example.org"},
		{"client_id", func(e *connector.Entry) { e.ClientID = "" }, "client ID"},
		{"client_id", func(e *connector.Entry) { e.ClientID = "two words" }, "one word"},
		{"client_id", func(e *connector.Entry) { e.ClientID = "schlüssel" }, "one word"},
		{"client_id", func(e *connector.Entry) { e.ClientID = "123456" }, "begins with Iv"},
		{"client_secret", func(e *connector.Entry) { e.Secret = "" }, "client secret"},
		{"client_secret", func(e *connector.Entry) { e.Secret = "first\nsecond" }, "one word"},
		{"client_secret", func(e *connector.Entry) { e.Secret = strings.Repeat("x", 600) }, "one word"},
		{"app", func(e *connector.Entry) { e.ClientID = "Iv23abc" }, "github.com/apps/NAME"},
		{"app", func(e *connector.Entry) { e.Slug = "An App" }, "github.com/apps/NAME"},
		{"app", func(e *connector.Entry) { e.Kind, e.Slug = provider.GitLab, "app" }, "Only GitHub"},
		{"scope", func(e *connector.Entry) { e.Scope = "repo,delete_repo" }, "delete_repo"},
		{"scope", func(e *connector.Entry) { e.Slug, e.Scope = "app", "repo" }, "permissions"},
		{"scope", func(e *connector.Entry) { e.Kind, e.Scope = provider.Bitbucket, "account" }, "at the host"},
		{"sites", func(e *connector.Entry) { e.Sites = []string{"a b"} }, "gatehouse.yaml"},
		{"callback", func(e *connector.Entry) { e.Callback = "/login" }, "/oauth/redirect"},
		{"callback", func(e *connector.Entry) { e.Callback = "/callback/lab" }, "not answered"},
		{"callback", func(e *connector.Entry) { e.Callback = "/callback" }, "connector old"},
		{"ca", func(e *connector.Entry) { e.CA = "hello" }, "BEGIN CERTIFICATE"},
		{"ca", func(e *connector.Entry) { e.CA = cert + "and more" }, "BEGIN CERTIFICATE"},
		{"ca", func(e *connector.Entry) { e.CA = cert + key }, "keep keys to yourself"},
		{"ca", func(e *connector.Entry) { e.CA = strings.Replace(cert, "MI", "IM", 1) }, "damaged"},
		{"ca", func(e *connector.Entry) { e.CA = strings.Repeat(cert, 200) }, "too much"},
		{"proxy", func(e *connector.Entry) { e.Proxy = "proxy:3128" }, "http://host:port"},
		{"proxy", func(e *connector.Entry) { e.Proxy = "socks5://proxy:1080" }, "http://host:port"},
		{"proxy", func(e *connector.Entry) { e.Proxy = "http://me:hush-hush@proxy:99999999999/x" }, "http://host:port"},
		{"proxy", func(e *connector.Entry) { e.Proxy = "http://proxy:3128/path" }, "more than"},
	} {
		e := entry("hub", provider.GitHub, x.change)
		err := s.Add(t.Context(), e)
		var problems connector.Problems
		if !fault.Is(err, fault.Invalid) || !errors.As(err, &problems) || len(problems) != 1 || problems[0].Field != x.field || !strings.Contains(problems[0].Message, x.says) {
			t.Errorf("%s, %q: %v", x.field, x.says, err)
			continue
		}
		if e.Secret != "" && strings.Contains(err.Error()+fault.Message(err), e.Secret) || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("%s: the error quotes a secret", x.field)
		}
		if !strings.Contains(fault.Message(err), x.field) {
			t.Errorf("%s is not named by %q", x.field, fault.Message(err))
		}
	}
	add(t, s, entry("good", provider.GitHub, func(e *connector.Entry) {
		e.ClientID, e.Slug, e.CA = "Iv23abc", "https://github.com/apps/our-app/", "\r\n"+strings.ReplaceAll(cert+cert, "\n", "\r\n")
		e.Callback, e.Proxy = "/callback/good", "https://me:pass@proxy.example"
	}), entry("scoped", provider.Forgejo, func(e *connector.Entry) { e.Scope = "read:user,write:repository" }))
	if c, err := s.Get(t.Context(), "good"); err != nil || c.Slug != "our-app" || c.CA != cert+cert || c.Callback != "" {
		t.Errorf("%v %+v", err, c)
	}
}

func TestAddressesAreChecked(t *testing.T) {
	s := newSet(t)
	for _, address := range []string{"http://git.example.org", "https://me:pw@git.example.org", "https://git.example.org?x=1", "ftp://git.example.org"} {
		for _, field := range []string{connector.FieldURL, connector.FieldAPI} {
			e := entry("forge", provider.Gitea)
			if field == connector.FieldURL {
				e.URL = address
			} else {
				e.API = address
			}
			var problems connector.Problems
			if err := s.Add(t.Context(), e); !errors.As(err, &problems) || len(problems) != 1 || problems[0].Field != field {
				t.Errorf("%s %s: %v", field, address, err)
			}
		}
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	p, err := newSet(t).Check(t.Context(), connector.Entry{}, false)
	if err != nil {
		t.Fatal(err)
	}
	fields := make([]string, len(p))
	for i, x := range p {
		fields[i] = x.Field
	}
	if got := strings.Join(fields, " "); got != "name kind url client_id client_secret" {
		t.Errorf("%s", got)
	}
}

func TestFileIsHeldToTheSameRules(t *testing.T) {
	if err := connector.CheckFile([]connector.Entry{entry("hub", provider.GitHub), entry("lab", provider.GitLab)}); err != nil {
		t.Fatal(err)
	}
	err := connector.CheckFile([]connector.Entry{
		entry("hub", provider.GitHub),
		entry("hub", provider.GitLab),
		entry("lab", provider.GitLab, func(e *connector.Entry) { e.CA = "no" }),
	})
	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	for _, want := range []string{"connector hub, name", "connector lab, ca"} {
		if !strings.Contains(fault.Message(err), want) {
			t.Errorf("no %q in %q", want, fault.Message(err))
		}
	}
}

func TestLogsHoldNoSecret(t *testing.T) {
	var out bytes.Buffer
	e := entry("hub", provider.GitHub, func(e *connector.Entry) { e.Proxy = "http://me:hush@proxy" })
	slog.New(slog.NewTextHandler(&out, nil)).Info("added", "connector", e)
	for _, x := range []any{e, &e, []connector.Entry{e}, struct{ Entry connector.Entry }{e}} {
		_, _ = fmt.Fprintf(&out, "%v %+v %#v %s %q\n", x, x, x, x, x)
	}
	if strings.Contains(out.String(), secret) || strings.Contains(out.String(), "hush") || !strings.Contains(out.String(), "hub") {
		t.Error(out.String())
	}
}

// Whatever somebody types as a proxy, nothing that could be a password is shown.
func FuzzShownProxy(f *testing.F) {
	for _, seed := range []string{"http://me:hush@proxy:3128", "me:hush@proxy", "http://me:hu@sh@proxy", "http://%zz:hush@p", "//:@", "https://a:b@[::1]:1/?q#f", "http://proxy?me:hush@x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, proxy string) {
		e := connector.Entry{Connector: connector.Connector{Proxy: proxy}}
		shown := e.Shown().Proxy
		u, err := url.Parse(shown)
		if err == nil && u.User != nil {
			if _, has := u.User.Password(); has {
				t.Errorf("%q is shown as %q", proxy, shown)
			}
		}
		again := connector.Entry{Connector: connector.Connector{Proxy: shown}}
		if twice := again.Shown().Proxy; twice != shown {
			t.Errorf("%q is shown as %q, and that as %q", proxy, shown, twice)
		}
	})
}
