package broker

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/provider"
	"gatehouse/internal/site"
	"gatehouse/internal/store"
)

const (
	ours  = "https://auth.test"
	shop  = "https://www.example.com" // the page of the site www
	evil  = "https://evil.example"
	local = "http://localhost:8080"
)

// world is a broker at https://auth.test with two sites and a host for each, and
// a clock that stands still until it is moved.
type world struct {
	*Handler
	t       *testing.T
	store   *store.Store
	file    string // of the store
	host    *host  // of the site www
	other   *host  // of the site org
	handler http.Handler
	log     *safeBuffer
	sites   []*site.Site
	entries []connector.Entry

	mu  sync.Mutex
	now time.Time
	out *safeBuffer // every answer: headers and bodies
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newWorld makes a world. The changes are applied to its sites and connectors
// before anything is built.
func newWorld(t *testing.T, changes ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, log: &safeBuffer{}, out: &safeBuffer{}, now: time.Now().Truncate(time.Second)}
	w.host, w.other = newHost(t, "gho", "acme/www"), newHost(t, "oth", "acme/org")
	w.sites = []*site.Site{
		{
			Name: "www", Title: "The Shop", Origins: []string{shop},
			Backend: site.Backend{Kind: provider.GitHub, Repo: "acme/www"}, Connectors: []string{"github"},
		},
		{
			Name: "org", Title: "The Club", Origins: []string{"https://www.other.org"},
			Backend: site.Backend{Kind: provider.GitHub, Repo: "acme/org"}, Connectors: []string{"club"},
		},
	}
	w.entries = []connector.Entry{
		{Connector: connector.Connector{Name: "github", Kind: provider.GitHub, URL: w.host.URL, API: w.host.URL + "/api", ClientID: "id-www"}, Secret: "secret-www"},
		{Connector: connector.Connector{Name: "club", Kind: provider.GitHub, URL: w.other.URL, API: w.other.URL + "/api", ClientID: "id-org"}, Secret: "secret-org"},
	}
	for _, change := range changes {
		change(w)
	}
	var err error
	w.file = filepath.Join(t.TempDir(), "gatehouse.db")
	if w.store, err = store.Open(t.Context(), w.file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	w.build()
	return w
}

// restart ends the server and starts it anew: nothing is left but the disk.
func (w *world) restart() {
	w.t.Helper()
	err := w.store.Close()
	if err != nil {
		w.t.Fatal(err)
	}
	if w.store, err = store.Open(w.t.Context(), w.file); err != nil {
		w.t.Fatal(err)
	}
	w.Handler = nil
	w.build()
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// build makes the handler, as a start or a reload does. The counters stay.
func (w *world) build() {
	t := w.t
	t.Helper()
	log := slog.New(api.LogHandler(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	pages, err := NewPages(os.DirFS("../../../web/broker"), log)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := site.NewDirectory(w.sites)
	if err != nil {
		t.Fatal(err)
	}
	limits := NewLimits(w.time)
	if w.Handler != nil {
		limits = w.Limits
	}
	w.Handler = &Handler{
		URL: ours, Sites: directory, Pages: pages, Limits: limits, Log: log, Now: w.time, Endpoints: []string{"/api/oauth/authorize"},
		Connectors:   connector.New(w.store, w.entries, connector.Options{Now: w.time}),
		Transactions: &auth.Transactions{Store: w.store, Secure: true, Now: w.time},
		Handles:      &auth.Handles{Store: w.store, Now: w.time},
		Audit:        &audit.Log{Store: w.store, Slog: log, Now: w.time},
	}
	mux := http.NewServeMux()
	w.Mount(mux)
	for _, s := range w.sites {
		sub := http.NewServeMux()
		w.MountSite(sub, s)
		mux.Handle("/s/"+s.Name+"/", http.StripPrefix("/s/"+s.Name, sub))
	}
	chain := api.Guard(mux)
	chain = api.TrustProxies([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, chain)
	chain = api.SecurityHeaders(true, chain)
	chain = api.Recover(log, chain)
	w.handler = api.RequestID(api.Log(log, chain))
}

// silent makes sure that no token of a host is in any answer or log.
func (w *world) silent() {
	w.t.Helper()
	for _, h := range []*host{w.host, w.other} {
		for _, secret := range h.secrets() {
			for where, all := range map[string]string{"an answer": w.out.String(), "the log": w.log.String()} {
				if strings.Contains(all, secret) {
					w.t.Errorf("%s is in %s", secret, where)
				}
			}
		}
	}
}
