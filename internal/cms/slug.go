package cms

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// allowed reports whether a character may stand in a slug: unreserved URL
// characters, and in unicode mode what RFC 3987 calls ucschar.
func (s SlugRules) allowed(ch rune) bool {
	switch {
	case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9':
		return true
	case ch < utf8.RuneSelf:
		return strings.ContainsRune("_-.~", ch)
	case s.ASCII:
		return false
	}
	return ch >= 0xa0 && ch <= 0xd7ff || ch >= 0xf900 && ch <= 0xfdcf || ch >= 0xfdf0 && ch <= 0xffef ||
		ch >= 0x10000 && ch <= 0xefffd && ch&0xffff <= 0xfffd && (ch < 0xe0000 || ch >= 0xe1000)
}

var reservedName = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

// segment makes a value fit for a slug: trimmed, lower case, without quotes and
// full stops, with only allowed characters. With slashes, those inside it stay.
func (s SlugRules) segment(v string, slashes bool) string {
	v = strings.ToLower(strings.TrimSpace(v))
	v = strings.NewReplacer("'", "", ".", "-").Replace(v)
	return s.sanitise(v, slashes)
}

// sanitise replaces what a slug may not hold, and tidies the replacements.
func (s SlugRules) sanitise(v string, slashes bool) string {
	if s.CleanAccents {
		v = withoutAccents(v)
	}
	parts := []string{v}
	if slashes {
		parts = strings.FieldsFunc(v, func(ch rune) bool { return ch == '/' })
	}
	for i, part := range parts {
		parts[i] = s.fileName(part)
	}
	v = strings.Join(parts, "/")
	if s.Replacement == "" {
		return v
	}
	for strings.Contains(v, s.Replacement+s.Replacement) {
		v = strings.ReplaceAll(v, s.Replacement+s.Replacement, s.Replacement)
	}
	return strings.TrimSuffix(strings.TrimPrefix(v, s.Replacement), s.Replacement)
}

// fileName keeps the allowed characters of one path segment, and makes it a
// name that every file system takes.
func (s SlugRules) fileName(v string) string {
	var b strings.Builder
	for _, ch := range v {
		if s.allowed(ch) {
			b.WriteRune(ch)
		} else {
			b.WriteString(s.Replacement)
		}
	}
	v = b.String()
	if reservedName.MatchString(v) || strings.Trim(v, ".") == "" {
		v = s.Replacement
	}
	if end := strings.TrimRight(v, ". "); end != v {
		v = end + s.Replacement
	}
	for len(v) > 255 {
		_, size := utf8.DecodeLastRuneInString(v)
		v = v[:len(v)-size]
	}
	return v
}

// withoutAccents takes diacritics off, and spells out the Latin letters that
// have no base letter in Unicode.
func withoutAccents(v string) string {
	t := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	plain, _, err := transform.String(t, v)
	if err != nil {
		return v
	}
	return strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O",
		"ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "þ", "th", "Þ", "TH", "ð", "d", "Ð", "D", "ı", "i").Replace(plain)
}
