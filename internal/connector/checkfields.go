package connector

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
	"gatehouse/internal/provider"
)

var (
	goodName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	goodSlug = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`)
	digits   = regexp.MustCompile(`^[0-9]+$`)
	// A GitHub App's client ID begins so; an OAuth app's begins with Ov, or is old
	// and hexadecimal.
	appID = regexp.MustCompile(`^Iv[0-9]`)
)

const (
	maxCredential = 512
	maxCA         = 64 << 10
)

func nameProblem(e *Entry, others []Entry) string {
	switch {
	case !goodName.MatchString(e.Name):
		return "Choose a name of lower-case letters, digits and hyphens, 63 at most."
	case e.Name == "selftest" || e.Name == "new":
		return fmt.Sprintf("The name %s is taken by Gatehouse itself: choose another.", e.Name)
	case slices.ContainsFunc(others, func(o Entry) bool { return o.Name == e.Name }):
		return fmt.Sprintf("There is a connector named %s already: choose another name.", e.Name)
	}
	return ""
}

func kindProblem(kind string) string {
	if slices.Contains(provider.Kinds(), kind) {
		return ""
	}
	return "Choose the kind of host: " + strings.Join(provider.Kinds(), ", ") + "."
}

func urlProblem(e *Entry) string {
	if e.URL == "" {
		return "Give the address of the host, such as https://git.example.org."
	}
	return addressProblem(e.URL)
}

func addressProblem(address string) string {
	if address == "" {
		return ""
	}
	if err := outbound.CheckURL(address); err != nil {
		return fault.Message(err)
	}
	return ""
}

func clientProblem(e *Entry) string {
	switch {
	case e.ClientID == "":
		return "Give the client ID that the host shows for the app."
	case !printable(e.ClientID):
		return "A client ID is one word of plain letters, digits and signs: copy it again."
	case e.Kind == provider.GitHub && digits.MatchString(e.ClientID):
		return "This is the number of a GitHub App. Its client ID stands beside it and begins with Iv."
	}
	return ""
}

func secretProblem(e *Entry) string {
	switch {
	case e.Secret == "" && e.moved:
		return "The host is another one than before, or trusted for another reason: give the secret again, so that it goes nowhere it was not made for."
	case e.Secret == "":
		return "Give the client secret that the host made for the app."
	case !printable(e.Secret):
		return "A client secret is one word of plain letters, digits and signs: copy it again."
	}
	return ""
}

// printable reports whether s can be an app's id or secret.
func printable(s string) bool {
	return len(s) <= maxCredential && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func appProblem(e *Entry) string {
	switch {
	case e.Slug == "" && e.Kind == provider.GitHub && appID.MatchString(e.ClientID):
		return "This client ID is a GitHub App's. Give the app's name, too: the last part of its address github.com/apps/NAME."
	case e.Slug == "":
		return ""
	case e.Kind != provider.GitHub:
		return "Only GitHub has GitHub Apps: leave this empty."
	case !goodSlug.MatchString(e.Slug):
		return "Give the last part of the app's address github.com/apps/NAME: lower-case letters, digits and hyphens."
	}
	return ""
}

func scopeProblem(e *Entry) string {
	if e.Scope == "" {
		return ""
	}
	if e.Slug != "" {
		return "A GitHub App has permissions, which are set at GitHub, and no scope: leave this empty."
	}
	known := Scopes(e.Kind)
	if len(known) == 0 {
		return "What people are asked for is set at the host, with the app itself: leave this empty."
	}
	for _, s := range strings.Fields(e.Scope) {
		if !slices.Contains(known, s) {
			return fmt.Sprintf("The scope %q is not among those that a CMS can use: %s.", s, strings.Join(known, ", "))
		}
	}
	return ""
}

func sitesProblem(sites []string) string {
	for _, s := range sites {
		if !goodName.MatchString(s) {
			return "Choose among the sites of gatehouse.yaml."
		}
	}
	return ""
}

func callbackProblem(e *Entry, others []Entry) string {
	if e.Callback != "" && !slices.Contains(Aliases(), e.Callback) {
		return fmt.Sprintf("This path is not answered: choose /callback/%s, %s.", e.Name, strings.Join(Aliases(), ", "))
	}
	for _, o := range others {
		if o.CallbackPath() == e.CallbackPath() && o.Name != e.Name {
			return fmt.Sprintf("People come back from the connector %s to this path already: two hosts cannot return to one address.", o.Name)
		}
	}
	return ""
}

func caProblem(ca string) string {
	if ca == "" {
		return ""
	}
	if len(ca) > maxCA {
		return "This is too much: give the one certificate of your authority."
	}
	rest, found := []byte(ca), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Sprintf("This holds a %s: give the certificate alone, and keep keys to yourself.", strings.ToLower(block.Type))
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return "A certificate in this is damaged: copy it again, with its first and last line."
		}
		found++
	}
	if found == 0 || strings.TrimSpace(string(rest)) != "" {
		return "This is not a certificate in PEM: it begins with -----BEGIN CERTIFICATE----- and ends with -----END CERTIFICATE-----."
	}
	return ""
}

func proxyProblem(proxy string) string {
	if proxy == "" {
		return ""
	}
	u, err := url.Parse(proxy)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return "This is not the address of a proxy: write http://host:port."
	case (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return "This is more than the address of a proxy: write http://host:port."
	}
	return ""
}

// Scopes are those that a connector of a kind may be limited to; none where
// the app itself, at the host, has what is a scope elsewhere.
func Scopes(kind string) []string {
	switch kind {
	case provider.GitHub:
		return []string{"repo", "public_repo", "user", "read:user", "user:email", "read:org"}
	case provider.GitLab:
		return []string{"api", "read_api", "read_user", "read_repository", "write_repository", "openid", "profile", "email"}
	case provider.Gitea, provider.Forgejo:
		return []string{"read:user", "write:repository", "read:repository", "write:issue", "read:issue"}
	}
	return nil
}
