package doctor

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// secret is where a secret stands. The secret itself is not kept.
type secret struct {
	what string // "the key client_secret"
	line int
}

var (
	// What the hosts' own tokens and secrets look like.
	tokenText = regexp.MustCompile(`\b(?:gh[oprsu]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|gl(?:pat|oas|cbt|rt|dt|ptt)-[A-Za-z0-9_-]{20,255}|ATBB[A-Za-z0-9]{20,255}|ATCTT3[A-Za-z0-9_=-]{20,255})`)
	secretSet = regexp.MustCompile(`(?i)\b((?:client|app|oauth|consumer)[_-]?secret)["']?\s*[:=]\s*["'\x60]([^"'\x60\s]{8,})["'\x60]`)
)

// isSecretKey reports whether a key's value is for servers alone.
func isSecretKey(key string) bool {
	switch strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(key)) {
	case "clientsecret", "appsecret", "oauthsecret", "consumersecret", "secret", "secretkey", "token", "accesstoken", "refreshtoken", "privatekey", "password":
		return true
	}
	return false
}

// secretKeys finds keys with secrets at the top and in the sections, but not in
// collections, where a field may be called anything.
func secretKeys(root *yaml.Node) []secret {
	var out []secret
	var walk func(n *yaml.Node, path string, depth int)
	walk = func(n *yaml.Node, path string, depth int) {
		each(n, func(key, v *yaml.Node) {
			switch {
			case isSecretKey(key.Value) && scalar(v) != "" && len(out) < 20:
				out = append(out, secret{"the key " + path + key.Value, key.Line})
			case key.Value != "collections" && depth < 4:
				walk(v, path+key.Value+".", depth+1)
			}
		})
	}
	walk(root, "", 0)
	return out
}

// tokensIn finds what looks like a token or secret, whatever it is called.
func tokensIn(text []byte) []secret {
	var out []secret
	for _, at := range tokenText.FindAllIndex(text, 20) {
		out = append(out, secret{"what looks like a token of a Git host", 1 + bytes.Count(text[:at[0]], []byte("\n"))})
	}
	return out
}

// checkSecrets reports what must not be public: everybody can read config.yml
// and the page.
func (x *exam) checkSecrets() {
	const remedy = "Take it out, and make a new one at the host: the old one counts as known. A secret belongs to Gatehouse alone, as client_secret_file in gatehouse.yaml."
	if x.config != nil {
		lines := []int{}
		for _, s := range x.config.secrets {
			if slices.Contains(lines, s.line) {
				continue
			}
			lines = append(lines, s.line)
			x.find(Finding{ID: "secret-config", Group: GroupSecret, Severity: Security, Line: s.line, Problem: "Everybody can read a secret in config.yml: " + s.what + ".", Remedy: remedy})
		}
	}
	x.checkPageSecrets(remedy)
	if x.Settings != nil {
		for _, f := range x.Settings.SecretFiles {
			x.find(Finding{ID: "secret-file", Group: GroupSecret, Severity: Warning, Problem: fmt.Sprintf("Everybody on the server can read %s, which holds %s.", f.Name, f.Setting), Remedy: "Give it to the user that runs Gatehouse, and run: chmod 600 " + f.Name})
		}
	}
	if !x.found("secret-config", "secret-page", "secret-file") {
		x.pass(GroupSecret, "secrets", "No secret lies open.")
	}
}

func (x *exam) checkPageSecrets(remedy string) {
	for _, text := range x.page.inline {
		what := ""
		if m := secretSet.FindStringSubmatch(text); m != nil {
			what = m[1]
		} else if tokenText.MatchString(text) {
			what = "what looks like a token of a Git host"
		}
		if what != "" {
			x.find(Finding{ID: "secret-page", Group: GroupSecret, Severity: Security, Problem: "Everybody can read a secret in a script of the CMS page: " + what + ".", Remedy: remedy})
			return
		}
	}
}
