package fakes

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Person is somebody who has an account at the host.
type Person struct {
	ID    int64 // 0: AddPerson gives the next
	Login string
	Name  string
	Email string
}

// App is an app registered at the host.
type App struct {
	ID        string   // the client id
	Secret    string   // empty: a public app, which has to use PKCE
	Name      string   // for the page that asks for consent
	Redirects []string // registered callback addresses
	Slug      string   // of a GitHub App; empty: an OAuth app

	ExpiringTokens bool     // GitHub: tokens of eight hours, with refresh tokens
	Scopes         []string // Bitbucket: what the app may do; nil: the host's usual
	Suspended      bool     // GitHub: sends everybody back with an error
}

// Server is the OAuth 2 server of one practice host. Make it with New; all
// methods may be called at any time.
type Server struct {
	Dialect
	now  func() time.Time
	done chan struct{}

	pages *template.Template

	mu       sync.Mutex
	people   []Person
	apps     map[string]*App
	sessions bounded[string]      // a browser's cookie → login
	codes    bounded[*code]       // by the code
	tokens   bounded[*Token]      // by the access token
	refresh  bounded[string]      // refresh token → its access token
	approved map[consent][]string // scopes that a person granted before
	faults   Faults
	record   Record
}

type consent struct{ app, login string }

// New makes a server without people and apps. now may be nil.
func New(d Dialect, now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	return &Server{
		Dialect: d, now: now, done: make(chan struct{}), pages: parsePages(),
		apps: map[string]*App{}, approved: map[consent][]string{},
		sessions: bounded[string]{limit: 1000}, codes: bounded[*code]{limit: 1000},
		tokens: bounded[*Token]{limit: 10000}, refresh: bounded[string]{limit: 10000},
	}
}

// Close lets go of the requests that a fault keeps hanging. It never fails.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	return nil
}

// AddPerson adds somebody, or replaces who has the login, and answers who it
// is with the id filled in.
func (s *Server) AddPerson(p Person) Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.people, func(q Person) bool { return q.Login == p.Login })
	if p.ID == 0 && at >= 0 {
		p.ID = s.people[at].ID
	}
	if p.ID == 0 {
		p.ID = int64(1001 + len(s.people))
	}
	if at >= 0 {
		s.people[at] = p
	} else {
		s.people = append(s.people, p)
	}
	return p
}

// Person is who has the login.
func (s *Server) Person(login string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.person(login)
}

func (s *Server) person(login string) (Person, bool) {
	at := slices.IndexFunc(s.people, func(p Person) bool { return strings.EqualFold(p.Login, login) })
	if at < 0 {
		return Person{}, false
	}
	return s.people[at], true
}

// People are all accounts, in the order of their coming.
func (s *Server) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.people)
}

// AddApp registers an app, or replaces the one with the same id.
func (s *Server) AddApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Redirects, a.Scopes = slices.Clone(a.Redirects), slices.Clone(a.Scopes)
	s.apps[a.ID] = &a
}

// App is the app with a client id.
func (s *Server) App(id string) (App, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.apps[id]
	if !ok {
		return App{}, false
	}
	return *a, true
}

// Mount adds the sign-in pages and the token endpoint to mux.
func (s *Server) Mount(mux *http.ServeMux) {
	same := http.NewCrossOriginProtection()
	mux.HandleFunc("GET "+s.AuthorizePath, s.authorize)
	mux.Handle("POST "+s.AuthorizePath, same.Handler(http.HandlerFunc(s.decide)))
	mux.HandleFunc("POST "+s.TokenPath, s.token)
	if s.CORS {
		mux.HandleFunc("OPTIONS "+s.TokenPath, preflight)
	}
	if s.RevokePath != "" {
		mux.HandleFunc("POST "+s.RevokePath, s.revocation)
	}
}

// bounded is a map that forgets the oldest entry when it is full.
type bounded[V any] struct {
	limit int
	m     map[string]V
	order []string
}

func (b *bounded[V]) get(key string) (V, bool) {
	v, ok := b.m[key]
	return v, ok
}

func (b *bounded[V]) put(key string, v V) {
	if b.m == nil {
		b.m = map[string]V{}
	}
	if _, ok := b.m[key]; !ok {
		b.order = append(b.order, key)
	}
	b.m[key] = v
	for len(b.order) > b.limit {
		delete(b.m, b.order[0])
		b.order = b.order[1:]
	}
}
