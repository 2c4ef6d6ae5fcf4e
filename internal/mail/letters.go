package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"

	"golang.org/x/text/language"
)

// templates/KIND.LANGUAGE.txt are our words: the subject in the first line, an
// empty line, then the text. templates/layout.html makes HTML of any text.
//
//go:embed templates
var ours embed.FS

// Bounds of a template file and of what is made of one.
const (
	maxTemplate = 64 << 10
	maxLetter   = 256 << 10
)

// paper is the template of one kind in one language.
type paper struct {
	text *texttemplate.Template
	html *htmltemplate.Template // nil: the layout makes it of the text
}

type paperKey struct {
	kind     Kind
	language string
}

// letters are the templates of all kinds and languages.
type letters struct {
	papers  map[paperKey]paper // in use
	our     map[paperKey]paper // those of ours, for when another fails
	layout  *htmltemplate.Template
	matcher map[Kind]language.Matcher
	tags    map[Kind][]string // as the matcher counts
	log     *slog.Logger
}

// newLetters reads our templates and the operator's, which may be nil. Ours are
// part of the program: that they cannot be read is a mistake of its makers.
func newLetters(operators fs.FS, log *slog.Logger) *letters {
	s := &letters{papers: map[paperKey]paper{}, matcher: map[Kind]language.Matcher{}, tags: map[Kind][]string{}, log: log}
	files, err := fs.Sub(ours, "templates")
	if err == nil {
		s.layout, err = htmltemplate.ParseFS(files, "layout.html")
	}
	if err != nil {
		panic(err)
	}
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if err := s.read(files, name); err != nil {
			panic(fmt.Sprintf("mail: %s: %v", name, err))
		}
	}
	s.our = maps.Clone(s.papers)
	if operators != nil {
		s.readOperators(operators)
	}
	s.match()
	return s
}

// readOperators takes what can be used and logs what cannot. Texts come before
// their HTML, which goes with them.
func (s *letters) readOperators(files fs.FS) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		s.log.Warn("the directory of mail templates cannot be read; the built-in ones are used", "error", err.Error())
		return
	}
	names := []string{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(path.Ext(b), path.Ext(a)) })
	for _, name := range names {
		if err := s.read(files, name); err != nil {
			s.log.Warn("a mail template cannot be used; the built-in one is", "file", name, "reason", err.Error())
		}
	}
}

// read takes one file, if it can be used.
func (s *letters) read(files fs.FS, name string) error {
	key, ext, err := parseName(name)
	if err != nil {
		return err
	}
	source, err := readBounded(files, name)
	if err != nil {
		return err
	}
	p := s.papers[key]
	if ext == ".txt" {
		p = paper{}
		p.text, err = texttemplate.New(name).Option("missingkey=zero").Parse(source)
	} else {
		if p.text == nil {
			return fmt.Errorf("the subject and the text are missing: they belong into %s.%s.txt", key.kind, key.language)
		}
		p.html, err = htmltemplate.New(name).Option("missingkey=zero").Parse(source)
	}
	if err != nil {
		return err
	}
	if err := s.try(key, p); err != nil {
		return err
	}
	s.papers[key] = p
	return nil
}

func readBounded(files fs.FS, name string) (string, error) {
	info, err := fs.Stat(files, name)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("it is no file")
	case info.Size() > maxTemplate:
		return "", errors.New("it is larger than 64 kB")
	}
	data, err := fs.ReadFile(files, name)
	// Windows editors write a mark in front, and two characters for an end of line.
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	return strings.ReplaceAll(string(data), "\r\n", "\n"), err
}

// parseName reads KIND.LANGUAGE.txt and KIND.LANGUAGE.html.
func parseName(name string) (paperKey, string, error) {
	parts := strings.Split(name, ".")
	if len(parts) != 3 || parts[2] != "txt" && parts[2] != "html" {
		return paperKey{}, "", errors.New("its name is not of the form KIND.LANGUAGE.txt or KIND.LANGUAGE.html, such as invite.de.txt")
	}
	if !slices.Contains(Kinds(), Kind(parts[0])) {
		return paperKey{}, "", fmt.Errorf("there is no kind %q; there are: %s", parts[0], join(Kinds()))
	}
	tag, err := language.Parse(parts[1])
	if err != nil || tag == language.Und || tag.String() != parts[1] {
		return paperKey{}, "", fmt.Errorf("%q is no language: write de, fr, pt-BR and so on", parts[1])
	}
	return paperKey{Kind(parts[0]), parts[1]}, "." + parts[2], nil
}

func join(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// try writes a letter with a template before it is trusted: with all that its
// kind can tell, and with as little as there can be.
func (s *letters) try(key paperKey, p paper) error {
	full := fields{
		Kind: key.kind, Language: key.language, Dir: direction(key.language), Site: "The Blog", URL: "https://blog.example", Name: "Mara", To: "mara@example.org",
		Link: "https://cms.example/page?token=sample", Lasts: "7 days", Expires: "2030-01-01 12:00 UTC",
		Data: map[string]string{"by": "Olga", "roles": "editor", "old": "old@example.org", "new": "new@example.org", "method": "passkey", "title": "On herons", "collection": "Posts"},
	}
	bare := fields{Kind: key.kind, Language: key.language, Dir: full.Dir, Site: "The Blog", To: full.To, Data: map[string]string{}}
	if key.kind.needsLink() {
		bare.Link = full.Link
	}
	for _, f := range []fields{full, bare} {
		l, err := s.fill(p, f, Brand{Name: f.Site})
		switch {
		case err != nil:
			return err
		case l.subject == "":
			return errors.New("its first line is the subject, which must not be empty")
		case l.text == "":
			return errors.New("there is no text: the first line is the subject, then come an empty line and the text")
		case f.Link != "" && key.kind.needsLink() && (!strings.Contains(l.text, f.Link) || !strings.Contains(l.html, f.Link)):
			return errors.New("the link is missing: write {{.Link}} where it belongs")
		}
	}
	return nil
}

// match prepares the choice of languages.
func (s *letters) match() {
	for _, kind := range Kinds() {
		names := []string{"en"} // the first is what is taken when nothing fits
		for key := range s.papers {
			if key.kind == kind && key.language != "en" {
				names = append(names, key.language)
			}
		}
		slices.Sort(names[1:])
		tags := make([]language.Tag, len(names))
		for i, name := range names {
			tags[i] = language.Make(name)
		}
		s.tags[kind], s.matcher[kind] = names, language.NewMatcher(tags)
	}
}

// choose is the language for a letter: the first wish that there is something
// near for, else English.
func (s *letters) choose(kind Kind, wishes ...string) string {
	for _, wish := range wishes {
		if len(wish) > 64 {
			continue
		}
		// Accept-Language is understood, too.
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, sure := s.matcher[kind].Match(tags...); sure >= language.Low {
			return s.tags[kind][i]
		}
	}
	return "en"
}

// direction is how a language is written, for dir attributes.
func direction(name string) string {
	script, _ := language.Make(name).Script()
	switch script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg":
		return "rtl"
	}
	return "ltr"
}
