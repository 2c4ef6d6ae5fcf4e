package broker

import (
	"encoding/json"
	"regexp"
	"strings"

	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

// ConfigBlock is what belongs into a CMS's config.yml for its popup to be ours:
// ourOrigin is our public origin, endpoint the path of the popup without the
// slash at its beginning ("auth"), siteID the name that the page will give.
func ConfigBlock(ourOrigin, endpoint, siteID string, b site.Backend) string {
	var y strings.Builder
	if b.Kind == provider.Bitbucket { // its CMS side looks for them here when it renews a token
		y.WriteString("base_url: " + yamlText(ourOrigin) + "\n")
		y.WriteString("site_id: " + yamlText(siteID) + "\n")
	}
	branch := b.Branch
	if branch == "" {
		branch = "main"
	}
	y.WriteString("backend:\n")
	for _, line := range [][2]string{
		{"name", b.Kind},
		{"repo", b.Repo},
		{"branch", branch},
		{"api_root", b.API},
		{"base_url", ourOrigin},
		{"auth_endpoint", endpoint},
		{"site_domain", siteID},
	} {
		if line[1] != "" {
			y.WriteString("  " + line[0] + ": " + yamlText(line[1]) + "\n")
		}
	}
	return y.String()
}

// plainYAML is what YAML takes for text without quotes: names, paths and origins.
var plainYAML = regexp.MustCompile(`^(?:https?://[a-z0-9.-]+(?::[0-9]+)?(?:/[a-zA-Z0-9._/-]+)?|[a-z][a-zA-Z0-9._/-]*)$`)

// yamlText writes one line of text as YAML.
func yamlText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
	default:
		if plainYAML.MatchString(s) {
			return s
		}
	}
	quoted, err := json.Marshal(s) // YAML reads what JSON writes
	if err != nil {
		return `""`
	}
	return string(quoted)
}
