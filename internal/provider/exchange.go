package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// How much of an answer is read.
const (
	maxToken  = 64 << 10
	maxAnswer = 1 << 20
)

// errTooLarge ends the reading of an answer.
var errTooLarge = errors.New("the answer is too large")

// answer is what a host has said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send does one exchange: in time, bounded, and without following redirects.
func (p *Provider) send(ctx context.Context, req *http.Request, limit int64) (answer, error) {
	patience, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	res, err := p.Client.Do(req.WithContext(patience))
	if err != nil {
		return answer{}, p.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }() // what was wanted of it has been read
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = errTooLarge
	}
	if err != nil {
		return answer{}, p.unreachable(err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

// request is a request without credentials. The body is sent as JSON, or as a
// form when it is url.Values.
func (p *Provider) request(ctx context.Context, method, address string, body any) (*http.Request, error) {
	var content io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		content, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		content, kind = bytes.NewReader(data), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, refuse(Upstream, "%s: the request cannot be made", p.URL)
	}
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req, nil
}

// get asks the API with a person's token. Status 200 is decoded into v;
// anything else is the caller's to judge.
func (p *Provider) get(ctx context.Context, g Grant, path string, v any) (answer, error) {
	req, err := p.request(ctx, http.MethodGet, p.API+path, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+g.AccessToken)
	a, err := p.send(ctx, req, maxAnswer)
	if err != nil {
		return answer{}, err
	}
	if a.status == http.StatusOK && json.Unmarshal(a.body, v) != nil {
		return answer{}, refuse(Upstream, "%s: %s was answered with something else than is expected", p.API, withoutQuery(path))
	}
	return a, nil
}

func withoutQuery(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

// asApp calls the API as the app itself.
func (p *Provider) asApp(ctx context.Context, method, path string, body any) (answer, error) {
	req, err := p.request(ctx, method, p.API+path, body)
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth(p.ClientID, p.ClientSecret)
	return p.send(ctx, req, maxAnswer)
}

// message is what an API says about an error, in the shapes of all hosts:
// {message}, {error: {message}}, {error, error_description}. Empty when it
// says nothing that is understood.
func (a answer) message() string {
	var object map[string]json.RawMessage
	if json.Unmarshal(a.body, &object) != nil {
		return ""
	}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(object["error"], &inner) == nil && inner.Message != "" {
		return inner.Message
	}
	for _, name := range []string{"message", "error_description", "error"} {
		var s string
		if json.Unmarshal(object[name], &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// refused is a refusal for an answer of the API's that was not wanted.
func (a answer) refused(reason Reason, login string) *Refusal {
	r := refuse(reason, "the host answered %d", a.status)
	if m := a.message(); m != "" {
		r.Detail += ": " + m
	}
	r.Login = login
	return r
}

// whose asks the API whose the token is. Any answer but 200 is an error.
func (p *Provider) whose(ctx context.Context, g Grant, v any) (answer, error) {
	a, err := p.get(ctx, g, "/user", v)
	switch {
	case err != nil:
		return answer{}, err
	case a.status == http.StatusOK:
		return a, nil
	case a.status == http.StatusNotFound, a.status/100 == 3:
		return answer{}, refuse(Upstream, "%s/user answered %d: this is not where the API is", p.API, a.status)
	}
	return answer{}, p.denied(a, "", "")
}

// nameless is for a host that answers whose a token is, and names nobody.
func nameless() error { return refuse(Upstream, "the host does not say whose the token is") }

// denied is what an answer other than 200 means, about a repository or about
// the person.
func (p *Provider) denied(a answer, login, repo string) *Refusal {
	message := strings.ToLower(string(a.body))
	switch {
	case a.status == http.StatusForbidden && p.dialect.tooLittle != "" && strings.Contains(message, p.dialect.tooLittle):
		return a.refused(Scope, login)
	case a.passing():
		return a.refused(Upstream, login)
	case a.status == http.StatusForbidden, a.status == http.StatusNotFound,
		a.status == http.StatusGone, a.status == http.StatusUnavailableForLegalReasons:
		return a.refused(NoWrite, login)
	case a.status/100 == 3:
		return &Refusal{Reason: NoWrite, Login: login, Detail: repo + " was renamed or moved: its new name has to be written into the site's configuration"}
	}
	return a.refused(Upstream, login)
}

// mayNotPush is for somebody who can see the repository, and no more.
func mayNotPush(login, repo string) *Refusal {
	return &Refusal{Reason: NoWrite, Login: login, Detail: login + " may see " + repo + ", but not push to it"}
}

// passing reports whether the host is busy or broken, so that nothing follows
// about the person's rights.
func (a answer) passing() bool {
	return a.status >= 500 || a.status == http.StatusTooManyRequests || a.status == http.StatusRequestTimeout
}
