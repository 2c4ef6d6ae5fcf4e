package console

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// english is the language that templates and messages are written in.
const english = "en"

// catalogue is the words of one language, by the English ones. The zero
// catalogue is English.
//
// Templates ask for literal texts. What comes from elsewhere in this program,
// faults above all, is English with names and numbers put in; a text with
// placeholders also stands for those.
type catalogue struct {
	texts    map[string]string
	patterns []pattern
}

// pattern finds texts with something put in.
type pattern struct {
	text  *regexp.Regexp
	words string
}

var placeholder = regexp.MustCompile(`%[sd]`)

// readCatalogue reads words/LANGUAGE.json.
func readCatalogue(fsys fs.FS, name string) (*catalogue, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	c := &catalogue{}
	if err := json.Unmarshal(data, &c.texts); err != nil {
		return nil, fmt.Errorf("the words %s: %w", name, err)
	}
	for text, words := range c.texts {
		if !placeholder.MatchString(text) {
			continue
		}
		expression := placeholder.ReplaceAllString(regexp.QuoteMeta(text), "(.+?)")
		c.patterns = append(c.patterns, pattern{regexp.MustCompile("(?s)^" + expression + "$"), strings.ReplaceAll(words, "%d", "%s")})
	}
	// The one that leaves least open comes first.
	slices.SortFunc(c.patterns, func(a, b pattern) int {
		if d := len(b.text.String()) - len(a.text.String()); d != 0 {
			return d
		}
		return strings.Compare(a.text.String(), b.text.String())
	})
	return c, nil
}

// say is a text in the catalogue's language, with arguments put in as
// fmt.Sprintf does. What the catalogue does not have stays English.
func (c *catalogue) say(text string, args ...any) string {
	words, known := c.texts[text]
	switch {
	case !known && len(args) == 0:
		return c.match(text)
	case !known:
		words = text
	}
	if len(args) == 0 {
		return words
	}
	return fmt.Sprintf(words, args...)
}

// match is a text that was made of one with placeholders. What was put in may be
// a text, too: a time span, a role.
func (c *catalogue) match(text string) string {
	for _, p := range c.patterns {
		found := p.text.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		args := make([]any, len(found)-1)
		for i, x := range found[1:] {
			args[i] = c.say(x)
		}
		return fmt.Sprintf(p.words, args...)
	}
	return text
}

// markup is say for a text of ours with tags in it; what is put in is escaped.
func (c *catalogue) markup(text string, args ...any) template.HTML {
	for i, a := range args {
		args[i] = html.EscapeString(fmt.Sprint(a))
	}
	return template.HTML(c.say(text, args...)) //nolint:gosec // our own words, from this program
}

// roles are roles that stand in a row.
func (c *catalogue) roles(row string) string {
	names := strings.Split(row, ", ")
	for i, name := range names {
		names[i] = c.say(name)
	}
	return strings.Join(names, ", ")
}

func (c *catalogue) funcs() template.FuncMap {
	return template.FuncMap{"t": c.say, "th": c.markup, "roles": c.roles}
}

// tongues are the languages of the pages.
type tongues struct {
	names   []string // english first
	matcher language.Matcher
	words   map[string]*catalogue
}

func readTongues(fsys fs.FS) (*tongues, error) {
	files, err := fs.Glob(fsys, "words/*.json")
	if err != nil {
		return nil, err
	}
	t := &tongues{names: []string{english}, words: map[string]*catalogue{english: {}}}
	tags := []language.Tag{language.English}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".json")
		if t.words[name], err = readCatalogue(fsys, file); err != nil {
			return nil, err
		}
		tag, err := language.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("the words %s: %w", file, err)
		}
		t.names, tags = append(t.names, name), append(tags, tag)
	}
	t.matcher = language.NewMatcher(tags)
	return t, nil
}

// choose is the language of a page: the one that its address asks for, else that
// of the browser, else a fallback (a tag, or empty), else English. asked is what
// the address asks for, to be carried on; empty: nothing.
func (t *tongues) choose(r *http.Request, fallback string) (name, asked string) {
	asked = r.URL.Query().Get("lang")
	if asked == "" && r.PostForm != nil {
		asked = r.PostForm.Get("lang")
	}
	if slices.Contains(t.names, asked) {
		return asked, asked
	}
	for _, wish := range []string{r.Header.Get("Accept-Language"), fallback} {
		if len(wish) > 200 {
			continue // no browser's
		}
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := t.matcher.Match(tags...); confidence >= language.Low {
			return t.names[i], ""
		}
	}
	return english, ""
}
