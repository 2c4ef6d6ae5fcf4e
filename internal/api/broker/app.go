package broker

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"gatehouse/internal/connector"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

// app is the connector that a sign-in goes by. The self-test's has no provider.
type app struct {
	connector.Connector
	provider *provider.Provider
}

// choose finds the app for a site and for what the CMS page calls its provider.
// NotFound when there is none, Conflict when there are several.
func (h *Handler) choose(ctx context.Context, s *site.Site, asked string) (app, error) {
	if s.Name == selftestName && asked == selftestName && h.Sites.Named(selftestName) == nil {
		return selftestApp(), nil
	}
	if !sameKind(s.Backend.Kind, asked) {
		return app{}, fault.New(fault.NotFound, "The repository of %s is not at a host of the kind %s.", s.Name, asked)
	}
	c, err := h.Connectors.For(ctx, s.Name, s.Backend.Kind, s.Connectors)
	if err != nil {
		return app{}, err
	}
	return h.ready(ctx, c)
}

// sameKind reports whether a CMS page means a kind of host by its provider.
// Forgejo came out of Gitea, and pages made for one work with the other.
func sameKind(kind, asked string) bool {
	if kind == provider.Forgejo || kind == provider.Gitea {
		return asked == provider.Forgejo || asked == provider.Gitea
	}
	return kind == asked
}

// app is the one of a name. NotFound when there is none.
func (h *Handler) app(ctx context.Context, name string) (app, error) {
	c, err := h.Connectors.Get(ctx, name)
	if fault.Is(err, fault.NotFound) && name == selftestName {
		return selftestApp(), nil
	}
	if err != nil {
		return app{}, err
	}
	return h.ready(ctx, c)
}

func (h *Handler) ready(ctx context.Context, c connector.Connector) (app, error) {
	p, err := h.Connectors.Provider(ctx, c.Name)
	return app{Connector: c, provider: p}, err
}

func selftestApp() app { return app{Connector: connector.Connector{Name: selftestName}} }

// hostURL is where the host is; empty for the self-test.
func (a app) hostURL() string {
	if a.provider == nil {
		return ""
	}
	return a.provider.URL
}

// Why what came of an app must not go on with it.
var (
	errOtherHost = errors.New("the connector leads to another host than the one that was signed in at")
	errNotUsed   = errors.New("the site does not use this connector any more")
)

// still is nil when what a host gave for a site may go on with the app: a reload
// or an edit may have given it another host, or the site another app.
func (a app) still(s *site.Site, host string) error {
	uses := a.Serves(s.Name)
	if len(s.Connectors) > 0 {
		uses = slices.Contains(s.Connectors, a.Name)
	}
	switch {
	case a.provider == nil: // the self-test
		return nil
	case a.hostURL() != host:
		return errOtherHost
	case !uses || a.Kind != s.Backend.Kind:
		return errNotUsed
	}
	return nil
}

// hostName is what people call the host; empty when that is not known.
func (a app) hostName() string {
	if a.provider == nil {
		return ""
	}
	switch a.provider.URL {
	case "https://github.com":
		return "GitHub"
	case "https://gitlab.com":
		return "GitLab"
	case "https://bitbucket.org":
		return "Bitbucket"
	}
	u, err := url.Parse(a.provider.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// apiRoot is where a CMS page finds the host's API; empty for public hosts, which
// every CMS knows.
func (a app) apiRoot() string {
	if a.provider == nil || a.provider.URL == connector.Home(a.Kind) {
		return ""
	}
	return a.provider.API
}

// repository is where the people of a site must be able to push.
func repository(s *site.Site) provider.Repository {
	return provider.Repository{Path: s.Backend.Repo, ID: s.Backend.RepositoryID, AnyoneMayFork: s.Backend.OpenAuthoring}
}
