package console_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/web"
)

func words(t *testing.T, name string) map[string]string {
	t.Helper()
	data, err := fs.ReadFile(web.Console(), "words/"+name+".json")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

var (
	asked = regexp.MustCompile(`\{\{-? ?t "([^"]+)"|[( |]t "([^"]+)"|\{\{th "([^"]+)"`)
	verbs = regexp.MustCompile(`%[a-z]`)
	tags  = regexp.MustCompile(`</?[a-z]+>`)
)

// templates are the pages by name.
func templates(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(web.Console(), "*.html")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(web.Console(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	return all
}

func TestEveryTextIsTranslated(t *testing.T) {
	familiar := map[string]*regexp.Regexp{
		"de": regexp.MustCompile(`(?i)(^|[^\pL])(du|dein|deine|deinen|dich|dir)([^\pL]|$)`),
		"fr": regexp.MustCompile(`(?i)(^|[^\pL])(tu|ton|tes|toi)([^\pL]|$)`),
	}
	for _, tongue := range []string{"de", "fr"} {
		known := words(t, tongue)
		for name, page := range templates(t) {
			for _, m := range asked.FindAllStringSubmatch(page, -1) {
				text := m[1] + m[2] + m[3]
				if known[text] == "" {
					t.Errorf("%s has no %q of %s", tongue, text, name)
				}
			}
		}
		for text, said := range known {
			if !slices.Equal(verbs.FindAllString(text, -1), verbs.FindAllString(said, -1)) {
				t.Errorf("%s: other placeholders in %q", tongue, said)
			}
			if !slices.Equal(tags.FindAllString(text, -1), tags.FindAllString(said, -1)) {
				t.Errorf("%s: other tags in %q", tongue, said)
			}
			if familiar[tongue].MatchString(said) {
				t.Errorf("%s: too familiar: %q", tongue, said)
			}
		}
	}
	de, fr := words(t, "de"), words(t, "fr")
	for text := range de {
		if fr[text] == "" {
			t.Errorf("fr has no %q", text)
		}
	}
	for text := range fr {
		if de[text] == "" {
			t.Errorf("de has no %q", text)
		}
	}
}

// What a page says for itself would stay English in every language.
func TestNoTemplateHasBareText(t *testing.T) {
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tag := regexp.MustCompile(`(?s)<[^>]*>`)
	spoken := regexp.MustCompile(`(?:aria-label|alt|title)="([^"{]*[A-Za-z]{2}[^"{]*)"`)
	word := regexp.MustCompile(`[A-Za-z]{2,}`)
	class := regexp.MustCompile(`(?m)^\{\{define "class"\}\}.*$`)
	for name, page := range templates(t) {
		if strings.HasPrefix(name, "connector") || name == "activity.html" {
			continue // for operators, in English
		}
		page = class.ReplaceAllString(page, "")
		for _, m := range spoken.FindAllStringSubmatch(page, -1) {
			t.Errorf("%s says %q", name, m[1])
		}
		text := tag.ReplaceAllString(action.ReplaceAllString(page, ""), "\n")
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			for _, name := range []string{"· Gatehouse", "Gatehouse", "gatehouse.yaml"} {
				line = strings.ReplaceAll(line, name, "")
			}
			if word.MatchString(line) {
				t.Errorf("%s says %q", name, line)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	h := openHall(t)
	for _, c := range []struct{ path, accept, lang, heading string }{
		{"/login", "", "de", "Anmelden"}, // the site's
		{"/login", "fr-CH, de;q=0.8", "fr", "Se connecter"},
		{"/login", "de-AT", "de", "Anmelden"},
		{"/login", "en-GB,en;q=0.9", "en", "Sign in"},
		{"/login", "tlh, x", "de", "Anmelden"},
		{"/login", strings.Repeat("fr,", 5000), "de", "Anmelden"},
		{"/login?lang=fr", "de", "fr", "Se connecter"},
		{"/login?lang=xx", "fr", "fr", "Se connecter"},
		{"/login?lang=%22%3E", "", "de", "Anmelden"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.accept != "" {
			req.Header.Set("Accept-Language", c.accept)
		}
		a := h.send(t, req)
		if !strings.Contains(a.text, `<html lang="`+c.lang+`">`) || !strings.Contains(a.text, "<h1>"+c.heading) {
			t.Errorf("%s with %.20q: no %s in\n%s", c.path, c.accept, c.heading, a.text)
		}
	}
}

// Faults are made in English, with names and spans in them.
func TestMessagesAreTranslatedWithWhatIsPutIn(t *testing.T) {
	h := openHall(t)
	a := h.do(t, "POST", "/login?lang=de", map[string][]string{"email": {"ed@example.org"}, "password": {"not it at all"}})
	a.wants(t, 401, "Die E-Mail-Adresse oder das Passwort ist falsch.")
	for range 12 {
		if a = h.do(t, "POST", "/login?lang=de", map[string][]string{"email": {"ed@example.org"}, "password": {"not it at all"}}); a.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	a.wants(t, 429, "Zu viele Versuche", "Sekunde")
	h.as(t, "olga@example.org").get(t, "/console/?lang=fr").wants(t, 200, "Bonjour, Olga", "à l’instant")
}
