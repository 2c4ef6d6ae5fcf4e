package connector

import (
	"net/url"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// The names of the fields, as in gatehouse.yaml and in the console's forms.
const (
	FieldName     = "name"
	FieldKind     = "kind"
	FieldURL      = "url"
	FieldAPI      = "api"
	FieldClientID = "client_id"
	FieldSecret   = "client_secret"
	FieldApp      = "app"
	FieldScope    = "scope"
	FieldSites    = "sites"
	FieldCallback = "callback"
	FieldCA       = "ca"
	FieldProxy    = "proxy"
)

// Problem is what is wrong with one field, as a sentence that says what to do.
// It never quotes a secret.
type Problem struct{ Field, Message string }

// Problems is everything that is wrong with an entry. In the errors of a Set it
// is found with errors.As.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		lines[i] = x.Field + ": " + x.Message
	}
	return strings.Join(lines, " ")
}

// fault is the problems as an error of an operation; nil when there are none.
func (p Problems) fault() error {
	if len(p) == 0 {
		return nil
	}
	return fault.Wrap(fault.Invalid, p, "%s", p.Error())
}

// CheckFile holds the entries of gatehouse.yaml against the rules that forms
// are held against, too. It fails with Invalid, and names each connector.
func CheckFile(entries []Entry) error {
	var all Problems
	for i, e := range entries {
		e = tidy(e)
		for _, p := range check(&e, entries[:i]) {
			all = append(all, Problem{Field: "connector " + e.Name + ", " + p.Field, Message: p.Message})
		}
	}
	return all.fault()
}

// tidy forgives what people paste: spaces around values, a slash at the end,
// the line ends of a browser.
func tidy(e Entry) Entry {
	for _, s := range []*string{&e.Name, &e.Kind, &e.URL, &e.API, &e.ClientID, &e.Secret, &e.Slug, &e.Callback, &e.Proxy} {
		*s = strings.TrimSpace(*s)
	}
	e.URL, e.API = tidyURL(e.URL), tidyURL(e.API)
	if e.URL == "" {
		e.URL = Home(e.Kind)
	}
	if _, app, ok := strings.Cut(e.Slug, "/apps/"); ok {
		e.Slug = strings.TrimSuffix(app, "/")
	}
	e.Scope = strings.Join(strings.FieldsFunc(e.Scope, func(r rune) bool { return strings.ContainsRune(" ,+\t\r\n", r) }), " ")
	if e.CA = strings.TrimSpace(strings.ReplaceAll(e.CA, "\r\n", "\n")); e.CA != "" {
		e.CA += "\n"
	}
	if e.Callback == "/callback/"+e.Name {
		e.Callback = ""
	}
	e.Sites = slices.Clone(e.Sites)
	slices.Sort(e.Sites)
	e.Sites = slices.Compact(e.Sites)
	return e
}

func tidyURL(s string) string {
	s = strings.TrimRight(s, "/")
	if s == "" {
		return ""
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u.String()
}

// check is everything that is wrong with a tidied entry among others.
func check(e *Entry, others []Entry) Problems {
	var all Problems
	for _, x := range []struct{ field, message string }{
		{FieldName, nameProblem(e, others)},
		{FieldKind, kindProblem(e.Kind)},
		{FieldURL, urlProblem(e)},
		{FieldAPI, addressProblem(e.API)},
		{FieldClientID, clientProblem(e)},
		{FieldSecret, secretProblem(e)},
		{FieldApp, appProblem(e)},
		{FieldScope, scopeProblem(e)},
		{FieldSites, sitesProblem(e.Sites)},
		{FieldCallback, callbackProblem(e, others)},
		{FieldCA, caProblem(e.CA)},
		{FieldProxy, proxyProblem(e.Proxy)},
	} {
		if x.message != "" {
			all = append(all, Problem{Field: x.field, Message: x.message})
		}
	}
	return all
}
