package github

import (
	"context"
	"maps"

	"gatehouse/test/fakes"
)

// The accounts and repositories that Seed makes.
const (
	SeedOrg     = "meadow"
	SeedSite    = "meadow/site"  // public
	SeedPrivate = "meadow/notes" // private
	SeedOwner   = "ada"          // owns the organisation
	SeedEditor  = "ben"          // may write to both repositories
	SeedGuest   = "cleo"         // may not write anywhere
)

// Seed makes an organisation with a small site in two repositories, and three
// people: one who owns it, one who may write, one who may not. More files, by
// path, may take the place of ours.
func Seed(ctx context.Context, s *Server, more map[string]string) error {
	for _, p := range []fakes.Person{
		{Login: SeedOwner, Name: "Ada Field", Email: "ada@meadow.example"},
		{Login: SeedEditor, Name: "Ben Hollow", Email: "ben@meadow.example"},
		{Login: SeedGuest, Name: "Cleo Bank"},
	} {
		s.o.OAuth.AddPerson(p)
	}
	if err := s.AddOrg(Org{Login: SeedOrg, Owners: []string{SeedOwner}, Members: []string{SeedEditor}}); err != nil {
		return err
	}
	files := Sample()
	maps.Copy(files, more)
	for _, r := range []Repository{
		{Owner: SeedOrg, Name: "site", Files: files},
		{Owner: SeedOrg, Name: "notes", Files: files, Private: true},
	} {
		if _, err := s.AddRepository(ctx, r); err != nil {
			return err
		}
		if err := s.Allow(r.Owner+"/"+r.Name, SeedEditor, Write); err != nil {
			return err
		}
	}
	return nil
}

// Sample is the content of a small site: a few posts, a page, a picture and the
// settings of the content manager without a backend.
func Sample() map[string]string {
	return map[string]string{
		"README.md": "# Meadow\n\nA site to practise on.\n",
		"admin/config.yml": "media_folder: static/media\npublic_folder: /media\ncollections:\n" +
			"  - name: posts\n    label: Posts\n    label_singular: Post\n    folder: content/posts\n    create: true\n    fields:\n" +
			"      - {name: title, label: Title, widget: string}\n      - {name: date, label: Date, widget: datetime}\n" +
			"      - {name: body, label: Body, widget: markdown}\n",
		"content/posts/first-snow.md":     post("First snow", "2024-01-09", "It came in the night and stayed until noon."),
		"content/posts/mowing.md":         post("Mowing", "2024-06-21", "The long grass goes first, the clover stays."),
		"content/posts/über-die-hecke.md": post("Über die Hecke", "2024-09-30", "Ein Nachbar schaut herüber."),
		"content/pages/about.md":          post("About", "2023-11-02", "Who we are, and where the gate is."),
		"static/media/gate.svg":           `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 8V2l4-2 4 2v6z"/></svg>` + "\n",
		"static/media/dot.png":            "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\b\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\x0f\x04\x00\t\xfb\x03\xfd\xe3U\xf2\x9c\x00\x00\x00\x00IEND\xaeB`\x82",
	}
}

func post(title, date, body string) string {
	return "---\ntitle: " + title + "\ndate: " + date + "T08:00:00Z\n---\n\n" + body + "\n"
}
