package cms

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// templateVariable is {{name}} or {{name | filter}} in slug, path, folder and
// preview templates.
var templateVariable = regexp.MustCompile(`\{\{ *([^}{| ]+)( \| ([^}{]+?))? *\}\}`)

// errNoDate: the template names a part of a date, and the entry has none.
var errNoDate = errors.New("cms: the entry has no date")

// template is what a template's variables stand for.
type template struct {
	Date    time.Time // zero: none
	Slug    string    // {{slug}}
	Data    map[string]any
	Process func(string) string // applied to every value; nil: none
}

// expand fills a template in.
func (t template) expand(text string) (string, error) {
	var failed error
	out := templateVariable.ReplaceAllStringFunc(text, func(v string) string {
		m := templateVariable.FindStringSubmatch(v)
		value, err := t.value(m[1])
		if err != nil {
			failed = err
			return ""
		}
		if m[3] != "" {
			value = filter(m[3], value)
		}
		if t.Process != nil {
			value = t.Process(value)
		}
		return value
	})
	return out, failed
}

// value is what one variable stands for. A field is reached by its path; one
// named as a built-in variable, by fields.<name>.
func (t template) value(key string) (string, error) {
	if name, ok := strings.CutPrefix(key, "fields."); ok {
		if v := plainText(dig(t.Data, name)); v != "" {
			return v, nil
		}
	}
	if layout := datePart(key); layout != "" {
		if t.Date.IsZero() {
			return "", errNoDate
		}
		return t.Date.UTC().Format(layout), nil
	}
	if key == "slug" {
		return t.Slug, nil
	}
	return plainText(dig(t.Data, key)), nil
}

func datePart(key string) string {
	switch key {
	case "year":
		return "2006"
	case "month":
		return "01"
	case "day":
		return "02"
	case "hour":
		return "15"
	case "minute":
		return "04"
	case "second":
		return "05"
	}
	return ""
}

// dig follows a path such as author.name or tags[0] into an entry's data.
func dig(data map[string]any, key string) any {
	var at any = data
	for _, part := range strings.FieldsFunc(key, func(ch rune) bool { return ch == '.' || ch == '[' || ch == ']' }) {
		switch v := at.(type) {
		case map[string]any:
			at = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

// plainText is a value as a template writes it.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	case []any:
		parts := make([]string, 0, len(v))
		for _, item := range v {
			parts = append(parts, plainText(item))
		}
		return strings.Join(parts, ",")
	case fmt.Stringer:
		return v.String()
	}
	return ""
}

var (
	filterDate     = regexp.MustCompile(`^date\('(.+)'\)$`)
	filterDefault  = regexp.MustCompile(`^default\('(.+)'\)$`)
	filterTernary  = regexp.MustCompile(`^ternary\('(.*)',\s*'(.*)'\)$`)
	filterTruncate = regexp.MustCompile(`^truncate\(([0-9]{1,9})(?:,\s*['"]([^'"]*)['"])?\)$`)
)

// filter applies one filter; an unknown one changes nothing.
func filter(name, v string) string {
	switch name {
	case "upper":
		return strings.ToUpper(v)
	case "lower":
		return strings.ToLower(v)
	}
	if m := filterDate.FindStringSubmatch(name); m != nil {
		if d, ok := parseDate(v); ok {
			return formatDate(d, m[1])
		}
		return "Invalid Date"
	}
	if m := filterDefault.FindStringSubmatch(name); m != nil && v == "" {
		return m[1]
	}
	if m := filterTernary.FindStringSubmatch(name); m != nil {
		if v != "" {
			return m[1]
		}
		return m[2]
	}
	if m := filterTruncate.FindStringSubmatch(name); m != nil {
		return truncate(v, m[1], m[2])
	}
	return v
}

// truncate keeps n characters and says with the omission that there were more.
func truncate(v, n, omission string) string {
	if omission == "" {
		omission = "..."
	}
	keep, _ := strconv.Atoi(n)
	if utf8.RuneCountInString(v) <= keep+utf8.RuneCountInString(omission) {
		return v
	}
	return string([]rune(v)[:keep]) + omission
}

// parseDate reads a date as entries hold them.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00",
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999Z07:00",
		"2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02", "2006/01/02", "20060102", "2006-01", "2006",
	} {
		if d, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return d, true
		}
	}
	return time.Time{}, false
}

var dateToken = regexp.MustCompile(`\[[^\]]*\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|A|a|mm|m|ss|s|SSS|ZZ|Z`)

// formatDate writes a date in the notation of the date filter (YYYY-MM-DD), in
// UTC.
func formatDate(d time.Time, layout string) string {
	d = d.UTC()
	return dateToken.ReplaceAllStringFunc(layout, func(token string) string {
		switch token {
		case "YYYY":
			return d.Format("2006")
		case "YY":
			return d.Format("06")
		case "MMMM":
			return d.Format("January")
		case "MMM":
			return d.Format("Jan")
		case "MM":
			return d.Format("01")
		case "M":
			return d.Format("1")
		case "DD":
			return d.Format("02")
		case "D":
			return d.Format("2")
		case "dddd":
			return d.Format("Monday")
		case "ddd":
			return d.Format("Mon")
		case "HH":
			return d.Format("15")
		case "H":
			return strconv.Itoa(d.Hour())
		case "hh":
			return d.Format("03")
		case "h":
			return d.Format("3")
		case "A":
			return d.Format("PM")
		case "a":
			return d.Format("pm")
		case "mm":
			return d.Format("04")
		case "m":
			return d.Format("4")
		case "ss":
			return d.Format("05")
		case "s":
			return d.Format("5")
		case "SSS":
			return d.Format(".000")[1:]
		case "Z":
			return "+00:00"
		case "ZZ":
			return "+0000"
		}
		return strings.Trim(token, "[]")
	})
}
