package audit

import (
	"strings"
	"unicode"
)

// How many characters of a text are kept.
const (
	nameLength   = 100
	originLength = 255
	detailLength = 200
)

// fit is an event as it may be written: strangers choose part of it.
func fit(e Event) Event {
	for _, text := range []*string{&e.Kind, &e.Site, &e.Connector, &e.Page, &e.Reference, &e.Person, &e.Actor, &e.Address} {
		*text = line(*text, nameLength)
	}
	e.Origin = line(e.Origin, originLength)
	e.Detail = line(e.Detail, detailLength)
	return e
}

// line is a text as one line of at most n characters that can be shown: runs of
// white space become one space, and what has no shape (control characters, marks
// that turn the direction of writing) is left out.
func line(text string, n int) string {
	// A character takes four bytes at most; the rest is not worth looking at.
	if most := 16 * n; len(text) > most {
		text = text[:most]
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
	if characters := []rune(text); len(characters) > n {
		text = string(characters[:n-1]) + "…"
	}
	return text
}
