// Package gitlab is a small GitLab over real Git repositories, for tests and
// for trying things out: sign-in, the REST API that content managers in
// browsers use, and the handful of GraphQL queries that they send.
//
//	/oauth/…                     package fakes
//	/oauth/token/info, userinfo  whose token
//	/api/v4/user, avatar         who
//	/api/v4/projects/{id}        path in one segment (group%2Fsite), or the number
//	  …/repository/tree, files, commits, branches, compare
//	  …/merge_requests           labels, rebase, merge
//	  …/statuses/{sha}           build results
//	/api/graphql                 rootRef, tree, blobs, lastCommit
//
// Content is in bare repositories; merge requests and build results are in
// memory, bounded, and go with the server.
package gitlab

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

// Server is one GitLab. It is an http.Handler, and safe for concurrent use.
type Server struct {
	OAuth *fakes.Server
	Repos *bare.Store

	now func() time.Time
	mux *http.ServeMux

	mu       sync.Mutex // guards all below
	projects map[int64]*project
}

// project is what of a repository is not in Git.
type project struct {
	requests []*mergeRequest
	statuses map[string][]status // by commit
}

// New makes a server that keeps its repositories below dir. now may be nil.
func New(dir string, now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	s := &Server{
		OAuth: fakes.New(fakes.GitLab(), now), Repos: bare.NewStore(dir), now: now,
		mux: http.NewServeMux(), projects: map[int64]*project{},
	}
	s.OAuth.Mount(s.mux)
	s.mountPeople()
	s.mountFiles()
	s.mountCommits()
	s.mountRequests()
	s.handle("POST /api/graphql", s.graph)
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		fakes.JSON(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
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
	api := fakes.API{Path: "/api/", MaxAge: "7200", Headers: map[string]string{
		"Access-Control-Expose-Headers": exposed,
		"Cache-Control":                 "max-age=0, private, must-revalidate",
		"Vary":                          "Origin",
	}}
	api.Serve(w, r, s.mux)
}

const exposed = "Link, X-Total, X-Total-Pages, X-Per-Page, X-Page, X-Next-Page, X-Prev-Page, X-Gitlab-Blob-Id, " +
	"X-Gitlab-Commit-Id, X-Gitlab-Content-Sha256, X-Gitlab-Encoding, X-Gitlab-File-Name, X-Gitlab-File-Path, " +
	"X-Gitlab-Last-Commit-Id, X-Gitlab-Ref, X-Gitlab-Size, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"

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

// handle adds a route for anybody with a good token, and nobody else.
func (s *Server) handle(pattern string, do func(c *call) error) {
	s.route(pattern, false, do)
}

func (s *Server) route(pattern string, anonymous bool, do func(c *call) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r}
		err := s.identify(c, anonymous)
		if err == nil {
			err = do(c)
		}
		if err != nil {
			c.refuse(err)
		}
	})
}

func (s *Server) identify(c *call, anonymous bool) error {
	var err error
	c.token, err = s.OAuth.Authenticate(c.r)
	var denied fakes.Denial
	errors.As(err, &denied)
	switch denied {
	case "":
		need := []string{"api"}
		if read := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead; read {
			need = append(need, "read_api", "read_user", "read_repository")
		}
		if !c.token.Has(need...) {
			return &problem{http.StatusForbidden, map[string]string{
				"error": "insufficient_scope", "error_description": "The token may not do this.", "scope": strings.Join(need, " "),
			}}
		}
		return nil
	case fakes.NoToken:
		if anonymous {
			return nil
		}
	case fakes.ExpiredToken:
		return &problem{http.StatusUnauthorized, map[string]string{
			"error": "invalid_token", "error_description": "The token is expired. Sign in again, or use the refresh token.",
		}}
	case fakes.RevokedToken:
		return &problem{http.StatusUnauthorized, map[string]string{
			"error": "invalid_token", "error_description": "The token was revoked. Sign in again.",
		}}
	}
	return says(http.StatusUnauthorized, "401 "+http.StatusText(http.StatusUnauthorized))
}

// onProject adds a route below a project, for those who have the right.
func (s *Server) onProject(pattern string, need bare.Right, do func(c *call) error) {
	method, path, _ := strings.Cut(pattern, " ")
	s.route(method+" /api/v4/projects/{id}"+path, need <= bare.Read, func(c *call) error {
		repo, ok := s.Repos.Find(c.r.PathValue("id"))
		if !ok || repo.Right(c.token.Person.Login) < bare.Read {
			return says(http.StatusNotFound, "404 Project Not Found")
		}
		if repo.Right(c.token.Person.Login) < need {
			return says(http.StatusForbidden, "403 Forbidden - You are not allowed to push into this branch")
		}
		c.repo = repo
		return do(c)
	})
}

// state is what of a repository is not in Git. Server.mu is held.
func (s *Server) state(repo *bare.Repository) *project {
	p := s.projects[repo.ID]
	if p == nil {
		p = &project{statuses: map[string][]status{}}
		s.projects[repo.ID] = p
	}
	return p
}

// level is a right as GitLab counts it.
func level(r bare.Right) int {
	return []int{0, 20, 30, 40}[r]
}

func labels(text string) []string {
	var list []string
	for l := range strings.SplitSeq(text, ",") {
		if l = strings.TrimSpace(l); l != "" && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}
