package fakes

import (
	"bytes"
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

const pageText = `
{{define "head"}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Host}} (practice host)</title>
<style>
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d4dae2; --paper: #fff; --back: #f2f4f7; --go: #1f6f4a; --note: #fff3cd; --noteink: #5c4400 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #a3adba; --line: #3a4450; --paper: #1c232b; --back: #12171d; --go: #2f8f62; --note: #4a3b0c; --noteink: #ffe9a8 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
.banner { background: var(--note); color: var(--noteink); padding: .6rem 1rem; text-align: center; font-size: .9rem }
main { max-width: 26rem; margin: 1.5rem auto; padding: 1.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: 10px }
h1 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .5rem }
p { margin: .5rem 0 }
.soft { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere }
ul { margin: .5rem 0; padding-left: 1.2rem }
button { font: inherit; color: inherit; cursor: pointer; border-radius: 8px; border: 1px solid var(--line); background: var(--paper); padding: .65rem .9rem }
button:hover { border-color: var(--soft) }
button:focus-visible, a:focus-visible { outline: 3px solid #4c8dff; outline-offset: 2px }
.person { display: flex; gap: .8rem; align-items: center; width: 100%; text-align: left; margin-top: .6rem }
.person b, .person span { display: block }
.letter { flex: none; width: 2.4rem; height: 2.4rem; border-radius: 50%; background: var(--go); color: #fff; display: grid !important; place-items: center; font-weight: 600 }
.choice { display: flex; gap: .6rem; margin-top: 1.2rem }
.choice button { flex: 1 }
.go { background: var(--go); border-color: var(--go); color: #fff }
a { color: inherit }
</style>
</head>
<body>
<div class="banner" role="note"><strong>Practice host.</strong> This is not the real {{.Host}}. Nothing leaves this computer, and there are no passwords.</div>
<main>{{end}}
{{define "foot"}}</main>
</body>
</html>
{{end}}
{{define "people"}}{{template "head" .}}
<h1>Sign in to the practice {{.Host}}</h1>
<p>to continue to <strong>{{.App}}</strong>. Who do you want to be?</p>
<form method="post">
{{range .People}}<button class="person" name="person" value="{{.Login}}"><span class="letter" aria-hidden="true">{{.Letter}}</span><span><b>{{or .Name .Login}}</b><span class="soft">{{.Login}}</span></span></button>
{{else}}<p>Nobody has an account here yet.</p>
{{end}}</form>
{{template "foot" .}}{{end}}
{{define "consent"}}{{template "head" .}}
<h1>{{.App}} wants to use your account</h1>
<p class="soft">Signed in as <strong>{{or .Person.Name .Person.Login}}</strong> ({{.Person.Login}})</p>
{{if .Scopes}}<p>It asks for:</p>
<ul>{{range .Scopes}}<li><code>{{.}}</code></li>{{end}}</ul>
{{else}}<p>It may do what it was installed for, as you.</p>
{{end}}<p class="soft">You go on to {{.Back}}.</p>
<form method="post">
<div class="choice"><button name="decision" value="cancel">Cancel</button><button class="go" name="decision" value="allow">Allow</button></div>
</form>
<form method="post"><p class="soft">Not you? <button name="switch" value="1">Use another account</button></p></form>
{{template "foot" .}}{{end}}
{{define "refused"}}{{template "head" .}}
<h1>This cannot go on</h1>
<p>{{.Problem}}</p>
<p class="soft">Have a look at how the app is registered here, and at the address that brought you.</p>
{{template "foot" .}}{{end}}
`
