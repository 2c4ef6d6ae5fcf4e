package fakes

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// view is what the pages show.
type view struct {
	Host    string
	App     string
	Person  Person
	People  []face
	Scopes  []string
	Back    string // the callback's host
	Problem string

	formTo string // origins that a form may end up at
}

// face is a person with a letter for a picture.
type face struct {
	Person
	Letter string
}

func (s *Server) view(in request, who Person) view {
	v := view{Host: s.Title, App: in.app.Name, Person: who, Scopes: in.scopes}
	if v.App == "" {
		v.App = in.app.ID
	}
	for _, p := range s.People() {
		v.People = append(v.People, face{p, strings.ToUpper(firstLetter(p))})
	}
	if u, err := url.Parse(in.redirect); err == nil {
		v.Back, v.formTo = u.Host, u.Scheme+"://"+u.Host
	}
	return v
}

func firstLetter(p Person) string {
	for _, r := range p.Name + p.Login {
		return string(r)
	}
	return "?"
}

// page answers one of the pages. Its forms may lead to the app's callback,
// which browsers hold against form-action, too.
func (s *Server) page(w http.ResponseWriter, name string, status int, v view) {
	var out bytes.Buffer
	if err := s.pages.ExecuteTemplate(&out, name, v); err != nil {
		http.Error(w, "This page could not be made.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+v.formTo)
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

func parsePages() *template.Template {
	return template.Must(template.New("pages").Parse(pageText))
}

//go:embed pages.html
var pageText string
