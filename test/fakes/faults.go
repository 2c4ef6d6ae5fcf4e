package fakes

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Faults is what the host does wrong on purpose, until it is told otherwise.
type Faults struct {
	// Token is what the next token requests meet, one each, in order:
	//
	//	""           nothing, for this one
	//	500          that status (any from 400 to 599), with a page of HTML
	//	hang         no answer until the client goes away
	//	reset        the connection breaks off
	//	garbage      status 200, and no JSON
	//	array        JSON that is not an object
	//	empty        an access_token of no letters
	//	number       an access_token that is a number
	//	control      an access_token with a line feed in it
	//	missing      no access_token
	//	huge         10 MB
	//	redirect     302 to an address of the cloud's metadata service
	//	error:WORD   an OAuth error, with status 200 at GitHub and 400 elsewhere
	Token []string `json:"token"`
	// COOP is the Cross-Origin-Opener-Policy of the sign-in pages.
	COOP string `json:"coop"`
	// COOPHop sends everybody through one redirect with "same-origin" first.
	COOPHop bool `json:"coop_hop"`
	// Scope, when not nil, is granted instead of what was asked for.
	Scope *string `json:"scope"`
	// Issuer, when not empty, comes back as iss.
	Issuer string `json:"iss"`
}

// Record is what happened at the host.
type Record struct {
	Authorize   int            `json:"authorize"` // times the sign-in pages were opened
	Tokens      int            `json:"tokens"`    // token requests
	Refreshes   int            `json:"refreshes"` // refresh tokens that were taken
	Revocations int            `json:"revocations"`
	Requests    []TokenRequest `json:"requests"` // the newest 1000
	// Issued are the secrets, for tests that look for them where they must
	// not be.
	Issued Issued `json:"issued"`
}

// Issued are the newest 1000 secrets of each sort.
type Issued struct {
	Codes     []string `json:"codes"`
	Access    []string `json:"access"`
	Refresh   []string `json:"refresh"`
	Verifiers []string `json:"verifiers"` // that clients sent
}

// TokenRequest is one request at the token endpoint.
type TokenRequest struct {
	Client     string `json:"client"`
	Grant      string `json:"grant"` // grant_type as sent
	Redirect   string `json:"redirect"`
	Repository string `json:"repository"` // repository_id as sent
	Verifier   bool   `json:"verifier"`   // one was sent
	Basic      bool   `json:"basic"`      // the client is named in the Authorization header
	Fault      string `json:"fault"`      // that it met
	Problem    string `json:"problem"`    // why it was refused; empty: it was not
}

const recordLimit = 1000

func remember(list []string, value string) []string {
	if list = append(list, value); len(list) > recordLimit {
		list = list[1:]
	}
	return list
}

// Fail sets the faults, all of them. The zero Faults ends them.
func (s *Server) Fail(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Token = slices.Clone(f.Token)
	s.faults = f
}

// Record is a copy of what happened so far.
func (s *Server) Record() Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record
	r.Requests = append([]TokenRequest{}, r.Requests...)
	r.Issued = Issued{
		Codes: append([]string{}, r.Issued.Codes...), Access: append([]string{}, r.Issued.Access...),
		Refresh: append([]string{}, r.Issued.Refresh...), Verifiers: append([]string{}, r.Issued.Verifiers...),
	}
	return r
}

// fail answers a token request as a fault says.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, fault string) {
	status := http.StatusOK
	switch fault {
	case "hang":
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler)
	case "reset":
		panic(http.ErrAbortHandler)
	case "redirect":
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		return
	}
	if word, ok := strings.CutPrefix(fault, "error:"); ok {
		if s.Kind != KindGitHub {
			status = http.StatusBadRequest
		}
		JSON(w, status, map[string]string{"error": word, "error_description": "This is what was wanted of the practice host."})
		return
	}
	if _, err := fmt.Sscanf(fault, "%d", &status); err == nil && status >= 400 && status < 600 {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!doctype html><title>Practice</title><p>This is what was wanted of the practice host.\n")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, bodies(fault))
}

func bodies(fault string) string {
	switch fault {
	case "array":
		return `[{"access_token":"x"}]`
	case "empty":
		return `{"access_token":"","token_type":"bearer"}`
	case "number":
		return `{"access_token":12345,"token_type":"bearer"}`
	case "control":
		return `{"access_token":"a\nb","token_type":"bearer"}`
	case "missing":
		return `{"token_type":"bearer"}`
	case "huge":
		return `{"access_token":"` + strings.Repeat("x", 10<<20) + `"}`
	}
	return `{"access_token":`
}

// order is what Control takes: faults to set, and things to do.
type order struct {
	Faults    *Faults  `json:"faults"`     // replaces them all
	Expire    []string `json:"expire"`     // access tokens
	ExpireAll bool     `json:"expire_all"` // every access token
	Revoke    []string `json:"revoke"`     // tokens
	Forget    bool     `json:"forget"`     // consents and sign-ins, as in a new browser
	Reset     bool     `json:"reset"`      // the record
}

// Control mounts GET and POST /-/control, with which tests outside this
// process drive the server. Mount it nowhere but in tests: it tells secrets.
//
//	POST {"faults": {"token": ["500"], "coop": "same-origin"}, "expire_all": true}
//	GET  the Record
//
// Both answer the Record.
func (s *Server) Control(mux *http.ServeMux) {
	mux.HandleFunc("GET /-/control", func(w http.ResponseWriter, _ *http.Request) {
		JSON(w, http.StatusOK, s.Record())
	})
	mux.HandleFunc("POST /-/control", func(w http.ResponseWriter, r *http.Request) {
		var o order
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			JSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		s.obey(o)
		JSON(w, http.StatusOK, s.Record())
	})
}

func (s *Server) obey(o order) {
	if o.Faults != nil {
		s.Fail(*o.Faults)
	}
	if o.ExpireAll {
		s.ExpireAll()
	}
	for _, value := range o.Expire {
		s.Expire(value)
	}
	for _, value := range o.Revoke {
		s.Revoke(value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Forget {
		clear(s.approved)
		s.sessions = bounded[string]{limit: s.sessions.limit}
	}
	if o.Reset {
		s.record = Record{}
	}
}
