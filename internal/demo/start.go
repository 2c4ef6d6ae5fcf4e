package demo

import (
	"bytes"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/identity"
	"gatehouse/test/fakes"
	gatehouseweb "gatehouse/web"
	web "gatehouse/web/demo"
)

// startPolicy lets the start page load its styles and pictures and send its
// forms to this server.
const startPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// startView is what start.html shows.
type startView struct {
	Login, Next, Proxy string
	Dir, Quoted        string
	People             []startPerson
	Sites              []startSite

	Elsewhere                []startSite
	Writer, Reader           fakes.Person
	WriterFirst, ReaderFirst string
	Operator                 Person
	OperatorFirst            string
	GoodDoctor, BrokenDoctor string
	Broken, BrokenFile       string
}

type startPerson struct {
	Person
	First, Title, May string
}

type startSite struct{ Title, About, Admin, View, Picture, Host string }

// mountStart adds the start page and the styles of all the demo's pages.
func (d *Demo) mountStart(mux *http.ServeMux, pages fs.FS) error {
	page, err := template.ParseFS(pages, "start.html")
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := page.Execute(&text, d.startView()); err != nil {
		return err
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", startPolicy)
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(text.Bytes()) // the client has gone when this fails
	})
	own, err := api.NewAssets(pages)
	if err != nil {
		return err
	}
	shared, err := api.NewAssets(gatehouseweb.Console())
	if err != nil {
		return err
	}
	images, err := fs.Sub(web.Files, harbour+"/tree/static/images")
	if err != nil {
		return err
	}
	pictures, err := api.NewAssets(images)
	if err != nil {
		return err
	}
	serve := func(from *api.Assets, name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { from.ServeFile(w, r, name) }
	}
	mux.HandleFunc("GET /demo/start.css", serve(own, "start.css"))
	mux.HandleFunc("GET "+styleSheet, serve(own, "site.css"))
	mux.HandleFunc("GET /demo/console.css", serve(shared, "style.css"))
	mux.HandleFunc("GET /demo/favicon.svg", serve(shared, "favicon.svg"))
	for _, p := range d.elsewhere.hosts {
		mux.HandleFunc("GET /"+p.picture(), serve(pictures, p.Picture))
	}
	return nil
}

func (d *Demo) startView() startView {
	v := startView{
		Login: "s/" + journal + "/login", Next: "/s/" + journal + "/admin/", Proxy: d.URL + "/s/" + journal + "/api/v1",
		Dir: d.Dir, Quoted: quoted(d.Repository),
		Sites: []startSite{
			{title(journal), "A nature reserve: a journal, guided walks, pages in two languages. Edited with Decap CMS 3.", "s/journal/admin/", "site/", "site/uploads/kingfisher.jpg", ""},
			{title(kitchen), "A village bakery and its recipes. Edited with Netlify CMS 2.10.", "s/kitchen/admin/", "site/kitchen/", "site/kitchen/images/farm-loaf.jpg", ""},
		},
	}
	d.viewElsewhere(&v)
	for _, p := range d.People {
		x := startPerson{Person: p, First: first(p.Name)}
		switch p.Role {
		case operator:
			v.Operator, v.OperatorFirst = p, x.First
			x.Title, x.May = "Warden, and operator of this Gatehouse", "May do everything, at both sites."
		case identity.Editor:
			x.Title, x.May = "Editor", "Writes and reviews at both sites. Publishing is left to others."
		default:
			x.Title, x.May = "Contributor", "Writes drafts of her own for the Meadows, and for nobody else."
		}
		v.People = append(v.People, x)
	}
	return v
}

// viewElsewhere fills in what is about the pages elsewhere.
func (d *Demo) viewElsewhere(v *startView) {
	e := d.elsewhere
	for _, p := range e.hosts {
		v.Elsewhere = append(v.Elsewhere, startSite{Title: "Skerry Haven", Host: p.Title, Admin: p.Page + "/admin/", View: p.Page + "/", Picture: p.picture()})
	}
	v.Writer, v.Reader = guests()
	v.WriterFirst, v.ReaderFirst = first(v.Writer.Name), first(v.Reader.Name)
	v.GoodDoctor, v.BrokenDoctor = d.doctor(e.hosts[0].Page), d.doctor(e.Broken)
	v.Broken, v.BrokenFile = e.Broken+"/admin/", e.BrokenFile
}

// doctor is the command that examines the CMS page at an origin.
func (d *Demo) doctor(origin string) string {
	return quoted(d.program) + " doctor --url " + origin + "/admin/"
}

func first(name string) string {
	name, _, _ = strings.Cut(name, " ")
	return name
}

// quoted is a path as a shell reads it.
func quoted(path string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-+@", c)
	}
	if strings.TrimFunc(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
