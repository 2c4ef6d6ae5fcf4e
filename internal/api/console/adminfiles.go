package console

import (
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
)

// defaultBundle is the CMS of a site that names none.
const defaultBundle = "decap-cms"

// AdminFiles are the embedded files of the editor: our adapter and the CMS
// bundles. All sites share one; make it with NewAdminFiles.
type AdminFiles struct {
	adapter               *api.Assets
	bundles               []bundle
	page, signIn, problem *template.Template
}

// bundle is one CMS: a directory of the embedded files named NAME-VERSION.
type bundle struct {
	name, version string
	files         *api.Assets
}

// script is the bundle's main script, relative to the page.
func (b bundle) script() string {
	return "assets/" + b.name + "-" + b.version + "/" + b.name + ".js"
}

// generation is the version up to its first dot, as cms.Config.Document knows it.
func (b bundle) generation() string {
	major, _, _ := strings.Cut(b.version, ".")
	return major
}

// NewAdminFiles reads the editor's templates and scripts (admin) and the CMS
// bundles (bundles, one directory for each; there may be none).
func NewAdminFiles(admin, bundles fs.FS) (*AdminFiles, error) {
	f := &AdminFiles{}
	pages, err := template.ParseFS(admin, "*.html")
	if err != nil {
		return nil, fmt.Errorf("the editor's pages: %w", err)
	}
	f.page, f.signIn, f.problem = pages.Lookup("page.html"), pages.Lookup("signin.html"), pages.Lookup("problem.html")
	if f.adapter, err = assetsIn(admin, "assets"); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(bundles, ".")
	if err != nil {
		return nil, fmt.Errorf("the CMS bundles: %w", err)
	}
	for _, e := range entries {
		name, version, ok := cutLast(e.Name(), "-")
		if !ok || !e.IsDir() {
			continue
		}
		files, err := assetsIn(bundles, e.Name())
		if err != nil {
			return nil, err
		}
		f.bundles = append(f.bundles, bundle{name: name, version: version, files: files})
	}
	return f, nil
}

// assetsIn are the files of one directory, which browsers may keep for good:
// the address of each set has its version.
func assetsIn(fsys fs.FS, dir string) (*api.Assets, error) {
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		return nil, err
	}
	assets, err := api.NewAssets(sub)
	if err != nil {
		return nil, err
	}
	assets.Immutable = true
	return assets, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// ours is the address of the adapter's files, relative to the page.
func (f *AdminFiles) ours() string { return "assets/gatehouse-" + f.adapter.Version() }

// bundle finds a CMS by name; empty is the default.
func (f *AdminFiles) bundle(name string) (bundle, error) {
	if name == "" {
		name = defaultBundle
	}
	for _, b := range f.bundles {
		if b.name == name {
			return b, nil
		}
	}
	return bundle{}, fault.New(fault.Unsupported, "This gatehouse was built without the %s bundle.\nTo put it in, run \"make build\" in the source directory; or \"node web/bundles.mjs\", then \"go build ./cmd/gatehouse\". It needs Node.js and the npm registry once.", name)
}

// serve answers with one file of a set.
func (f *AdminFiles) serve(w http.ResponseWriter, r *http.Request) {
	set, file := r.PathValue("set"), r.PathValue("file")
	if set == "gatehouse-"+f.adapter.Version() {
		f.adapter.ServeFile(w, r, file)
		return
	}
	for _, b := range f.bundles {
		if set == b.name+"-"+b.version {
			b.files.ServeFile(w, r, file)
			return
		}
	}
	http.NotFound(w, r)
}
