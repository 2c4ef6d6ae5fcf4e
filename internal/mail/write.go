package mail

import (
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"
)

// fields is what a template can use.
type fields struct {
	Kind     Kind
	Language string
	Dir      string // of writing: ltr or rtl
	Site     string // its name
	URL      string // of the site; may be empty
	Name     string // of the recipient; may be empty
	To       string
	Link     string
	Lasts    string // how long the link is good, in words; empty: for ever, or no words for it
	Expires  string // when the link ends: 2030-01-01 12:00 UTC; may be empty
	Data     map[string]string
}

// letter is a mail in words.
type letter struct{ subject, text, html string }

// write makes a letter of a message. The operator's template comes first; when
// it fails in spite of having been tried, ours is taken: a mail is never lost to
// its looks.
func (p *Post) write(m Message, to string, now time.Time) (letter, content) {
	brand := p.brand(m.Site)
	tongue := p.set.choose(m.Kind, m.Language, brand.Language)
	f := fields{
		Kind: m.Kind, Language: tongue, Dir: direction(tongue), Site: brand.Name, URL: brand.URL,
		Name: personName(m.Name), To: to, Link: m.Link, Data: maps.Clone(m.Data),
	}
	for key, value := range f.Data {
		f.Data[key] = line(value, maxData)
	}
	if f.Data == nil {
		f.Data = map[string]string{}
	}
	if !m.Expires.IsZero() {
		f.Lasts, f.Expires = lasts(tongue, m.Expires.Sub(now)), m.Expires.UTC().Format("2006-01-02 15:04 UTC")
	}
	l, err := p.set.fill(p.set.papers[paperKey{m.Kind, tongue}], f, brand)
	if err != nil || l.subject == "" {
		p.log().Warn("a mail template failed; the built-in one is used", "kind", string(m.Kind), "language", tongue)
		f.Language = p.set.ourLanguage(tongue)
		f.Dir = direction(f.Language)
		l = p.set.fallback(m.Kind, f, brand)
	}
	return l, content{Name: f.Name, Sender: brand.Sender, Language: f.Language, Text: l.text, HTML: l.html, Link: m.Link}
}

// ourLanguage is a language that we have words in ourselves.
func (s *letters) ourLanguage(name string) string {
	if _, ok := s.our[paperKey{Test, name}]; ok {
		return name
	}
	return "en"
}

// fallback writes a letter with a template of ours, which have all been tried.
func (s *letters) fallback(kind Kind, f fields, brand Brand) letter {
	l, err := s.fill(s.our[paperKey{kind, f.Language}], f, brand)
	if err != nil {
		panic(err) // a text of bounded parts in a template of ours
	}
	return l
}

// fill fills in a template. The subject is the first line of the text.
func (s *letters) fill(p paper, f fields, brand Brand) (letter, error) {
	var text bounded
	if err := p.text.Execute(&text, f); err != nil {
		return letter{}, err
	}
	subject, body, _ := strings.Cut(strings.TrimLeft(text.String(), "\n"), "\n")
	l := letter{subject: line(subject, maxSubject), text: tidy(body)}
	var html bounded
	var err error
	if p.html != nil {
		err = p.html.Execute(&html, f)
	} else {
		err = s.layout.Execute(&html, page{fields: f, Subject: l.subject, Logo: brand.Logo, Blocks: blocks(l.text, f.Link)})
	}
	l.html = strings.TrimSpace(html.String()) + "\n"
	return l, err
}

// page is what the layout shows.
type page struct {
	fields
	Subject string
	Logo    string
	Blocks  []block
}

// block is a paragraph. One whose last line is the link is a button, the line
// before it what stands on it; one that begins with "--" is the signature.
type block struct {
	Lines  []string
	Label  string
	Button bool
	Foot   bool
}

func blocks(text, link string) []block {
	var all []block
	for part := range strings.SplitSeq(text, "\n\n") {
		lines := strings.Split(strings.Trim(part, "\n"), "\n")
		last := len(lines) - 1
		switch {
		case lines[0] == "":
		case link != "" && lines[last] == link:
			b := block{Button: true, Label: link}
			if last > 0 {
				b.Label = strings.TrimRight(lines[last-1], ": \u00a0\u202f")
				b.Lines = lines[:last-1]
			}
			all = append(all, b)
		case strings.TrimRight(lines[0], " ") == "--":
			all = append(all, block{Foot: true, Lines: lines[1:]})
		default:
			all = append(all, block{Lines: lines})
		}
	}
	return all
}

// tidy trims the ends of lines, but of the mark before a signature, and leaves
// one empty line between paragraphs.
func tidy(text string) string {
	var out strings.Builder
	empty := true
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimRight(l, " \t")
		if l == "" {
			empty = true
			continue
		}
		if empty && out.Len() > 0 {
			out.WriteByte('\n')
		}
		if empty = false; l == "--" {
			l = "-- "
		}
		out.WriteString(l + "\n")
	}
	return out.String()
}

// bounded is a text that does not grow without end.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxLetter {
		return 0, errors.New("the mail becomes larger than 256 kB")
	}
	return b.Builder.Write(p)
}

// lasts says in words how long a link is good: in days from two on, in hours
// from two on, else in minutes. The caller's clock was read a little earlier, so
// that a day is a day even when a moment of it has gone.
func lasts(tongue string, d time.Duration) string {
	units := map[string][4]string{
		"en": {"days", "hours", "minutes", "minute"},
		"de": {"Tage", "Stunden", "Minuten", "Minute"},
		"fr": {"jours", "heures", "minutes", "minute"},
	}
	words, ok := units[tongue]
	d = d.Round(time.Minute)
	switch {
	case !ok || d < time.Minute:
		return ""
	case d >= 48*time.Hour:
		return strconv.Itoa(int(d/(24*time.Hour))) + " " + words[0]
	case d >= 2*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " " + words[1]
	case d >= 2*time.Minute:
		return strconv.Itoa(int(d/time.Minute)) + " " + words[2]
	}
	return "1 " + words[3]
}
