package bitbucket

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// pageOf cuts a list into the page that the query asks for. counted tells how
// many there are, which Bitbucket does not for files.
func pageOf[T any](c *call, list []T, counted bool, render func(T) (doc, error)) (doc, error) {
	number, size := atoi(c.query("page"), 1), min(atoi(c.query("pagelen"), 10), 100)
	from := min((number-1)*size, len(list))
	to := min(from+size, len(list))
	values := []doc{}
	for _, v := range list[from:to] {
		d, err := render(v)
		if err != nil {
			return nil, err
		}
		values = append(values, d)
	}
	d := doc{"pagelen": size, "values": values, "page": number}
	if counted {
		d["size"] = len(list)
	}
	at := func(n int) string {
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(n))
		return "http://" + c.r.Host + c.r.URL.EscapedPath() + "?" + q.Encode()
	}
	if to < len(list) {
		d["next"] = at(number + 1)
	}
	if number > 1 {
		d["previous"] = at(number - 1)
	}
	return d, nil
}

func atoi(text string, usual int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1e6 {
		return usual
	}
	return n
}

func same(d doc) (doc, error) { return d, nil }

// term is one comparison of Bitbucket's query language.
type term struct {
	field []string
	op    string
	value string
}

var (
	between = regexp.MustCompile(`\s+AND\s+`)
	termish = regexp.MustCompile(`^\s*([a-z_.]+)\s*(!=|>=|<=|=|~|>|<)\s*(?:"((?:[^"\\]|\\.)*)"|(-?[0-9]+))\s*$`)
)

// parseQuery reads terms joined by AND, which is what clients send.
func parseQuery(text string) ([]term, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var terms []term
	for _, part := range between.Split(text, 20) {
		m := termish.FindStringSubmatch(part)
		if m == nil {
			return nil, says(http.StatusBadRequest, "The query cannot be read: "+part)
		}
		terms = append(terms, term{strings.Split(m[1], "."), m[2], strings.ReplaceAll(m[3], `\"`, `"`) + m[4]})
	}
	return terms, nil
}

// fits reports whether an object meets all the terms.
func fits(d doc, terms []term) bool {
	data, err := json.Marshal(d)
	if err != nil {
		return false
	}
	var plain any
	if json.Unmarshal(data, &plain) != nil {
		return false
	}
	for _, t := range terms {
		if !t.holds(plain) {
			return false
		}
	}
	return true
}

func (t term) holds(v any) bool {
	for _, name := range t.field {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	if n, ok := v.(float64); ok {
		want, err := strconv.ParseFloat(t.value, 64)
		return err == nil && compare(t.op, n, want)
	}
	text, _ := v.(string)
	if t.op == "~" {
		return strings.Contains(strings.ToLower(text), strings.ToLower(t.value))
	}
	return compare(t.op, text, t.value)
}

func compare[T float64 | string](op string, a, b T) bool {
	switch op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case ">":
		return a > b
	case "<":
		return a < b
	case ">=":
		return a >= b
	case "<=":
		return a <= b
	}
	return false
}
