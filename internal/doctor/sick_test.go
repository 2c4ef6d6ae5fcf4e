package doctor

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/outbound"
)

// sick is a site that one thing is wrong with.
type sick struct {
	id    string
	names string // part of the problem or its remedy
	ail   func(r *rig)
	mend  func(r *rig, f *Finding) // nil: the block alone
}

func everySick() []sick {
	return slices.Concat(sickConfigs(), sickAddresses(), sickBuckets(), sickOrigins(), sickPages(), sickSecrets(), sickTokens(), sickProxies())
}

// ownHost is a site whose connector leads to a GitHub Enterprise.
func ownHost(s *Site) { s.API = "https://git.example.org/api/v3" }

func sickConfigs() []sick {
	return []sick{
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
		{"config-toml", "TOML", func(r *rig) {
			r.html = strings.Replace(goodPage, "</head>", `<link href="https://files.example.com/cms.toml" type="application/toml" rel="cms-config-url"></head>`, 1)
			loadingIn(r, "https://unpkg.com/@sveltia/cms")
			r.origins["https://files.example.com"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Access-Control-Allow-Origin", "*")
				_, _ = io.WriteString(w, "[backend]\nname = 'github'\n")
			})
		}, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"config-found", "Access-Control-Allow-Origin", func(r *rig) {
			r.html = strings.Replace(goodPage, "</head>", `<link href="https://files.example.com/config.yml" type="text/yaml" rel="cms-config-url"></head>`, 1)
			r.origins["https://files.example.com"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, goodConfig) })
		}, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"client-unknown", "Netlify CMS", loading("/app.js"), func(r *rig, _ *Finding) { r.html = goodPage }},
		{"client-twice", "more than once", func(r *rig) { r.html += `<script src="decap-cms.js"></script>` }, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"config-yaml", "no YAML", withConfig("  repo: ann/herons", "\trepo: ann/herons"), nil},
		{"config-yaml", "second time", withConfig("  branch: main", "  branch: main\n  branch: trunk"), nil},
		{"config-yaml", "a list", func(r *rig) { r.config = "- " + strings.ReplaceAll(goodConfig, "\n", "\n  ") }, nil},
		{"config-backend", "a list", withConfig("  name: github", "- name: github", "  repo:", "- repo:", "  branch", "- branch", "  base_url", "- base_url", "  auth_end", "- auth_end", "  site_d", "- site_d"), nil},
		{"config-nesting", "beside backend", withConfig("  auth_endpoint", "auth_endpoint", "  site_domain", "site_domain"), nil},
		{"config-nesting", "beside backend", withConfig("  base_url: https://auth.example.com\n", "", "media_folder", "base_url: https://auth.example.com\nmedia_folder"), nil},
		{"config-nesting", "beside backend", func(r *rig) { r.config = strings.ReplaceAll(goodConfig, "\n  ", "\n") }, nil},
		{"config-nesting", "backend.auth", withConfig("  base_url: https://auth.example.com\n", "  auth:\n    base_url: https://auth.example.com\n"), nil},
		{"config-nesting", "site_id", onBitbucket("site_id: www.example.com\n", "", "backend:\n", "site_id: www.example.com\nbackend:\n  site_id: www.example.com\n"), nil},
		{"config-key", "baseUrl", withConfig("base_url", "baseUrl"), nil},
		{"config-backend", "which backend", func(r *rig) { r.config = edited(r.t, "  name: github\n", ""); r.withSettings() }, nil},
		{"backend-client", `"GitHub"`, withConfig("github", "GitHub"), nil},
		{"backend-client", `"bitbucket"`, func(r *rig) {
			onBitbucket()(r)
			loading("https://unpkg.com/@sveltia/cms")(r)
		}, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"auth-type", "pkce", func(r *rig) {
			r.site.Backend.Kind = "gitlab"
			loading("https://unpkg.com/@sveltia/cms")(r)
			r.config = edited(r.t, "name: github", "name: gitlab\n  auth_type: pkce\n  app_id: '12'")
		}, nil},
		{"config-repo", "which repository", func(r *rig) { r.config = edited(r.t, "  repo: ann/herons\n", ""); r.withSettings() }, nil},
		{"config-repo", "an address", withConfig("ann/herons", "https://github.com/ann/herons.git"), nil},
		{"config-repo", "no repository at a host", func(r *rig) { r.config = edited(r.t, "ann/herons", "herons"); r.withSettings() }, nil},
		{"api-root", "public host", func(r *rig) { r.withSettings(ownHost) }, nil},
		{"api-root", "https://git.example.org/api/v4", func(r *rig) {
			r.config = edited(r.t, "  branch: main", "  branch: main\n  api_root: https://git.example.org/api/v4")
			r.withSettings(ownHost)
		}, nil},
		{"repo-differs", "ann/herons", func(r *rig) { r.config = edited(r.t, "ann/herons", "ann/storks"); r.withSettings() }, nil},
	}
}

func sickAddresses() []sick {
	return []sick{
		{"base-url-missing", "api.netlify.com", func(r *rig) {
			r.config = edited(r.t, "  base_url: https://auth.example.com\n", "")
			r.withSettings()
		}, nil},
		{"base-url-scheme", "no scheme", withConfig("https://auth", "auth"), nil},
		{"base-url-scheme", "no scheme", withConfig("https://auth", "//auth"), nil},
		{"base-url-https", "http", withConfig("https://auth", "http://auth"), nil},
		{"base-url-case", "capital", withConfig("auth.example", "Auth.Example"), nil},
		{"base-url-path", "path", withConfig("auth.example.com\n", "auth.example.com/broker\n"), nil},
		{"base-url-port", ":443", withConfig("auth.example.com\n", "auth.example.com:443\n"), nil},
		{"base-url-user", "password", withConfig("https://auth", "https://ann:pass@auth"), nil},
		{"base-url-extra", "behind the host", withConfig("auth.example.com\n", "auth.example.com?x=1\n"), nil},
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
		{"base-url-reach", "no such host", withConfig("auth.example.com", "nowhere.example.com"), func(r *rig, _ *Finding) { r.config = goodConfig }},
		{"base-url-reach", "--private", func(r *rig) {
			r.origins[brokerOrigin] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(outbound.ErrPrivate) })
		}, func(r *rig, _ *Finding) { r.origins[brokerOrigin] = nil }},
		{"base-url-gatehouse", "not Gatehouse", withConfig("auth.example.com", "www.example.com"), func(r *rig, _ *Finding) { r.config = goodConfig }},
		{"endpoint", "auth_endpoint", withConfig("auth_endpoint: auth", "auth_endpoint: api/auth"), nil},
		{"endpoint-form", "auth_endpoint", withConfig("auth_endpoint: auth", "auth_endpoint: https://auth.example.com/auth"), nil},
		{"site-domain", "site_domain", withConfig("site_domain: www", "site_domain: https://www"), nil},
	}
}

func sickBuckets() []sick {
	return []sick{
		{"bitbucket-base-url", "api.netlify.com", onBitbucket("base_url: https://auth.example.com\n", ""), nil},
		{"bitbucket-base-url", "elsewhere", onBitbucket("base_url: https://auth.example.com\n", "base_url: https://api.netlify.com\n"), nil},
		{"bitbucket-site-id", "site_id", onBitbucket("site_id: www.example.com\n", ""), nil},
		{"bitbucket-branch", "branch", onBitbucket("  branch: main\n", ""), nil},
	}
}

func sickOrigins() []sick {
	return []sick{
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
			loading("https://unpkg.com/@sveltia/cms")(r)
			r.withSettings()
		}, nil},
		{"authorize", "not at https://auth.example.com", tellingNext("auth.example.com%2Fcallback", "other.example%2Fcallback"), straight},
		{"authorize", "without a client_id", tellingNext("client_id=id", "x=id"), straight},
		{"authorize", "not https", tellingNext("https://github.com", "http://github.com"), straight},
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
	}
}

func sickPages() []sick {
	return []sick{
		{"page-coop", "same-origin", sending("Cross-Origin-Opener-Policy", "same-origin"), pasteHeader},
		{"page-csp", "connect-src https://api.github.com", sending("Content-Security-Policy", "default-src 'self'; script-src 'self' https://unpkg.com 'unsafe-eval'; style-src 'unsafe-inline'"), pasteHeader},
		{"page-csp", "script-src 'unsafe-eval'", sending("Content-Security-Policy", "default-src 'none'"), pasteHeader},
		{"page-csp", "frame-src blob:", func(r *rig) {
			loading("https://unpkg.com/@sveltia/cms@0.221.1/dist/sveltia-cms.js")(r)
			sending("Content-Security-Policy", "frame-src 'self'; connect-src https:")(r)
		}, pasteHeader},
		{"page-csp", "https://auth.example.com", func(r *rig) {
			onBitbucket()(r)
			sending("Content-Security-Policy", "connect-src 'self' blob: https://api.bitbucket.org")(r)
		}, pasteHeader},
		{"page-https", "by http", func(r *rig) {
			r.url = "http://www.example.com/admin/"
			r.origins["http://www.example.com"] = r.page()
			r.site.Origins = append(r.site.Origins, "http://www.example.com")
		}, func(r *rig, _ *Finding) {
			r.url = pageOrigin
			r.origins["http://www.example.com"] = redirect(pageOrigin)
		}},
		{"page-mixed", "http://cdn.example/x.js", func(r *rig) { r.html += `<script src="http://cdn.example/x.js"></script>` }, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"api-mixed", "api_root", withConfig("  name: github", "  name: github\n  api_root: http://git.example.com/api/v3"), nil},
	}
}

func sickSecrets() []sick {
	return []sick{
		{"secret-config", "client_secret", withConfig("  repo:", "  client_secret: 0123456789abcdef0123\n  repo:"), nil},
		{"secret-config", "token", withConfig("media_folder", "# ghp_0123456789abcdef0123456789abcdef0123\nmedia_folder"), nil},
		{"secret-page", "client_secret", func(r *rig) { r.html += `<script>const c = {client_secret: "0123456789abcdef"}</script>` }, func(r *rig, _ *Finding) { r.html = goodPage }},
		{"secret-file", "/etc/gatehouse/secret", func(r *rig) {
			r.withSettings()
			r.settings.SecretFiles = []SecretFile{{"/etc/gatehouse/secret", "the client_secret of the connector hub"}}
		}, func(r *rig, _ *Finding) { r.withSettings() }},
	}
}

func sickTokens() []sick {
	return []sick{
		{"token-life", "2 hours", func(r *rig) {
			r.site.Backend.Kind = "gitlab"
			r.config = edited(r.t, "github", "gitlab")
		}, func(r *rig, _ *Finding) { loading("https://unpkg.com/@sveltia/cms")(r) }},
		{"token-life", "8 hours", func(r *rig) {
			r.withSettings(func(s *Site) { d := 8 * time.Hour; s.Life = &d })
		}, func(r *rig, _ *Finding) { r.withSettings(func(s *Site) { d := time.Duration(0); s.Life = &d }) }},
	}
}

func sickProxies() []sick {
	return []sick{
		{"proxy-host", "Host header", behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			q.Host = "127.0.0.1:8484"
			next.ServeHTTP(w, q)
		}), straight},
		{"proxy-cookie", "cookie", onPopup(func(h http.Header) { h.Del("Set-Cookie") }), straight},
		{"proxy-cookie", "does not come back", behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			q.Header.Del("Cookie")
			next.ServeHTTP(w, q)
		}), straight},
		{"proxy-cache", "the same one", func(r *rig) {
			var kept *httptest.ResponseRecorder
			behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
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
		{"proxy-coop", "same-origin", behindChanged(func(_ *http.Request, h http.Header) { h.Set("Cross-Origin-Opener-Policy", "same-origin") }), straight},
		{"proxy-coop", "callback", behindChanged(func(q *http.Request, h http.Header) {
			if strings.HasPrefix(q.URL.Path, "/callback") {
				h.Set("Cross-Origin-Opener-Policy", "same-origin")
			}
		}), straight},
		{"proxy-headers", "Content-Security-Policy", onPopup(func(h http.Header) { h.Del("Content-Security-Policy"); h.Del("X-Content-Type-Options") }), straight},
		{"proxy-csp", "own script", onPopup(func(h http.Header) { h.Add("Content-Security-Policy", "script-src 'none'") }), straight},
		{"proxy-hsts", "Strict-Transport-Security", onPopup(func(h http.Header) { h.Del("Strict-Transport-Security") }), straight},
		{"proxy-callback", "/callback/hub", behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			if strings.HasPrefix(q.URL.Path, "/callback") {
				http.NotFound(w, q)
				return
			}
			next.ServeHTTP(w, q)
		}), straight},
		{"proxy-post", "POST", behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
			if q.Method == http.MethodPost {
				http.Error(w, "forbidden by the firewall", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, q)
		}), straight},
		{"popup", "502", behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
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
			behindChanged(func(_ *http.Request, h http.Header) {
				h.Set("Date", r.now.Add(10*time.Minute).UTC().Format(http.TimeFormat))
			})(r)
		}, straight},
	}
}
