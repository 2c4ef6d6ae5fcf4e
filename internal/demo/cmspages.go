package demo

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"text/template"

	"gatehouse/internal/api"
	"gatehouse/internal/demo/render"
	"gatehouse/internal/git"
	gatehouseweb "gatehouse/web"
	web "gatehouse/web/demo"
)

// pages is what the CMS pages elsewhere have in common.
type pages struct {
	gatehouse string // where people sign in
	shared    fs.FS
	styles    *api.Assets
	bundle    string      // directory of the CMS below admin/; empty: this build has none
	cms       *api.Assets // its files
	rest      []byte      // of config.yml: all but the backend
}

const decap = "decap-cms"

func newPages(gatehouse string) (*pages, error) {
	shared, err := fs.Sub(web.Files, "pages")
	if err != nil {
		return nil, err
	}
	x := &pages{gatehouse: gatehouse, shared: shared}
	if x.styles, err = api.NewAssets(shared); err != nil {
		return nil, err
	}
	if x.rest, err = fs.ReadFile(web.Files, harbour+"/collections.yml"); err != nil {
		return nil, err
	}
	return x, x.findCMS(gatehouseweb.CMS())
}

// findCMS looks for the bundle, which a build may be without.
func (x *pages) findCMS(bundles fs.FS) error {
	found, err := fs.Glob(bundles, decap+"-*")
	if err != nil || len(found) == 0 {
		return err
	}
	files, err := fs.Sub(bundles, found[0])
	if err != nil {
		return err
	}
	x.bundle = found[0]
	if x.cms, err = api.NewAssets(files); err == nil {
		x.cms.Immutable = true // its version is in the address
	}
	return err
}

// page is the site of a host: its pages as visitors see them, and admin/.
func (e *elsewhere) page(ctx context.Context, p *practice, x *pages, o Options) (http.Handler, error) {
	repo, err := git.Open(ctx, e.repository(p))
	if err != nil {
		return nil, err
	}
	e.repos = append(e.repos, repo)
	site, err := render.New(pagesOf(harbour, repo, o.Log), x.shared)
	if err != nil {
		return nil, err
	}
	config, err := x.config(goodBackend, p, p.Page)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	site.Mount(mux)
	mux.HandleFunc("GET "+styleSheet, func(w http.ResponseWriter, r *http.Request) { x.styles.ServeFile(w, r, "site.css") })
	x.mount(mux, p, func() ([]byte, error) { return config, nil })
	return mux, nil
}

// broken is a CMS page with a configuration that does not work, in a file that
// whoever tries the demo may mend. It is written anew when an address in it is
// not good any more.
func (e *elsewhere) broken(x *pages) (http.Handler, error) {
	p := e.hosts[0]
	had, err := os.ReadFile(e.BrokenFile)
	if err != nil || !bytes.Contains(had, []byte(p.API())) || !bytes.Contains(had, []byte(x.gatehouse)) {
		fresh, err := x.config(badBackend, p, p.Page)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(e.BrokenFile, fresh, 0o600); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/admin/", http.StatusFound))
	x.mount(mux, p, func() ([]byte, error) { return os.ReadFile(e.BrokenFile) })
	return mux, nil
}

// The heads of config.yml. The second one has what people write by mistake: a
// path in base_url, a key one level too high, a name from the site's former
// hosting.
const (
	goodBackend = `# The site's content is at {{.Title}}; people sign in through Gatehouse.
backend:
  name: {{.Kind}}
  repo: {{.Repo}}
  branch: main
  api_root: {{.API}}
  base_url: {{.Gatehouse}}
  site_domain: {{.Site}}

site_url: {{.Shown}}
display_url: {{.Shown}}
`
	badBackend = `# Nobody can sign in with this, for three reasons. Ask the doctor, then put what
# it prints in the place of the backend, and ask once more.
backend:
  name: {{.Kind}}
  repo: {{.Repo}}
  branch: main
  api_root: {{.API}}
  base_url: {{.Gatehouse}}/auth
  site_domain: skerry-haven-old.netlify.app
auth_endpoint: auth

site_url: {{.Shown}}
display_url: {{.Shown}}
`
)

func (x *pages) config(head string, p *practice, shown string) ([]byte, error) {
	t, err := template.New("config.yml").Parse(head)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Execute(&text, struct {
		*practice
		Gatehouse, Shown string
	}{p, x.gatehouse, shown})
	text.Write(x.rest)
	return text.Bytes(), err
}

// mount adds the CMS as any static site has it: a page that loads the script,
// and config.yml beside it.
func (x *pages) mount(mux *http.ServeMux, p *practice, config func() ([]byte, error)) {
	policy := x.policy(p)
	mux.HandleFunc("GET /admin/{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(strings.Replace(cmsPage, "{{body}}", x.body(), 1))) // the client has gone when this fails
	})
	mux.HandleFunc("GET /admin/config.yml", func(w http.ResponseWriter, _ *http.Request) {
		text, err := config()
		if err != nil {
			http.Error(w, "There is no configuration.", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/yaml; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(text)
	})
	mux.HandleFunc("GET /admin/{set}/{file...}", func(w http.ResponseWriter, r *http.Request) {
		if x.bundle == "" || r.PathValue("set") != x.bundle {
			http.NotFound(w, r)
			return
		}
		x.cms.ServeFile(w, r, r.PathValue("file"))
	})
}

const cmsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Skerry Haven: the editor</title>
<link rel="icon" href="data:,">
</head>
<body>
{{body}}
</body>
</html>
`

func (x *pages) body() string {
	if x.bundle == "" {
		return `<p>This gatehouse was built without the CMS. To put it in, run "make build" in the source directory.</p>`
	}
	return `<script src="` + x.bundle + `/` + decap + `.js"></script>`
}

// policy lets the CMS work at its host and nowhere else: it would ask the real
// one how it is.
func (x *pages) policy(p *practice) string {
	return "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; " +
		"img-src 'self' data: blob: " + p.URL + "; media-src 'self' data: blob:; " +
		"connect-src 'self' blob: " + p.URL + " " + x.gatehouse + "; worker-src 'self' blob:; frame-src 'self' blob:; " +
		"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}
