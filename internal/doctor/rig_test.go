package doctor

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/api/broker"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/provider"
	"gatehouse/internal/site"
	"gatehouse/internal/store"
	"gatehouse/web"
)

// The rig is a small internet without a network: a site, the real broker, and
// whatever else a test puts at an origin.
const (
	pageOrigin   = "https://www.example.com"
	brokerOrigin = "https://auth.example.com"
)

type rig struct {
	t       *testing.T
	origins map[string]http.Handler
	asked   []*http.Request

	html       string
	config     string
	pageHeader http.Header
	proxy      func(http.Handler) http.Handler // in front of the broker
	site       *site.Site
	connectors []connector.Entry
	settings   *Settings
	url        string
	now        time.Time
}

const goodConfig = `backend:
  name: github
  repo: ann/herons
  branch: main
  base_url: https://auth.example.com
  auth_endpoint: auth
  site_domain: www.example.com
media_folder: static/uploads
collections:
  - {name: posts, folder: content/posts, create: true, fields: [{name: title, widget: string}, {name: repo}, {name: secret}]}
`

const goodPage = `<!doctype html><html><head><meta charset="utf-8"><title>Editor</title></head>
<body><script src="https://unpkg.com/decap-cms@3.16.3/dist/decap-cms.js"></script></body></html>`

func newRig(t *testing.T) *rig {
	t.Helper()
	return &rig{
		t: t, html: goodPage, config: goodConfig, pageHeader: http.Header{}, url: pageOrigin + "/admin/", origins: map[string]http.Handler{},
		site:  &site.Site{Name: "herons", Title: "The herons", Origins: []string{pageOrigin}, Backend: site.Backend{Kind: "github", Repo: "ann/herons", Branch: "main"}},
		proxy: func(h http.Handler) http.Handler { return h },
		connectors: []connector.Entry{
			{Connector: connector.Connector{Name: "hub", Kind: provider.GitHub, URL: "https://github.com", ClientID: "id"}, Secret: "0123456789abcdef"},
			{Connector: connector.Connector{Name: "lab", Kind: provider.GitLab, URL: "https://gitlab.com", ClientID: "id"}, Secret: "0123456789abcdef"},
			{Connector: connector.Connector{Name: "bucket", Kind: provider.Bitbucket, URL: "https://bitbucket.org", ClientID: "id"}, Secret: "0123456789abcdef"},
		},
	}
}

// settings are what gatehouse.yaml says of the rig's broker.
func (r *rig) withSettings(change ...func(*Site)) {
	s := Site{
		Name: r.site.Name, Kind: r.site.Backend.Kind, Repo: r.site.Backend.Repo, Branch: r.site.Backend.Branch,
		Origins: r.site.Origins, DevOrigins: r.site.DevOrigins, PreviewOrigins: r.site.PreviewOrigins, Domains: []string{"www.example.com"},
	}
	for _, f := range change {
		f(&s)
	}
	r.settings = &Settings{URL: brokerOrigin, Sites: []Site{s}}
}

// gatehouse is the real broker at an origin.
func (r *rig) gatehouse(origin string) http.Handler {
	r.t.Helper()
	st, err := store.Open(r.t.Context(), store.Memory)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = st.Close() })
	sites, err := site.NewDirectory([]*site.Site{r.site})
	if err != nil {
		r.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	pages, err := broker.NewPages(web.Broker(), log)
	if err != nil {
		r.t.Fatal(err)
	}
	h := &broker.Handler{
		URL: origin, Sites: sites, Connectors: connector.New(st, r.connectors, connector.Options{}),
		Transactions: &auth.Transactions{Store: st, Secure: strings.HasPrefix(origin, "https:"), Now: time.Now},
		Handles:      &auth.Handles{Store: st, Now: time.Now},
		Audit:        &audit.Log{Store: st, Now: time.Now},
		Pages:        pages, Limits: broker.NewLimits(nil), Log: log, Now: time.Now,
	}
	mux := http.NewServeMux()
	h.Mount(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) { // as the whole server does
		if broker.MeansPopup(q) {
			h.Astray(w, q)
			return
		}
		http.NotFound(w, q)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		api.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": "test"})
	})
	return r.proxy(api.SecurityHeaders(strings.HasPrefix(origin, "https:"), mux))
}

// page is the site.
func (r *rig) page() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch {
		case q.URL.Path == "/":
			_, _ = io.WriteString(w, "<!doctype html><p>herons")
		case strings.Trim(q.URL.Path, "/") == "admin":
			for k, v := range r.pageHeader {
				w.Header()[k] = v
			}
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, r.html)
		case strings.HasSuffix(q.URL.Path, ".yml") && strings.HasPrefix(q.URL.Path, "/admin/") && r.config != "":
			_, _ = io.WriteString(w, r.config)
		default:
			http.NotFound(w, q)
		}
	})
}

// RoundTrip is the internet.
func (r *rig) RoundTrip(q *http.Request) (res *http.Response, err error) {
	defer func() { // a server that is not to be reached panics with the reason
		if reason, ok := recover().(error); ok {
			err = reason
		}
	}()
	r.asked = append(r.asked, q)
	h := r.origins[q.URL.Scheme+"://"+q.URL.Host]
	if h == nil {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: q.URL.Host}}
	}
	body := q.Body
	if body == nil {
		body = http.NoBody
	}
	in := httptest.NewRequestWithContext(q.Context(), q.Method, q.URL.String(), body)
	in.Header, in.Host = q.Header.Clone(), q.URL.Host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	res = w.Result()
	res.Request = q
	if res.Header.Get("Date") == "" {
		res.Header.Set("Date", r.clock().UTC().Format(http.TimeFormat))
	}
	return res, nil
}

func (r *rig) clock() time.Time {
	if r.now.IsZero() {
		return time.Now()
	}
	return r.now
}

// run examines the site.
func (r *rig) run() *Report {
	r.t.Helper()
	rep, err := r.try()
	if err != nil {
		r.t.Fatal(err)
	}
	return rep
}

func (r *rig) try() (*Report, error) {
	for origin, h := range map[string]http.Handler{pageOrigin: r.page(), brokerOrigin: nil} {
		if r.origins[origin] == nil {
			if h == nil {
				h = r.gatehouse(brokerOrigin)
			}
			r.origins[origin] = h
		}
	}
	return Run(r.t.Context(), Options{
		URL: r.url, Settings: r.settings, Now: r.clock,
		Client: &http.Client{Transport: r, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	})
}

// problems are the checks that are not fine: "base-url-path".
func problems(r *Report) []string {
	list := []string{}
	for _, f := range r.Checks {
		if f.Severity != OK {
			list = append(list, f.ID)
		}
	}
	return list
}

func show(r *Report) string {
	var b strings.Builder
	for _, f := range r.Checks {
		if f.Severity != OK {
			fmt.Fprintf(&b, "%s %s line %d: %s → %s\n%s\n", f.Severity, f.ID, f.Line, f.Problem, f.Remedy, f.Paste)
		}
	}
	return b.String() + r.Corrected
}

func find(r *Report, id string) *Finding {
	for i, f := range r.Checks {
		if f.ID == id && f.Severity != OK {
			return &r.Checks[i]
		}
	}
	return nil
}

// redirect sends everything to another origin.
func redirect(to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusMovedPermanently)
	})
}

// edited is goodConfig with pairs of texts replaced.
func edited(t *testing.T, pairs ...string) string {
	t.Helper()
	text := goodConfig
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration has no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
