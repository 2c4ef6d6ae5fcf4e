package broker

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a query.
const (
	maxQuery  = 8 << 10
	maxParams = 50
)

// Errors of readQuery and single; their texts go into a page.
var (
	errQueryLong   = errors.New("it is too long")
	errQueryBroken = errors.New("it holds characters that do not belong there")
)

// readQuery parses a query and admits plain text alone: no control characters,
// nothing that is not UTF-8.
func readQuery(raw string) (url.Values, error) {
	if len(raw) > maxQuery || strings.Count(raw, "&") >= maxParams {
		return nil, errQueryLong
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, errQueryBroken
	}
	for name, values := range q {
		for _, text := range append(values, name) {
			if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				return nil, errQueryBroken
			}
		}
	}
	return q, nil
}

// single is the one value of a parameter, empty when it is not there. Given
// twice, it is unclear which one others have looked at, and is an error.
func single(q url.Values, name string, limit int) (string, error) {
	switch values := q[name]; {
	case len(values) > 1:
		return "", errors.New(name + " is there twice")
	case len(values) == 0:
		return "", nil
	case len(values[0]) > limit:
		return "", errors.New(name + " is too long")
	default:
		return values[0], nil
	}
}

// clip cuts text for people and logs to so many characters, and takes out what
// would break a line.
func clip(text string, limit int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
	n := 0
	for at := range text {
		if n++; n > limit {
			return text[:at]
		}
	}
	return text
}
