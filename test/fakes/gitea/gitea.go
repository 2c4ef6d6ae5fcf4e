// Package gitea is a small Gitea (or Forgejo) over real Git repositories, for
// tests and for trying things out: sign-in and the REST API that content
// managers in browsers use. They know no drafts with this host, so neither does
// it.
//
//	/login/oauth/…                      package fakes
//	/login/oauth/userinfo               whose token
//	/api/v1/user, version, settings/api who, and what this is
//	/api/v1/repos/{owner}/{name}        permissions
//	  …/git/trees, git/blobs, media, raw, file-contents
//	  …/branches, commits
//	  …/contents                        POST makes a commit of files
package gitea

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

// Server is one Gitea. It is an http.Handler, and safe for concurrent use.
type Server struct {
	OAuth *fakes.Server
	Repos *bare.Store
	// Version is what it says to be; above 10 it is a Forgejo. Set it before
	// the first request.
	Version string

	now func() time.Time
	mux *http.ServeMux
}

// New makes a server that keeps its repositories below dir. now may be nil.
func New(dir string, now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	s := &Server{
		OAuth: fakes.New(fakes.Gitea(), now), Repos: bare.NewStore(dir), Version: "1.25.0",
		now: now, mux: http.NewServeMux(),
	}
	s.OAuth.Mount(s.mux)
	s.mountPeople()
	s.mountFiles()
	s.mountCommits()
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		(&call{w: w, r: r}).refuse(says(http.StatusNotFound, "Not Found"))
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
	api := fakes.API{Path: "/api/", MaxAge: "600", Headers: map[string]string{
		"Access-Control-Expose-Headers": "Link, X-Total-Count, X-HasMore, Location",
		"Cache-Control":                 "max-age=0, private, must-revalidate",
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

// The subjects of scopes: read:user, write:repository.
const (
	people       = "user"
	repositories = "repository"
)

// handle adds a route for tokens that may read a subject, or write it when the
// method does.
func (s *Server) handle(pattern, subject string, do func(c *call) error) {
	s.route(pattern, subject, false, do)
}

func (s *Server) route(pattern, subject string, anonymous bool, do func(c *call) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r}
		err := s.identify(c, subject, anonymous)
		if err == nil {
			err = do(c)
		}
		if err != nil {
			c.refuse(err)
		}
	})
}

func (s *Server) identify(c *call, subject string, anonymous bool) error {
	var err error
	c.token, err = s.OAuth.Authenticate(c.r)
	if errors.Is(err, fakes.NoToken) && anonymous {
		return nil
	}
	var denied fakes.Denial
	errors.As(err, &denied)
	switch denied {
	case "":
		if need := "write:" + subject; !granted(c.token, subject, writes(c.r)) {
			if !writes(c.r) {
				need = "read:" + subject
			}
			return says(http.StatusForbidden, "token does not have at least one of required scope(s): ["+need+"]")
		}
		return nil
	case fakes.NoToken:
		return says(http.StatusUnauthorized, "token is required")
	case fakes.ExpiredToken:
		return says(http.StatusUnauthorized, "the token is expired")
	}
	return says(http.StatusUnauthorized, "user does not exist [uid: 0, name: ]")
}

// writes reports whether a request changes something. POST file-contents asks
// for files, and is the exception.
func writes(r *http.Request) bool {
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	return !reading && !strings.HasSuffix(r.URL.Path, "/file-contents")
}

// granted is lenient as Gitea is: scopes that it does not know, such as
// "repository", grant everything.
func granted(t fakes.Token, subject string, write bool) bool {
	known := false
	for _, scope := range t.Scopes {
		level, of, ok := strings.Cut(scope, ":")
		if !ok || scope == "all" {
			continue
		}
		known = true
		if of == subject && (level == "write" || !write) {
			return true
		}
	}
	return !known
}

// onRepo adds a route below a repository, for those who have the right.
func (s *Server) onRepo(pattern string, need bare.Right, do func(c *call) error) {
	method, path, _ := strings.Cut(pattern, " ")
	s.route(method+" /api/v1/repos/{owner}/{name}"+path, repositories, need <= bare.Read, func(c *call) error {
		repo, ok := s.Repos.Find(c.r.PathValue("owner") + "/" + c.r.PathValue("name"))
		if !ok || repo.Right(c.token.Person.Login) < bare.Read {
			return says(http.StatusNotFound, "The target couldn't be found.")
		}
		if repo.Right(c.token.Person.Login) < need {
			return says(http.StatusForbidden, "user should have a permission to write to a branch")
		}
		c.repo = repo
		return do(c)
	})
}

// doc is a JSON object.
type doc map[string]any

// problem is an answer that refuses. It is an error.
type problem struct {
	status  int
	message string
}

func (p *problem) Error() string { return fmt.Sprint(p.status, " ", p.message) }

func says(status int, message string) error { return &problem{status, message} }

// refuse answers an error: a problem as it is, a fault by its kind.
func (c *call) refuse(err error) {
	var p *problem
	if !errors.As(err, &p) {
		status := http.StatusInternalServerError
		switch fault.KindOf(err) {
		case fault.NotFound:
			status = http.StatusNotFound
		case fault.Invalid, fault.Conflict:
			status = http.StatusUnprocessableEntity
		case fault.TooLarge:
			status = http.StatusRequestEntityTooLarge
		}
		p = &problem{status, fault.Message(err)}
	}
	fakes.JSON(c.w, p.status, doc{"message": p.message, "url": "http://" + c.r.Host + "/api/swagger"})
}
