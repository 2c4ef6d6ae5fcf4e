package doctor

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNothingIsWrongWithAHealthySite(t *testing.T) {
	for name, change := range map[string]func(r *rig){
		"as it is":              func(*rig) {},
		"by the root":           func(r *rig) { r.url = "www.example.com" },
		"with gatehouse.yaml":   func(r *rig) { r.withSettings() },
		"without site_domain":   func(r *rig) { r.config = edited(t, "  site_domain: www.example.com\n", "") },
		"with a trailing slash": func(r *rig) { r.config = edited(t, "auth.example.com\n", "auth.example.com/\n") },
		"by the default path":   func(r *rig) { r.config = edited(t, "  auth_endpoint: auth\n", "") },
		"Netlify CMS": func(r *rig) {
			r.html = strings.Replace(goodPage, "decap-cms@3.16.3/dist/decap-cms.js", "netlify-cms@^2.0.0/dist/netlify-cms.js", 1)
		},
		"Sveltia CMS and GitLab by its own path": func(r *rig) {
			r.html = strings.Replace(goodPage, "decap-cms@3.16.3/dist/decap-cms.js", "@sveltia/cms/dist/sveltia-cms.js", 1)
			r.site.Backend.Kind = "gitlab"
			r.config = edited(t, "github", "gitlab", "  auth_endpoint: auth\n", "")
		},
		"Bitbucket": func(r *rig) {
			r.site.Backend.Kind = "bitbucket"
			r.config = "base_url: https://auth.example.com\nsite_id: www.example.com\n" + edited(t, "github", "bitbucket")
		},
		"apex leads to www": func(r *rig) {
			r.origins["https://example.com"] = redirect(pageOrigin)
			r.origins["http://www.example.com"] = redirect(pageOrigin)
		},
		"with a policy that is wide enough": func(r *rig) {
			r.pageHeader.Set("Content-Security-Policy", "default-src 'self'; script-src 'self' https://unpkg.com 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https://*.githubusercontent.com; connect-src 'self' blob: https://api.github.com")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			change(r)
			rep := r.run()
			if p := problems(rep); len(p) > 0 || !rep.OK || rep.Changed {
				t.Errorf("problems %v, changed %v\n%s", p, rep.Changed, show(rep))
			}
		})
	}
}

// sick is a site that one thing is wrong with.
type sick struct {
	id    string
	names string // part of the problem or its remedy
	ail   func(r *rig)
	mend  func(r *rig, f *Finding) // nil: the block alone
}

// TestEachCheckFiresAndTheBlockMendsIt: exactly that check fires, and none when
// the site has the block that was printed (or does what the remedy says).
func TestEachCheckFiresAndTheBlockMendsIt(t *testing.T) {
	config := func(pairs ...string) func(*rig) {
		return func(r *rig) { r.config = edited(r.t, pairs...) }
	}
	bucket := func(pairs ...string) func(*rig) {
		return func(r *rig) {
			r.site.Backend.Kind = "bitbucket"
			r.config = "base_url: https://auth.example.com\nsite_id: www.example.com\n" + edited(r.t, "github", "bitbucket")
			for i := 0; i < len(pairs); i += 2 {
				r.config = strings.Replace(r.config, pairs[i], pairs[i+1], 1)
			}
		}
	}
	script := func(src string) func(*rig) {
		return func(r *rig) {
			r.html = strings.Replace(goodPage, "https://unpkg.com/decap-cms@3.16.3/dist/decap-cms.js", src, 1)
		}
	}
	header := func(name, value string) func(*rig) {
		return func(r *rig) { r.pageHeader.Set(name, value) }
	}
	paste := func(r *rig, f *Finding) {
		name, value, _ := strings.Cut(f.Paste, ": ")
		r.pageHeader.Set(name, value)
	}
	proxy := func(change func(w http.ResponseWriter, q *http.Request, next http.Handler)) func(*rig) {
		return func(r *rig) {
			r.proxy = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { change(w, q, next) })
			}
		}
	}
	after := func(change func(q *http.Request, h http.Header)) func(*rig) {
		return proxy(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			next.ServeHTTP(&changed{ResponseWriter: w, change: func(h http.Header) { change(q, h) }}, q)
		})
	}
	straight := func(r *rig, _ *Finding) {
		r.proxy = func(h http.Handler) http.Handler { return h }
	}
	onPopup := func(change func(h http.Header)) func(*rig) {
		return after(func(q *http.Request, h http.Header) {
			if q.URL.Path == "/auth" {
				change(h)
			}
		})
	}
	for _, s := range []sick{
		{"config-found", "404", func(r *rig) { r.config = "" }, func(r *rig, _ *Finding) { r.config = goodConfig }},
		{"config-found", "HTML", func(r *rig) { r.config = goodPage }, func(r *rig, _ *Finding) { r.config = goodConfig }},
		{"config-found", "slash at the end", func(r *rig) { r.url = pageOrigin + "/admin" }, func(r *rig, _ *Finding) { r.url += "/" }},
		{"config-link", "text/yaml", func(r *rig) {
			r.html = strings.Replace(goodPage, "</head>", `<link href="/admin/other.yml" rel="cms-config-url"></head>`, 1)
		}, func(r *rig, f *Finding) { r.html = strings.Replace(goodPage, "</head>", f.Paste+"</head>", 1) }},
		{"config-manual", "CMS_MANUAL_INIT", func(r *rig) {
			r.html = strings.Replace(goodPage, "<body>", "<body><script>window.CMS_MANUAL_INIT = true</script>", 1)
			r.config = ""
		}, func(r *rig, _ *Finding) { r.html, r.config = goodPage, goodConfig }},
		{"client-unknown", "Netlify CMS", script("/app.js"), func(r *rig, _ *Finding) { r.html = goodPage }},
		{"client-twice", "more than once", func(r *rig) { r.html += `<script src="decap-cms.js"></script>` }, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"config-yaml", "no YAML", config("  repo: ann/herons", "\trepo: ann/herons"), nil},
		{"config-yaml", "second time", config("  branch: main", "  branch: main\n  branch: trunk"), nil},
		{"config-yaml", "a list", func(r *rig) { r.config = "- " + strings.ReplaceAll(goodConfig, "\n", "\n  ") }, nil},
		{"config-backend", "a list", config("  name: github", "- name: github", "  repo:", "- repo:", "  branch", "- branch", "  base_url", "- base_url", "  auth_end", "- auth_end", "  site_d", "- site_d"), nil},
		{"config-nesting", "beside backend", config("  auth_endpoint", "auth_endpoint", "  site_domain", "site_domain"), nil},
		{"config-nesting", "beside backend", config("  base_url: https://auth.example.com\n", "", "media_folder", "base_url: https://auth.example.com\nmedia_folder"), nil},
		{"config-nesting", "beside backend", func(r *rig) { r.config = strings.ReplaceAll(goodConfig, "\n  ", "\n") }, nil},
		{"config-nesting", "backend.auth", config("  base_url: https://auth.example.com\n", "  auth:\n    base_url: https://auth.example.com\n"), nil},
		{"config-nesting", "site_id", bucket("site_id: www.example.com\n", "", "backend:\n", "site_id: www.example.com\nbackend:\n  site_id: www.example.com\n"), nil},
		{"config-key", "baseUrl", config("base_url", "baseUrl"), nil},
		{"config-backend", "which backend", func(r *rig) { r.config = edited(r.t, "  name: github\n", ""); r.withSettings() }, nil},
		{"backend-client", `"GitHub"`, config("github", "GitHub"), nil},
		{"backend-client", `"bitbucket"`, func(r *rig) {
			bucket()(r)
			script("https://unpkg.com/@sveltia/cms")(r)
		}, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"auth-type", "pkce", func(r *rig) {
			r.site.Backend.Kind = "gitlab"
			script("https://unpkg.com/@sveltia/cms")(r)
			r.config = edited(r.t, "name: github", "name: gitlab\n  auth_type: pkce\n  app_id: '12'")
		}, nil},
		{"config-repo", "which repository", func(r *rig) { r.config = edited(r.t, "  repo: ann/herons\n", ""); r.withSettings() }, nil},
		{"config-repo", "an address", config("ann/herons", "https://github.com/ann/herons.git"), nil},
		{"config-repo", "no repository at a host", func(r *rig) { r.config = edited(r.t, "ann/herons", "herons"); r.withSettings() }, nil},
		{"repo-differs", "ann/herons", func(r *rig) { r.config = edited(r.t, "ann/herons", "ann/storks"); r.withSettings() }, nil},

		{"base-url-missing", "api.netlify.com", func(r *rig) {
			r.config = edited(r.t, "  base_url: https://auth.example.com\n", "")
			r.withSettings()
		}, nil},
		{"base-url-scheme", "no scheme", config("https://auth", "auth"), nil},
		{"base-url-scheme", "no scheme", config("https://auth", "//auth"), nil},
		{"base-url-https", "http", config("https://auth", "http://auth"), nil},
		{"base-url-case", "capital", config("auth.example", "Auth.Example"), nil},
		{"base-url-path", "path", config("auth.example.com\n", "auth.example.com/broker\n"), nil},
		{"base-url-port", ":443", config("auth.example.com\n", "auth.example.com:443\n"), nil},
		{"base-url-user", "password", config("https://auth", "https://ann:pass@auth"), nil},
		{"base-url-extra", "behind the host", config("auth.example.com\n", "auth.example.com?x=1\n"), nil},
		{"base-url-letters", "xn--", func(r *rig) {
			r.config = edited(r.t, "auth.example.com", "bücher.example.com")
			r.origins["https://xn--bcher-kva.example.com"] = r.gatehouse("https://xn--bcher-kva.example.com")
		}, nil},
		{"base-url-form", "no address", func(r *rig) {
			r.config = edited(r.t, "https://auth.example.com", "ftp://auth.example.com")
			r.withSettings()
		}, nil},
		{"base-url-public", "https://auth.example.com", func(r *rig) {
			r.config = edited(r.t, "auth.example.com", "old.example.com")
			r.withSettings()
		}, nil},
		{"base-url-public", "says that it is at", func(r *rig) {
			r.config = edited(r.t, "auth.example.com", "old.example.com")
			r.origins["https://old.example.com"] = r.gatehouse(brokerOrigin)
		}, nil},
		{"base-url-redirect", "redirects", func(r *rig) {
			r.config = edited(r.t, "auth.example.com", "old.example.com")
			r.origins["https://old.example.com"] = redirect(brokerOrigin)
		}, nil},
		{"base-url-reach", "no such host", config("auth.example.com", "nowhere.example.com"), func(r *rig, _ *Finding) { r.config = goodConfig }},
		{"base-url-gatehouse", "not Gatehouse", config("auth.example.com", "www.example.com"), func(r *rig, _ *Finding) { r.config = goodConfig }},
		{"endpoint", "auth_endpoint", config("auth_endpoint: auth", "auth_endpoint: api/auth"), nil},
		{"endpoint-form", "auth_endpoint", config("auth_endpoint: auth", "auth_endpoint: https://auth.example.com/auth"), nil},
		{"site-domain", "site_domain", config("site_domain: www", "site_domain: https://www"), nil},

		{"bitbucket-base-url", "api.netlify.com", bucket("base_url: https://auth.example.com\n", ""), nil},
		{"bitbucket-base-url", "elsewhere", bucket("base_url: https://auth.example.com\n", "base_url: https://api.netlify.com\n"), nil},
		{"bitbucket-site-id", "site_id", bucket("site_id: www.example.com\n", ""), nil},
		{"bitbucket-branch", "branch", bucket("  branch: main\n", ""), nil},

		{
			"origin", pageOrigin, func(r *rig) {
				r.site.Origins = []string{"https://example.com"}
				r.site.Domains = []string{"www.example.com"}
			},
			func(r *rig, f *Finding) {
				if !strings.Contains(f.Paste, pageOrigin) {
					r.t.Errorf("nothing to paste: %+v", f)
				}
				r.site.Origins = append(r.site.Origins, pageOrigin)
			},
		},
		{"origin", "SIGHUP", func(r *rig) {
			r.withSettings()
			r.site.Origins, r.site.Domains = []string{"https://example.com"}, []string{"www.example.com"}
		}, func(r *rig, _ *Finding) { r.site.Origins = []string{pageOrigin} }},
		{"site-unknown", "other.example", func(r *rig) { r.config = edited(r.t, "site_domain: www.example.com", "site_domain: other.example") }, nil},
		{"provider", "gitlab", func(r *rig) {
			r.config = edited(r.t, "name: github", "name: gitlab")
			r.site.Connectors = []string{"hub"}
			script("https://unpkg.com/@sveltia/cms")(r)
			r.withSettings()
		}, nil},
		{
			"origin-www", "https://example.com", func(r *rig) { r.origins["https://example.com"] = r.page() },
			func(r *rig, _ *Finding) { r.origins["https://example.com"] = redirect(pageOrigin) },
		},
		{
			"origin-http", "http://www.example.com", func(r *rig) { r.origins["http://www.example.com"] = r.page() },
			func(r *rig, _ *Finding) { r.origins["http://www.example.com"] = redirect(pageOrigin) },
		},
		{
			"origin-pattern", "https://*--herons.netlify.app", func(r *rig) { r.site.PreviewOrigins = []string{"https://*--herons.netlify.app"}; r.withSettings() },
			func(r *rig, _ *Finding) { r.site.PreviewOrigins = nil; r.withSettings() },
		},
		{
			"origin-dev", "https://staging", func(r *rig) { r.site.DevOrigins = []string{"https://staging.example.com"}; r.withSettings() },
			func(r *rig, _ *Finding) { r.site.DevOrigins = nil; r.withSettings() },
		},

		{"page-coop", "same-origin", header("Cross-Origin-Opener-Policy", "same-origin"), paste},
		{"page-csp", "connect-src https://api.github.com", header("Content-Security-Policy", "default-src 'self'; script-src 'self' https://unpkg.com 'unsafe-eval'; style-src 'unsafe-inline'"), paste},
		{"page-csp", "script-src 'unsafe-eval'", header("Content-Security-Policy", "default-src 'none'"), paste},
		{"page-csp", "frame-src blob:", func(r *rig) {
			script("https://unpkg.com/@sveltia/cms@0.221.1/dist/sveltia-cms.js")(r)
			header("Content-Security-Policy", "frame-src 'self'; connect-src https:")(r)
		}, paste},
		{"page-csp", "https://auth.example.com", func(r *rig) {
			bucket()(r)
			header("Content-Security-Policy", "connect-src 'self' blob: https://api.bitbucket.org")(r)
		}, paste},
		{"page-mixed", "http://cdn.example/x.js", func(r *rig) { r.html += `<script src="http://cdn.example/x.js"></script>` }, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"api-mixed", "api_root", config("  name: github", "  name: github\n  api_root: http://git.example.com/api/v3"), nil},

		{"secret-config", "client_secret", config("  repo:", "  client_secret: 0123456789abcdef0123\n  repo:"), nil},
		{"secret-config", "token", config("media_folder", "# ghp_0123456789abcdef0123456789abcdef0123\nmedia_folder"), nil},
		{"secret-page", "client_secret", func(r *rig) { r.html += `<script>const c = {client_secret: "0123456789abcdef"}</script>` }, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"secret-file", "/etc/gatehouse/secret", func(r *rig) {
			r.withSettings()
			r.settings.SecretFiles = []SecretFile{{"/etc/gatehouse/secret", "the client_secret of the connector hub"}}
		}, func(r *rig, _ *Finding) { r.withSettings() }},

		{"token-life", "2 hours", func(r *rig) {
			r.site.Backend.Kind = "gitlab"
			r.config = edited(r.t, "github", "gitlab")
		}, func(r *rig, _ *Finding) { script("https://unpkg.com/@sveltia/cms")(r) }},
		{"token-life", "8 hours", func(r *rig) {
			r.withSettings(func(s *Site) { d := 8 * time.Hour; s.Life = &d })
		}, func(r *rig, _ *Finding) { r.withSettings(func(s *Site) { d := time.Duration(0); s.Life = &d }) }},

		{"proxy-host", "Host header", proxy(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			q.Host = "127.0.0.1:8484"
			next.ServeHTTP(w, q)
		}), straight},
		{"proxy-cookie", "cookie", onPopup(func(h http.Header) { h.Del("Set-Cookie") }), straight},
		{"proxy-cookie", "does not come back", proxy(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			q.Header.Del("Cookie")
			next.ServeHTTP(w, q)
		}), straight},
		{"proxy-cache", "the same one", func(r *rig) {
			var kept *httptest.ResponseRecorder
			proxy(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
				if q.URL.Path != "/auth" {
					next.ServeHTTP(w, q)
					return
				}
				if kept == nil {
					kept = httptest.NewRecorder()
					next.ServeHTTP(kept, q)
				}
				maps.Copy(w.Header(), kept.Header())
				_, _ = w.Write(kept.Body.Bytes())
			})(r)
		}, straight},
		{"proxy-https", "Secure", onPopup(func(h http.Header) {
			h.Set("Set-Cookie", strings.Replace(strings.Replace(h.Get("Set-Cookie"), "__Host-", "", 1), "; Secure", "", 1))
		}), straight},
		{"proxy-cache", "no-store", onPopup(func(h http.Header) { h.Del("Cache-Control") }), straight},
		{"proxy-cache", "seconds old", onPopup(func(h http.Header) { h.Set("Age", "12") }), straight},
		{"proxy-cache", "hit", onPopup(func(h http.Header) { h.Set("X-Cache", "HIT from edge") }), straight},
		{"proxy-coop", "same-origin", after(func(_ *http.Request, h http.Header) { h.Set("Cross-Origin-Opener-Policy", "same-origin") }), straight},
		{"proxy-coop", "callback", after(func(q *http.Request, h http.Header) {
			if strings.HasPrefix(q.URL.Path, "/callback") {
				h.Set("Cross-Origin-Opener-Policy", "same-origin")
			}
		}), straight},
		{"proxy-headers", "Content-Security-Policy", onPopup(func(h http.Header) { h.Del("Content-Security-Policy"); h.Del("X-Content-Type-Options") }), straight},
		{"proxy-csp", "own script", onPopup(func(h http.Header) { h.Add("Content-Security-Policy", "script-src 'none'") }), straight},
		{"proxy-hsts", "Strict-Transport-Security", onPopup(func(h http.Header) { h.Del("Strict-Transport-Security") }), straight},
		{"proxy-callback", "/callback/hub", proxy(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			if strings.HasPrefix(q.URL.Path, "/callback") {
				http.NotFound(w, q)
				return
			}
			next.ServeHTTP(w, q)
		}), straight},
		{"proxy-post", "POST", proxy(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			if q.Method == http.MethodPost {
				http.Error(w, "forbidden by the firewall", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, q)
		}), straight},
		{"popup", "502", proxy(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			if q.URL.Path == "/auth" {
				w.Header().Set("Content-Security-Policy", "x")
				w.Header().Set("X-Content-Type-Options", "nosniff")
				w.Header().Set("Referrer-Policy", "no-referrer")
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			next.ServeHTTP(w, q)
		}), straight},
		{"clock", "10 minutes", func(r *rig) {
			r.now = time.Now()
			after(func(_ *http.Request, h http.Header) {
				h.Set("Date", r.now.Add(10*time.Minute).UTC().Format(http.TimeFormat))
			})(r)
		}, straight},
	} {
		t.Run(s.id+" "+s.names, func(t *testing.T) {
			r := newRig(t)
			s.ail(r)
			rep := r.run()
			if p := slices.Compact(problems(rep)); !slices.Equal(p, []string{s.id}) {
				t.Fatalf("fired: %v\n%s\n--- config.yml\n%s", p, show(rep), r.config)
			}
			f := find(rep, s.id)
			if !strings.Contains(f.Problem+" "+f.Remedy+" "+f.Paste, s.names) {
				t.Errorf("%q is not in\n%s", s.names, show(rep))
			}
			if rep.OK == f.Severity.Grave() || f.Remedy == "" {
				t.Errorf("OK %v, %+v", rep.OK, f)
			}
			mended := newRig(t)
			s.ail(mended)
			if s.mend == nil {
				if !rep.Changed {
					t.Errorf("nothing has changed in\n%s", rep.Corrected)
				}
				mended.config = rep.Corrected
			} else {
				s.mend(mended, f)
			}
			after := mended.run()
			if p := problems(after); len(p) > 0 || !after.OK || after.Changed {
				t.Errorf("still: %v, changed %v\n%s\n--- with\n%s", p, after.Changed, show(after), mended.config)
			}
		})
	}
}

// changed changes headers before they go out.
type changed struct {
	http.ResponseWriter
	change func(http.Header)
	done   bool
}

func (c *changed) WriteHeader(status int) {
	if !c.done {
		c.done = true
		c.change(c.Header())
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *changed) Write(b []byte) (int, error) {
	if !c.done {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(b)
}
