// Package provider knows the places where a person signs in with an account
// of a Git host: how each one's OAuth 2 differs, who a token belongs to, and
// whether that person may push to a repository. One file per kind of host.
//
//	AuthCodeURL ─► the host ─► callback ─► Exchange ─► Check ─► (Narrow) ─► the editor
//	                              │                      │
//	                        CallbackError             Revoke      Refresh, for as long as it goes on
//
// A provider is a value. It remembers nothing: transactions and grants are
// kept by auth, and apps by connector. It believes nothing either: what a host
// answers is bounded, checked, and cleaned before it is passed on.
package provider

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
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

// Provider is one App, ready to use. Make it with New.
type Provider struct {
	App
	dialect  dialect
	patience time.Duration // for one exchange with the host
}

// dialect is what differs from kind to kind. Filled in by the kind's file.
type dialect struct {
	home      string                   // the kind's public host; empty: the URL has to be given
	authorize string                   // below the host's URL
	redeem    string                   // below the host's URL: a code or a refresh token for an access token
	issuer    string                   // below the host's URL
	api       func(host string) string // where the API is

	scope    string              // usually asked for; empty: scopes belong to the app
	open     string              // the same for sites where anyone may fork
	narrower map[string]string   // what may be asked for instead of a scope
	covers   map[string][]string // what a scope includes besides itself
	granted  string              // what must be granted where scopes belong to the app

	tooLittle string // what the API says, in lower case, to a token with too small a scope

	basic    bool // the client's secret goes in the Authorization header
	noPKCE   bool
	choose   url.Values // lets the person choose another account
	redirect bool       // redirect_uri is wanted with a refresh token, too

	reason   func(code, description string) Reason // of a token call's error, where it is not the usual; "" for the usual
	check    func(ctx context.Context, p *Provider, g Grant, asked string, repo Repository) (Access, error)
	revoke   func(ctx context.Context, p *Provider, g Grant) error // nil: the host has no way
	register func(p *Provider, homepage, callback string) Registration
}

// Kinds are the kinds of hosts, in the order of the constants.
func Kinds() []string { return []string{GitHub, GitLab, Bitbucket, Gitea, Forgejo} }

// New makes a provider and fills in what follows from the kind: URL, API and
// Client; PKCE is taken away where the host has none. An unknown kind, a URL
// that is no host's and a missing client id are fault.Invalid.
func New(a App) (*Provider, error) {
	p := &Provider{App: a, patience: 10 * time.Second}
	switch a.Kind {
	case GitHub:
		p.dialect = github()
	case GitLab:
		p.dialect = gitlab()
	case Bitbucket:
		p.dialect = bitbucket()
	case Gitea, Forgejo:
		p.dialect = gitea()
	default:
		return nil, fault.New(fault.Invalid, "The kind %q is unknown: it is one of %s.", a.Kind, strings.Join(Kinds(), ", "))
	}
	if p.URL == "" {
		p.URL = p.dialect.home
	}
	if p.URL == "" {
		return nil, fault.New(fault.Invalid, "A connector of the kind %s needs the URL of its host.", a.Kind)
	}
	p.URL = strings.TrimSuffix(p.URL, "/")
	if p.API == "" {
		p.API = p.dialect.api(p.URL)
	}
	p.API = strings.TrimSuffix(p.API, "/")
	for _, address := range []string{p.URL, p.API} {
		if err := outbound.CheckURL(address); err != nil {
			return nil, err
		}
	}
	if p.ClientID == "" {
		return nil, fault.New(fault.Invalid, "The client id is missing: the host shows it on the page of the app.")
	}
	p.PKCE = p.PKCE && !p.dialect.noPKCE
	return p, p.useClient()
}

// useClient makes sure that no redirect is followed and no cookie kept,
// whoever made the client.
func (p *Provider) useClient() error {
	if p.Client == nil {
		c, err := outbound.New(outbound.Options{})
		if err != nil {
			return err
		}
		p.Client = c
	}
	c := *p.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Jar = nil
	p.Client = &c
	return nil
}

// isApp reports whether this is a GitHub App.
func (p *Provider) isApp() bool { return p.Kind == GitHub && p.Slug != "" }

// link is a page of the host's.
func (p *Provider) link(path string) string { return p.URL + path }

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
	RepositoryID int64     // of a GitHub App: the one repository it was narrowed to; 0: every one that the app may see
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
