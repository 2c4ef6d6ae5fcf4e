// Package github is a small GitHub over real Git repositories, for tests and for
// trying things out: the REST API and the part of the GraphQL API that content
// managers in browsers use, with the rights, the scopes and the refusals of the
// original.
//
//	people      accounts (of fakes.Server), organisations that restrict OAuth apps or want single
//	            sign-on, installations of GitHub Apps
//	git         blobs, trees, commits, refs, branches, compare, statuses
//	reviews     pull requests, also from forks; merging; issues, labels, comments
//	forks       one store of objects for a repository and all its forks, as at
//	            the original: what is in a fork can be compared at its parent
//	GraphQL     POST /graphql and /api/graphql
//
// The REST API is at / and at /api/v3/, since a client may take the server for
// api.github.com or for GitHub Enterprise.
//
// Content, commits and refs are in bare repositories in Options.Dir. All else
// (people, rights, reviews, labels, statuses) is in memory, bounded, and goes
// with the server.
package github

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
)

// Limits of what is kept in memory and read from a request.
const (
	maxBody     = 64 << 20 // bytes of a request
	maxRepos    = 1000
	maxIssues   = 10000 // of a repository, pull requests among them
	maxStatuses = 1000  // of a commit
	maxComments = 1000  // of an issue
	maxLabels   = 1000  // of a repository
	maxTitle    = 256   // bytes
	maxWords    = 65536 // bytes of what somebody writes at an issue
	maxCommands = 8     // commands of git that run at once for a network
)

// Options is what a Server needs from outside.
type Options struct {
	Dir string // for the repositories; made when it is not there
	// Web and API are the addresses of the pages and of the REST API, without a
	// slash at the end: what links in answers begin with.
	Web, API string

	// OAuth knows people, apps and tokens.
	OAuth *fakes.Server

	Now func() time.Time // nil: time.Now
}

// Server is one GitHub. It is an http.Handler, and safe for concurrent use.
type Server struct {
	o   Options
	mux *http.ServeMux

	mu       sync.RWMutex // guards all below, and what hangs from it
	next     int64        // the last id given to anything
	orgs     map[string]*Org
	repos    map[string]*repository
	installs map[int64]*installation
}

// New makes a server without organisations and repositories; people are those of
// the OAuth server. Close ends it.
func New(o Options) (*Server, error) {
	if o.Dir == "" || o.OAuth == nil {
		return nil, errors.New("a directory and an OAuth server are needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		o: o, mux: http.NewServeMux(),
		next: 50000, orgs: map[string]*Org{},
		repos: map[string]*repository{}, installs: map[int64]*installation{},
	}
	s.mount()
	return s, nil
}

// Close ends the processes that the repositories hold.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, r := range s.repos {
		errs = append(errs, r.git.Close())
	}
	return errors.Join(errs...)
}

func (s *Server) mount() {
	s.mountPeople()
	s.mountApps()
	s.mountObjects()
	s.mountCommits()
	s.mountRefs()
	s.mountPulls()
	s.mountIssues()
	s.mountForks()
	s.mountGraph()
}

// handle adds a route. The handler answers by c, or returns what to refuse with.
func (s *Server) handle(pattern string, do func(c *call) error) {
	s.handleApp(pattern, func(c *call) error {
		if err := s.identify(c); err != nil {
			return err
		}
		return do(c)
	})
}

// handleApp adds a route that looks at the Authorization header by itself.
func (s *Server) handleApp(pattern string, do func(c *call) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r}
		if err := do(c); err != nil {
			c.refuse(err)
		}
		c.flush()
	})
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("Access-Control-Expose-Headers", exposed)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "private, no-cache")
	head.Set("Vary", "Accept, Authorization")
	if r.Method == http.MethodOptions {
		head.Set("Access-Control-Allow-Methods", "GET, POST, PATCH, PUT, DELETE")
		head.Set("Access-Control-Allow-Headers", allowed)
		head.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	r, ok := s.locate(r)
	if _, pattern := s.mux.Handler(r); !ok || pattern == "" {
		c := &call{w: w, r: r}
		c.refuse(notFound())
		c.flush()
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.mux.ServeHTTP(w, r)
}

const (
	exposed = "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, " +
		"X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, " +
		"X-Poll-Interval, X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset"
	allowed = "Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, " +
		"Accept-Encoding, X-GitHub-OTP, X-Requested-With, User-Agent, GraphQL-Features, X-GitHub-Api-Version"
)

// locate takes the prefix of GitHub Enterprise off the path, and finds the
// repository of /repositories/{id}/…, which is how links to further pages name it.
func (s *Server) locate(r *http.Request) (*http.Request, bool) {
	path := r.URL.EscapedPath()
	path = strings.TrimPrefix(path, "/api/v3")
	if path == "/api/graphql" {
		path = "/graphql"
	}
	if rest, ok := strings.CutPrefix(path, "/repositories/"); ok {
		id, tail, _ := strings.Cut(rest, "/")
		name, ok := s.nameOf(id)
		if !ok {
			return r, false
		}
		path = strings.TrimSuffix("/repos/"+name+"/"+tail, "/")
	}
	if path == r.URL.EscapedPath() {
		return r, true
	}
	u := *r.URL
	plain, err := unescape(path)
	if err != nil {
		return r, false
	}
	u.Path, u.RawPath = plain, path
	copied := r.Clone(r.Context())
	copied.URL = &u
	return copied, true
}

// repository is one repository. All but git is guarded by Server.mu.
type repository struct {
	id       int64
	owner    string
	name     string
	private  bool
	branch   string // the default one
	parent   *repository
	network  *network
	created  time.Time
	git      *git.Repo
	rights   map[string]Right // of collaborators, by login
	labels   map[string]*label
	issues   map[int]*issue
	last     int // the last number given to an issue or pull request
	comments map[int64]*comment
	statuses map[git.ID][]status
}

func (r *repository) full() string { return r.owner + "/" + r.name }

// network is a repository with its forks. Its lock is held while refs move, so
// that pull requests follow them in the order in which they moved.
type network struct {
	mu       sync.Mutex
	repos    []*repository // guarded by Server.mu
	commands chan struct{} // a slot for each command of git at work
}

func newNetwork(r *repository) *network {
	return &network{repos: []*repository{r}, commands: make(chan struct{}, maxCommands)}
}
