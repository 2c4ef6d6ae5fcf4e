package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/provider"
)

// startView is the first step to a new connector.
type startView struct {
	Frame
	Kinds    []formOption
	KindWord string // what is wrong with the choice
	Fields   []formField
	Problems connector.Problems
}

// begin asks for the host first, because the name of the connector is part of
// what is to be registered there; then it shows that, and the form.
func (c *Connectors) begin(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	q := r.URL.Query()
	if !q.Has(connector.FieldKind) && !q.Has(connector.FieldName) {
		c.start(w, r, who, connector.Entry{}, "", nil)
		return
	}
	choice := q.Get(connector.FieldKind)
	e := connector.Entry{Connector: connector.Connector{Kind: kindOf(choice), URL: q.Get(connector.FieldURL), Name: q.Get(connector.FieldName)}}
	if e.Name == "" {
		if err := c.suggestName(r.Context(), &e); err != nil {
			c.fail(w, r, err)
			return
		}
	}
	problems, err := c.Set.Check(r.Context(), e, false)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	problems = slices.DeleteFunc(problems, func(p connector.Problem) bool {
		return p.Field != connector.FieldKind && p.Field != connector.FieldURL && p.Field != connector.FieldName
	})
	if len(problems) > 0 {
		c.start(w, r, who, e, choice, problems)
		return
	}
	c.render(w, r, http.StatusOK, c.newView(r, who, &e, choice, nil))
}

// suggestName calls a connector by its kind, with a number where that is taken.
func (c *Connectors) suggestName(ctx context.Context, e *connector.Entry) error {
	all, err := c.Set.List(ctx)
	if err != nil {
		return err
	}
	e.Name = e.Kind
	for n := 2; slices.ContainsFunc(all, func(x connector.Connector) bool { return x.Name == e.Name }); n++ {
		e.Name = fmt.Sprintf("%s-%d", e.Kind, n)
	}
	return nil
}

func (c *Connectors) start(w http.ResponseWriter, r *http.Request, who auth.Principal, e connector.Entry, choice string, problems connector.Problems) {
	view := startView{
		Frame: c.Pages.inEnglish(r, who), Problems: problems, KindWord: problemOf(problems, connector.FieldKind),
		Kinds: []formOption{{Value: githubApp, Label: "GitHub, by a GitHub App"}, {Value: provider.GitHub, Label: "GitHub, by an OAuth app"}},
		Fields: []formField{
			{ID: connector.FieldURL, Label: "Address of the host", Type: "url", Value: e.URL, Error: problemOf(problems, connector.FieldURL), Hint: "Empty for github.com, gitlab.com and bitbucket.org."},
			{ID: connector.FieldName, Label: "Name of the connector", Type: "text", Value: e.Name, Error: problemOf(problems, connector.FieldName), Hint: "A word of your choice, which becomes part of the callback URL. Empty: the kind of the host."},
		},
	}
	for _, kind := range provider.Kinds()[1:] {
		view.Kinds = append(view.Kinds, formOption{Value: kind, Label: hostName(kind)})
	}
	for i := range view.Kinds {
		view.Kinds[i].Chosen = view.Kinds[i].Value == choice
	}
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusBadRequest
	}
	c.Pages.render(w, r, status, "connector-new", view.Frame, nobody, view)
}

// newView is the page with what is to be registered, and the form for what the
// host gives for it.
func (c *Connectors) newView(r *http.Request, who auth.Principal, e *connector.Entry, choice string, problems connector.Problems) connectorView {
	asApp := choice == githubApp
	view := connectorView{
		Frame: c.Pages.inEnglish(r, who), connectorForm: c.form(e, problems, asApp, false), Problems: problems,
		Heading: "Connect to " + hostName(e.Kind), Change: "/console/connectors/new",
		Name: e.Name, Kind: choice, URL: e.URL,
	}
	host := e.URL
	if host == "" {
		host = connector.Home(e.Kind)
	}
	view.Lead = "A connector named " + e.Name + ", for " + hostOf(host) + "."
	app := provider.App{Name: e.Name, Kind: e.Kind, URL: host, ClientID: "-", ClientSecret: "-"}
	if asApp {
		app.Slug = "-"
	}
	// With a problem in the host's address there is nothing to register yet.
	if p, err := provider.New(app); err == nil {
		view.Register = c.registration(p, &e.Connector)
	}
	return view
}

func (c *Connectors) add(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	e := entryOf(r)
	problems, err := problemsOf(c.Set.Add(r.Context(), e))
	switch {
	case err != nil:
		c.fail(w, r, err)
	case len(problems) > 0:
		c.render(w, r, http.StatusBadRequest, c.newView(r, who, &e, r.PostFormValue(connector.FieldKind), problems))
	default:
		c.note(r, who, "added", e.Name)
		api.Redirect(w, "/console/connectors?done=added", http.StatusSeeOther)
	}
}
