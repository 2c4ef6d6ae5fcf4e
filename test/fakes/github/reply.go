package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/test/fakes"
)

// doc is a JSON object.
type doc = map[string]any

// call is one request on its way. The answer is kept until the handler is done
// and holds no lock any more: who reads slowly holds up nobody.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	status int
	answer []byte

	who   *fakes.Person // nil: nobody is signed in
	token fakes.Token
	app   fakes.App // that the token is of; empty: a personal token
}

func (c *call) ctx() context.Context { return c.r.Context() }

// at is a part of the path; all but the names of the host's own are decoded once.
func (c *call) at(name string) string { return c.r.PathValue(name) }

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// number is a part of the path that is a number; 0 for anything else.
func (c *call) number(name string) int {
	n, err := strconv.Atoi(c.at(name))
	if err != nil {
		return 0
	}
	return n
}

// body reads the request, whatever its Content-Type says, as the original does.
func (c *call) body(into any) error {
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		return &problem{Status: http.StatusRequestEntityTooLarge, Message: "Payload too large"}
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return &problem{Status: http.StatusBadRequest, Message: "Problems parsing JSON"}
	}
	return nil
}

func (c *call) reply(status int, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	c.w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	return c.send(status, "application/json; charset=utf-8", b.Bytes())
}

func (c *call) none() error { return c.send(http.StatusNoContent, "", nil) }

// send is the one way to answer.
func (c *call) send(status int, kind string, data []byte) error {
	head := c.w.Header()
	if kind != "" {
		head.Set("Content-Type", kind)
	}
	head.Set("X-RateLimit-Limit", "5000")
	head.Set("X-RateLimit-Remaining", "4999")
	c.status, c.answer = status, data
	return nil
}

func (c *call) flush() {
	c.w.WriteHeader(c.status)
	_, _ = c.w.Write(c.answer) // a caller who left is no failure of ours
}

// problem is a refusal as the original words it.
type problem struct {
	Status  int
	Message string
	Errors  []any // of 422 Validation Failed
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s", p.Status, p.Message) }

func notFound() *problem { return &problem{Status: http.StatusNotFound, Message: "Not Found"} }

func unprocessable(format string, args ...any) *problem {
	return &problem{Status: http.StatusUnprocessableEntity, Message: fmt.Sprintf(format, args...)}
}

// invalid is the 422 that names a field, or has a sentence of its own.
func invalid(resource, field, code, message string) *problem {
	e := doc{"resource": resource, "code": code}
	if field != "" {
		e["field"] = field
	}
	if message != "" {
		e["message"] = message
	}
	return &problem{Status: http.StatusUnprocessableEntity, Message: "Validation Failed", Errors: []any{e}}
}

func (c *call) refuse(err error) {
	p := asProblem(err)
	answer := doc{
		"message":           p.Message,
		"documentation_url": "https://docs.github.com/rest",
		"status":            strconv.Itoa(p.Status),
	}
	if p.Errors != nil {
		answer["errors"] = p.Errors
	}
	_ = c.reply(p.Status, answer)
}

// asProblem is what a failure of the engine looks like from outside.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	switch fault.KindOf(err) {
	case fault.NotFound:
		return notFound()
	case fault.Invalid, fault.Conflict, fault.TooLarge:
		return unprocessable("%s", fault.Message(err))
	default:
		return &problem{Status: http.StatusInternalServerError, Message: "Server Error"}
	}
}

// page cuts the wished page out of all and sets the Link header.
func page[T any](s *Server, c *call, repo *repository, all []T) []T {
	size := bounded(c.query("per_page"), 30, 100)
	at := bounded(c.query("page"), 1, 1<<20)
	last := max(1, (len(all)+size-1)/size)
	if repo != nil {
		s.link(c, repo, at, last)
	}
	from := min((at-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

func bounded(text string, usual, most int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return usual
	}
	return min(n, most)
}

// link names the neighbours of a page. The query keeps its order and loses
// nothing but the page; commas and semicolons would mislead the clients' parsers.
func (s *Server) link(c *call, repo *repository, at, last int) {
	_, tail, _ := strings.Cut(strings.TrimPrefix(c.r.URL.EscapedPath(), "/repos/"), "/")
	_, tail, _ = strings.Cut(tail, "/")
	q := c.r.URL.Query()
	var links []string
	add := func(rel string, n int) {
		q.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s/repositories/%d/%s?%s>; rel="%s"`, s.o.API, repo.id, tail, q.Encode(), rel))
	}
	if at > 1 {
		add("prev", at-1)
	}
	if at < last {
		add("next", at+1)
		add("last", last)
	}
	if at > 1 {
		add("first", 1)
	}
	if len(links) > 0 {
		c.w.Header().Set("Link", strings.Join(links, ", "))
	}
}

func unescape(path string) (string, error) { return url.PathUnescape(path) }

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
