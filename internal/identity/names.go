package identity

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"gatehouse/internal/fault"
)

// FoldEmail is the one spelling of an e-mail address that accounts are kept
// under: trimmed, composed and in lower case. Invalid when it is no plain
// address.
func FoldEmail(s string) (string, error) {
	s = fold(s)
	if len(s) > 254 {
		return "", fault.New(fault.Invalid, "The e-mail address is too long.")
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || strings.ContainsFunc(s, unwanted) {
		return "", fault.New(fault.Invalid, "%q is no e-mail address. Give it as name@example.org.", s)
	}
	return s, nil
}

// fold is FoldEmail without its doubts: any text has one fold.
func fold(s string) string {
	if len(s) > 1024 {
		s = s[:1024] // no address; only its length must stay bounded
	}
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))))
}

func unwanted(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError || r == '<' || r == '>' || r == '"'
}

// cleanName is a person's name as one line. Git keeps author names between
// other fields, so that angle brackets and line breaks cannot be part of one.
func cleanName(s string) (string, error) {
	s = strings.TrimSpace(norm.NFC.String(s))
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '<' || r == '>' }):
		return "", fault.New(fault.Invalid, "The name must be one line of text without < and >.")
	case utf8.RuneCountInString(s) > 200:
		return "", fault.New(fault.Invalid, "The name has more than 200 characters.")
	}
	return s, nil
}
