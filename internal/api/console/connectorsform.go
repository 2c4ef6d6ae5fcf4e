package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/connector"
	"gatehouse/internal/provider"
)

// githubApp is what a form says for a GitHub App, which is of the kind github.
const githubApp = "github-app"

// formField is one field of a form, whatever sort it is of.
type formField struct {
	ID, Label, Hint string
	Type            string // text, url, password, area, select, check, checks
	Value           string
	Error           string
	Required        bool
	Checked         bool
	Options         []formOption
}

type formOption struct {
	Value, Label string
	Chosen       bool
}

// Described lists the ids of what is said about the field.
func (f formField) Described() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.ID+"-error")
	}
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// entryOf reads a connector from a form.
func entryOf(r *http.Request) connector.Entry {
	on := func(name string) bool { return r.PostFormValue(name) != "" }
	e := connector.Entry{Secret: r.PostFormValue(connector.FieldSecret), Connector: connector.Connector{
		Name:     r.PostFormValue(connector.FieldName),
		Kind:     kindOf(r.PostFormValue(connector.FieldKind)),
		URL:      r.PostFormValue(connector.FieldURL),
		API:      r.PostFormValue(connector.FieldAPI),
		ClientID: r.PostFormValue(connector.FieldClientID),
		Slug:     r.PostFormValue(connector.FieldApp),
		Scope:    r.PostFormValue(connector.FieldScope),
		Callback: r.PostFormValue(connector.FieldCallback),
		CA:       r.PostFormValue(connector.FieldCA),
		Proxy:    r.PostFormValue(connector.FieldProxy),
		Private:  on("private"), NoPKCE: on("old"), Launcher: on("launcher"),
	}}
	for _, s := range r.PostForm[connector.FieldSites] {
		e.Sites = append(e.Sites, strings.TrimSpace(s))
	}
	// When the form was made; what is no time is none.
	e.Updated, _ = time.Parse(time.RFC3339Nano, r.PostFormValue("updated"))
	return e
}

// kindOf is the kind that a form's choice means.
func kindOf(choice string) string {
	if choice == githubApp {
		return provider.GitHub
	}
	return choice
}

// connectorForm is the fields of a connector: those that everybody needs, and
// the others.
type connectorForm struct {
	Fields, More []formField
	Open         bool // there is something in More to be seen
}

// form makes the fields for an entry. asApp wants a GitHub App's name up front;
// stored says that a secret is kept already.
func (c *Connectors) form(e *connector.Entry, problems connector.Problems, asApp, stored bool) connectorForm {
	x := e.Shown()
	secret := formField{ID: connector.FieldSecret, Label: "Client secret", Type: "password", Required: !stored, Hint: "It is kept sealed, and never shown again."}
	if stored {
		secret.Hint = "Leave it empty to keep the one there is, which is never shown."
	}
	app := formField{ID: connector.FieldApp, Label: "Name of the GitHub App", Type: "text", Value: x.Slug, Required: asApp, Hint: "As in its address, github.com/apps/NAME."}
	f := connectorForm{Fields: []formField{
		{ID: connector.FieldClientID, Label: "Client ID", Type: "text", Value: x.ClientID, Required: true},
		secret,
	}}
	if stored {
		f.Fields = slices.Insert(f.Fields, 0, formField{ID: connector.FieldURL, Label: "Address of the host", Type: "url", Value: x.URL, Hint: "With another address the secret has to be given again."})
	}
	switch {
	case x.Kind != provider.GitHub && x.Slug == "":
	case asApp || x.Slug != "":
		f.Fields = append(f.Fields, app)
	default:
		app.Hint += " Empty for an OAuth app."
		f.More = append(f.More, app)
	}
	f.More = append(f.More, c.more(&x)...)
	for _, list := range [][]formField{f.Fields, f.More} {
		for i := range list {
			list[i].Error = problemOf(problems, list[i].ID)
		}
	}
	f.Open = slices.ContainsFunc(f.More, formField.speaks)
	return f
}

// speaks reports whether a field is not as it is at the start.
func (f formField) speaks() bool {
	return f.Error != "" || f.Checked || f.Value != "" || slices.ContainsFunc(f.Options, func(o formOption) bool { return o.Chosen && o.Value != "" })
}

func problemOf(problems connector.Problems, field string) string {
	for _, p := range problems {
		if p.Field == field {
			return p.Message
		}
	}
	return ""
}

// more is the fields that few need.
func (c *Connectors) more(x *connector.Connector) []formField {
	var fields []formField
	if sites := c.siteOptions(x.Sites); len(sites) > 0 {
		fields = append(fields, formField{ID: connector.FieldSites, Label: "Sites that use it", Type: "checks", Options: sites, Hint: "With none chosen, every site whose repository is at this kind of host."})
	}
	if known := connector.Scopes(x.Kind); len(known) > 0 || x.Scope != "" {
		fields = append(fields, formField{ID: connector.FieldScope, Label: "Most that people are asked for", Type: "text", Value: x.Scope, Hint: "Scopes with spaces between. Empty: what a CMS needs, and no more."})
	}
	fields = append(
		fields,
		formField{ID: connector.FieldCallback, Label: "Callback URL", Type: "select", Options: c.callbackOptions(x), Hint: "Another than the usual one is for people who come from another sign-in service, and keep what is registered at the host."},
		formField{ID: connector.FieldAPI, Label: "Address of the API", Type: "url", Value: x.API, Hint: "Empty: the usual one of the host."},
		formField{ID: connector.FieldProxy, Label: "Proxy to reach the host through", Type: "url", Value: x.Proxy, Hint: "http://proxy.example:3128, with user and password where it wants them. A password that is kept is not shown."},
		formField{ID: connector.FieldCA, Label: "Certificate authority of your own", Type: "area", Value: x.CA, Hint: "In PEM, for a host whose certificate the world does not know."},
		formField{ID: "private", Label: "The host has a private address", Type: "check", Checked: x.Private, Hint: "Without this, a name that leads into your own network is refused."},
	)
	if x.Kind != provider.Bitbucket {
		fields = append(fields, formField{ID: "old", Label: "The host is too old for PKCE", Type: "check", Checked: x.NoPKCE, Hint: "Only when it refuses sign-ins without this."})
	}
	return append(fields, formField{ID: "launcher", Label: "Always open the host in a second window", Type: "check", Checked: x.Launcher, Hint: "Gatehouse finds out by itself when that is needed."})
}

// siteOptions are the sites of the server, and those that are chosen though
// they are gone: dropping the last one would open the connector to every site.
func (c *Connectors) siteOptions(chosen []string) []formOption {
	var options []formOption
	for _, s := range c.Sites {
		options = append(options, formOption{Value: s.Name, Label: c.siteTitle(s.Name), Chosen: slices.Contains(chosen, s.Name)})
	}
	for _, name := range chosen {
		if !slices.ContainsFunc(c.Sites, func(s SiteLink) bool { return s.Name == name }) {
			options = append(options, formOption{Value: name, Label: name + " (no longer in gatehouse.yaml)", Chosen: true})
		}
	}
	return options
}

func (c *Connectors) callbackOptions(x *connector.Connector) []formOption {
	options := []formOption{{Label: c.URL + "/callback/" + x.Name}}
	for _, path := range connector.Aliases() {
		options = append(options, formOption{Value: path, Label: c.URL + path, Chosen: x.Callback == path})
	}
	return options
}
