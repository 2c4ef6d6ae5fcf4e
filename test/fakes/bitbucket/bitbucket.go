// Package bitbucket is a small Bitbucket Cloud over real Git repositories, for
// tests and for trying things out: sign-in and the REST API that content
// managers in browsers use.
//
//	/site/oauth2/…                        package fakes
//	/2.0/user, user/emails                who
//	/2.0/repositories/{workspace}         ?role=contributor: where one may push
//	/2.0/repositories/{workspace}/{slug}
//	  …/refs/branches, commits, diff      reading
//	  …/src                               files; POST makes a commit of a form
//	  …/pullrequests                      comments, merge, decline, statuses
//	  …/commit/{sha}/statuses/build       build results
//
// Content is in bare repositories; pull requests and build results are in
// memory, bounded, and go with the server.
package bitbucket

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

// Server is one Bitbucket. It is an http.Handler, and safe for concurrent use.
type Server struct {
	OAuth *fakes.Server
	Repos *bare.Store

	now func() time.Time
	mux *http.ServeMux

	mu    sync.Mutex // guards all below
	repos map[int64]*state
}

// state is what of a repository is not in Git.
type state struct {
	pulls  []*pull
	builds map[git.ID][]build
}

// New makes a server that keeps its repositories below dir. now may be nil.
func New(dir string, now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	s := &Server{
		OAuth: fakes.New(fakes.Bitbucket(), now), Repos: bare.NewStore(dir), now: now,
		mux: http.NewServeMux(), repos: map[int64]*state{},
	}
	s.OAuth.Mount(s.mux)
	s.mountPeople()
	s.mountSource()
	s.mountRefs()
	s.mountPulls()
	s.mux.HandleFunc("/2.0/", func(w http.ResponseWriter, _ *http.Request) {
		(&call{w: w}).refuse(says(http.StatusNotFound, "Resource not found"))
	})
	return s
}

// Mux is where more can be mounted, such as the control of the sign-in server.
func (s *Server) Mux() *http.ServeMux { return s.mux }

// Close ends what the server holds.
func (s *Server) Close() error {
	return errors.Join(s.OAuth.Close(), s.Repos.Close())
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := fakes.API{Path: "/2.0/", MaxAge: "1000", Headers: map[string]string{
		"Access-Control-Expose-Headers": "Accept-Ranges, Content-Encoding, Content-Length, Content-Type, ETag, Last-Modified, Location, X-OAuth-Scopes, X-Accepted-OAuth-Scopes",
		"Vary":                          "Authorization, Origin",
	}}
	api.Serve(w, r, s.mux)
}

// call is one request to the API.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	token fakes.Token // zero: nobody
	repo  *bare.Repository
}

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

func (c *call) json(status int, v any) error {
	fakes.JSON(c.w, status, v)
	return nil
}

// handle adds a route for tokens with a scope.
func (s *Server) handle(pattern, scope string, do func(c *call) error) {
	s.route(pattern, scope, false, do)
}

func (s *Server) route(pattern, scope string, anonymous bool, do func(c *call) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r}
		err := s.identify(c, scope, anonymous)
		if err == nil {
			err = do(c)
		}
		if err != nil {
			c.refuse(err)
		}
	})
}

func (s *Server) identify(c *call, scope string, anonymous bool) error {
	var err error
	c.token, err = s.OAuth.Authenticate(c.r)
	var denied fakes.Denial
	errors.As(err, &denied)
	switch denied {
	case "":
		c.w.Header().Set("X-OAuth-Scopes", strings.Join(c.token.Scopes, ", "))
		c.w.Header().Set("X-Accepted-OAuth-Scopes", scope)
		if !grants(c.token, scope) {
			return &problem{http.StatusForbidden, doc{"type": "error", "error": doc{
				"message": "Your credentials lack one or more required privilege scopes.",
				"detail":  doc{"granted": c.token.Scopes, "required": []string{scope}},
			}}}
		}
		return nil
	case fakes.NoToken:
		if anonymous {
			return nil
		}
		return says(http.StatusUnauthorized, "Sign in first.")
	case fakes.ExpiredToken:
		// Clients refresh when the text begins like this, and at nothing else.
		return says(http.StatusUnauthorized, "Access token expired. Use your refresh token to obtain a new access token.")
	}
	return says(http.StatusUnauthorized, "The token is not valid here.")
}

// grants reports whether a token has a scope, or one that holds it.
func grants(t fakes.Token, scope string) bool {
	held := map[string][]string{
		"account":           {"account:write"},
		"email":             {"account", "account:write"},
		"repository":        {"repository:write", "repository:admin", "pullrequest", "pullrequest:write"},
		"repository:write":  {"repository:admin", "pullrequest:write"},
		"pullrequest":       {"pullrequest:write"},
		"pullrequest:write": nil,
	}
	return t.Has(append(held[scope], scope)...)
}

// onRepo adds a route below a repository, for those who have the right.
func (s *Server) onRepo(pattern, scope string, need bare.Right, do func(c *call) error) {
	method, path, _ := strings.Cut(pattern, " ")
	s.route(method+" /2.0/repositories/{workspace}/{slug}"+path, scope, need <= bare.Read, func(c *call) error {
		name := c.r.PathValue("workspace") + "/" + c.r.PathValue("slug")
		repo, ok := s.Repos.Find(name)
		if !ok || repo.Right(c.token.Person.Login) < bare.Read {
			return says(http.StatusNotFound, "You may not have access to this repository or it no longer exists in this workspace. If you think this repository exists and you have access, make sure you are authenticated.")
		}
		if repo.Right(c.token.Person.Login) < need {
			return says(http.StatusForbidden, "Your credentials do not allow you to write to this repository.")
		}
		c.repo = repo
		return do(c)
	})
}

// state is what of a repository is not in Git. Server.mu is held.
func (s *Server) state(r *bare.Repository) *state {
	st := s.repos[r.ID]
	if st == nil {
		st = &state{builds: map[git.ID][]build{}}
		s.repos[r.ID] = st
	}
	return st
}

// doc is a JSON object.
type doc map[string]any

// problem is an answer that refuses. It is an error.
type problem struct {
	status int
	body   doc
}

func (p *problem) Error() string { return fmt.Sprint(p.status, " ", p.body) }

func says(status int, message string) error {
	return &problem{status, doc{"type": "error", "error": doc{"message": message}}}
}

// refuse answers an error: a problem as it is, a fault by its kind.
func (c *call) refuse(err error) {
	var p *problem
	if !errors.As(err, &p) {
		status := http.StatusInternalServerError
		switch fault.KindOf(err) {
		case fault.NotFound:
			status = http.StatusNotFound
		case fault.Invalid, fault.Conflict:
			status = http.StatusBadRequest
		case fault.TooLarge:
			status = http.StatusRequestEntityTooLarge
		}
		p = &problem{status, doc{"type": "error", "error": doc{"message": fault.Message(err)}}}
	}
	fakes.JSON(c.w, p.status, p.body)
}

// scopes that a token needs.
const (
	account   = "account"
	email     = "email"
	reads     = "repository"
	writes    = "repository:write"
	reviews   = "pullrequest"
	reviewing = "pullrequest:write"
)
