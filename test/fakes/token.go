package fakes

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// problem is why a token request is refused, in OAuth's own words; each
// dialect spells it in its way.
type problem string

const (
	badClient   problem = "invalid_client"
	badCode     problem = "invalid_grant"
	badRefresh  problem = "refresh token" // spelt invalid_grant nearly everywhere
	badRedirect problem = "redirect_uri"
	badVerifier problem = "code_verifier"
	badKind     problem = "unsupported_grant_type"
	badRequest  problem = "invalid_request"
)

// token answers a request for a token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if s.CORS {
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}
	form, err := readForm(w, r)
	if err != nil {
		s.answers.refuse(w, r, badRequest)
		return
	}
	entry := TokenRequest{
		Client: form.Get("client_id"), Grant: form.Get("grant_type"), Redirect: form.Get("redirect_uri"),
		Verifier: form.Get("code_verifier") != "", Repository: form.Get("repository_id"),
	}
	if id, _, ok := r.BasicAuth(); ok {
		entry.Client, entry.Basic = id, true
	}
	fault := s.beginToken(form)
	if fault != "" {
		entry.Fault = fault
		s.note(entry)
		s.fail(w, r, fault)
		return
	}
	t, no := s.exchange(r, form)
	entry.Problem = string(no)
	s.note(entry)
	if no != "" {
		s.answers.refuse(w, r, no)
		return
	}
	s.answers.grant(w, r, t, s.now())
}

// beginToken takes the fault that this request is meant to meet.
func (s *Server) beginToken(form url.Values) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := form.Get("code_verifier"); v != "" {
		s.record.Issued.Verifiers = remember(s.record.Issued.Verifiers, v)
	}
	if len(s.faults.Token) == 0 {
		return ""
	}
	next := s.faults.Token[0]
	s.faults.Token = s.faults.Token[1:]
	return next
}

func (s *Server) note(entry TokenRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record.Tokens++
	s.record.Requests = append(s.record.Requests, entry)
	if len(s.record.Requests) > recordLimit {
		s.record.Requests = s.record.Requests[1:]
	}
}

func (s *Server) exchange(r *http.Request, form url.Values) (Token, problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.client(r, form)
	if app == nil {
		return Token{}, badClient
	}
	kind := form.Get("grant_type")
	if kind == "" && s.Kind == KindGitHub {
		kind = "authorization_code"
	}
	switch kind {
	case "authorization_code":
		return s.redeem(app, form)
	case "refresh_token":
		return s.renew(app, form)
	}
	return Token{}, badKind
}

// client is the app that asks, which has proved to be it; or nil.
func (s *Server) client(r *http.Request, form url.Values) *App {
	id, password := form.Get("client_id"), form.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok && s.Kind != KindGitHub {
		// OAuth 2 encodes both before they are joined; a plain text decodes to
		// itself unless it has a percent sign.
		id, password = unescape(user), unescape(pass)
	} else if s.BasicOnly {
		return nil
	}
	app := s.apps[id]
	if app == nil || !same(app.Secret, password) {
		return nil
	}
	return app
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// redeem gives a token for a code, which is used up also when it fails.
func (s *Server) redeem(app *App, form url.Values) (Token, problem) {
	c, ok := s.codes.get(form.Get("code"))
	if !ok || c.used || c.app != app.ID || !s.now().Before(c.expires) {
		return Token{}, badCode
	}
	c.used = true
	redirect := form.Get("redirect_uri")
	if redirect != "" && redirect != c.redirect || redirect == "" && s.SameRedirect {
		return Token{}, badRedirect
	}
	if !verifies(c.challenge, c.method, form.Get("code_verifier")) {
		return Token{}, badVerifier
	}
	p, ok := s.person(c.login)
	if !ok {
		return Token{}, badCode
	}
	ids, ok := narrowing(app, form)
	if !ok {
		return Token{}, badRequest
	}
	return *s.issue(app, p, c.scopes, ids, c.redirect), ""
}

// renew gives a token for a refresh token.
func (s *Server) renew(app *App, form url.Values) (Token, problem) {
	access, ok := s.refresh.get(form.Get("refresh_token"))
	if !ok {
		return Token{}, badRefresh
	}
	old, ok := s.tokens.get(access)
	if !ok || old.Revoked || old.App != app.ID {
		return Token{}, badRefresh
	}
	if s.SameRedirect && form.Get("redirect_uri") != old.redirect {
		return Token{}, badRedirect
	}
	ids, ok := narrowing(app, form)
	if !ok {
		return Token{}, badRequest
	}
	if ids == nil {
		ids = old.Repositories
	}
	p, ok := s.person(old.Person.Login)
	if !ok {
		return Token{}, badRefresh
	}
	if s.Rotates {
		old.Revoked = true
	}
	s.record.Refreshes++
	return *s.issue(app, p, old.Scopes, ids, old.redirect), ""
}

// narrowing is the repository_id that a GitHub App may ask for.
func narrowing(app *App, form url.Values) (ids []int64, ok bool) {
	text := form.Get("repository_id")
	if text == "" || app.Slug == "" {
		return nil, true
	}
	id, err := strconv.ParseInt(text, 10, 64)
	return []int64{id}, err == nil
}

// revocation is GitLab's POST oauth/revoke.
func (s *Server) revocation(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err != nil {
		s.answers.refuse(w, r, badRequest)
		return
	}
	s.mu.Lock()
	app := s.client(r, form)
	s.mu.Unlock()
	if app == nil {
		s.answers.refuse(w, r, badClient)
		return
	}
	value := form.Get("token")
	if t, ok := s.Lookup(value); ok && t.App != app.ID {
		value = "" // somebody else's token is none of this app's business
	}
	s.Revoke(value)
	JSON(w, http.StatusOK, struct{}{})
}

// readForm reads parameters wherever hosts take them: the query, a form, JSON.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	form := r.URL.Query()
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		var fields map[string]any
		data, err := io.ReadAll(r.Body)
		if err == nil && len(data) > 0 {
			err = json.Unmarshal(data, &fields)
		}
		for name, value := range fields {
			switch v := value.(type) {
			case string:
				form.Set(name, v)
			case float64:
				form.Set(name, strconv.FormatInt(int64(v), 10))
			}
		}
		return form, err
	}
	err := r.ParseForm()
	for name, values := range r.PostForm {
		form[name] = values
	}
	if slices.ContainsFunc(keys(form), func(name string) bool { return len(form[name]) > 1 }) {
		return nil, errors.New("a parameter is given twice")
	}
	return form, err
}

func keys(form url.Values) []string {
	var all []string
	for name := range form {
		all = append(all, name)
	}
	return all
}

func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type, X-Requested-With")
	h.Set("Access-Control-Max-Age", "7200")
	_ = r
	w.WriteHeader(http.StatusNoContent)
}

// JSON answers v as JSON.
func JSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "this answer cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}
