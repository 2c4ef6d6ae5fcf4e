package mail

import (
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a message with all that its kind tells.
func sample(kind Kind, tongue string) Message {
	m := Message{
		Kind: kind, Site: "blog", To: "mara@example.org", Name: "Mara", Language: tongue,
		Expires: newClock().Now().Add(24 * time.Hour),
		Data: map[string]string{
			"by": "Olga", "roles": "editor", "old": "mara@old.example", "new": "mara@new.example", "method": "Passkey",
			"title": "On <herons> & other birds", "collection": "Posts",
		},
	}
	if kind != Test {
		m.Link = "https://cms.example.org/s/blog/page?token=sample&x=1"
	}
	return m
}

// The golden files are for reading: what each mail says, in each language.
func TestEveryMailInEveryLanguage(t *testing.T) {
	o := newOffice(t, "")
	for _, kind := range Kinds() {
		for _, tongue := range []string{"en", "de", "fr"} {
			t.Run(string(kind)+"."+tongue, func(t *testing.T) {
				id := o.queue(t, sample(kind, tongue))
				m, text, page, err := o.Read(t.Context(), id)
				check(t, err)
				checkPage(t, page)
				if strings.Contains(text, "{{") || strings.Contains(text, "<no value>") || strings.Contains(text, "\n\n\n") {
					t.Errorf("the text is\n%s", text)
				}
				got := fmt.Sprintf("Subject: %s\n\n%s\n===== HTML =====\n%s", m.Subject, text, page)
				golden(t, fmt.Sprintf("%s.%s.golden", kind, tongue), got)
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		check(t, os.MkdirAll("testdata", 0o755))
		check(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if got != string(want) {
		t.Errorf("%s has changed (go test ./internal/mail -update writes it anew); it is now\n%s", file, got)
	}
}

// checkPage refuses what mail programs do not show, or should not.
func checkPage(t *testing.T, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	check(t, err)
	links := 0
	for n := range doc.Descendants() {
		switch n.Data {
		case "script", "style", "link", "iframe", "form", "object":
			if n.Type == html.ElementNode {
				t.Errorf("there is a <%s> in the page", n.Data)
			}
		case "a":
			links++
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.Contains(strings.ToLower(a.Val), "javascript:") || strings.Contains(a.Val, "ZgotmplZ") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
			if (a.Key == "src" || a.Key == "background") && !strings.HasPrefix(a.Val, "https://") {
				t.Errorf("<%s %s=%q> is not of the site's logo", n.Data, a.Key, a.Val)
			}
		}
	}
	if len(page) > 20<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestMailsSayNoMoreThanIsKnown(t *testing.T) {
	o := newOffice(t, "")
	for _, kind := range Kinds() {
		for _, tongue := range []string{"en", "de", "fr"} {
			m := Message{Kind: kind, To: "mara@example.org", Language: tongue}
			if kind.needsLink() {
				m.Link = link
			}
			got, text, page, err := o.Read(t.Context(), o.queue(t, m))
			check(t, err)
			checkPage(t, page)
			for _, odd := range []string{"  ", " .", " ,", "()", "<no value>", "{{", "“”", ": .", "„“"} {
				if strings.Contains(got.Subject+text, odd) {
					t.Errorf("%s.%s has %q in it:\n%s\n%s", kind, tongue, odd, got.Subject, text)
				}
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	o := newOffice(t, "")
	o.Brand = func(site string) Brand { return Brand{Name: "The Blog", Language: site} }
	for _, c := range []struct{ person, site, want string }{
		{"de", "", "de"},
		{"de-AT", "", "de"},
		{"de_CH", "fr", "de"},
		{"FR", "", "fr"},
		{"fr-CA,en;q=0.5", "de", "fr"},
		{"gsw", "", "de"}, // who reads Swiss German reads German
		{"ja", "de", "de"},
		{"ja", "ja", "en"},
		{"", "fr", "fr"},
		{"", "", "en"},
		{"no language\r\n", "de", "de"},
		{strings.Repeat("x-", 1000), "de", "de"},
	} {
		id := o.queue(t, Message{Kind: Test, Site: c.site, To: "mara@example.org", Language: c.person})
		_, _, page, err := o.Read(t.Context(), id)
		if err != nil || !strings.Contains(page, `<html lang="`+c.want+`"`) {
			t.Errorf("person %q, site %q: not %s\n%s", c.person, c.site, c.want, page)
		}
	}
}

func TestHowLongALinkLasts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		7*24*time.Hour - time.Millisecond: "7 Tage",
		47 * time.Hour:                    "47 Stunden",
		time.Hour:                         "60 Minuten",
		time.Minute:                       "1 Minute",
		time.Second:                       "",
		-time.Hour:                        "",
	} {
		if got := lasts("de", d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := lasts("nl", time.Hour); got != "" {
		t.Errorf("in a language without words: %q", got)
	}
}

// Who signs up chooses a name, and the mail goes wherever they say.
func TestNamesAreNoAdvertisements(t *testing.T) {
	for name, want := range map[string]string{
		"Mara":                         "Mara",
		"  Mara \t von  Reiher\n":      "Mara von Reiher",
		"J. R. Hartley":                "J. R. Hartley",
		"O'Hara, PhD":                  "O'Hara, PhD",
		"WIN at casino.example":        "",
		"click https://casino":         "",
		"www.casino":                   "",
		"mail me@casino":               "",
		strings.Repeat("You won ", 20): "",
		"evil\u202egnirts":             "evilgnirts",
	} {
		if got := personName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestTemplatesFromFiles(t *testing.T) {
	o := newOffice(t, "")
	o.Templates = fstest.MapFS{
		"invite.de.txt":   file("\ufeffKomm zu {{.Site}}\r\n\r\nHallo {{.Name}}!\r\n\r\nHinein:\r\n{{.Link}}\r\n"),
		"recover.de.txt":  file("Neu\n\nHier: {{.Link}}\n"),
		"recover.de.html": file(`<p>Hier: <a href="{{.Link}}">{{.Name}}</a></p>`),
		"test.nl.txt":     file("Proef\n\nDit is een proef, {{.To}}.\n"),
		"test.ar.txt":     file("اختبار\n\nاختبار\n"),
		".DS_Store":       file("x"),
	}
	read := func(m Message) (string, string, string) {
		t.Helper()
		got, text, page, err := o.Read(t.Context(), o.queue(t, m))
		check(t, err)
		return got.Subject, text, page
	}
	m := invitation()
	m.Language = "de"
	subject, text, page := read(m)
	if subject != "Komm zu The Blog" || text != "Hallo Mara!\n\nHinein:\n"+link+"\n" {
		t.Errorf("%q\n%q", subject, text)
	}
	if !strings.Contains(page, ">Hinein</a>") || !strings.Contains(page, "Hallo Mara!") {
		t.Errorf("the layout made\n%s", page)
	}
	m.Kind, m.Name = Recover, "<b>Mara"
	if _, _, page := read(m); page != `<p>Hier: <a href="`+link+`"></a></p>`+"\n" {
		t.Errorf("page is %q", page)
	}
	m = Message{Kind: Test, To: "mara@example.org", Language: "nl-BE"}
	if subject, _, _ := read(m); subject != "Proef" {
		t.Errorf("a language of the operator's gives %q", subject)
	}
	m.Language = "ar"
	if _, _, page := read(m); !strings.Contains(page, `lang="ar" dir="rtl"`) {
		t.Errorf("page is\n%s", page)
	}
	if o.book.String() != "" {
		t.Errorf("there is a complaint:\n%s", o.book)
	}
}

func TestBrokenTemplatesAreReplacedByOurs(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, says string
	}{
		"syntax":          {"invite.en.txt", "Hi\n\n{{.Link", "unclosed action"},
		"no such field":   {"invite.en.txt", "Hi\n\n{{.Token}} {{.Link}}", "Token"},
		"no subject":      {"invite.en.txt", "\n\n", "subject"},
		"no text":         {"invite.en.txt", "Hi {{.Link}}", "no text"},
		"no link":         {"invite.en.txt", "Hi\n\nHello.", "the link is missing"},
		"endless":         {"invite.en.txt", "Hi\n\n{{.Link}}{{range 1000000}}xxxxxxxxxxxx{{end}}", "larger than 256 kB"},
		"itself in it":    {"invite.en.txt", `Hi{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`, "maximum template depth"},
		"page, no link":   {"invite.en.html", "<p>Hello", "the link is missing"},
		"page, no escape": {"invite.en.html", "<a href={{.Link}}{{if .Name}}'{{end}}>", "in unquoted attr"},
		"unknown kind":    {"invit.en.txt", "Hi", "there are: invite, confirm"},
		"unknown tongue":  {"invite.x.txt", "Hi", "no language"},
		"unknown form":    {"invite.txt", "Hi", "KIND.LANGUAGE.txt"},
		"page alone":      {"invite.nl.html", "{{.Link}}", "invite.nl.txt"},
		"huge":            {"invite.en.txt", strings.Repeat("x", 65<<10), "64 kB"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "")
			o.Templates = fstest.MapFS{c.file: file(c.text), "invite.de.txt": file("Gut\n\n{{.Link}}")}
			m := invitation()
			got, _, page, err := o.Read(t.Context(), o.queue(t, m))
			if err != nil || got.Subject != "Invitation to The Blog" || !strings.Contains(page, "Accept the invitation") {
				t.Errorf("%+v %v", got, err)
			}
			if log := o.book.String(); !strings.Contains(log, c.says) || !strings.Contains(log, c.file) || strings.Count(log, "\n") != 1 {
				t.Errorf("the log does not say %q:\n%s", c.says, log)
			}
			m.Language = "de"
			if got := o.get(t, o.queue(t, m)); got.Subject != "Gut" {
				t.Errorf("a good file beside it is not used: %+v", got)
			}
		})
	}
}

// What went well with samples can still fail with the real thing.
func TestTemplateThatFailsLater(t *testing.T) {
	o := newOffice(t, "")
	o.Templates = fstest.MapFS{"invite.en.txt": file(`Hi{{if eq .Name "Zoe"}}{{index .Data.by 99}}{{end}}` + "\n\n{{.Link}}")}
	m := invitation()
	if got := o.get(t, o.queue(t, m)); got.Subject != "Hi" {
		t.Errorf("%+v", got)
	}
	m.Name = "Zoe"
	if got := o.get(t, o.queue(t, m)); got.Subject != "Invitation to The Blog" || !strings.Contains(o.book.String(), "template failed") {
		t.Errorf("%+v\n%s", got, o.book)
	}
}

func TestDirectoryThatCannotBeRead(t *testing.T) {
	o := newOffice(t, "")
	o.Templates = os.DirFS(filepath.Join(t.TempDir(), "gone"))
	if got := o.get(t, o.queue(t, invitation())); got.Subject != "Invitation to The Blog" || !strings.Contains(o.book.String(), "cannot be read") {
		t.Errorf("%+v\n%s", got, o.book)
	}
}

func TestLogoIsShown(t *testing.T) {
	o := newOffice(t, "")
	o.Brand = func(string) Brand { return Brand{Name: `The "Blog"`, Logo: "https://blog.example/logo.png"} }
	_, _, page, err := o.Read(t.Context(), o.queue(t, Message{Kind: Test, To: "mara@example.org"}))
	check(t, err)
	checkPage(t, page)
	if !strings.Contains(page, `<img src="https://blog.example/logo.png" alt="The &#34;Blog&#34;"`) {
		t.Errorf("page is\n%s", page)
	}
}

func FuzzTemplate(f *testing.F) {
	files, err := fs.Sub(ours, "templates")
	check(f, err)
	names, err := fs.Glob(files, "*.txt")
	check(f, err)
	for _, name := range names[:6] {
		text, err := fs.ReadFile(files, name)
		check(f, err)
		f.Add(string(text), "", "Mara", "On herons")
	}
	f.Add("Hi\n\n{{.Link}}", `<a href="{{.Link}}" title='{{.Name}}'>{{.Data.by}}`, "\"'><script>", "--\n"+link)
	f.Add("{{.Name}}\n\n{{.Data.by}}\n{{.Link}}", "", "\r\nBcc: x@example.org", link)
	base := newLetters(nil, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, text, page, name, by string) {
		set := *base
		set.papers = maps.Clone(base.papers)
		set.readOperators(fstest.MapFS{"invite.en.txt": file(text), "invite.en.html": file(page)})
		l, c := (&Post{set: &set}).write(Message{Kind: Invite, Name: name, Link: link, Data: map[string]string{"by": by}}, "mara@example.org", newClock().Now())
		if l.subject == "" || strings.ContainsAny(l.subject, "\r\n") {
			t.Fatalf("letter is %+v", l)
		}
		if len(c.Text) > maxLetter+1 || len(c.HTML) > maxLetter+1 {
			t.Fatalf("letter has %d and %d bytes", len(c.Text), len(c.HTML))
		}
		if page == "" {
			// Whatever the words, our layout keeps them words.
			doc, err := html.Parse(strings.NewReader(c.HTML))
			check(t, err)
			for n := range doc.Descendants() {
				if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style") {
					t.Fatalf("page is %s", c.HTML)
				}
			}
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"mara@example.org", "jürgen@bücher.example", `"a b"@example.org`, "a@b@c", "Mara <m@example.org>", "a@[127.0.0.1]", "a@xn--", "\"\r\n\"@x.y", ".@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := recipient(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(a, "\r\n <>\"\x00") || strings.Count(a, "@") < 1 || len(a) > 400 || !ascii(a[strings.LastIndexByte(a, '@'):]) {
			t.Fatalf("%q is %q", s, a)
		}
		if again, err := recipient(a); err != nil || again != a {
			t.Fatalf("%q is %q is %q (%v)", s, a, again, err)
		}
	})
}
