package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/test/fakes"
)

// doc is a JSON object.
type doc map[string]any

// problem is an answer that refuses. It is an error.
type problem struct {
	status int
	body   any
}

func (p *problem) Error() string { return fmt.Sprint(p.status, " ", p.body) }

func says(status int, message string) error {
	return &problem{status, map[string]string{"message": message}}
}

// refuse answers an error: a problem as it is, a fault by its kind.
func (c *call) refuse(err error) {
	var p *problem
	if errors.As(err, &p) {
		fakes.JSON(c.w, p.status, p.body)
		return
	}
	status := http.StatusInternalServerError
	switch fault.KindOf(err) {
	case fault.NotFound:
		status = http.StatusNotFound
	case fault.Invalid, fault.Conflict:
		status = http.StatusBadRequest
	case fault.TooLarge:
		status = http.StatusRequestEntityTooLarge
	}
	fakes.JSON(c.w, status, doc{"message": fault.Message(err)})
}

// fields are the parameters of a request that changes something: of the query,
// and above it of a JSON body or a form.
type fields map[string]any

func (c *call) fields() (fields, error) {
	f := fields{}
	add(f, c.r.URL.Query())
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data" {
		if err := c.r.ParseForm(); err != nil {
			return nil, says(http.StatusBadRequest, "400 Bad request - the form cannot be read")
		}
		add(f, c.r.PostForm)
		return f, nil
	}
	body, err := io.ReadAll(c.r.Body)
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &f)
	}
	if err != nil {
		return nil, says(http.StatusBadRequest, "400 Bad request - the body is no JSON object")
	}
	return f, nil
}

func add(f fields, values url.Values) {
	for name := range values {
		f[name] = values.Get(name)
	}
}

// text is a parameter as text; a list is joined by commas.
func (f fields) text(name string) string {
	switch v := f[name].(type) {
	case string:
		return v
	case []any:
		var parts []string
		for _, part := range v {
			parts = append(parts, fmt.Sprint(part))
		}
		return strings.Join(parts, ",")
	}
	return ""
}

func (f fields) has(name string) bool { return f[name] != nil }

func (f fields) flag(name string) bool { return f[name] == true || f.text(name) == "true" }

// page cuts a list as the query says and tells so in the headers.
func page[T any](c *call, list []T) []T {
	number, size := atoi(c.query("page"), 1), min(atoi(c.query("per_page"), 20), 100)
	total := len(list)
	pages := max(1, (total+size-1)/size)
	from := min((number-1)*size, total)
	to := min(from+size, total)
	h := c.w.Header()
	set := func(name string, n int) { h.Set(name, strconv.Itoa(n)) }
	set("X-Page", number)
	set("X-Per-Page", size)
	set("X-Total", total)
	set("X-Total-Pages", pages)
	h.Set("X-Next-Page", "")
	h.Set("X-Prev-Page", "")
	var links []string
	link := func(rel string, to int) {
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(to))
		q.Set("per_page", strconv.Itoa(size))
		links = append(links, "<http://"+c.r.Host+c.r.URL.EscapedPath()+"?"+q.Encode()+`>; rel="`+rel+`"`)
	}
	if number > 1 {
		set("X-Prev-Page", number-1)
		link("prev", number-1)
	}
	if number < pages {
		set("X-Next-Page", number+1)
		link("next", number+1)
	}
	link("first", 1)
	link("last", pages)
	h.Set("Link", strings.Join(links, ", "))
	return append([]T{}, list[from:to]...)
}

func atoi(text string, usual int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1e6 {
		return usual
	}
	return n
}

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

// by is the person of the token as an author.
func (c *call) by(now time.Time) git.Signature {
	p := c.token.Person
	name, email := p.Name, p.Email
	if name == "" {
		name = p.Login
	}
	if email == "" {
		email = p.Login + "@users.practice.example"
	}
	return git.Signature{Name: name, Email: email, When: now}
}
