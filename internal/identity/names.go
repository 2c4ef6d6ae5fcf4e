package identity

import (
	"encoding/json"
	"maps"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
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

// cleanLanguage is a language as a tag, de-AT; empty stays empty.
func cleanLanguage(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	tag, err := language.Parse(s)
	if err != nil || len(s) > 35 {
		return "", fault.New(fault.Invalid, "%q is no language. Give it as a tag: en, de, fr-CH.", s)
	}
	return tag.String(), nil
}

// maxData bounds what clients keep with an account, as JSON in bytes.
const maxData = 16 << 10

// mergeData puts new data over old; null takes a key away. Invalid when the
// result is too large.
func mergeData(old, change map[string]any) (map[string]any, error) {
	merged := map[string]any{}
	maps.Copy(merged, old)
	for key, value := range change {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = value
		}
	}
	text, err := json.Marshal(merged)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The data of the account cannot be kept: it is no JSON.")
	}
	if len(text) > maxData {
		return nil, fault.New(fault.TooLarge, "The data of the account is too large: it may have %d KB.", maxData>>10)
	}
	return merged, nil
}

// nameIn is the name that clients of GoTrue give, as part of the data.
func nameIn(data map[string]any) string {
	name, _ := data["full_name"].(string)
	return name
}
