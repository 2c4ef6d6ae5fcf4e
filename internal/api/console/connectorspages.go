package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/fault"
	"gatehouse/internal/provider"
)

// connectorView is the page of one connector, there or about to be.
type connectorView struct {
	Frame
	connectorForm
	Heading, Lead string
	Change        string // where name and host are chosen; empty: they are not any more
	Problems      connector.Problems
	Error         string // what is wrong besides the fields
	Register      *registrationView
	Name, Kind    string // Kind as the form has it
	URL           string
	Updated       string
	Stored        bool   // it is there, and can be removed
	Facts         []fact // of a connector in gatehouse.yaml: there is no form then
}

type registrationView struct {
	Host   string      // "GitHub"
	URL    string      // of the host's form
	Fields []formField // "copy" is to be pasted there, "text" to be seen to
}

type fact struct{ Label, Value string }

func (c *Connectors) registration(p *provider.Provider, x *connector.Connector) *registrationView {
	reg := p.Registration(c.URL, c.URL+x.CallbackPath())
	view := &registrationView{Host: hostName(x.Kind), URL: reg.URL}
	for i, f := range reg.Fields {
		field := formField{ID: fmt.Sprintf("register-%d", i), Label: f.Label, Value: f.Value, Type: "text"}
		if strings.Contains(f.Value, "://") || strings.HasPrefix(f.Value, "Gatehouse") {
			field.Type = "copy"
		}
		view.Fields = append(view.Fields, field)
	}
	return view
}

// problemsOf takes the problems of fields out of an error of the set.
func problemsOf(err error) (connector.Problems, error) {
	var problems connector.Problems
	if errors.As(err, &problems) {
		return problems, nil
	}
	return nil, err
}

func (c *Connectors) show(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	x, err := c.Set.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	view := c.storedView(r, who, &connector.Entry{Connector: x}, nil)
	if x.FromFile {
		view.connectorForm, view.Stored, view.Facts = connectorForm{}, false, c.facts(&x)
	}
	c.render(w, r, http.StatusOK, view)
}

// storedView is the page of a connector that there is; e is as it is, or as
// somebody wants it to be.
func (c *Connectors) storedView(r *http.Request, who auth.Principal, e *connector.Entry, problems connector.Problems) connectorView {
	view := connectorView{
		Frame: c.Pages.inEnglish(r, who), connectorForm: c.form(e, problems, false, true), Problems: problems,
		Heading: e.Name, Lead: hostName(e.Kind) + " at " + hostOf(e.URL) + ".",
		Name: e.Name, Kind: e.Kind, Stored: true,
	}
	if !e.Updated.IsZero() {
		view.Updated = e.Updated.UTC().Format(time.RFC3339Nano)
	}
	// A connector that cannot be used can still be looked at and mended.
	if p, err := c.Set.Provider(r.Context(), e.Name); err == nil {
		view.Register = c.registration(p, &e.Connector)
	}
	return view
}

// facts are a connector of gatehouse.yaml, to be read.
func (c *Connectors) facts(x *connector.Connector) []fact {
	all := []fact{
		{"Host", x.URL},
		{"API", x.API},
		{"Client ID", x.ClientID},
		{"Client secret", "kept, and not shown"},
		{"GitHub App", x.Slug},
		{"Scope", x.Scope},
		{"Used by", c.sitesOf(x)},
		{"Callback URL", c.URL + x.CallbackPath()},
		{"Proxy", x.Proxy},
		{"Certificate authority", yes(x.CA != "", "one of your own")},
		{"Address", yes(x.Private, "may be private")},
		{"PKCE", yes(x.NoPKCE, "off, for an old host")},
		{"Window", yes(x.Launcher, "always a second one for the host")},
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" })
}

func yes(is bool, words string) string {
	if is {
		return words
	}
	return ""
}

// change saves an edit. The name and the kind of a connector stay.
func (c *Connectors) change(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	x, err := c.Set.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	e := entryOf(r)
	e.Name, e.Kind = x.Name, x.Kind
	problems, err := problemsOf(c.update(r.Context(), e, &x))
	switch {
	case fault.Is(err, fault.Conflict):
		view := c.storedView(r, who, &connector.Entry{Connector: x}, nil)
		view.Error = "Somebody else has changed this connector in the meantime, and your changes are not saved. Below is how it is now."
		c.render(w, r, http.StatusConflict, view)
	case err != nil:
		c.fail(w, r, err)
	case len(problems) > 0:
		c.render(w, r, http.StatusBadRequest, c.storedView(r, who, &e, problems))
	default:
		c.note(r, who, "changed", e.Name)
		api.Redirect(w, "/console/connectors?done=saved", http.StatusSeeOther)
	}
}

// update saves an edit of old. What was signed in at another host before is
// never taken to the new one.
func (c *Connectors) update(ctx context.Context, e connector.Entry, old *connector.Connector) error {
	if err := c.Set.Update(ctx, e); err != nil {
		return err
	}
	now, err := c.Set.Get(ctx, e.Name)
	if err != nil || now.URL == old.URL && now.API == old.API {
		return err
	}
	_, err = c.Handles.EndConnector(ctx, e.Name)
	return err
}

func (c *Connectors) render(w http.ResponseWriter, r *http.Request, status int, view connectorView) {
	c.Pages.render(w, r, status, "connector", view.Frame, nobody, view)
}
