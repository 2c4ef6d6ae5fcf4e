package fakes

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// Denial says why a request's token is not good. It is an error.
type Denial string

// The denials.
const (
	NoToken      Denial = "no token"      // anonymous
	UnknownToken Denial = "unknown token" // never handed out, or in a scheme that the host does not take
	ExpiredToken Denial = "expired token"
	RevokedToken Denial = "revoked token"
)

func (d Denial) Error() string { return string(d) }

// Authenticate is whose token a request to the API carries: "token X",
// "Bearer X" or as the password of Basic, whichever the host takes. The error
// is a Denial.
func (s *Server) Authenticate(r *http.Request) (Token, error) {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	scheme, value = strings.ToLower(scheme), strings.TrimSpace(value)
	if private := r.Header.Get("Private-Token"); scheme == "" && s.Kind == KindGitLab && private != "" {
		scheme, value = "bearer", private
	}
	if scheme == "" {
		return Token{}, NoToken
	}
	if scheme == "basic" {
		user, password, _ := r.BasicAuth()
		value = password
		if password == "" || password == "x-oauth-basic" { //nolint:gosec // a word of GitHub's, which is no secret
			value = user
		}
	}
	if !slices.Contains(s.Schemes, scheme) {
		return Token{}, UnknownToken
	}
	t, ok := s.Lookup(value)
	switch {
	case !ok:
		return Token{}, UnknownToken
	case t.Revoked:
		return Token{}, RevokedToken
	case t.Expired(s.now()):
		return Token{}, ExpiredToken
	}
	return t, nil
}

// Client is the app that a request proves to be by Basic (id and secret).
func (s *Server) Client(r *http.Request) (App, bool) {
	id, password, ok := r.BasicAuth()
	if !ok {
		return App{}, false
	}
	a, ok := s.App(id)
	return a, ok && a.Secret != "" && same(a.Secret, password)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
