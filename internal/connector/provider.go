package connector

import (
	"context"
	"net/url"

	"gatehouse/internal/fault"
	"gatehouse/internal/outbound"
	"gatehouse/internal/provider"
)

// version is everything that decides what a provider is; a provider is built
// again when any of it changes.
type version struct {
	app       provider.App // without its client
	ca, proxy string
	private   bool
}

type built struct {
	version  version
	provider *provider.Provider
}

// Provider is the host of a connector, ready to use; NotFound when there is no
// such connector. It is built once, and again after the connector has changed.
func (s *Set) Provider(ctx context.Context, name string) (*provider.Provider, error) {
	e, err := s.entry(ctx, name)
	if err != nil {
		return nil, err
	}
	v := version{ca: e.CA, proxy: e.Proxy, private: e.Private, app: provider.App{
		Name: e.Name, Kind: e.Kind, URL: e.URL, API: e.API,
		ClientID: e.ClientID, ClientSecret: e.Secret, Slug: e.Slug,
		PKCE: !e.NoPKCE && e.Kind != provider.Bitbucket,
	}}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.built[name]
	if ok && old.version == v {
		return old.provider, nil
	}
	p, err := build(v)
	if err != nil {
		return nil, err
	}
	s.built[name] = built{v, p}
	if ok {
		old.provider.Client.CloseIdleConnections()
	}
	return p, nil
}

func build(v version) (*provider.Provider, error) {
	o := outbound.Options{Private: v.private}
	if v.ca != "" {
		o.CA = []byte(v.ca)
	}
	if v.proxy != "" {
		proxy, err := url.Parse(v.proxy)
		if err != nil { // its text may hold the password
			return nil, fault.New(fault.Invalid, "The proxy of the connector %s is not a URL.", v.app.Name)
		}
		o.Proxy = proxy
	}
	client, err := outbound.New(o)
	if err != nil {
		return nil, err
	}
	app := v.app
	app.Client = client
	return provider.New(app)
}

// forget drops the provider of a connector that is no more.
func (s *Set) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.built[name]; ok {
		old.provider.Client.CloseIdleConnections()
		delete(s.built, name)
	}
}
