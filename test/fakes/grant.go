package fakes

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// codeLife is how long a code is good.
const codeLife = 10 * time.Minute

// perGrant is how many tokens one person, app and list of scopes have at
// GitHub; one more ends the oldest.
const perGrant = 10

// code is an authorization code that was handed out.
type code struct {
	app, login, redirect, challenge, method string
	redirectGiven                           bool
	scopes                                  []string
	expires                                 time.Time
	used                                    bool
}

// Token is an access token that was handed out.
type Token struct {
	Value        string
	Refresh      string // empty: none
	Person       Person
	App          string   // client id; empty: made by the person, not through an app
	Scopes       []string // what was granted
	Repositories []int64  // ids that it is narrowed to; nil: not narrowed
	Expires      time.Time
	Revoked      bool

	redirect string
	expired  bool // by Expire
}

// Expired reports whether the token was good once and its time is over.
func (t Token) Expired(now time.Time) bool {
	return t.expired || !t.Expires.IsZero() && !now.Before(t.Expires)
}

// Has reports whether one of the scopes was granted.
func (t Token) Has(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(t.Scopes, s) })
}

// Issue makes an access token without anybody having to click: for tests, and
// for a host's own ways to a token. app may be empty. repositories nil: not
// narrowed. ok is false when nobody has the login.
func (s *Server) Issue(app, login string, scopes []string, repositories []int64) (t Token, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.person(login)
	if !ok {
		return Token{}, false
	}
	a := s.apps[app]
	if a == nil {
		a = &App{}
	}
	return *s.issue(a, p, scopes, repositories, ""), true
}

// issue makes a token and, where the host gives one, a refresh token.
func (s *Server) issue(a *App, p Person, scopes []string, repositories []int64, redirect string) *Token {
	t := &Token{
		Person: p, App: a.ID, Scopes: slices.Clone(scopes),
		Repositories: slices.Clone(repositories), redirect: redirect,
	}
	t.Value, t.Refresh = s.answers.values(a)
	life := s.Life
	if s.Kind == KindGitHub && a.ExpiringTokens {
		life = 8 * time.Hour
	}
	if life == 0 || a.ID == "" {
		t.Refresh = ""
	}
	if life > 0 {
		t.Expires = s.now().Add(life)
	}
	if s.Kind == KindGitHub {
		s.endOldest(t)
	}
	s.tokens.put(t.Value, t)
	s.record.Issued.Access = remember(s.record.Issued.Access, t.Value)
	if t.Refresh != "" {
		s.refresh.put(t.Refresh, t.Value)
		s.record.Issued.Refresh = remember(s.record.Issued.Refresh, t.Refresh)
	}
	return t
}

func (s *Server) endOldest(t *Token) {
	var alike []*Token
	for _, key := range s.tokens.order {
		o := s.tokens.m[key]
		if !o.Revoked && o.App == t.App && o.Person.Login == t.Person.Login && slices.Equal(o.Scopes, t.Scopes) {
			alike = append(alike, o)
		}
	}
	for len(alike) >= perGrant {
		alike[0].Revoked = true
		alike = alike[1:]
	}
}

// Lookup is a token that was handed out, good or not.
func (s *Server) Lookup(value string) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens.get(value)
	if !ok {
		return Token{}, false
	}
	return *t, true
}

// Revoke ends an access token, or the pair of a refresh token. It is false for
// a token that the host does not know.
func (s *Server) Revoke(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if access, ok := s.refresh.get(value); ok {
		value = access
	}
	t, ok := s.tokens.get(value)
	if ok {
		t.Revoked = true
		s.record.Revocations++
	}
	return ok
}

// RevokeGrant ends what a person once granted an app: all its tokens, and the
// memory of the consent.
func (s *Server) RevokeGrant(app, login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.approved, consent{app, login})
	for _, t := range s.tokens.m {
		if t.App == app && t.Person.Login == login {
			t.Revoked = true
		}
	}
}

// Expire ends the time of an access token at once; the refresh token of the
// pair stays good.
func (s *Server) Expire(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens.get(value)
	if ok {
		t.expired = true
	}
	return ok
}

// ExpireAll is Expire for all tokens.
func (s *Server) ExpireAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens.m {
		t.expired = true
	}
}

// verifies reports whether the verifier is the one that the challenge was made
// from. Without a challenge there must not be a verifier to go wrong.
func verifies(challenge, method, verifier string) bool {
	if challenge == "" {
		return true
	}
	if method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(challenge), []byte(verifier)) == 1
}

// scopeList splits what people write between scopes.
func scopeList(text string) []string {
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '+' })
	slices.Sort(list)
	return slices.Compact(list)
}

func within(asked, granted []string) bool {
	return !slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(granted, s) })
}

// Narrow makes a token for the person and app of another one, good for the
// repositories alone, and leaves the other as it is. It is false for a token
// that the app does not have.
func (s *Server) Narrow(app, value string, repositories []int64) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.tokens.get(value)
	a := s.apps[app]
	if !ok || a == nil || old.App != app || old.Revoked || old.Expired(s.now()) {
		return Token{}, false
	}
	t := s.issue(a, old.Person, old.Scopes, repositories, old.redirect)
	t.Expires = old.Expires
	return *t, true
}
