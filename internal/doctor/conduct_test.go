package doctor

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

// What is secret is in no line of the report, whatever else is wrong.
func TestNoSecretIsPrinted(t *testing.T) {
	const token, password = "ghp_0123456789abcdef0123456789abcdef0123", "correct-horse"
	r := newRig(t)
	r.config = edited(t, "https://auth", "https://ann:"+password+"@auth", "  repo:", "  client_secret: "+token+"\n  app_id: "+token+"\n  other: {deep: "+token+"}\n  repo:")
	r.html += "<script>const token = '" + token + "'</script>"
	for name, change := range map[string]func(){
		"with a broker":    func() {},
		"without a broker": func() { r.origins[brokerOrigin] = http.NotFoundHandler() },
		"as no YAML":       func() { r.config = strings.Replace(r.config, "  branch", "\tbranch", 1) },
		"nested wrongly":   func() { r.config = strings.ReplaceAll(r.config, "\n  ", "\n") },
	} {
		t.Run(name, func(t *testing.T) {
			change()
			rep := r.run()
			data, err := json.Marshal(rep)
			if err != nil {
				t.Fatal(err)
			}
			if s := string(data) + show(rep); strings.Contains(s, token) || strings.Contains(s, password) {
				t.Errorf("printed: %s", s)
			}
			if find(rep, "secret-config") == nil || find(rep, "secret-page") == nil {
				t.Errorf("not found: %v", problems(rep))
			}
		})
	}
}

// Cookies go back to the broker that gave them and nowhere else; the host that
// people sign in at is never asked.
func TestNothingIsSentToStrangers(t *testing.T) {
	r := newRig(t)
	r.pageHeader.Set("Set-Cookie", "session=1; Path=/")
	r.origins["https://example.com"] = r.page()
	r.run()
	var origins []string
	for _, q := range r.asked {
		origin := q.URL.Scheme + "://" + q.URL.Host
		origins = append(origins, origin)
		if c := q.Header.Get("Cookie"); c != "" && (origin != brokerOrigin || q.URL.Path != "/auth/begin" || !strings.HasPrefix(c, "__Host-gatehouse_tx_")) {
			t.Errorf("%s %s has the cookie %q", q.Method, q.URL, c)
		}
		if q.Header.Get("Authorization") != "" || q.Method != http.MethodGet && origin != brokerOrigin {
			t.Errorf("%s %s", q.Method, q.URL)
		}
	}
	slices.Sort(origins)
	want := []string{"http://www.example.com", brokerOrigin, "https://example.com", pageOrigin}
	slices.Sort(want)
	if got := slices.Compact(origins); !slices.Equal(got, want) {
		t.Errorf("asked %v", got)
	}
	if n := len(r.asked); n > 25 {
		t.Errorf("%d requests", n)
	}
}

func TestWhatCannotBeExamined(t *testing.T) {
	for name, c := range map[string]struct {
		url  string
		kind fault.Kind
		says string
	}{
		"nothing":       {"", fault.Invalid, "--url"},
		"no address":    {"https://", fault.Invalid, "--url"},
		"another kind":  {"ftp://www.example.com/", fault.Invalid, "--url"},
		"with password": {"https://a:secret@www.example.com/", fault.Invalid, "password"},
		"no host":       {"https://nowhere.example/admin/", fault.Unavailable, "no such host"},
		"no page":       {pageOrigin + "/editor/", fault.Unavailable, "404"},
		"a circle":      {"https://circle.example/", fault.Unavailable, "redirects without end"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.url = c.url
			r.origins["https://circle.example"] = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "/x"+q.URL.Path, http.StatusFound)
			})
			_, err := r.try()
			if !fault.Is(err, c.kind) || !strings.Contains(fault.Message(err), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
		})
	}
}

// On a laptop the CMS does not name its site; the origin finds it.
func TestAPageOnALaptop(t *testing.T) {
	const laptop = "http://localhost:4321"
	for _, known := range []bool{true, false} {
		r := newRig(t)
		r.url = laptop + "/admin/"
		r.origins[laptop] = r.page()
		if known {
			r.site.DevOrigins = []string{laptop}
		}
		want := []string{"origin"}
		if known {
			want = []string{}
		}
		rep := r.run()
		if p := problems(rep); !slices.Equal(p, want) {
			t.Errorf("known %v: %v\n%s", known, p, show(rep))
		}
		if f := find(rep, "origin"); f != nil && !strings.Contains(f.Paste, "dev_origins") {
			t.Errorf("%+v", f)
		}
	}
}

// Addresses are taken as browsers send them.
func TestAddressesOfPages(t *testing.T) {
	for raw, want := range map[string]string{
		"WWW.Example.com/Admin/#x":       "https://www.example.com/Admin/",
		"bücher.example":                 "https://xn--bcher-kva.example",
		"https://bücher.example:8443/a/": "https://xn--bcher-kva.example:8443/a/",
		"localhost:4321/admin/":          "http://localhost:4321/admin/",
		"http://[::1]:4321/":             "http://[::1]:4321/",
		" https://www.example.com/?a=b ": "https://www.example.com/?a=b",
	} {
		u, err := startURL(raw)
		if err != nil || u.String() != want {
			t.Errorf("%s: %v %v", raw, u, err)
		}
	}
}

// A page as large as is read, made to be slow, is read at once.
func TestLargePagesAreReadFast(t *testing.T) {
	for _, part := range []string{"<script src=a>", "<script>import \"x\" ", "<script></script>x", "<base href=x><link rel=cms-config-url href=y>", "CMS_MANUAL_INIT = ", "[", "- ", "{a: ", "a:\n  backend:\n", "&a [*a, "} {
		data := []byte(strings.Repeat(part, maxBody/len(part)))
		if p := readPage(data, mustURL(t, pageOrigin)); len(p.scripts) > maxItems || len(p.inline) > maxItems || len(p.links) > maxItems {
			t.Errorf("%s: too much is kept", part)
		}
		readBrokerPage(data)
		readConfig(data)
	}
}

// A backend that signs in without a popup has no broker to examine.
func TestBackendsWithoutAPopup(t *testing.T) {
	for _, backend := range []string{"git-gateway", "gitea", "azure", "test-repo"} {
		r := newRig(t)
		r.config = edited(t, "github", backend, "https://auth.example.com", "https://git.example.com")
		rep := r.run()
		if p := problems(rep); !slices.Equal(p, []string{"backend-popup"}) || !rep.OK {
			t.Errorf("%s: %v", backend, p)
		}
		for _, q := range r.asked {
			if "https://"+q.URL.Host == brokerOrigin {
				t.Errorf("%s: the broker was asked", backend)
			}
		}
	}
}

// A CMS that wants the host at base_url does not get on with Gatehouse there.
func TestGatehouseIsNoHost(t *testing.T) {
	for _, settings := range []bool{true, false} {
		r := newRig(t)
		r.config = edited(t, "github", "gitea")
		if settings {
			r.withSettings()
		}
		rep := r.run()
		if f := find(rep, "backend-popup"); f == nil || f.Severity != Error || f.Line != 5 {
			t.Errorf("%+v", f)
		}
	}
}

// A config.yml that nobody can read is written anew from gatehouse.yaml.
func TestTheBlockOfAMissingConfig(t *testing.T) {
	r := newRig(t)
	r.config = ""
	r.withSettings()
	rep := r.run()
	r.config = rep.Corrected
	if again := r.run(); len(problems(again)) > 0 {
		t.Errorf("%s\n%s", rep.Corrected, show(again))
	}
}

func TestAnExaminationEndsWithItsContext(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.origins[pageOrigin] = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, ".yml") {
			cancel()
		}
		r.page().ServeHTTP(w, q)
	})
	_, err := Run(ctx, Options{URL: r.url, Client: &http.Client{Transport: stopping{r}}})
	if err == nil || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
}

// stopping is an internet that keeps to contexts.
type stopping struct{ *rig }

func (s stopping) RoundTrip(q *http.Request) (*http.Response, error) {
	if err := q.Context().Err(); err != nil {
		return nil, &url.Error{Op: q.Method, URL: q.URL.String(), Err: err}
	}
	return s.rig.RoundTrip(q)
}

// Servers that answer anything at all are reported, and nothing breaks.
func TestOddServers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"empty":        func(http.ResponseWriter, *http.Request) {},
		"not found":    http.NotFound,
		"a page":       func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, goodPage) },
		"healthy only": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"ok","version":""}`) },
		"a popup that is none": func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Set-Cookie", "__Host-gatehouse_tx_1=1; Secure; Path=/")
			if q.URL.Path == "/healthz" {
				_, _ = io.WriteString(w, `{"status":"ok","version":"x"}`)
				return
			}
			_, _ = io.WriteString(w, `<main data-page="popup" data-tx="`+strings.Repeat("x", 1<<16)+`">{"next":"http://x"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.origins[brokerOrigin] = h
			if rep := r.run(); rep.OK {
				t.Errorf("all is well\n%s", show(rep))
			}
		})
	}
}
