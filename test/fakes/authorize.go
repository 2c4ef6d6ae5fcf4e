package fakes

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is what an app sends a person with.
type request struct {
	app           App
	redirect      string // where to answer, one of the app's
	redirectGiven bool
	state         string
	hasState      bool
	scopes        []string
	challenge     string
	method        string
	choose        bool // prompt=select_account
}

// refusal ends a request: with a page, or at back with an error.
type refusal struct {
	text, back, code string
}

// read makes sense of the query. The second answer is nil for a good one.
func (s *Server) read(q url.Values) (request, *refusal) {
	app, ok := s.App(q.Get("client_id"))
	if !ok {
		return request{}, &refusal{text: "No app is registered here with this client_id."}
	}
	in := request{
		app: app, redirect: q.Get("redirect_uri"), redirectGiven: q.Get("redirect_uri") != "",
		state: q.Get("state"), hasState: q.Has("state"), scopes: scopeList(q.Get("scope")),
		choose: q.Get("prompt") == "select_account",
	}
	if !in.redirectGiven && !s.SameRedirect && len(app.Redirects) > 0 {
		in.redirect = app.Redirects[0]
	}
	if !slices.ContainsFunc(app.Redirects, func(r string) bool { return s.Matches(r, in.redirect) }) {
		no := &refusal{text: "The redirect_uri is not one that is registered with this app."}
		if s.ErrorsReturn && len(app.Redirects) > 0 {
			no.back, no.code = app.Redirects[0], "redirect_uri_mismatch"
		}
		return in, no
	}
	if app.Suspended {
		return in, &refusal{text: "This app is suspended.", back: in.redirect, code: "application_suspended"}
	}
	if kind := q.Get("response_type"); kind != "code" && (kind != "" || s.Kind != KindGitHub) {
		return in, &refusal{text: "The response_type has to be code.", back: in.redirect, code: "unsupported_response_type"}
	}
	s.defaults(&in)
	if s.PKCE {
		in.challenge, in.method = q.Get("code_challenge"), q.Get("code_challenge_method")
		return in, s.checkChallenge(in)
	}
	return in, nil
}

func (s *Server) defaults(in *request) {
	switch {
	case s.AppScopes && in.app.Scopes != nil:
		in.scopes = slices.Clone(in.app.Scopes)
	case s.AppScopes || len(in.scopes) == 0:
		in.scopes = scopeList(s.DefaultScope)
	}
	if in.app.Slug != "" { // what a GitHub App may do stands at the app
		in.scopes = nil
	}
}

func (s *Server) checkChallenge(in request) *refusal {
	switch {
	case in.challenge == "" && in.app.Secret == "":
		return &refusal{text: "An app without a secret has to use PKCE.", back: in.redirect, code: "invalid_request"}
	case in.challenge == "" || in.method == "S256":
		return nil
	case in.method == "plain" && s.Kind != KindGitHub:
		return nil
	}
	return &refusal{text: "The code_challenge_method is not one of this host's.", back: in.redirect, code: "invalid_request"}
}

// authorize shows who to be, or what the app wants, or goes on at once.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if s.beginAuthorize(w, r, q) {
		return
	}
	in, no := s.read(q)
	if no != nil {
		s.refuse(w, r, in, no)
		return
	}
	who, signedIn := s.signedIn(r)
	switch {
	case !signedIn || in.choose:
		s.page(w, "people", http.StatusOK, s.view(in, who))
	case s.remembered(in, who):
		s.allow(w, r, in, who)
	default:
		s.page(w, "consent", http.StatusOK, s.view(in, who))
	}
}

// beginAuthorize counts, and does what Faults.COOP and COOPHop say. It is true
// when the request is answered.
func (s *Server) beginAuthorize(w http.ResponseWriter, r *http.Request, q url.Values) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	const hopped = "practice_hop"
	if s.faults.COOPHop && !q.Has(hopped) {
		q.Set(hopped, "1")
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Location", s.AuthorizePath+"?"+q.Encode())
		w.WriteHeader(http.StatusFound)
		return true
	}
	if s.faults.COOP != "" {
		w.Header().Set("Cross-Origin-Opener-Policy", s.faults.COOP)
	}
	if r.Method == http.MethodGet {
		s.record.Authorize++
	}
	return false
}

// decide is a button of the two pages.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := r.ParseForm(); err != nil {
		s.refuse(w, r, request{}, &refusal{text: "This form could not be read."})
		return
	}
	q := r.URL.Query()
	s.coop(w)
	in, no := s.read(q)
	if no != nil {
		s.refuse(w, r, in, no)
		return
	}
	if login := r.PostForm.Get("person"); login != "" {
		s.choose(w, r, login, q)
		return
	}
	if r.PostForm.Has("switch") {
		q.Set("prompt", "select_account")
		s.again(w, q)
		return
	}
	who, ok := s.signedIn(r)
	switch r.PostForm.Get("decision") {
	case "allow":
		if ok {
			s.allow(w, r, in, who)
			return
		}
		s.again(w, q)
	case "cancel":
		s.back(w, r, in, in.redirect, url.Values{
			"error": {"access_denied"}, "error_description": {"The person did not allow the access."},
		})
	default:
		s.refuse(w, r, request{}, &refusal{text: "This form has neither a person nor a decision."})
	}
}

func (s *Server) coop(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.COOP != "" {
		w.Header().Set("Cross-Origin-Opener-Policy", s.faults.COOP)
	}
}

// again shows the page anew, as a GET.
func (s *Server) again(w http.ResponseWriter, q url.Values) {
	w.Header().Set("Location", s.AuthorizePath+"?"+q.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// choose signs the browser in and shows the page again.
func (s *Server) choose(w http.ResponseWriter, r *http.Request, login string, q url.Values) {
	s.mu.Lock()
	p, ok := s.person(login)
	session := secret(32)
	if ok {
		s.sessions.put(session, p.Login)
	}
	s.mu.Unlock()
	if !ok {
		s.refuse(w, r, request{}, &refusal{text: "Nobody here has this login."})
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // a practice host is served over plain HTTP on loopback
		Name: s.cookie(r), Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	q.Del("prompt")
	s.again(w, q)
}

// cookie has the port in its name: browsers do not keep the ports of one
// address apart.
func (s *Server) cookie(r *http.Request) string {
	_, port, _ := strings.Cut(r.Host, ":")
	return "practice_" + s.Kind + "_" + port
}

func (s *Server) signedIn(r *http.Request) (Person, bool) {
	c, err := r.Cookie(s.cookie(r))
	if err != nil {
		return Person{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	login, ok := s.sessions.get(c.Value)
	if !ok {
		return Person{}, false
	}
	return s.person(login)
}

// remembered reports whether the person granted the app all this before. An
// app without a secret is asked about each time, since anybody could be it.
func (s *Server) remembered(in request, who Person) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	granted, ok := s.approved[consent{in.app.ID, who.Login}]
	return ok && in.app.Secret != "" && within(in.scopes, granted)
}

// allow hands out a code.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, in request, who Person) {
	s.back(w, r, in, in.redirect, url.Values{"code": {s.grant(in, who)}})
}

func (s *Server) grant(in request, who Person) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := consent{in.app.ID, who.Login}
	s.approved[key] = scopeList(strings.Join(append(in.scopes, s.approved[key]...), " "))
	scopes := in.scopes
	if s.faults.Scope != nil {
		scopes = scopeList(*s.faults.Scope)
	}
	value := secret(20)
	s.codes.put(value, &code{
		app: in.app.ID, login: who.Login, redirect: in.redirect, redirectGiven: in.redirectGiven,
		challenge: in.challenge, method: in.method, scopes: scopes, expires: s.now().Add(codeLife),
	})
	s.record.Issued.Codes = remember(s.record.Issued.Codes, value)
	return value
}

// back sends the person to the app, with what is added to the query.
func (s *Server) back(w http.ResponseWriter, r *http.Request, in request, to string, add url.Values) {
	target := s.callback(in, to, add)
	if target == "" {
		s.refuse(w, r, in, &refusal{text: "The redirect_uri is no address."})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, target, http.StatusFound) //nolint:gosec // an address that the app has registered
}

// callback is the address to with more in its query; empty when it is none.
func (s *Server) callback(in request, to string, add url.Values) string {
	u, err := url.Parse(to)
	if err != nil {
		return ""
	}
	q := u.Query()
	maps.Copy(q, add)
	if in.hasState {
		q.Set("state", in.state)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.Issuer != "" {
		q.Set("iss", s.faults.Issuer)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, in request, no *refusal) {
	if no.back != "" {
		s.back(w, r, in, no.back, url.Values{"error": {no.code}, "error_description": {no.text}})
		return
	}
	s.page(w, "refused", http.StatusBadRequest, view{Host: s.Title, Problem: no.text})
}

// Approve walks through the pages as a person who allows everything: it
// answers where the browser would go from authorizeURL, which is the app's
// callback with a code. An empty string: the host would show an error page.
func (s *Server) Approve(authorizeURL, login string) string {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return ""
	}
	in, no := s.read(u.Query())
	who, ok := s.Person(login)
	if !ok || no != nil && no.back == "" {
		return ""
	}
	to, add := in.redirect, url.Values{}
	if no != nil {
		to, add = no.back, url.Values{"error": {no.code}, "error_description": {no.text}}
	} else {
		add.Set("code", s.grant(in, who))
	}
	return s.callback(in, to, add)
}
