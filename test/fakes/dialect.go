package fakes

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

// The kinds of practice hosts.
const (
	KindGitHub    = "github"
	KindGitLab    = "gitlab"
	KindBitbucket = "bitbucket"
	KindGitea     = "gitea"
)

// Dialect is how one kind of host speaks OAuth 2.
type Dialect struct {
	Kind  string // one of the kinds above
	Title string // for people

	AuthorizePath, TokenPath string
	RevokePath               string // empty: no such endpoint here

	// Matches reports whether an address asked for is covered by one that is
	// registered with the app.
	Matches func(registered, asked string) bool
	// ErrorsReturn sends a wrong redirect address and a suspended app back to
	// the registered address as an error. Off, the person sees a page and the
	// app never hears of it.
	ErrorsReturn bool
	// SameRedirect wants redirect_uri again with every code and refresh token.
	SameRedirect bool
	// BasicOnly takes the client's secret in the Authorization header alone.
	BasicOnly bool
	// PKCE keeps and checks code challenges; off, they are ignored.
	PKCE bool
	// CORS lets other origins' pages call the token endpoint.
	CORS bool

	// Life is how long an access token is good; 0: until revoked, unless the
	// app has ExpiringTokens.
	Life time.Duration
	// Rotates gives a new refresh token at each use and ends the old pair.
	Rotates bool

	// DefaultScope is granted to those who ask for none.
	DefaultScope string
	// AppScopes takes scopes from the app, whatever is asked for.
	AppScopes bool
	// Schemes are the words before a token that the API accepts, in lower case.
	Schemes []string

	answers answers
}

// GitHub is github.com and GitHub Enterprise: errors with status 200, answers
// as a form unless JSON is asked for, tokens that last unless the app says.
func GitHub() Dialect {
	return Dialect{ //nolint:gosec // paths, no secrets
		Kind: KindGitHub, Title: "GitHub",
		AuthorizePath: "/login/oauth/authorize", TokenPath: "/login/oauth/access_token",
		Matches: matchBelow, ErrorsReturn: true, PKCE: true, Rotates: true,
		Schemes: []string{"token", "bearer", "basic"},
		answers: githubAnswers{},
	}
}

// GitLab has tokens of two hours and refresh tokens that can be used once.
func GitLab() Dialect {
	return Dialect{ //nolint:gosec // paths, no secrets
		Kind: KindGitLab, Title: "GitLab",
		AuthorizePath: "/oauth/authorize", TokenPath: "/oauth/token", RevokePath: "/oauth/revoke",
		Matches: matchExact, SameRedirect: true, PKCE: true, CORS: true, Rotates: true,
		Life: 2 * time.Hour, DefaultScope: "api",
		Schemes: []string{"bearer"},
		answers: gitlabAnswers{},
	}
}

// Bitbucket is Bitbucket Cloud: the app's secret goes in the Authorization
// header, scopes are the app's, and there is no PKCE.
func Bitbucket() Dialect {
	return Dialect{ //nolint:gosec // paths, no secrets
		Kind: KindBitbucket, Title: "Bitbucket",
		AuthorizePath: "/site/oauth2/authorize", TokenPath: "/site/oauth2/access_token",
		Matches: matchPrefix, BasicOnly: true, Rotates: true,
		Life: 2 * time.Hour, AppScopes: true,
		DefaultScope: "account email repository:write pullrequest:write",
		Schemes:      []string{"bearer"},
		answers:      bitbucketAnswers{},
	}
}

// Gitea is Gitea and Forgejo: tokens of one hour in the shape of a JWT, and
// refresh tokens that stay good, as a new installation has it.
func Gitea() Dialect {
	return Dialect{ //nolint:gosec // paths, no secrets
		Kind: KindGitea, Title: "Gitea",
		AuthorizePath: "/login/oauth/authorize", TokenPath: "/login/oauth/access_token",
		Matches: matchLoopbackPort, SameRedirect: true, PKCE: true, CORS: true,
		Life: time.Hour, DefaultScope: "all",
		Schemes: []string{"token", "bearer", "basic"},
		answers: giteaAnswers{},
	}
}

func matchExact(registered, asked string) bool { return registered == asked }

// matchBelow is GitHub's: the same host and port, the same path or one below
// it; on loopback any port.
func matchBelow(registered, asked string) bool {
	r, a, ok := parsePair(registered, asked)
	if !ok || !sameHost(r, a) {
		return false
	}
	base := strings.TrimSuffix(r.Path, "/")
	return a.Path == r.Path || a.Path == base || strings.HasPrefix(a.Path, base+"/")
}

// matchPrefix is Bitbucket's: the text may go on behind the registered one.
func matchPrefix(registered, asked string) bool {
	r, a, ok := parsePair(registered, asked)
	return ok && r.Host == a.Host && strings.HasPrefix(asked, registered)
}

// matchLoopbackPort is Gitea's: the same, but on loopback any port.
func matchLoopbackPort(registered, asked string) bool {
	if registered == asked {
		return true
	}
	r, a, ok := parsePair(registered, asked)
	return ok && sameHost(r, a) && r.Path == a.Path && r.RawQuery == a.RawQuery
}

func parsePair(registered, asked string) (r, a *url.URL, ok bool) {
	r, err := url.Parse(registered)
	if err != nil {
		return nil, nil, false
	}
	a, err = url.Parse(asked)
	if err != nil || a.Scheme != r.Scheme || a.User != nil || a.Fragment != "" {
		return nil, nil, false
	}
	return r, a, !strings.Contains(a.EscapedPath(), "..")
}

func sameHost(r, a *url.URL) bool {
	if r.Host == a.Host {
		return true
	}
	loopback := r.Hostname() == "127.0.0.1" || r.Hostname() == "::1"
	return loopback && r.Hostname() == a.Hostname()
}

// secret is n random bytes in letters, digits, minus and underscore.
func secret(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
