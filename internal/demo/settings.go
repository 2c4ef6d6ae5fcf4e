package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"text/template"

	"gatehouse/internal/config"
)

const settings = `# The demo's configuration. It is written anew at every start.
url: http://{{.}}
listen: {{printf "%q" .}}
data: ./data

sites:
  - name: journal
    title: Millbrook Meadows
    backend: {name: git-gateway, repo: ./sites/journal.git, branch: main}
    admin: {bundle: decap-cms, styles: [admin/preview.css]}
    deploy: {preview: "http://{{.}}/site/-/draft/{commit}"}

  - name: kitchen
    title: The Rye House
    backend: {name: git-gateway, repo: ./sites/kitchen.git, branch: main}
    admin: {bundle: netlify-cms, styles: [static/admin/preview.css]}
    deploy: {preview: "http://{{.}}/site/kitchen/-/draft/{commit}"}
`

// writeConfig writes gatehouse.yaml and reads it as "gatehouse serve" would.
func writeConfig(dir, addr string) (*config.Config, error) {
	t, err := template.New("gatehouse.yaml").Parse(settings)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, addr); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "gatehouse.yaml")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return config.Load(file)
}
