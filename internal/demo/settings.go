package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"text/template"

	"gatehouse/internal/config"
)

const settings = `# The demo's configuration. It is written anew at every start.
url: http://{{.Addr}}
listen: {{printf "%q" .Addr}}
data: ./data

# The practice hosts, on this machine: who signs in there may be anybody.
connectors:
{{- range .Hosts}}
  - name: {{.Connector}}
    kind: {{.Kind}}
    url: {{.URL}}
    client_id: {{.ClientID}}
    client_secret_file: ./hosts/{{.Kind}}.secret
{{- end}}

sites:
  - name: journal
    title: Millbrook Meadows
    backend: {name: git-gateway, repo: ./sites/journal.git, branch: main}
    admin: {bundle: decap-cms, styles: [admin/preview.css]}
    deploy: {preview: "http://{{.Addr}}/site/-/draft/{commit}"}

  - name: kitchen
    title: The Rye House
    backend: {name: git-gateway, repo: ./sites/kitchen.git, branch: main}
    admin: {bundle: netlify-cms, styles: [static/admin/preview.css]}
    deploy: {preview: "http://{{.Addr}}/site/kitchen/-/draft/{commit}"}
{{- range .Hosts}}

  # Its CMS page is elsewhere, and works at the host with each person's account.
  - name: {{.Site}}
    title: {{.SiteTitle}}
    origins: [{{printf "%q" .Page}}]
{{- with .Dev}}
    dev_origins: [{{range $i, $o := .}}{{if $i}}, {{end}}{{printf "%q" $o}}{{end}}]
{{- end}}
    connectors: [{{.Connector}}]
    backend: {name: {{.Kind}}, repo: {{.Repo}}, branch: main}
{{- end}}
`

// writeConfig writes gatehouse.yaml and reads it as "gatehouse serve" would.
func writeConfig(dir, addr string, e *elsewhere) (*config.Config, error) {
	t, err := template.New("gatehouse.yaml").Parse(settings)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Execute(&text, struct {
		Addr  string
		Hosts []*practice
	}{addr, e.hosts})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "gatehouse.yaml")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return config.Load(file)
}
