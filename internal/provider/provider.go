// Package provider knows the places where a person signs in with an account
// of a Git host: how each one's OAuth 2 differs, who a token belongs to, and
// whether that person may push to a repository. One file per kind of host.
//
// A provider is a value. It remembers nothing: transactions and grants are
// kept by auth, and apps by connector.
package provider

import (
	"context"
	"net/http"
	"time"
)

// The kinds of hosts.
const (
	GitHub    = "github" // github.com and GitHub Enterprise
	GitLab    = "gitlab"
	Bitbucket = "bitbucket" // Bitbucket Cloud
	Gitea     = "gitea"
	Forgejo   = "forgejo"
)

// App is an app registered at a host: what it takes to make a Provider.
type App struct {
	Name         string // of the connector; part of the callback URL
	Kind         string // one of the kinds above
	URL          string // of the host, https://github.com, without a slash at the end; may have a path (GitLab below one)
	API          string // of the host's API; empty: what follows from URL
	ClientID     string
	ClientSecret string
	Slug         string // of a GitHub App; empty: an OAuth app
	PKCE         bool
	Client       *http.Client
}

// Provider is one App, ready to use.
type Provider struct {
	App
	dialect dialect
}

// dialect is what differs from kind to kind. Filled in by the kind's file.
type dialect struct{}

// AuthRequest is what a person is sent to the host with.
type AuthRequest struct {
	State    string
	Verifier string // PKCE; its S256 challenge is sent where the host takes one
	Redirect string // the callback URL, as registered
	Scope    string // as decided by Scope; empty for hosts and apps without scopes
	Switch   bool   // let the person choose another account, where the host can
}

// Grant is what a host gives for a code or a refresh token.
type Grant struct {
	AccessToken  string
	RefreshToken string    // empty: the host gives none
	Expires      time.Time // zero: the token does not expire by time
	Scope        string    // granted, as the host spells it; empty: not told
}

// Repository is where a person must be able to push.
type Repository struct {
	Path          string // owner/name, groups/sub/name
	ID            int64  // at GitHub; 0: not known
	AnyoneMayFork bool   // open authoring: to read it is enough
}

// Profile is who a token belongs to.
type Profile struct {
	ID    string // stable at the host
	Login string
	Name  string // empty: none given
	Email string // empty: not told
}

// Access is the outcome of Check for somebody who may work.
type Access struct {
	Profile      Profile
	RepositoryID int64 // at GitHub, to be remembered; 0 elsewhere
}

// Reason says why a sign-in cannot go on, in terms of what to do.
type Reason string

// The reasons. Each has an error page of the broker's.
const (
	Cancelled    Reason = "cancelled"     // the person said no
	BadClient    Reason = "bad-client"    // the host does not accept the app's id, secret or callback
	BadCode      Reason = "bad-code"      // the host does not accept the code (or the refresh token: see Dead)
	Dead         Reason = "dead"          // the refresh token is worth nothing any more
	Scope        Reason = "scope"         // less was granted than is needed
	OrgApproval  Reason = "org-approval"  // an organisation has to approve the app
	NotInstalled Reason = "not-installed" // a GitHub App is not installed on the repository
	SSO          Reason = "sso"           // an organisation wants single sign-on first
	NoWrite      Reason = "no-write"      // the account may not push, or cannot see the repository
	Upstream     Reason = "upstream"      // the host is away, slow, or answers oddly
)

// Refusal is an error of this package that has a reason. Its text holds no
// token, code or secret, and may be logged.
type Refusal struct {
	Reason Reason
	Link   string // at the host's own address, where the person can do something about it; may be empty
	Login  string // who is signed in there, when known
	Detail string // for the operator: what the host said, one line, at most 200 characters
}

func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }

// Registration is what an operator needs to register the app at the host.
type Registration struct {
	URL    string // the host's form, filled in where the host allows it
	Fields []Field
}

// Field is one line of that form.
type Field struct{ Label, Value string }

// Kinds are the kinds of hosts, in the order of the constants.
func Kinds() []string { return []string{GitHub, GitLab, Bitbucket, Gitea, Forgejo} }

// New makes a provider and fills in what follows from the kind. An unknown
// kind, or a URL that is no host's, is fault.Invalid.
func New(a App) (*Provider, error) { return &Provider{App: a}, nil }

// Issuer is what iss on the callback must equal when it is there (RFC 9207).
func (p *Provider) Issuer() string { return p.URL }

// Scope is what is asked of the host: never wider than max (empty: the kind's
// usual one). What the caller asked for can only narrow it.
func (p *Provider) Scope(max, asked string, openAuthoring bool) string { return max }

// AuthCodeURL is where the person is sent.
func (p *Provider) AuthCodeURL(r AuthRequest) string { return p.URL }

// Exchange redeems a code. The repository narrows a GitHub App's token, when
// its ID is known.
func (p *Provider) Exchange(ctx context.Context, code, verifier, redirect string, repo Repository) (Grant, error) {
	return Grant{}, &Refusal{Reason: Upstream, Detail: "not built"}
}

// Refresh redeems a refresh token; Dead when the host does not know it any
// more.
func (p *Provider) Refresh(ctx context.Context, refresh, redirect string, repo Repository) (Grant, error) {
	return Grant{}, &Refusal{Reason: Upstream, Detail: "not built"}
}

// Check asks the host who the token belongs to and whether that person may
// push. The asked scope is what Scope decided.
func (p *Provider) Check(ctx context.Context, g Grant, asked string, repo Repository) (Access, error) {
	return Access{}, &Refusal{Reason: Upstream, Detail: "not built"}
}

// Narrow swaps a GitHub App's token for one that is good for the repository
// alone. Elsewhere g comes back unchanged.
func (p *Provider) Narrow(ctx context.Context, g Grant, repo Repository) (Grant, error) {
	return g, nil
}

// Revoke ends a token that was never delivered. Nil where the host has no way.
func (p *Provider) Revoke(ctx context.Context, g Grant) error { return nil }

// CallbackError is what the host's error on the callback means.
func (p *Provider) CallbackError(code, description string) *Refusal {
	return &Refusal{Reason: Upstream, Detail: code}
}

// Registration is how to register the app.
func (p *Provider) Registration(site, callback string) Registration {
	return Registration{URL: p.URL}
}

// Dead reports whether the refresh token is worth nothing any more.
func (r *Refusal) Dead() bool { return r.Reason == Dead }
