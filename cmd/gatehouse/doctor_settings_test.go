package main

import (
	"testing"

	"gatehouse/internal/config"
)

// A CMS page has to be told where the API of a host is that is not a public one,
// and the doctor can say so only when it is clear which host that is.
func TestOwnAPI(t *testing.T) {
	enterprise := config.Connector{Name: "own", Kind: "github", URL: "https://git.example.org", ClientID: "id"}
	public := config.Connector{Name: "hub", Kind: "github", URL: "https://github.com", ClientID: "id"}
	usual := config.Connector{Name: "usual", Kind: "github", ClientID: "id"}
	lab := config.Connector{Name: "lab", Kind: "gitlab", URL: "https://example.org/gitlab", ClientID: "id"}
	cloud := enterprise
	cloud.API = "https://api.acme.example"
	for name, tt := range map[string]struct {
		kind       string
		uses       []string
		connectors []config.Connector
		want       string
	}{
		"GitHub Enterprise":    {"github", nil, []config.Connector{enterprise, lab}, "https://git.example.org/api/v3"},
		"an API elsewhere":     {"github", nil, []config.Connector{cloud}, "https://api.acme.example"},
		"GitLab below a path":  {"gitlab", nil, []config.Connector{enterprise, lab}, "https://example.org/gitlab/api/v4"},
		"GitHub":               {"github", nil, []config.Connector{usual}, ""},
		"GitHub by its name":   {"github", nil, []config.Connector{public}, ""},
		"several":              {"github", nil, []config.Connector{enterprise, public}, ""},
		"the one that is used": {"github", []string{"own"}, []config.Connector{enterprise, public}, "https://git.example.org/api/v3"},
		"none in the file":     {"github", nil, nil, ""},
	} {
		s := config.Site{Connectors: tt.uses, Backend: config.Backend{Name: tt.kind}}
		if got := ownAPI(&config.Config{Connectors: tt.connectors}, &s); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
