package demo

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"gatehouse/internal/api/console"
	"gatehouse/internal/cms"
	"gatehouse/internal/demo/sample"
	"gatehouse/internal/git"
	"gatehouse/internal/site"
	gatehouseweb "gatehouse/web"
)

// perFolder bounds how many files of a folder a trial begins with.
const perFolder = 40

// mountTrial adds /try/: the editor as anybody may use it, without an account.
// The CMS keeps everything in the page (its test-repo backend), so that the
// server learns nothing and a reload forgets all.
func (d *Demo) mountTrial(ctx context.Context, mux *http.ServeMux) error {
	files, err := console.NewAdminFiles(gatehouseweb.Admin(), gatehouseweb.CMS())
	if err != nil {
		return err
	}
	seed, text, err := trialContent(ctx, d.repos[journal])
	if err != nil {
		return err
	}
	parsed, err := trialConfig(text)
	if err != nil {
		return err
	}
	own := http.NewServeMux()
	(&console.Admin{
		Site:   &site.Site{Name: "try", Title: "Try it"},
		Files:  files,
		Config: func(context.Context) (*cms.Config, error) { return parsed, nil },
		Seed:   seed,
		Notice: "Nothing here is stored; a reload forgets all.",
		Log:    d.log,
	}).Mount(own)
	own.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "admin/") // relative, for whatever stands before it
		w.WriteHeader(http.StatusFound)
	})
	mux.Handle("GET /try/", http.StripPrefix("/try", own))
	return nil
}

// trialContent is the first site's content as the CMS's test-repo wants it: a
// tree of folders whose leaves are {"content": text}; and its config.yml.
func trialContent(ctx context.Context, repo *git.Repo) (seed map[string]any, config []byte, err error) {
	commit, err := repo.Resolve(ctx, "refs/heads/"+sample.Branch)
	if err != nil {
		return nil, nil, err
	}
	entries, err := repo.Tree(ctx, commit, "", 0)
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(entries) // the newest posts come first
	seed = map[string]any{}
	inFolder := map[string]int{}
	for _, e := range entries {
		dir := e.Path[:strings.LastIndex(e.Path, "/")+1]
		text := strings.HasPrefix(e.Path, "content/") || strings.HasPrefix(e.Path, "data/") || e.Path == "admin/config.yml"
		if inFolder[dir]++; !text || inFolder[dir] > perFolder {
			continue
		}
		data, err := repo.Blob(ctx, e.ID)
		if err != nil {
			return nil, nil, err
		}
		if e.Path == "admin/config.yml" {
			config = data
			continue
		}
		plant(seed, e.Path, strings.ReplaceAll(string(data), " /uploads/", " /site/uploads/"))
	}
	return seed, config, nil
}

// plant puts one file into the tree.
func plant(tree map[string]any, path, text string) {
	parts := strings.Split(path, "/")
	for _, dir := range parts[:len(parts)-1] {
		next, ok := tree[dir].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[dir] = next
		}
		tree = next
	}
	tree[parts[len(parts)-1]] = map[string]string{"content": text}
}

// trialConfig is the site's own config.yml on the test-repo backend, with the
// pictures that the site shows.
func trialConfig(text []byte) (*cms.Config, error) {
	var c map[string]any
	if err := yaml.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	c["backend"] = map[string]any{"name": "test-repo"}
	c["public_folder"] = "/site/uploads"
	c["show_preview_links"] = false
	changed, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	return cms.Parse(changed)
}
